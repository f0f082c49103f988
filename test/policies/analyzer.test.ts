import { ChildProcess, spawn } from "node:child_process";
import { cpSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import * as grpc from "@grpc/grpc-js";
import { AnalyzerClient } from "@pulumi/pulumi/proto/analyzer_grpc_pb";
import {
  AnalyzeRequest,
  AnalyzeResponse,
  AnalyzerInfo,
  AnalyzerPropertyDependencies,
  AnalyzerResource,
  AnalyzerResourceOptions,
  AnalyzeStackRequest,
  ConfigureAnalyzerRequest,
  PolicyConfig,
} from "@pulumi/pulumi/proto/analyzer_pb";
import { expect } from "chai";
import { unknownValue } from "@pulumi/pulumi/runtime/rpc";
import { Empty } from "google-protobuf/google/protobuf/empty_pb";
import { JavaScriptValue, Struct } from "google-protobuf/google/protobuf/struct_pb";
import { Resource } from "../../policies/resource";
import { rules } from "../../policies/rules";
import { UNKNOWN } from "../../policies/values";
import { policyConfigOf, previewOf } from "../support";
import { MutableStack } from "./mutant";

const ROOT = join(__dirname, "..", "..");

const BUCKET = "aws:s3/bucket:Bucket";

/** Values as the engine sends them. */
function struct(inputs: Record<string, unknown>): Struct {
  const text = JSON.stringify(inputs).replaceAll(`"${UNKNOWN}"`, `"${unknownValue}"`);
  return Struct.fromJavaScript(JSON.parse(text) as Record<string, JavaScriptValue>);
}

const OPEN = {
  cidrBlocks: ["0.0.0.0/0"],
  ipv6CidrBlocks: [],
  prefixListIds: [],
  securityGroups: [],
  fromPort: 443,
  toPort: 443,
  protocol: "tcp",
};
/**
 * Outputs that AWS computes for a resource and that other resources configure. The engine shows them to stack rules, and
 * the region of each resource.
 */
const COMPUTED: Record<string, Record<string, unknown>> = {
  [BUCKET]: {
    acl: "",
    grants: [{ id: "79a59df900b949e5", permissions: ["FULL_CONTROL"], type: "CanonicalUser", uri: "" }],
    policy: '{"Version":"2012-10-17","Statement":[]}',
    versioning: { enabled: true, mfaDelete: false },
    corsRules: [{ allowedMethods: ["GET"], allowedOrigins: ["https://iaso.example.org"] }],
    serverSideEncryptionConfiguration: { rule: { applyServerSideEncryptionByDefault: {} } },
    lifecycleRules: [],
  },
  "aws:ec2/securityGroup:SecurityGroup": { ingress: [OPEN], egress: [OPEN] },
  "aws:iam/role:Role": {
    inlinePolicies: [
      { name: "x", policy: '{"Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}' },
    ],
    managedPolicyArns: ["arn:aws:iam::aws:policy/service-role/AWSElasticBeanstalkEnhancedHealth"],
  },
  "aws:sqs/queue:Queue": { policy: '{"Version":"2012-10-17","Statement":[]}' },
  "aws:sns/topic:Topic": { policy: '{"Version":"2012-10-17","Statement":[]}' },
  "aws:elasticbeanstalk/environment:Environment": {
    platformArn: "arn:aws:elasticbeanstalk:eu-central-1::platform/x/1",
  },
};
const withComputed = (resources: Resource[], known: boolean): Resource[] =>
  resources.map((resource) => {
    const added = Object.entries({
      ...COMPUTED[resource.type],
      ...(resource.type.startsWith("aws:") && { region: "eu-central-1" }),
    });
    const values = added.map(([name, value]) => [name, known ? value : UNKNOWN] as const);
    return { ...resource, inputs: { ...Object.fromEntries(values), ...resource.inputs } };
  });

describe("policy pack in the engine's protocol", () => {
  const folder = mkdtempSync(join(tmpdir(), "iaso-policies-"));
  let pack: ChildProcess;
  let client: AnalyzerClient;

  const call = <Reply>(
    start: (done: (error: grpc.ServiceError | null, reply: Reply) => void) => void,
  ): Promise<Reply> =>
    new Promise((resolve, reject) => {
      start((error, reply) => {
        if (error) reject(error);
        else resolve(reply);
      });
    });

  const configure = (config: Record<string, Record<string, JavaScriptValue>>) => {
    const request = new ConfigureAnalyzerRequest();
    for (const [name, properties] of Object.entries(config)) {
      const policy = new PolicyConfig();
      policy.setProperties(Struct.fromJavaScript(properties));
      request.getPolicyconfigMap().set(name, policy);
    }
    return call<Empty>((done) => client.configure(request, done));
  };

  const analyzeStack = async (resources: Resource[]) => {
    const request = new AnalyzeStackRequest();
    request.setResourcesList(
      resources.map((resource) => {
        const message = new AnalyzerResource();
        message.setType(resource.type);
        message.setUrn(resource.urn);
        message.setName(resource.name);
        message.setProperties(struct(resource.inputs));
        const options = new AnalyzerResourceOptions();
        options.setProtect(resource.protect ?? false);
        message.setOptions(options);
        for (const [property, urns] of Object.entries(resource.propertyDependencies ?? {})) {
          const dependencies = new AnalyzerPropertyDependencies();
          dependencies.setUrnsList(urns);
          message.getPropertydependenciesMap().set(property, dependencies);
        }
        return message;
      }),
    );
    const reply = await call<AnalyzeResponse>((done) => client.analyzeStack(request, done));
    return reply.getDiagnosticsList().map((one) => one.toObject());
  };

  const analyze = async (type: string, inputs: Record<string, unknown>) => {
    const request = new AnalyzeRequest();
    request.setType(type);
    request.setUrn(`urn:pulumi:staging::iaso::${type}::x`);
    request.setName("x");
    request.setProperties(struct(inputs));
    request.setOptions(new AnalyzerResourceOptions());
    const reply = await call<AnalyzeResponse>((done) => client.analyze(request, done));
    return reply.getDiagnosticsList().map((one) => one.toObject());
  };

  before(async () => {
    // The pack alone, as it would be published: it may need nothing of the project but its libraries.
    cpSync(join(ROOT, "policies"), folder, { recursive: true });
    symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"));
    // The very program by which the language host starts a pack, in the pack's folder as the host does.
    const program = join(ROOT, "node_modules/@pulumi/pulumi/cmd/run-policy-pack");
    pack = spawn(process.execPath, [program, "127.0.0.1:1", "."], {
      cwd: folder,
      stdio: ["ignore", "pipe", "inherit"],
    });
    const port = await new Promise<string>((resolve, reject) => {
      if (pack.stdout) createInterface({ input: pack.stdout }).once("line", resolve);
      pack.once("exit", (code) => {
        reject(new Error(`the pack ended with ${String(code)}`));
      });
    });
    client = new AnalyzerClient(`127.0.0.1:${port}`, grpc.credentials.createInsecure());
  });

  after(() => {
    client.close();
    pack.kill("SIGKILL");
    rmSync(folder, { recursive: true });
  });

  it("lists every rule with level, severity and standard", async () => {
    const info = (await call<AnalyzerInfo>((done) => client.getAnalyzerInfo(new Empty(), done))).toObject();
    expect(info.policiesList.map(({ name }) => name)).to.have.members(rules.map(({ name }) => name));
    const tls = info.policiesList.find(({ name }) => name === "bucket-tls-only");
    expect(tls?.framework).to.include({ name: "AWS FSBP", reference: "S3.5" });
    expect(tls?.description).to.include("plain HTTP");
  });

  it("asks for a reason, in the engine too", async () => {
    const wants = { backupRetentionPeriod: 1, deleteAutomatedBackups: false };
    const messages = async (config: Record<string, JavaScriptValue>) => {
      await configure({ "database-backups": config });
      return (await analyze("aws:rds/instance:Instance", wants))
        .filter(({ policyname }) => policyname === "database-backups")
        .map(({ message }) => message);
    };
    expect((await messages({ minDays: 1 })).join()).to.include("relaxed without a reason");
    expect(await messages({ minDays: 1, reason: "a test" })).to.deep.equal([]);
    expect((await messages({})).join()).to.include("backupRetentionPeriod is 1. Write 14 or more");
    await configure({});
  });

  it("judges a resource by itself, and says when a value is not known", async () => {
    const wrong = await analyze(BUCKET, { bucket: "x", tags: { class: "public" } });
    expect(wrong.map(({ policyname }) => policyname)).to.include("bucket-class");
    const unknown = await analyze("aws:rds/instance:Instance", { publiclyAccessible: UNKNOWN });
    const message = unknown.find(({ policyname }) => policyname === "database-private")?.message;
    expect(message).to.include("could not be evaluated");
  });

  // Each analysis of a stack takes the SDK seconds. Both stacks are judged in this process elsewhere.
  for (const [stack, unknowns] of [
    ["staging", [false, true]],
    ["prod", [true]],
  ] as const) {
    it(`finds nothing in ${stack}, known or not, and an unsafe edit of it`, async () => {
      const config = policyConfigOf(stack) as Record<string, Record<string, JavaScriptValue>>;
      // The engine takes the level out of the config and skips what is disabled.
      const disabled = Object.keys(config).filter((name) => config[name]?.enforcementLevel === "disabled");
      const violations = async (resources: Resource[]) =>
        (await analyzeStack(resources)).filter(({ policyname }) => !disabled.includes(policyname));
      await configure(config);
      for (const unknownOutputs of unknowns) {
        const document = await previewOf(stack, { unknownOutputs });
        expect(await violations(document.resources)).to.deep.equal([]);
        expect(await violations(withComputed(document.resources, !unknownOutputs))).to.deep.equal([]);
        const mutant = new MutableStack(document.resources);
        mutant.remove("environment", "worker").set("block", "media", "blockPublicPolicy", false);
        const found = await violations(mutant.resources);
        expect(found.map(({ policyname }) => policyname)).to.include.members([
          "web-worker-pair",
          "bucket-public-access-block",
        ]);
      }
    });
  }
});

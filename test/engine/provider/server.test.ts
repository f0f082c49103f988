import { ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import * as grpc from "@grpc/grpc-js";
import { ResourceProviderClient } from "@pulumi/pulumi/proto/provider_grpc_pb";
import * as messages from "@pulumi/pulumi/proto/provider_pb";
import { Status } from "@pulumi/pulumi/proto/status_pb";
import { specialSecretSig, specialSigKey } from "@pulumi/pulumi/runtime/rpc";
import { expect } from "chai";
import { JavaScriptValue, Struct } from "google-protobuf/google/protobuf/struct_pb";
import { zoneIdOf } from "../../../simulated-aws/route53";
import type { Fault } from "./faults";

type Values = Record<string, JavaScriptValue>;

const BUCKET = "aws:s3/bucket:Bucket";
const QUEUE = "aws:sqs/queue:Queue";
const DATABASE = "aws:rds/instance:Instance";
const ENVIRONMENT = "aws:elasticbeanstalk/environment:Environment";

describe("simulated AWS as a provider, over gRPC", function () {
  this.timeout(20_000);
  const folder = mkdtempSync(join(tmpdir(), "iaso-provider-"));
  let provider: ChildProcess;
  let client: ResourceProviderClient;

  const start = async () => {
    const main = join(__dirname, "main.ts");
    const files = [join(folder, "account.json"), join(folder, "faults.json")];
    provider = spawn(process.execPath, ["--require", "./cli/loader.cjs", main, ...files], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    if (provider.stdout === null) throw new Error("no output");
    const [port] = (await once(createInterface({ input: provider.stdout }), "line")) as [string];
    client = new ResourceProviderClient(`127.0.0.1:${port}`, grpc.credentials.createInsecure());
  };
  const kill = async () => {
    client.close();
    provider.kill("SIGKILL");
    await once(provider, "exit");
  };
  const faults = (...all: Fault[]) => {
    writeFileSync(join(folder, "faults.json"), JSON.stringify(all));
  };

  const call = <Reply>(run: (done: (error: grpc.ServiceError | null, reply: Reply) => void) => void) =>
    new Promise<Reply>((resolve, reject) => {
      run((error, reply) => {
        if (error) reject(new Error(error.details));
        else resolve(reply);
      });
    });
  const urn = (type: string, name: string) => `urn:pulumi:staging::iaso::${type}::${name}`;

  const create = async (type: string, name: string, inputs: Values) => {
    const request = new messages.CreateRequest();
    request.setUrn(urn(type, name));
    request.setType(type);
    request.setName(name);
    request.setProperties(Struct.fromJavaScript(inputs));
    const reply = await call<messages.CreateResponse>((done) => client.create(request, done));
    return { id: reply.getId(), state: reply.getProperties()?.toJavaScript() ?? {} };
  };
  const inEach = <Request extends messages.DiffRequest | messages.UpdateRequest>(
    request: Request,
    [type, name]: [type: string, name: string],
    [inputs, state, news]: [inputs: Values, state: Values, news: Values],
    ignored: string[] = [],
  ): Request => {
    request.setUrn(urn(type, name));
    request.setType(type);
    request.setName(name);
    request.setOldInputs(Struct.fromJavaScript(inputs));
    request.setOlds(Struct.fromJavaScript(state));
    request.setNews(Struct.fromJavaScript(news));
    request.setIgnorechangesList(ignored);
    return request;
  };
  const update = async (
    resource: [type: string, name: string],
    id: string,
    values: [inputs: Values, state: Values, news: Values],
    ignored: string[] = [],
  ) => {
    const request = inEach(new messages.UpdateRequest(), resource, values, ignored);
    request.setId(id);
    const reply = await call<messages.UpdateResponse>((done) => client.update(request, done));
    return reply.getProperties()?.toJavaScript() ?? {};
  };
  const read = async (type: string, name: string, id: string) => {
    const request = new messages.ReadRequest();
    request.setUrn(urn(type, name));
    request.setType(type);
    request.setName(name);
    request.setId(id);
    const reply = await call<messages.ReadResponse>((done) => client.read(request, done));
    return {
      id: reply.getId(),
      inputs: reply.getInputs()?.toJavaScript() ?? {},
      state: reply.getProperties()?.toJavaScript() ?? {},
    };
  };
  const remove = async (type: string, name: string, id: string) => {
    const request = new messages.DeleteRequest();
    request.setUrn(urn(type, name));
    request.setType(type);
    request.setName(name);
    request.setId(id);
    await call((done) => client.delete(request, done));
  };
  const diff = async (type: string, olds: Values, news: Values) => {
    const request = new messages.DiffRequest();
    request.setUrn(urn(type, "x"));
    request.setType(type);
    request.setOldInputs(Struct.fromJavaScript(olds));
    request.setNews(Struct.fromJavaScript(news));
    const reply = await call<messages.DiffResponse>((done) => client.diff(request, done));
    return { changed: reply.getDiffsList(), replacing: reply.getReplacesList() };
  };
  const refused = async (promise: Promise<unknown>): Promise<string> =>
    promise.then(
      () => "nothing was refused",
      (error: unknown) => (error as Error).message,
    );

  before(start);
  after(async () => {
    await kill();
    rmSync(folder, { recursive: true });
  });
  afterEach(() => {
    faults();
  });

  it("refuses a second bucket of a name", async () => {
    await create(BUCKET, "first", { bucket: "twice" });
    expect(await refused(create(BUCKET, "second", { bucket: "twice" }))).to.include("already exists");
  });

  it("refuses an environment on a superseded platform version, new or updated, or on a retired branch", async () => {
    const type = "aws:elasticbeanstalk/environment:Environment";
    const name = "64bit Amazon Linux 2023 v4.13.1 running Docker";
    await create("aws:elasticbeanstalk/application:Application", "platforms", { name: "platforms" });
    const inputs = { application: "platforms", name: "platforms", solutionStackName: name };
    const message = `No Solution Stack named '${name}' found.`;
    expect(await refused(create(type, "old", inputs))).to.include(message);
    const retired = { ...inputs, solutionStackName: "64bit Amazon Linux 2023 v4.13.5 running Python 3.9" };
    expect(await refused(create(type, "retired", retired))).to.include("No Solution Stack named");
    const current = { ...inputs, solutionStackName: name.replace("4.13.1", "4.13.9") };
    const { id, state } = await create(type, "current", current);
    expect(await refused(update([type, "current"], id, [current, state, inputs]))).to.include(message);
    await remove(type, "current", id);
  });

  it("returns the changed properties and the properties that replace", async () => {
    expect(await diff(QUEUE, { name: "a" }, { name: "b" })).to.deep.equal({
      changed: ["name"],
      replacing: ["name"],
    });
    expect(await diff(QUEUE, { name: "a", delaySeconds: 1 }, { name: "a", delaySeconds: 2 })).to.deep.equal({
      changed: ["delaySeconds"],
      replacing: [],
    });
    expect(await diff(QUEUE, { name: "a" }, { name: "a" })).to.deep.equal({ changed: [], replacing: [] });
  });

  it("refuses to delete a protected database, and keeps its final snapshot", async () => {
    const inputs = { identifier: "db", deletionProtection: true, finalSnapshotIdentifier: "db-final" };
    const { id } = await create(DATABASE, "db", inputs);
    expect(await refused(remove(DATABASE, "db", id))).to.include("protected DB instance");
    await update([DATABASE, "db"], id, [inputs, inputs, { ...inputs, deletionProtection: false }]);
    await remove(DATABASE, "db", id);
    expect((await read(DATABASE, "db", id)).id).to.equal("");
    const again = await create(DATABASE, "db", { ...inputs, deletionProtection: false });
    expect(await refused(remove(DATABASE, "db", again.id))).to.include("already exists");
  });

  it("reads Beanstalk's settings back in AWS's order", async () => {
    const setting = (namespace: string, name: string, value: string) => ({
      namespace,
      name,
      value,
      resource: "",
    });
    await create("aws:elasticbeanstalk/application:Application", "iaso", { name: "iaso" });
    const { id } = await create(ENVIRONMENT, "web", {
      name: "web",
      application: "iaso",
      settings: [
        setting("aws:elasticbeanstalk:command", "Timeout", "3600"),
        setting("aws:autoscaling:asg", "MinSize", "2"),
        setting("aws:autoscaling:asg", "MaxSize", "4"),
      ],
    });
    const { inputs, state } = await read(ENVIRONMENT, "web", id);
    expect((inputs.settings as { name: string }[]).map(({ name }) => name)).to.deep.equal([
      "MaxSize",
      "MinSize",
      "Timeout",
    ]);
    // Among the defaults that AWS adds, the values that were asked for stay.
    const all = state.allSettings as { namespace: string; name: string; value: string }[];
    expect(all.map(({ name, value }) => `${name}=${value}`)).to.include.members([
      "MaxSize=4",
      "MinSize=2",
      "Timeout=3600",
      "BatchSize=100",
    ]);
    const options = all.map(({ namespace, name }) => `${namespace} ${name}`);
    expect(options).to.deep.equal([...new Set(options)]);
    const again = await create(ENVIRONMENT, "worker", {
      name: "worker",
      tier: "Worker",
      application: "iaso",
      settings: [
        setting("aws:ec2:instances", "InstanceTypes", "t3.large,t3.2xlarge"),
        setting("aws:elbv2:listener:443", "Protocol", "HTTPS"),
        setting("aws:autoscaling:launchconfiguration", "DisableIMDSv1", "True"),
      ],
    });
    const worker = (await read(ENVIRONMENT, "worker", again.id)).inputs.settings as { value: string }[];
    expect(worker.map(({ value }) => value)).to.deep.equal(["true", "t3.2xlarge,t3.large"]);
  });

  it("gives every id once, and refuses a second environment of a name", async () => {
    const ENVIRONMENT_NAME = { name: "alone", application: "iaso" };
    const { id } = await create(ENVIRONMENT, "alone", ENVIRONMENT_NAME);
    expect(await refused(create(ENVIRONMENT, "again", ENVIRONMENT_NAME))).to.include("InvalidParameterValue");
    await remove(ENVIRONMENT, "alone", id);
    expect((await create(ENVIRONMENT, "alone", ENVIRONMENT_NAME)).id).not.to.equal(id);
  });

  it("refuses to delete a resource that another one uses", async () => {
    const vpc = await create("aws:ec2/vpc:Vpc", "net", { cidrBlock: "10.0.0.0/16" });
    const subnet = await create("aws:ec2/subnet:Subnet", "net", { vpcId: vpc.id, cidrBlock: "10.0.0.0/20" });
    expect(await refused(remove("aws:ec2/vpc:Vpc", "net", vpc.id))).to.include("DependencyViolation");
    await create("aws:rds/subnetGroup:SubnetGroup", "net", { name: "net", subnetIds: [subnet.id] });
    expect(await refused(remove("aws:ec2/subnet:Subnet", "net", subnet.id))).to.include(
      "DependencyViolation",
    );
    await remove("aws:rds/subnetGroup:SubnetGroup", "net", "net");
    await remove("aws:ec2/subnet:Subnet", "net", subnet.id);
    await remove("aws:ec2/vpc:Vpc", "net", vpc.id);
    await create("aws:iam/role:Role", "used", { name: "used" });
    await create("aws:iam/instanceProfile:InstanceProfile", "used", { name: "used", role: "used" });
    expect(await refused(remove("aws:iam/role:Role", "used", "used"))).to.include("DeleteConflict");
  });

  it("issues a certificate only if its validation record exists, and refuses a listener with one that is not issued", async () => {
    const certificate = await create("aws:acm/certificate:Certificate", "web", {
      domainName: "web.example.org",
      validationMethod: "DNS",
    });
    const validate = () =>
      create("aws:acm/certificateValidation:CertificateValidation", "web", {
        certificateArn: certificate.id,
      });
    await create("aws:elasticbeanstalk/application:Application", "listens", { name: "listens" });
    const web = await create(ENVIRONMENT, "listens", { name: "listens", application: "listens" });
    const [loadBalancerArn = ""] = web.state.loadBalancers as string[];
    const listen = () =>
      create("aws:lb/listener:Listener", "web", {
        loadBalancerArn,
        port: 443,
        certificateArn: certificate.id,
      });
    expect(await refused(validate())).to.include("still waits for its record");
    expect(await refused(listen())).to.include("UnsupportedCertificate");
    const [option] = certificate.state.domainValidationOptions as Record<string, string>[];
    const record = {
      zoneId: zoneIdOf("example.org"),
      type: "CNAME",
      ttl: 300,
      name: option?.resourceRecordName ?? "",
      records: [option?.resourceRecordValue ?? ""],
    };
    const wrong: [what: string, values: Values][] = [
      ["value", { records: ["something else"] }],
      ["type", { type: "TXT" }],
      ["zone", { zoneId: zoneIdOf("example.com") }],
    ];
    for (const [what, values] of wrong) {
      const { id } = await create("aws:route53/record:Record", what, { ...record, ...values });
      expect(await refused(validate()), what).to.include("still waits for its record");
      await remove("aws:route53/record:Record", what, id);
    }
    await create("aws:route53/record:Record", "right", record);
    await validate();
    await listen();
  });

  it("refuses a public policy on a bucket that blocks public policies, as new buckets do", async () => {
    await create(BUCKET, "public", { bucket: "public" });
    const policy = JSON.stringify({
      Statement: [{ Effect: "Allow", Principal: "*", Action: "s3:GetObject", Resource: "*" }],
    });
    const open = () => create("aws:s3/bucketPolicy:BucketPolicy", "public", { bucket: "public", policy });
    expect(await refused(open())).to.include("AccessDenied");
    await create("aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock", "public", {
      bucket: "public",
      blockPublicPolicy: false,
    });
    // S3 takes a moment to lift the block.
    expect(await refused(open())).to.include("AccessDenied");
    expect(await refused(open())).to.include("AccessDenied");
    await open();
  });

  it("refuses another account", async () => {
    const configure = (accounts: string[]) => {
      const request = new messages.ConfigureRequest();
      request.setArgs(Struct.fromJavaScript({ allowedAccountIds: JSON.stringify(accounts) }));
      return call<messages.ConfigureResponse>((done) => client.configure(request, done));
    };
    await configure(["123456789012"]);
    expect(await refused(configure(["210987654321"]))).to.include("AWS account ID not allowed: 123456789012");
  });

  it("fails one call by default", async () => {
    faults({ operation: "create", type: BUCKET, action: "fail" });
    expect(await refused(create(BUCKET, "once", { bucket: "once" }))).to.include("simulated fault");
    expect((await create(BUCKET, "once", { bucket: "once" })).id).to.equal("once");
  });

  it("fails a number of calls from the nth on", async () => {
    faults({ operation: "create", type: QUEUE, nth: 2, times: 2, action: "fail" });
    const results = [];
    for (const name of ["q1", "q2", "q3", "q4"]) {
      results.push(
        await create(QUEUE, name, { name }).then(
          ({ id }) => id !== "",
          () => false,
        ),
      );
    }
    expect(results).to.deep.equal([true, false, false, true]);
  });

  it("counts the calls of each resource separately with `each`", async () => {
    faults({ operation: "create", type: QUEUE, each: true, action: "fail" });
    const attempt = (name: string) =>
      create(QUEUE, name, { name }).then(
        () => true,
        () => false,
      );
    const results = [];
    for (const name of ["e1", "e2", "e1", "e2"]) results.push(await attempt(name));
    expect(results).to.deep.equal([false, false, true, true]);
  });

  it("delays a call", async () => {
    faults({ operation: "create", name: "late", action: "delay", milliseconds: 300 });
    const order: string[] = [];
    const made = (name: string) => create(QUEUE, name, { name }).then(() => order.push(name));
    await Promise.all([made("late"), made("soon")]);
    expect(order).to.deep.equal(["soon", "late"]);
  });

  it("keeps its resources after a kill", async () => {
    await create(BUCKET, "kept", { bucket: "kept", tags: { env: "staging" } });
    await kill();
    await start();
    expect((await read(BUCKET, "kept", "kept")).inputs).to.deep.equal({
      bucket: "kept",
      tags: { env: "staging" },
    });
    expect(await refused(create(BUCKET, "again", { bucket: "kept" }))).to.match(/exists|own/i);
  });

  it("exits after it has created a resource", async () => {
    faults({ operation: "create", type: BUCKET, action: "die", phase: "after" });
    await refused(create(BUCKET, "last", { bucket: "last" }));
    if (provider.exitCode === null) await once(provider, "exit");
    client.close();
    await start();
    faults();
    expect((await read(BUCKET, "last", "last")).id).to.equal("last");
  });

  it("refuses to delete a bucket with objects", async () => {
    await create(BUCKET, "full", { bucket: "full" });
    await create("aws:s3/bucketObjectv2:BucketObjectv2", "a", { bucket: "full", key: "a" });
    expect(await refused(remove(BUCKET, "full", "full"))).to.include("BucketNotEmpty");
  });

  it("keeps and reports a resource that did not become ready", async () => {
    faults({ operation: "create", type: DATABASE, name: "slow", action: "initFail" });
    const inputs = { identifier: "slow", password: "unseen" };
    const request = new messages.CreateRequest();
    request.setUrn(urn(DATABASE, "slow"));
    request.setType(DATABASE);
    request.setName("slow");
    request.setProperties(Struct.fromJavaScript(inputs));
    const error = await new Promise<grpc.ServiceError | null>((resolve) => client.create(request, resolve));
    const [binary = ""] = error?.metadata.get("grpc-status-details-bin") ?? [];
    const [detail] = Status.deserializeBinary(Buffer.from(binary)).getDetailsList();
    const failed = detail?.unpack(
      (bytes) => messages.ErrorResourceInitFailed.deserializeBinary(bytes),
      "pulumirpc.ErrorResourceInitFailed",
    );
    expect(failed?.getReasonsList()).to.deep.equal([error?.details]);
    expect(error?.details).to.include(`${DATABASE} slow did not become ready`);
    // The provider has not read what AWS has made: there is no address yet.
    expect(failed?.getProperties()?.toJavaScript()).to.deep.equal({
      identifier: "slow",
      password: { [specialSigKey]: specialSecretSig, value: "unseen" },
    });
    const found = await read(DATABASE, "slow", failed?.getId() ?? "");
    expect(found.state.address).to.match(/^slow\./);
    expect(await refused(create(DATABASE, "slow", inputs))).to.include("already exists");
  });

  describe("with the engine's state", () => {
    const compare = (
      type: string,
      values: [inputs: Values, state: Values, news: Values],
      ignored: string[] = [],
    ) =>
      call<messages.DiffResponse>((done) =>
        client.diff(inEach(new messages.DiffRequest(), [type, "x"], values, ignored), done),
      );
    const reread = async (type: string, id: string, inputs: Values, state: Values) => {
      const request = new messages.ReadRequest();
      request.setUrn(urn(type, "x"));
      request.setType(type);
      request.setName("x");
      request.setId(id);
      request.setInputs(Struct.fromJavaScript(inputs));
      request.setProperties(Struct.fromJavaScript(state));
      const reply = await call<messages.ReadResponse>((done) => client.read(request, done));
      return [reply.getInputs()?.toJavaScript().password, reply.getProperties()?.toJavaScript().password];
    };
    const marked = (value: string) => ({ [specialSigKey]: specialSecretSig, value });

    it("compares the new inputs with the old state, or with the old inputs for properties without state", async () => {
      const inputs = { name: "a", delaySeconds: 1 };
      const changed = async (...args: Parameters<typeof compare>) => (await compare(...args)).getDiffsList();
      expect(await changed(QUEUE, [inputs, { ...inputs, url: "a" }, inputs])).to.deep.equal([]);
      const drifted = { name: "a", delaySeconds: 9 };
      expect(await changed(QUEUE, [inputs, drifted, inputs])).to.deep.equal(["delaySeconds"]);
      expect(await changed(QUEUE, [inputs, drifted, inputs], ["delaySeconds"])).to.deep.equal([]);
      expect(await changed(QUEUE, [inputs, { name: "a" }, inputs])).to.deep.equal([]);
      expect(await changed(QUEUE, [inputs, inputs, { name: "a" }])).to.deep.equal(["delaySeconds"]);
    });

    it("treats a marked secret and its plain value as equal", async () => {
      const compared = async (before: string, after: string) =>
        (
          await compare(DATABASE, [{ password: before }, { password: marked(before) }, { password: after }])
        ).getDiffsList();
      expect(await compared("same", "same")).to.deep.equal([]);
      expect(await compared("old", "new")).to.deep.equal(["password"]);
    });

    it("deletes before it replaces only a resource that the program names", async () => {
      const first = async (type: string, before: Values, after: Values) =>
        (await compare(type, [before, before, after])).getDeletebeforereplace();
      const group = "aws:rds/parameterGroup:ParameterGroup";
      const subnet = "aws:ec2/subnet:Subnet";
      expect(await first(group, { name: "a", family: "1" }, { name: "a", family: "2" })).to.equal(true);
      expect(await first(group, { name: "a", family: "1" }, { name: "b", family: "2" })).to.equal(true);
      expect(await first(QUEUE, { name: "x-0123abc", fifoQueue: false }, { name: "x-0123abc" })).to.equal(
        false,
      );
      expect(await first(group, { name: "a", tags: "1" }, { name: "a", tags: "2" })).to.equal(false);
      expect(await first(subnet, { cidrBlock: "a" }, { cidrBlock: "b" })).to.equal(false);
    });

    it("returns write-only properties from the engine's state", async () => {
      const { id } = await create(DATABASE, "x", { identifier: "told", password: "restored" });
      expect(await reread(DATABASE, id, { password: "known" }, { password: marked("known") })).to.deep.equal([
        marked("known"),
        marked("known"),
      ]);
      expect(await reread(DATABASE, id, {}, {})).to.deep.equal([undefined, undefined]);
    });

    it("updates changed properties and their outputs, and keeps changes that others made", async () => {
      const inputs = { identifier: "moved", port: 5432, multiAz: false };
      const { id, state } = await create(DATABASE, "x", inputs);
      // Someone turns on what the state does not know of.
      await update([DATABASE, "x"], id, [inputs, inputs, { ...inputs, multiAz: true }]);
      const news = { identifier: "moved", port: 5433, multiAz: false };
      const updated = await update([DATABASE, "x"], id, [inputs, state, news]);
      expect(updated.endpoint).to.equal(`${state.address as string}:5433`);
      expect(updated.multiAz).to.equal(true);
      expect(await read(DATABASE, "x", id)).to.deep.include({
        inputs: { ...news, multiAz: true },
        state: updated,
      });
      const ignoring = await update([DATABASE, "x"], id, [news, updated, news], ["multiAz"]);
      expect(ignoring.multiAz).to.equal(true);
      const removed = await update([DATABASE, "x"], id, [news, updated, { identifier: "moved" }]);
      expect(removed).to.not.have.any.keys("port", "multiAz");
      expect(removed.endpoint).to.equal(`${state.address as string}:5432`);
    });

    it("keeps generated outputs through an update", async () => {
      const vpc = "aws:ec2/vpc:Vpc";
      const inputs = { cidrBlock: "10.7.0.0/16" };
      const { id, state } = await create(vpc, "x", inputs);
      const updated = await update([vpc, "x"], id, [inputs, state, { ...inputs, tags: { a: "b" } }]);
      expect(updated).to.deep.equal({ ...state, tags: { a: "b" }, tagsAll: { a: "b" } });
    });
  });
});

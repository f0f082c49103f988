import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import fc from "fast-check";
import { PreviewDocument, PreviewResource, Properties, PropertyValue } from "../../../graph/document";
import { readBaselines } from "../../../graph/baseline";
import { Change, Changes, changesBetween } from "../../../report/diff/changes";
import { optionsOf, previewOf } from "../../support";
import { edited, exportOf, resource, without } from "../documents";

const ENVIRONMENT = "aws:elasticbeanstalk/environment:Environment";
const VPC = "aws:ec2/vpc:Vpc";

/** Kind, short type and name of each change, in order. */
function told({ changes }: Changes): string[] {
  return changes.map(({ kind, type, name }) => `${kind} ${type.split(":").at(-1) ?? ""} ${name}`);
}

function one({ changes }: Changes): Change {
  expect(changes).to.have.length(1);
  return changes[0]!;
}

/** A comparison of two resources of the same URN. */
function between(
  before: Properties,
  after: Properties,
  { type = "aws:s3/bucket:Bucket", ...more }: Partial<PreviewResource> = {},
): Changes {
  return changesBetween(
    { resources: [resource(type, "it", before, more)] },
    { resources: [resource(type, "it", after, more)] },
  );
}

/** Path, before and after of each property. */
function properties(changes: Changes): unknown[] {
  return one(changes).properties.map(({ path, before, after }) => [path, before, after]);
}

/** Sets an option of a Beanstalk environment. */
function setOption(environment: PreviewResource, option: string, value: string): void {
  const setting = (environment.inputs.settings as Properties[]).find(
    ({ namespace, name }) => `${namespace as string} ${name as string}` === option,
  );
  setting!.value = value;
}

/** The document with another block of addresses for its network. */
const renumbered = (document: PreviewDocument) =>
  edited(
    document,
    ({ type }) => type === VPC,
    (vpc) => {
      vpc.inputs.cidrBlock = "10.40.0.0/16";
    },
  );

describe("report/diff/changes", () => {
  describe("between two previews", () => {
    for (const stack of ["prod", "staging"]) {
      it(`reports no change of ${stack} against itself, also without known outputs`, async () => {
        const document = await previewOf(stack);
        const unknown = await previewOf(stack, { unknownOutputs: true });
        const nothing = { changes: [], unchanged: document.resources.length };
        expect(changesBetween(document, structuredClone(document))).to.deep.equal(nothing);
        expect(changesBetween(unknown, structuredClone(unknown))).to.deep.equal(nothing);
        expect(changesBetween(document, unknown)).to.deep.equal(nothing);
      });
    }

    it("names each changed option and its environment", async () => {
      const prod = await previewOf("prod");
      const after = edited(
        prod,
        ({ type, name }) => type === ENVIRONMENT && name === "web",
        (web) => {
          setOption(web, "aws:ec2:instances InstanceTypes", "m7i.xlarge");
          // The order in the list says nothing.
          (web.inputs.settings as Properties[]).reverse();
        },
      );
      const change = one(changesBetween(prod, after));
      expect(change).to.deep.include({ type: ENVIRONMENT, name: "web", kind: "changed", risks: [] });
      expect(change.properties).to.deep.equal([
        {
          path: "settings[aws:ec2:instances InstanceTypes].value",
          before: "t3.xlarge",
          after: "m7i.xlarge",
          replaces: false,
        },
      ]);
    });

    it("follows a replaced network to all that cannot move with it, and no further", async () => {
      const prod = await previewOf("prod");
      const after = renumbered(prod);
      const changes = changesBetween(prod, after);
      const replaced = changes.changes.filter(({ kind }) => kind === "replaced");
      const types = new Set(replaced.map(({ type }) => type.split(":").at(-1)!));
      expect([...types].sort()).to.deep.equal([
        "DefaultSecurityGroup",
        "FlowLog",
        "NatGateway",
        "Route",
        "RouteTable",
        "RouteTableAssociation",
        "SecurityGroup",
        "SecurityGroupEgressRule",
        "SecurityGroupIngressRule",
        "Subnet",
        "Vpc",
        "VpcEndpoint",
      ]);
      for (const type of types) {
        const all = prod.resources.filter((each) => each.type.endsWith(`:${type}`));
        expect(
          replaced.filter((each) => each.type.endsWith(`:${type}`)),
          type,
        ).to.have.length(all.length);
      }
      expect(
        told({ ...changes, changes: changes.changes.filter(({ kind }) => kind !== "replaced") }),
      ).to.have.members([
        "changed SubnetGroup database",
        "changed SubnetGroup enketo",
        "changed InternetGateway network",
        "changed Instance database",
        "changed ReplicationGroup enketo-cache",
        "changed ReplicationGroup enketo-main",
        "changed Environment enketo",
        "changed Environment web",
        "changed Environment worker",
      ]);
      const named = (type: string, name: string) =>
        changes.changes.find((change) => change.type === type && change.name === name)!;
      expect(named(VPC, "network").cause).to.equal("cidrBlock cannot be changed in place");
      expect(named("aws:ec2/subnet:Subnet", "network-public-0").cause).to.equal(
        "vpcId refers to network, which is replaced",
      );
      expect(named("aws:ec2/natGateway:NatGateway", "network-0").cause).to.equal(
        "subnetId refers to network-public-0, which is replaced",
      );
      const vpcId = named(ENVIRONMENT, "web").properties.find(({ path }) => path.includes("VPCId"));
      expect(vpcId).to.deep.include({
        after: "[unknown]",
        replaces: false,
        follows: prod.resources.find(({ type }) => type === VPC)!.urn,
      });
      expect(named(ENVIRONMENT, "web").risks).to.deep.equal([]);
    });

    it("follows a replaced certificate to its dependents, also without known outputs", async () => {
      const change = (document: PreviewDocument) =>
        changesBetween(
          document,
          edited(
            document,
            ({ type, name }) => type === "aws:acm/certificate:Certificate" && name === "web-certificate",
            (certificate) => {
              certificate.inputs.domainName = "other.example.org";
            },
          ),
        );
      const known = change(await previewOf("prod"));
      expect(told(known)).to.deep.equal([
        "replaced CertificateValidation web-certificate",
        "replaced Certificate web-certificate",
        "replaced Record web-certificate-validation",
        "changed Environment web",
      ]);
      const [path] = known.changes.at(-1)!.properties.map(({ path }) => path);
      expect(path).to.equal("settings[aws:elbv2:listener:443 SSLCertificateArns].value");
      const unknown = change(await previewOf("prod", { unknownOutputs: true }));
      expect(told(unknown)).to.include.members(told(known));
    });

    it("ignores the properties in ignoreChanges", async () => {
      const prod = await previewOf("prod");
      const web = ({ type, name }: PreviewResource) => type === ENVIRONMENT && name === "web";
      const deployed = edited(prod, web, (environment) => {
        environment.inputs.version = "deployed-42";
      });
      expect(changesBetween(deployed, prod).changes).to.deep.equal([]);
      const before = {
        tags: { a: "1", "b.c": "2" },
        rules: [
          { x: 1, y: 1 },
          { x: 1, y: 1 },
        ],
        other: 1,
      };
      const after = {
        tags: { a: "2", "b.c": "3" },
        rules: [
          { x: 2, y: 1 },
          { x: 2, y: 2 },
        ],
        other: 1,
        more: 1,
      };
      const ignoring = (...ignoreChanges: string[]) => properties(between(before, after, { ignoreChanges }));
      expect(ignoring("tags.a", "rules[*].x")).to.deep.equal([
        ["more", undefined, 1],
        ["rules[1].y", 1, 2],
        ['tags["b.c"]', "2", "3"],
      ]);
      expect(ignoring('tags["b.c"]', "rules", "more")).to.deep.equal([["tags.a", "1", "2"]]);
      expect(between(before, after, { ignoreChanges: ["*"] }).changes).to.deep.equal([]);
    });

    it("replaces all resources without a region of their own if the provider's region changes", async () => {
      const prod = await previewOf("prod");
      const after = edited(
        prod,
        ({ type }) => type === "pulumi:providers:aws",
        (provider) => {
          provider.inputs.region = "eu-west-3";
        },
      );
      const { changes } = changesBetween(prod, after);
      const vpc = changes.find(({ type }) => type === VPC);
      expect(vpc).to.deep.include({ kind: "replaced", cause: "the provider's region changes" });
      const certificate = (name: string) =>
        changes.find((change) => change.type === "aws:acm/certificate:Certificate" && change.name === name);
      expect(certificate("static-certificate")).to.equal(undefined);
      expect(changes.some(({ type, kind }) => type === "aws:iam/role:Role" && kind === "replaced")).to.equal(
        false,
      );
    });

    it("reports changed Pulumi options", async () => {
      const prod = await previewOf("prod");
      const media = ({ type, name }: PreviewResource) => type === "aws:s3/bucket:Bucket" && name === "media";
      const after = edited(prod, media, (bucket) => {
        Object.assign(bucket, { protect: false, retainOnDelete: false });
      });
      expect(properties(changesBetween(prod, after))).to.deep.equal([
        ["protect", true, false],
        ["retainOnDelete", true, false],
      ]);
    });

    it("sorts changes by risk, then by name", async () => {
      const prod = await previewOf("prod");
      const by = (type: string, name: string) => (each: PreviewResource) =>
        each.type.endsWith(`:${type}`) && each.name === name;
      let after = without(prod, by("Bucket", "artifacts"));
      after = without(after, by("RouteTable", "network-public"));
      after = edited(
        after,
        by("BucketPublicAccessBlock", "media"),
        ({ inputs }) => (inputs.blockPublicPolicy = false),
      );
      after = edited(after, by("Instance", "database"), ({ inputs }) => (inputs.backupRetentionPeriod = 7));
      after = edited(
        after,
        by("Certificate", "static-certificate"),
        ({ inputs }) => (inputs.domainName = "other"),
      );
      after = edited(after, by("Queue", "tasks"), ({ inputs }) => (inputs.visibilityTimeoutSeconds = 7));
      after = edited(after, by("LogGroup", "database-upgrade"), ({ inputs }) => (inputs.skipDestroy = true));
      after.resources.unshift(resource("aws:s3/bucketObjectv2:BucketObjectv2", "a-new-one"));
      const kinds = told(changesBetween(prod, after)).filter(
        (text) => !/(artifacts|static)/.test(text) || /\bBucket\b/.test(text),
      );
      expect(kinds).to.deep.equal([
        "deleted Bucket artifacts",
        "changed BucketPublicAccessBlock media",
        "changed Instance database",
        "deleted RouteTable network-public",
        "changed LogGroup database-upgrade",
        "changed Queue tasks",
        "added BucketObjectv2 a-new-one",
      ]);
    });
  });

  describe("against a stack export", () => {
    const folder = mkdtempSync(join(tmpdir(), "changes-"));
    after(() => {
      rmSync(folder, { recursive: true });
    });
    const deployed = (document: PreviewDocument) => {
      const file = join(folder, "export.json");
      writeFileSync(file, JSON.stringify(exportOf(document)));
      return readBaselines(file).get(document.stack)!;
    };

    for (const stack of ["prod", "staging"]) {
      it(`reports no change of ${stack} if only AWS's ids and the provider's additions differ`, async () => {
        const document = await previewOf(stack);
        const baseline = deployed(document);
        const subnets = (all: PreviewResource[]) =>
          optionsOf(all.find(({ type, name }) => type === ENVIRONMENT && name === "web")!)[
            "aws:ec2:vpc Subnets"
          ];
        expect(subnets(baseline.resources)).not.to.equal(subnets(document.resources));
        expect(changesBetween(baseline, document)).to.deep.equal({
          changes: [],
          unchanged: document.resources.length,
        });
      });
    }

    it("describes differences in AWS's terms", async () => {
      const prod = await previewOf("prod");
      const web = ({ type, name }: PreviewResource) => type === ENVIRONMENT && name === "web";
      const options = optionsOf(prod.resources.find(web)!);
      const publicSubnets = options["aws:ec2:vpc ELBSubnets"] as string;
      const after = edited(prod, web, (environment) => {
        setOption(environment, "aws:ec2:vpc Subnets", publicSubnets);
      });
      const [change] = one(changesBetween(deployed(prod), after)).properties;
      expect(change?.path).to.equal("settings[aws:ec2:vpc Subnets].value");
      for (const text of [change?.before, change?.after]) {
        expect((text as string).split(",")).to.have.length(3);
        expect(text).to.match(/^subnet-1[\da-f]+,/);
      }
      expect(change?.before).not.to.equal(change?.after);
    });

    it("reports properties that the program no longer sets, but not the provider's defaults", async () => {
      const prod = await previewOf("prod");
      const bucket = ({ type, name }: PreviewResource) => type === "aws:s3/bucket:Bucket" && name === "logs";
      const after = edited(prod, bucket, ({ inputs }) => Reflect.deleteProperty(inputs, "tags"));
      expect(one(changesBetween(deployed(prod), after)).properties.map(({ path }) => path)).to.deep.equal([
        "tags",
      ]);
      const forced = edited(prod, bucket, ({ inputs }) => (inputs.forceDestroy = true));
      expect(properties(changesBetween(deployed(prod), forced))).to.deep.equal([
        ["forceDestroy", false, true],
      ]);
    });

    it("does not mistake a renamed host for a changed id", async () => {
      const prod = await previewOf("prod");
      const host = (text: string) => text.replaceAll("iaso.example.org", "app.example.org");
      const rename = (value: PropertyValue) => JSON.parse(host(JSON.stringify(value))) as PropertyValue;
      let after = edited(
        prod,
        ({ type, name }) => type === "aws:acm/certificate:Certificate" && name === "web-certificate",
        (certificate) => {
          certificate.inputs = rename(certificate.inputs) as Properties;
          certificate.outputs = rename(certificate.outputs) as Properties;
        },
      );
      after = edited(
        after,
        ({ type, name }) => type === ENVIRONMENT && name === "worker",
        (worker) => {
          setOption(worker, "aws:elasticbeanstalk:application:environment DNS_DOMAIN", "app.example.org");
        },
      );
      const worker = changesBetween(deployed(prod), after).changes.find(({ name }) => name === "worker");
      expect(worker?.properties).to.deep.equal([
        {
          path: "settings[aws:elasticbeanstalk:application:environment DNS_DOMAIN].value",
          before: "iaso.example.org",
          after: "app.example.org",
          replaces: false,
        },
      ]);
    });

    it("follows replacements", async () => {
      const prod = await previewOf("prod");
      const after = renumbered(prod);
      expect(told(changesBetween(deployed(prod), after))).to.deep.equal(told(changesBetween(prod, after)));
    });
  });

  describe("of properties", () => {
    it("compares policies by their statements, not by their text", () => {
      const statement = { Sid: "Read", Effect: "Allow", Action: "s3:GetObject", Resource: ["a", "b"] };
      const policy = (...statements: object[]) => ({ policy: JSON.stringify({ Statement: statements }) });
      const other = { Effect: "Deny", Action: "s3:*", Resource: "*", Sid: "No" };
      const rewritten = { Sid: "Read", Resource: ["b", "a"], Action: ["s3:GetObject"], Effect: "Allow" };
      expect(between(policy(statement, other), policy(other, rewritten)).changes).to.deep.equal([]);
      expect(between(policy(statement), { policy: { Statement: statement } }).changes).to.deep.equal([]);
      expect(
        properties(between(policy(statement), policy({ ...statement, Action: ["s3:*"] }, other))),
      ).to.deep.equal([
        ["policy.Statement[No]", undefined, other],
        ["policy.Statement[Read].Action", "s3:GetObject", ["s3:*"]],
      ]);
    });

    it("pairs the objects of lists by name, else by content", () => {
      expect(
        properties(
          between(
            {
              rules: [
                { id: "a", days: 1 },
                { id: "b", days: 2 },
              ],
            },
            {
              rules: [
                { id: "c", days: 3 },
                { id: "b", days: 4 },
              ],
            },
          ),
        ),
      ).to.deep.equal([
        ["rules[a]", { id: "a", days: 1 }, undefined],
        ["rules[b].days", 2, 4],
        ["rules[c]", undefined, { id: "c", days: 3 }],
      ]);
      expect(
        properties(between({ rules: [{ x: 1 }, { x: 2 }, { x: 3 }] }, { rules: [{ x: 3 }, { x: 4 }] })),
      ).to.deep.equal([
        ["rules[1].x", 1, 4],
        ["rules[1]", { x: 2 }, undefined],
      ]);
      const setting = (name: string, value: string) => ({ namespace: "aws:elb", name, value, resource: "" });
      expect(
        properties(
          between({ settings: [setting("a", "1")] }, { settings: [setting("b", "1"), setting("a", "2")] }),
        ),
      ).to.deep.equal([
        ["settings[aws:elb a].value", "1", "2"],
        ["settings[aws:elb b].value", undefined, "1"],
      ]);
    });

    it("treats values as equal if AWS does", () => {
      expect(between({ a: "true", b: 5, c: null }, { a: true, b: "5" }).changes).to.deep.equal([]);
      expect(properties(between({ a: ["x", "y"] }, { a: ["y", "x"] }))).to.have.length(1);
    });

    it("reports only added and removed secrets, and shows no value", () => {
      expect(between({ a: "[secret]" }, { a: "[secret]" }).changes).to.deep.equal([]);
      expect(between({ a: "[secret]" }, { a: ["x", "[secret]"] }).changes).to.deep.equal([]);
      expect(properties(between({ a: "[secret]" }, {}))).to.deep.equal([["a", "[secret]", undefined]]);
      const changes = between(
        { a: "[secret]", b: "hunter2", c: ["[secret]", "x"], d: "[secret]", e: "x" },
        {
          a: "password1",
          b: "[secret]",
          c: ["correct horse", "x"],
          d: { e: ["battery"] },
          e: "has password1 in it",
        },
      );
      expect(properties(changes)).to.deep.equal([
        ["a", "[secret]", "[not shown]"],
        ["b", "[not shown]", "[secret]"],
        ["c", ["[secret]", "x"], ["[not shown]", "x"]],
        ["d", "[secret]", "[not shown]"],
        ["e", "x", "has [not shown] in it"],
      ]);
      expect(one(changes).risks.map((risk) => /has (\w) in plain text/.exec(risk)?.[1])).to.deep.equal([
        "a",
        "c",
        "d",
      ]);
      expect(JSON.stringify(changes)).not.to.match(/hunter2|password1|correct horse|battery/);
    });

    it("hides a formerly secret policy also in the text of its risks", () => {
      const policy = JSON.stringify({
        Statement: [
          { Effect: "Allow", Principal: "*", Action: "s3:GetObject", Resource: "arn:aws:s3:::covert-name/*" },
        ],
      });
      const changes = between(
        { policy: "[secret]" },
        { policy },
        { type: "aws:s3/bucketPolicy:BucketPolicy" },
      );
      expect(JSON.stringify(changes)).not.to.include("covert-name");
      expect(one(changes).risks.length).to.be.greaterThan(0);
    });

    it("reports a value unknown until creation only if its source changes", () => {
      const it_ = (value: string, ...urns: string[]) => ({
        resources: [resource("aws:x/y:Z", "it", { a: value }, { propertyDependencies: { a: urns } })],
      });
      expect(changesBetween(it_("[unknown]", "urn:a"), it_("vpc-1", "urn:a")).changes).to.deep.equal([]);
      expect(changesBetween(it_("vpc-1", "urn:a"), it_("[unknown]", "urn:b")).changes).to.have.length(1);
    });
  });

  describe("of any documents", () => {
    const leaf = fc.oneof(
      fc.string(),
      fc.constantFrom(
        "[secret]",
        "[unknown]",
        "0.0.0.0/0",
        "{",
        '{"Statement":[{"Effect":"Allow","Action":7}]}',
        "*",
      ),
      fc.integer(),
      fc.boolean(),
      fc.constant(null),
    );
    const key = fc.oneof(
      fc.string(),
      fc.constantFrom(
        "__proto__",
        "constructor",
        "policy",
        "settings",
        "namespace",
        "name",
        "id",
        "value",
        "cidrIpv4",
      ),
    );
    const { value } = fc.letrec<{ value: PropertyValue }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 3 },
        leaf,
        fc.array(tie("value"), { maxLength: 4 }),
        fc.array(fc.tuple(key, tie("value")), { maxLength: 4 }).map((entries) => Object.fromEntries(entries)),
      ),
    }));
    const types = fc.constantFrom(
      "aws:s3/bucket:Bucket",
      "aws:s3/bucketPolicy:BucketPolicy",
      "aws:ec2/securityGroup:SecurityGroup",
      "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
      "aws:lb/listener:Listener",
      "pulumi:providers:aws",
      ENVIRONMENT,
      "constructor",
    );
    const names = fc.constantFrom("a", "b", "c", "<script>", "__proto__");
    const urns = fc.tuple(types, names).map(([type, name]) => resource(type, name).urn);
    const documents = fc
      .uniqueArray(
        fc
          .record({
            type: types,
            name: names,
            inputs: fc.dictionary(key, value, { maxKeys: 5 }),
            outputs: fc.dictionary(key, value, { maxKeys: 3 }),
            id: fc.constantFrom("", "vpc-12345678", "a"),
            parent: urns,
            propertyDependencies: fc.dictionary(key, fc.array(urns, { maxLength: 2 }), { maxKeys: 3 }),
            ignoreChanges: fc.array(fc.oneof(key, fc.constantFrom("*", "a[*]", 'a["b"].c')), {
              maxLength: 2,
            }),
            protect: fc.boolean(),
            retainOnDelete: fc.boolean(),
          })
          .map(({ type, name, inputs, ...more }) => resource(type, name, inputs, more)),
        { selector: ({ urn }) => urn, maxLength: 6 },
      )
      .map((resources) => ({ resources }));

    it("finds no change between a document and itself", () => {
      fc.assert(
        fc.property(
          documents,
          fc.constantFrom("preview" as const, "stack export" as const),
          (document, source) => {
            const { changes } = changesBetween({ ...document, source }, structuredClone(document));
            expect(changes).to.deep.equal([]);
          },
        ),
      );
    });

    it("adds in one direction what it deletes in the other, and never fails", () => {
      fc.assert(
        fc.property(
          documents,
          documents,
          fc.constantFrom("preview" as const, "stack export" as const),
          (before, after, source) => {
            const urnsOf = ({ changes }: Changes, kind: string) =>
              changes.flatMap((change) => (change.kind === kind ? [change.urn] : [])).sort();
            const there = changesBetween({ ...before, source }, after);
            const back = changesBetween({ ...after, source }, before);
            expect(urnsOf(there, "added")).to.deep.equal(urnsOf(back, "deleted"));
            expect(urnsOf(there, "deleted")).to.deep.equal(urnsOf(back, "added"));
            const inBoth = after.resources.filter(({ urn }) =>
              before.resources.some((other) => other.urn === urn),
            );
            const touched = [...urnsOf(there, "changed"), ...urnsOf(there, "replaced")];
            expect(touched.length + there.unchanged).to.equal(inBoth.length);
            expect(changesBetween({ ...before, source }, after)).to.deep.equal(there);
          },
        ),
      );
    });
  });
});

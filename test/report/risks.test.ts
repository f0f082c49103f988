import { expect } from "chai";
import { PreviewDocument, PreviewResource, Properties, PropertyValue } from "../../graph/document";
import { join } from "node:path";
import { readPack } from "../../preview/pack";
import { Change, changesBetween } from "../../report/diff/changes";
import { compare } from "../../report/report";
import { previewOf } from "../support";
import { edited, resource, without } from "./documents";

/** The resource of a short type and a name. */
const is = (type: string, name: string) => (each: PreviewResource) =>
  each.type.endsWith(`:${type}`) && each.name === name;

function risksOf(before: PreviewDocument, after: PreviewDocument): string[] {
  return changesBetween(before, after).changes.flatMap(({ risks }) => risks);
}

const pack = readPack(join(__dirname, "../.."), "prod");

/** All risks with those of the pack, and the policies that are newly violated. */
function reported(before: PreviewDocument, after: PreviewDocument) {
  const evaluate = (resources: PreviewResource[]) => {
    if (pack === undefined) throw new Error("There is no policy pack");
    return pack.evaluate(resources);
  };
  const { violations } = evaluate(after.resources);
  const document = { ...after, policies: { ...after.policies, violations } };
  const baseline = { ...before, source: "preview" as const, warnings: [] };
  const { changes, newViolations } = compare(document, baseline, { file: "before.json", evaluate });
  return {
    risks: changes.flatMap((change) => change.risks),
    policies: [...new Set(newViolations.map(({ policy }) => policy))].sort(),
  };
}

const risksAt = (before: PreviewDocument, after: PreviewDocument) => reported(before, after).risks;

/** The risks that the pack does not know, and apart from them the policies that are newly violated. */
function judged(before: PreviewDocument, after: PreviewDocument): { told: string[]; policies: string[] } {
  const { risks, policies } = reported(before, after);
  return { told: risks.filter((risk) => !risk.startsWith("Newly violates ")), policies };
}

/** The risks of one resource that changes, comes (from undefined) or goes (to undefined). */
function risks(
  type: string,
  before: Properties | undefined,
  after: Properties | undefined,
  more: Partial<PreviewResource> = {},
): string[] {
  const side = (inputs: Properties | undefined) => ({
    resources: inputs === undefined ? [] : [resource(type, "it", inputs, more)],
  });
  return changesBetween(side(before), side(after)).changes.flatMap((change) => change.risks);
}

/** A policy document in which everything that a test does not care about is given. */
function policy(...statements: Properties[]): string {
  const Statement = statements.map((statement) => ({
    Effect: "Allow",
    Action: "s3:*",
    Resource: "*",
    ...statement,
  }));
  return JSON.stringify({ Version: "2012-10-17", Statement });
}

describe("report/risks", () => {
  it("shows a move to another platform branch, and none within a branch", () => {
    const type = "aws:elasticbeanstalk/environment:Environment";
    const on = (solutionStackName: string) => ({ solutionStackName });
    const python = on("64bit Amazon Linux 2023 v4.13.8 running Python 3.13");
    expect(risks(type, python, on("64bit Amazon Linux 2023 v4.13.9 running Python 3.13"))).to.deep.equal([]);
    expect(risks(type, python, on("64bit Amazon Linux 2023 v4.13.9 running Docker"))).to.deep.equal([
      "Beanstalk environment it moves from Python 3.13 running on 64bit Amazon Linux 2023 to Docker running on " +
        "64bit Amazon Linux 2023: the running version may not start there. AWS recommends a new environment for this.",
    ]);
  });

  describe("of the real stacks", () => {
    const edits: [
      what: string,
      type: string,
      name: string,
      edit: (it: PreviewResource) => void,
      says: RegExp[],
      /** The pack's violations for the change. */
      policies: string[],
    ][] = [
      [
        "the media bucket's block of public access opened",
        "BucketPublicAccessBlock",
        "media",
        ({ inputs }) => Object.assign(inputs, { blockPublicPolicy: false, restrictPublicBuckets: false }),
        [/^Bucket public access block media has blockPublicPolicy, restrictPublicBuckets off: .* public\.$/],
        ["bucket-public-access-block"],
      ],
      [
        "a statement of the media bucket's policy gone",
        "BucketPolicy",
        "media",
        ({ inputs }) => {
          const document = JSON.parse(inputs.policy as string) as { Statement: Properties[] };
          document.Statement = document.Statement.filter(({ Sid }) => Sid !== "DenyAllButTheApplication");
          inputs.policy = JSON.stringify(document);
        },
        [
          /^Bucket policy media no longer denies s3:\* on arn:aws:s3:::example-iaso-prod-media\/\* to anyone, if ArnNotEquals aws:PrincipalArn .*DenyAllButTheApplication/,
        ],
        ["media-for-application"],
      ],
      [
        "one more role let into the media bucket",
        "BucketPolicy",
        "media",
        ({ inputs }) => {
          inputs.policy = (inputs.policy as string).replace(
            '"arn:aws:iam::123456789012:role/iaso-prod-web"',
            '"arn:aws:iam::123456789012:role/iaso-prod-web","arn:aws:iam::123456789012:role/other"',
          );
        },
        [/^Bucket policy media no longer denies .*DenyAllButTheApplication/],
        ["media-for-application"],
      ],
      [
        "the database opened to the internet",
        "SecurityGroupIngressRule",
        "database-from-web-5432",
        ({ inputs }) => {
          Reflect.deleteProperty(inputs, "referencedSecurityGroupId");
          inputs.cidrIpv4 = "0.0.0.0/0";
        },
        [
          /newly allows that anyone on the internet \(0\.0\.0\.0\/0\) can reach members of database on tcp port 5432/,
        ],
        ["ends-are-groups", "no-open-ingress", "paths-whole", "stores-behind-instances"],
      ],
      [
        "the worker let through by another port",
        "SecurityGroupEgressRule",
        "worker-to-internet-443",
        ({ inputs }) => Object.assign(inputs, { fromPort: 22 }),
        [/members of worker can reach any address \(0\.0\.0\.0\/0\) on tcp ports 22 to 443/],
        ["ends-are-groups", "no-wide-egress", "paths-whole"],
      ],
      [
        "the database less safe in every way",
        "Instance",
        "database",
        (database) => {
          database.protect = false;
          Object.assign(database.inputs, {
            backupRetentionPeriod: 1,
            deletionProtection: false,
            multiAz: false,
            publiclyAccessible: true,
            skipFinalSnapshot: true,
            deleteAutomatedBackups: true,
            enabledCloudwatchLogsExports: ["postgresql"],
          });
        },
        [
          /backupRetentionPeriod changed from 30 to 1: it can be restored for fewer days/,
          /enabledCloudwatchLogsExports .*no longer kept/,
          /is no longer protected: Pulumi deletes it/,
        ],
        [
          "database-backups",
          "database-deletion-protection",
          "database-evidence",
          "database-final-snapshot",
          "database-logs",
          "database-multi-az",
          "database-private",
          "stateful-protected",
        ],
      ],
      [
        "the database's disk in plain text",
        "Instance",
        "database",
        ({ inputs }) => (inputs.storageEncrypted = false),
        [
          /^Database instance database is replaced: its data is lost .*Pulumi refuses while it is protected; AWS refuses while deletionProtection is on\.$/,
        ],
        ["database-encrypted"],
      ],
      [
        "connections to the database without TLS",
        "ParameterGroup",
        "database",
        ({ inputs }) =>
          (inputs.parameters = (inputs.parameters as Properties[]).filter(
            ({ name }) => name !== "rds.force_ssl",
          )),
        [],
        ["database-tls"],
      ],
      [
        "another name of an environment",
        "Environment",
        "web",
        ({ inputs }) => (inputs.name = "another"),
        [
          /^Beanstalk environment web is replaced: it is down until the new one runs, which has another address\.$/,
        ],
        ["alarms-present", "alarms-work", "environment-values"],
      ],
      [
        "the environment's own safeguards off",
        "Environment",
        "web",
        ({ inputs }) => {
          const values: Record<string, string> = {
            DisableIMDSv1: "false",
            SSLPolicy: "ELBSecurityPolicy-2016-08",
            AssociatePublicIpAddress: "true",
            AccessLogsS3Enabled: "false",
          };
          const settings = inputs.settings as Properties[];
          for (const setting of settings) setting.value = values[setting.name as string] ?? setting.value!;
          const add = (namespace: string, name: string, value: string) =>
            settings.push({ namespace, name, value, resource: "" });
          add("aws:autoscaling:launchconfiguration", "EC2KeyName", "laptop");
          add("aws:elbv2:listener:8080", "Protocol", "HTTP");
        },
        [/AccessLogsS3Enabled .*requests are no longer logged/],
        ["access-logs", "imds-v2", "instances-without-public-ip", "no-ssh", "plain-http-off", "tls-policy"],
      ],
      [
        "a redirect to HTTPS turned into an answer",
        "Listener",
        "web-redirect-to-https",
        ({ inputs }) => (inputs.defaultActions = [{ type: "forward", targetGroupArn: "arn:..." }]),
        [],
        ["listener-redirects", "redirects-whole"],
      ],
      [
        "older TLS at CloudFront",
        "Distribution",
        "static",
        ({ inputs }) => {
          (inputs.viewerCertificate as Properties).minimumProtocolVersion = "TLSv1.2_2019";
          (inputs.defaultCacheBehavior as Properties).viewerProtocolPolicy = "allow-all";
        },
        [],
        ["cloudfront-tls"],
      ],
      [
        "a public subnet for the instances",
        "RouteTableAssociation",
        "network-private-0",
        (association) => {
          association.inputs.routeTableId = PUBLIC;
        },
        [/makes its subnet public: the route table leads to an internet gateway/],
        ["references-own", "subnets-fit", "subnets-whole"],
      ],
      [
        "old versions of media deleted sooner",
        "BucketLifecycleConfiguration",
        "media",
        ({ inputs }) =>
          ((inputs.rules as { noncurrentVersionExpiration: Properties }[])[0]!.noncurrentVersionExpiration = {
            noncurrentDays: 1,
          }),
        [/noncurrentDays changed from 365 to 1: objects or their old versions are deleted sooner/],
        ["media-kept"],
      ],
      [
        "more rights for a role",
        "RolePolicy",
        "worker",
        ({ inputs }) =>
          (inputs.policy = (inputs.policy as string).replace(
            '"sqs:ReceiveMessage"',
            '"sqs:ReceiveMessage","sqs:PurgeQueue"',
          )),
        [/^Role policy worker allows sqs:PurgeQueue on arn:aws:sqs:/],
        ["boundary-fits", "role-duties"],
      ],
      [
        "a secret stored in plain text",
        "Parameter",
        "deployment",
        ({ inputs }) => Object.assign(inputs, { name: "/iaso/staging/SECRET_KEY", type: "SecureString" }),
        [/^SSM parameter deployment is replaced/],
        ["no-secret-parameters", "role-fits"],
      ],
      [
        "versions of media not kept",
        "BucketVersioning",
        "media",
        ({ inputs }) => (inputs.versioningConfiguration = { status: "Suspended" }),
        [],
        ["bucket-versioning"],
      ],
      [
        "messages of the queue in plain text",
        "Queue",
        "tasks",
        ({ inputs }) => {
          delete inputs.kmsMasterKeyId;
          inputs.sqsManagedSseEnabled = false;
        },
        [],
        ["queue-encrypted", "stores-use-key"],
      ],
      [
        "a queue without dead letters",
        "Queue",
        "tasks",
        ({ inputs }) => Reflect.deleteProperty(inputs, "redrivePolicy"),
        [],
        ["alarms-present", "queue-dead-letters", "queue-values"],
      ],
      [
        "any web page let to the media",
        "BucketCorsConfiguration",
        "media",
        ({ inputs }) => ((inputs.corsRules as Properties[])[0]!.allowedOrigins = ["*"]),
        [],
        ["bucket-cors", "cors-own-origins"],
      ],
      [
        "access control lists of a bucket",
        "BucketOwnershipControls",
        "media",
        ({ inputs }) => (inputs.rule = { objectOwnership: "ObjectWriter" }),
        [],
        ["bucket-without-acls"],
      ],
      [
        "public addresses in a subnet",
        "Subnet",
        "network-private-0",
        ({ inputs }) => (inputs.mapPublicIpOnLaunch = true),
        [],
        ["subnet-without-public-ip"],
      ],
      [
        "rules inside a security group",
        "SecurityGroup",
        "database",
        ({ inputs }) =>
          (inputs.ingress = [{ protocol: "tcp", fromPort: 22, toPort: 22, cidrBlocks: ["0.0.0.0/0"] }]),
        [],
        ["no-inline-security-rules"],
      ],
    ];
    const PUBLIC = "rtb-of-the-public-subnets";

    for (const [what, type, name, edit, says, policies] of edits) {
      it(`tells of ${what}`, async () => {
        const prod = edited(await previewOf("prod"), is("Route", "network-public-internet"), ({ inputs }) => {
          inputs.routeTableId = PUBLIC;
        });
        const judgement = judged(prod, edited(prod, is(type, name), edit));
        const { told } = judgement;
        expect(judgement.policies).to.deep.equal(policies);
        expect(told.length, told.join("\n")).to.equal(says.length);
        for (const pattern of says)
          expect(
            told.filter((risk) => pattern.test(risk)),
            told.join("\n"),
          ).to.have.length(1);
        // The reverse is only safer. Only a replacement loses the same either way.
        const back = judged(edited(prod, is(type, name), edit), prod);
        expect(back.told.filter((risk) => !/ is replaced: /.test(risk))).to.deep.equal([]);
        expect(back.policies).to.deep.equal([]);
      });
    }

    const deletions: [type: string, name: string, says: RegExp | undefined, policies: string[]][] = [
      [
        "Instance",
        "database",
        /^Database instance database is deleted: its data is lost/,
        [
          "alarms-work",
          "backup-selection-whole",
          "deployment-own",
          "paths-allowed",
          "references-own",
          "variables-own-resources",
        ],
      ],
      [
        "Bucket",
        "artifacts",
        /^Bucket artifacts is deleted: its objects are lost; AWS refuses while it has objects\.$/,
        [
          "boundary-duties",
          "bucket-class-fits",
          "bucket-parts-named",
          "deployment-own",
          "references-own",
          "role-duties",
        ],
      ],
      [
        "Bucket",
        "media",
        /^Bucket media leaves the stack: the old one stays in AWS .*; Pulumi refuses while it is protected\.$/,
        [
          "access-duties",
          "backup-selection-whole",
          "boundary-duties",
          "bucket-class-fits",
          "bucket-parts-named",
          "references-own",
          "role-duties",
        ],
      ],
      ["ReplicationGroup", "enketo-main", /its data is lost/, ["enketo-own-redis", "references-own"]],
      [
        "Queue",
        "tasks",
        /its waiting messages are lost/,
        [
          "alarms-present",
          "alarms-work",
          "queue-dead-letters",
          "queue-values",
          "references-own",
          "variables-own-resources",
          "worker-queue",
        ],
      ],
      ["Parameter", "deployment", /reads fail until it exists again/, ["role-fits"]],
      [
        "Environment",
        "worker",
        /it is down/,
        [
          "alarms-work",
          "ends-are-groups",
          "paths-allowed",
          "references-own",
          "secrets-of-own-variables",
          "web-worker-pair",
        ],
      ],
      ["Topic", "alarms", /every subscriber must confirm again/, ["access-duties", "references-own"]],
      [
        "Record",
        "web",
        /DNS no longer resolves iaso\.example\.org/,
        ["certificates-fit", "dns-whole", "role-duties", "variables-own-resources"],
      ],
      ["BucketPublicAccessBlock", "logs", undefined, ["bucket-public-access-block"]],
      // Kept on delete: nothing changes in AWS.
      ["BucketPublicAccessBlock", "media", undefined, ["bucket-public-access-block"]],
      [
        "BucketPolicy",
        "logs",
        /^Bucket policy logs no longer denies s3:\* .*DenyPlainHttp/,
        ["bucket-tls-only", "logs-deliverable", "media-access-logs"],
      ],
      ["FlowLog", "network", /the network's connections are no longer logged/, ["flow-log-whole"]],
      ["MetricAlarm", "dead-letters", /nobody is notified any more/, ["alarms-present"]],
      ["RolePolicy", "worker", undefined, []],
      [
        "RouteTable",
        "network-public",
        undefined,
        ["no-strangers", "references-own", "routes-plain", "subnets-fit", "subnets-whole"],
      ],
      ["SecurityGroupIngressRule", "database-from-web-5432", undefined, ["paths-whole"]],
    ];
    for (const [type, name, says, policies] of deletions) {
      it(`reports the deletion of ${type} ${name}${says ? "" : " as no risk of its own"}`, async () => {
        const prod = await previewOf("prod");
        const judgement = judged(prod, without(prod, is(type, name)));
        const { told } = judgement;
        expect(judgement.policies).to.deep.equal(policies);
        if (says === undefined) expect(told).to.deep.equal([]);
        else {
          expect(told).to.have.length(1);
          expect(told[0]).to.match(says);
        }
      });
    }

    it("leaves types that the pack forbids to the pack", async () => {
      const prod = await previewOf("prod");
      for (const type of [
        "aws:ec2/securityGroupRule:SecurityGroupRule",
        "aws:lambda/function:Function",
        "aws:ec2/instance:Instance",
        "aws:lb/loadBalancer:LoadBalancer",
        "aws:rds/cluster:Cluster",
      ]) {
        const after = { ...prod, resources: [...prod.resources, resource(type, "it")] };
        expect(judged(prod, after), type).to.deep.equal({ told: [], policies: ["known-types"] });
      }
    });

    it("says at the change which policy it newly violates, and nothing of violations that it had before", async () => {
      const prod = await previewOf("prod");
      const open = edited(
        prod,
        is("Instance", "database"),
        ({ inputs }) => (inputs.publiclyAccessible = true),
      );
      const worse = edited(
        open,
        is("Instance", "database"),
        ({ inputs }) => (inputs.skipFinalSnapshot = true),
      );
      expect(risksAt(open, worse)).to.deep.equal([
        "Newly violates the mandatory policy database-final-snapshot.",
      ]);
      expect(risksAt(prod, prod)).to.deep.equal([]);
    });

    it("tells of a bucket that is deleted, and not of what goes with it", async () => {
      const prod = await previewOf("prod");
      const all = changesBetween(
        prod,
        without(prod, ({ type, name }) => type.startsWith("aws:s3/") && name === "logs"),
      );
      expect(all.changes.filter(({ kind }) => kind === "deleted").length).to.be.greaterThan(5);
      const risky = all.changes.filter(({ kind, risks: told }) => kind === "deleted" && told.length > 0);
      expect(risky.map(({ type }: Change) => type)).to.deep.equal(["aws:s3/bucket:Bucket"]);
    });

    it("warns that databases cannot follow their subnets into another network", async () => {
      const prod = await previewOf("prod");
      const told = risksOf(
        prod,
        edited(prod, is("Vpc", "network"), ({ inputs }) => (inputs.cidrBlock = "10.1.0.0/16")),
      );
      expect(told.filter((risk) => /which AWS refuses while it is in use/.test(risk))).to.have.length(2);
      expect(told).to.have.length(2);
    });

    it("tells who may do what where a stack is new", async () => {
      const staging = await previewOf("staging");
      const told = risksOf({ ...staging, resources: [] }, staging);
      expect(told).to.include.members([
        "Security group ingress rule load-balancer-from-internet-443 newly allows that anyone on the internet (0.0.0.0/0) can reach members of load-balancer on tcp port 443.",
        "Bucket public access block static has blockPublicPolicy, restrictPublicBuckets off: a policy or an access control list can make the objects public.",
      ]);
      // What is open to everyone comes before what is open to some.
      const first = told.slice(0, 6).join("\n");
      expect(first).to.include("to anyone").and.include("anyone on the internet");
    });
  });

  describe("of addresses", () => {
    const RULE = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule";
    const rule = (cidrIpv4: string, fromPort = 443, toPort = fromPort, ipProtocol = "tcp"): Properties => ({
      securityGroupId: "sg-1",
      cidrIpv4,
      fromPort,
      toPort,
      ipProtocol,
    });
    const cases: [what: string, before: Properties | undefined, after: Properties, opens: boolean][] = [
      ["a new rule", undefined, rule("10.0.0.0/16"), true],
      ["a larger block", rule("10.0.0.0/16"), rule("10.0.0.0/8"), true],
      ["a smaller block", rule("10.0.0.0/8"), rule("10.0.0.0/16"), false],
      ["another block", rule("10.0.0.0/16"), rule("10.1.0.0/16"), true],
      ["an address inside", rule("10.0.0.0/8"), rule("10.9.8.7/32"), false],
      ["all addresses", rule("10.0.0.0/8"), rule("0.0.0.0/0"), true],
      ["a block like the earlier one", rule("10.0.0.0/8"), rule("10.1.2.3/8"), false],
      ["more ports", rule("10.0.0.0/8", 443), rule("10.0.0.0/8", 80, 443), true],
      ["fewer ports", rule("10.0.0.0/8", 80, 443), rule("10.0.0.0/8", 443), false],
      ["all protocols", rule("10.0.0.0/8"), { ...rule("10.0.0.0/8"), ipProtocol: "-1" }, true],
      ["one protocol", { ...rule("10.0.0.0/8"), ipProtocol: "-1" }, rule("10.0.0.0/8"), false],
      ["IPv6", rule("0.0.0.0/0"), { securityGroupId: "sg-1", cidrIpv6: "::/0", ipProtocol: "tcp" }, true],
      [
        "a group in place of the internet",
        rule("0.0.0.0/0"),
        { ...rule("x"), cidrIpv4: null, referencedSecurityGroupId: "sg-2" },
        false,
      ],
      ["what cannot be read", rule("10.0.0.0/8"), rule("10.0.0.0/99"), true],
      ["another group", rule("10.0.0.0/8"), { ...rule("10.0.0.0/8"), securityGroupId: "sg-2" }, true],
    ];
    for (const [what, before, after, opens] of cases) {
      it(`${opens ? "tells of" : "does not tell of"} ${what}`, () => {
        const told = risks(RULE, before, after);
        expect(told, told.join("\n")).to.have.length(opens ? 1 : 0);
      });
    }

    it("takes a rule of another name for the same", () => {
      const before = { resources: [resource(RULE, "a", rule("0.0.0.0/0"))] };
      const after = { resources: [resource(RULE, "b", rule("10.0.0.0/8"))] };
      expect(changesBetween(before, after).changes.flatMap((change) => change.risks)).to.deep.equal([]);
    });
  });

  describe("of policy documents", () => {
    const BUCKET_POLICY = "aws:s3/bucketPolicy:BucketPolicy";
    const everyone = { Principal: "*" };
    const org = { Condition: { StringEquals: { "aws:PrincipalOrgID": "o-1" } } };
    const not = (...roles: string[]) => ({
      Effect: "Deny",
      ...everyone,
      Condition: { ArnNotEquals: { "aws:PrincipalArn": roles } },
    });
    const ip = (...blocks: string[]) => ({ Condition: { IpAddress: { "aws:SourceIp": blocks } } });
    const age = (ms: string) => ({
      Effect: "Deny",
      ...everyone,
      Condition: { NumericGreaterThan: { "s3:signatureAge": ms } },
    });
    const cases: [what: string, before: Properties[], after: Properties[], opens: RegExp | undefined][] = [
      [
        "another action",
        [{ Action: "s3:GetObject" }],
        [{ Action: ["s3:GetObject", "s3:PutObject"] }],
        /allows s3:PutObject on \*/,
      ],
      [
        "one action of several",
        [{ Action: ["s3:GetObject", "s3:PutObject"] }],
        [{ Action: "s3:getobject" }],
        undefined,
      ],
      ["an action of a pattern", [{ Action: "s3:*" }], [{ Action: ["s3:Get*", "s3:PutObject"] }], undefined],
      ["a pattern for an action", [{ Action: "s3:GetObject" }], [{ Action: "s3:Get*" }], /allows s3:Get\*/],
      ["all but some actions", [{ Action: "*" }], [{ Action: null, NotAction: "iam:*" }], undefined],
      [
        "fewer exceptions",
        [{ Action: null, NotAction: ["iam:*", "kms:*"] }],
        [{ Action: null, NotAction: "iam:*" }],
        /allows all but iam:\*/,
      ],
      [
        "more exceptions",
        [{ Action: null, NotAction: "iam:*" }],
        [{ Action: null, NotAction: ["iam:*", "kms:*"] }],
        undefined,
      ],
      [
        "another resource",
        [{ Resource: "arn:aws:s3:::a/*" }],
        [{ Resource: "arn:aws:s3:::*" }],
        /on arn:aws:s3:::\*/,
      ],
      [
        "a part of a resource",
        [{ Resource: "arn:aws:s3:::a/*" }],
        [{ Resource: "arn:aws:s3:::a/b/*" }],
        undefined,
      ],
      [
        "two statements in one",
        [{ Action: "s3:a" }, { Action: "s3:b" }],
        [{ Action: ["s3:a", "s3:b"] }],
        undefined,
      ],
      ["everyone", [{ Principal: { AWS: "123456789012" } }], [everyone], /to anyone/],
      ["everyone, written otherwise", [everyone], [{ Principal: { AWS: "*" } }], undefined],
      [
        "an account, written otherwise",
        [{ Principal: { AWS: "123456789012" } }],
        [{ Principal: { AWS: "arn:aws:iam::123456789012:root" } }],
        undefined,
      ],
      [
        "another account",
        [{ Principal: { AWS: "123456789012" } }],
        [{ Principal: { AWS: ["123456789012", "210987654321"] } }],
        /to AWS:arn:aws:iam::210987654321:root/,
      ],
      ["a condition less", [{ ...everyone, ...org }], [everyone], /to anyone/],
      ["a condition more", [everyone], [{ ...everyone, ...org }], undefined],
      [
        "a larger block of addresses",
        [ip("10.1.0.0/16")],
        [ip("10.0.0.0/8")],
        /if IpAddress aws:SourceIp 10\.0\.0\.0\/8/,
      ],
      ["a smaller block of addresses", [ip("10.0.0.0/8")], [ip("10.1.0.0/16", "10.2.0.0/16")], undefined],
      ["a new denial", [], [not("a")], undefined],
      ["a lost denial", [not("a")], [], /no longer denies s3:\* on \* to anyone/],
      ["a denial with another exception", [not("a")], [not("a", "b")], /no longer denies/],
      ["a denial with fewer exceptions", [not("a", "b")], [not("a")], undefined],
      ["a denial of older signatures only", [age("900000")], [age("3600000")], /no longer denies/],
      ["a denial of younger signatures", [age("900000")], [age("600000")], undefined],
      [
        "a denial of fewer actions",
        [{ Effect: "Deny", Action: ["s3:a", "s3:b"] }],
        [{ Effect: "Deny", Action: "s3:a" }],
        /no longer denies s3:b/,
      ],
    ];
    for (const [what, before, after, opens] of cases) {
      it(`${opens ? "tells of" : "does not tell of"} ${what}`, () => {
        const told = risks(
          BUCKET_POLICY,
          { bucket: "b", policy: policy(...before) },
          { bucket: "b", policy: policy(...after) },
        );
        if (opens === undefined) expect(told).to.deep.equal([]);
        else {
          expect(told, told.join("\n")).to.have.length(1);
          expect(told[0]).to.match(opens);
        }
      });
    }

    it("judges the policies of roles, queues, topics and keys alike, wherever they stand", () => {
      const trust = (Service: string) =>
        policy({ Principal: { Service }, Action: "sts:AssumeRole", Resource: null });
      const cases: [type: string, inputs: (value: PropertyValue) => Properties][] = [
        ["aws:iam/role:Role", (assumeRolePolicy) => ({ assumeRolePolicy })],
        ["aws:iam/role:Role", (text) => ({ inlinePolicies: [{ name: "a", policy: text }] })],
        ["aws:iam/policy:Policy", (text) => ({ policy: text })],
        ["aws:sqs/queuePolicy:QueuePolicy", (text) => ({ policy: text })],
        ["aws:sns/topicPolicy:TopicPolicy", (text) => ({ policy: text })],
        ["aws:kms/key:Key", (text) => ({ policy: JSON.parse(text as string) as PropertyValue })],
      ];
      for (const [type, inputs] of cases) {
        const told = risks(type, inputs(trust("ec2.amazonaws.com")), inputs(trust("lambda.amazonaws.com")));
        expect(told, type).to.have.length(1);
        expect(told[0]).to.include("allows sts:AssumeRole to Service:lambda.amazonaws.com");
      }
    });

    it("asks to look at a policy that cannot be read yet", () => {
      const side = (text: string, ...policy_: string[]) => ({
        resources: [
          resource(BUCKET_POLICY, "it", { policy: text }, { propertyDependencies: { policy: policy_ } }),
        ],
      });
      const { changes } = changesBetween(side(policy(everyone)), side("[unknown]", "urn:role"));
      const told = changes.flatMap((change) => change.risks);
      expect(told).to.have.length(1);
      expect(told[0]).to.include("the preview cannot read");
    });
  });

  describe("of rights", () => {
    const ATTACHMENT = "aws:iam/rolePolicyAttachment:RolePolicyAttachment";
    it("tells of attachments and boundaries", () => {
      const attach = (policyArn: string) => ({ role: "web", policyArn });
      expect(
        risks(ATTACHMENT, undefined, attach("arn:aws:iam::aws:policy/AdministratorAccess")),
      ).to.deep.equal([
        "Role policy attachment it gives web the rights of arn:aws:iam::aws:policy/AdministratorAccess.",
      ]);
      expect(risks(ATTACHMENT, attach("a"), attach("b"))).to.have.length(1);
      expect(risks(ATTACHMENT, attach("a"), undefined)).to.deep.equal([]);
      const ROLE = "aws:iam/role:Role";
      expect(risks(ROLE, { permissionsBoundary: "a" }, {})[0]).to.include("its rights can grow");
    });
  });

  describe("of what is the other way round", () => {
    const same: [type: string, safe: Properties, loose: Properties][] = [
      ["aws:elasticache/replicationGroup:ReplicationGroup", { numCacheClusters: 2 }, { numCacheClusters: 1 }],
      [
        "aws:elasticache/replicationGroup:ReplicationGroup",
        { snapshotRetentionLimit: 7 },
        { snapshotRetentionLimit: 1 },
      ],
      [
        "aws:elasticache/replicationGroup:ReplicationGroup",
        { automaticFailoverEnabled: true },
        { automaticFailoverEnabled: false },
      ],
      ["aws:sqs/queue:Queue", { messageRetentionSeconds: 1_209_600 }, { messageRetentionSeconds: 60 }],
      ["aws:cloudwatch/logGroup:LogGroup", { retentionInDays: 0 }, { retentionInDays: 365 }],
      ["aws:cloudwatch/metricAlarm:MetricAlarm", { alarmActions: ["a"] }, { alarmActions: [] }],
      ["aws:cloudwatch/metricAlarm:MetricAlarm", { actionsEnabled: true }, { actionsEnabled: false }],
    ];
    for (const [type, safe, loose] of same) {
      it(`calls ${JSON.stringify(loose)} of ${type} risky after ${JSON.stringify(safe)}, and not the reverse`, () => {
        expect(risks(type, safe, loose)).to.have.length(1);
        expect(risks(type, loose, safe)).to.deep.equal([]);
      });
    }

    it("calls nothing risky that only has other words", () => {
      expect(risks("aws:rds/instance:Instance", { tags: { a: "b" } }, { tags: { a: "c" } })).to.deep.equal(
        [],
      );
      expect(risks("aws:rds/instance:Instance", { multiAz: "true" }, { multiAz: true })).to.deep.equal([]);
    });
  });
});

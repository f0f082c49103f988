import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { Account, Properties } from "./account";
import { REQUIRES, Requirement } from "./requirements";
import { beforeCreate, beforeDelete, beforeUpdate, UNIQUE, USES } from "./rules";

const VPC = "aws:ec2/vpc:Vpc";
const SUBNET = "aws:ec2/subnet:Subnet";
const GATEWAY = "aws:ec2/internetGateway:InternetGateway";
const NAT = "aws:ec2/natGateway:NatGateway";
const DATABASE = "aws:rds/instance:Instance";
const REDIS = "aws:elasticache/replicationGroup:ReplicationGroup";
const QUEUE = "aws:sqs/queue:Queue";
const TOPIC = "aws:sns/topic:Topic";
const RECORD = "aws:route53/record:Record";
const VERSION = "aws:elasticbeanstalk/applicationVersion:ApplicationVersion";
const ENVIRONMENT = "aws:elasticbeanstalk/environment:Environment";
const INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule";
const EGRESS = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule";

/** What AWS lets go though something names it: the rest of what is required cannot be deleted while it is used. */
const LETS_GO = [
  "aws:ec2/vpc:Vpc of defaultSecurityGroup vpcId",
  "aws:ec2/vpc:Vpc of flowLog vpcId",
  "aws:ec2/vpc:Vpc of environment settings",
  "aws:ec2/subnet:Subnet of routeTableAssociation subnetId",
  "aws:ec2/routeTable:RouteTable of route routeTableId",
  "aws:ec2/routeTable:RouteTable of vpcEndpoint routeTableIds",
  "aws:ec2/internetGateway:InternetGateway of route gatewayId",
  "aws:ec2/natGateway:NatGateway of route natGatewayId",
  "aws:ec2/securityGroup:SecurityGroup of securityGroupIngressRule securityGroupId",
  "aws:ec2/securityGroup:SecurityGroup of securityGroupEgressRule securityGroupId",
  "aws:sqs/queue:Queue of queue redrivePolicy",
  "aws:sqs/queue:Queue of queuePolicy queueUrl",
  "aws:sqs/queue:Queue of environment settings",
  "aws:sns/topic:Topic of topicPolicy arn",
  "aws:sns/topic:Topic of topicSubscription topic",
  "aws:elasticbeanstalk/environment:Environment of listener loadBalancerArn",
  "aws:elasticbeanstalk/application:Application of applicationVersion application",
  "aws:iam/instanceProfile:InstanceProfile of environment settings",
  "aws:iam/role:Role of environment settings",
  "aws:s3/bucket:Bucket of environment settings",
  "aws:ssm/parameter:Parameter of environment settings",
];

/** What AWS refuses a second time; each of the inputs makes a difference. */
const TWINS: [type: string, inputs: Properties, code: string][] = [
  ["aws:ec2/route:Route", { routeTableId: "a", destinationCidrBlock: "b" }, "RouteAlreadyExists"],
  ["aws:lb/listener:Listener", { loadBalancerArn: "a", port: 443 }, "DuplicateListener"],
  [SUBNET, { vpcId: "a", cidrBlock: "b" }, "InvalidSubnet.Conflict"],
  ["aws:ec2/securityGroup:SecurityGroup", { vpcId: "a", name: "b" }, "InvalidGroup.Duplicate"],
  ["aws:ec2/routeTableAssociation:RouteTableAssociation", { subnetId: "a" }, "Resource.AlreadyAssociated"],
  [NAT, { allocationId: "a" }, "Resource.AlreadyAssociated"],
  ["aws:ec2/flowLog:FlowLog", { vpcId: "a", logDestination: "b" }, "FlowLogAlreadyExists"],
  ["aws:ec2/vpcEndpoint:VpcEndpoint", { vpcId: "a", serviceName: "b" }, "RouteAlreadyExists"],
  [ENVIRONMENT, { name: "a" }, "InvalidParameterValue"],
  [ENVIRONMENT, { cnamePrefix: "a" }, "InvalidParameterValue"],
  ["aws:cloudfront/distribution:Distribution", { aliases: ["a", "b"] }, "CNAMEAlreadyExists"],
  [
    INGRESS,
    {
      securityGroupId: "a",
      ipProtocol: "tcp",
      fromPort: 1,
      toPort: 2,
      cidrIpv4: "b",
      cidrIpv6: "c",
      referencedSecurityGroupId: "d",
    },
    "InvalidPermission.Duplicate",
  ],
  [
    EGRESS,
    {
      securityGroupId: "a",
      ipProtocol: "tcp",
      fromPort: 1,
      toPort: 2,
      cidrIpv4: "b",
      cidrIpv6: "c",
      referencedSecurityGroupId: "d",
      prefixListId: "e",
    },
    "InvalidPermission.Duplicate",
  ],
];

describe("what the simulated AWS refuses", () => {
  const folder = mkdtempSync(join(tmpdir(), "iaso-rules-"));
  let account: Account;
  let accounts = 0;

  beforeEach(() => {
    accounts += 1;
    account = new Account(join(folder, `${accounts}.json`));
  });
  after(() => {
    rmSync(folder, { recursive: true });
  });

  const put = (type: string, id: string, inputs: Properties = {}, state: Properties = {}) => {
    const resource = { type, id, inputs, state };
    account.put(resource);
    return resource;
  };
  const refusal = (call: () => void): string => {
    try {
      call();
      return "";
    } catch (error) {
      return (error as Error).message;
    }
  };
  const creation = (type: string, inputs: Properties, id = "new") =>
    refusal(() => {
      beforeCreate(account, type, id, inputs);
    });
  const change = (type: string, old: Properties, changes: Properties) =>
    refusal(() => {
      beforeUpdate(account, type, old, { ...old, ...changes });
    });
  const deletion = (resource: ReturnType<typeof put>) =>
    refusal(() => {
      beforeDelete(account, resource);
    });

  describe("to delete", () => {
    for (const { of, by, user, property, code } of USES) {
      it(`${of} while the ${property} of ${user} names its ${by}`, () => {
        const used = put(of, by === "id" ? "used" : "another", {}, { [by]: "used" });
        put(user, "other", { [property]: "not-used" });
        expect(deletion(used)).to.equal("");
        put(user, "user", { [property]: [{ value: "before,used" }] });
        expect(deletion(used)).to.match(new RegExp(`^${code}: .* is still used by user$`));
      });
    }

    it("a version that an environment of its application runs, and not one of the same label elsewhere", () => {
      const version = put(VERSION, "iaso/1", { application: "iaso" }, { name: "1" });
      put(ENVIRONMENT, "elsewhere", { application: "another", version: "1" });
      expect(deletion(version)).to.equal("");
      put(ENVIRONMENT, "here", { application: "iaso", version: "1" });
      expect(deletion(version)).to.match(/^InvalidParameterValue: iaso\/1 is still used by here$/);
    });

    it("whatever it wants to exist when it is named, but for what it lets go", () => {
      const short = (user: string) => user.split("/")[1]?.split(":")[0] ?? "";
      const required = REQUIRES.map(
        ({ of, user, property }) => `${of} of ${short(user)} ${property.split(".")[0] ?? ""}`,
      );
      const kept = USES.map(({ of, user, property }) => `${of} of ${short(user)} ${property}`);
      // Not in the table: a version is looked for in the environment's own application only.
      required.push("aws:elasticbeanstalk/applicationVersion:ApplicationVersion of environment version");
      expect(new Set([...kept, ...LETS_GO])).to.deep.equal(new Set(required));
      expect(kept.filter((use) => LETS_GO.includes(use))).to.deep.equal([]);
    });

    it("an internet gateway while its own network has a NAT gateway", () => {
      put(SUBNET, "near", { vpcId: "mine" });
      put(SUBNET, "far", { vpcId: "other" });
      const gateway = put(GATEWAY, "gateway", { vpcId: "mine" });
      put(NAT, "far", { subnetId: "far" });
      expect(deletion(gateway)).to.equal("");
      put(NAT, "near", { subnetId: "near" });
      expect(deletion(gateway)).to.include("DependencyViolation");
    });

    it("what leaves a snapshot under a name that the service has given already", () => {
      const redis = put(REDIS, "redis", { finalSnapshotIdentifier: "final" });
      const database = put(DATABASE, "database", { identifier: "db", finalSnapshotIdentifier: "final" });
      const cache = put(REDIS, "cache");
      for (const resource of [redis, database, cache]) expect(deletion(resource)).to.equal("");
      expect(account.snapshots).to.deep.equal([
        { service: "elasticache", identifier: "final", source: "redis" },
        { service: "rds", identifier: "final", source: "db" },
      ]);
      expect(deletion(redis)).to.include("SnapshotAlreadyExistsFault");
      expect(deletion(database)).to.include("DBSnapshotAlreadyExists");
    });
  });

  describe("to make twice", () => {
    for (const [type, inputs, code] of TWINS) {
      it(`${type} with the same ${Object.keys(inputs).join(", ")}`, () => {
        put(type, "first", inputs);
        expect(creation(type, inputs)).to.equal(`${code}: conflicts with first`);
        for (const [key, value] of Object.entries(inputs)) {
          const other = Array.isArray(value) ? ["other"] : "other";
          expect(creation(type, { ...inputs, [key]: other }), key).not.to.include("conflicts");
        }
      });
    }

    it("nothing else", () => {
      expect(UNIQUE.map(({ type, properties, code }) => [type, properties, code])).to.have.deep.members(
        TWINS.map(([type, inputs, code]) => [type, Object.keys(inputs), code]),
      );
    });

    it("a distribution that shares one of several names, and no two without any", () => {
      const type = "aws:cloudfront/distribution:Distribution";
      put(type, "first", { aliases: ["a", "b"] });
      put(type, "second");
      expect(creation(type, { aliases: ["c", "b"] })).to.include("CNAMEAlreadyExists");
      expect(creation(type, {})).to.equal("");
    });

    for (const [type, code] of [
      [QUEUE, "QueueAlreadyExists"],
      [TOPIC, "InvalidParameter"],
    ] as const) {
      it(`${type} with anything else than the first`, () => {
        put(type, "name", { name: "name", tags: { env: "a" } });
        expect(creation(type, { name: "name", tags: { env: "a" } }, "name")).to.equal("");
        expect(creation(type, { name: "name", tags: { env: "b" } }, "name")).to.include(code);
      });
    }

    it("a record, unless it may overwrite", () => {
      put(RECORD, "name", { records: ["a"] });
      expect(creation(RECORD, { records: ["a"] }, "name")).to.include("InvalidChangeBatch");
      expect(creation(RECORD, { records: ["a"], allowOverwrite: false }, "name")).to.include("InvalidChange");
      expect(creation(RECORD, { records: ["a"], allowOverwrite: true }, "name")).to.equal("");
    });
  });

  describe("to take where something is missing", () => {
    /** Inputs that name something, as the user of the requirement writes it. */
    const naming = ({ property, option }: Requirement, name: string): Properties => {
      if (option !== undefined) {
        const [namespace, optionName = "ANY"] = option;
        return { settings: [{ namespace, name: optionName, value: `there,${name}`, resource: "" }] };
      }
      const [first = "", rest] = property.split(".");
      if (rest === undefined) return { [first]: first.endsWith("Ids") ? ["there", name] : name };
      const value = { [rest]: name };
      return { [first]: first === "redrivePolicy" ? JSON.stringify(value) : value };
    };

    for (const requirement of REQUIRES) {
      const { user, property, option, of, by, code } = requirement;
      it(`a ${option?.join(" ") ?? property} of ${user} that names no ${of}`, () => {
        const exist = (name: string) => put(of, by === "id" ? name : `id of ${name}`, {}, { [by]: name });
        exist("there");
        const missing = `${code}: missing does not exist`;
        expect(creation(user, naming(requirement, "missing"))).to.equal(missing);
        expect(change(user, naming(requirement, "there"), naming(requirement, "missing"))).to.equal(missing);
        // What is left as it was is not looked up again.
        expect(change(user, naming(requirement, "missing"), { description: "new" })).not.to.include(
          "does not exist",
        );
        exist("missing");
        expect(creation(user, naming(requirement, "missing"))).not.to.include("does not exist");
      });
    }

    it("not what AWS has in every account", () => {
      expect(creation(REDIS, { parameterGroupName: "default.redis7" })).to.equal("");
      put("aws:iam/role:Role", "role");
      const policyArn = "arn:aws:iam::aws:policy/ReadOnlyAccess";
      expect(
        creation("aws:iam/rolePolicyAttachment:RolePolicyAttachment", { role: "role", policyArn }),
      ).to.equal("");
    });

    it("a NAT gateway in a network without an internet gateway", () => {
      put(SUBNET, "subnet", { vpcId: "mine" });
      put(GATEWAY, "other", { vpcId: "other" });
      expect(creation(NAT, { subnetId: "subnet" })).to.include("Gateway.NotAttached");
      put(GATEWAY, "mine", { vpcId: "mine" });
      expect(creation(NAT, { subnetId: "subnet" })).to.equal("");
    });

    it("a database whose monitoring role may do nothing yet", () => {
      const inputs = { monitoringRoleArn: "arn" };
      put("aws:iam/role:Role", "monitoring", {}, { arn: "arn" });
      put("aws:iam/rolePolicyAttachment:RolePolicyAttachment", "another", { role: "another" });
      expect(creation(DATABASE, inputs)).to.include("InvalidParameterValue");
      put("aws:iam/rolePolicyAttachment:RolePolicyAttachment", "right", { role: "monitoring" });
      expect(creation(DATABASE, inputs)).to.equal("");
    });

    it("a version without its bundle", () => {
      const inputs = { application: "iaso", name: "1", bucket: "artifacts", key: "1.zip" };
      put("aws:elasticbeanstalk/application:Application", "iaso");
      expect(creation(VERSION, inputs)).to.include("InvalidParameterCombination");
      account.objects.artifacts = ["1.zip"];
      expect(creation(VERSION, inputs)).to.equal("");
      delete account.objects.artifacts;
      put("aws:s3/bucketObjectv2:BucketObjectv2", "artifacts/1.zip");
      expect(creation(VERSION, inputs)).to.equal("");
    });

    it("an environment with a version that its application does not have", () => {
      put("aws:elasticbeanstalk/application:Application", "iaso");
      put(VERSION, "other", { application: "other", name: "1" });
      const inputs = { application: "iaso", version: "1" };
      expect(creation(ENVIRONMENT, inputs)).to.include("no application version named 1");
      put(VERSION, "iaso", { application: "iaso", name: "1" });
      expect(creation(ENVIRONMENT, inputs)).to.equal("");
    });

    const setting = (namespace: string, name: string, value: string) => ({ namespace, name, value });

    it("an environment whose instances may do nothing yet", () => {
      put("aws:iam/instanceProfile:InstanceProfile", "profile", { role: "instances" });
      const settings = [setting("aws:autoscaling:launchconfiguration", "IamInstanceProfile", "profile")];
      expect(creation(ENVIRONMENT, { settings })).to.include("Failed to launch environment");
      put("aws:iam/rolePolicy:RolePolicy", "right", { role: "instances" });
      expect(creation(ENVIRONMENT, { settings })).to.equal("");
    });

    it("an environment of enhanced health whose service role may do nothing yet", () => {
      put("aws:iam/role:Role", "service");
      const basic = [setting("aws:elasticbeanstalk:environment", "ServiceRole", "service")];
      expect(creation(ENVIRONMENT, { settings: basic })).to.equal("");
      const settings = [
        ...basic,
        setting("aws:elasticbeanstalk:healthreporting:system", "SystemType", "enhanced"),
      ];
      expect(creation(ENVIRONMENT, { settings })).to.include("Failed to launch environment");
      put("aws:iam/rolePolicyAttachment:RolePolicyAttachment", "right", { role: "service" });
      expect(creation(ENVIRONMENT, { settings })).to.equal("");
    });

    it("access logs into a bucket whose policy does not let the load balancers write", () => {
      const bucket = "logs";
      put("aws:s3/bucket:Bucket", bucket);
      const settings = ["false", "true"].map((enabled) => [
        setting("aws:elbv2:loadbalancer", "AccessLogsS3Bucket", bucket),
        setting("aws:elbv2:loadbalancer", "AccessLogsS3Enabled", enabled),
      ]);
      expect(settings.map((one) => creation(ENVIRONMENT, { settings: one }))).to.deep.equal([
        "",
        "InvalidConfigurationRequest: access denied for bucket logs",
      ]);
      const right = {
        Effect: "Allow",
        Principal: { Service: "logdelivery.elasticloadbalancing.amazonaws.com" },
        Action: "s3:PutObject",
      };
      for (const wrong of [
        { Effect: "Deny" },
        { Principal: { Service: "x" } },
        { Action: "s3:GetObject" },
        {},
      ]) {
        const policy = JSON.stringify({ Statement: [{ ...right, ...wrong }] });
        put("aws:s3/bucketPolicy:BucketPolicy", bucket, { bucket, policy });
        const isRight = Object.keys(wrong).length === 0;
        expect(creation(ENVIRONMENT, { settings: settings[1] }) === "", JSON.stringify(wrong)).to.equal(
          isRight,
        );
      }
    });
  });

  describe("to change", () => {
    it("the major version of a database without a word that it may", () => {
      const old = { engineVersion: "16" };
      expect(change(DATABASE, old, { engineVersion: "16.4" })).to.equal("");
      expect(change(DATABASE, old, { engineVersion: "17" })).to.include("AllowMajorVersionUpgrade");
      expect(change(DATABASE, old, { engineVersion: "17", allowMajorVersionUpgrade: true })).to.equal("");
    });

    it("storage to less", () => {
      expect(change(DATABASE, { allocatedStorage: 50 }, { allocatedStorage: 60 })).to.equal("");
      expect(change(DATABASE, { allocatedStorage: 50 }, { allocatedStorage: 49 })).to.include(
        "cannot be less than the current storage size",
      );
    });

    it("Redis to TLS at once", () => {
      const [plain, tls] = [false, true].map((transitEncryptionEnabled) => ({ transitEncryptionEnabled }));
      const preferred = { ...tls, transitEncryptionMode: "preferred" };
      expect(change(REDIS, plain!, tls!)).to.include("preferred first");
      expect(change(REDIS, {}, { ...tls, transitEncryptionMode: "required" })).to.include("preferred first");
      expect(change(REDIS, plain!, preferred)).to.equal("");
      expect(change(REDIS, preferred, { transitEncryptionMode: "required" })).to.equal("");
      expect(change(REDIS, tls!, { description: "new" })).to.equal("");
    });
  });

  it("takes a network that exists", () => {
    put(VPC, "vpc");
    expect(creation(SUBNET, { vpcId: "vpc", cidrBlock: "10.0.0.0/20" })).to.equal("");
  });
});

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { Reference, REFERENCES } from "../../../policies/facts/references";
import { RESOURCE_TYPES } from "../../../policies/facts/resourceTypes";
import { Account, Properties } from "./account";
import { beforeCreate, beforeDelete, beforeUpdate, restoredProperties } from "./rules";

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

const references = Object.entries(REFERENCES).flatMap(([user, all]) =>
  all.map((reference) => ({ user, ...reference })),
);

/** A reference in words. */
const words = ({ user, property, option, to }: (typeof references)[number]) =>
  `${to} of ${user.split("/")[1]?.split(":")[0] ?? ""} ${option?.join(" ") ?? property}`;

/** Inputs that name something, as the resource that refers writes it. */
const naming = ({ property, option }: Reference, name: string): Properties => {
  if (option !== undefined) {
    const [namespace, optionName = "ANY"] = option;
    return { settings: [{ namespace, name: optionName, value: `there,${name}`, resource: "" }] };
  }
  const [first = "", ...rest] = property.split(".");
  if (rest.length === 0) return { [first]: first.endsWith("Ids") ? ["there", name] : name };
  const value = rest.reduceRight<unknown>((inner, key) => ({ [key]: inner }), name);
  return { [first]: first === "redrivePolicy" ? JSON.stringify(value) : value };
};

/** The resources that AWS deletes though another one refers to them. */
const DELETABLE = [
  "aws:acm/certificate:Certificate of certificateValidation certificateArn",
  "aws:route53/record:Record of certificateValidation validationRecordFqdns",
  "aws:backup/vault:Vault of plan rules.0.targetVaultName",
  "aws:backup/vault:Vault of plan rules.0.copyActions.0.destinationVaultArn",
  "aws:backup/vault:Vault of vaultLockConfiguration backupVaultName",
  "aws:iam/role:Role of selection iamRoleArn",
  "aws:sns/topic:Topic of metricAlarm alarmActions",
  "aws:sns/topic:Topic of metricAlarm okActions",
  "aws:sns/topic:Topic of metricAlarm insufficientDataActions",
  "aws:iam/role:Role of flowLog iamRoleArn",
  "aws:cloudwatch/logGroup:LogGroup of flowLog logDestination",
  "aws:iam/role:Role of instance monitoringRoleArn",
  "aws:s3/bucket:Bucket of applicationVersion bucket",
  "aws:s3/bucketObjectv2:BucketObjectv2 of applicationVersion key",
  "aws:ec2/vpc:Vpc of defaultSecurityGroup vpcId",
  "aws:ec2/vpc:Vpc of flowLog vpcId",
  "aws:ec2/vpc:Vpc of environment aws:ec2:vpc VPCId",
  "aws:ec2/subnet:Subnet of routeTableAssociation subnetId",
  "aws:ec2/routeTable:RouteTable of route routeTableId",
  "aws:ec2/routeTable:RouteTable of vpcEndpoint routeTableIds",
  "aws:ec2/internetGateway:InternetGateway of route gatewayId",
  "aws:ec2/natGateway:NatGateway of route natGatewayId",
  "aws:ecr/repository:Repository of lifecyclePolicy repository",
  "aws:ec2/securityGroup:SecurityGroup of securityGroupIngressRule securityGroupId",
  "aws:ec2/securityGroup:SecurityGroup of securityGroupEgressRule securityGroupId",
  "aws:sqs/queue:Queue of queue redrivePolicy.deadLetterTargetArn",
  "aws:sqs/queue:Queue of queuePolicy queueUrl",
  "aws:sqs/queue:Queue of environment aws:elasticbeanstalk:sqsd WorkerQueueURL",
  "aws:sns/topic:Topic of topicPolicy arn",
  "aws:sns/topic:Topic of topicSubscription topic",
  "aws:elasticbeanstalk/environment:Environment of listener loadBalancerArn",
  "aws:elasticbeanstalk/environment:Environment of webAclAssociation resourceArn",
  "aws:elasticbeanstalk/application:Application of applicationVersion application",
  "aws:iam/instanceProfile:InstanceProfile of environment aws:autoscaling:launchconfiguration IamInstanceProfile",
  "aws:iam/role:Role of environment aws:elasticbeanstalk:environment ServiceRole",
  "aws:s3/bucket:Bucket of environment aws:elbv2:loadbalancer AccessLogsS3Bucket",
  "aws:s3/bucket:Bucket of bucketCorsConfiguration bucket",
  "aws:s3/bucket:Bucket of bucketLifecycleConfiguration bucket",
  "aws:s3/bucket:Bucket of bucketLogging bucket",
  "aws:s3/bucket:Bucket of bucketLogging targetBucket",
  "aws:s3/bucket:Bucket of bucketObjectv2 bucket",
  "aws:s3/bucket:Bucket of bucketOwnershipControls bucket",
  "aws:s3/bucket:Bucket of bucketPolicy bucket",
  "aws:s3/bucket:Bucket of bucketPublicAccessBlock bucket",
  "aws:s3/bucket:Bucket of bucketServerSideEncryptionConfiguration bucket",
  "aws:s3/bucket:Bucket of bucketVersioning bucket",
  "aws:kms/key:Key of logGroup kmsKeyId",
  "aws:kms/key:Key of topic kmsMasterKeyId",
  "aws:kms/key:Key of queue kmsMasterKeyId",
  "aws:kms/key:Key of bucketServerSideEncryptionConfiguration rules.applyServerSideEncryptionByDefault.kmsMasterKeyId",
  "aws:kms/key:Key of replicationGroup kmsKeyId",
  "aws:kms/key:Key of alias targetKeyId",
  "aws:kms/key:Key of instance kmsKeyId",
  "aws:kms/key:Key of instance performanceInsightsKmsKeyId",
];

/**
 * The references that no creation is refused for here: CloudWatch and flow logs take any ARN, Pulumi waits for a certificate's
 * validation by itself, requirements.ts looks up a version, its bundle and the database's monitoring role, and keys.ts the
 * key of a log group. S3, SNS and SQS look a key up when they use it.
 */
const NOT_LOOKED_UP = [
  "aws:acm/certificate:Certificate of certificateValidation certificateArn",
  "aws:route53/record:Record of certificateValidation validationRecordFqdns",
  "aws:sns/topic:Topic of metricAlarm alarmActions",
  "aws:sns/topic:Topic of metricAlarm okActions",
  "aws:sns/topic:Topic of metricAlarm insufficientDataActions",
  "aws:iam/role:Role of flowLog iamRoleArn",
  "aws:cloudwatch/logGroup:LogGroup of flowLog logDestination",
  "aws:s3/bucket:Bucket of applicationVersion bucket",
  "aws:s3/bucketObjectv2:BucketObjectv2 of applicationVersion key",
  "aws:elasticbeanstalk/applicationVersion:ApplicationVersion of environment version",
  "aws:iam/role:Role of instance monitoringRoleArn",
  "aws:kms/key:Key of logGroup kmsKeyId",
  "aws:kms/key:Key of topic kmsMasterKeyId",
  "aws:kms/key:Key of queue kmsMasterKeyId",
  "aws:kms/key:Key of bucketServerSideEncryptionConfiguration rules.applyServerSideEncryptionByDefault.kmsMasterKeyId",
];

/** Inputs that AWS refuses a second time, with the error code; another value of any of them is accepted. */
const DUPLICATES: [type: string, inputs: Properties, code: string][] = [
  ["aws:backup/vault:Vault", { name: "iaso", region: "eu-west-3" }, "AlreadyExistsException"],
  ["aws:wafv2/webAcl:WebAcl", { name: "iaso", scope: "REGIONAL" }, "WAFDuplicateItemException"],
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
    "aws:cloudfront/originAccessControl:OriginAccessControl",
    { name: "static" },
    "OriginAccessControlAlreadyExists",
  ],
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

describe("the simulated AWS refuses", () => {
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
    for (const reference of references) {
      const { user, to, by, inUse } = reference;
      if (inUse === undefined) continue;
      it(`${words(reference)} names`, () => {
        const used = put(
          to,
          by === undefined ? "used" : "another",
          {},
          by === undefined ? {} : { [by]: "used" },
        );
        put(user, "other", naming(reference, "not-used"));
        expect(deletion(used)).to.equal("");
        put(user, "user", naming(reference, "used"));
        expect(deletion(used)).to.match(new RegExp(`^${inUse}: .* is still used by user$`));
      });
    }

    it("a version that an environment of its application runs, and not one of the same label elsewhere", () => {
      const version = put(VERSION, "iaso/1", { application: "iaso" }, { name: "1" });
      put(ENVIRONMENT, "elsewhere", { application: "another", version: "1" });
      expect(deletion(version)).to.equal("");
      put(ENVIRONMENT, "here", { application: "iaso", version: "1" });
      expect(deletion(version)).to.match(/^InvalidParameterValue: iaso\/1 is still used by here$/);
    });

    it("every resource that another one refers to, but for a closed list", () => {
      const deletable = references.filter(({ inUse }) => inUse === undefined);
      expect(deletable.map(words)).to.have.members(DELETABLE);
      for (const reference of deletable) {
        const { user, to, by } = reference;
        const used = put(to, "used", {}, by === undefined ? {} : { [by]: "used" });
        put(user, "user", naming(reference, "used"));
        if (to !== "aws:s3/bucket:Bucket" || !user.includes("Object"))
          expect(deletion(used), words(reference)).to.equal("");
        account.remove(user, "user");
        account.remove(to, "used");
      }
    });

    it("an internet gateway while its VPC has a NAT gateway", () => {
      put(SUBNET, "near", { vpcId: "mine" });
      put(SUBNET, "far", { vpcId: "other" });
      const gateway = put(GATEWAY, "gateway", { vpcId: "mine" });
      put(NAT, "far", { subnetId: "far" });
      expect(deletion(gateway)).to.equal("");
      put(NAT, "near", { subnetId: "near" });
      expect(deletion(gateway)).to.include("DependencyViolation");
    });

    it("a resource whose final snapshot has the name of another snapshot of the service", () => {
      const redis = put(REDIS, "redis", { finalSnapshotIdentifier: "final" });
      const database = put(DATABASE, "database", { identifier: "db", finalSnapshotIdentifier: "final" });
      const cache = put(REDIS, "cache");
      for (const resource of [redis, database, cache]) expect(deletion(resource)).to.equal("");
      expect(
        account.snapshots.map(({ identifier, service, source }) => ({ identifier, service, source })),
      ).to.deep.equal([
        { service: "elasticache", identifier: "final", source: "redis" },
        { service: "rds", identifier: "final", source: "db" },
      ]);
      expect(deletion(redis)).to.include("SnapshotAlreadyExistsFault");
      expect(deletion(database)).to.include("DBSnapshotAlreadyExists");
    });
  });

  describe("to create from a snapshot", () => {
    const database = (own: Properties = {}) => ({
      snapshotIdentifier: "old",
      engine: "postgres",
      engineVersion: "16",
      manageMasterUserPassword: true,
      storageEncrypted: true,
      dbName: "iaso",
      username: "iaso",
      ...own,
    });
    const keep = (service: "rds" | "elasticache", properties: Properties) => {
      account.snapshots.push({ service, identifier: "old", source: "old-iaso", properties });
    };

    it("that does not exist", () => {
      keep("elasticache", {});
      expect(creation(DATABASE, database())).to.include("DBSnapshotNotFound");
      account.snapshots.length = 0;
      keep("rds", {});
      expect(creation(REDIS, { snapshotName: "old" })).to.include("SnapshotNotFoundFault");
    });

    it("of another major version of PostgreSQL, or of a newer Redis", () => {
      keep("rds", { engineVersion: "12.17" });
      keep("elasticache", { engineVersion: "7.1.0" });
      expect(creation(DATABASE, database())).to.include("InvalidParameterCombination");
      expect(creation(DATABASE, database({ engineVersion: "12" }))).to.equal("");
      expect(creation(REDIS, { snapshotName: "old", engineVersion: "6.2" })).to.include(
        "InvalidParameterCombination",
      );
      expect(creation(REDIS, { snapshotName: "old", engineVersion: "7.1" })).to.equal("");
    });

    it("nothing else: an unencrypted snapshot makes an unencrypted database, with its own names", () => {
      const properties = { dbName: "ebdb", username: "postgres", storageEncrypted: false };
      keep("rds", { engineVersion: "16.8", ...properties });
      const arn = "arn:aws:rds:eu-central-1:123456789012:snapshot:old";
      for (const snapshotIdentifier of ["old", arn]) {
        expect(creation(DATABASE, database({ snapshotIdentifier }))).to.equal("");
        expect(restoredProperties(account, DATABASE, database({ snapshotIdentifier }))).to.deep.equal(
          properties,
        );
      }
      expect(
        restoredProperties(account, DATABASE, database({ snapshotIdentifier: undefined })),
      ).to.deep.equal({});
    });
  });

  describe("to create twice", () => {
    for (const [type, inputs, code] of DUPLICATES) {
      it(`${type} with the same ${Object.keys(inputs).join(", ")}`, () => {
        put(type, "first", inputs);
        expect(creation(type, inputs)).to.equal(`${code}: conflicts with first`);
        for (const [key, value] of Object.entries(inputs)) {
          const other = Array.isArray(value) ? ["other"] : "other";
          expect(creation(type, { ...inputs, [key]: other }), key).not.to.include("conflicts");
        }
      });
    }

    it("no other duplicates", () => {
      const unique = Object.entries(RESOURCE_TYPES).flatMap(([type, facts]) =>
        (facts.unique ?? []).map(({ properties, code }) => [type, properties, code]),
      );
      expect(unique).to.have.deep.members(
        DUPLICATES.map(([type, inputs, code]) => [type, Object.keys(inputs), code]),
      );
    });

    it("a distribution with one alias of another, but not two without aliases", () => {
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
      it(`${type} with other inputs than the first`, () => {
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

  describe("to create without its dependencies", () => {
    for (const reference of references) {
      const { user, to, by, missing } = reference;
      if (missing === undefined) continue;
      it(`a reference to no ${words(reference)}`, () => {
        const exist = (name: string) =>
          put(to, by === undefined ? name : `id of ${name}`, {}, by === undefined ? {} : { [by]: name });
        exist("there");
        const refusal = `${missing}: missing does not exist`;
        expect(creation(user, naming(reference, "missing"))).to.equal(refusal);
        expect(change(user, naming(reference, "there"), naming(reference, "missing"))).to.equal(refusal);
        // A reference that does not change is not looked up again.
        expect(change(user, naming(reference, "missing"), { description: "new" })).not.to.include(
          "does not exist",
        );
        exist("missing");
        expect(creation(user, naming(reference, "missing"))).not.to.include("does not exist");
      });
    }

    it("looks up every reference, but for a closed list", () => {
      expect(references.filter(({ missing }) => missing === undefined).map(words)).to.have.members(
        NOT_LOOKED_UP,
      );
    });

    it("but not resources of AWS itself, which every account has", () => {
      expect(creation(REDIS, { parameterGroupName: "default.redis7" })).to.equal("");
      put("aws:iam/role:Role", "role");
      const policyArn = "arn:aws:iam::aws:policy/ReadOnlyAccess";
      expect(
        creation("aws:iam/rolePolicyAttachment:RolePolicyAttachment", { role: "role", policyArn }),
      ).to.equal("");
    });

    it("a NAT gateway in a VPC without an internet gateway", () => {
      put(SUBNET, "subnet", { vpcId: "mine" });
      put(GATEWAY, "other", { vpcId: "other" });
      expect(creation(NAT, { subnetId: "subnet" })).to.include("Gateway.NotAttached");
      put(GATEWAY, "mine", { vpcId: "mine" });
      expect(creation(NAT, { subnetId: "subnet" })).to.equal("");
    });

    it("a database whose monitoring role has no permissions", () => {
      const inputs = { monitoringRoleArn: "arn" };
      put("aws:iam/role:Role", "monitoring", {}, { arn: "arn" });
      put("aws:iam/rolePolicyAttachment:RolePolicyAttachment", "another", { role: "another" });
      expect(creation(DATABASE, inputs)).to.include("InvalidParameterValue");
      put("aws:iam/rolePolicyAttachment:RolePolicyAttachment", "right", { role: "monitoring" });
      expect(creation(DATABASE, inputs)).to.equal("");
    });

    it("a database without a password, or with two", () => {
      for (const [inputs, refused] of [
        [{}, true],
        [{ password: "x" }, false],
        [{ manageMasterUserPassword: true }, false],
        [{ manageMasterUserPassword: true, password: "x" }, true],
      ] as const)
        expect(creation(DATABASE, { engine: "postgres", ...inputs }).includes("master password")).to.equal(
          refused,
        );
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

    it("an environment whose instance role has no permissions", () => {
      put("aws:iam/instanceProfile:InstanceProfile", "profile", { role: "instances" });
      const settings = [setting("aws:autoscaling:launchconfiguration", "IamInstanceProfile", "profile")];
      expect(creation(ENVIRONMENT, { settings })).to.include("Failed to launch environment");
      put("aws:iam/rolePolicy:RolePolicy", "right", { role: "instances" });
      expect(creation(ENVIRONMENT, { settings })).to.equal("");
    });

    it("an environment with enhanced health whose service role has no permissions", () => {
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

    it("access logs into a bucket whose policy does not allow load balancers to write", () => {
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

  describe("to create, by S3's public access block", () => {
    const POLICY = "aws:s3/bucketPolicy:BucketPolicy";
    const BLOCK = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock";
    const everyone = { Effect: "Allow", Principal: "*", Action: "s3:GetObject", Resource: "*" };
    const cloudFront = {
      ...everyone,
      Principal: { Service: "cloudfront.amazonaws.com" },
      Condition: { ArnLike: { "aws:SourceArn": "arn:aws:cloudfront::1:distribution/*" } },
    };
    const policyOf = (bucket: string, statement: object) =>
      creation(POLICY, { bucket, policy: JSON.stringify({ Statement: [statement] }) });
    const refused = (bucket: string) => `AccessDenied: public policies are blocked on ${bucket}`;

    it("a public policy on a bucket that blocks it, and still after the block was lifted, for a time", () => {
      const bucket = "young";
      put("aws:s3/bucket:Bucket", bucket, { bucket });
      expect(policyOf(bucket, everyone)).to.equal(refused(bucket));
      creation(BLOCK, { bucket, blockPublicPolicy: false });
      put(BLOCK, bucket, { bucket, blockPublicPolicy: false });
      expect([1, 2, 3].map(() => policyOf(bucket, everyone))).to.deep.equal([
        refused(bucket),
        refused(bucket),
        "",
      ]);
    });

    it("a public policy for ever in an account that blocks it, but none for CloudFront", () => {
      const bucket = "blocked";
      put("aws:s3/bucket:Bucket", bucket, { bucket });
      put(BLOCK, bucket, { bucket, blockPublicPolicy: false });
      put("aws:s3/accountPublicAccessBlock:AccountPublicAccessBlock", "1", { blockPublicPolicy: true });
      expect([1, 2, 3, 4].map(() => policyOf(bucket, everyone))).to.deep.equal(
        Array.from({ length: 4 }, () => refused(bucket)),
      );
      expect(policyOf(bucket, cloudFront)).to.equal("");
    });
  });

  describe("to update", () => {
    it("a major upgrade of a database without allowMajorVersionUpgrade", () => {
      const old = { engineVersion: "16" };
      expect(change(DATABASE, old, { engineVersion: "16.4" })).to.equal("");
      expect(change(DATABASE, old, { engineVersion: "17" })).to.include("AllowMajorVersionUpgrade");
      expect(change(DATABASE, old, { engineVersion: "17", allowMajorVersionUpgrade: true })).to.equal("");
    });

    it("less storage", () => {
      expect(change(DATABASE, { allocatedStorage: 50 }, { allocatedStorage: 60 })).to.equal("");
      expect(change(DATABASE, { allocatedStorage: 50 }, { allocatedStorage: 49 })).to.include(
        "cannot be less than the current storage size",
      );
    });

    it("TLS on Redis in one step", () => {
      const [plain, tls] = [false, true].map((transitEncryptionEnabled) => ({ transitEncryptionEnabled }));
      const preferred = { ...tls, transitEncryptionMode: "preferred" };
      expect(change(REDIS, plain!, tls!)).to.include("preferred first");
      expect(change(REDIS, {}, { ...tls, transitEncryptionMode: "required" })).to.include("preferred first");
      expect(change(REDIS, plain!, preferred)).to.equal("");
      expect(change(REDIS, preferred, { transitEncryptionMode: "required" })).to.equal("");
      expect(change(REDIS, tls!, { description: "new" })).to.equal("");
    });
  });

  it("accepts a VPC that exists", () => {
    put(VPC, "vpc");
    expect(creation(SUBNET, { vpcId: "vpc", cidrBlock: "10.0.0.0/20" })).to.equal("");
  });
});

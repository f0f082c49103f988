import { isDeepStrictEqual } from "node:util";
import { zoneIdOf } from "../../../simulated-aws/route53";
import { Account, AccountResource, AwsError, Properties, Snapshot } from "./account";
import { requireReferences, requireSurroundings } from "./requirements";
import { IDEMPOTENT, PUTS } from "./types";

/** A reference that makes AWS refuse to delete what it points to. */
export interface Use {
  /** Type of the resource that cannot be deleted. */
  of: string;
  /** Its property that others name; `id` for its id. */
  by: string;
  /** Who names it, and in which property. */
  user: string;
  property: string;
  code: string;
}

const dependency = (of: string, user: string, property: string, by = "id"): Use => ({
  of,
  by,
  user,
  property,
  code: "DependencyViolation",
});
const inUse = (code: string, of: string, by: string, user: string, property: string): Use => ({
  of,
  by,
  user,
  property,
  code,
});

/** What AWS refuses to delete while something else uses it. */
export const USES: Use[] = [
  dependency("aws:ec2/vpc:Vpc", "aws:ec2/subnet:Subnet", "vpcId"),
  dependency("aws:ec2/vpc:Vpc", "aws:ec2/securityGroup:SecurityGroup", "vpcId"),
  dependency("aws:ec2/vpc:Vpc", "aws:ec2/internetGateway:InternetGateway", "vpcId"),
  dependency("aws:ec2/vpc:Vpc", "aws:ec2/routeTable:RouteTable", "vpcId"),
  dependency("aws:ec2/vpc:Vpc", "aws:ec2/vpcEndpoint:VpcEndpoint", "vpcId"),
  dependency("aws:ec2/subnet:Subnet", "aws:ec2/natGateway:NatGateway", "subnetId"),
  dependency("aws:ec2/subnet:Subnet", "aws:rds/subnetGroup:SubnetGroup", "subnetIds"),
  dependency("aws:ec2/subnet:Subnet", "aws:elasticache/subnetGroup:SubnetGroup", "subnetIds"),
  dependency(
    "aws:ec2/routeTable:RouteTable",
    "aws:ec2/routeTableAssociation:RouteTableAssociation",
    "routeTableId",
  ),
  inUse("InvalidIPAddress.InUse", "aws:ec2/eip:Eip", "id", "aws:ec2/natGateway:NatGateway", "allocationId"),
  dependency("aws:ec2/securityGroup:SecurityGroup", "aws:rds/instance:Instance", "vpcSecurityGroupIds"),
  dependency(
    "aws:ec2/securityGroup:SecurityGroup",
    "aws:elasticache/replicationGroup:ReplicationGroup",
    "securityGroupIds",
  ),
  dependency(
    "aws:ec2/securityGroup:SecurityGroup",
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
    "referencedSecurityGroupId",
  ),
  dependency(
    "aws:ec2/securityGroup:SecurityGroup",
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
    "referencedSecurityGroupId",
  ),
  dependency(
    "aws:ec2/securityGroup:SecurityGroup",
    "aws:elasticbeanstalk/environment:Environment",
    "settings",
  ),
  dependency("aws:ec2/subnet:Subnet", "aws:elasticbeanstalk/environment:Environment", "settings"),
  inUse(
    "InvalidDBSubnetGroupStateFault",
    "aws:rds/subnetGroup:SubnetGroup",
    "id",
    "aws:rds/instance:Instance",
    "dbSubnetGroupName",
  ),
  inUse(
    "InvalidDBParameterGroupState",
    "aws:rds/parameterGroup:ParameterGroup",
    "id",
    "aws:rds/instance:Instance",
    "parameterGroupName",
  ),
  inUse(
    "CacheSubnetGroupInUse",
    "aws:elasticache/subnetGroup:SubnetGroup",
    "id",
    "aws:elasticache/replicationGroup:ReplicationGroup",
    "subnetGroupName",
  ),
  inUse(
    "InvalidCacheParameterGroupState",
    "aws:elasticache/parameterGroup:ParameterGroup",
    "id",
    "aws:elasticache/replicationGroup:ReplicationGroup",
    "parameterGroupName",
  ),
  inUse(
    "OperationInProgressFailure",
    "aws:elasticbeanstalk/application:Application",
    "id",
    "aws:elasticbeanstalk/environment:Environment",
    "application",
  ),
  inUse(
    "InvalidParameterValue",
    "aws:elasticbeanstalk/applicationVersion:ApplicationVersion",
    "name",
    "aws:elasticbeanstalk/environment:Environment",
    "version",
  ),
  inUse("DeleteConflict", "aws:iam/role:Role", "id", "aws:iam/instanceProfile:InstanceProfile", "role"),
  inUse("DeleteConflict", "aws:iam/role:Role", "id", "aws:iam/rolePolicy:RolePolicy", "role"),
  inUse(
    "DeleteConflict",
    "aws:iam/role:Role",
    "id",
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
    "role",
  ),
  inUse(
    "DeleteConflict",
    "aws:iam/policy:Policy",
    "arn",
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
    "policyArn",
  ),
  inUse("DeleteConflict", "aws:iam/policy:Policy", "arn", "aws:iam/role:Role", "permissionsBoundary"),
  inUse(
    "ResourceInUseException",
    "aws:acm/certificate:Certificate",
    "arn",
    "aws:lb/listener:Listener",
    "certificateArn",
  ),
  inUse(
    "ResourceInUseException",
    "aws:acm/certificate:Certificate",
    "arn",
    "aws:elasticbeanstalk/environment:Environment",
    "settings",
  ),
  inUse(
    "ResourceInUseException",
    "aws:acm/certificate:Certificate",
    "arn",
    "aws:cloudfront/distribution:Distribution",
    "viewerCertificate",
  ),
];

/** The error by which AWS refuses a second one of what it names. */
const CONFLICTS: Record<string, string> = {
  "aws:cloudwatch/logGroup:LogGroup": "ResourceAlreadyExistsException",
  "aws:iam/instanceProfile:InstanceProfile": "EntityAlreadyExists",
  "aws:iam/openIdConnectProvider:OpenIdConnectProvider": "EntityAlreadyExists",
  "aws:iam/policy:Policy": "EntityAlreadyExists",
  "aws:iam/role:Role": "EntityAlreadyExists",
  "aws:rds/instance:Instance": "DBInstanceAlreadyExists",
  "aws:route53/record:Record": "InvalidChangeBatch",
  "aws:s3/bucket:Bucket": "BucketAlreadyOwnedByYou",
  "aws:sns/topic:Topic": "InvalidParameter",
  "aws:sqs/queue:Queue": "QueueAlreadyExists",
  "aws:ssm/parameter:Parameter": "ParameterAlreadyExists",
};

/** What no two of a type have in common, though their ids differ. Lists must have nothing in common. */
export interface Unique {
  type: string;
  properties: string[];
  code: string;
}

const RULE = ["securityGroupId", "ipProtocol", "fromPort", "toPort", "cidrIpv4", "cidrIpv6"];

export const UNIQUE: Unique[] = [
  {
    type: "aws:ec2/route:Route",
    properties: ["routeTableId", "destinationCidrBlock"],
    code: "RouteAlreadyExists",
  },
  { type: "aws:lb/listener:Listener", properties: ["loadBalancerArn", "port"], code: "DuplicateListener" },
  { type: "aws:ec2/subnet:Subnet", properties: ["vpcId", "cidrBlock"], code: "InvalidSubnet.Conflict" },
  {
    type: "aws:ec2/securityGroup:SecurityGroup",
    properties: ["vpcId", "name"],
    code: "InvalidGroup.Duplicate",
  },
  {
    type: "aws:ec2/routeTableAssociation:RouteTableAssociation",
    properties: ["subnetId"],
    code: "Resource.AlreadyAssociated",
  },
  {
    type: "aws:ec2/natGateway:NatGateway",
    properties: ["allocationId"],
    code: "Resource.AlreadyAssociated",
  },
  {
    type: "aws:ec2/flowLog:FlowLog",
    properties: ["vpcId", "logDestination"],
    code: "FlowLogAlreadyExists",
  },
  {
    type: "aws:ec2/vpcEndpoint:VpcEndpoint",
    properties: ["vpcId", "serviceName"],
    code: "RouteAlreadyExists",
  },
  {
    type: "aws:elasticbeanstalk/environment:Environment",
    properties: ["name"],
    code: "InvalidParameterValue",
  },
  {
    type: "aws:elasticbeanstalk/environment:Environment",
    properties: ["cnamePrefix"],
    code: "InvalidParameterValue",
  },
  {
    type: "aws:cloudfront/distribution:Distribution",
    properties: ["aliases"],
    code: "CNAMEAlreadyExists",
  },
  {
    type: "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
    properties: [...RULE, "referencedSecurityGroupId"],
    code: "InvalidPermission.Duplicate",
  },
  {
    type: "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
    properties: [...RULE, "referencedSecurityGroupId", "prefixListId"],
    code: "InvalidPermission.Duplicate",
  },
];

/** Refuses what AWS would refuse to create. */
export function beforeCreate(account: Account, type: string, id: string, inputs: Properties): void {
  const existing = account.find(type, id);
  if (
    existing &&
    !isPut(type, inputs) &&
    !(IDEMPOTENT.has(type) && isDeepStrictEqual(existing.inputs, inputs))
  ) {
    throw new AwsError(CONFLICTS[type] ?? "ResourceAlreadyExists", `${id} already exists`);
  }
  for (const { properties, code } of UNIQUE.filter((unique) => unique.type === type)) {
    if (properties.every((property) => inputs[property] === undefined)) continue;
    const twin = account
      .ofType(type)
      .find((other) => properties.every((property) => collide(other.inputs[property], inputs[property])));
    if (twin) throw new AwsError(code, `conflicts with ${twin.id}`);
  }
  requireReferences(account, type, inputs);
  requireSurroundings(account, type, inputs);
  onPut(account, type, inputs);
}

/** Refuses what AWS would refuse to change. */
export function beforeUpdate(account: Account, type: string, old: Properties, inputs: Properties): void {
  requireReferences(account, type, inputs, old);
  if (type === "aws:rds/instance:Instance") judgeDatabaseChange(old, inputs);
  if (type === "aws:elasticache/replicationGroup:ReplicationGroup") judgeRedisChange(old, inputs);
  onPut(account, type, inputs);
}

/** Refuses what AWS would refuse to create and to change. */
function onPut(account: Account, type: string, inputs: Properties): void {
  if (type.startsWith("aws:s3/") && type !== "aws:s3/bucket:Bucket") {
    if (!account.find("aws:s3/bucket:Bucket", inputs.bucket as string)) {
      throw new AwsError("NoSuchBucket", `the bucket ${inputs.bucket as string} does not exist`);
    }
  }
  switch (type) {
    case "aws:s3/bucketPolicy:BucketPolicy": {
      refusePublicPolicy(account, inputs);
      return;
    }
    case "aws:acm/certificateValidation:CertificateValidation": {
      requireValidation(account, inputs.certificateArn as string);
      return;
    }
    case "aws:lb/listener:Listener": {
      requireIssued(account, JSON.stringify(inputs.certificateArn ?? ""));
      return;
    }
    case "aws:elasticbeanstalk/environment:Environment": {
      requireIssued(account, JSON.stringify(inputs.settings ?? []));
      return;
    }
    case "aws:cloudfront/distribution:Distribution": {
      requireIssued(account, JSON.stringify(inputs.viewerCertificate ?? {}));
      return;
    }
  }
}

/** A version's label is unique within its application only: an environment of another one uses another version. */
function isOfApplication({ type, inputs }: AccountResource, { application }: Properties): boolean {
  return (
    type !== "aws:elasticbeanstalk/applicationVersion:ApplicationVersion" ||
    application === inputs.application
  );
}

/** Refuses what AWS would refuse to delete. */
export function beforeDelete(account: Account, resource: AccountResource): void {
  const { type, id } = resource;
  for (const use of USES.filter(({ of }) => of === type)) {
    const name = use.by === "id" ? id : (resource.state[use.by] as string);
    const user = account
      .ofType(use.user)
      .find(({ inputs }) => mentions(inputs[use.property], name) && isOfApplication(resource, inputs));
    if (user) throw new AwsError(use.code, `${id} is still used by ${user.id}`);
  }
  if (type === "aws:ec2/internetGateway:InternetGateway") refuseMappedAddresses(account, resource);
  if (type === "aws:s3/bucket:Bucket") refuseFullBucket(account, resource);
  if (type === "aws:rds/instance:Instance") finishDatabase(account, resource);
  if (type === "aws:elasticache/replicationGroup:ReplicationGroup") finishRedis(account, resource);
}

/** Whether the creation replaces what is there already. */
function isPut(type: string, inputs: Properties): boolean {
  return PUTS.has(type) || (type === "aws:route53/record:Record" && inputs.allowOverwrite === true);
}

/** @see https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_ModifyDBInstance.html */
function judgeDatabaseChange(old: Properties, inputs: Properties): void {
  const [from, to] = [old, inputs].map(
    ({ engineVersion }) => (engineVersion as string | undefined)?.split(".")[0],
  );
  if (from !== to && inputs.allowMajorVersionUpgrade !== true) {
    throw new AwsError(
      "InvalidParameterCombination",
      "the AllowMajorVersionUpgrade flag must be present when upgrading to a new major version",
    );
  }
  const [was, is] = [old, inputs].map(({ allocatedStorage }) => allocatedStorage as number);
  if (was !== undefined && is !== undefined && is < was) {
    throw new AwsError(
      "InvalidParameterCombination",
      `requested storage size (${is}) cannot be less than the current storage size (${was})`,
    );
  }
}

/**
 * Clients move to TLS while both are taken, or they would all be cut off.
 *
 * @see https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_ModifyReplicationGroup.html
 */
function judgeRedisChange(old: Properties, inputs: Properties): void {
  const turnedOn = old.transitEncryptionEnabled !== true && inputs.transitEncryptionEnabled === true;
  if (turnedOn && inputs.transitEncryptionMode !== "preferred") {
    throw new AwsError(
      "InvalidParameterCombination",
      "transit encryption is turned on with the transit encryption mode preferred first",
    );
  }
}

/** An internet gateway goes only after all in its network that has a public address. */
function refuseMappedAddresses(account: Account, { id, inputs }: AccountResource): void {
  const subnets = account
    .ofType("aws:ec2/subnet:Subnet")
    .filter((subnet) => subnet.inputs.vpcId === inputs.vpcId)
    .map((subnet) => subnet.id);
  const gateways = account.ofType("aws:ec2/natGateway:NatGateway");
  if (gateways.some((gateway) => subnets.includes(gateway.inputs.subnetId as string))) {
    throw new AwsError("DependencyViolation", `${id}: the network has mapped public addresses`);
  }
}

/** @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html */
function refusePublicPolicy(account: Account, inputs: Properties): void {
  const document = JSON.parse(inputs.policy as string) as {
    Statement: { Effect: string; Principal?: unknown; Condition?: unknown }[];
  };
  const isPublic = document.Statement.some(
    ({ Effect, Principal, Condition }) =>
      Effect === "Allow" && Condition === undefined && (Principal === "*" || mentions(Principal, "*")),
  );
  // New buckets block public policies until told otherwise.
  const block = account.find(
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
    inputs.bucket as string,
  );
  if (isPublic && block?.inputs.blockPublicPolicy !== false) {
    throw new AwsError("AccessDenied", `public policies are blocked on ${inputs.bucket as string}`);
  }
}

/** A certificate is issued when the records that prove the ownership of its names exist. */
function requireValidation(account: Account, certificateArn: string): void {
  const certificate = account.find("aws:acm/certificate:Certificate", certificateArn);
  if (!certificate) throw new AwsError("ResourceNotFoundException", `no certificate ${certificateArn}`);
  const options = certificate.state.domainValidationOptions as Record<string, string>[];
  for (const {
    domainName = "",
    resourceRecordName = "",
    resourceRecordType,
    resourceRecordValue = "",
  } of options) {
    const labels = domainName.split(".");
    const zones = labels.map((_, index) => zoneIdOf(labels.slice(index).join(".")));
    const record = account
      .ofType("aws:route53/record:Record")
      .find(
        ({ inputs }) =>
          inputs.type === resourceRecordType &&
          zones.includes(inputs.zoneId as string) &&
          withoutDot(inputs.name as string) === withoutDot(resourceRecordName) &&
          ((inputs.records as string[] | undefined) ?? [])
            .map(withoutDot)
            .includes(withoutDot(resourceRecordValue)),
      );
    if (!record) {
      throw new AwsError("timeout", `${certificateArn} still waits for its record ${resourceRecordName}`);
    }
  }
  account.put({ ...certificate, state: { ...certificate.state, status: "ISSUED" } });
}

/** Only issued certificates can be used. */
function requireIssued(account: Account, text: string): void {
  for (const { id, state } of account.ofType("aws:acm/certificate:Certificate")) {
    if (text.includes(id) && state.status !== "ISSUED") {
      throw new AwsError("UnsupportedCertificate", `the certificate ${id} is not issued yet`);
    }
  }
}

function refuseFullBucket(account: Account, { id, inputs }: AccountResource): void {
  const left = (account.objects[id] ?? []).length;
  const own = account
    .ofType("aws:s3/bucketObjectv2:BucketObjectv2")
    .filter((object) => object.inputs.bucket === id);
  if (left + own.length > 0 && inputs.forceDestroy !== true) {
    throw new AwsError("BucketNotEmpty", `the bucket ${id} is not empty`);
  }
  Reflect.deleteProperty(account.objects, id);
}

function finishDatabase(account: Account, { inputs }: AccountResource): void {
  const database = inputs.identifier as string;
  if (inputs.deletionProtection === true) {
    throw new AwsError("InvalidParameterCombination", `cannot delete protected DB instance ${database}`);
  }
  if (inputs.skipFinalSnapshot === true) return;
  const identifier = inputs.finalSnapshotIdentifier as string | undefined;
  if (identifier === undefined) {
    throw new AwsError("InvalidParameterCombination", "a final snapshot needs finalSnapshotIdentifier");
  }
  keepSnapshot(account, { service: "rds", identifier, source: database }, "DBSnapshotAlreadyExists");
}

function finishRedis(account: Account, { id, inputs }: AccountResource): void {
  const identifier = inputs.finalSnapshotIdentifier as string | undefined;
  if (identifier === undefined) return;
  keepSnapshot(account, { service: "elasticache", identifier, source: id }, "SnapshotAlreadyExistsFault");
}

function keepSnapshot(account: Account, snapshot: Snapshot, code: string): void {
  const { service, identifier } = snapshot;
  if (account.snapshots.some((other) => other.service === service && other.identifier === identifier)) {
    throw new AwsError(code, `the snapshot ${identifier} already exists`);
  }
  account.snapshots.push(snapshot);
}

/** Whether the value is the text, or has it inside, as in a list of ids or in the value of a setting. */
function mentions(value: unknown, text: string): boolean {
  if (typeof value === "string") return value.split(",").includes(text);
  if (Array.isArray(value)) return value.some((part) => mentions(part, text));
  if (typeof value === "object" && value !== null)
    return Object.values(value).some((part) => mentions(part, text));
  return false;
}

function collide(a: unknown, b: unknown): boolean {
  if (Array.isArray(a) && Array.isArray(b)) return a.some((part) => b.includes(part));
  return JSON.stringify(a ?? null) === JSON.stringify(b ?? null);
}

function withoutDot(name: string): string {
  return name.replace(/\.$/, "");
}

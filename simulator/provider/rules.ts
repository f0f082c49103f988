import { Account, AccountResource, AwsError, Properties } from "./account";

/** A reference that makes AWS refuse to delete what it points to. */
interface Use {
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
const USES: Use[] = [
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
  "aws:ssm/parameter:Parameter": "ParameterAlreadyExists",
};

/** What must differ between any two of a type whose ids AWS generates. */
const UNIQUE: Record<string, { properties: string[]; code: string }> = {
  "aws:ec2/route:Route": { properties: ["routeTableId", "destinationCidrBlock"], code: "RouteAlreadyExists" },
  "aws:lb/listener:Listener": { properties: ["loadBalancerArn", "port"], code: "DuplicateListener" },
  "aws:ec2/subnet:Subnet": { properties: ["vpcId", "cidrBlock"], code: "InvalidSubnet.Conflict" },
  "aws:ec2/securityGroup:SecurityGroup": { properties: ["vpcId", "name"], code: "InvalidGroup.Duplicate" },
  "aws:ec2/routeTableAssociation:RouteTableAssociation": {
    properties: ["subnetId"],
    code: "Resource.AlreadyAssociated",
  },
  "aws:ec2/natGateway:NatGateway": { properties: ["allocationId"], code: "Resource.AlreadyAssociated" },
  "aws:ec2/flowLog:FlowLog": { properties: ["vpcId", "logDestination"], code: "FlowLogAlreadyExists" },
  "aws:ec2/vpcEndpoint:VpcEndpoint": { properties: ["vpcId", "serviceName"], code: "RouteAlreadyExists" },
  "aws:elasticbeanstalk/environment:Environment": { properties: ["name"], code: "InvalidParameterValue" },
  "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": {
    properties: [
      "securityGroupId",
      "ipProtocol",
      "fromPort",
      "toPort",
      "cidrIpv4",
      "cidrIpv6",
      "referencedSecurityGroupId",
    ],
    code: "InvalidPermission.Duplicate",
  },
  "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": {
    properties: [
      "securityGroupId",
      "ipProtocol",
      "fromPort",
      "toPort",
      "cidrIpv4",
      "cidrIpv6",
      "referencedSecurityGroupId",
      "prefixListId",
    ],
    code: "InvalidPermission.Duplicate",
  },
};

/** Refuses what AWS would refuse to create. */
export function beforeCreate(
  account: Account,
  type: string,
  id: string,
  inputs: Properties,
  upsert: boolean,
): void {
  if (!upsert && account.find(type, id)) {
    throw new AwsError(CONFLICTS[type] ?? "ResourceAlreadyExists", `${id} already exists`);
  }
  const unique = UNIQUE[type];
  if (unique) {
    const twin = account
      .ofType(type)
      .find((other) => unique.properties.every((property) => same(other.inputs[property], inputs[property])));
    if (twin) throw new AwsError(unique.code, `conflicts with ${twin.id}`);
  }
  onPut(account, type, inputs);
}

/** Refuses what AWS would refuse to create or change. */
export function onPut(account: Account, type: string, inputs: Properties): void {
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
    case "aws:elasticbeanstalk/environment:Environment":
      requireParent(account, "aws:elasticbeanstalk/application:Application", inputs.application as string);
      {
        requireIssued(account, JSON.stringify(inputs.settings ?? []));
        return;
      }
    case "aws:cloudfront/distribution:Distribution": {
      requireIssued(account, JSON.stringify(inputs.viewerCertificate ?? {}));
      return;
    }
    case "aws:iam/rolePolicy:RolePolicy":
    case "aws:iam/rolePolicyAttachment:RolePolicyAttachment":
    case "aws:iam/instanceProfile:InstanceProfile": {
      requireParent(account, "aws:iam/role:Role", inputs.role as string);
      return;
    }
  }
}

/** Refuses what AWS would refuse to delete. */
export function beforeDelete(account: Account, resource: AccountResource): void {
  const { type, id } = resource;
  for (const use of USES.filter(({ of }) => of === type)) {
    const name = use.by === "id" ? id : (resource.state[use.by] as string);
    const user = account.ofType(use.user).find(({ inputs }) => mentions(inputs[use.property], name));
    if (user) throw new AwsError(use.code, `${id} is still used by ${user.id}`);
  }
  if (
    type === "aws:ec2/internetGateway:InternetGateway" &&
    account.ofType("aws:ec2/natGateway:NatGateway").length > 0
  ) {
    throw new AwsError("DependencyViolation", `${id}: the network has mapped public addresses`);
  }
  if (type === "aws:s3/bucket:Bucket") refuseFullBucket(account, resource);
  if (type === "aws:rds/instance:Instance") finishDatabase(account, resource);
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
  const options = certificate.state.domainValidationOptions as {
    resourceRecordName: string;
    resourceRecordValue: string;
  }[];
  for (const { resourceRecordName, resourceRecordValue } of options) {
    const record = account
      .ofType("aws:route53/record:Record")
      .find(
        ({ inputs }) =>
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

function requireParent(account: Account, type: string, id: string): void {
  if (!account.find(type, id)) throw new AwsError("NoSuchEntity", `${id} does not exist`);
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
  if (account.snapshots.some((snapshot) => snapshot.identifier === identifier)) {
    throw new AwsError("DBSnapshotAlreadyExists", `the snapshot ${identifier} already exists`);
  }
  account.snapshots.push({ identifier, database });
}

/** Whether the value is the text, or has it inside, as in a list of ids or in the value of a setting. */
function mentions(value: unknown, text: string): boolean {
  if (typeof value === "string") return value.split(",").includes(text);
  if (Array.isArray(value)) return value.some((part) => mentions(part, text));
  if (typeof value === "object" && value !== null)
    return Object.values(value).some((part) => mentions(part, text));
  return false;
}

function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(a ?? null) === JSON.stringify(b ?? null);
}

function withoutDot(name: string): string {
  return name.replace(/\.$/, "");
}

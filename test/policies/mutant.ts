import { Resource } from "../../policies/resource";

/** One unsafe edit of a real stack, and the rule that has to catch it. */
export type Mutant = [rule: string, edit: (stack: MutableStack) => unknown];

export interface PolicyStatement {
  Sid?: string;
  Effect: string;
  Principal?: unknown;
  NotPrincipal?: unknown;
  Action?: unknown;
  NotAction?: unknown;
  Resource?: unknown;
  NotResource?: unknown;
  Condition?: Record<string, Record<string, unknown>>;
}

const TYPES = {
  accessControl: "aws:cloudfront/originAccessControl:OriginAccessControl",
  alarm: "aws:cloudwatch/metricAlarm:MetricAlarm",
  application: "aws:elasticbeanstalk/application:Application",
  association: "aws:ec2/routeTableAssociation:RouteTableAssociation",
  backupLock: "aws:backup/vaultLockConfiguration:VaultLockConfiguration",
  backupPlan: "aws:backup/plan:Plan",
  backupSelection: "aws:backup/selection:Selection",
  backupVault: "aws:backup/vault:Vault",
  block: "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
  bucket: "aws:s3/bucket:Bucket",
  bucketPolicy: "aws:s3/bucketPolicy:BucketPolicy",
  certificate: "aws:acm/certificate:Certificate",
  command: "command:local:Command",
  cors: "aws:s3/bucketCorsConfiguration:BucketCorsConfiguration",
  database: "aws:rds/instance:Instance",
  databaseSubnets: "aws:rds/subnetGroup:SubnetGroup",
  defaultGroup: "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup",
  distribution: "aws:cloudfront/distribution:Distribution",
  egress: "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
  eip: "aws:ec2/eip:Eip",
  encryption: "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
  endpoint: "aws:ec2/vpcEndpoint:VpcEndpoint",
  environment: "aws:elasticbeanstalk/environment:Environment",
  flowLog: "aws:ec2/flowLog:FlowLog",
  group: "aws:ec2/securityGroup:SecurityGroup",
  ingress: "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
  internetGateway: "aws:ec2/internetGateway:InternetGateway",
  logging: "aws:s3/bucketLogging:BucketLogging",
  lifecycle: "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
  key: "aws:kms/key:Key",
  keyAlias: "aws:kms/alias:Alias",
  listener: "aws:lb/listener:Listener",
  logGroup: "aws:cloudwatch/logGroup:LogGroup",
  natGateway: "aws:ec2/natGateway:NatGateway",
  object: "aws:s3/bucketObjectv2:BucketObjectv2",
  ownership: "aws:s3/bucketOwnershipControls:BucketOwnershipControls",
  parameter: "aws:ssm/parameter:Parameter",
  parameterGroup: "aws:rds/parameterGroup:ParameterGroup",
  policy: "aws:iam/policy:Policy",
  profile: "aws:iam/instanceProfile:InstanceProfile",
  provider: "pulumi:providers:aws",
  queue: "aws:sqs/queue:Queue",
  queuePolicy: "aws:sqs/queuePolicy:QueuePolicy",
  record: "aws:route53/record:Record",
  repository: "aws:ecr/repository:Repository",
  redis: "aws:elasticache/replicationGroup:ReplicationGroup",
  redisParameters: "aws:elasticache/parameterGroup:ParameterGroup",
  redisSubnets: "aws:elasticache/subnetGroup:SubnetGroup",
  role: "aws:iam/role:Role",
  roleAttachment: "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
  rolePolicy: "aws:iam/rolePolicy:RolePolicy",
  route: "aws:ec2/route:Route",
  routeTable: "aws:ec2/routeTable:RouteTable",
  subnet: "aws:ec2/subnet:Subnet",
  subscription: "aws:sns/topicSubscription:TopicSubscription",
  topic: "aws:sns/topic:Topic",
  topicPolicy: "aws:sns/topicPolicy:TopicPolicy",
  validation: "aws:acm/certificateValidation:CertificateValidation",
  version: "aws:elasticbeanstalk/applicationVersion:ApplicationVersion",
  versioning: "aws:s3/bucketVersioning:BucketVersioning",
  vpc: "aws:ec2/vpc:Vpc",
  webAcl: "aws:wafv2/webAcl:WebAcl",
} as const;

export type Kind = keyof typeof TYPES;

/** A stack whose resources can be edited. A resource is copied when an edit asks for it. */
export class MutableStack {
  readonly resources: Resource[];

  private readonly copies = new Set<Resource>();

  constructor(resources: readonly Resource[]) {
    this.resources = [...resources];
  }

  /** The resource, which may be edited: the stack that was given keeps its own. */
  get(kind: Kind, name: string): Resource {
    const index = this.resources.findIndex((one) => one.type === TYPES[kind] && one.name === name);
    const found = this.resources[index];
    if (found === undefined) throw new Error(`the stack has no ${TYPES[kind]} named ${name}`);
    if (this.copies.has(found)) return found;
    const copy = structuredClone(found);
    this.copies.add(copy);
    this.resources[index] = copy;
    return copy;
  }

  /** Sets a property, or removes it where the value is undefined. */
  set(kind: Kind, name: string, property: string, value: unknown): this {
    this.get(kind, name).inputs[property] = value;
    return this;
  }

  remove(kind: Kind, name: string): this {
    this.resources.splice(this.resources.indexOf(this.get(kind, name)), 1);
    return this;
  }

  add(type: string, name: string, inputs: Record<string, unknown>, more: Partial<Resource> = {}): this {
    this.resources.push({ urn: `urn:pulumi:x::iaso::${type}::${name}`, type, name, inputs, ...more });
    return this;
  }

  /** Edits the statements of a policy document. */
  statements(
    kind: Kind,
    name: string,
    edit: (statements: PolicyStatement[]) => PolicyStatement[],
    property = "policy",
  ): this {
    const { inputs } = this.get(kind, name);
    const document = JSON.parse(inputs[property] as string) as {
      Version: string;
      Statement: PolicyStatement[];
    };
    inputs[property] = JSON.stringify({ ...document, Statement: edit(document.Statement) });
    return this;
  }

  /** Edits the statement with a Sid. */
  statement(
    kind: Kind,
    name: string,
    sid: string,
    edit: (statement: PolicyStatement) => PolicyStatement,
  ): this {
    return this.statements(kind, name, (statements) => {
      if (!statements.some(({ Sid }) => Sid === sid)) throw new Error(`${name} has no statement ${sid}`);
      return statements.map((one) => (one.Sid === sid ? edit(one) : one));
    });
  }

  allow(kind: Kind, name: string, statement: Omit<PolicyStatement, "Effect">): this {
    return this.statements(kind, name, (statements) => [...statements, { Effect: "Allow", ...statement }]);
  }

  /** Sets an option of an environment ("namespace/name", without "aws:"), or removes it. */
  option(environment: string, option: string, value: string | undefined): this {
    const { inputs } = this.get("environment", environment);
    const slash = option.indexOf("/");
    const [namespace, name] = [`aws:${option.slice(0, slash)}`, option.slice(slash + 1)];
    const others = (inputs.settings as { namespace: string; name: string }[]).filter(
      (one) => one.namespace !== namespace || one.name !== name,
    );
    inputs.settings = value === undefined ? others : [...others, { namespace, name, value, resource: "" }];
    return this;
  }

  /** Sets a variable of web and worker alike, or removes it. */
  variable(name: string, value: string | undefined): this {
    for (const environment of ["web", "worker"])
      this.option(environment, `elasticbeanstalk:application:environment/${name}`, value);
    return this;
  }

  /** Name of a bucket. */
  bucket(name: string): string {
    return this.get("bucket", name).inputs.bucket as string;
  }
}

/** Sets a property of a resource. */
export const set = (rule: string, kind: Kind, name: string, property: string, value: unknown): Mutant => [
  rule,
  (stack) => stack.set(kind, name, property, value),
];

/** Sets an option of an environment; undefined removes it. */
export const option = (
  rule: string,
  environment: string,
  name: string,
  value: string | undefined,
): Mutant => [rule, (stack) => stack.option(environment, name, value)];

/** Removes a resource. */
export const without = (rule: string, kind: Kind, name: string): Mutant => [
  rule,
  (stack) => stack.remove(kind, name),
];

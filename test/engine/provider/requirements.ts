import { Account, AccountResource, AwsError, Properties } from "./account";
import type { Setting } from "./beanstalkSettings";

/** A reference that AWS follows: what it names must exist, or AWS refuses what names it. */
export interface Requirement {
  /** Type of what names something, and the path to where it does so; JSON on the way is read. */
  user: string;
  property: string;
  /** Namespace and name of the option setting that names it, where the property is `settings`. */
  option?: [namespace: string, name: string | undefined];
  /** Type of what must exist, and its property that is named; `id` for its id. */
  of: string;
  by: string;
  code: string;
}

const VPC = "aws:ec2/vpc:Vpc";
const SUBNET = "aws:ec2/subnet:Subnet";
const GROUP = "aws:ec2/securityGroup:SecurityGroup";
const GATEWAY = "aws:ec2/internetGateway:InternetGateway";
const TABLE = "aws:ec2/routeTable:RouteTable";
const NAT = "aws:ec2/natGateway:NatGateway";
const ROLE = "aws:iam/role:Role";
const POLICY = "aws:iam/policy:Policy";
const PROFILE = "aws:iam/instanceProfile:InstanceProfile";
const ROLE_POLICY = "aws:iam/rolePolicy:RolePolicy";
const ATTACHMENT = "aws:iam/rolePolicyAttachment:RolePolicyAttachment";
const DATABASE = "aws:rds/instance:Instance";
const REDIS = "aws:elasticache/replicationGroup:ReplicationGroup";
const QUEUE = "aws:sqs/queue:Queue";
const TOPIC = "aws:sns/topic:Topic";
const CERTIFICATE = "aws:acm/certificate:Certificate";
const APPLICATION = "aws:elasticbeanstalk/application:Application";
const VERSION = "aws:elasticbeanstalk/applicationVersion:ApplicationVersion";
const ENVIRONMENT = "aws:elasticbeanstalk/environment:Environment";
const INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule";
const EGRESS = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule";

function named(
  of: string,
  by: string,
  code: string,
  ...users: [user: string, property: string][]
): Requirement[] {
  return users.map(([user, property]) => ({ user, property, of, by, code }));
}

/** An option setting of an environment that names something. */
function optionNames(namespace: string, name: string | undefined, of: string, by = "id"): Requirement {
  return {
    user: ENVIRONMENT,
    property: "settings",
    option: [namespace, name],
    of,
    by,
    code: "ConfigurationValidationException",
  };
}

/** What must exist before AWS takes a reference to it. */
export const REQUIRES: Requirement[] = [
  ...named(
    VPC,
    "id",
    "InvalidVpcID.NotFound",
    [SUBNET, "vpcId"],
    [GROUP, "vpcId"],
    ["aws:ec2/defaultSecurityGroup:DefaultSecurityGroup", "vpcId"],
    [GATEWAY, "vpcId"],
    [TABLE, "vpcId"],
    ["aws:ec2/vpcEndpoint:VpcEndpoint", "vpcId"],
    ["aws:ec2/flowLog:FlowLog", "vpcId"],
  ),
  ...named(
    SUBNET,
    "id",
    "InvalidSubnetID.NotFound",
    [NAT, "subnetId"],
    ["aws:ec2/routeTableAssociation:RouteTableAssociation", "subnetId"],
  ),
  ...named(
    SUBNET,
    "id",
    "InvalidSubnet",
    ["aws:rds/subnetGroup:SubnetGroup", "subnetIds"],
    ["aws:elasticache/subnetGroup:SubnetGroup", "subnetIds"],
  ),
  ...named("aws:ec2/eip:Eip", "id", "InvalidAllocationID.NotFound", [NAT, "allocationId"]),
  ...named(
    TABLE,
    "id",
    "InvalidRouteTableID.NotFound",
    ["aws:ec2/route:Route", "routeTableId"],
    ["aws:ec2/routeTableAssociation:RouteTableAssociation", "routeTableId"],
    ["aws:ec2/vpcEndpoint:VpcEndpoint", "routeTableIds"],
  ),
  ...named(GATEWAY, "id", "InvalidInternetGatewayID.NotFound", ["aws:ec2/route:Route", "gatewayId"]),
  ...named(NAT, "id", "InvalidNatGatewayID.NotFound", ["aws:ec2/route:Route", "natGatewayId"]),
  ...named(
    GROUP,
    "id",
    "InvalidGroup.NotFound",
    [INGRESS, "securityGroupId"],
    [INGRESS, "referencedSecurityGroupId"],
    [EGRESS, "securityGroupId"],
    [EGRESS, "referencedSecurityGroupId"],
  ),
  ...named(
    GROUP,
    "id",
    "InvalidParameterValue",
    [DATABASE, "vpcSecurityGroupIds"],
    [REDIS, "securityGroupIds"],
  ),
  ...named("aws:rds/subnetGroup:SubnetGroup", "id", "DBSubnetGroupNotFoundFault", [
    DATABASE,
    "dbSubnetGroupName",
  ]),
  ...named("aws:rds/parameterGroup:ParameterGroup", "id", "DBParameterGroupNotFound", [
    DATABASE,
    "parameterGroupName",
  ]),
  ...named("aws:elasticache/subnetGroup:SubnetGroup", "id", "CacheSubnetGroupNotFoundFault", [
    REDIS,
    "subnetGroupName",
  ]),
  ...named("aws:elasticache/parameterGroup:ParameterGroup", "id", "CacheParameterGroupNotFound", [
    REDIS,
    "parameterGroupName",
  ]),
  ...named(
    ROLE,
    "id",
    "NoSuchEntity",
    [ROLE_POLICY, "role"],
    [ATTACHMENT, "role"],
    ["aws:iam/instanceProfile:InstanceProfile", "role"],
  ),
  ...named(POLICY, "arn", "NoSuchEntity", [ATTACHMENT, "policyArn"], [ROLE, "permissionsBoundary"]),
  ...named(QUEUE, "arn", "InvalidParameterValue", [QUEUE, "redrivePolicy.deadLetterTargetArn"]),
  ...named(QUEUE, "id", "AWS.SimpleQueueService.NonExistentQueue", [
    "aws:sqs/queuePolicy:QueuePolicy",
    "queueUrl",
  ]),
  ...named(
    TOPIC,
    "id",
    "NotFound",
    ["aws:sns/topicPolicy:TopicPolicy", "arn"],
    ["aws:sns/topicSubscription:TopicSubscription", "topic"],
  ),
  ...named(CERTIFICATE, "id", "CertificateNotFound", ["aws:lb/listener:Listener", "certificateArn"]),
  ...named(CERTIFICATE, "id", "InvalidViewerCertificate", [
    "aws:cloudfront/distribution:Distribution",
    "viewerCertificate.acmCertificateArn",
  ]),
  ...named(ENVIRONMENT, "loadBalancers", "LoadBalancerNotFound", [
    "aws:lb/listener:Listener",
    "loadBalancerArn",
  ]),
  ...named(
    APPLICATION,
    "id",
    "InvalidParameterValue",
    [VERSION, "application"],
    [ENVIRONMENT, "application"],
  ),
  optionNames("aws:autoscaling:launchconfiguration", "IamInstanceProfile", PROFILE),
  optionNames("aws:autoscaling:launchconfiguration", "SecurityGroups", GROUP),
  optionNames("aws:ec2:vpc", "VPCId", VPC),
  optionNames("aws:ec2:vpc", "Subnets", SUBNET),
  optionNames("aws:ec2:vpc", "ELBSubnets", SUBNET),
  optionNames("aws:elasticbeanstalk:environment", "ServiceRole", ROLE),
  optionNames("aws:elasticbeanstalk:sqsd", "WorkerQueueURL", QUEUE),
  optionNames("aws:elbv2:loadbalancer", "AccessLogsS3Bucket", "aws:s3/bucket:Bucket"),
  optionNames("aws:elbv2:loadbalancer", "ManagedSecurityGroup", GROUP),
  optionNames("aws:elbv2:loadbalancer", "SecurityGroups", GROUP),
  optionNames("aws:elbv2:listener:443", "SSLCertificateArns", CERTIFICATE),
  {
    // Each instance fetches the values when it starts; without them it does not start, and the launch fails.
    ...optionNames(
      "aws:elasticbeanstalk:application:environmentsecrets",
      undefined,
      "aws:ssm/parameter:Parameter",
      "arn",
    ),
    code: "Failed to launch environment",
  },
];

/** What AWS itself has in every account: default parameter groups and its managed policies. */
const AWS_OWN = /^(default\.|arn:aws:iam::aws:policy\/)/;

/**
 * Refuses references to what does not exist.
 *
 * @param old What was there before, for a change: what did not change is not looked up again.
 */
export function requireReferences(
  account: Account,
  type: string,
  inputs: Properties,
  old?: Properties,
): void {
  for (const requirement of REQUIRES.filter(({ user }) => user === type)) {
    const before = old === undefined ? [] : textsNamed(requirement, old);
    for (const text of textsNamed(requirement, inputs)) {
      if (AWS_OWN.test(text) || before.includes(text)) continue;
      const { of, by, code } = requirement;
      const exists = account
        .ofType(of)
        .some(({ id, state }) => (by === "id" ? id === text : textsOf(state[by]).includes(text)));
      if (!exists) throw new AwsError(code, `${text} does not exist`);
    }
  }
}

/** Refuses what needs something else to be there that it does not name itself. */
export function requireSurroundings(account: Account, type: string, inputs: Properties): void {
  switch (type) {
    case NAT: {
      requireInternetGateway(account, inputs.subnetId as string);
      return;
    }
    case DATABASE: {
      const { monitoringRoleArn } = inputs;
      if (monitoringRoleArn === undefined) return;
      const role = account.ofType(ROLE).find(({ state }) => state.arn === monitoringRoleArn);
      requireRights(account, role?.id, "InvalidParameterValue");
      return;
    }
    case VERSION: {
      const { bucket, key } = inputs as Record<string, string>;
      const isThere =
        account.find("aws:s3/bucketObjectv2:BucketObjectv2", `${bucket}/${key}`) !== undefined ||
        (account.objects[bucket ?? ""] ?? []).includes(key ?? "");
      if (!isThere)
        throw new AwsError("InvalidParameterCombination", `unable to download ${bucket}/${key} from S3`);
      return;
    }
    case ENVIRONMENT: {
      requireVersion(account, inputs);
      requireEnvironmentRights(account, (inputs.settings as Setting[] | undefined) ?? []);
      return;
    }
  }
}

/** @see https://docs.aws.amazon.com/vpc/latest/userguide/nat-gateway-troubleshooting.html */
function requireInternetGateway(account: Account, subnetId: string): void {
  const vpcId = account.find(SUBNET, subnetId)?.inputs.vpcId;
  if (!account.ofType(GATEWAY).some(({ inputs }) => inputs.vpcId === vpcId)) {
    throw new AwsError("Gateway.NotAttached", `network ${String(vpcId)} has no internet gateway attached`);
  }
}

function requireVersion(account: Account, inputs: Properties): void {
  const { application, version } = inputs as { application: string; version?: string };
  if (version === undefined) return;
  const isThere = account
    .ofType(VERSION)
    .some(({ inputs }) => inputs.application === application && inputs.name === version);
  if (!isThere) throw new AwsError("InvalidParameterValue", `no application version named ${version} found`);
}

/**
 * What Beanstalk and its instances must be allowed to do for a launch to go well: instances that may do nothing
 * cannot fetch their code, and a service role that may do nothing cannot tell that they are healthy.
 */
function requireEnvironmentRights(account: Account, settings: Setting[]): void {
  const value = (option: string) =>
    settings.find(({ namespace, name }) => `${namespace} ${name}` === option)?.value;
  const profileName = value("aws:autoscaling:launchconfiguration IamInstanceProfile");
  if (profileName !== undefined) {
    const role = account.find(PROFILE, profileName)?.inputs.role as string | undefined;
    requireRights(account, role, "Failed to launch environment");
  }
  const serviceRole = value("aws:elasticbeanstalk:environment ServiceRole");
  if (
    serviceRole !== undefined &&
    value("aws:elasticbeanstalk:healthreporting:system SystemType") === "enhanced"
  ) {
    requireRights(account, serviceRole, "Failed to launch environment");
  }
  const logs = value("aws:elbv2:loadbalancer AccessLogsS3Bucket");
  if (logs !== undefined && value("aws:elbv2:loadbalancer AccessLogsS3Enabled") === "true") {
    requireLogDelivery(account, logs);
  }
}

function requireRights(account: Account, role: string | undefined, code: string): void {
  const rights = account.ofType(ROLE_POLICY, ATTACHMENT).filter(({ inputs }) => inputs.role === role);
  if (rights.length === 0) throw new AwsError(code, `the role ${String(role)} has no permissions`);
}

/** @see https://docs.aws.amazon.com/elasticloadbalancing/latest/application/enable-access-logging.html */
function requireLogDelivery(account: Account, bucket: string): void {
  const policy = account.find("aws:s3/bucketPolicy:BucketPolicy", bucket);
  const { Statement = [] } = JSON.parse((policy?.inputs.policy as string | undefined) ?? "{}") as {
    Statement?: { Effect: string; Principal?: { Service?: unknown }; Action: unknown }[];
  };
  const isAllowed = Statement.some(
    ({ Effect, Principal, Action }) =>
      Effect === "Allow" &&
      textsOf(Action).includes("s3:PutObject") &&
      textsOf(Principal?.Service).includes("logdelivery.elasticloadbalancing.amazonaws.com"),
  );
  if (!isAllowed) throw new AwsError("InvalidConfigurationRequest", `access denied for bucket ${bucket}`);
}

/** What AWS makes along with a resource where it is missing. Whoever makes it later finds that it exists. */
export function madeAlong(type: string, inputs: Properties): Pick<AccountResource, "type" | "inputs">[] {
  if (type !== DATABASE) return [];
  return textsOf(inputs.enabledCloudwatchLogsExports).map((log) => ({
    type: "aws:cloudwatch/logGroup:LogGroup",
    inputs: { name: `/aws/rds/instance/${inputs.identifier as string}/${log}` },
  }));
}

function textsNamed({ property, option }: Requirement, inputs: Properties): string[] {
  if (option === undefined) {
    return textsOf(property.split(".").reduce<unknown>((value, key) => read(value)?.[key], inputs));
  }
  const settings = (inputs.settings as Setting[] | undefined) ?? [];
  return settings
    .filter(({ namespace, name }) => namespace === option[0] && (option[1] ?? name) === name)
    .flatMap(({ value }) => value.split(","));
}

function read(value: unknown): Properties | undefined {
  return (typeof value === "string" ? JSON.parse(value) : value) as Properties | undefined;
}

function textsOf(value: unknown): string[] {
  return [value].flat().filter((text) => typeof text === "string");
}

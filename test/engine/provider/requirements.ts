import { Reference, REFERENCES } from "../../../policies/facts/references";
import { Account, AccountResource, AwsError, Properties } from "./account";
import type { Setting } from "./beanstalkSettings";

const SUBNET = "aws:ec2/subnet:Subnet";
const GATEWAY = "aws:ec2/internetGateway:InternetGateway";
const NAT = "aws:ec2/natGateway:NatGateway";
const ROLE = "aws:iam/role:Role";
const PROFILE = "aws:iam/instanceProfile:InstanceProfile";
const ROLE_POLICY = "aws:iam/rolePolicy:RolePolicy";
const ATTACHMENT = "aws:iam/rolePolicyAttachment:RolePolicyAttachment";
const DATABASE = "aws:rds/instance:Instance";
const VERSION = "aws:elasticbeanstalk/applicationVersion:ApplicationVersion";
const ENVIRONMENT = "aws:elasticbeanstalk/environment:Environment";

/** Resources of AWS itself, which exist in every account: default parameter groups and managed policies. */
const AWS_OWN = /^(default\.|arn:aws:iam::aws:policy\/)/;

/**
 * Refuses references to resources that do not exist.
 *
 * @param old The inputs before an update: references that do not change are not looked up again.
 * @throws AwsError with the reference's error code.
 */
export function requireReferences(
  account: Account,
  type: string,
  inputs: Properties,
  old: Properties = {},
): void {
  for (const reference of REFERENCES[type] ?? []) {
    const { to, by, missing } = reference;
    if (missing === undefined) continue;
    const before = namesIn(reference, old);
    for (const name of namesIn(reference, inputs)) {
      if (AWS_OWN.test(name) || before.includes(name)) continue;
      if (!account.ofType(to).some((resource) => namesOf(resource, by).includes(name)))
        throw new AwsError(missing, `${name} does not exist`);
    }
  }
}

/**
 * Refuses to delete a resource that another one refers to.
 *
 * @throws AwsError with the reference's error code.
 */
export function requireUnused(account: Account, resource: AccountResource): void {
  for (const [type, references] of Object.entries(REFERENCES)) {
    for (const reference of references) {
      const { to, by, inUse } = reference;
      if (to !== resource.type || inUse === undefined) continue;
      const names = namesOf(resource, by);
      const user = account
        .ofType(type)
        .find(
          ({ inputs }) =>
            isOfApplication(resource, inputs) &&
            namesIn(reference, inputs).some((name) => names.includes(name)),
        );
      if (user) throw new AwsError(inUse, `${resource.id} is still used by ${user.id}`);
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

/**
 * Refuses a resource if another one is missing that it depends on without a reference to it.
 *
 * @throws AwsError with the error code of the service.
 */
export function requireDependencies(account: Account, type: string, inputs: Properties): void {
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
      const exists =
        account.find("aws:s3/bucketObjectv2:BucketObjectv2", `${bucket}/${key}`) !== undefined ||
        (account.objects[bucket ?? ""] ?? []).includes(key ?? "");
      if (!exists)
        throw new AwsError("InvalidParameterCombination", `unable to download ${bucket}/${key} from S3`);
      return;
    }
    case ENVIRONMENT: {
      requireVersion(account, inputs);
      const settings = (inputs.settings as Setting[] | undefined) ?? [];
      requireSecrets(account, settings);
      requireEnvironmentRights(account, settings);
      return;
    }
  }
}

/**
 * Refuses a NAT gateway in a VPC without an internet gateway.
 *
 * @see https://docs.aws.amazon.com/vpc/latest/userguide/nat-gateway-troubleshooting.html
 */
function requireInternetGateway(account: Account, subnetId: string): void {
  const vpcId = account.find(SUBNET, subnetId)?.inputs.vpcId;
  if (!account.ofType(GATEWAY).some(({ inputs }) => inputs.vpcId === vpcId)) {
    throw new AwsError("Gateway.NotAttached", `VPC ${String(vpcId)} has no internet gateway attached`);
  }
}

/** Refuses an environment whose secrets do not exist: each instance fetches them when it starts, or the launch fails. */
function requireSecrets(account: Account, settings: readonly Setting[]): void {
  for (const { namespace, value } of settings)
    if (namespace === "aws:elasticbeanstalk:application:environmentsecrets" && !(value in account.secrets))
      throw new AwsError("Failed to launch environment", `${value} does not exist`);
}

/** Refuses an environment with a version that its application does not have. */
function requireVersion(account: Account, inputs: Properties): void {
  const { application, version } = inputs as { application: string; version?: string };
  if (version === undefined) return;
  const exists = account
    .ofType(VERSION)
    .some(({ inputs }) => inputs.application === application && inputs.name === version);
  if (!exists) throw new AwsError("InvalidParameterValue", `no application version named ${version} found`);
}

/**
 * Refuses an environment whose roles have no permissions. Without them, instances cannot download their code, and
 * Beanstalk cannot see that they are healthy.
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

/** Refuses a role without any policy. */
function requireRights(account: Account, role: string | undefined, code: string): void {
  const rights = account.ofType(ROLE_POLICY, ATTACHMENT).filter(({ inputs }) => inputs.role === role);
  if (rights.length === 0) throw new AwsError(code, `the role ${String(role)} has no permissions`);
}

/**
 * Refuses access logs into a bucket whose policy does not allow Elastic Load Balancing to write them.
 *
 * @see https://docs.aws.amazon.com/elasticloadbalancing/latest/application/enable-access-logging.html
 */
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

/** Returns the resources that AWS creates with this one if they are missing: the log groups of a database. */
export function createdWith(type: string, inputs: Properties): Pick<AccountResource, "type" | "inputs">[] {
  if (type !== DATABASE) return [];
  return textsOf(inputs.enabledCloudwatchLogsExports).map((log) => ({
    type: "aws:cloudwatch/logGroup:LogGroup",
    inputs: { name: `/aws/rds/instance/${inputs.identifier as string}/${log}` },
  }));
}

/** The names by which a property refers to other resources. */
function namesIn({ property, option }: Reference, inputs: Properties): string[] {
  if (option === undefined) {
    return textsOf(property.split(".").reduce<unknown>((value, key) => read(value)?.[key], inputs));
  }
  const [namespace, name] = option;
  const settings = (inputs.settings as Setting[] | undefined) ?? [];
  return settings
    .filter((setting) => setting.namespace === namespace && (name ?? setting.name) === setting.name)
    .flatMap(({ value }) => value.split(","));
}

/** The names by which others refer to a resource. */
function namesOf({ id, state }: AccountResource, by: string | undefined): string[] {
  return by === undefined ? [id] : textsOf(state[by]);
}

function read(value: unknown): Properties | undefined {
  return (typeof value === "string" ? JSON.parse(value) : value) as Properties | undefined;
}

function textsOf(value: unknown): string[] {
  return [value].flat().filter((text) => typeof text === "string");
}

import type { OptionSetting, Tier } from "../../../policies/facts/beanstalkOptions";
import { SOLUTION_STACKS } from "../../../simulated-aws/elasticbeanstalk";
import { withDefaults } from "../../engine/provider/beanstalkSettings";

export interface EnvironmentDouble {
  name: string;
  application: string;
  tier: Tier;
  cname?: string;
  endpoint?: string;
  version: string;
  platform: string;
  variables: Record<string, string>;
  secretVariables: Record<string, string>;
  /** Options that somebody set. Beanstalk shows its defaults too. */
  options: OptionSetting[];
  tags: Record<string, string>;
  queueUrl?: string;
}

export interface DatabaseDouble {
  DBInstanceIdentifier: string;
  DBInstanceClass: string;
  AllocatedStorage: number;
  MaxAllocatedStorage?: number;
  EngineVersion: string;
  host: string;
  StorageEncrypted: boolean;
  PubliclyAccessible: boolean;
  MultiAZ: boolean;
  BackupRetentionPeriod: number;
  DeletionProtection: boolean;
  DBName: string;
  MasterUsername: string;
  replicas: string[];
}

export interface SnapshotDouble {
  region: string;
  isEncrypted: boolean;
  database: DatabaseDouble;
  /** The time at which the snapshot was taken of the database, which copies keep. */
  takenAt?: Date;
  /** Looks after which it is available. */
  looks: number;
}

export interface BucketDouble {
  region: string;
  /** True if the bucket's ACL lets everybody read. */
  hasPublicAcl: boolean;
  publicAccessBlock?: Record<string, boolean>;
  policyIsPublic?: boolean;
  hasVersions: boolean;
  isEncrypted: boolean;
  keys: string[];
}

export interface ZoneDouble {
  id: string;
  name: string;
  isPrivate: boolean;
  records: RecordDouble[];
}

export interface RecordDouble {
  name: string;
  type: string;
  /** The name that it leads to. */
  target: string;
  /** The zone of the target, for an alias. */
  alias?: string;
}

export interface RedisDouble {
  /** Undefined for a cluster without a replication group. */
  group?: string;
  cluster: string;
  host: string;
  nodeType: string;
  nodes: number;
  isEncrypted: boolean;
  snapshotDays: number;
}

const REGION = "eu-central-1";
const ID = "123456789012";
export const APPLICATION = "Iaso";
const DOCKER = SOLUTION_STACKS.find((name) => name.endsWith("running Docker")) ?? "";

/** The image of all platform versions. */
export const PLATFORM_IMAGE = "ami-0b63791dd3c94cfa0";

/**
 * Options that Beanstalk shows although nobody sets them, beyond the defaults of its documentation, as in a public answer of
 * 2025 (https://docs.aws.amazon.com/elasticbeanstalk/latest/api/API_DescribeConfigurationSettings.html).
 */
const SHOWN_BY_AWS: readonly OptionSetting[] = [
  ["aws:autoscaling:launchconfiguration", "ImageId", PLATFORM_IMAGE],
  ["aws:autoscaling:launchconfiguration", "InstanceType", "t3.micro"],
  ["aws:autoscaling:launchconfiguration", "RootVolumeSize", ""],
  ["aws:autoscaling:launchconfiguration", "SSHSourceRestriction", "tcp,22,22,0.0.0.0/0"],
  ["aws:autoscaling:launchconfiguration", "SecurityGroups", "sg-0bb3b1afd4b2f9c0a"],
  ["aws:cloudformation:template:parameter", "HooksPkgUrl", "https://example.org/hooks.tar.gz"],
  ["aws:cloudformation:template:parameter", "InstanceTypeFamily", "t3"],
  ["aws:ec2:instances", "SpotAllocationStrategy", "capacity-optimized"],
  ["aws:ec2:instances", "SpotFleetOnDemandAboveBasePercentage", "70"],
  ["aws:ec2:instances", "SupportedArchitectures", "x86_64"],
  ["aws:elasticbeanstalk:control", "DefaultSSHPort", "22"],
  ["aws:elasticbeanstalk:control", "LaunchTimeout", "0"],
  ["aws:elasticbeanstalk:control", "LaunchType", "Migration"],
  ["aws:elasticbeanstalk:control", "RollbackLaunchOnFailure", "false"],
  ["aws:elasticbeanstalk:environment", "ExternalExtensionsS3Bucket", ""],
  ["aws:elasticbeanstalk:environment", "ServiceRole", "AWSServiceRoleForElasticBeanstalk"],
].map(([namespace = "", name = "", value = ""]) => ({ namespace, name, value }));

/** The option settings of an environment as DescribeConfigurationSettings lists them, defaults included. */
export function allOptions({
  options,
  secretVariables,
  tier,
  variables,
}: EnvironmentDouble): OptionSetting[] {
  const named = (namespace: string, values: Record<string, string>) =>
    Object.entries(values).map(([name, value]) => ({ namespace, name, value }));
  const application = "aws:elasticbeanstalk:application:environment";
  return [
    ...withDefaults([...SHOWN_BY_AWS, ...options], tier),
    ...named(application, variables),
    ...named(`${application}secrets`, secretVariables),
    // The template has all variables once more, in one text.
    {
      namespace: "aws:cloudformation:template:parameter",
      name: "EnvironmentVariables",
      value: Object.entries(variables)
        .map((entry) => entry.join("="))
        .join(","),
    },
  ];
}

/** Sets an option of an environment. */
export function setOption(
  environment: EnvironmentDouble,
  namespace: string,
  name: string,
  value: string,
): void {
  environment.options = environment.options.filter((one) => one.namespace !== namespace || one.name !== name);
  environment.options.push({ namespace, name, value });
}

const secretArn = (name: string) => `arn:aws:ssm:${REGION}:${ID}:parameter/old-iaso/${name}`;

/**
 * An AWS account with a hand-made Iaso of the newest generation, in which the survey finds nothing odd: Docker on Amazon
 * Linux 2023, application load balancers, secrets by reference, an encrypted database, private media.
 */
export class ExistingAccount {
  id = ID;
  region = REGION;
  /** The end of the ARN of the credentials. */
  caller = "user/admin";
  /** Paths of roles by name. */
  readonly rolePaths = new Map<string, string>();
  environments: EnvironmentDouble[];
  databases: DatabaseDouble[];
  /** Manual snapshots of databases by identifier. */
  readonly snapshots = new Map<string, SnapshotDouble>();
  /** Looks after which a new snapshot is available. */
  looks = 0;
  readonly buckets: Map<string, BucketDouble>;
  /** Attributes by URL. */
  readonly queues: Map<string, Record<string, string>>;
  zones: ZoneDouble[];
  redis: RedisDouble[];
  vpcs = [{ id: "vpc-0123456789abcdef0", cidr: "10.0.0.0/16", isDefault: false }];
  zoneLetters = ["a", "b", "c"];
  solutionStacks: string[] = [...SOLUTION_STACKS];
  certificates = [
    { arn: `arn:aws:acm:${REGION}:${ID}:certificate/1`, host: "iaso.example.org", type: "AMAZON_ISSUED" },
  ];
  hasIdentityProvider = false;
  /** Values of SSM parameters by name. */
  readonly parameters = new Map<string, string>();
  /** IAM actions that the credentials lack. */
  readonly denied = new Set<string>();
  /** True if the first call of each action is throttled. */
  throttles = false;

  constructor() {
    const queueUrl = `https://sqs.${REGION}.amazonaws.com/${ID}/iaso-prod`;
    const variables = {
      AWS_S3_REGION_NAME: REGION,
      AWS_STORAGE_BUCKET_NAME: "old-iaso-media",
      BACKGROUND_TASK_SERVICE: "SQS",
      BEANSTALK_SQS_REGION: REGION,
      BEANSTALK_SQS_URL: queueUrl,
      CSRF_COOKIE_SECURE: "true",
      DEFAULT_FROM_EMAIL: "Iaso <no-reply@mg.example.org>",
      DNS_DOMAIN: "iaso.example.org",
      EMAIL_HOST: "smtp.eu.mailgun.org",
      EMAIL_HOST_USER: "postmaster@mg.example.org",
      EMAIL_PORT: "587",
      EMAIL_TLS: "true",
      ENKETO_URL: "https://enketo.example.org",
      RDS_DB_NAME: "iaso",
      RDS_HOSTNAME: `old-iaso.c1.${REGION}.rds.amazonaws.com`,
      RDS_PORT: "5432",
      RDS_USERNAME: "iaso",
      SENTRY_ENVIRONMENT: "prod",
      STATIC_URL: "https://static.example.org/",
      USE_S3: "true",
    };
    const secretVariables = Object.fromEntries(
      [
        "EMAIL_HOST_PASSWORD",
        "ENCRYPTED_TEXT_FIELD_KEY",
        "ENKETO_API_TOKEN",
        "ENKETO_SIGNING_SECRET",
        "RDS_PASSWORD",
        "SECRET_KEY",
        "SENTRY_URL",
      ].map((name) => [name, secretArn(name)]),
    );
    const environment = (name: string, own: Partial<EnvironmentDouble>): EnvironmentDouble => ({
      name,
      application: APPLICATION,
      tier: "WebServer",
      version: "2026.08-0123456789ab",
      platform: DOCKER,
      variables: {},
      secretVariables: {},
      options: [],
      tags: { env: "prod" },
      ...own,
    });
    const web = environment("iaso-prod", {
      cname: `iaso-prod.${REGION}.elasticbeanstalk.com`,
      endpoint: `awseb-web-1.${REGION}.elb.amazonaws.com`,
      variables: { ...variables, WORKER: "false" },
      secretVariables,
    });
    const worker = environment("iaso-prod-worker", {
      tier: "Worker",
      variables: { ...variables, WORKER: "true" },
      secretVariables,
      queueUrl,
    });
    const enketo = environment("enketo-prod", {
      application: "Enketo",
      cname: `enketo-prod.${REGION}.elasticbeanstalk.com`,
      endpoint: `awseb-enketo-1.${REGION}.elb.amazonaws.com`,
      version: "4.1.1",
      variables: {
        ENKETO_APP_NAME: "Enketo",
        ENKETO_REDIS_CACHE_URL: "redis://old-cache.abc.ng.0001.euc1.cache.amazonaws.com:6379",
        ENKETO_REDIS_MAIN_URL: "redis://old-main.abc.ng.0001.euc1.cache.amazonaws.com:6379",
        PORT: "8005",
      },
      secretVariables: {
        ENKETO_API_KEY: secretArn("ENKETO_API_TOKEN"),
        ENKETO_ENCRYPTION_KEY: secretArn("ENKETO_ENCRYPTION_KEY"),
      },
    });
    const options: [EnvironmentDouble, string, string, string][] = [
      [web, "aws:elasticbeanstalk:environment", "LoadBalancerType", "application"],
      [web, "aws:elbv2:listener:default", "ListenerEnabled", "false"],
      [web, "aws:elbv2:listener:443", "Protocol", "HTTPS"],
      [web, "aws:elbv2:listener:443", "SSLCertificateArns", `arn:aws:acm:${REGION}:${ID}:certificate/1`],
      [web, "aws:ec2:instances", "InstanceTypes", "t3.xlarge"],
      [web, "aws:autoscaling:asg", "MinSize", "2"],
      [web, "aws:autoscaling:asg", "MaxSize", "6"],
      [worker, "aws:ec2:instances", "InstanceTypes", "m5.xlarge"],
      [worker, "aws:autoscaling:asg", "MaxSize", "3"],
      [enketo, "aws:elasticbeanstalk:environment", "LoadBalancerType", "application"],
      [enketo, "aws:elbv2:listener:default", "ListenerEnabled", "false"],
      [enketo, "aws:ec2:instances", "InstanceTypes", "t3.medium"],
    ];
    for (const one of [web, worker, enketo]) setOption(one, "aws:ec2:vpc", "VPCId", "vpc-0123456789abcdef0");
    for (const [one, namespace, name, value] of options) setOption(one, namespace, name, value);
    this.environments = [web, worker, enketo];
    this.databases = [
      {
        DBInstanceIdentifier: "old-iaso",
        DBInstanceClass: "db.m5.large",
        AllocatedStorage: 200,
        MaxAllocatedStorage: 1000,
        EngineVersion: "16.8",
        host: variables.RDS_HOSTNAME,
        StorageEncrypted: true,
        PubliclyAccessible: false,
        MultiAZ: true,
        BackupRetentionPeriod: 14,
        DeletionProtection: true,
        DBName: "iaso",
        MasterUsername: "iaso",
        replicas: [],
      },
    ];
    this.buckets = new Map([["old-iaso-media", privateBucket()]]);
    this.queues = new Map([
      [
        queueUrl,
        {
          ApproximateNumberOfMessages: "0",
          ApproximateNumberOfMessagesNotVisible: "0",
          RedrivePolicy: "{}",
          SqsManagedSseEnabled: "true",
        },
      ],
    ]);
    this.zones = [
      { id: "Z0NEIGHBOUR", name: "example.com", isPrivate: false, records: [] },
      { id: "Z0PRIVATE", name: "example.org", isPrivate: true, records: [] },
      {
        id: "Z0EXAMPLE",
        name: "example.org",
        isPrivate: false,
        records: [
          { name: "enketo.example.org", type: "CNAME", target: enketo.cname ?? "" },
          {
            name: "iaso.example.org",
            type: "A",
            target: `dualstack.${web.endpoint ?? ""}`,
            alias: "Z215JYRZR1TBD5",
          },
        ],
      },
    ];
    this.redis = [
      redis("old-main", { nodes: 2, snapshotDays: 7 }),
      redis("old-cache", { nodes: 1, snapshotDays: 0 }),
    ];
  }

  get web(): EnvironmentDouble {
    return this.environment("iaso-prod");
  }

  get worker(): EnvironmentDouble {
    return this.environment("iaso-prod-worker");
  }

  get enketo(): EnvironmentDouble {
    return this.environment("enketo-prod");
  }

  environment(name: string): EnvironmentDouble {
    const found = this.environments.find((one) => one.name === name);
    if (found === undefined) throw new Error(`There is no environment ${name}`);
    return found;
  }
}

export function privateBucket(): BucketDouble {
  return {
    region: REGION,
    hasPublicAcl: false,
    publicAccessBlock: {
      BlockPublicAcls: true,
      IgnorePublicAcls: true,
      BlockPublicPolicy: true,
      RestrictPublicBuckets: true,
    },
    hasVersions: true,
    isEncrypted: true,
    keys: ["forms/1.xml"],
  };
}

function redis(id: string, own: Pick<RedisDouble, "nodes" | "snapshotDays">): RedisDouble {
  return {
    group: id,
    cluster: `${id}-001`,
    host: `${id}.abc.ng.0001.euc1.cache.amazonaws.com`,
    nodeType: "cache.t3.small",
    isEncrypted: true,
    ...own,
  };
}

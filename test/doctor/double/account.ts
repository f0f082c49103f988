import type { Stack } from "../../../doctor/stack";

type Tags = Record<string, string>;

export interface Record53 {
  name: string;
  type: string;
  value: string;
}

export interface Zone53 {
  id: string;
  name: string;
  isPrivate: boolean;
  nameServers: string[];
  records: Record53[];
}

export interface EnvironmentDouble {
  cnamePrefix?: string;
  solutionStack: string;
  version?: string;
  status: string;
  /** Such as Green. */
  health: string;
}

export interface CertificateDouble {
  region: string;
  host: string;
  status: string;
  notAfter?: Date;
  renewal?: string;
  failure?: string;
  /** The record that proves the host, while ACM shows one. */
  validation?: { Name: string; Type: string; Value: string };
}

/** A vault of AWS Backup. */
export interface VaultDouble {
  /** A lock without a date is in governance mode. */
  lock?: { min?: number; max?: number; lockDate?: Date };
  points: { type: string; at: Date; status: string }[];
}

export interface DatabaseDouble {
  /** True if RDS manages the password. */
  managesPassword?: boolean;
  /** The ARN of the KMS key of its storage. */
  key?: string;
  created: Date;
  retentionDays: number;
  allocated: number;
  latestRestorable?: Date;
  earliestRestorable?: Date;
  /** GiB. */
  free?: number;
}

/** A manual snapshot of a database. */
export interface SnapshotDouble {
  status: string;
  isEncrypted: boolean;
  version: string;
  username: string;
  allocated: number;
}

/** An instance class that RDS offers for a version of PostgreSQL. */
export interface OrderableDouble {
  version: string;
  storage: string;
  instanceClass: string;
  zones: string[];
  multiAz: boolean;
}

const DAY = 24 * 3600 * 1000;
export const NAME_SERVERS = [
  "ns-1.awsdns-01.org",
  "ns-2.awsdns-02.com",
  "ns-3.awsdns-03.net",
  "ns-4.awsdns-04.co.uk",
];
export const VERSION = "1.2.3-0123abcd";
export const STATIC_FILE = "static/css/main file.css";

/** The contents of an AWS account that the doctor reads. New accounts have what an account should have. */
export class Account {
  /** The account of the credentials. */
  id: string;
  readonly region: string;
  zones: Zone53[];
  solutionStacks: string[];
  /** By name; every other branch is unknown to Beanstalk. */
  readonly branches = new Map<string, string>();
  defaultSubnets = ["subnet-0a", "subnet-0b"];
  readonly instanceTypes = new Map([
    ["t3.small", 2],
    ["t3.medium", 2],
    ["t3.large", 2],
    ["t3.xlarge", 4],
  ]);
  availabilityZones: string[];
  /** "type place" of the instance types that a region or zone lacks. */
  readonly notOffered = new Set<string>();
  /** Options of RDS for PostgreSQL. */
  orderable: OrderableDouble[];
  instances: { type: string; state: string; vcpus: number; environment?: string; isSpot?: boolean }[] = [];
  addresses: Tags[] = [];
  /** The default VPC. */
  vpcs: Tags[] = [{}];
  loadBalancers: string[] = [];
  /** Applied quotas, by service and code. */
  readonly quotas = new Map([
    ["ec2 L-1216C47A", 64],
    ["ec2 L-0263D0A3", 5],
    ["vpc L-F678F1CE", 5],
  ]);
  /** AWS's defaults of the quotas that the account never changed. */
  readonly defaultQuotas = new Map([["elasticloadbalancing L-53DA6B97", 50]]);
  encryptsDisks = true;
  publicAccessBlock?: Record<string, boolean>;
  readonly buckets = new Map<string, Tags | undefined>();
  readonly bucketsOfOthers = new Set<string>();
  readonly objects = new Map<string, string[]>();
  /** Contents of objects, by bucket and key with a slash between them. */
  readonly contents = new Map<string, string>();
  readonly domainsOfOthers = new Set<string>();
  readonly roles = new Set([
    "AWSServiceRoleForAutoScaling",
    "AWSServiceRoleForElastiCache",
    "AWSServiceRoleForElasticLoadBalancing",
    "AWSServiceRoleForRDS",
  ]);
  identityProvider?: { audiences: string[]; tags: Tags };
  readonly environments = new Map<string, EnvironmentDouble>();
  certificates: CertificateDouble[] = [];
  /** The KMS keys with which buckets encrypt by default, by bucket. Others have S3's own keys. */
  readonly bucketKeys = new Map<string, string>();
  readonly databases = new Map<string, DatabaseDouble>();
  readonly snapshots = new Map<string, SnapshotDouble>();
  /** Vaults of AWS Backup, by region and name with a space between them. */
  readonly vaults = new Map<string, VaultDouble>();
  /** Messages by queue. */
  readonly queues = new Map<string, number>();
  /** Subscriptions by topic. */
  readonly topics = new Map<string, { endpoint: string; isConfirmed: boolean }[]>();
  /** The time of the last change of SSM parameters. */
  readonly parameters = new Map<string, Date>();

  /** IAM actions that the credentials lack. */
  readonly denied = new Set<string>();
  /** IAM actions that AWS answers with a server error. */
  readonly failing = new Set<string>();
  /** Calls that AWS answers in a second, of all services together; more are throttled. */
  callsPerSecond = Infinity;
  /** False if AWS does not know the credentials. */
  hasValidCredentials = true;

  /** An account that is ready for the first `pulumi up` of a stack. */
  constructor(stack: Stack) {
    this.id = stack.accountId;
    // `npm run init-stack` creates them before the first update.
    for (const name of stack.secrets) this.parameters.set(stack.secretsPath + name, new Date("2026-08-17"));
    this.region = stack.region;
    this.zones = [
      zone("Z0EXAMPLE", stack.hostedZone),
      // Route 53 lists from the name on, so a neighbour comes along.
      zone("Z0NEIGHBOUR", `zz.${stack.hostedZone}`),
    ];
    this.solutionStacks = stack.platforms.flatMap(({ solutionStack }) => [
      solutionStack,
      solutionStack.replace(/v\d+/, "v1"),
    ]);
    for (const { solutionStack } of stack.platforms) {
      this.branches.set(
        solutionStack.replace(/^(.+) v[\d.]+ running (.+)$/, "$2 running on $1"),
        "Supported",
      );
    }
    this.availabilityZones = ["a", "b", "c"].map((letter) => stack.region + letter);
    const { instanceClass, majorVersion } = stack.database;
    const zones = this.availabilityZones;
    const of = (version: string, storage = "gp3") => ({
      version,
      storage,
      instanceClass,
      zones,
      multiAz: true,
    });
    // RDS lists each storage type and minor version on its own.
    this.orderable = [of("14.19"), of(`${majorVersion}.3`, "io1"), of(`${majorVersion}.10`)];
    if (!stack.createOidcProvider) {
      this.identityProvider = { audiences: ["sts.amazonaws.com"], tags: { project: "other" } };
    }
  }

  /** Adds what `pulumi up` and a deployment create, on their second day in good health. */
  addStack(stack: Stack, now: Date): void {
    const days = (count: number) => new Date(now.getTime() + count * DAY);
    for (const { name, role, instanceType, maxSize, cnamePrefix } of stack.environments) {
      const solutionStack =
        stack.platforms[role === "enketo" ? stack.platforms.length - 1 : 0]!.solutionStack;
      const version = role === "enketo" ? "enketo-1" : VERSION;
      this.environments.set(name, { cnamePrefix, solutionStack, version, status: "Ready", health: "Green" });
      if (cnamePrefix !== undefined) this.loadBalancers.push("application");
      const vcpus = this.instanceTypes.get(instanceType)!;
      for (let count = 0; count < maxSize; count += 1) {
        this.instances.push({ type: instanceType, state: "running", vcpus, environment: name });
      }
    }
    this.vpcs.push(stack.tags);
    for (let count = 0; count < stack.elasticIps; count += 1) this.addresses.push(stack.tags);
    for (const bucket of stack.buckets) this.buckets.set(bucket, { ...stack.tags, class: bucket });
    this.objects.set(stack.artifactsBucket, [
      `drills/${stack.env}/${days(-55).toISOString()}-failed.json`,
      `drills/${stack.env}/${days(-24).toISOString()}-succeeded.json`,
    ]);
    this.objects.set(stack.staticBucket, [`manifests/${VERSION}.json`, STATIC_FILE]);
    if (stack.createOidcProvider) {
      this.identityProvider = { audiences: ["sts.amazonaws.com"], tags: stack.tags };
    }
    for (const [role, host] of Object.entries(stack.hosts)) {
      const region = role === "static" ? "us-east-1" : stack.region;
      this.certificates.push({ region, host, status: "ISSUED", notAfter: days(200) });
      this.zones[0]!.records.push({ name: host, type: "A", value: "192.0.2.1" });
    }
    const key = `arn:aws:kms:${stack.region}:${stack.accountId}:key/1a8b4c05-e142-917f-203a-b32724e33996`;
    if (stack.keyAlias !== undefined) this.bucketKeys.set(stack.mediaBucket, key);
    this.databases.set(stack.databaseIdentifier, {
      key: stack.keyAlias === undefined ? undefined : key,
      created: days(-100),
      retentionDays: stack.backupDays,
      allocated: 50,
      latestRestorable: new Date(now.getTime() - 5 * 60_000),
      earliestRestorable: days(-stack.backupDays),
      free: 30,
    });
    for (const { name, region } of stack.backup?.vaults ?? []) {
      this.vaults.set(`${region} ${name}`, {
        lock: {
          min: 7,
          max: 3650,
          ...(stack.backup?.lock === "compliance" && { lockDate: days(-50) }),
        },
        points: ["RDS", "S3"].map((type) => ({ type, at: days(-1), status: "COMPLETED" })),
      });
    }
    this.queues.set(stack.deadLetterQueue, 0);
    this.topics.set(stack.alarmTopicArn, [{ endpoint: stack.alarmEmail, isConfirmed: true }]);
    this.parameters.set(stack.deploymentParameter, days(-100));
  }
}

export function zone(id: string, name: string): Zone53 {
  return { id, name, isPrivate: false, nameServers: NAME_SERVERS, records: [] };
}

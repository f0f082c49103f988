import { ACCOUNT, REGION, type Role } from "../authorization";
import { authorize } from "../deploy/double/authorization";
import { type Time } from "../deploy/double/clocks";
import { AwsFault } from "../deploy/double/protocol";

export const BUCKET = "example-iaso-staging-media";
export const COPY_REGION = "eu-west-3";

export interface SimulatedPoint {
  arn: string;
  region: string;
  vault: string;
  type: "RDS" | "S3";
  resource: string;
  status: string;
  at: number;
  /** Days until it is deleted; undefined if never. */
  days: number | undefined;
  /** The files of media. */
  files: Record<string, string>;
  /** Region from which it was copied. */
  from?: string;
}

interface SimulatedJob {
  id: string;
  /** The idempotency token of the request. */
  token?: unknown;
  kind: "copy" | "restore";
  region: string;
  point: SimulatedPoint;
  metadata?: Record<string, string>;
  endsAt: number;
  /** Does the work of the job. */
  act: () => End;
  state: string;
  message?: string;
  destination?: string;
}

/** The reason if a job failed; a complete restore has a message if it did not restore every file. */
interface End {
  failed?: string;
  message?: string;
}

/** The keys of the metadata of a restore of S3; AWS Backup ignores their case. */
const RESTORE_KEYS = [
  "DestinationBucketName",
  "EncryptionType",
  "ItemsToRestore",
  "KMSKey",
  "RestoreACLs",
  "RestoreLatestVersionsUpTo",
  "RestoreTime",
];

/** The days that the locks of the vaults accept. */
const RETENTION = { min: 7, max: 3650 };

/** The content of an object that the role of AWS Backup cannot decrypt. */
export const UNREADABLE = "encrypted with another key";

type Input = Record<string, unknown>;

/**
 * AWS Backup with the vaults of an environment, in two regions.
 *
 * @see https://docs.aws.amazon.com/aws-backup/latest/devguide/restoring-s3.html
 */
export class BackupDouble {
  readonly points: SimulatedPoint[] = [];
  readonly jobs: SimulatedJob[] = [];
  /** The vaults by region. */
  readonly vaults = new Map([
    [REGION, "iaso-staging"],
    [COPY_REGION, "iaso-staging-copy"],
  ]);
  /** The files of the media bucket; a deleted one is absent. */
  media: Record<string, string> = {};
  /** False if the versioning of the media bucket is off. */
  versioned = true;
  /** The ARN of the stack's KMS key, which the role of AWS Backup can use. */
  key?: string;
  /** Milliseconds that a job takes. */
  duration = 30 * 60_000;
  private created = 0;

  constructor(
    private readonly time: Time,
    /** The role that calls; undefined permits everything. */
    private readonly role: () => Role | undefined,
  ) {}

  addPoint(point: Partial<SimulatedPoint> & Pick<SimulatedPoint, "type">): SimulatedPoint {
    this.created += 1;
    const region = point.region ?? REGION;
    const id = `00000000-${String(this.created)}`;
    const added: SimulatedPoint = {
      arn:
        point.type === "RDS"
          ? `arn:aws:rds:${region}:${ACCOUNT}:snapshot:awsbackup:copyjob-${id}`
          : `arn:aws:backup:${region}:${ACCOUNT}:recovery-point:${id}`,
      region,
      vault: region === REGION ? "iaso-staging" : "iaso-staging-copy",
      resource:
        point.type === "RDS" ? `arn:aws:rds:${REGION}:${ACCOUNT}:db:iaso-staging` : `arn:aws:s3:::${BUCKET}`,
      status: "COMPLETED",
      at: this.time.now,
      days: 90,
      files: {},
      ...point,
    };
    this.points.push(added);
    return added;
  }

  /** @throws AwsFault as AWS Backup does */
  handle(region: string, operation: string, input: Input): unknown {
    this.advance();
    switch (operation) {
      case "ListRecoveryPointsByBackupVault":
        return this.listPoints(region, input);
      case "ListCopyJobs":
      case "ListRestoreJobs": {
        this.allow(`backup:${operation}`, "*");
        const kind = operation === "ListCopyJobs" ? "copy" : "restore";
        const jobs = this.jobs.filter((job) => job.region === region && job.kind === kind);
        return page(kind === "copy" ? "CopyJobs" : "RestoreJobs", jobs.map(shown), input);
      }
      case "DescribeCopyJob":
      case "DescribeRestoreJob": {
        this.allow(`backup:${operation}`, "*");
        const id = input["CopyJobId"] ?? input["RestoreJobId"];
        const job = this.jobs.find((one) => one.id === id && one.region === region);
        if (job === undefined)
          throw new AwsFault("ResourceNotFoundException", `There is no job ${String(id)}.`);
        return job.kind === "copy" ? { CopyJob: shown(job) } : shown(job);
      }
      case "GetRestoreJobMetadata": {
        this.allow(`backup:${operation}`, "*");
        const job = this.jobs.find(({ id, region: one }) => id === input["RestoreJobId"] && one === region);
        if (job === undefined) throw new AwsFault("ResourceNotFoundException", "There is no such job.");
        const lower = ([key, value]: [string, string]) => [`${key[0]!.toLowerCase()}${key.slice(1)}`, value];
        return {
          RestoreJobId: job.id,
          Metadata: Object.fromEntries(Object.entries(job.metadata ?? {}).map(lower)) as unknown,
        };
      }
      case "StartRestoreJob":
        return this.startRestore(region, input);
      case "StartCopyJob":
        return this.startCopy(region, input);
      default:
        throw new AwsFault("InvalidAction", `The double of AWS Backup has no ${operation}.`);
    }
  }

  private allow(action: string, resource: string, context?: Record<string, string>): void {
    const role = this.role();
    if (role !== undefined) authorize(role, "backup", [{ action, resource, ...(context && { context }) }]);
  }

  private listPoints(region: string, { BackupVaultName, ByResourceType, NextToken }: Input): unknown {
    const vault = String(BackupVaultName);
    this.allow(
      "backup:ListRecoveryPointsByBackupVault",
      `arn:aws:backup:${region}:${ACCOUNT}:backup-vault:${vault}`,
    );
    if (vault !== this.vaults.get(region)) {
      throw new AwsFault(
        "AccessDeniedException",
        `Backup vault ${vault} does not exist, or access is denied.`,
      );
    }
    const found = this.points.filter((point) => point.region === region && point.vault === vault);
    const points = found
      .filter(({ type }) => ByResourceType === undefined || type === ByResourceType)
      .map(({ arn, at, days, resource, status }) => ({
        RecoveryPointArn: arn,
        ResourceArn: resource,
        Status: status,
        CreationDate: at / 1000,
        BackupSizeInBytes: 2 ** 31,
        ...(days !== undefined && { Lifecycle: { DeleteAfterDays: days } }),
      }));
    return page("RecoveryPoints", points, { NextToken });
  }

  /** The backup of a request. */
  private pointOf(region: string, input: Input, action: string): SimulatedPoint {
    const arn = String(input["RecoveryPointArn"]);
    const role = String(input["IamRoleArn"]);
    this.allow(action, arn);
    this.allow("iam:PassRole", role, { "iam:PassedToService": "backup.amazonaws.com" });
    // The only role that AWS Backup can assume here.
    if (role !== `arn:aws:iam::${ACCOUNT}:role/iaso-staging-backup`) {
      throw new AwsFault("InvalidParameterValueException", "IAM Role does not have sufficient permissions.");
    }
    const point = this.points.find((one) => one.arn === arn && one.region === region);
    if (point === undefined)
      throw new AwsFault("ResourceNotFoundException", `${arn} does not exist in ${region}.`);
    if (point.status !== "COMPLETED") {
      throw new AwsFault("InvalidResourceStateException", `${arn} is ${point.status}.`);
    }
    return point;
  }

  private startRestore(region: string, input: Input): unknown {
    const point = this.pointOf(region, input, "backup:StartRestoreJob");
    const metadata = (input["Metadata"] ?? {}) as Record<string, string>;
    const { DestinationBucketName, EncryptionType, ItemsToRestore, KMSKey, RestoreACLs } = metadata;
    const items = ItemsToRestore === undefined ? undefined : itemsOf(ItemsToRestore, point.resource);
    const valid =
      point.type === "S3" &&
      input["ResourceType"] === "S3" &&
      Object.entries(metadata).every(
        ([key, value]) => RESTORE_KEYS.includes(key) && typeof value === "string",
      ) &&
      DestinationBucketName !== undefined &&
      /^(true|false)$/i.test(RestoreACLs ?? "true") &&
      ["original", "SSE-S3", "SSE-KMS"].includes(EncryptionType ?? "original") &&
      (KMSKey === undefined || (EncryptionType === "SSE-KMS" && KMSKey.startsWith(`arn:aws:kms:${region}:`)));
    if (!valid) throw new AwsFault("InvalidParameterValueException", "Invalid restore metadata.");
    if (!this.versioned) {
      throw new AwsFault(
        "InvalidParameterValueException",
        "Versioning must be enabled on the destination bucket.",
      );
    }
    const act = (): End => {
      const none = { failed: `No objects were restored from ${point.arn} to ${DestinationBucketName}.` };
      // The role of AWS Backup writes into media only, and uses the stack's key only.
      if (DestinationBucketName !== BUCKET || (KMSKey !== undefined && KMSKey !== this.key)) return none;
      if (/^true$/i.test(RestoreACLs ?? "true")) {
        return { failed: "BucketOwnershipControls do not allow the use of object ACLs" };
      }
      const hasOriginal = point.from === undefined || point.from === region;
      if (!hasOriginal && (EncryptionType ?? "original") === "original") return none;
      // AWS Backup puts no object in place of one that exists.
      const chosen = Object.entries(point.files).filter(([key]) => items?.includes(key) ?? true);
      if (chosen.length === 0) {
        return { message: `There are no objects that match the restore request for ${point.arn}.` };
      }
      const readable = chosen.filter(([, content]) => content !== UNREADABLE);
      if (readable.length === 0) return none;
      this.media = { ...Object.fromEntries(readable), ...this.media };
      if (readable.length === chosen.length) return {};
      return {
        message: `One or more objects failed to be restored from ${point.arn} to ${BUCKET}. To get notified of these failures, enable SNS event notifications.`,
      };
    };
    const token = input["IdempotencyToken"];
    return { RestoreJobId: this.start({ kind: "restore", region, point, token, metadata, act }).id };
  }

  private startCopy(region: string, input: Input): unknown {
    const point = this.pointOf(region, input, "backup:StartCopyJob");
    if (input["SourceBackupVaultName"] !== point.vault) {
      throw new AwsFault("InvalidParameterValueException", "The recovery point is in another vault.");
    }
    const target = /^arn:aws:backup:([^:]+):\d+:backup-vault:(.+)$/.exec(
      String(input["DestinationBackupVaultArn"]),
    );
    const days = (input["Lifecycle"] as { DeleteAfterDays?: number } | undefined)?.DeleteAfterDays;
    const job = this.start({
      kind: "copy",
      region,
      point,
      token: input["IdempotencyToken"],
      act: () => {
        if (target?.[2] !== "iaso-staging") return { failed: "Access Denied trying to copy into the vault" };
        if (days === undefined || days < RETENTION.min || days > RETENTION.max) {
          return { failed: "The retention is outside of the limits of the vault's lock" };
        }
        const { files, resource, type } = point;
        job.destination = this.addPoint({
          type,
          files,
          resource,
          days,
          from: region,
          region: target[1] ?? "",
        }).arn;
        return {};
      },
    });
    return { CopyJobId: job.id };
  }

  private start(
    job: Pick<SimulatedJob, "act" | "kind" | "metadata" | "point" | "region" | "token">,
  ): SimulatedJob {
    const same = this.jobs.find(({ token }) => token !== undefined && token === job.token);
    if (same !== undefined) return same;
    this.created += 1;
    const id = `job-${this.created}`;
    const started: SimulatedJob = { ...job, id, state: "RUNNING", endsAt: this.time.now + this.duration };
    this.jobs.push(started);
    return started;
  }

  /** Ends the jobs whose time is over. */
  advance(): void {
    for (const job of this.jobs) {
      if (job.state !== "RUNNING" || job.endsAt > this.time.now) continue;
      const end = job.act();
      job.state = end.failed === undefined ? "COMPLETED" : "FAILED";
      job.message = end.failed ?? end.message;
    }
  }
}

/** Results on one page of a list. AWS Backup may return fewer than it has, down to one. */
const PAGE = 2;

function page(name: string, all: readonly object[], { NextToken }: Input): object {
  const from = Number(NextToken ?? 0);
  const next = from + PAGE < all.length ? { NextToken: String(from + PAGE) } : {};
  return { [name]: all.slice(from, from + PAGE), ...next };
}

/** The keys that a restore of single objects names. @throws AwsFault unless they are one to five in the bucket of the backup */
function itemsOf(text: string, resource: string): string[] {
  const prefix = `s3://${resource.split(":").at(-1) ?? ""}/`;
  let items: unknown;
  try {
    items = JSON.parse(text);
  } catch {
    items = undefined;
  }
  const valid =
    Array.isArray(items) &&
    items.length >= 1 &&
    items.length <= 5 &&
    items.every((item) => typeof item === "string" && item.startsWith(prefix));
  if (!valid) throw new AwsFault("InvalidParameterValueException", "Invalid restore metadata.");
  return (items as string[]).map((item) => item.slice(prefix.length));
}

function shown({ destination, id, kind, message, point, state }: SimulatedJob): object {
  const common = { StatusMessage: message, PercentDone: state === "RUNNING" ? "12.00%" : undefined };
  return kind === "copy"
    ? {
        ...common,
        CopyJobId: id,
        State: state,
        SourceRecoveryPointArn: point.arn,
        DestinationRecoveryPointArn: destination,
      }
    : { ...common, RestoreJobId: id, Status: state, RecoveryPointArn: point.arn };
}

import { GetMetricStatisticsCommand } from "@aws-sdk/client-cloudwatch";
import { DescribeDBInstanceAutomatedBackupsCommand } from "@aws-sdk/client-rds";
import { GetBucketEncryptionCommand, ListObjectsV2Command } from "@aws-sdk/client-s3";
import { drillPrefix, parseDrillKey } from "../../components/common/drillKey";
import { NotChecked } from "../errors";
import { type Check, ok, type Result } from "../check";
import type { Context } from "../context";

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
const GIB = 1024 ** 3;

/** RDS ships the log of changes every five minutes. */
const LATEST_RESTORABLE_MINUTES = 60;

/** Below this share of the storage, with no room to grow, somebody must act. */
const FREE_SHARE = 0.15;

/** @see https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_PIT.html */
export const databaseBackups: Check = {
  name: "backups of the database",
  phase: "check-up",
  async check(context) {
    const { clients, now, stack } = context;
    const instance = await context.database();
    if (instance === undefined) return missingDatabase(context);
    const { BackupRetentionPeriod = 0, InstanceCreateTime = now, LatestRestorableTime: latest } = instance;
    const why = "After a loss of data, nothing newer, or nothing at all, can be restored.";
    if (BackupRetentionPeriod === 0) {
      return {
        findings: [
          {
            wrong: `Backups of the database ${stack.databaseIdentifier} are off.`,
            why,
            fix: `pulumi up --stack ${stack.name} --refresh`,
          },
        ],
      };
    }
    const { DBInstanceAutomatedBackups = [] } = await clients.rds.send(
      new DescribeDBInstanceAutomatedBackupsCommand({ DBInstanceIdentifier: stack.databaseIdentifier }),
    );
    const active = DBInstanceAutomatedBackups.find(({ Status }) => Status === "active");
    const earliest = active?.RestoreWindow?.EarliestTime;
    const age = latest === undefined ? Infinity : now.getTime() - latest.getTime();
    const window = `restorable from ${iso(earliest)} to ${iso(latest)}`;
    const events = `See why: aws rds describe-events --source-type db-instance --source-identifier ${stack.databaseIdentifier} --duration 10080`;
    if (age > LATEST_RESTORABLE_MINUTES * MINUTE) {
      return {
        findings: [
          {
            wrong: `The last backup of the database ${stack.databaseIdentifier} is too old: ${window}.`,
            why,
            fix: events,
          },
        ],
      };
    }
    // The first day has no daily snapshot yet, and a snapshot leaves the window up to a day after the next.
    const expected = Math.max(
      InstanceCreateTime.getTime() + DAY,
      now.getTime() - (BackupRetentionPeriod - 1) * DAY,
    );
    if (now.getTime() > expected && (earliest === undefined || earliest.getTime() > expected)) {
      return {
        findings: [
          {
            wrong: `The database ${stack.databaseIdentifier} cannot be restored to all of the last ${BackupRetentionPeriod} days: ${window}.`,
            why: "Damage that is noticed late cannot be undone.",
            fix: events,
          },
        ],
      };
    }
    return ok(window);
  },
};

/** @see https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_PIOPS.Autoscaling.html */
export const databaseStorage: Check = {
  name: "disk of the database",
  phase: "check-up",
  async check(context) {
    const { clients, now, stack } = context;
    const instance = await context.database();
    if (instance === undefined) return missingDatabase(context);
    const { AllocatedStorage: allocated = 0 } = instance;
    const { Datapoints = [] } = await clients.cloudWatch.send(
      new GetMetricStatisticsCommand({
        Namespace: "AWS/RDS",
        MetricName: "FreeStorageSpace",
        Dimensions: [{ Name: "DBInstanceIdentifier", Value: stack.databaseIdentifier }],
        StartTime: new Date(now.getTime() - 60 * MINUTE),
        EndTime: now,
        Period: 3600,
        Statistics: ["Minimum"],
      }),
    );
    const free = Math.min(...Datapoints.map(({ Minimum = Infinity }) => Minimum)) / GIB;
    if (!Number.isFinite(free)) throw new NotChecked("CloudWatch has no FreeStorageSpace of the last hour");
    // RDS grows the storage by at least a tenth, and only if that is within the maximum.
    const canGrow = allocated * 1.1 <= stack.maxStorage;
    const seen = `${free.toFixed(1)} of ${allocated} GiB free, at most ${stack.maxStorage} GiB`;
    if (canGrow || free >= allocated * FREE_SHARE) return ok(seen);
    return {
      findings: [
        {
          wrong: `The disk of the database ${stack.databaseIdentifier} is almost full and cannot grow: ${seen}.`,
          why: "A database without free storage stops.",
          fix: `${stack.setCommand("databaseMaxStorage")} ${Math.ceil(stack.maxStorage * 1.5)}; pulumi up --stack ${stack.name}`,
        },
      ],
    };
  },
};

/** @see https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Overview.Encryption.Keys.html */
export const databaseKey: Check = {
  name: "KMS key of the database",
  phase: "check-up",
  async check(context) {
    const { clients, stack } = context;
    const { keyAlias, mediaBucket, accountId } = stack;
    if (keyAlias === undefined) return ok("the settings ask for AWS's own keys");
    const instance = await context.database();
    if (instance === undefined) return ok("there is no database");
    // Every update writes the key to the media bucket. RDS takes a key at the creation of a database only.
    const { ServerSideEncryptionConfiguration: media } = await clients.s3.send(
      new GetBucketEncryptionCommand({ Bucket: mediaBucket, ExpectedBucketOwner: accountId }),
    );
    const key = media?.Rules?.[0]?.ApplyServerSideEncryptionByDefault?.KMSMasterKeyID;
    if (key === undefined)
      throw new NotChecked(`the bucket ${mediaBucket} names no KMS key: run pulumi up --stack ${stack.name}`);
    if (instance.KmsKeyId === key) return ok(keyAlias);
    return {
      findings: [
        {
          wrong: `The database ${stack.databaseIdentifier} is encrypted with ${instance.KmsKeyId ?? "no KMS key"}, not with ${keyAlias}.`,
          why: "The policy of the stack's key does not protect what the database and its backups hold.",
          fix: `npm run database -- restore ${stack.env} --snapshot iaso-${stack.env}-with-key, after the steps in docs/operations.md, "A KMS key of your own"`,
        },
      ],
    };
  },
};

/** Days after which the last rehearsal is too old. One a month leaves some days to make up for it. */
const DRILL_DAYS = 35;

export const databaseRehearsal: Check = {
  name: "rehearsal of a restore",
  phase: "check-up",
  async check(context) {
    const { clients, now, stack } = context;
    const instance = await context.database();
    if (instance === undefined) return ok("there is no database");
    const { Contents = [] } = await clients.s3.send(
      new ListObjectsV2Command({
        Bucket: stack.artifactsBucket,
        ExpectedBucketOwner: stack.accountId,
        Prefix: drillPrefix(stack.env),
      }),
    );
    const drills = Contents.flatMap(({ Key = "" }) => parseDrillKey(Key) ?? []);
    const last = drills.at(-1);
    const isRecent = (time: Date): boolean => now.getTime() - time.getTime() < DRILL_DAYS * DAY;
    const seen = last && `the last was at ${iso(last.time)}`;
    if (last?.succeeded === true && isRecent(last.time)) return ok(seen);
    if (last === undefined && isRecent(instance.InstanceCreateTime ?? now)) return ok("the database is new");
    const why = "Nobody knows whether the backups can be restored, and how long that takes.";
    const fix = `npm run database -- rehearse ${stack.env}`;
    const wrong =
      last?.succeeded === false
        ? `The last rehearsal of a restore failed, at ${iso(last.time)}.`
        : `No restore of ${stack.databaseIdentifier} was rehearsed in the last ${DRILL_DAYS} days${seen === undefined ? "" : `: ${seen}`}.`;
    return { findings: [{ wrong, why, fix }] };
  },
};

function missingDatabase({ stack }: Context): Result {
  return {
    findings: [
      {
        wrong: `There is no database ${stack.databaseIdentifier}.`,
        why: "Iaso cannot work without it.",
        fix: `Restore it as docs/operations.md says, or create it: pulumi up --stack ${stack.name} --refresh`,
      },
    ],
  };
}

function iso(time: Date | undefined): string {
  return time === undefined ? "never" : `${time.toISOString().slice(0, 16)}Z`;
}

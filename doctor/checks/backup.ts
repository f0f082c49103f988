import { GetMetricStatisticsCommand } from "@aws-sdk/client-cloudwatch";
import { type Check, type Finding, ok } from "../check";
import type { Context } from "../context";

/** Hours within which each daily job must have ended well. The first backup of a large bucket takes longer. */
const HOURS = 48;

/** The data that AWS Backup keeps, by its name of the type. */
const BACKED_UP = { RDS: "the database", S3: "media" };

/** @see https://docs.aws.amazon.com/aws-backup/latest/devguide/cloudwatch.html */
export const awsBackups: Check = {
  name: "backups of AWS Backup",
  phase: "check-up",
  async check(context) {
    const { backup } = context.stack;
    if (backup === undefined) return ok("the settings have none");
    const jobs = ["Backup", ...(backup.copied ? ["Copy"] : [])];
    const findings = await Promise.all(
      jobs.flatMap((job) =>
        Object.keys(BACKED_UP).map((type) => missingJob(context, backup.vault, job, type)),
      ),
    );
    return { findings: findings.flat(), detail: `vault ${backup.vault}` };
  },
};

async function missingJob(context: Context, vault: string, job: string, type: string): Promise<Finding[]> {
  const { clients, now, stack } = context;
  const { Datapoints = [] } = await clients.cloudWatch.send(
    new GetMetricStatisticsCommand({
      Namespace: "AWS/Backup",
      MetricName: `NumberOf${job}JobsCompleted`,
      Dimensions: [
        { Name: "BackupVaultName", Value: vault },
        { Name: "ResourceType", Value: type },
      ],
      StartTime: new Date(now.getTime() - HOURS * 3_600_000),
      EndTime: now,
      Period: 3600,
      Statistics: ["Sum"],
    }),
  );
  if (Datapoints.some(({ Sum = 0 }) => Sum > 0)) return [];
  const what = BACKED_UP[type as keyof typeof BACKED_UP];
  const list = job === "Copy" ? "list-copy-jobs" : "list-backup-jobs";
  return [
    {
      wrong:
        job === "Copy"
          ? `No backup of ${what} was copied to the other region in the last ${HOURS} hours.`
          : `AWS Backup completed no backup of ${what} in the last ${HOURS} hours.`,
      why: "After the loss of the account's data or of the region, nothing newer can be restored.",
      fix: `See why, if backups were not turned on today: aws backup ${list} --region ${stack.region} --by-resource-type ${type}`,
    },
  ];
}

import { UserError } from "../../cli/userError";
import {
  awaitJob,
  backupNames,
  describePoint,
  type RecoveryPoint,
  recoveryPoints,
  startRestore,
} from "../awsBackup";
import { formatTime } from "../backups";
import { mediaBucketOf, mediaRestore } from "../mediaBackup";
import { type Result, type Session } from "../session";

export interface RestoreMediaOptions {
  /** The ARN of a backup; the newest by default. */
  recoveryPoint?: string;
}

/**
 * Restores the files that the media bucket lacks from AWS Backup, into the bucket. AWS Backup replaces no file that exists,
 * so nothing is lost, and the command can be repeated at any time. It needs no lock: a deployment changes no media.
 *
 * @throws UserError if there is no such backup, or the job failed
 * @see https://docs.aws.amazon.com/aws-backup/latest/devguide/restoring-s3.html
 */
export async function restoreMedia(session: Session, options: RestoreMediaOptions): Promise<Result> {
  const { env, progress, target } = session;
  const { vault } = backupNames(session);
  const points = await recoveryPoints(session, target.region, vault, "S3");
  const point = choose(points, options, env);
  const bucket = mediaBucketOf(point, env);
  const { BackupSizeInBytes, CreationDate, RecoveryPointArn } = point;
  const input = await mediaRestore(session, point, bucket);
  session.show([
    "Plan:",
    `  Restore the backup of ${formatTime(CreationDate)} (${(BackupSizeInBytes / 2 ** 30).toFixed(1)} GiB) into the bucket ${bucket}.`,
    "  Files that are missing, or deleted there, come back. Files that are there stay as they are: their old versions are in the bucket.",
  ]);
  if (!(await session.confirm("Restore the missing files?"))) {
    return { outcome: "abandoned", lines: ["Nothing was changed."] };
  }
  const again = `restore-media ${env} --recovery-point ${RecoveryPointArn}`;
  const job = await startRestore(session, target.region, input, again);
  await progress.step("Restore the missing files", () => awaitJob(session, job, again));
  return {
    outcome: "done",
    lines: [`${bucket} has all files of the backup of ${formatTime(CreationDate)} again.`],
  };
}

function choose(
  points: readonly RecoveryPoint[],
  { recoveryPoint }: RestoreMediaOptions,
  env: string,
): RecoveryPoint {
  const found =
    recoveryPoint === undefined
      ? points[0]
      : points.find(({ RecoveryPointArn }) => RecoveryPointArn === recoveryPoint);
  if (found !== undefined) return found;
  throw new UserError(
    [
      recoveryPoint === undefined
        ? `The vault of ${env} has no backup of media.`
        : `The vault of ${env} has no backup ${recoveryPoint}.`,
      ...points.map(describePoint),
    ].join("\n"),
    points.length === 0
      ? `Set backupDays for the next time. If another region has copies: npm run database -- copy-back ${env} --from REGION`
      : `npm run database -- restore-media ${env}, for the newest`,
  );
}

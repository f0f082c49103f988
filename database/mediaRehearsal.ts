import { awaitJob, backupNames, recoveryPoints, startRestore } from "./awsBackup";
import { mediaBucketOf, mediaRestore } from "./mediaBackup";
import { formatTime } from "./backups";
import { runOnInstance } from "./runCommand";
import { Unfinished } from "../coordination/unfinished";
import { LIMITS, type LockedSession } from "./session";

/**
 * The file in the media bucket that a rehearsal deletes and restores. It contains the time at which it was written, and no
 * patients' data. Iaso lists no folders, and gives no file this name.
 */
export const MEDIA_FILE = "rehearsal/written-at.txt";

/** Milliseconds after which AWS Backup has seen a new file: a backup contains what was there when it began. */
const SEEN = 3_600_000;

/**
 * Rehearses a restore of media: deletes one file of its own, and restores it from the newest backup into the bucket, with the
 * vault, the role and the bucket of a real restore. No other file is read or restored.
 *
 * @returns why it could not be rehearsed yet; undefined if the file is back
 * @throws Unfinished if the vault has no backup, or the file does not come back
 */
export async function rehearseMedia(session: LockedSession, instanceId: string): Promise<string | undefined> {
  const { clock, env, target } = session;
  const [point] = await recoveryPoints(session, target.region, backupNames(session).vault, "S3");
  if (point === undefined) throw new Unfinished(`The vault of ${env} has no backup of media.`);
  const bucket = mediaBucketOf(point, env);
  const onInstance = (step: MediaStep) =>
    runOnInstance(session, instanceId, {
      commands: mediaScript(target.region, bucket, step),
      what: `${Object.keys(step)[0] ?? ""} s3://${bucket}/${MEDIA_FILE}`,
      limit: LIMITS.change,
    });
  const look = async (): Promise<string | undefined> => {
    const [, content] = /^file (\S+)$/m.exec(await onInstance({ read: true })) ?? [];
    return content === "none" ? undefined : content;
  };
  const written = await look();
  if (written === undefined || Number.isNaN(Date.parse(written))) {
    await onInstance({ write: new Date(clock.now()).toISOString() });
    return `the file ${MEDIA_FILE} was written just now. The backup of tomorrow has it`;
  }
  if (Date.parse(written) + SEEN > Number(point.CreationDate)) {
    return `the newest backup of media, of ${formatTime(point.CreationDate)}, is older than the file ${MEDIA_FILE}`;
  }
  await onInstance({ delete: true });
  const input = await mediaRestore(session, point, bucket, MEDIA_FILE);
  const again = `restore-media ${env}`;
  const job = await startRestore(session, target.region, input, again);
  await awaitJob(session, job, again);
  const restored = await look();
  if (restored === written) return undefined;
  throw new Unfinished(
    `The restore of media is complete, and ${MEDIA_FILE} ${restored === undefined ? "is missing" : `has other content: ${restored}`}.`,
  );
}

/** A step with the file, on an instance. */
type MediaStep = { read: true } | { write: string } | { delete: true };

/** The lines of the script of a step. Only Iaso's instances reach files of media. */
export function mediaScript(region: string, bucket: string, step: MediaStep): string[] {
  const file = `s3://${bucket}/${MEDIA_FILE}`;
  const begin = ["#!/bin/bash", "set -euo pipefail", `export AWS_DEFAULT_REGION=${region}`];
  if ("write" in step)
    return [...begin, `printf %s '${step.write}' | aws s3 cp --only-show-errors - ${file}`];
  if ("delete" in step) return [...begin, `aws s3 rm --only-show-errors ${file}`];
  return [
    ...begin,
    `count=$(aws s3api list-objects-v2 --bucket ${bucket} --prefix ${MEDIA_FILE} --no-paginate --query KeyCount --output text)`,
    `if [[ $count == 0 ]]; then echo file none; else echo "file $(aws s3 cp --only-show-errors ${file} -)"; fi`,
  ];
}

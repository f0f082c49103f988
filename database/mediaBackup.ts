import { UserError } from "../cli/userError";
import { backupNames, type RecoveryPoint } from "./awsBackup";
import { type Session } from "./session";

/**
 * The input of StartRestoreJob that restores files into the media bucket.
 *
 * @param file a key, to restore this file only
 * @see https://docs.aws.amazon.com/aws-backup/latest/devguide/restoring-s3.html
 */
export function mediaRestore(
  session: Session,
  { RecoveryPointArn }: RecoveryPoint,
  bucket: string,
  file?: string,
) {
  return {
    RecoveryPointArn,
    IamRoleArn: backupNames(session).role,
    ResourceType: "S3",
    Metadata: {
      DestinationBucketName: bucket,
      NewBucket: "false",
      Encrypted: "true",
      EncryptionType: "original",
      // As many as five addresses of files, as text.
      ...(file !== undefined && { ItemsToRestore: JSON.stringify([`s3://${bucket}/${file}`]) }),
    },
  };
}

/** @throws UserError if the backup is of another bucket than the environment's */
export function mediaBucketOf({ RecoveryPointArn, ResourceArn }: RecoveryPoint, env: string): string {
  const bucket = ResourceArn.split(":").at(-1) ?? "";
  if (bucket.endsWith(`-iaso-${env}-media`)) return bucket;
  throw new UserError(
    `${RecoveryPointArn} is a backup of the bucket ${bucket}, which is not the media bucket of ${env}.`,
    `npm run database -- restore-media ${env}, for the newest backup of media`,
  );
}

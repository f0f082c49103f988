import { GetBucketEncryptionCommand } from "@aws-sdk/client-s3";
import { errorName } from "../cli/awsErrors";
import { UserError } from "../cli/userError";
import { backupNames, type RecoveryPoint } from "./awsBackup";
import { type Session } from "./session";

/**
 * The input of StartRestoreJob that restores files into the media bucket, with the bucket's own encryption: AWS Backup
 * cannot restore a copy from another region with the original one. The bucket has no ACLs, and a restore with them fails.
 *
 * @param file a key, to restore this file only
 * @throws UserError if the bucket does not exist
 * @see https://docs.aws.amazon.com/aws-backup/latest/devguide/restoring-s3.html
 */
export async function mediaRestore(
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
      RestoreACLs: "false",
      ...(await encryptionOf(session, bucket)),
      // AWS's page says "a list of up to five paths", and its console takes S3 URIs. Only rehearsals restore single files.
      ...(file !== undefined && { ItemsToRestore: JSON.stringify([`s3://${bucket}/${file}`]) }),
    },
  };
}

/** The encryption of new files in a bucket, as metadata of a restore. */
async function encryptionOf({ clients, env }: Session, bucket: string): Promise<Record<string, string>> {
  try {
    const { ServerSideEncryptionConfiguration: configuration } = await clients.s3.send(
      new GetBucketEncryptionCommand({ Bucket: bucket }),
    );
    const { KMSMasterKeyID: key } = configuration?.Rules?.[0]?.ApplyServerSideEncryptionByDefault ?? {};
    return key === undefined ? { EncryptionType: "SSE-S3" } : { EncryptionType: "SSE-KMS", KMSKey: key };
  } catch (error) {
    if (errorName(error) !== "NoSuchBucket") throw error;
    throw new UserError(
      `The media bucket ${bucket} does not exist.`,
      `Create it again, then repeat this command: pulumi refresh --stack ${env} && pulumi up --stack ${env}`,
      { cause: error },
    );
  }
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

import { createReadStream } from "node:fs";
import { HeadObjectCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import { describeError, httpStatus, isRefusal } from "../../cli/awsErrors";
import { type Session } from "../session";
import { UserError } from "../../cli/userError";
import { backoff } from "../../coordination/clients";

const ATTEMPTS = 4;

/**
 * Uploads a file to the artifacts bucket, unless the key has the same bytes already. S3 refuses bytes that differ from
 * the digest.
 *
 * @throws UserError if the key has other bytes
 */
export async function uploadObject(
  session: Session,
  key: string,
  file: { path: string; sha256: string; bytes: number },
  contentType: string,
): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await session.clients.s3.send(
        new PutObjectCommand({
          Bucket: session.target.artifactsBucket,
          Key: key,
          // A stream keeps memory flat. The SDK cannot retry a stream, so this loop does.
          Body: createReadStream(file.path),
          ContentLength: file.bytes,
          ContentType: contentType,
          ChecksumSHA256: base64(file.sha256),
          IfNoneMatch: "*",
        }),
      );
      return;
    } catch (error) {
      if (httpStatus(error) === 412) {
        await requireSameBytes(session, key, file.sha256);
        return;
      }
      if (attempt === ATTEMPTS || (isRefusal(error) && httpStatus(error) !== 409)) throw error;
      session.progress.warn(`Retrying the upload: ${describeError(error)}`);
      await session.clock.sleep(backoff(attempt));
    }
  }
}

/**
 * Checks the bytes of an object that exists by the checksum that S3 computed. The key contains only a part of the
 * digest, so somebody could have put other bytes there before.
 *
 * @throws UserError if the object has other bytes
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html
 */
export async function requireSameBytes(
  { clients, target }: Session,
  key: string,
  sha256: string,
): Promise<void> {
  const { ChecksumSHA256, VersionId } = await clients.s3.send(
    new HeadObjectCommand({ Bucket: target.artifactsBucket, Key: key, ChecksumMode: "ENABLED" }),
  );
  if (ChecksumSHA256 === base64(sha256)) return;
  throw new UserError(
    `The object ${key} of ${target.artifactsBucket} has other bytes than the build (version ${VersionId ?? "unknown"}).`,
    `Find out who wrote it (CloudTrail), delete it, and deploy again: aws s3 rm s3://${target.artifactsBucket}/${key}`,
  );
}

const base64 = (sha256: string): string => Buffer.from(sha256, "hex").toString("base64");

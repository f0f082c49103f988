import { createReadStream } from "node:fs";
import { PutObjectCommand } from "@aws-sdk/client-s3";
import { describeError, httpStatus, isRefusal } from "../../cli/awsErrors";
import { type Session } from "../session";
import { backoff } from "./clients";

const ATTEMPTS = 4;

/**
 * Uploads a file to the artifacts bucket, unless the key exists. S3 refuses bytes that differ from the digest.
 *
 * @param key A key that contains the digest, so that an object that exists has the same bytes.
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
          ChecksumSHA256: Buffer.from(file.sha256, "hex").toString("base64"),
          IfNoneMatch: "*",
        }),
      );
      return;
    } catch (error) {
      if (httpStatus(error) === 412) return;
      if (attempt === ATTEMPTS || (isRefusal(error) && httpStatus(error) !== 409)) throw error;
      session.progress.warn(`Retrying the upload: ${describeError(error)}`);
      await session.clock.sleep(backoff(attempt));
    }
  }
}

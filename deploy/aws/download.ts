import { type Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { GetObjectCommand } from "@aws-sdk/client-s3";
import { describeError, isRefusal } from "../../cli/awsErrors";
import { type Session } from "../session";
import { writeStream } from "../source/files";
import { backoff } from "../../coordination/clients";

const ATTEMPTS = 4;
/** Milliseconds for one object. Without a limit, a connection that breaks silently would block the download forever. */
const LONGEST = 10 * 60_000;

export interface ObjectAddress {
  bucket: string;
  key: string;
  /** S3's version of the object; the current one by default. */
  versionId?: string;
}

/**
 * Downloads an object into a file, and again if the connection breaks. An object that is stored compressed is
 * decompressed.
 *
 * @returns the SHA-256 (hexadecimal) and the size of the file
 */
export function downloadObject(
  session: Session,
  { bucket, key, versionId }: ObjectAddress,
  path: string,
): Promise<Downloaded> {
  const request = { Bucket: bucket, Key: key, VersionId: versionId };
  return download(
    session,
    async () => {
      const { Body, ContentEncoding } = await session.clients.s3.send(new GetObjectCommand(request));
      return { body: Body as Readable, encoding: ContentEncoding };
    },
    path,
  );
}

/** A file that was downloaded: its SHA-256 (hexadecimal) and its size. */
export interface Downloaded {
  sha256: string;
  bytes: number;
}

/**
 * Writes what a request answers with to a file, and requests it again if the connection breaks.
 *
 * @returns the SHA-256 (hexadecimal) and the size of the file
 */
export async function download(
  session: Session,
  request: () => Promise<{ body: Readable; encoding?: string }>,
  path: string,
): Promise<Downloaded> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      const { body, encoding } = await request();
      const decode = encoding === "gzip" ? createGunzip() : undefined;
      return await writeStream(body, path, { decode, signal: AbortSignal.timeout(LONGEST) });
    } catch (error) {
      if (attempt === ATTEMPTS || isRefusal(error)) throw error;
      session.progress.warn(`Retrying the download: ${describeError(error)}`);
      await session.clock.sleep(backoff(attempt));
    }
  }
}

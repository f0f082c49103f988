import { randomUUID } from "node:crypto";
import { GetObjectCommand, PutObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import { errorName, httpStatus } from "../../cli/awsErrors";

/** Somebody else wrote the object since it was read. */
export class Conflict extends Error {
  override readonly name = "Conflict";
}

/** An object as it was read or written; `etag` is what the next write has to find. */
export interface Stored {
  body: Record<string, unknown>;
  etag: string;
}

/** Attempts of a write that meets another one. */
const ATTEMPTS = 4;

/**
 * JSON objects in S3 that are only written over what was read before.
 *
 * Each body carries a mark of its writer. A repeated request whose first answer was lost finds the object already
 * changed and is refused; the mark tells that the change was our own.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
 */
export class ConditionalObjects {
  private readonly writer = randomUUID();

  constructor(
    private readonly s3: S3Client,
    private readonly bucket: string,
  ) {}

  /** The object; undefined where there is none. */
  async read(key: string): Promise<Stored | undefined> {
    try {
      const { Body, ETag } = await this.s3.send(new GetObjectCommand({ Bucket: this.bucket, Key: key }));
      const text = (await Body?.transformToString()) ?? "";
      return { body: parse(text, `s3://${this.bucket}/${key}`), etag: ETag ?? "" };
    } catch (error) {
      if (errorName(error) === "NoSuchKey" || httpStatus(error) === 404) return undefined;
      throw error;
    }
  }

  /**
   * Writes the object if it still is as `expected` (an ETag), or if there is none where `expected` is undefined.
   * @returns the ETag of what was written.
   * @throws Conflict where somebody else wrote it.
   */
  async write(key: string, body: object, expected: string | undefined): Promise<string> {
    let etag = expected;
    for (let attempt = 1; ; attempt += 1) {
      try {
        const { ETag } = await this.s3.send(
          new PutObjectCommand({
            Bucket: this.bucket,
            Key: key,
            Body: JSON.stringify({ ...body, write: this.writer }),
            ContentType: "application/json",
            ...(etag === undefined ? { IfNoneMatch: "*" } : { IfMatch: etag }),
          }),
        );
        return ETag ?? "";
      } catch (error) {
        const status = httpStatus(error);
        if (status === 409 && attempt < ATTEMPTS) continue;
        if (status !== 412 && status !== 409 && status !== 404) throw error;
        const now = await this.read(key);
        // An earlier request of this run has taken effect, though its answer was lost: write over that.
        if (now !== undefined && now.body["write"] === this.writer && attempt < ATTEMPTS) {
          etag = now.etag;
          continue;
        }
        throw new Conflict(`s3://${this.bucket}/${key} was written by another run`, { cause: error });
      }
    }
  }
}

function parse(text: string, where: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null) return value as Record<string, unknown>;
  } catch {
    // The message below says the same of every unreadable body.
  }
  throw new Error(`${where} is not a JSON object; look at its older versions in the bucket`);
}

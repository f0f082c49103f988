import { randomUUID } from "node:crypto";
import { GetObjectCommand, PutObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import { errorName, httpStatus } from "../cli/awsErrors";

/** Thrown when another run wrote the object after this run read it. */
export class Conflict extends Error {
  override readonly name = "Conflict";
}

/** An object in S3, with the ETag that the next write has to match. */
export interface Stored {
  body: Record<string, unknown>;
  etag: string;
}

/** Attempts of a write that conflicts with another one. */
const ATTEMPTS = 4;

/**
 * JSON objects in S3 with optimistic locking: a write succeeds only if the object is unchanged since it was read.
 *
 * Each body carries the id of its writer. If the answer to a write is lost, the SDK's retry finds the object changed
 * and is refused; the id tells that the change was this run's own.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
 */
export class ConditionalObjects {
  private readonly writer = randomUUID();

  constructor(
    private readonly s3: S3Client,
    private readonly bucket: string,
  ) {}

  /** Reads an object. Returns undefined if it does not exist. */
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
   * Writes an object.
   *
   * @param expected the ETag that the object must have; undefined if it must not exist
   * @returns the new ETag
   * @throws Conflict if another run wrote the object
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
        // An earlier request of this run has taken effect and its answer was lost: overwrite it.
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
    // The error below covers every unreadable body.
  }
  throw new Error(`${where} is not a JSON object; restore an older version of it in the bucket`);
}

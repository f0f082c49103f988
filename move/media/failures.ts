import { HeadObjectCommand } from "@aws-sdk/client-s3";
import { describeError, errorName, httpStatus } from "../../cli/awsErrors";
import type { Buckets } from "./copyObject";
import { CopyDiffers } from "./copyObject";
import { SHOWN_KEYS } from "./judge";

/** Why objects cannot be copied, and what fixes it. */
export interface Cause {
  what: string;
  fix: string;
}

/** Objects that one cause keeps from being copied. */
export interface Failure extends Cause {
  objects: number;
  /** The first keys. */
  keys: string[];
}

/** The statement of the policy of the existing bucket that lets the principal copy from it. */
export function sourceStatement(bucket: string, principal: string): string {
  return JSON.stringify({
    Sid: "CopyToTheNewIaso",
    Effect: "Allow",
    Principal: { AWS: principal },
    Action: ["s3:GetObject", "s3:GetObjectTagging", "s3:ListBucket"],
    Resource: [`arn:aws:s3:::${bucket}`, `arn:aws:s3:::${bucket}/*`],
  });
}

/** True if an object was changed or deleted since it was listed: the next comparison finds it again. */
export function hasChanged(error: unknown): boolean {
  const status = httpStatus(error);
  // S3 answers 409 if two writes of the same key meet.
  return status === 412 || status === 409 || (status === 404 && errorName(error) !== "NoSuchBucket");
}

/**
 * The cause of a copy that S3 refused.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html#ErrorCodeList
 */
export async function causeOf(
  error: unknown,
  key: string,
  buckets: Buckets,
  principal: string,
): Promise<Cause> {
  const { source, target } = buckets;
  const text = describeError(error);
  if (error instanceof CopyDiffers) {
    return {
      what: `S3's copy is not the object: ${text}`,
      fix: `Delete the copies, then run the command again: aws s3api delete-object --bucket ${target.bucket} --key KEY`,
    };
  }
  if (errorName(error) === "InvalidObjectState") {
    return {
      what: "They are archived in Glacier",
      fix: `Restore them, wait until S3 has, and run the command again: aws s3api restore-object --bucket ${source.bucket} --key KEY --restore-request Days=7`,
    };
  }
  if (errorName(error) === "InvalidRequest" && /server side encryption/i.test(text)) {
    return {
      what: "They are encrypted with a key that only a customer has (SSE-C)",
      fix: `Copy them with that key: aws s3api copy-object --bucket ${target.bucket} --key KEY --copy-source ${source.bucket}/KEY --copy-source-sse-customer-algorithm AES256 --copy-source-sse-customer-key BASE64KEY`,
    };
  }
  if (httpStatus(error) !== 403) {
    return { what: text, fix: "Fix what the message names, then run the command again" };
  }
  if (/kms:/.test(text)) {
    return {
      what: `KMS refuses the key of an object: ${text}`,
      fix: `Allow ${principal} kms:Decrypt on the key of the existing objects, and kms:GenerateDataKey on that of the new bucket`,
    };
  }
  return (await isReadable(buckets, key))
    ? {
        what: `The new bucket ${target.bucket} refuses to write, or tags cannot be copied`,
        fix: `Run pulumi up, which lets mediaCopyPrincipal in. ${principal} needs s3:PutObject and s3:PutObjectTagging on arn:aws:s3:::${target.bucket}/*, and s3:GetObjectTagging on the existing objects`,
      }
    : {
        what: `The existing bucket ${source.bucket} refuses to read`,
        fix: `Add this statement to its bucket policy, or its actions to the policies of ${principal}: ${sourceStatement(source.bucket, principal)}. Objects that a third account owns need its consent`,
      };
}

async function isReadable({ source }: Buckets, key: string): Promise<boolean> {
  try {
    await source.s3.send(
      new HeadObjectCommand({ Bucket: source.bucket, Key: key, ExpectedBucketOwner: source.owner }),
    );
    return true;
  } catch (error) {
    return httpStatus(error) !== 403;
  }
}

/** The failures of a run, by their cause. */
export class Failures {
  private readonly byCause = new Map<string, Failure>();
  objects = 0;

  add({ fix, what }: Cause, key: string): void {
    const failure = this.byCause.get(what) ?? { what, fix, objects: 0, keys: [] };
    this.byCause.set(what, failure);
    failure.objects += 1;
    this.objects += 1;
    if (failure.keys.length < SHOWN_KEYS) failure.keys.push(key);
  }

  get all(): Failure[] {
    return [...this.byCause.values()];
  }
}

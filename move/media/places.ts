import { HeadBucketCommand, S3Client, type S3ClientConfig } from "@aws-sdk/client-s3";
import { NodeHttpHandler } from "@smithy/node-http-handler";
import { httpStatus } from "../../cli/awsErrors";
import { exponentialBackoff } from "../../cli/backoff";
import { usesPathStyle } from "../../cli/s3PathStyle";
import { UserError } from "../../cli/userError";
import type { Place } from "./listing";

/** Attempts of one call: S3 throttles a bucket for minutes until it has split a prefix. */
const ATTEMPTS = 12;
/** Milliseconds. */
const LONGEST_DELAY = 20_000;
/** Milliseconds until an answer begins. S3 answers a copy of 5 GB before it ends. */
const REQUEST_TIMEOUT = 300_000;
const CONNECTIONS = 80;

type RetryStrategy = Extract<
  NonNullable<S3ClientConfig["retryStrategy"]>,
  { acquireInitialRetryToken: unknown }
>;

/**
 * Retries each call by itself. The SDK's strategies share a budget of retries among all calls of a client: many copies at a
 * time use it up while S3 throttles them, and fail.
 *
 * @param delay Milliseconds before the given attempt.
 */
function retryEach(delay: (attempt: number) => number): RetryStrategy {
  const token = (count: number, wait: number) => ({
    getRetryCount: () => count,
    getRetryDelay: () => wait,
  });
  return {
    acquireInitialRetryToken: () => Promise.resolve(token(0, 0)),
    refreshRetryTokenForRetry: (before, { errorType }) => {
      const count = before.getRetryCount() + 1;
      return (errorType === "THROTTLING" || errorType === "TRANSIENT") && count < ATTEMPTS
        ? Promise.resolve(token(count, delay(count)))
        : Promise.reject(new Error("No further attempt"));
    },
    recordSuccess: () => undefined,
  };
}

/** A client for many copies at a time. */
export function createS3(region: string, delay = exponentialBackoff(LONGEST_DELAY)): S3Client {
  return new S3Client({
    region,
    forcePathStyle: usesPathStyle(),
    followRegionRedirects: true,
    retryStrategy: retryEach(delay),
    requestHandler: new NodeHttpHandler({
      requestTimeout: REQUEST_TIMEOUT,
      throwOnRequestTimeout: true,
      connectionTimeout: 5_000,
      httpsAgent: { maxSockets: CONNECTIONS },
      httpAgent: { maxSockets: CONNECTIONS },
    }),
  });
}

/**
 * Finds a bucket and its region.
 *
 * @param place Its region is that of the stack, in which the search begins.
 * @param fixes The fixes if it does not exist, and if S3 refuses it.
 * @throws UserError if it is missing, of another account or refused
 */
export async function findPlace(
  { bucket, owner, region }: Omit<Place, "s3">,
  fixes: { missing: string; refused: string },
): Promise<Place> {
  try {
    const { BucketRegion = region } = await createS3(region).send(
      new HeadBucketCommand({ Bucket: bucket, ExpectedBucketOwner: owner }),
    );
    return { bucket, owner, region: BucketRegion, s3: createS3(BucketRegion) };
  } catch (error) {
    if (httpStatus(error) === 404) throw new UserError(`There is no bucket ${bucket}.`, fixes.missing);
    if (httpStatus(error) !== 403) throw error;
    throw new UserError(
      `S3 refuses the bucket ${bucket} in the account ${owner}: it is another account's, or you have no right to list it.`,
      fixes.refused,
      { cause: error },
    );
  }
}

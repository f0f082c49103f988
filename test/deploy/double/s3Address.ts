import { AwsFault, type DoubleRequest } from "./protocol";

/**
 * Returns the path of a request to S3 with its bucket in it, also if the bucket is in the host name.
 *
 * @throws AwsFault at S3's global host name: until AWS's DNS knows a new bucket there, S3 redirects to the regional
 *   name, where the request's signature does not hold
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/Redirects.html
 */
export function pathWithBucket({ headers, path }: DoubleRequest): string {
  const [, bucket, region] =
    /^(?:(.+)\.)?s3(?:\.([a-z0-9-]+))?\.amazonaws\.com$/.exec(headers["host"] ?? "") ?? [];
  const isAmazon = bucket !== undefined || region !== undefined;
  if (isAmazon && region === undefined) {
    throw new AwsFault(
      "TemporaryRedirect",
      "Please re-send this request to the specified temporary endpoint. Continue to use the original request endpoint for future requests.",
      307,
    );
  }
  return bucket === undefined ? path : `/${bucket}${path}`;
}

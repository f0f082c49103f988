/** True if S3 is another server, which may lack DNS names for buckets: URLs then contain the bucket. */
export const usesPathStyle = (): boolean =>
  (process.env["AWS_ENDPOINT_URL_S3"] ?? process.env["AWS_ENDPOINT_URL"]) !== undefined;

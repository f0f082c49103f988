import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { BucketClass, Naming } from "./naming";
import { policyDocument, PolicyStatement } from "../iam/policyDocument";

export interface BucketArgs {
  naming: Naming;
  bucketClass: BucketClass;
  /** Statements of the bucket policy next to the one that refuses plain HTTP. */
  statements: PolicyStatement[];
  /** True lets the bucket policy grant access to everyone; ACLs stay off in any case. */
  publicPolicy?: boolean;
  lifecycleRules: aws.types.input.s3.BucketLifecycleConfigurationRule[];
  /** True keeps the bucket and what is in it when it leaves the program, and refuses its deletion. */
  keep?: boolean;
}

/** Rule of every bucket: parts of uploads that were never finished cost money and are of no use. */
const abortIncompleteUploads: aws.types.input.s3.BucketLifecycleConfigurationRule = {
  id: "abort-incomplete-uploads",
  status: "Enabled",
  filter: { prefix: "" },
  abortIncompleteMultipartUpload: { daysAfterInitiation: 7 },
};

/** Rule that keeps what was overwritten or deleted for some days, and what is current for ever. */
export function expireOldVersions(days: number): aws.types.input.s3.BucketLifecycleConfigurationRule {
  return {
    id: "expire-old-versions",
    status: "Enabled",
    filter: { prefix: "" },
    noncurrentVersionExpiration: { noncurrentDays: days },
    expiration: { expiredObjectDeleteMarker: true },
  };
}

/** A bucket and what others may have to wait for. */
export interface GuardedBucket {
  bucket: aws.s3.Bucket;
  policy: aws.s3.BucketPolicy;
}

/**
 * A bucket with what all of ours have in common: ACLs off, public access blocked, encryption, versioning,
 * lifecycle, and plain HTTP refused.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/security-best-practices.html
 */
export function createBucket(parent: pulumi.Resource, name: string, args: BucketArgs): GuardedBucket {
  const { naming, bucketClass, publicPolicy = false, keep = false } = args;
  const bucket = new aws.s3.Bucket(
    name,
    { bucket: naming.bucket(bucketClass), tags: naming.tags({ class: bucketClass }) },
    { parent, protect: keep, retainOnDelete: keep },
  );
  // What guards or fills a kept bucket is kept with it: a bucket left behind without its policy would be worse.
  const opts: pulumi.CustomResourceOptions = { parent: bucket, retainOnDelete: keep };
  new aws.s3.BucketOwnershipControls(
    name,
    { bucket: bucket.bucket, rule: { objectOwnership: "BucketOwnerEnforced" } },
    opts,
  );
  const publicAccess = new aws.s3.BucketPublicAccessBlock(
    name,
    {
      bucket: bucket.bucket,
      blockPublicAcls: true,
      ignorePublicAcls: true,
      blockPublicPolicy: !publicPolicy,
      restrictPublicBuckets: !publicPolicy,
    },
    opts,
  );
  new aws.s3.BucketServerSideEncryptionConfiguration(
    name,
    {
      bucket: bucket.bucket,
      rules: [{ applyServerSideEncryptionByDefault: { sseAlgorithm: "AES256" } }],
    },
    opts,
  );
  const versioning = new aws.s3.BucketVersioning(
    name,
    { bucket: bucket.bucket, versioningConfiguration: { status: "Enabled" } },
    opts,
  );
  new aws.s3.BucketLifecycleConfiguration(
    name,
    { bucket: bucket.bucket, rules: [...args.lifecycleRules, abortIncompleteUploads] },
    // S3 takes rules for old versions on an unversioned bucket too, but would not apply them for a while.
    { ...opts, dependsOn: [versioning] },
  );
  const policy = new aws.s3.BucketPolicy(
    name,
    {
      bucket: bucket.bucket,
      policy: policyDocument([...args.statements, denyPlainHttp(naming.bucketArn(bucketClass))]),
    },
    // While public policies are still blocked, as on every new bucket, S3 refuses a public one.
    { ...opts, dependsOn: [publicAccess] },
  );
  return { bucket, policy };
}

function denyPlainHttp(bucketArn: string): PolicyStatement {
  return {
    Sid: "DenyPlainHttp",
    Effect: "Deny",
    Principal: "*",
    Action: "s3:*",
    Resource: [bucketArn, `${bucketArn}/*`],
    Condition: { Bool: { "aws:SecureTransport": "false" } },
  };
}

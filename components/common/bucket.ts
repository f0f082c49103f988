import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { BucketClass, Naming } from "./naming";
import { policyDocument, PolicyStatement } from "../iam/policyDocument";
import { retryPublicPolicy } from "./retryPublicPolicy";

export interface BucketArgs {
  naming: Naming;
  /** Class of the bucket. Its name and its tag `class` follow from it. **Changing it replaces the bucket.** */
  bucketClass: BucketClass;
  /** Statements of the bucket policy beside the one that denies plain HTTP. */
  statements: PolicyStatement[];
  /**
   * Lets the bucket policy grant access to everyone. ACLs stay off.
   *
   * @default false
   */
  publicPolicy?: boolean;
  /** Lifecycle rules beside the one that deletes incomplete uploads. */
  lifecycleRules: aws.types.input.s3.BucketLifecycleConfigurationRule[];
  /**
   * ARN of the KMS key that encrypts new objects.
   *
   * @default S3's own keys (AES256).
   */
  encryptionKeyArn?: pulumi.Input<string>;
  /**
   * Protects the bucket from deletion, and keeps it and its objects in AWS when it leaves the program.
   *
   * @default false
   */
  keep?: boolean;
}

/** Lifecycle rule of every bucket. Parts of incomplete uploads cost money and are invisible. */
const abortIncompleteUploads: aws.types.input.s3.BucketLifecycleConfigurationRule = {
  id: "abort-incomplete-uploads",
  status: "Enabled",
  filter: { prefix: "" },
  abortIncompleteMultipartUpload: { daysAfterInitiation: 7 },
};

/** Returns a lifecycle rule that deletes overwritten and deleted objects after some days, and never a current one. */
export function expireOldVersions(days: number): aws.types.input.s3.BucketLifecycleConfigurationRule {
  return {
    id: "expire-old-versions",
    status: "Enabled",
    filter: { prefix: "" },
    noncurrentVersionExpiration: { noncurrentDays: days },
    expiration: { expiredObjectDeleteMarker: true },
  };
}

/** A bucket, and the parts of it that other resources need. */
export interface BucketWithParts {
  bucket: aws.s3.Bucket;
  policy: aws.s3.BucketPolicy;
  versioning: aws.s3.BucketVersioning;
}

/**
 * Creates a bucket as all of the platform are: without ACLs and public access, encrypted, versioned, with lifecycle
 * rules, and over HTTPS only.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/security-best-practices.html
 */
export function createBucket(parent: pulumi.Resource, name: string, args: BucketArgs): BucketWithParts {
  const { naming, bucketClass, publicPolicy = false, keep = false, encryptionKeyArn } = args;
  const bucket = new aws.s3.Bucket(
    name,
    { bucket: naming.bucket(bucketClass), tags: naming.tags({ class: bucketClass }) },
    { parent, protect: keep, retainOnDelete: keep },
  );
  // The configuration of a kept bucket is kept too: without its policy, the bucket would lose its protection.
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
      rules: [
        {
          applyServerSideEncryptionByDefault:
            encryptionKeyArn === undefined
              ? { sseAlgorithm: "AES256" }
              : { sseAlgorithm: "aws:kms", kmsMasterKeyId: encryptionKeyArn },
          // S3 asks KMS for a key of the bucket, not for one of each object: https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-key.html
          ...(encryptionKeyArn !== undefined && { bucketKeyEnabled: true }),
          // Whoever may write objects could encrypt them with a key of their own, and demand a ransom.
          blockedEncryptionTypes: ["SSE-C"],
        },
      ],
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
    // On an unversioned bucket, S3 accepts rules for old versions but applies them late.
    { ...opts, dependsOn: [versioning] },
  );
  const policy = new aws.s3.BucketPolicy(
    name,
    {
      bucket: bucket.bucket,
      policy: policyDocument([...args.statements, denyPlainHttp(naming.bucketArn(bucketClass))]),
    },
    // S3 refuses a public policy while it blocks public policies, as on every new bucket.
    {
      ...opts,
      dependsOn: [publicAccess],
      ...(publicPolicy && { hooks: { onError: [retryPublicPolicy(naming.bucket(bucketClass))] } }),
    },
  );
  return { bucket, policy, versioning };
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

import { readFileSync } from "node:fs";
import { join } from "node:path";

/** The IAM actions that an operation on a resource needs. */
export type HandlerPermissions = Readonly<Record<string, readonly string[]>>;

/** The resource types with a CloudFormation schema; the file names its source and date. */
const { types } = JSON.parse(readFileSync(join(__dirname, "handler-permissions.json"), "utf8")) as {
  types: Record<string, HandlerPermissions>;
};

const BUCKET = types["aws:s3/bucket:Bucket"] ?? {};
const REPOSITORY = types["aws:ecr/repository:Repository"] ?? {};

/**
 * The IAM actions that creating, reading, updating and deleting a resource of each type needs, also those for features
 * that the program does not use. CloudFormation has some of Pulumi's types as properties of others.
 *
 * @see https://docs.aws.amazon.com/cloudformation-cli/latest/userguide/resource-type-schema.html#schema-properties-handlers
 */
export const HANDLER_PERMISSIONS: Readonly<Record<string, HandlerPermissions>> = {
  ...types,
  // A property of AWS::Backup::BackupVault.
  "aws:backup/vaultLockConfiguration:VaultLockConfiguration": types["aws:backup/vault:Vault"] ?? {},
  "aws:acm/certificateValidation:CertificateValidation": { read: ["acm:DescribeCertificate"] },
  // A property of AWS::ECR::Repository.
  "aws:ecr/lifecyclePolicy:LifecyclePolicy": REPOSITORY,
  // A property of AWS::IAM::Role.
  "aws:iam/rolePolicyAttachment:RolePolicyAttachment": {
    create: ["iam:AttachRolePolicy"],
    read: ["iam:ListAttachedRolePolicies"],
    delete: ["iam:DetachRolePolicy"],
  },
  // Properties of AWS::S3::Bucket.
  "aws:s3/bucketCorsConfiguration:BucketCorsConfiguration": BUCKET,
  "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": BUCKET,
  "aws:s3/bucketLogging:BucketLogging": BUCKET,
  "aws:s3/bucketOwnershipControls:BucketOwnershipControls": BUCKET,
  "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": BUCKET,
  "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": BUCKET,
  "aws:s3/bucketVersioning:BucketVersioning": BUCKET,
  // CloudFormation has no objects: https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html
  "aws:s3/bucketObjectv2:BucketObjectv2": {
    create: ["s3:PutObject", "s3:PutObjectTagging"],
    read: ["s3:GetObject", "s3:GetObjectTagging"],
    update: ["s3:DeleteObjectTagging", "s3:PutObject", "s3:PutObjectTagging"],
    delete: ["s3:DeleteObject", "s3:DeleteObjectVersion", "s3:ListBucketVersions"],
  },
};

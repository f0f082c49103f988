import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { createBucket, expireOldVersions } from "./common/bucket";
import { MEDIA_LOGS_PREFIX, Naming } from "./common/naming";
import { PolicyStatement } from "./iam/policyDocument";
import { EncryptionKey } from "./encryptionKey";
import { LogsBucket } from "./logsBucket";

export interface MediaBucketArgs {
  naming: Naming;
  /**
   * Origins of Iaso's pages, which load media from the bucket.
   *
   * @example ["https://iaso.example.org"]
   */
  webOrigins: string[];
  /** Days for which overwritten and deleted media can be restored. */
  oldVersionDays: number;
  /** True if all instances reach S3 through an endpoint of their VPC. They then write and list media only through it. */
  throughVpcEndpoint: boolean;
  /** Lets AWS Backup read the objects, and restore them. */
  backedUp: boolean;
  /**
   * ARN of the IAM role or user that copies the media of an existing Iaso into the bucket. Remove it after the move.
   *
   * @default Nobody beside Iaso and AWS Backup reaches the objects.
   */
  copyPrincipal?: string;
  /**
   * The bucket to which S3 delivers the access logs: who read which object. S3 delivers most records within hours, and
   * does not promise to deliver each.
   *
   * @default No access logs.
   */
  accessLogs?: LogsBucket;
  /**
   * Encrypts new media.
   *
   * @default S3's own keys.
   */
  encryptionKey?: EncryptionKey;
}

/** Longest time for which a signed URL works. A URL can ask for less; Iaso asks for an hour, which has no effect. */
const MAXIMUM_SIGNATURE_AGE_MS = 15 * 60 * 1000;

/**
 * Patients' media. Only URLs that Iaso's roles signed at most 15 minutes ago give access; AWS Backup reads it with a role
 * of its own, and `copyPrincipal` copies media in.
 *
 * With an endpoint of S3 in the VPC, credentials that were copied from an instance write and list nothing elsewhere.
 * They still read: browsers use URLs that the instances sign.
 *
 * The bucket policy enforces this with explicit denies, which also bind the administrators of the account. Pulumi
 * keeps the bucket when it leaves the program.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/bucket-policy-s3-sigv4-conditions.html
 */
export class MediaBucket extends pulumi.ComponentResource {
  /** Name of the bucket. */
  readonly bucketName: pulumi.Output<string>;
  /** Resources that AWS Backup needs: it backs up only buckets with versions, and the policy lets it in. */
  readonly backupRequirements: pulumi.Resource[];

  constructor(name: string, args: MediaBucketArgs, opts?: pulumi.ComponentResourceOptions) {
    super("iaso:index:MediaBucket", name, {}, opts);
    const { naming, webOrigins, oldVersionDays, throughVpcEndpoint, backedUp, accessLogs, encryptionKey } =
      args;
    const others = [
      ...(backedUp ? [naming.roleArn(naming.backupRole)] : []),
      ...(args.copyPrincipal === undefined ? [] : [args.copyPrincipal]),
    ];

    const { bucket, policy, versioning } = createBucket(this, name, {
      naming,
      bucketClass: "media",
      statements: [
        ...accessStatements(naming, others),
        ...(throughVpcEndpoint ? writeStatements(naming) : []),
      ],
      lifecycleRules: [expireOldVersions(oldVersionDays)],
      encryptionKeyArn: encryptionKey?.arn,
      keep: true,
    });
    new aws.s3.BucketCorsConfiguration(
      name,
      {
        bucket: bucket.bucket,
        corsRules: [
          {
            allowedMethods: ["GET", "HEAD"],
            allowedOrigins: webOrigins,
            allowedHeaders: ["*"],
            maxAgeSeconds: 3600,
          },
        ],
      },
      { parent: bucket, retainOnDelete: true },
    );
    if (accessLogs !== undefined) {
      new aws.s3.BucketLogging(
        name,
        {
          bucket: bucket.bucket,
          targetBucket: accessLogs.bucketName,
          targetPrefix: MEDIA_LOGS_PREFIX,
          // Folders by day, so that an investigation reads only the days that it is about.
          targetObjectKeyFormat: { partitionedPrefix: { partitionDateSource: "EventTime" } },
        },
        // S3 drops logs that it may not write. Unlike the bucket, this goes with the bucket for logs.
        { parent: bucket, protect: false, retainOnDelete: false, dependsOn: [accessLogs.policy] },
      );
    }

    this.bucketName = bucket.bucket;
    this.backupRequirements = [policy, versioning];
    this.registerOutputs({ bucketName: this.bucketName });
  }
}

function applicationRoles(naming: Naming): string[] {
  return [naming.instanceRole("web"), naming.instanceRole("worker")].map((role) => naming.roleArn(role));
}

/**
 * Denies every request that is not Iaso's own or does not have a recent signature.
 *
 * @param others ARNs of roles and users that reach the objects too.
 */
function accessStatements(naming: Naming, others: string[]): PolicyStatement[] {
  const objects = `${naming.bucketArn("media")}/*`;
  return [
    {
      Sid: "DenySignaturesOlderThan15Minutes",
      Effect: "Deny",
      Principal: "*",
      Action: "s3:*",
      Resource: objects,
      Condition: { NumericGreaterThan: { "s3:signatureAge": String(MAXIMUM_SIGNATURE_AGE_MS) } },
    },
    {
      // S3 checks the age of version 4 signatures only. A request without a signature has no version: denied too.
      Sid: "DenyAllButSignatureVersion4",
      Effect: "Deny",
      Principal: "*",
      Action: "s3:*",
      Resource: objects,
      Condition: { StringNotEquals: { "s3:signatureversion": "AWS4-HMAC-SHA256" } },
    },
    {
      Sid: "DenyAllButTheApplication",
      Effect: "Deny",
      Principal: "*",
      Action: "s3:*",
      Resource: objects,
      Condition: { ArnNotEquals: { "aws:PrincipalArn": [...applicationRoles(naming), ...others] } },
    },
  ];
}

/**
 * Denies writes and lists with an instance's credentials that do not come through an endpoint in the VPC of the instance.
 * Requests through a NAT gateway have no `aws:SourceVpc`, so they are denied too.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-ec2instancesourcevpc
 * @see https://aws.amazon.com/blogs/security/how-to-use-policies-to-restrict-where-ec2-instance-credentials-can-be-used-from/
 */
function writeStatements(naming: Naming): PolicyStatement[] {
  const bucket = naming.bucketArn("media");
  return [
    {
      Sid: "DenyWritesAndListsFromElsewhere",
      Effect: "Deny",
      Principal: "*",
      Action: ["s3:AbortMultipartUpload", "s3:DeleteObject", "s3:ListBucket", "s3:PutObject"],
      Resource: [bucket, `${bucket}/*`],
      Condition: {
        ArnEquals: { "aws:PrincipalArn": applicationRoles(naming) },
        StringNotEquals: { "aws:SourceVpc": "${aws:EC2InstanceSourceVPC}" },
      },
    },
  ];
}

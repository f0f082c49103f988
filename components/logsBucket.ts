import * as pulumi from "@pulumi/pulumi";
import { createBucket } from "./common/bucket";
import { MEDIA_LOGS_PREFIX, Naming } from "./common/naming";
import { PolicyStatement } from "./iam/policyDocument";

export interface LogsBucketArgs {
  naming: Naming;
  /** Days after which S3 deletes access logs. */
  retentionDays: number;
}

/**
 * The bucket for the access logs of the load balancers and of the media bucket. Load balancers cannot deliver to a bucket
 * that KMS encrypts, whatever the key, so S3 encrypts the logs with keys of its own (AES256).
 *
 * @see https://docs.aws.amazon.com/elasticloadbalancing/latest/application/enable-access-logging.html
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html
 */
export class LogsBucket extends pulumi.ComponentResource {
  /** Name of the bucket. */
  readonly bucketName: pulumi.Output<string>;
  /** The bucket policy. It must exist before a service writes logs; the bucket's name is known earlier. */
  readonly policy: pulumi.Resource;

  constructor(name: string, args: LogsBucketArgs, opts?: pulumi.ComponentResourceOptions) {
    super("iaso:index:LogsBucket", name, {}, opts);
    const { naming, retentionDays } = args;

    const { bucket, policy } = createBucket(this, name, {
      naming,
      bucketClass: "logs",
      statements: [loadBalancersStatement(naming), mediaStatement(naming)],
      lifecycleRules: [
        {
          id: "expire-logs",
          status: "Enabled",
          filter: { prefix: "" },
          expiration: { days: retentionDays },
          noncurrentVersionExpiration: { noncurrentDays: 1 },
        },
      ],
    });

    this.bucketName = bucket.bucket;
    this.policy = policy;
    this.registerOutputs({ bucketName: this.bucketName });
  }
}

/** @see https://docs.aws.amazon.com/elasticloadbalancing/latest/application/enable-access-logging.html#attach-bucket-policy */
function loadBalancersStatement(naming: Naming): PolicyStatement {
  return {
    Sid: "LoadBalancersWriteAccessLogs",
    Effect: "Allow",
    Principal: { Service: "logdelivery.elasticloadbalancing.amazonaws.com" },
    Action: "s3:PutObject",
    Resource: `${naming.bucketArn("logs")}/*`,
    Condition: {
      ArnLike: { "aws:SourceArn": naming.arn("elasticloadbalancing", "loadbalancer/*") },
    },
  };
}

/** @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html#grant-log-delivery-permissions-general */
function mediaStatement(naming: Naming): PolicyStatement {
  return {
    Sid: "MediaBucketWritesAccessLogs",
    Effect: "Allow",
    Principal: { Service: "logging.s3.amazonaws.com" },
    Action: "s3:PutObject",
    Resource: `${naming.bucketArn("logs")}/${MEDIA_LOGS_PREFIX}*`,
    Condition: {
      ArnLike: { "aws:SourceArn": naming.bucketArn("media") },
      StringEquals: { "aws:SourceAccount": naming.accountId },
    },
  };
}

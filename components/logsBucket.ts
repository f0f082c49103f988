import * as pulumi from "@pulumi/pulumi";
import { createBucket } from "./common/bucket";
import { Naming } from "./common/naming";
import { PolicyStatement } from "./iam/policyDocument";

export interface LogsBucketArgs {
  naming: Naming;
  /** Days after which S3 deletes access logs. */
  retentionDays: number;
}

/**
 * The bucket for the access logs of the load balancers.
 *
 * @see https://docs.aws.amazon.com/elasticloadbalancing/latest/application/enable-access-logging.html
 */
export class LogsBucket extends pulumi.ComponentResource {
  /** Name of the bucket. */
  readonly bucketName: pulumi.Output<string>;
  /** The bucket policy. It must exist before a load balancer writes logs; the bucket's name is known earlier. */
  readonly policy: pulumi.Resource;

  constructor(name: string, args: LogsBucketArgs, opts?: pulumi.ComponentResourceOptions) {
    super("iaso:index:LogsBucket", name, {}, opts);
    const { naming, retentionDays } = args;

    const { bucket, policy } = createBucket(this, name, {
      naming,
      bucketClass: "logs",
      statements: [logDeliveryStatement(naming)],
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
function logDeliveryStatement(naming: Naming): PolicyStatement {
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

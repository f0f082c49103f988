import * as pulumi from "@pulumi/pulumi";
import { createBucket } from "./common/bucket";
import { Naming } from "./common/naming";

export interface LogsBucketArgs {
  naming: Naming;
  /** Days for which access logs are kept. */
  retentionDays: number;
}

/**
 * Access logs of the load balancers.
 *
 * @see https://docs.aws.amazon.com/elasticloadbalancing/latest/application/enable-access-logging.html
 */
export class LogsBucket extends pulumi.ComponentResource {
  readonly bucketName: pulumi.Output<string>;
  /** What must exist before a load balancer can log into the bucket; the name is known earlier. */
  readonly policy: pulumi.Resource;

  constructor(name: string, args: LogsBucketArgs, opts?: pulumi.ComponentResourceOptions) {
    super("iaso:index:LogsBucket", name, {}, opts);
    const { naming, retentionDays } = args;

    const { bucket, policy } = createBucket(this, name, {
      naming,
      bucketClass: "logs",
      statements: [
        {
          Sid: "LoadBalancersWriteAccessLogs",
          Effect: "Allow",
          Principal: { Service: "logdelivery.elasticloadbalancing.amazonaws.com" },
          Action: "s3:PutObject",
          Resource: `${naming.bucketArn("logs")}/*`,
          Condition: {
            ArnLike: { "aws:SourceArn": naming.arn("elasticloadbalancing", "loadbalancer/*") },
          },
        },
      ],
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

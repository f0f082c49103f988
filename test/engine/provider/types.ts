/** Facts about the resource types that the engine needs and a preview does not. */

import type { Properties } from "./account";

/** Outputs that are secret whatever went in; the real provider marks them so in its schema. */
export const SECRET_PROPERTIES: Record<string, string[]> = {
  "aws:elasticache/replicationGroup:ReplicationGroup": ["authToken"],
  "aws:rds/instance:Instance": ["password"],
  "aws:ssm/parameter:Parameter": ["value"],
};

/** Secrets that AWS takes and never gives back. */
export const NEVER_READ: Record<string, string[]> = {
  "aws:elasticache/replicationGroup:ReplicationGroup": ["authToken"],
  "aws:rds/instance:Instance": ["password"],
};

/**
 * The property that the provider fills with a generated name where the program gives none.
 *
 * @see https://www.pulumi.com/docs/iac/concepts/resources/names/#autonaming
 */
export const NAME_PROPERTIES: Record<string, string> = {
  "aws:cloudwatch/logGroup:LogGroup": "name",
  "aws:cloudwatch/metricAlarm:MetricAlarm": "name",
  "aws:ec2/securityGroup:SecurityGroup": "name",
  "aws:elasticache/parameterGroup:ParameterGroup": "name",
  "aws:elasticache/replicationGroup:ReplicationGroup": "replicationGroupId",
  "aws:elasticache/subnetGroup:SubnetGroup": "name",
  "aws:elasticbeanstalk/application:Application": "name",
  "aws:elasticbeanstalk/applicationVersion:ApplicationVersion": "name",
  "aws:elasticbeanstalk/environment:Environment": "name",
  "aws:iam/instanceProfile:InstanceProfile": "name",
  "aws:iam/policy:Policy": "name",
  "aws:iam/role:Role": "name",
  "aws:iam/rolePolicy:RolePolicy": "name",
  "aws:rds/instance:Instance": "identifier",
  "aws:rds/parameterGroup:ParameterGroup": "name",
  "aws:rds/subnetGroup:SubnetGroup": "name",
  "aws:s3/bucket:Bucket": "bucket",
  "aws:s3/bucketObjectv2:BucketObjectv2": "key",
  "aws:sns/topic:Topic": "name",
  "aws:sqs/queue:Queue": "name",
  "aws:ssm/parameter:Parameter": "name",
};

/** Types whose creation is a put: what is there already is replaced, where other types refuse a second one. */
export const PUTS: ReadonlySet<string> = new Set([
  "aws:acm/certificateValidation:CertificateValidation",
  "aws:cloudwatch/metricAlarm:MetricAlarm",
  "aws:iam/rolePolicy:RolePolicy",
  "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
  "aws:s3/bucketCorsConfiguration:BucketCorsConfiguration",
  "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
  "aws:s3/bucketObjectv2:BucketObjectv2",
  "aws:s3/bucketOwnershipControls:BucketOwnershipControls",
  "aws:s3/bucketPolicy:BucketPolicy",
  "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
  "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
  "aws:s3/bucketVersioning:BucketVersioning",
  "aws:sns/topicPolicy:TopicPolicy",
  "aws:sns/topicSubscription:TopicSubscription",
  "aws:sqs/queuePolicy:QueuePolicy",
]);

/** Types whose creation gives what is there already where it is the same in everything, and is refused otherwise. */
export const IDEMPOTENT: ReadonlySet<string> = new Set(["aws:sns/topic:Topic", "aws:sqs/queue:Queue"]);

/**
 * Whether the provider leaves a change alone. Storage that RDS has let grow by itself is more than the program says.
 *
 * @see https://registry.terraform.io/providers/hashicorp/aws/latest/docs/resources/db_instance#storage-autoscaling
 */
export function isSuppressed(type: string, property: string, olds: Properties, news: Properties): boolean {
  if (type !== "aws:rds/instance:Instance" || property !== "allocatedStorage") return false;
  const [was, is, most] = [olds.allocatedStorage, news.allocatedStorage, news.maxAllocatedStorage ?? 0];
  return (is as number) < (was as number) && (is as number) < (most as number);
}

import { type BeanstalkCall } from "./beanstalkCalls";

/** The environment for which services of AWS act with roles of this program. */
export interface ServedEnvironment {
  region: string;
  accountId: string;
  env: string;
  /** Names of the Beanstalk environments. */
  environments: readonly string[];
  /** Name of the queue of background tasks. */
  queue: string;
  /** Name of the media bucket. */
  media: string;
  /** Region with the copies of backups. */
  copyRegion: string;
  /** Alias of the KMS key that encrypts media; undefined if AWS's own keys do. */
  keyAlias?: string;
}

/**
 * The calls of each service that has a role of this program, by the role's resource name.
 *
 * - Beanstalk: enhanced health. AWSElasticBeanstalkEnhancedHealth (v4, 2018-04-09) allows four actions more, for Elastic
 *   IPs of environments without a load balancer, topics of an environment, and the console's output. Managed updates
 *   are off (`ManagedActionsEnabled`), so nothing of AWSElasticBeanstalkManagedUpdatesCustomerRolePolicy is called.
 * - RDS: Enhanced Monitoring, see AmazonRDSEnhancedMonitoringRole.
 * - EC2: flow logs of the VPC. The program creates their log group.
 * - AWS Backup: daily backups of the database and of media, copies in another region, and restores of media in place, see
 *   AWSBackupServiceRolePolicyForBackup (v30), AWSBackupServiceRolePolicyForS3Backup (v5) and
 *   AWSBackupServiceRolePolicyForS3Restore (v2). ACLs are off, so nothing restores them. Encryption of objects is S3's own.
 *
 * @see https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AWSElasticBeanstalkEnhancedHealth.html
 * @see https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AmazonRDSEnhancedMonitoringRole.html
 * @see https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-iam-role.html
 */
export function callsOfServices(served: ServedEnvironment): Record<string, BeanstalkCall[]> {
  const { accountId, env, environments, queue, region } = served;
  const arn = (service: string, resource: string) => `arn:aws:${service}:${region}:${accountId}:${resource}`;
  return {
    backup: callsOfBackup(served),
    "beanstalk-service": [
      {
        actions: [
          "autoscaling:DescribeAutoScalingGroups",
          "autoscaling:DescribeAutoScalingInstances",
          "autoscaling:DescribeNotificationConfigurations",
          "autoscaling:DescribeScalingActivities",
          "ec2:DescribeInstanceStatus",
          "ec2:DescribeInstances",
          "ec2:DescribeSecurityGroups",
          "elasticloadbalancing:DescribeInstanceHealth",
          "elasticloadbalancing:DescribeLoadBalancers",
          "elasticloadbalancing:DescribeTargetHealth",
        ],
        resources: ["*"],
      },
      { actions: ["sqs:GetQueueAttributes", "sqs:GetQueueUrl"], resources: [arn("sqs", queue)] },
      {
        actions: ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"],
        resources: environments.map((environment) =>
          arn(
            "logs",
            `log-group:/aws/elasticbeanstalk/${environment}/environment-health.log:log-stream:archive-health`,
          ),
        ),
      },
    ],
    "database-monitoring": [
      {
        actions: ["logs:CreateLogGroup", "logs:PutRetentionPolicy"],
        resources: [arn("logs", "log-group:RDSOSMetrics")],
      },
      {
        actions: ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"],
        resources: [arn("logs", "log-group:RDSOSMetrics:log-stream:db-0123456789")],
      },
    ],
    "network-flow-logs": [
      {
        actions: ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"],
        resources: [arn("logs", `log-group:/iaso/${env}/vpc-flow-logs:log-stream:eni-0123456789abcdef0-all`)],
      },
      { actions: ["logs:DescribeLogGroups"], resources: [arn("logs", "log-group::log-stream:")] },
    ],
  };
}

function callsOfBackup(served: ServedEnvironment): BeanstalkCall[] {
  const { accountId, copyRegion, env, keyAlias, media, region } = served;
  const arn = (service: string, resource: string, inRegion = region) =>
    `arn:aws:${service}:${inRegion}:${accountId}:${resource}`;
  const both = (service: string, resource: string) =>
    [region, copyRegion].map((one) => arn(service, resource, one));
  const snapshots = both("rds", "snapshot:awsbackup:job-01234567-89ab-cdef-0123-456789abcdef");
  return [
    {
      actions: [
        "cloudwatch:GetMetricData",
        "events:ListRules",
        "rds:DescribeDBInstances",
        "rds:DescribeDBSnapshots",
        "rds:ListTagsForResource",
        "s3:ListAllMyBuckets",
      ],
      resources: ["*"],
    },
    { actions: ["rds:CreateDBSnapshot"], resources: [arn("rds", `db:iaso-${env}`), ...snapshots] },
    { actions: ["rds:AddTagsToResource", "rds:CopyDBSnapshot"], resources: snapshots },
    {
      actions: [
        "s3:GetBucketAcl",
        "s3:GetBucketLocation",
        "s3:GetBucketNotification",
        "s3:GetBucketOwnershipControls",
        "s3:GetBucketTagging",
        "s3:GetBucketVersioning",
        "s3:GetInventoryConfiguration",
        "s3:ListBucket",
        "s3:ListBucketVersions",
        "s3:ListTagsForResource",
        "s3:PutBucketNotification",
        "s3:PutInventoryConfiguration",
      ],
      resources: [`arn:aws:s3:::${media}`],
    },
    {
      actions: [
        "s3:DeleteObject",
        "s3:GetObject",
        "s3:GetObjectAcl",
        "s3:GetObjectTagging",
        "s3:GetObjectVersion",
        "s3:GetObjectVersionAcl",
        "s3:GetObjectVersionTagging",
        "s3:ListMultipartUploadParts",
        "s3:PutObject",
        "s3:PutObjectTagging",
      ],
      resources: [`arn:aws:s3:::${media}/forms/1.jpg`],
    },
    {
      actions: [
        "events:DeleteRule",
        "events:DescribeRule",
        "events:DisableRule",
        "events:EnableRule",
        "events:ListTargetsByRule",
        "events:PutRule",
        "events:PutTargets",
        "events:RemoveTargets",
      ],
      resources: [arn("events", "rule/AwsBackupManagedRule-01234567-89ab-cdef-0123-456789abcdef")],
    },
    {
      actions: ["backup:CopyIntoBackupVault", "backup:DescribeBackupVault"],
      resources: [
        arn("backup", `backup-vault:iaso-${env}`),
        arn("backup", `backup-vault:iaso-${env}-copy`, copyRegion),
      ],
    },
    {
      actions: ["backup:CopyFromBackupVault", "backup:TagResource"],
      resources: [...both("backup", "recovery-point:01234567-89ab-cdef-0123-456789abcdef"), ...snapshots],
    },
    { actions: ["kms:DescribeKey"], resources: both("kms", "key/01234567-89ab-cdef-0123-456789abcdef") },
    {
      actions: ["kms:CreateGrant"],
      resources: both("kms", "key/01234567-89ab-cdef-0123-456789abcdef"),
      context: { "kms:GrantIsForAWSResource": "true" },
    },
    ...(keyAlias === undefined
      ? []
      : [
          {
            actions: ["kms:Decrypt", "kms:GenerateDataKey"],
            resources: [arn("kms", "key/01234567-89ab-cdef-0123-456789abcdef")],
            context: { "kms:ViaService": `s3.${region}.amazonaws.com`, "kms:ResourceAliases": keyAlias },
          },
        ]),
  ];
}

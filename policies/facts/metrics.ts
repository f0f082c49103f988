/** A metric that an alarm can watch. */
export interface Metric {
  /** The direction in which it gets worse; `both` for a metric that only counts. */
  worse: "up" | "down" | "both";
  /** The dimension that names the resource. */
  dimension: string;
  /** The type of the resource. */
  of: string;
  /** The greatest value; absent if it has none. */
  max?: number;
}

const up = (of: string, dimension: string, max?: number): Metric => ({ worse: "up", of, dimension, max });
const down = (of: string, dimension: string, max?: number): Metric => ({ worse: "down", of, dimension, max });
const count = (of: string, dimension: string): Metric => ({ worse: "both", of, dimension });

const QUEUE = ["aws:sqs/queue:Queue", "QueueName"] as const;
const DATABASE = ["aws:rds/instance:Instance", "DBInstanceIdentifier"] as const;
const ENVIRONMENT = ["aws:elasticbeanstalk/environment:Environment", "EnvironmentName"] as const;
const BALANCER = ["aws:elasticbeanstalk/environment:Environment", "LoadBalancer"] as const;
const REDIS = ["aws:elasticache/replicationGroup:ReplicationGroup", "ReplicationGroupId"] as const;
const NODE = ["aws:elasticache/replicationGroup:ReplicationGroup", "CacheClusterId"] as const;
const VAULT = ["aws:backup/vault:Vault", "BackupVaultName"] as const;
const NAT = ["aws:ec2/natGateway:NatGateway", "NatGatewayId"] as const;
const DISTRIBUTION = ["aws:cloudfront/distribution:Distribution", "DistributionId"] as const;

/**
 * The metrics of the platform's resources, by namespace and name.
 *
 * Read on 2026-11-25 from:
 * - https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
 * - https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-metrics.html
 * - https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/health-enhanced-cloudwatch.html (health is 0, 1, 5, 10, 15,
 *   20 or 25)
 * - https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-cloudwatch-metrics.html
 * - https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/CacheMetrics.Redis.html
 * - https://docs.aws.amazon.com/aws-backup/latest/devguide/cloudwatch.html
 * - https://docs.aws.amazon.com/vpc/latest/userguide/metrics-dimensions-nat-gateway.html
 * - https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/programming-cloudwatch-metrics.html
 */
export const METRICS: Readonly<Record<string, Metric>> = {
  "AWS/SQS ApproximateAgeOfOldestMessage": up(...QUEUE),
  "AWS/SQS ApproximateNumberOfMessagesDelayed": up(...QUEUE),
  "AWS/SQS ApproximateNumberOfMessagesNotVisible": up(...QUEUE),
  "AWS/SQS ApproximateNumberOfMessagesVisible": up(...QUEUE),
  "AWS/SQS NumberOfEmptyReceives": count(...QUEUE),
  "AWS/SQS NumberOfMessagesDeleted": count(...QUEUE),
  "AWS/SQS NumberOfMessagesReceived": count(...QUEUE),
  "AWS/SQS NumberOfMessagesSent": count(...QUEUE),
  "AWS/RDS BurstBalance": down(...DATABASE, 100),
  "AWS/RDS CPUCreditBalance": down(...DATABASE),
  "AWS/RDS CPUSurplusCreditBalance": up(...DATABASE),
  "AWS/RDS CPUUtilization": up(...DATABASE, 100),
  "AWS/RDS DatabaseConnections": up(...DATABASE),
  "AWS/RDS DBLoad": up(...DATABASE),
  "AWS/RDS DiskQueueDepth": up(...DATABASE),
  "AWS/RDS EBSByteBalance%": down(...DATABASE, 100),
  "AWS/RDS EBSIOBalance%": down(...DATABASE, 100),
  "AWS/RDS FreeableMemory": down(...DATABASE),
  "AWS/RDS FreeStorageSpace": down(...DATABASE),
  "AWS/RDS MaximumUsedTransactionIDs": up(...DATABASE),
  "AWS/RDS OldestReplicationSlotLag": up(...DATABASE),
  "AWS/RDS ReadIOPS": up(...DATABASE),
  "AWS/RDS ReadLatency": up(...DATABASE),
  "AWS/RDS ReplicaLag": up(...DATABASE),
  "AWS/RDS SwapUsage": up(...DATABASE),
  "AWS/RDS TransactionLogsDiskUsage": up(...DATABASE),
  "AWS/RDS WriteIOPS": up(...DATABASE),
  "AWS/RDS WriteLatency": up(...DATABASE),
  "AWS/Backup NumberOfBackupJobsAborted": up(...VAULT),
  "AWS/Backup NumberOfBackupJobsCompleted": count(...VAULT),
  "AWS/Backup NumberOfBackupJobsExpired": up(...VAULT),
  "AWS/Backup NumberOfBackupJobsFailed": up(...VAULT),
  "AWS/Backup NumberOfCopyJobsCompleted": count(...VAULT),
  "AWS/Backup NumberOfCopyJobsFailed": up(...VAULT),
  "AWS/Backup NumberOfRecoveryPointsExpired": up(...VAULT),
  "AWS/ElasticBeanstalk ApplicationLatencyP90": up(...ENVIRONMENT),
  "AWS/ElasticBeanstalk ApplicationLatencyP99": up(...ENVIRONMENT),
  "AWS/ElasticBeanstalk ApplicationRequests4xx": up(...ENVIRONMENT),
  "AWS/ElasticBeanstalk ApplicationRequests5xx": up(...ENVIRONMENT),
  "AWS/ElasticBeanstalk ApplicationRequestsTotal": count(...ENVIRONMENT),
  "AWS/ElasticBeanstalk EnvironmentHealth": up(...ENVIRONMENT, 25),
  "AWS/ElasticBeanstalk InstancesDegraded": up(...ENVIRONMENT),
  "AWS/ElasticBeanstalk InstancesSevere": up(...ENVIRONMENT),
  "AWS/ApplicationELB ActiveConnectionCount": count(...BALANCER),
  "AWS/ApplicationELB ClientTLSNegotiationErrorCount": up(...BALANCER),
  "AWS/ApplicationELB HealthyHostCount": down(...BALANCER),
  "AWS/ApplicationELB HTTPCode_ELB_4XX_Count": up(...BALANCER),
  "AWS/ApplicationELB HTTPCode_ELB_5XX_Count": up(...BALANCER),
  "AWS/ApplicationELB HTTPCode_Target_4XX_Count": up(...BALANCER),
  "AWS/ApplicationELB HTTPCode_Target_5XX_Count": up(...BALANCER),
  "AWS/ApplicationELB RejectedConnectionCount": up(...BALANCER),
  "AWS/ApplicationELB RequestCount": count(...BALANCER),
  "AWS/ApplicationELB TargetConnectionErrorCount": up(...BALANCER),
  "AWS/ApplicationELB TargetResponseTime": up(...BALANCER),
  "AWS/ApplicationELB UnHealthyHostCount": up(...BALANCER),
  "AWS/ElastiCache CPUUtilization": up(...NODE, 100),
  "AWS/ElastiCache CurrConnections": count(...NODE),
  "AWS/ElastiCache DatabaseMemoryUsagePercentage": up(...REDIS, 100),
  "AWS/ElastiCache EngineCPUUtilization": up(...NODE, 100),
  "AWS/ElastiCache Evictions": up(...NODE),
  "AWS/ElastiCache FreeableMemory": down(...NODE),
  "AWS/ElastiCache ReplicationLag": up(...NODE),
  "AWS/NATGateway ErrorPortAllocation": up(...NAT),
  "AWS/NATGateway PacketsDropCount": up(...NAT),
  "AWS/CloudFront 5xxErrorRate": up(...DISTRIBUTION, 100),
  "AWS/CloudFront TotalErrorRate": up(...DISTRIBUTION, 100),
};

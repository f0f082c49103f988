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
}

/**
 * The calls of each service that has a role of this program, by the role's resource name.
 *
 * - Beanstalk: enhanced health. AWSElasticBeanstalkEnhancedHealth (v4, 2018-04-09) allows four actions more, for Elastic
 *   IPs of environments without a load balancer, topics of an environment, and the console's output. Managed updates
 *   are off (`ManagedActionsEnabled`), so nothing of AWSElasticBeanstalkManagedUpdatesCustomerRolePolicy is called.
 * - RDS: Enhanced Monitoring, see AmazonRDSEnhancedMonitoringRole.
 * - EC2: flow logs of the VPC. The program creates their log group.
 *
 * @see https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AWSElasticBeanstalkEnhancedHealth.html
 * @see https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AmazonRDSEnhancedMonitoringRole.html
 * @see https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-iam-role.html
 */
export function callsOfServices(served: ServedEnvironment): Record<string, BeanstalkCall[]> {
  const { accountId, env, environments, queue, region } = served;
  const arn = (service: string, resource: string) => `arn:aws:${service}:${region}:${accountId}:${resource}`;
  return {
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

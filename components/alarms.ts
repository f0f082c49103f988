import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { Naming } from "./common/naming";
import { EncryptionKey } from "./encryptionKey";
import { policyDocument } from "./iam/policyDocument";

export interface AlarmsArgs {
  naming: Naming;
  /**
   * Address that receives the alarms. Its owner must confirm the subscription once. **Changing it replaces the
   * subscription.**
   *
   * @example "operations@example.org"
   */
  email: string;
  /** Name of the queue of background tasks. */
  queueName: string;
  /** Name of its dead letter queue. */
  deadLetterQueueName: string;
  /** Identifier of the RDS instance. */
  databaseIdentifier: string;
  /** Free storage of the database in GiB below which the alarm is raised, although RDS increases storage by itself. */
  minimumFreeStorage: number;
  /** Number of open connections above which the database is close to its limit. */
  maximumConnections: number;
  /** Names of the Beanstalk environments by role. */
  environments: Record<string, pulumi.Input<string>>;
  /** ARNs of the load balancers by the role of their environment. */
  loadBalancers: Record<string, pulumi.Input<string>>;
  /**
   * Encrypts the messages of the topic. CloudWatch may not use AWS's own key, so there is no other.
   *
   * @default The messages are not encrypted at rest. They hold names and numbers of metrics.
   */
  encryptionKey?: EncryptionKey;
  /**
   * The vault of AWS Backup, and whether its backups are copied.
   *
   * @default No alarms on backups.
   */
  backups?: { vaultName: string; copied: boolean };
}

/** A metric of CloudWatch and how its values of one period become one. */
interface Metric {
  namespace: string;
  metricName: string;
  statistic: "Average" | "Maximum" | "Minimum" | "Sum";
  dimensions: Record<string, pulumi.Input<string>>;
}

/** When an alarm is raised. */
interface Trigger {
  /** Text of the mail. */
  description: string;
  threshold: number;
  comparison: "GreaterThanThreshold" | "LessThanThreshold";
  /** Number of consecutive periods of five minutes. */
  periods: number;
}

const PERIOD_SECONDS = 300;
const GIB = 1024 ** 3;

/** Age of the oldest task above which there are too few workers, or they hang. */
const MAXIMUM_TASK_AGE_SECONDS = 3600;

/**
 * Beanstalk's number for the health Warning. Degraded is 20, Severe 25.
 *
 * @see https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/health-enhanced-cloudwatch.html
 */
const WARNING = 15;

/**
 * The alarms of the platform, and the topic that sends them by mail.
 *
 * @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/AlarmThatSendsEmail.html
 */
export class Alarms extends pulumi.ComponentResource {
  /** ARN of the topic. */
  readonly topicArn: pulumi.Output<string>;

  constructor(
    name: string,
    private readonly args: AlarmsArgs,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super("iaso:index:Alarms", name, {}, opts);
    this.topicArn = this.createTopic(name);
    this.createQueueAlarms();
    this.createDatabaseAlarms();
    for (const [role, environment] of Object.entries(args.environments)) {
      this.createHealthAlarm(role, environment);
    }
    for (const [role, arn] of Object.entries(args.loadBalancers)) this.createErrorAlarm(role, arn);
    if (args.backups !== undefined) this.createBackupAlarms(args.backups);
    this.registerOutputs({ topicArn: this.topicArn });
  }

  private createTopic(name: string): pulumi.Output<string> {
    const { naming, email, encryptionKey } = this.args;
    const topicName = naming.name("alarms");
    const topic = new aws.sns.Topic(
      name,
      { name: topicName, kmsMasterKeyId: encryptionKey?.alias, tags: naming.tags() },
      { parent: this },
    );
    new aws.sns.TopicPolicy(
      name,
      {
        arn: topic.arn,
        policy: policyDocument([
          {
            Sid: "AlarmsPublish",
            Effect: "Allow",
            Principal: { Service: "cloudwatch.amazonaws.com" },
            Action: "sns:Publish",
            Resource: naming.arn("sns", topicName),
            Condition: { StringEquals: { "aws:SourceAccount": naming.accountId } },
          },
        ]),
      },
      { parent: topic },
    );
    new aws.sns.TopicSubscription(
      name,
      { topic: topic.arn, protocol: "email", endpoint: email },
      { parent: topic },
    );
    return topic.arn;
  }

  private createQueueAlarms(): void {
    const { queueName, deadLetterQueueName } = this.args;
    const sqs = { namespace: "AWS/SQS", statistic: "Maximum" } as const;
    this.createAlarm(
      "dead-letters",
      {
        ...sqs,
        metricName: "ApproximateNumberOfMessagesVisible",
        dimensions: { QueueName: deadLetterQueueName },
      },
      {
        description: "A background task could not be handed to the application; see the dead letter queue",
        threshold: 0,
        comparison: "GreaterThanThreshold",
        periods: 1,
      },
    );
    this.createAlarm(
      "oldest-task",
      { ...sqs, metricName: "ApproximateAgeOfOldestMessage", dimensions: { QueueName: queueName } },
      {
        description: "A background task waits for more than an hour",
        threshold: MAXIMUM_TASK_AGE_SECONDS,
        comparison: "GreaterThanThreshold",
        periods: 1,
      },
    );
  }

  private createDatabaseAlarms(): void {
    const { databaseIdentifier, minimumFreeStorage, maximumConnections } = this.args;
    const rds = { namespace: "AWS/RDS", dimensions: { DBInstanceIdentifier: databaseIdentifier } } as const;
    this.createAlarm(
      "database-cpu",
      { ...rds, metricName: "CPUUtilization", statistic: "Average" },
      {
        description: "The database's processors are busy for half an hour",
        threshold: 85,
        comparison: "GreaterThanThreshold",
        periods: 6,
      },
    );
    this.createAlarm(
      "database-storage",
      { ...rds, metricName: "FreeStorageSpace", statistic: "Minimum" },
      {
        description: "The database runs out of storage: raise databaseMaxStorage",
        threshold: minimumFreeStorage * GIB,
        comparison: "LessThanThreshold",
        periods: 1,
      },
    );
    this.createAlarm(
      "database-connections",
      { ...rds, metricName: "DatabaseConnections", statistic: "Maximum" },
      {
        description: "The database is close to the number of connections it takes",
        threshold: maximumConnections,
        comparison: "GreaterThanThreshold",
        periods: 2,
      },
    );
  }

  /**
   * Creates alarms on AWS Backup's metrics: its events in EventBridge come on a best-effort basis, and its notifications no
   * longer tell of failed jobs. `npm run doctor` finds a job that never began.
   *
   * @see https://docs.aws.amazon.com/aws-backup/latest/devguide/cloudwatch.html
   */
  private createBackupAlarms({ vaultName, copied }: { vaultName: string; copied: boolean }): void {
    const descriptions: Record<string, [metricName: string, description: string]> = {
      "backup-failed": ["NumberOfBackupJobsFailed", "AWS Backup could not back up the database or media"],
      "backup-expired": ["NumberOfBackupJobsExpired", "AWS Backup did not begin or end a backup in time"],
      ...(copied && {
        "backup-copy-failed": [
          "NumberOfCopyJobsFailed",
          "AWS Backup could not copy a backup to the other region",
        ],
      }),
    };
    for (const [name, [metricName, description]] of Object.entries(descriptions)) {
      this.createAlarm(
        name,
        { namespace: "AWS/Backup", metricName, statistic: "Sum", dimensions: { BackupVaultName: vaultName } },
        { description, threshold: 0, comparison: "GreaterThanThreshold", periods: 1 },
      );
    }
  }

  private createHealthAlarm(role: string, environment: pulumi.Input<string>): void {
    this.createAlarm(
      `${role}-health`,
      {
        namespace: "AWS/ElasticBeanstalk",
        metricName: "EnvironmentHealth",
        statistic: "Maximum",
        dimensions: { EnvironmentName: environment },
      },
      {
        description: "The Beanstalk environment is degraded or severe",
        threshold: WARNING,
        comparison: "GreaterThanThreshold",
        periods: 2,
      },
    );
  }

  /** Creates an alarm on the share of failed requests: one failed request at night needs no action. */
  private createErrorAlarm(role: string, loadBalancerArn: pulumi.Input<string>): void {
    const { naming } = this.args;
    const dimensions = { LoadBalancer: pulumi.output(loadBalancerArn).apply(loadBalancerDimension) };
    const sum = (id: string, metricName: string) => ({
      id,
      metric: {
        namespace: "AWS/ApplicationELB",
        metricName,
        dimensions,
        period: PERIOD_SECONDS,
        stat: "Sum",
      },
    });
    new aws.cloudwatch.MetricAlarm(
      `${role}-5xx`,
      {
        name: naming.name(`${role}-5xx`),
        alarmDescription: "More than 5 % of requests fail",
        comparisonOperator: "GreaterThanThreshold",
        threshold: 5,
        evaluationPeriods: 2,
        treatMissingData: "notBreaching",
        metricQueries: [
          {
            id: "rate",
            label: "Failed requests in percent",
            // With 20 requests or fewer, a single failure would be 5 %.
            expression: "IF(requests > 20, 100 * (FILL(target, 0) + FILL(balancer, 0)) / requests, 0)",
            returnData: true,
          },
          sum("requests", "RequestCount"),
          sum("target", "HTTPCode_Target_5XX_Count"),
          sum("balancer", "HTTPCode_ELB_5XX_Count"),
        ],
        ...this.notifications(),
      },
      { parent: this },
    );
  }

  private createAlarm(name: string, metric: Metric, trigger: Trigger): void {
    new aws.cloudwatch.MetricAlarm(
      name,
      {
        name: this.args.naming.name(name),
        alarmDescription: trigger.description,
        ...metric,
        period: PERIOD_SECONDS,
        comparisonOperator: trigger.comparison,
        threshold: trigger.threshold,
        evaluationPeriods: trigger.periods,
        treatMissingData: "notBreaching",
        ...this.notifications(),
      },
      { parent: this },
    );
  }

  /** Returns the properties that all alarms have: a mail when the alarm is raised and when it ends. */
  private notifications() {
    return {
      alarmActions: [this.topicArn],
      okActions: [this.topicArn],
      tags: this.args.naming.tags(),
    };
  }
}

/**
 * Returns a load balancer's value of the dimension `LoadBalancer`: `app/NAME/ID` of the ARN
 * `arn:...:loadbalancer/app/NAME/ID`.
 *
 * @see https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-cloudwatch-metrics.html
 */
function loadBalancerDimension(arn: string): string {
  return arn.split(":loadbalancer/")[1] ?? arn;
}

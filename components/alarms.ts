import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { Naming } from "./common/naming";
import { policyDocument } from "./iam/policyDocument";

export interface AlarmsArgs {
  naming: Naming;
  /** Address that is told; it must confirm the subscription once. */
  email: string;
  queueName: string;
  deadLetterQueueName: string;
  databaseIdentifier: string;
  /** GiB of free storage below which someone must look, though storage grows by itself. */
  minimumFreeStorage: number;
  /** Open connections above which the database is about to refuse new ones. */
  maximumConnections: number;
  /** Beanstalk environments by a short name. */
  environments: Record<string, pulumi.Input<string>>;
  /** ARNs of load balancers by a short name. */
  loadBalancers: Record<string, pulumi.Input<string>>;
}

/** What an alarm watches, how it is summed up, and from where on it wakes someone. */
interface Condition {
  description: string;
  threshold: number;
  comparison: "GreaterThanThreshold" | "LessThanThreshold";
  /** How many five-minute periods in a row. */
  periods: number;
}

interface Metric {
  namespace: string;
  metricName: string;
  statistic: "Average" | "Maximum" | "Minimum" | "Sum";
  dimensions: Record<string, pulumi.Input<string>>;
}

const PERIOD_SECONDS = 300;
const GIB = 1024 ** 3;

/** Seconds that the oldest task may wait: workers are then too few, or stuck. */
const MAXIMUM_TASK_AGE_SECONDS = 3600;

/** Beanstalk reports health as a number: 15 is Warning, 20 Degraded, 25 Severe. */
const WARNING = 15;

/**
 * A topic and the alarms on what should wake someone up.
 *
 * @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/AlarmThatSendsEmail.html
 */
export class Alarms extends pulumi.ComponentResource {
  readonly topicArn: pulumi.Output<string>;

  constructor(
    name: string,
    private readonly args: AlarmsArgs,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super("iaso:index:Alarms", name, {}, opts);
    this.topicArn = this.createTopic(name);
    this.watchQueues();
    this.watchDatabase();
    for (const [key, environment] of Object.entries(args.environments)) this.watchHealth(key, environment);
    for (const [key, arn] of Object.entries(args.loadBalancers)) this.watchErrors(key, arn);
    this.registerOutputs({ topicArn: this.topicArn });
  }

  private createTopic(name: string): pulumi.Output<string> {
    const { naming, email } = this.args;
    const topicName = naming.name("alarms");
    const topic = new aws.sns.Topic(name, { name: topicName, tags: naming.tags() }, { parent: this });
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

  private watchQueues(): void {
    const { queueName, deadLetterQueueName } = this.args;
    const sqs = { namespace: "AWS/SQS", statistic: "Maximum" } as const;
    this.alarm(
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
    this.alarm(
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

  private watchDatabase(): void {
    const { databaseIdentifier, minimumFreeStorage, maximumConnections } = this.args;
    const rds = { namespace: "AWS/RDS", dimensions: { DBInstanceIdentifier: databaseIdentifier } } as const;
    this.alarm(
      "database-cpu",
      { ...rds, metricName: "CPUUtilization", statistic: "Average" },
      {
        description: "The database's processors are busy for half an hour",
        threshold: 85,
        comparison: "GreaterThanThreshold",
        periods: 6,
      },
    );
    this.alarm(
      "database-storage",
      { ...rds, metricName: "FreeStorageSpace", statistic: "Minimum" },
      {
        description: "The database runs out of storage: raise databaseMaxStorage",
        threshold: minimumFreeStorage * GIB,
        comparison: "LessThanThreshold",
        periods: 1,
      },
    );
    this.alarm(
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

  private watchHealth(key: string, environment: pulumi.Input<string>): void {
    this.alarm(
      `${key}-health`,
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

  /** A share of requests, not a count: one failure at night is no reason to wake anyone. */
  private watchErrors(key: string, loadBalancerArn: pulumi.Input<string>): void {
    const { naming } = this.args;
    const dimensions = {
      // arn:...:loadbalancer/app/NAME/ID is called app/NAME/ID by CloudWatch.
      LoadBalancer: pulumi.output(loadBalancerArn).apply((arn) => arn.split(":loadbalancer/")[1] ?? arn),
    };
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
      `${key}-5xx`,
      {
        name: naming.name(`${key}-5xx`),
        alarmDescription: "More than 5 % of requests fail",
        comparisonOperator: "GreaterThanThreshold",
        threshold: 5,
        evaluationPeriods: 2,
        treatMissingData: "notBreaching",
        metricQueries: [
          {
            id: "rate",
            label: "Failed requests in percent",
            // Below 20 requests a single failure would be 5 % already.
            expression: "IF(requests > 20, 100 * (FILL(target, 0) + FILL(balancer, 0)) / requests, 0)",
            returnData: true,
          },
          sum("requests", "RequestCount"),
          sum("target", "HTTPCode_Target_5XX_Count"),
          sum("balancer", "HTTPCode_ELB_5XX_Count"),
        ],
        ...this.actions(),
      },
      { parent: this },
    );
  }

  private alarm(key: string, metric: Metric, condition: Condition): void {
    new aws.cloudwatch.MetricAlarm(
      key,
      {
        name: this.args.naming.name(key),
        alarmDescription: condition.description,
        ...metric,
        period: PERIOD_SECONDS,
        comparisonOperator: condition.comparison,
        threshold: condition.threshold,
        evaluationPeriods: condition.periods,
        treatMissingData: "notBreaching",
        ...this.actions(),
      },
      { parent: this },
    );
  }

  private actions() {
    return {
      alarmActions: [this.topicArn],
      okActions: [this.topicArn],
      tags: this.args.naming.tags(),
    };
  }
}

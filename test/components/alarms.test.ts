import { expect } from "chai";
import { Alarms } from "../../components/alarms";
import { PreviewDocument } from "../../graph/document";
import { simulate } from "../../preview/simulate";
import { at, find, naming, resourcesOf, statementsOf, textOf } from "../support";

const ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm";
const TOPIC = "arn:aws:sns:eu-central-1:123456789012:iaso-test-alarms";

describe("components/alarms", () => {
  let document: PreviewDocument;
  before(async () => {
    document = await simulate(() => {
      new Alarms("alarms", {
        naming,
        email: "platform@example.org",
        queueName: "iaso-test-tasks",
        deadLetterQueueName: "iaso-test-tasks-dead-letters",
        databaseIdentifier: "iaso-test",
        minimumFreeStorage: 10,
        maximumConnections: 300,
        environments: { web: "iaso-test", worker: "iaso-test-worker" },
        loadBalancers: {
          web: "arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/app/awseb/0123",
        },
      });
    });
  });

  it("notifies one address and lets only this account's alarms publish", () => {
    expect(find(document, "aws:sns/topicSubscription:TopicSubscription").inputs).to.deep.equal({
      topic: TOPIC,
      protocol: "email",
      endpoint: "platform@example.org",
    });
    expect(
      Object.values(statementsOf(find(document, "aws:sns/topicPolicy:TopicPolicy").inputs.policy)),
    ).to.deep.equal([
      {
        Sid: "AlarmsPublish",
        Effect: "Allow",
        Principal: { Service: "cloudwatch.amazonaws.com" },
        Action: "sns:Publish",
        Resource: TOPIC,
        Condition: { StringEquals: { "aws:SourceAccount": "123456789012" } },
      },
    ]);
  });

  for (const [name, expected] of Object.entries({
    "dead-letters": {
      namespace: "AWS/SQS",
      metricName: "ApproximateNumberOfMessagesVisible",
      dimensions: { QueueName: "iaso-test-tasks-dead-letters" },
      statistic: "Maximum",
      period: 300,
      evaluationPeriods: 1,
      comparisonOperator: "GreaterThanThreshold",
      threshold: 0,
    },
    "oldest-task": {
      namespace: "AWS/SQS",
      metricName: "ApproximateAgeOfOldestMessage",
      dimensions: { QueueName: "iaso-test-tasks" },
      statistic: "Maximum",
      period: 300,
      evaluationPeriods: 1,
      comparisonOperator: "GreaterThanThreshold",
      threshold: 3600,
    },
    "database-cpu": {
      namespace: "AWS/RDS",
      metricName: "CPUUtilization",
      dimensions: { DBInstanceIdentifier: "iaso-test" },
      statistic: "Average",
      period: 300,
      evaluationPeriods: 6,
      comparisonOperator: "GreaterThanThreshold",
      threshold: 85,
    },
    "database-storage": {
      namespace: "AWS/RDS",
      metricName: "FreeStorageSpace",
      dimensions: { DBInstanceIdentifier: "iaso-test" },
      statistic: "Minimum",
      period: 300,
      evaluationPeriods: 1,
      comparisonOperator: "LessThanThreshold",
      // CloudWatch counts bytes.
      threshold: 10_737_418_240,
    },
    "database-connections": {
      namespace: "AWS/RDS",
      metricName: "DatabaseConnections",
      dimensions: { DBInstanceIdentifier: "iaso-test" },
      statistic: "Maximum",
      period: 300,
      evaluationPeriods: 2,
      comparisonOperator: "GreaterThanThreshold",
      threshold: 300,
    },
    "web-health": {
      namespace: "AWS/ElasticBeanstalk",
      metricName: "EnvironmentHealth",
      dimensions: { EnvironmentName: "iaso-test" },
      statistic: "Maximum",
      period: 300,
      evaluationPeriods: 2,
      comparisonOperator: "GreaterThanThreshold",
      threshold: 15,
    },
    "worker-health": {
      namespace: "AWS/ElasticBeanstalk",
      metricName: "EnvironmentHealth",
      dimensions: { EnvironmentName: "iaso-test-worker" },
      statistic: "Maximum",
      period: 300,
      evaluationPeriods: 2,
      comparisonOperator: "GreaterThanThreshold",
      threshold: 15,
    },
  })) {
    it(`watches ${name}`, () => {
      expect(find(document, ALARM, name).inputs).to.deep.include({ name: `iaso-test-${name}`, ...expected });
    });
  }

  it("watches the share of failed requests on the load balancer, as CloudWatch names it", () => {
    const { inputs } = find(document, ALARM, "web-5xx");
    expect(inputs).to.include({ comparisonOperator: "GreaterThanThreshold", threshold: 5 });
    const queries = inputs.metricQueries as never[];
    const returned = queries.filter((query) => at(query, "returnData") === true);
    expect(returned.map((query) => at(query, "id"))).to.deep.equal(["rate"]);
    const metrics = queries.filter((query) => at(query, "metric") !== undefined);
    expect(metrics.map((query) => at(query, "metric", "metricName"))).to.deep.equal([
      "RequestCount",
      "HTTPCode_Target_5XX_Count",
      "HTTPCode_ELB_5XX_Count",
    ]);
    for (const query of metrics) {
      expect(at(query, "metric", "stat")).to.equal("Sum");
      expect(at(query, "metric", "period")).to.equal(300);
      expect(at(query, "metric", "dimensions")).to.deep.equal({ LoadBalancer: "app/awseb/0123" });
      expect(textOf(at(returned[0], "expression"))).to.include(textOf(at(query, "id")));
    }
  });

  it("notifies the topic when an alarm starts and ends, and not when data is missing", () => {
    const alarms = resourcesOf(document, ALARM);
    expect(alarms).to.have.lengthOf(8);
    for (const { name, inputs } of alarms) {
      expect(inputs, name).to.deep.include({
        alarmActions: [TOPIC],
        okActions: [TOPIC],
        treatMissingData: "notBreaching",
        tags: naming.tags(),
      });
    }
  });
});

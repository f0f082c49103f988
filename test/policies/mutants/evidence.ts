import { Mutant, MutableStack, option, set, without } from "../mutant";

const alarm = (name: string, property: string, value: unknown): Mutant =>
  set("alarms-work", "alarm", name, property, value);

interface Query {
  id?: string;
  expression?: string;
  returnData?: boolean;
  metric?: Record<string, unknown>;
}

/** Edits the queries of the alarm on failed requests. */
const queries = (edit: (all: Query[]) => unknown): Mutant => [
  "alarms-work",
  (stack) => {
    const { inputs } = stack.get("alarm", "web-5xx");
    inputs.metricQueries = edit(inputs.metricQueries as Query[]) ?? inputs.metricQueries;
    return stack;
  },
];

/** Edits the rules of a bucket's lifecycle. */
const lifecycle = (
  bucket: string,
  edit: (rules: Record<string, unknown>[]) => unknown,
): ((stack: MutableStack) => MutableStack) => {
  return (stack) => {
    const { inputs } = stack.get("lifecycle", bucket);
    inputs.rules = edit(inputs.rules as Record<string, unknown>[]) ?? inputs.rules;
    return stack;
  };
};

const rules = (bucket: string, edit: (rules: Record<string, unknown>[]) => unknown): Mutant => [
  "lifecycle-whole",
  lifecycle(bucket, edit),
];

export const evidence: Mutant[] = [
  ...[
    "dead-letters",
    "oldest-task",
    "database-cpu",
    "database-storage",
    "database-connections",
    "web-health",
    "worker-health",
    "enketo-health",
    "web-5xx",
    "enketo-5xx",
  ].map((name) => without("alarms-present", "alarm", name)),
  set("alarms-present", "alarm", "database-storage", "dimensions", { DBInstanceIdentifier: "other" }),
  alarm("database-storage", "metricName", "FreeStorage"),
  alarm("database-storage", "namespace", "AWS/EC2"),
  alarm("database-storage", "comparisonOperator", "GreaterThanThreshold"),
  alarm("database-storage", "threshold", 1),
  alarm("database-storage", "threshold", 2 ** 50),
  alarm("database-storage", "threshold", undefined),
  alarm("database-storage", "statistic", "Maximum"),
  alarm("database-storage", "statistic", "SampleCount"),
  alarm("database-cpu", "threshold", 100),
  alarm("database-cpu", "threshold", 850),
  alarm("database-cpu", "threshold", 0),
  alarm("database-cpu", "comparisonOperator", "LessThanThreshold"),
  alarm("database-cpu", "comparisonOperator", "LessThanLowerOrGreaterThanUpperThreshold"),
  alarm("database-cpu", "evaluationPeriods", 600),
  alarm("database-cpu", "evaluationPeriods", 0),
  alarm("database-cpu", "evaluationPeriods", undefined),
  alarm("database-cpu", "datapointsToAlarm", 7),
  alarm("database-cpu", "period", 45),
  alarm("database-cpu", "period", 86_400),
  alarm("database-cpu", "alarmActions", []),
  alarm("database-cpu", "alarmActions", undefined),
  alarm("database-cpu", "actionsEnabled", false),
  alarm("database-cpu", "treatMissingData", "ignore"),
  alarm("database-cpu", "dimensions", {}),
  alarm("database-cpu", "dimensions", { DBInstanceIdentifier: "iaso-other" }),
  alarm("database-connections", "threshold", 1_000_000),
  alarm("database-cpu", "unit", "Bytes"),
  alarm("database-cpu", "thresholdMetricId", "x"),
  set("alarms-reach-people", "topic", "alarms", "fifoTopic", true),
  set("flow-log-writes", "flowLog", "network", "deliverCrossAccountRole", "arn:aws:iam::999999999999:role/x"),
  alarm("dead-letters", "threshold", 100),
  alarm("dead-letters", "statistic", "Minimum"),
  alarm("dead-letters", "dimensions", { QueueName: "other" }),
  alarm("oldest-task", "threshold", 86_400),
  alarm("web-health", "threshold", 25),
  alarm("web-health", "threshold", 20),
  alarm("web-health", "dimensions", { EnvironmentName: "other" }),
  alarm("web-5xx", "metricQueries", []),
  alarm("web-5xx", "threshold", 100),
  alarm("web-5xx", "comparisonOperator", "LessThanThreshold"),
  queries(([rate, ...others]) => [{ ...rate, expression: "0" }, ...others]),
  queries(([rate, ...others]) => [{ ...rate, returnData: false }, ...others]),
  queries(([rate, ...others]) => [
    { ...rate, expression: "IF(requests > 20, other / requests, target, balancer)" },
    ...others,
  ]),
  queries((all) =>
    all.map((one) =>
      one.metric === undefined
        ? one
        : { ...one, metric: { ...one.metric, dimensions: { LoadBalancer: "app/x/1" } } },
    ),
  ),
  queries((all) =>
    all.map((one) =>
      one.id === "target" ? { ...one, metric: { ...one.metric, metricName: "HTTPCode_5XX" } } : one,
    ),
  ),
  without("alarms-reach-people", "topicPolicy", "alarms"),
  without("alarms-reach-people", "subscription", "alarms"),
  set("alarms-reach-people", "topic", "alarms", "kmsMasterKeyId", "alias/aws/sns"),
  set("alarms-reach-people", "subscription", "alarms", "protocol", "sqs"),
  [
    "alarms-reach-people",
    (stack) =>
      stack.statement("topicPolicy", "alarms", "AlarmsPublish", (one) => ({
        ...one,
        Condition: { StringEquals: { "aws:SourceAccount": "999999999999" } },
      })),
  ],
  [
    "alarms-reach-people",
    (stack) =>
      stack.statement("topicPolicy", "alarms", "AlarmsPublish", (one) => ({
        ...one,
        Action: "sns:Subscribe",
      })),
  ],
  [
    "alarms-reach-people",
    (stack) =>
      stack.statements("topicPolicy", "alarms", (all) => [
        ...all,
        { Effect: "Deny", Principal: "*", Action: "sns:Publish", Resource: "*" },
      ]),
  ],
  set("subscriptions-whole", "subscription", "alarms", "protocol", "https"),
  set("subscriptions-whole", "subscription", "alarms", "endpoint", "platform"),
  set("subscriptions-whole", "subscription", "alarms", "filterPolicy", '{"x":["y"]}'),
  set("subscriptions-whole", "subscription", "alarms", "redrivePolicy", '{"deadLetterTargetArn":"x"}'),
  set("log-retention", "logGroup", "network-flow-logs", "retentionInDays", 1),
  set("log-retention", "logGroup", "network-flow-logs", "retentionInDays", 0),
  set("log-retention", "logGroup", "network-flow-logs", "retentionInDays", undefined),
  set("log-retention", "logGroup", "database-postgresql", "retentionInDays", 100),
  set("log-retention", "logGroup", "database-postgresql", "retentionInDays", 30),
  set("log-retention", "logGroup", "database-postgresql", "logGroupClass", "DELIVERY"),
  option("log-retention", "web", "elasticbeanstalk:cloudwatch:logs/RetentionInDays", "1"),
  option("log-retention", "web", "elasticbeanstalk:cloudwatch:logs:health/RetentionInDays", "1"),
  option("log-retention", "worker", "elasticbeanstalk:cloudwatch:logs/RetentionInDays", undefined),
  option(
    "health-streaming",
    "web",
    "elasticbeanstalk:cloudwatch:logs:health/HealthStreamingEnabled",
    "false",
  ),
  option(
    "health-streaming",
    "enketo",
    "elasticbeanstalk:cloudwatch:logs:health/HealthStreamingEnabled",
    undefined,
  ),
  option("health-streaming", "worker", "elasticbeanstalk:cloudwatch:logs:health/DeleteOnTerminate", "true"),
  without("flow-log-whole", "flowLog", "network"),
  set("flow-log-writes", "flowLog", "network", "trafficType", "REJECT"),
  set("flow-log-writes", "flowLog", "network", "logDestinationType", "s3"),
  set("flow-log-writes", "flowLog", "network", "logFormat", "${bytes}"),
  set("flow-log-writes", "flowLog", "network", "maxAggregationInterval", 3600),
  set("flow-log-writes", "flowLog", "network", "logDestination", "arn:aws:s3:::example-iaso-prod-logs"),
  without("flow-log-writes", "rolePolicy", "network-flow-logs"),
  [
    "flow-log-writes",
    (stack) =>
      stack.statement("rolePolicy", "network-flow-logs", "WriteFlowLogs", (one) => ({
        ...one,
        Action: "logs:DescribeLogStreams",
      })),
  ],
  set("database-evidence", "database", "database", "enabledCloudwatchLogsExports", ["postgresql"]),
  set("database-evidence", "database", "database", "monitoringInterval", 0),
  set("database-evidence", "database", "database", "monitoringRoleArn", undefined),
  set("database-evidence", "database", "database", "performanceInsightsEnabled", false),
  without("database-evidence", "logGroup", "database-postgresql"),
  set("database-evidence", "logGroup", "database-upgrade", "name", "/aws/rds/instance/other/upgrade"),
  option("access-logs", "web", "elbv2:loadbalancer/AccessLogsS3Enabled", "false"),
  option("access-logs", "enketo", "elbv2:loadbalancer/AccessLogsS3Enabled", undefined),
  option("access-logs", "web", "elbv2:loadbalancer/AccessLogsS3Bucket", undefined),
  option("access-logs", "web", "elbv2:loadbalancer/AccessLogsS3Prefix", "enketo"),
  option("access-logs", "web", "elbv2:loadbalancer/AccessLogsS3Prefix", undefined),
  [
    "logs-deliverable",
    (stack) =>
      stack.set("encryption", "logs", "rules", [
        { applyServerSideEncryptionByDefault: { sseAlgorithm: "aws:kms" } },
      ]),
  ],
  [
    "logs-deliverable",
    (stack) =>
      stack.statements("bucketPolicy", "logs", (all) => all.filter(({ Effect }) => Effect === "Deny")),
  ],
  [
    "logs-deliverable",
    (stack) =>
      stack.statement("bucketPolicy", "logs", "LoadBalancersWriteAccessLogs", (one) => ({
        ...one,
        Condition: {
          ArnLike: { "aws:SourceArn": "arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/*" },
        },
      })),
  ],
  [
    "logs-deliverable",
    (stack) =>
      stack.statement("bucketPolicy", "logs", "LoadBalancersWriteAccessLogs", (one) => ({
        ...one,
        Resource: `arn:aws:s3:::${stack.bucket("logs")}/other/*`,
      })),
  ],
  without("media-access-logs", "logging", "media"),
  set("media-access-logs", "logging", "media", "targetPrefix", "web/"),
  set("media-access-logs", "logging", "media", "targetPrefix", ""),
  set("media-access-logs", "logging", "media", "targetGrants", [
    {
      permission: "READ",
      grantee: { type: "Group", uri: "http://acs.amazonaws.com/groups/global/AllUsers" },
    },
  ]),
  ["media-access-logs", (stack) => stack.set("logging", "media", "targetBucket", stack.bucket("artifacts"))],
  [
    "media-access-logs",
    (stack) =>
      stack.statements("bucketPolicy", "logs", (all) =>
        all.filter(({ Sid }) => Sid !== "MediaBucketWritesAccessLogs"),
      ),
  ],
  [
    "media-access-logs",
    (stack) =>
      stack.statement("bucketPolicy", "logs", "MediaBucketWritesAccessLogs", (one) => ({
        ...one,
        Condition: { ArnLike: { "aws:SourceArn": `arn:aws:s3:::${stack.bucket("static")}` } },
      })),
  ],
  ...["static", "media", "artifacts", "logs"].map((name) => without("lifecycle-whole", "lifecycle", name)),
  rules("static", (all) => all.map((one) => ({ ...one, expiration: { days: 30 } }))),
  rules("artifacts", (all) => all.map((one) => ({ ...one, expiration: { date: "2027-01-01T00:00:00Z" } }))),
  rules("media", (all) => [
    ...all,
    {
      id: "archive",
      status: "Enabled",
      filter: { prefix: "" },
      transitions: [{ days: 1, storageClass: "GLACIER" }],
    },
  ]),
  rules("static", (all) => [
    ...all,
    {
      id: "archive",
      status: "Enabled",
      noncurrentVersionTransitions: [{ noncurrentDays: 1, storageClass: "DEEP_ARCHIVE" }],
    },
  ]),
  rules("static", (all) =>
    all.map((one) => ({ ...one, noncurrentVersionExpiration: { noncurrentDays: 1 } })),
  ),
  rules("media", (all) => all.map((one) => ({ ...one, status: "Disabled" }))),
  rules("media", (all) => all.map((one) => ({ ...one, filter: { prefix: "x/" } }))),
  rules("media", (all) => all.map((one) => ({ ...one, filter: { tag: { key: "a", value: "b" } } }))),
  rules("media", (all) => all.slice(0, 1)),
  rules("media", (all) => all.slice(1)),
  rules("media", () => []),
  set("redis-keeps-data", "redis", "enketo-main", "snapshotRetentionLimit", 0),
  set("redis-keeps-data", "redis", "enketo-main", "snapshotRetentionLimit", 1),
  set("redis-keeps-data", "redisParameters", "enketo-cache", "parameters", []),
  set("redis-keeps-data", "redis", "enketo-cache", "parameterGroupName", "default.redis7"),
  set("redis-keeps-data", "redis", "enketo-main", "snapshotRetentionLimit", undefined),
  set("redis-keeps-data", "redis", "enketo-main", "finalSnapshotIdentifier", undefined),
  [
    "redis-keeps-data",
    (stack) =>
      stack.set(
        "redis",
        "enketo-main",
        "parameterGroupName",
        stack.get("redisParameters", "enketo-cache").inputs.name,
      ),
  ],
  [
    "enketo-own-redis",
    (stack) => {
      const settings = stack.get("environment", "enketo").inputs.settings as {
        name: string;
        value: string;
      }[];
      const cache = settings.find(({ name }) => name === "ENKETO_REDIS_CACHE_URL")?.value;
      return stack.option("enketo", "elasticbeanstalk:application:environment/ENKETO_REDIS_MAIN_URL", cache);
    },
  ],
  option(
    "enketo-own-redis",
    "enketo",
    "elasticbeanstalk:application:environment/ENKETO_REDIS_MAIN_URL",
    "redis://redis.example.com:6379",
  ),
  option(
    "enketo-own-redis",
    "enketo",
    "elasticbeanstalk:application:environment/ENKETO_REDIS_CACHE_URL",
    undefined,
  ),
];

/** Edits that staging's policy config accepts. */
export const evidenceOfProd: Mutant[] = [
  set("redis-failover", "redis", "enketo-main", "numCacheClusters", 1),
  set("redis-failover", "redis", "enketo-main", "automaticFailoverEnabled", false),
  set("redis-failover", "redis", "enketo-main", "multiAzEnabled", false),
];

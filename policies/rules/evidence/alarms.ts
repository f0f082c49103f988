import { Stack } from "../../context";
import { METRICS, Metric } from "../../facts/metrics";
import { Resource } from "../../resource";
import { defineRule } from "../../rule";
import { array, at, demand, text } from "../../values";
import { isDeadLetterQueue } from "../queue";
import { maxConnectionsOf } from "../values/database";
import { Alarm, ALARM, alarmsOf, Watched, watchedBy, watchedResource } from "./watched";

const QUEUE = "aws:sqs/queue:Queue";
const DATABASE = "aws:rds/instance:Instance";
const VAULT = "aws:backup/vault:Vault";
const PLAN = "aws:backup/plan:Plan";
const ENVIRONMENT = "aws:elasticbeanstalk/environment:Environment";

/** The metrics whose alarms wake someone up. */
function neededFor(resource: Resource, stack: Stack): string[] {
  if (resource.type === DATABASE)
    return ["AWS/RDS CPUUtilization", "AWS/RDS DatabaseConnections", "AWS/RDS FreeStorageSpace"];
  if (resource.type === QUEUE)
    return [
      isDeadLetterQueue(resource, stack)
        ? "AWS/SQS ApproximateNumberOfMessagesVisible"
        : "AWS/SQS ApproximateAgeOfOldestMessage",
    ];
  if (resource.type === VAULT) {
    const rules = stack
      .ofType(PLAN)
      .flatMap(({ inputs }) => array(inputs.rules))
      .filter(({ targetVaultName }) => text(targetVaultName) === text(resource.inputs.name));
    const isCopied = rules.some(({ copyActions }) => array(copyActions).length > 0);
    return [
      ...(rules.length > 0
        ? ["AWS/Backup NumberOfBackupJobsExpired", "AWS/Backup NumberOfBackupJobsFailed"]
        : []),
      ...(isCopied ? ["AWS/Backup NumberOfCopyJobsFailed"] : []),
    ];
  }
  return [
    "AWS/ElasticBeanstalk EnvironmentHealth",
    ...(resource.inputs.tier === "Worker"
      ? []
      : [
          "AWS/ApplicationELB HTTPCode_ELB_5XX_Count",
          "AWS/ApplicationELB HTTPCode_Target_5XX_Count",
          "AWS/ApplicationELB RequestCount",
        ]),
  ];
}

export const alarmsPresent = defineRule({
  name: "alarms-present",
  kind: "evidence",
  types: [DATABASE, QUEUE, ENVIRONMENT, VAULT],
  description:
    "Alarms watch the database's processor, storage and connections, each environment's health and failed requests, the age of tasks, dead letters, and failed backups and copies",
  why: "nobody would know that the platform fails until its users call",
  severity: "high",
  neighbours: true,
  check: (resource, stack) => {
    const names = new Set(alarmsOf(resource, stack).map(({ watched: { name } }) => name));
    return neededFor(resource, stack)
      .filter((name) => !names.has(name))
      .map((name) => `No alarm watches ${name} of ${resource.name}. Write one.`);
  },
});

/** The range of a threshold beyond which an alarm never fires, always does, or fires too late. */
function thresholdRange(
  { name }: Watched,
  resource: Resource | undefined,
  stack: Stack,
): [min: number, max: number] {
  const GIB = 2 ** 30;
  switch (name) {
    case "AWS/RDS FreeStorageSpace":
      return [5 * GIB, Number(resource?.inputs.allocatedStorage ?? 64) * GIB * 0.5];
    case "AWS/RDS CPUUtilization":
      return [30, 98];
    case "AWS/RDS DatabaseConnections":
      return [10, resource === undefined ? Infinity : maxConnectionsOf(resource, stack)];
    case "AWS/SQS ApproximateNumberOfMessagesVisible":
      return resource !== undefined && isDeadLetterQueue(resource, stack) ? [0, 1] : [0, 100_000];
    case "AWS/SQS ApproximateAgeOfOldestMessage":
      return [60, 14_400];
    case "AWS/ElasticBeanstalk EnvironmentHealth":
      return [10, 20];
    default:
      return [0, METRICS[name]?.max ?? Infinity];
  }
}

/** True if an alarm fires when a metric has this value. */
const firesAt = (comparison: string, threshold: number, value: number): boolean =>
  ({
    GreaterThanThreshold: value > threshold,
    GreaterThanOrEqualToThreshold: value >= threshold,
    LessThanThreshold: value < threshold,
    LessThanOrEqualToThreshold: value <= threshold,
  })[comparison] ?? false;

/** A value at which an alarm on a metric must fire already; undefined for other metrics. */
const MUST_FIRE: Record<string, number> = {
  // Degraded.
  "AWS/ElasticBeanstalk EnvironmentHealth": 20,
};

const STATISTICS: Record<Metric["worse"], RegExp> = {
  up: /^(Maximum|Average|Sum|p\d{2}(\.\d+)?)$/,
  down: /^(Minimum|Average|Sum|p\d(\.\d+)?)$/,
  both: /^(Maximum|Minimum|Average|Sum|SampleCount)$/,
};

/** Returns what is wrong with one metric of an alarm. */
function metricProblems(alarm: Alarm, one: Watched, stack: Stack): string[] {
  const { name, metric, dimensions, statistic, period } = one;
  if (metric === undefined) return [`Metric ${name} is not one of this platform's. Write its correct name.`];
  const resource = watchedResource(alarm, one, stack);
  const others = Object.keys(dimensions).filter((key) => key !== metric.dimension);
  const query = alarm.inputs.metricQueries !== undefined;
  return [
    ...(resource === undefined
      ? [
          `${metric.dimension} ${JSON.stringify(dimensions[metric.dimension])} is not of this program. Write the name of one of its resources.`,
        ]
      : []),
    ...(others.length === 0 ? [] : [`${name} has no dimension ${others.join(", ")}. Remove it.`]),
    ...demand(
      statistic,
      STATISTICS[metric.worse].test(statistic),
      `the statistic of ${name}`,
      "Maximum or Average",
    ),
    ...demand(
      period,
      [10, 30].includes(Number(period)) ||
        (Number(period) > 0 && Number(period) % 60 === 0 && Number(period) <= 3600),
      "period",
      "a multiple of 60 up to 3600",
    ),
    ...(query ? [] : thresholdProblems(alarm, one, resource, stack)),
  ];
}

function thresholdProblems(
  alarm: Alarm,
  one: Watched,
  resource: Resource | undefined,
  stack: Stack,
): string[] {
  const { threshold, comparisonOperator } = alarm.inputs;
  const [min, max] = thresholdRange(one, resource, stack);
  const comparison = text(comparisonOperator);
  const { worse } = one.metric ?? { worse: "both" };
  const isRight = worse === "both" || comparison.startsWith(worse === "up" ? "GreaterThan" : "LessThan");
  const mustFire = MUST_FIRE[one.name];
  const isLate =
    (mustFire !== undefined && !firesAt(comparison, Number(threshold), mustFire)) ||
    (resource?.type === QUEUE &&
      one.name.endsWith("MessagesVisible") &&
      isDeadLetterQueue(resource, stack) &&
      !firesAt(comparison, Number(threshold), 1));
  return [
    ...demand(
      comparisonOperator,
      isRight,
      "comparisonOperator",
      worse === "up" ? "GreaterThanThreshold" : "LessThanThreshold",
    ),
    ...demand(
      threshold,
      threshold !== undefined && Number(threshold) >= min && Number(threshold) <= max && !isLate,
      "threshold",
      `a number from ${String(min)} to ${String(max)} at which the alarm still fires in time`,
    ),
  ];
}

/** Returns what is wrong with the expression of an alarm on several metrics. */
function expressionProblems({ inputs }: Alarm): string[] {
  if (inputs.metricQueries === undefined) return [];
  const queries = array(inputs.metricQueries);
  const returned = queries.filter((query) => at(query, "returnData") === true);
  const [query] = returned;
  const expression = at(query, "expression");
  const ids = queries.filter((one) => at(one, "metric") !== undefined).map((one) => text(at(one, "id")));
  const unused = ids.filter((id) => !new RegExp(`\\b${id}\\b`).test(text(expression)));
  const words = new Set(text(expression).match(/\b[a-z]\w*\b/g) ?? []);
  const unknown = [...words].filter((word) => !ids.includes(word));
  const { threshold, comparisonOperator } = inputs;
  return [
    ...(returned.length === 1
      ? []
      : ["Not exactly one query returns data. Write returnData for the expression only."]),
    ...(unused.length === 0
      ? []
      : [`The expression does not use ${unused.join(", ")}. Write it into the expression.`]),
    ...(unknown.length === 0
      ? []
      : [`The expression uses ${unknown.join(", ")}, which is no query. Write its id.`]),
    ...(queries.every((one) => text(at(one, "accountId")) === "")
      ? []
      : ["A query reads metrics of an account. Remove accountId."]),
    ...(new Set(ids).size === ids.length && !ids.includes("")
      ? []
      : ["Queries have no id, or the same. Write one each."]),
    ...demand(
      comparisonOperator,
      text(comparisonOperator).startsWith("GreaterThan"),
      "comparisonOperator",
      "GreaterThanThreshold",
    ),
    ...demand(
      threshold,
      Number(threshold) > 0 && Number(threshold) <= 50,
      "threshold",
      "a share of failed requests from 1 to 50 percent",
    ),
  ];
}

/** The longest time that an alarm may take to notice, in seconds. */
const SLOWEST = 7200;

export const alarmsWork = defineRule({
  name: "alarms-work",
  kind: "evidence",
  types: [ALARM],
  description:
    "An alarm watches a metric that exists, of a resource of this program, in the right direction, fires in time, and tells a topic",
  why: "an alarm that cannot fire looks like a platform that works",
  severity: "high",
  neighbours: true,
  check: (alarm, stack) => {
    const { inputs } = alarm;
    const { evaluationPeriods, datapointsToAlarm, treatMissingData, actionsEnabled, alarmActions } = inputs;
    const metrics = watchedBy(alarm);
    const slowest = Math.max(...metrics.map(({ period }) => Number(period))) * Number(evaluationPeriods);
    return [
      ...metrics.flatMap((one) => metricProblems(alarm, one, stack)),
      ...(metrics.length === 0 ? ["The alarm watches no metric. Write one."] : []),
      ...expressionProblems(alarm),
      ...demand(
        evaluationPeriods,
        Number(evaluationPeriods) >= 1 && !(slowest > SLOWEST),
        "evaluationPeriods",
        `a number with which the alarm fires within ${String(SLOWEST)} s`,
      ),
      ...demand(
        datapointsToAlarm,
        datapointsToAlarm === undefined ||
          (Number(datapointsToAlarm) >= 1 && Number(datapointsToAlarm) <= Number(evaluationPeriods)),
        "datapointsToAlarm",
        "evaluationPeriods or less",
      ),
      ...demand(
        treatMissingData,
        ["breaching", "notBreaching", "missing"].includes(text(treatMissingData ?? "missing")),
        "treatMissingData",
        "notBreaching",
      ),
      ...(["unit", "thresholdMetricId"] as const)
        .filter((name) => text(inputs[name]) !== "")
        .map((name) => `The alarm sets ${name}. Remove it: the metric may have no data with it.`),
      ...demand(
        actionsEnabled,
        actionsEnabled !== false && text(actionsEnabled) !== "false",
        "actionsEnabled",
        "true",
      ),
      ...(array(alarmActions).length > 0
        ? []
        : ["The alarm tells nobody. Write the ARN of the topic to alarmActions."]),
    ];
  },
});

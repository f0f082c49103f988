import { ownAccounts, regionsOf, resourcesWith, Stack } from "../../context";
import { statementsOf, Statement } from "../../iam/document";
import { judge } from "../../iam/evaluate";
import { byIdentity, nameOf } from "../../identity";
import { targetsOf } from "../../references";
import { defineRule } from "../../rule";
import { usersOfResource, VPC } from "../../topology";
import { array, demand, groupBy, hasUnknown, isUnknown, notEvaluated, text } from "../../values";
import { demandOption, Environment, ENVIRONMENT, isWeb, optionOf } from "../../optionSettings";
import { grantsOf, ROLE } from "../iam/grants";
import { checkPart, classOf, nameOf as nameOfBucket, PART } from "../storage/bucket";

const LOG_GROUP = "aws:cloudwatch/logGroup:LogGroup";
const DATABASE = "aws:rds/instance:Instance";
const FLOW_LOG = "aws:ec2/flowLog:FlowLog";

/** @see https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html */
const RETENTIONS = [
  1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
];

const LOGS = "aws:elasticbeanstalk:cloudwatch:logs";
const HEALTH_LOGS = `${LOGS}:health`;

export const logRetention = defineRule({
  name: "log-retention",
  kind: "evidence",
  types: [LOG_GROUP, ENVIRONMENT],
  description: "Log groups keep logs for a minimum number of days, and not forever",
  why: "a break-in is noticed months later, and logs contain personal data",
  severity: "medium",
  reference: "AWS FSBP CloudWatch.16",
  parameters: {
    minDays: { type: "number", default: 90, description: "Minimum number of days for which logs are kept" },
  },
  check: (resource, { parameters: { minDays } }) => {
    const isKept = (days: unknown) => RETENTIONS.includes(Number(days)) && Number(days) >= minDays;
    const instead = `a number of days that CloudWatch accepts, ${String(minDays)} or more`;
    if (resource.type === LOG_GROUP) {
      const { retentionInDays, logGroupClass } = resource.inputs;
      return [
        ...demand(retentionInDays, isKept(retentionInDays), "retentionInDays", instead),
        ...demand(logGroupClass, ["", "STANDARD"].includes(text(logGroupClass)), "logGroupClass", "STANDARD"),
      ];
    }
    return [LOGS, HEALTH_LOGS].flatMap((namespace) =>
      demandOption(resource, namespace, "RetentionInDays", instead, isKept),
    );
  },
});

export const healthStreaming = defineRule({
  name: "health-streaming",
  kind: "evidence",
  types: [ENVIRONMENT],
  description: "The health of instances is streamed to CloudWatch and outlives them",
  why: "nobody could find out afterwards why an instance was replaced",
  severity: "medium",
  check: (environment) => [
    ...demandOption(environment, HEALTH_LOGS, "HealthStreamingEnabled", "true"),
    ...demandOption(environment, HEALTH_LOGS, "DeleteOnTerminate", "false", (value) => value !== "true"),
  ],
});

export const flowLogWhole = defineRule({
  name: "flow-log-whole",
  kind: "evidence",
  types: [VPC],
  description:
    "A flow log of the VPC writes all traffic to a log group of this program, with a role that may",
  why: "nobody could find out where data went",
  severity: "high",
  reference: "AWS FSBP EC2.6",
  neighbours: true,
  check: (vpc, stack) => {
    return usersOfResource(vpc, FLOW_LOG, "vpcId", stack).length === 0
      ? ["The VPC has no flow log. Write one with trafficType ALL."]
      : [];
  },
});

export const flowLogWrites = defineRule({
  name: "flow-log-writes",
  kind: "evidence",
  types: [FLOW_LOG],
  description: "A flow log takes all traffic in the format that AWS documents, and its role may write it",
  why: "half a log proves nothing",
  severity: "high",
  neighbours: true,
  check: (flowLog, stack) => {
    const { trafficType, logDestinationType, logFormat, maxAggregationInterval } = flowLog.inputs;
    const groups = targetsOf(flowLog, "logDestination", LOG_GROUP, stack);
    const roles = targetsOf(flowLog, "iamRoleArn", ROLE, stack);
    const account = ownAccounts(stack)[0] ?? "";
    const mayWrite = roles.some((role) => {
      const { statements } = grantsOf(role as never, stack);
      return groups.every((group) =>
        ["logs:CreateLogStream", "logs:PutLogEvents"].every(
          (action) =>
            judge(
              statements,
              {
                requester: {},
                action,
                resource:
                  `arn:aws:logs:eu-central-1:${account}:log-group:${nameOf(group)}:log-stream:x`.replace(
                    "eu-central-1",
                    regionOf(stack),
                  ),
                account,
                context: {},
              },
              false,
            ).decision === "allow",
        ),
      );
    });
    const isTrusted = roles.some(({ inputs }) =>
      text(inputs.assumeRolePolicy).includes("vpc-flow-logs.amazonaws.com"),
    );
    return [
      ...demand(trafficType, trafficType === "ALL", "trafficType", "ALL"),
      ...demand(
        logDestinationType,
        ["", "cloud-watch-logs"].includes(text(logDestinationType)),
        "logDestinationType",
        "cloud-watch-logs",
      ),
      // The engine shows the format that AWS adds.
      ...demand(
        logFormat,
        text(logFormat) === "" || text(logFormat).includes("${srcaddr}"),
        "logFormat",
        "nothing: AWS's own format",
      ),
      ...demand(
        maxAggregationInterval,
        [undefined, 60, 600].includes(maxAggregationInterval as number | undefined),
        "maxAggregationInterval",
        "60 or 600",
      ),
      ...(text(flowLog.inputs.deliverCrossAccountRole) === ""
        ? []
        : ["deliverCrossAccountRole is set. Remove it."]),
      ...(groups.length === 1
        ? []
        : ["logDestination is no log group of this program. Write the ARN of one."]),
      ...(mayWrite && isTrusted
        ? []
        : [
            "Its role may not write to the log group. Write a role that trusts vpc-flow-logs.amazonaws.com and allows logs:CreateLogStream and logs:PutLogEvents on it.",
          ]),
    ];
  },
});

const regionOf = (stack: Stack): string => regionsOf(stack)[0] ?? "";

export const databaseLogGroups = defineRule({
  name: "database-evidence",
  kind: "evidence",
  types: [DATABASE],
  description:
    "The database's logs go to log groups of this program, and its load is measured each minute and by statement",
  why: "RDS would create log groups that keep logs forever, and nobody could see what slows the platform down",
  severity: "medium",
  reference: "AWS FSBP RDS.6",
  neighbours: true,
  check: ({ inputs }, stack) => {
    const { identifier, enabledCloudwatchLogsExports, monitoringInterval, performanceInsightsEnabled } =
      inputs;
    if (hasUnknown(enabledCloudwatchLogsExports)) return notEvaluated("enabledCloudwatchLogsExports");
    const exported = array(enabledCloudwatchLogsExports).map(text);
    const interval = Number(monitoringInterval);
    return [
      ...["postgresql", "upgrade"]
        .filter((log) => !exported.includes(log))
        .map((log) => `Log ${log} is not exported. Write it to enabledCloudwatchLogsExports.`),
      ...exported
        .map((log) => `/aws/rds/instance/${text(identifier)}/${log}`)
        .filter((name) => !byIdentity(LOG_GROUP, stack).has(name))
        .map((name) => `The program has no log group ${name}. Write one.`),
      ...demand(monitoringInterval, interval >= 1 && interval <= 60, "monitoringInterval", "60 or less"),
      ...(text(inputs.monitoringRoleArn) === "" ? ["monitoringRoleArn is not set. Write it."] : []),
      ...demand(
        performanceInsightsEnabled,
        performanceInsightsEnabled === true,
        "performanceInsightsEnabled",
        "true",
      ),
    ];
  },
});

/** The environments by the prefix of their access logs. */
const prefixesOf = (stack: Stack): Map<string, Environment[]> =>
  stack.once("environments by prefix of access logs", () =>
    groupBy(
      stack.ofType(ENVIRONMENT).filter(isWeb),
      (one) => text(optionOf(one, "aws:elbv2:loadbalancer", "AccessLogsS3Prefix")) || undefined,
    ),
  );

export const accessLogs = defineRule({
  name: "access-logs",
  kind: "evidence",
  types: [ENVIRONMENT],
  description: "Each load balancer writes access logs to the bucket for logs, under a prefix of its own",
  why: "nobody could find out who asked for what",
  severity: "high",
  reference: "AWS FSBP ELB.5",
  neighbours: true,
  check: (environment, stack) => {
    if (!isWeb(environment)) return [];
    const namespace = "aws:elbv2:loadbalancer";
    const prefix = optionOf(environment, namespace, "AccessLogsS3Prefix");
    const sharing = (prefixesOf(stack).get(text(prefix)) ?? []).filter(({ urn }) => urn !== environment.urn);
    const bucket = optionOf(environment, namespace, "AccessLogsS3Bucket");
    return [
      ...demandOption(environment, namespace, "AccessLogsS3Enabled", "true"),
      ...demand(
        bucket,
        isUnknown(bucket) || text(bucket) !== "",
        "AccessLogsS3Bucket",
        "the bucket for logs",
      ),
      ...demand(
        prefix,
        // ELB refuses AWSLogs in the prefix.
        /^(?!.*AWSLogs)[\w-]+(\/[\w-]+)*$/.test(text(prefix)),
        "AccessLogsS3Prefix",
        "words between slashes",
      ),
      ...sharing.map((other) => `AccessLogsS3Prefix is that of ${other.name} too. Write one for each.`),
    ];
  },
});

/** The delivery of an access log. */
interface Delivery {
  service: string;
  /** Bucket and key of the log. */
  object: string;
  /** ARN of the resource whose log it is. */
  source: string;
}

/** Returns true if the policy of a bucket lets a service deliver a log. */
function delivers(statements: Statement[], { service, object, source }: Delivery, stack: Stack): boolean {
  const account = ownAccounts(stack)[0] ?? "";
  const { decision } = judge(
    statements,
    {
      requester: { service },
      action: "s3:PutObject",
      resource: `arn:aws:s3:::${object}`,
      account,
      context: { "aws:SecureTransport": "true", "aws:SourceAccount": account, "aws:SourceArn": source },
    },
    true,
  );
  return decision === "allow";
}

/** The delivery of a load balancer's access log. */
const ofLoadBalancer = (bucket: string, prefix: string, stack: Stack): Delivery => {
  const account = ownAccounts(stack)[0] ?? "";
  return {
    service: "logdelivery.elasticloadbalancing.amazonaws.com",
    object: `${bucket}/${prefix}/AWSLogs/${account}/elasticloadbalancing/x.log.gz`,
    source: `arn:aws:elasticloadbalancing:${regionOf(stack)}:${account}:loadbalancer/app/awseb--AWSEB-1/1`,
  };
};

/** The delivery of the access log of a bucket. */
const ofBucket = (bucket: string, prefix: string, source: string): Delivery => ({
  service: "logging.s3.amazonaws.com",
  object: `${bucket}/${prefix}x`,
  source: `arn:aws:s3:::${source}`,
});

export const logsDeliverable = defineRule({
  name: "logs-deliverable",
  kind: "evidence",
  types: ["aws:s3/bucket:Bucket"],
  description: "Load balancers can deliver access logs to the bucket for logs, which has no KMS key",
  why: "load balancers cannot use a KMS key, and lose what they cannot deliver",
  severity: "high",
  neighbours: true,
  check: (bucket, stack) => {
    if (classOf(bucket) !== "logs") return [];
    const name = nameOfBucket(bucket);
    const [policy] = resourcesWith(stack, PART.policy, "bucket", name);
    if (hasUnknown(policy?.inputs.policy)) return notEvaluated("the bucket's policy");
    const statements = policy === undefined ? [] : statementsOf(policy.inputs.policy);
    const prefixes = [...prefixesOf(stack).keys()];
    const refused = prefixes.filter(
      (prefix) => !delivers(statements, ofLoadBalancer(name, prefix, stack), stack),
    );
    return [
      ...refused.map(
        (prefix) =>
          `Load balancers may not write to ${prefix}/. Write an Allow of s3:PutObject for logdelivery.elasticloadbalancing.amazonaws.com.`,
      ),
      ...checkPart(bucket, stack, PART.encryption, "encryption configuration", ({ rules }) =>
        JSON.stringify(rules ?? "").includes("kms") ? ["Logs are encrypted with KMS. Write AES256."] : [],
      ),
    ];
  },
});

export const mediaAccessLogs = defineRule({
  name: "media-access-logs",
  kind: "evidence",
  types: ["aws:s3/bucket:Bucket"],
  description:
    "S3 logs each request to the media bucket in the bucket for logs, under a prefix of its own that the bucket's policy allows",
  why: "nobody could find out who read whose photograph",
  severity: "high",
  reference: "AWS FSBP S3.9",
  neighbours: true,
  check: (bucket, stack) => {
    if (classOf(bucket) !== "media") return [];
    const name = nameOfBucket(bucket);
    return checkPart(bucket, stack, PART.logging, "access logs (BucketLogging)", (inputs) => {
      const { targetBucket, targetPrefix, targetGrants } = inputs;
      const prefix = text(targetPrefix);
      const isOwn = /^[\w-]+\/$/.test(prefix) && !prefixesOf(stack).has(prefix.slice(0, -1));
      const targets = resourcesWith(stack, "aws:s3/bucket:Bucket", "bucket", targetBucket);
      const isForLogs = targets.length > 0 && targets.every((one) => classOf(one) === "logs");
      const [policy] = resourcesWith(stack, PART.policy, "bucket", targetBucket);
      if (hasUnknown(policy?.inputs.policy)) return notEvaluated("the policy of the bucket for logs");
      const statements = policy === undefined ? [] : statementsOf(policy.inputs.policy);
      return [
        ...demand(targetBucket, isForLogs, "targetBucket", "the name of the bucket for logs of this program"),
        ...demand(
          targetPrefix,
          isOwn,
          "targetPrefix",
          'a folder that no load balancer has, such as "media/"',
        ),
        ...(targetGrants === undefined || array(targetGrants).length === 0
          ? []
          : ["targetGrants gives others access to the logs. Remove it."]),
        ...(delivers(statements, ofBucket(text(targetBucket), prefix, name), stack)
          ? []
          : [
              `The bucket for logs does not let S3 write to ${prefix}. Write an Allow of s3:PutObject for logging.s3.amazonaws.com with the media bucket as aws:SourceArn.`,
            ]),
      ];
    });
  },
});

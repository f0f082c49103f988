import { regionsOf, resourcesWith, Stack, tagOf } from "../../context";
import { RESOURCE_TYPES } from "../../facts/resourceTypes";
import { byIdentity } from "../../identity";
import { Resource } from "../../resource";
import { defineRule } from "../../rule";
import { usersOfResource } from "../../topology";
import { redriveOf, sourcesOf, workersOf } from "../queue";
import { array, at, demand, groupBy, isUnknown, notEvaluated, object, text } from "../../values";
import { ENVIRONMENT, isWeb, optionOf, runsDocker, VARIABLES } from "../../optionSettings";

const QUEUE = "aws:sqs/queue:Queue";
const LISTENER = "aws:lb/listener:Listener";
const DAEMON = "aws:elasticbeanstalk:sqsd";

/** The object of a JSON text; empty if it is none. */
function parsed(value: unknown): Record<string, unknown> {
  try {
    return object(JSON.parse(text(value) || "{}"));
  } catch {
    return {};
  }
}

export const tagsAgree = defineRule({
  name: "tags-agree",
  kind: "values together",
  types: "all",
  description: "All resources have the same values of the tags project, env and managed-by",
  why: "the deploy tool and the roles find the resources of an environment by its tags",
  severity: "medium",
  neighbours: true,
  check: (resource, stack) => {
    if (RESOURCE_TYPES[resource.type] === undefined || RESOURCE_TYPES[resource.type]?.untaggable === true)
      return [];
    const usual = stack.once("usual values of tags", () =>
      ["project", "env", "managed-by"].map((tag) => {
        const values = groupBy([...stack.all], (one) => tagOf(one, tag) || undefined);
        return [tag, [...values].sort(([, a], [, b]) => b.length - a.length)[0]?.[0] ?? ""] as const;
      }),
    );
    return usual
      .filter(([tag, value]) => tagOf(resource, tag) !== "" && tagOf(resource, tag) !== value)
      .map(
        ([tag, value]) =>
          `Tag ${tag} is ${JSON.stringify(tagOf(resource, tag))}. Write ${value}, as elsewhere.`,
      );
  },
});

/** Returns what is wrong with the policy by which a dead-letter queue accepts messages. */
function allowProblems(policy: unknown, sources: Resource[], stack: Stack): string[] {
  if (isUnknown(policy)) return notEvaluated("redriveAllowPolicy");
  const { redrivePermission, sourceQueueArns } = parsed(policy);
  const named = array(sourceQueueArns).map((arn) => byIdentity(QUEUE, stack).get(text(arn)));
  return redrivePermission === "byQueue" &&
    named.length > 0 &&
    named.every((one) => sources.some(({ urn }) => urn === one?.urn))
    ? []
    : [
        "Other queues may use this one for dead letters. Write redriveAllowPolicy byQueue with the ARN of its source.",
      ];
}

export const queueValues = defineRule({
  name: "queue-values",
  kind: "values together",
  types: [QUEUE],
  description:
    "The queue's times, its worker's and its dead-letter queue's agree, and only its source may use a dead-letter queue",
  why: "tasks would be lost, or run twice",
  severity: "high",
  neighbours: true,
  parameters: {
    minDays: { type: "number", default: 4, description: "Minimum number of days for which tasks wait" },
  },
  check: (queue, stack) => {
    const { inputs } = queue;
    const retention = inputs.messageRetentionSeconds ?? 345_600;
    const delay = Number(inputs.delaySeconds ?? 0);
    const sources = sourcesOf(queue, stack);
    const workers = workersOf(queue, stack);
    const redrive = redriveOf(queue);
    return [
      ...demand(
        retention,
        Number(retention) >= stack.parameters.minDays * 86_400 && Number(retention) <= 1_209_600,
        "messageRetentionSeconds",
        `${String(stack.parameters.minDays * 86_400)} to 1209600`,
      ),
      ...demand(
        inputs.receiveWaitTimeSeconds ?? 0,
        Number(inputs.receiveWaitTimeSeconds ?? 0) <= 20 &&
          (sources.length > 0 || Number(inputs.receiveWaitTimeSeconds ?? 0) > 0),
        "receiveWaitTimeSeconds",
        "1 to 20: long polling",
      ),
      ...demand(
        inputs.visibilityTimeoutSeconds ?? 30,
        Number(inputs.visibilityTimeoutSeconds ?? 30) <= 43_200,
        "visibilityTimeoutSeconds",
        "43200 or less",
      ),
      ...demand(delay, delay <= 60, "delaySeconds", "60 or less: every task would wait"),
      ...demand(
        inputs.kmsDataKeyReusePeriodSeconds,
        Number(inputs.kmsDataKeyReusePeriodSeconds ?? 300) <= 3600,
        "kmsDataKeyReusePeriodSeconds",
        "3600 or less: SQS would decrypt for so long after the key is disabled",
      ),
      ...(text(inputs.fifoQueue ?? "false") === "false" && !text(inputs.name).endsWith(".fifo")
        ? []
        : [
            "The queue is FIFO. Remove fifoQueue: the worker's daemon takes standard queues with Iaso's tasks.",
          ]),
      ...(inputs.maxMessageSize === undefined || Number(inputs.maxMessageSize) >= 262_144
        ? []
        : ["maxMessageSize is under 256 KiB. Remove it."]),
      ...(text(inputs.kmsMasterKeyId) === ""
        ? []
        : demand(
            inputs.sqsManagedSseEnabled,
            ["", "false"].includes(text(inputs.sqsManagedSseEnabled)),
            "sqsManagedSseEnabled",
            "nothing beside kmsMasterKeyId",
          )),
      ...(sources.length === 0 ? [] : allowProblems(inputs.redriveAllowPolicy, sources, stack)),
      ...workers.flatMap((worker) => [
        ...demand(
          optionOf(worker, DAEMON, "VisibilityTimeout"),
          Number(optionOf(worker, DAEMON, "VisibilityTimeout")) ===
            Number(inputs.visibilityTimeoutSeconds ?? 30),
          "VisibilityTimeout of the worker",
          `${text(inputs.visibilityTimeoutSeconds)}, as the queue`,
        ),
        ...demand(
          optionOf(worker, DAEMON, "RetentionPeriod"),
          Number(optionOf(worker, DAEMON, "RetentionPeriod")) === Number(retention),
          "RetentionPeriod of the worker",
          `${text(retention)}, as the queue`,
        ),
        ...demand(
          optionOf(worker, DAEMON, "MaxRetries"),
          Number(optionOf(worker, DAEMON, "MaxRetries")) === Number(redrive.maxReceiveCount),
          "MaxRetries of the worker",
          `${text(redrive.maxReceiveCount)}, as the queue`,
        ),
        ...demand(
          optionOf(worker, DAEMON, "InactivityTimeout"),
          Number(optionOf(worker, DAEMON, "InactivityTimeout")) >= 900,
          "InactivityTimeout",
          "900 or more: exports take minutes",
        ),
      ]),
    ];
  },
});

export const redirectsWhole = defineRule({
  name: "redirects-whole",
  kind: "values together",
  types: [LISTENER, ENVIRONMENT],
  description: "Each load balancer answers HTTP on port 80 with a permanent redirect to HTTPS on port 443",
  why: "people type the name without https and would get no answer",
  severity: "medium",
  neighbours: true,
  check: (resource, stack) => {
    if (resource.type === ENVIRONMENT) {
      if (!isWeb(resource)) return [];
      const listeners = usersOfResource(resource, LISTENER, "loadBalancerArn", stack);
      return listeners.length === 1
        ? []
        : [`The load balancer has ${String(listeners.length)} listeners for HTTP. Write one.`];
    }
    const { port, protocol, defaultActions } = resource.inputs;
    const redirects = array(defaultActions).map((action) => at(action, "redirect"));
    return [
      ...demand(port, Number(port) === 80, "port", "80"),
      ...demand(protocol, protocol === "HTTP", "protocol", "HTTP"),
      ...redirects.flatMap((redirect) => [
        ...demand(
          at(redirect, "port"),
          ["", "443"].includes(text(at(redirect, "port"))) && redirect !== undefined,
          "port of the redirect",
          "443",
        ),
        ...demand(
          at(redirect, "statusCode"),
          ["HTTP_301", "HTTP_302"].includes(text(at(redirect, "statusCode"))),
          "statusCode",
          "HTTP_301",
        ),
        ...(["path", "query", "host"] as const)
          .filter((name) => !["", "/#{path}", "#{query}", "#{host}"].includes(text(at(redirect, name))))
          .map((name) => `The redirect sets ${name}. Remove it.`),
      ]),
      ...(resource.inputs.mutualAuthentication === undefined
        ? []
        : ["mutualAuthentication is set. Remove it."]),
    ];
  },
});

/** The fields of the parameter by which the deploy tool finds the platform, with the texts that they must have. */
export const deploymentOwn = defineRule({
  name: "deployment-own",
  kind: "closed world",
  types: ["aws:ssm/parameter:Parameter"],
  description:
    "The parameter for deployments names the application, buckets, queue, database and hosts of this program",
  why: "the deploy tool would write code and static files of this platform somewhere else",
  severity: "critical",
  neighbours: true,
  check: (parameter, stack) => {
    const { name, type, insecureValue, value } = parameter.inputs;
    if (!text(name).endsWith("/deployment")) return [];
    if (isUnknown(insecureValue)) return notEvaluated("the parameter's value");
    const fields = parsed(insecureValue ?? value);
    const [web] = stack.ofType(ENVIRONMENT).filter((one) => tagOf(one, "role") === "web");
    const variable = (one: string) => (web === undefined ? undefined : optionOf(web, VARIABLES, one));
    const bucketWith = (kind: string) => (one: unknown) =>
      resourcesWith(stack, "aws:s3/bucket:Bucket", "bucket", one).some(
        (bucket) => tagOf(bucket, "class") === kind,
      );
    const is = (wanted: unknown) => (one: unknown) => isUnknown(wanted) || text(one) === text(wanted);
    const checks: Record<string, (one: unknown) => boolean> = {
      application: is(web?.inputs.application),
      staticBucket: bucketWith("static"),
      artifactsBucket: bucketWith("artifacts"),
      staticUrl: is(variable("STATIC_URL")),
      webUrl: is(variable("SERVER_URL")),
      queueUrl: is(variable("BEANSTALK_SQS_URL")),
      databaseIdentifier: (one) =>
        resourcesWith(stack, "aws:rds/instance:Instance", "identifier", one).length > 0,
      imageRepository: (one) =>
        one === undefined
          ? web === undefined || !runsDocker(web)
          : resourcesWith(stack, "aws:ecr/repository:Repository", "name", one).length > 0,
      region: (one) => regionsOf(stack).includes(text(one)),
      platform: (one) => one === (web !== undefined && runsDocker(web) ? "docker" : "python"),
    };
    return [
      ...demand(type, type === "String", "type", "String"),
      ...Object.entries(checks)
        .filter(([field, isOwn]) => !isOwn(fields[field]))
        .map(([field]) => `Field ${field} is ${JSON.stringify(fields[field])}. Write that of this program.`),
    ];
  },
});

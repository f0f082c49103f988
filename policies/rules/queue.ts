import { isOwnQueue, ownAccounts, resourcesWith, Stack } from "../context";
import { conditionsOf, statementsOf, strings } from "../iam/document";
import { judge } from "../iam/evaluate";
import { allowsOutsiders, isOf } from "../iam/principals";
import { Resource, ResourceOf } from "../resource";
import { defineRule } from "../rule";
import { demand, groupBy, hasUnknown, isUnknown, notEvaluated, object, text } from "../values";
import { Environment, ENVIRONMENT, optionOf } from "../optionSettings";

const QUEUE = "aws:sqs/queue:Queue";
const QUEUE_POLICY = "aws:sqs/queuePolicy:QueuePolicy";
const TOPIC = "aws:sns/topic:Topic";

type Queue = ResourceOf<typeof QUEUE>;

/** The redrive policy of a queue; empty if the queue has none, or no valid one. */
export function redriveOf({ inputs: { redrivePolicy } }: Queue): Record<string, unknown> {
  try {
    return object(typeof redrivePolicy === "string" ? JSON.parse(redrivePolicy) : redrivePolicy);
  } catch {
    return {};
  }
}

/** The last part of a URL or an ARN. */
const lastPart = (value: unknown): string => /[^/:]*$/.exec(text(value))?.[0] ?? "";

const deadLetterNameOf = (queue: Queue): string => lastPart(redriveOf(queue).deadLetterTargetArn);

/** The queues that move messages that fail to this one. */
export const sourcesOf = ({ inputs }: Pick<Resource, "inputs">, { once, ofType }: Stack): Queue[] =>
  once("queues by dead-letter queue", () => groupBy(ofType(QUEUE), deadLetterNameOf)).get(
    text(inputs.name),
  ) ?? [];

/** True if another queue moves messages that fail to this one. */
export const isDeadLetterQueue = (queue: Pick<Resource, "inputs">, stack: Stack): boolean =>
  sourcesOf(queue, stack).length > 0;

/** An option of the daemon that receives messages for a worker. */
const daemonOption = (worker: Environment, name: string): unknown =>
  optionOf(worker, "aws:elasticbeanstalk:sqsd", name);

/** The workers that take their tasks from a queue. */
export const workersOf = ({ inputs }: Queue, { once, ofType }: Stack): Environment[] =>
  once("workers by queue", () =>
    groupBy(ofType(ENVIRONMENT), (worker) => lastPart(daemonOption(worker, "WorkerQueueURL"))),
  ).get(text(inputs.name)) ?? [];

export const queueEncrypted = defineRule({
  name: "queue-encrypted",
  types: [QUEUE],
  description: "Messages are encrypted at rest",
  why: "tasks carry data about people",
  severity: "high",
  reference: "AWS FSBP SQS.1",
  check: ({ inputs: { kmsMasterKeyId, sqsManagedSseEnabled } }) =>
    text(kmsMasterKeyId) !== ""
      ? []
      : demand(sqsManagedSseEnabled, sqsManagedSseEnabled === true, "sqsManagedSseEnabled", "true"),
});

export const queueDeadLetters = defineRule({
  name: "queue-dead-letters",
  types: [QUEUE],
  description: "A queue moves a message that fails to a dead-letter queue after 2 to 10 receives",
  why: "a faulty task would be retried forever, or lost",
  severity: "high",
  neighbours: true,
  check: (queue, stack) => {
    if (isDeadLetterQueue(queue, stack) && workersOf(queue, stack).length === 0) return [];
    if (isUnknown(queue.inputs.redrivePolicy)) return notEvaluated("redrivePolicy");
    const { deadLetterTargetArn, maxReceiveCount } = redriveOf(queue);
    const count = Number(maxReceiveCount);
    return [
      ...demand(
        deadLetterTargetArn,
        isOf(ownAccounts(stack), deadLetterTargetArn),
        "deadLetterTargetArn",
        "the ARN of a dead-letter queue of this account",
      ),
      ...demand(maxReceiveCount, count >= 2 && count <= 10, "maxReceiveCount", "a number from 2 to 10"),
    ];
  },
});

export const queueDeadLettersRetention = defineRule({
  name: "queue-dead-letters-retention",
  types: [QUEUE],
  description: "A dead-letter queue keeps messages for longer than its source queue",
  why: "a dead letter keeps its age and would be deleted before anyone reads it",
  severity: "high",
  neighbours: true,
  check: (queue, stack) => {
    const name = deadLetterNameOf(queue);
    if (name === "") return [];
    const [target] = resourcesWith(stack, QUEUE, "name", name);
    const retentions = [queue, target].map((one) => one?.inputs.messageRetentionSeconds);
    if (hasUnknown(retentions)) return notEvaluated("messageRetentionSeconds");
    if (target === undefined) return [`The program has no dead-letter queue ${name}. Write one.`];
    // SQS keeps messages for 4 days unless told otherwise.
    const [own = 345_600, kept = 345_600] = retentions.map((one) =>
      one === undefined ? undefined : Number(one),
    );
    return kept > own
      ? []
      : [
          `Dead letters are kept for ${String(kept)} s, messages for ${String(own)} s. Write a greater messageRetentionSeconds for ${name}, 1209600 at most, or a smaller one for the queue.`,
        ];
  },
});

export const queueVisibility = defineRule({
  name: "queue-visibility",
  types: [QUEUE],
  description: "A message stays hidden for as long as the worker may take",
  why: "a running task would be started a second time",
  severity: "high",
  neighbours: true,
  check: (queue, stack) =>
    workersOf(queue, stack).flatMap((worker) => {
      const inactivity = daemonOption(worker, "InactivityTimeout");
      const visibility = daemonOption(worker, "VisibilityTimeout");
      const { visibilityTimeoutSeconds } = queue.inputs;
      if (hasUnknown([inactivity, visibility, visibilityTimeoutSeconds]))
        return notEvaluated("visibilityTimeoutSeconds, or a timeout of the worker");
      const needed = Math.max(Number(inactivity ?? 299), Number(visibility ?? 0));
      const given = Number(visibilityTimeoutSeconds ?? 30);
      return given >= needed
        ? []
        : [
            `visibilityTimeoutSeconds is ${String(given)}, the worker needs ${String(needed)}. Write ${String(needed)} or more.`,
          ];
    }),
});

export const workerQueue = defineRule({
  name: "worker-queue",
  types: [ENVIRONMENT],
  description: "A worker takes its tasks from a queue of this program",
  why: "Beanstalk would create a queue without encryption and dead letters",
  severity: "high",
  neighbours: true,
  check: (environment, stack) => {
    if (environment.inputs.tier !== "Worker") return [];
    const url = daemonOption(environment, "WorkerQueueURL");
    return demand(url, isOwnQueue(url, stack), "WorkerQueueURL", "the URL of the task queue");
  },
});

export const queuePolicyClosed = defineRule({
  name: "queue-policy-closed",
  types: [QUEUE_POLICY, "aws:sns/topicPolicy:TopicPolicy"],
  description: "The policy of a queue or topic allows no principal outside the account",
  why: "anyone could run tasks on the worker",
  severity: "critical",
  reference: "AWS FSBP SQS.3",
  neighbours: true,
  check: ({ inputs: { policy } }, stack) =>
    hasUnknown(policy)
      ? notEvaluated("policy")
      : statementsOf(policy)
          .filter((statement) => allowsOutsiders(statement, ownAccounts(stack)))
          .map(
            ({ Sid }) =>
              `Statement ${text(Sid)} lets principals outside the account in. Write roles of this account as Principal, or remove it.`,
          ),
});

export const queuePolicyApart = defineRule({
  name: "queue-policy-apart",
  types: [QUEUE, TOPIC],
  description: "The policy of a queue or topic is a separate resource",
  why: "two places would contradict each other, and no rule judges the inline one",
  severity: "high",
  check: ({ type, inputs }) =>
    inputs.policy === undefined
      ? []
      : [
          `The resource sets policy itself. Remove it and write a ${type === QUEUE ? "QueuePolicy" : "TopicPolicy"}.`,
        ],
});

/** The policies of a queue: by its URL, or by its ARN because the URL is unknown at the first preview. */
const policiesOf = (name: string, { once, ofType }: Stack): ResourceOf<typeof QUEUE_POLICY>[] => {
  const byName = once("policies by queue", () => {
    const named = ofType(QUEUE_POLICY).flatMap((policy) => {
      const document = policy.inputs.policy;
      const arns = hasUnknown(document)
        ? []
        : statementsOf(document).flatMap(({ Resource }) => strings(Resource));
      const names = new Set([policy.inputs.queueUrl, ...arns].map(lastPart));
      return [...names].map((queue) => ({ queue, policy }));
    });
    return groupBy(named, ({ queue }) => queue);
  });
  return (byName.get(name) ?? []).map(({ policy }) => policy);
};

/** True if a policy denies plain HTTP to everyone. A Deny with another condition, or a NotPrincipal, does not count. */
function deniesPlainHttp(document: unknown, name: string): boolean {
  const denials = statementsOf(document).filter(
    (statement) =>
      statement.Effect === "Deny" &&
      statement.NotPrincipal === undefined &&
      conditionsOf(statement).every(({ key }) => key === "aws:securetransport"),
  );
  const resource =
    denials.flatMap(({ Resource }) => strings(Resource)).find((arn) => arn.endsWith(`:${name}`)) ??
    `arn:aws:sqs:::${name}`;
  const context = { "aws:SecureTransport": "false" };
  return ["sqs:SendMessage", "sqs:ReceiveMessage", "sqs:DeleteMessage"].every((action) =>
    [{}, { arn: "arn:aws:iam::123456789012:role/x" }].every(
      (requester) =>
        judge(denials, { requester, action, resource, account: "", context }, true).decision === "deny",
    ),
  );
}

export const queueTlsOnly = defineRule({
  name: "queue-tls-only",
  types: [QUEUE],
  description: "The policy of a queue denies plain HTTP",
  why: "others on the network could read the tasks",
  severity: "high",
  neighbours: true,
  check: ({ inputs }, stack) => {
    const name = text(inputs.name);
    const policies = policiesOf(name, stack).map(({ inputs: { policy } }) => policy);
    if (policies.some(hasUnknown)) return notEvaluated("the queue's policy");
    // SQS keeps one policy: each one written replaces the one before, with its Deny statements.
    if (policies.length > 1) return ["The queue has several policies. Write one with all statements."];
    return policies.some((policy) => deniesPlainHttp(policy, name))
      ? []
      : [
          'No policy denies plain HTTP. Write a queue policy that denies sqs:* for "*" where aws:SecureTransport is false.',
        ];
  },
});

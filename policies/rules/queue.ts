import { judge, statementsOf } from "../iam/evaluate";
import {
  array,
  Context,
  demand,
  groupBy,
  hasUnknown,
  isUnknown,
  notEvaluated,
  object,
  Resource,
  Rule,
  rulesOf,
  text,
} from "../rule";
import { isOwnQueue } from "./beanstalk";
import { isOf, ownAccounts, reachesStrangers } from "./storage";

const QUEUE = "aws:sqs/queue:Queue";
const POLICY = "aws:sqs/queuePolicy:QueuePolicy";

const rule = rulesOf({ area: "queue", types: [QUEUE] });

export function redrive({ inputs }: Resource): Record<string, unknown> {
  try {
    return object(
      typeof inputs.redrivePolicy === "string" ? JSON.parse(inputs.redrivePolicy) : inputs.redrivePolicy,
    );
  } catch {
    return {};
  }
}

const targetOf = (queue: Resource) => text(redrive(queue).deadLetterTargetArn).split(":").pop() ?? "";

const queueNamed = (name: string, context: Context): Resource | undefined =>
  context
    .once("queues by name", () => groupBy(context.ofType(QUEUE), ({ inputs }) => text(inputs.name)))
    .get(name)?.[0];

/** A queue to which another one of the program moves what fails. */
const isDeadLetters = (queue: Resource, context: Context) =>
  context
    .once("dead-letter queues", () => new Set(context.ofType(QUEUE).map(targetOf)))
    .has(text(queue.inputs.name));

export const queueEncrypted = rule(
  "queue-encrypted",
  "Messages are encrypted at rest",
  "tasks carry data about people",
  ({ inputs }) =>
    text(inputs.kmsMasterKeyId) !== ""
      ? []
      : demand(
          inputs.sqsManagedSseEnabled,
          inputs.sqsManagedSseEnabled === true,
          "sqsManagedSseEnabled",
          "true",
        ),
  { reference: "AWS FSBP SQS.1" },
);

export const queueDeadLetters = rule(
  "queue-dead-letters",
  "A queue moves what fails to a dead-letter queue after 2 to 10 tries",
  "a bad task would be tried forever, or lost",
  (queue, context) => {
    if (isDeadLetters(queue, context) && workersOf(queue, context).length === 0) return [];
    if (isUnknown(queue.inputs.redrivePolicy)) return notEvaluated("redrivePolicy");
    const { deadLetterTargetArn, maxReceiveCount } = redrive(queue);
    const count = Number(maxReceiveCount);
    return [
      ...demand(
        deadLetterTargetArn,
        isOf(ownAccounts(context), deadLetterTargetArn),
        "deadLetterTargetArn",
        "the ARN of a dead-letter queue of this account",
      ),
      ...demand(maxReceiveCount, count >= 2 && count <= 10, "maxReceiveCount", "a number from 2 to 10"),
    ];
  },
  { neighbours: true },
);

export const queueDeadLettersRetention = rule(
  "queue-dead-letters-retention",
  "Dead letters are kept longer than messages of their queue",
  "a dead letter keeps its age and would be deleted before anyone looks",
  (queue, context) => {
    const target = targetOf(queue);
    const letters = queueNamed(target, context);
    const own = Number(queue.inputs.messageRetentionSeconds ?? 345600);
    const kept = Number(letters?.inputs.messageRetentionSeconds ?? 345600);
    if (hasUnknown([queue.inputs.messageRetentionSeconds, letters?.inputs.messageRetentionSeconds]))
      return notEvaluated("messageRetentionSeconds");
    if (target !== "" && letters === undefined)
      return [`The program has no queue ${target} for dead letters. Write one.`];
    return letters === undefined || kept > own
      ? []
      : [
          `Dead letters are kept for ${String(kept)} s, messages for ${String(own)} s. Write a greater messageRetentionSeconds for ${target}.`,
        ];
  },
  { neighbours: true },
);

const ENVIRONMENT = "aws:elasticbeanstalk/environment:Environment";

/** An option of the daemon that takes messages from a worker's queue. */
const daemonOption = ({ inputs }: Resource, wanted: string): unknown =>
  array(inputs.settings)
    .map(object)
    .find(({ namespace, name }) => namespace === "aws:elasticbeanstalk:sqsd" && name === wanted)?.value;

const workersOf = (queue: Resource, context: Context): Resource[] =>
  context
    .once("workers by queue", () =>
      groupBy(context.ofType(ENVIRONMENT), (worker) =>
        text(daemonOption(worker, "WorkerQueueURL")).split("/").pop(),
      ),
    )
    .get(text(queue.inputs.name)) ?? [];

export const queueVisibility = rule(
  "queue-visibility",
  "A message stays hidden for as long as the worker may need",
  "a running task would be started a second time",
  (queue, context) =>
    workersOf(queue, context).flatMap((worker) => {
      const timeouts = ["InactivityTimeout", "VisibilityTimeout"].map((name) => daemonOption(worker, name));
      if (hasUnknown([...timeouts, queue.inputs.visibilityTimeoutSeconds]))
        return notEvaluated("visibilityTimeoutSeconds, or the worker's timeouts");
      const needed = Math.max(Number(timeouts[0] ?? 299), Number(timeouts[1] ?? 0));
      const given = Number(queue.inputs.visibilityTimeoutSeconds ?? 30);
      return given >= needed
        ? []
        : [
            `visibilityTimeoutSeconds is ${String(given)}, the worker needs ${String(needed)}. Write ${String(needed)} or more.`,
          ];
    }),
  { neighbours: true },
);

export const workerQueue: Rule = {
  ...rule(
    "worker-queue",
    "A worker takes its tasks from a queue of this program",
    "Beanstalk would make a queue of its own, without encryption or dead letters",
    (environment, context) => {
      if (environment.inputs.tier !== "Worker") return [];
      const url = daemonOption(environment, "WorkerQueueURL");
      return demand(url, isOwnQueue(url, context), "WorkerQueueURL", "the URL of the task queue");
    },
    { neighbours: true },
  ),
  types: [ENVIRONMENT],
};

export const queuePolicyClosed = rule(
  "queue-policy-closed",
  "The policy of a queue or topic lets nobody outside the account in",
  "anyone could run tasks on the worker",
  ({ inputs }, context) => {
    if (hasUnknown(inputs.policy)) return notEvaluated("policy");
    const accounts = ownAccounts(context);
    return statementsOf(inputs.policy)
      .filter((one) => reachesStrangers(one, accounts))
      .map(
        (one) =>
          `Statement ${text(one.Sid)} lets principals outside the account in. Name roles of this account, or remove it.`,
      );
  },
  {
    types: [POLICY, "aws:sns/topicPolicy:TopicPolicy"],
    neighbours: true,
    severity: "critical",
    reference: "AWS FSBP SQS.3",
  },
);

export const queuePolicyApart: Rule = {
  ...rule(
    "queue-policy-apart",
    "The policy of a queue or topic is a resource of its own",
    "two places would say different things, and no rule judges the one inside",
    ({ inputs }) =>
      inputs.policy === undefined
        ? []
        : ["It sets policy itself. Remove it and write a QueuePolicy or TopicPolicy."],
  ),
  types: [QUEUE, "aws:sns/topic:Topic"],
};

/** The name at the end of a URL or an ARN. */
const lastName = (value: unknown) => /[^/:]*$/.exec(text(value))?.[0] ?? "";

/** Policies that are attached to a queue, or speak of it where the URL is not known yet. */
const policiesOf = (name: string, context: Context): Resource[] =>
  context
    .once("policies by queue", () => {
      const named = context.ofType(POLICY).flatMap((policy) => {
        const resources = hasUnknown(policy.inputs.policy)
          ? []
          : statementsOf(policy.inputs.policy).flatMap(({ Resource: arns }) => array(arns));
        const names = new Set([policy.inputs.queueUrl, ...resources].map(lastName));
        return [...names].map((queue) => ({ queue, policy }));
      });
      return groupBy(named, ({ queue }) => queue);
    })
    .get(name)
    ?.map(({ policy }) => policy) ?? [];

export const queueTlsOnly = rule(
  "queue-tls-only",
  "A queue refuses plain HTTP",
  "tasks would travel readable",
  (queue, context) => {
    const name = text(queue.inputs.name);
    const policies = policiesOf(name, context);
    if (policies.some(({ inputs }) => hasUnknown(inputs.policy))) return notEvaluated("the queue's policy");
    // SQS keeps one policy: the last one written replaces the others, their denials among them.
    if (policies.length > 1) return ["The queue has several policies. Write one with all statements."];
    const denied = policies.some(({ inputs }) => {
      // A condition on anything else, or a NotPrincipal, would be a way round.
      const statements = statementsOf(inputs.policy).filter(
        ({ Effect, NotPrincipal, Condition }) =>
          Effect === "Deny" &&
          NotPrincipal === undefined &&
          Object.values(object(Condition)).every((block) =>
            Object.keys(object(block)).every((key) => key.toLowerCase() === "aws:securetransport"),
          ),
      );
      const target =
        statements
          .flatMap(({ Resource: named }) => (Array.isArray(named) ? (named as unknown[]) : [named]))
          .map(text)
          .find((arn) => arn.endsWith(`:${name}`)) ?? `arn:aws:sqs:::${name}`;
      return ["sqs:SendMessage", "sqs:ReceiveMessage", "sqs:DeleteMessage"].every((action) =>
        [{}, { arn: "arn:aws:iam::123456789012:role/x" }].every(
          (requester) =>
            judge(
              statements,
              {
                requester,
                action,
                resource: target,
                account: "",
                context: { "aws:SecureTransport": "false" },
              },
              true,
            ).decision === "deny",
        ),
      );
    });
    return denied
      ? []
      : [
          'No policy refuses plain HTTP. Write a queue policy that denies sqs:* for "*" where aws:SecureTransport is false.',
        ];
  },
  { neighbours: true },
);

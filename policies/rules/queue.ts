import { judge, statementsOf } from "../iam/evaluate";
import { array, Context, demand, isUnknown, object, Resource, Rule, text } from "../rule";
import { ownAccounts, reachesStrangers } from "./storage";

const QUEUE = "aws:sqs/queue:Queue";
const POLICY = "aws:sqs/queuePolicy:QueuePolicy";

const rule = (
  name: string,
  description: string,
  why: string,
  check: Rule["check"],
  more: Partial<Rule> = {},
): Rule => ({
  name,
  area: "queue",
  description,
  why,
  severity: "high",
  level: "mandatory",
  types: [QUEUE],
  check,
  ...more,
});

export function redrive({ inputs }: Resource): Record<string, unknown> {
  try {
    return object(
      typeof inputs.redrivePolicy === "string" ? JSON.parse(inputs.redrivePolicy) : inputs.redrivePolicy,
    );
  } catch {
    return {};
  }
}

/** A queue to which another one of the program moves what fails. */
const isDeadLetters = (queue: Resource, context: Context) =>
  context
    .ofType(QUEUE)
    .some((other) => text(redrive(other).deadLetterTargetArn).split(":").pop() === text(queue.inputs.name));

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
    if (isDeadLetters(queue, context)) return [];
    if (isUnknown(queue.inputs.redrivePolicy))
      return demand(queue.inputs.redrivePolicy, false, "redrivePolicy", "");
    const { deadLetterTargetArn, maxReceiveCount } = redrive(queue);
    const count = Number(maxReceiveCount);
    return [
      ...demand(
        deadLetterTargetArn,
        text(deadLetterTargetArn).startsWith("arn:"),
        "deadLetterTargetArn",
        "the ARN of a dead-letter queue",
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
    const target = text(redrive(queue).deadLetterTargetArn).split(":").pop();
    const letters = context.ofType(QUEUE).find(({ inputs }) => target !== "" && inputs.name === target);
    const own = Number(queue.inputs.messageRetentionSeconds ?? 345600);
    const kept = Number(letters?.inputs.messageRetentionSeconds ?? 345600);
    if (target !== undefined && target !== "" && letters === undefined)
      return [`The program has no queue ${target} for dead letters. Write one.`];
    return letters === undefined || kept > own
      ? []
      : [
          `Dead letters are kept for ${String(kept)} s, messages for ${String(own)} s. Write a greater messageRetentionSeconds for ${target ?? ""}.`,
        ];
  },
  { neighbours: true },
);

export const queueVisibility = rule(
  "queue-visibility",
  "A message stays hidden for as long as the worker may need",
  "a running task would be started a second time",
  (queue, context) =>
    context.ofType("aws:elasticbeanstalk/environment:Environment").flatMap(({ inputs }) => {
      const options = new Map(
        (Array.isArray(inputs.settings) ? (inputs.settings as unknown[]) : [])
          .map(object)
          .filter(({ namespace }) => namespace === "aws:elasticbeanstalk:sqsd")
          .map((one) => [text(one.name), text(one.value)]),
      );
      if (options.get("WorkerQueueURL")?.endsWith(`/${text(queue.inputs.name)}`) !== true) return [];
      const needed = Math.max(
        Number(options.get("InactivityTimeout") ?? 299),
        Number(options.get("VisibilityTimeout") ?? 0),
      );
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
      const url = array(environment.inputs.settings)
        .map(object)
        .find(
          ({ namespace, name }) => namespace === "aws:elasticbeanstalk:sqsd" && name === "WorkerQueueURL",
        )?.value;
      const known = context.ofType(QUEUE).some(({ inputs }) => text(url).endsWith(`/${text(inputs.name)}`));
      return demand(url, known, "WorkerQueueURL", "the URL of the task queue");
    },
    { neighbours: true },
  ),
  types: ["aws:elasticbeanstalk/environment:Environment"],
};

export const queuePolicyClosed = rule(
  "queue-policy-closed",
  "The policy of a queue or topic lets nobody outside the account in",
  "anyone could run tasks on the worker",
  ({ inputs }, context) => {
    if (isUnknown(inputs.policy)) return demand(inputs.policy, false, "policy", "");
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

export const queueTlsOnly = rule(
  "queue-tls-only",
  "A queue refuses plain HTTP",
  "tasks would travel readable",
  (queue, context) => {
    const name = text(queue.inputs.name);
    const policies = context
      .ofType(POLICY)
      .filter(
        ({ inputs }) =>
          text(inputs.queueUrl).endsWith(`/${name}`) ||
          JSON.stringify(inputs.policy ?? "").includes(`:${name}\\"`) ||
          JSON.stringify(inputs.policy ?? "").includes(`:${name}"`),
      );
    if (policies.some(({ inputs }) => isUnknown(inputs.policy)))
      return demand("[unknown]", false, "the queue's policy", "");
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

import { Mutant, MutableStack } from "../mutant";

const POLICY = '{"Version":"2012-10-17","Statement":[]}';
const EVERYTHING =
  '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}}';
const set = (queue: string, property: string, value: unknown) => (stack: MutableStack) => {
  return stack.set("queue", queue, property, value);
};
const redrive = (change: object) => (stack: MutableStack) => {
  const policy = JSON.parse(stack.get("queue", "tasks").inputs.redrivePolicy as string) as object;
  stack.set("queue", "tasks", "redrivePolicy", JSON.stringify({ ...policy, ...change }));
};
const allow = (statement: object) => (stack: MutableStack) => {
  return stack.allow("queuePolicy", "tasks", { Action: "sqs:SendMessage", Resource: "*", ...statement });
};

/** Takes the KMS key of a queue, and sets SQS's own keys. */
const unencrypted = (name: string, sqsManagedSseEnabled: unknown): Mutant => [
  "queue-encrypted",
  (stack) =>
    stack
      .set("queue", name, "kmsMasterKeyId", undefined)
      .set("queue", name, "sqsManagedSseEnabled", sqsManagedSseEnabled),
];

export const queue: Mutant[] = [
  unencrypted("tasks", false),
  unencrypted("tasks", "false"),
  unencrypted("tasks-dead-letters", undefined),
  ["queue-dead-letters", set("tasks", "redrivePolicy", undefined)],
  ["queue-dead-letters", redrive({ maxReceiveCount: 1000 })],
  ["queue-dead-letters", redrive({ maxReceiveCount: 1 })],
  ["queue-dead-letters", redrive({ maxReceiveCount: undefined })],
  ["queue-dead-letters", redrive({ deadLetterTargetArn: "" })],
  [
    "queue-dead-letters",
    (stack) => {
      stack.set("queue", "tasks", "redrivePolicy", undefined);
      stack.set("queue", "tasks", "redriveAllowPolicy", '{"redrivePermission":"allowAll"}');
    },
  ],
  ["queue-dead-letters", set("tasks", "redrivePolicy", "[unknown]")],
  [
    "queue-dead-letters",
    redrive({ deadLetterTargetArn: "arn:aws:sqs:eu-central-1:999999999999:iaso-prod-tasks-dead-letters" }),
  ],
  [
    "queue-dead-letters",
    (stack) => {
      const name = stack.get("queue", "tasks").inputs.name as string;
      const policy = {
        deadLetterTargetArn: `arn:aws:sqs:eu-central-1:123456789012:${name}`,
        maxReceiveCount: 3,
      };
      stack.set("queue", "tasks", "redrivePolicy", undefined);
      stack.set("queue", "tasks-dead-letters", "redrivePolicy", JSON.stringify(policy));
    },
  ],
  ["queue-dead-letters-retention", set("tasks", "messageRetentionSeconds", "[unknown]")],
  ["queue-dead-letters-retention", set("tasks-dead-letters", "messageRetentionSeconds", 345600)],
  ["queue-dead-letters-retention", set("tasks-dead-letters", "messageRetentionSeconds", undefined)],
  [
    "queue-dead-letters-retention",
    redrive({ deadLetterTargetArn: "arn:aws:sqs:eu-central-1:123456789012:somewhere-else" }),
  ],
  ["queue-visibility", set("tasks", "visibilityTimeoutSeconds", 30)],
  ["queue-visibility", set("tasks", "visibilityTimeoutSeconds", undefined)],
  ["queue-visibility", set("tasks", "visibilityTimeoutSeconds", "[unknown]")],
  [
    "worker-queue",
    (stack) =>
      stack.option(
        "worker",
        "elasticbeanstalk:sqsd/WorkerQueueURL",
        `https://sqs.eu-central-1.amazonaws.com/999999999999/${stack.get("queue", "tasks").inputs.name as string}`,
      ),
  ],
  ["worker-queue", (stack) => stack.option("worker", "elasticbeanstalk:sqsd/WorkerQueueURL", undefined)],
  [
    "worker-queue",
    (stack) =>
      stack.option(
        "worker",
        "elasticbeanstalk:sqsd/WorkerQueueURL",
        "https://sqs.eu-central-1.amazonaws.com/123456789012/another",
      ),
  ],
  ["queue-policy-apart", set("tasks", "policy", EVERYTHING)],
  ["queue-policy-apart", (stack) => stack.set("topic", "alarms", "policy", EVERYTHING)],
  [
    "queue-tls-only",
    (stack) =>
      stack.add("aws:sqs/queuePolicy:QueuePolicy", "second", {
        queueUrl: stack.get("queuePolicy", "tasks").inputs.queueUrl,
        policy: POLICY,
      }),
  ],
  ["queue-tls-only", (stack) => stack.set("queuePolicy", "tasks", "policy", POLICY)],
  ["queue-tls-only", (stack) => stack.remove("queuePolicy", "tasks-dead-letters")],
  [
    "queue-tls-only",
    (stack) =>
      stack.statement("queuePolicy", "tasks", "DenyPlainHttp", (one) => ({
        ...one,
        Action: "sqs:SendMessage",
      })),
  ],
  [
    "queue-tls-only",
    (stack) =>
      stack.statement("queuePolicy", "tasks", "DenyPlainHttp", (one) => ({
        ...one,
        Condition: { ...one.Condition, StringNotEquals: { "aws:PrincipalTag/team": "ops" } },
      })),
  ],
  ["queue-policy-closed", allow({ Principal: "*" })],
  ["queue-policy-closed", allow({ Principal: { AWS: "*" }, Action: "sqs:*" })],
  ["queue-policy-closed", allow({ Principal: { AWS: "999999999999" } })],
  ["queue-policy-closed", allow({ Principal: { Service: "sns.amazonaws.com" } })],
  [
    "queue-policy-closed",
    allow({ Principal: "*", Condition: { ArnLike: { "aws:SourceArn": "arn:aws:sns:*:*:iaso" } } }),
  ],
  [
    "queue-policy-closed",
    (stack) => stack.allow("topicPolicy", "alarms", { Principal: "*", Action: "sns:Publish", Resource: "*" }),
  ],
];

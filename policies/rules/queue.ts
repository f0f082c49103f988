import { judge, statementsOf } from "../iam/evaluate";
import { demand, isUnknown, object, Resource, Rule, text } from "../rule";
import { reachesStrangers } from "./storage";

const QUEUE = "aws:sqs/queue:Queue";
const POLICY = "aws:sqs/queuePolicy:QueuePolicy";

const rule = (name: string, description: string, why: string, check: Rule["check"], more: Partial<Rule> = {}): Rule => ({
  name, area: "queue", description, why, severity: "high", level: "mandatory", types: [QUEUE], check, ...more,
}); // prettier-ignore

export function redrive({ inputs }: Resource): Record<string, unknown> {
  try {
    return object(
      typeof inputs.redrivePolicy === "string" ? JSON.parse(inputs.redrivePolicy) : inputs.redrivePolicy,
    );
  } catch {
    return {};
  }
}

const isDeadLetters = ({ inputs }: Resource) =>
  text(inputs.name).includes("dead-letters") || inputs.redriveAllowPolicy !== undefined;

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
  (queue) => {
    if (isDeadLetters(queue)) return [];
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

export const queuePolicyClosed = rule(
  "queue-policy-closed",
  "A queue's policy lets nobody outside the account in",
  "anyone could run tasks on the worker",
  ({ inputs }, context) => {
    if (isUnknown(inputs.policy)) return demand(inputs.policy, false, "policy", "");
    const accounts = context
      .ofType("pulumi:providers:aws")
      .flatMap(
        ({ inputs: provider }) => JSON.stringify(provider.allowedAccountIds ?? "").match(/\d{12}/g) ?? [],
      );
    return statementsOf(inputs.policy)
      .filter((one) => reachesStrangers(one, accounts))
      .map(
        (one) =>
          `Statement ${text(one.Sid)} lets principals outside the account in. Name roles of this account, or remove it.`,
      );
  },
  { types: [POLICY], neighbours: true, severity: "critical", reference: "AWS FSBP SQS.3" },
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
      const statements = statementsOf(inputs.policy);
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

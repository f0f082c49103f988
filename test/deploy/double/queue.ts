import { type Time } from "./clocks";
import { AwsFault, itemsOf, type Xml } from "./protocol";

export const QUEUE_ARN = "arn:aws:sqs:eu-central-1:123456789012:iaso-staging-tasks";

/** The policy that the Pulumi program gives to the queue. */
export const QUEUE_POLICY = JSON.stringify({
  Version: "2012-10-17",
  Statement: [
    {
      Sid: "DenyPlainHttp",
      Effect: "Deny",
      Principal: "*",
      Action: "sqs:*",
      Resource: QUEUE_ARN,
      Condition: { Bool: { "aws:SecureTransport": "false" } },
    },
  ],
});

interface Statement {
  Effect?: string;
  Principal?: unknown;
  Action?: string | string[];
  Resource?: string;
}

/** The queue of background tasks, as far as its policy and numbers of messages go. */
export class Queue {
  policy: string;
  /** Messages that wait to be received, and the times until which those in flight are hidden. */
  waiting = 0;
  inFlight: number[] = [];
  /** Milliseconds until a change of the policy takes effect: at most 60 seconds. */
  delay = (): number => 0;
  private readonly history: { at: number; policy: string }[] = [];

  /** @param original the policy before any change */
  constructor(
    private readonly time: Time,
    private readonly arn = QUEUE_ARN,
    private readonly original = QUEUE_POLICY,
  ) {
    this.policy = original;
  }

  /** True if the worker can receive messages at the double's time. */
  get isOpen(): boolean {
    const { now } = this.time;
    const { policy } = this.history.findLast(({ at }) => at <= now) ?? { policy: this.original };
    return !statementsOf(policy).some(
      ({ Action, Condition, Effect }: Statement & { Condition?: unknown }) =>
        Effect === "Deny" &&
        Condition === undefined &&
        [Action].flat().some((one) => one === "sqs:ReceiveMessage"),
    );
  }

  /** @throws AwsFault as SQS does */
  setAttributes(form: URLSearchParams): Xml {
    const policy = form.get("Attributes.Policy");
    if (policy === null)
      throw new AwsFault("InvalidAttributeName", "The double knows the attribute Policy only.");
    if (policy !== "") {
      const statements = statementsOf(policy);
      const valid = statements.every(
        ({ Action, Effect, Principal, Resource }) =>
          Action !== undefined && Effect !== undefined && Principal !== undefined && Resource === this.arn,
      );
      if (statements.length === 0 || !valid) {
        throw new AwsFault("InvalidAttributeValue", "Invalid value for the parameter Policy.");
      }
    }
    this.policy = policy;
    this.history.push({ at: this.time.now + this.delay(), policy });
    return {};
  }

  getAttributes(form: URLSearchParams, inFlight: () => number): Xml {
    const all: Record<string, () => string> = {
      ApproximateNumberOfMessages: () => String(this.waiting),
      ApproximateNumberOfMessagesDelayed: () => "0",
      ApproximateNumberOfMessagesNotVisible: () => String(inFlight() + this.inFlight.length),
      Policy: () => this.policy,
      QueueArn: () => this.arn,
    };
    const names = itemsOf(form, "AttributeNames");
    return {
      Attributes: Object.fromEntries(
        names.flatMap((name) => {
          const value = all[name]?.() ?? "";
          // SQS leaves out a policy that is empty.
          return value === "" ? [] : [[name, value]];
        }),
      ),
    };
  }
}

function statementsOf(policy: string): Statement[] {
  if (policy === "") return [];
  try {
    return [(JSON.parse(policy) as { Statement?: Statement | Statement[] }).Statement ?? []].flat();
  } catch {
    throw new AwsFault("InvalidAttributeValue", "Invalid value for the parameter Policy.");
  }
}

import { GetQueueAttributesCommand, SetQueueAttributesCommand } from "@aws-sdk/client-sqs";
import { z } from "zod";
import { type LockedSession, type Session } from "../session";

/** Begins the id of the statement that the deploy tool adds to the queue's policy. The number of the run follows. */
const SID = "ClosedForMaintenance";

const statementSchema = z.looseObject({ Sid: z.string().optional() });
/** A policy can have one statement without a list. */
const policySchema = z.looseObject({
  Statement: z.union([z.array(statementSchema), statementSchema.transform((one) => [one])]).default([]),
});

interface QueuePolicy {
  arn: string;
  /** Empty if the queue has no policy. */
  text: string;
  statements: z.infer<typeof statementSchema>[];
}

async function readPolicy({ clients, target }: Session): Promise<QueuePolicy> {
  const { Attributes } = await clients.sqs.send(
    new GetQueueAttributesCommand({ QueueUrl: target.queueUrl, AttributeNames: ["Policy", "QueueArn"] }),
  );
  const { Policy: text = "", QueueArn: arn = "" } = Attributes ?? {};
  return { arn, text, statements: statementsIn(text) };
}

/** The policy of the queue as SQS has it; empty if there is none. */
export async function queuePolicy(session: Session): Promise<string> {
  return (await readPolicy(session)).text;
}

const isClosedBy = ({ statements }: QueuePolicy, run: number): boolean =>
  statements.some(({ Sid }) => Sid === `${SID}${run}`);

/** True if the worker gets no tasks, and has got none since this run closed the queue. */
export async function isQueueClosed(session: Session, run: number): Promise<boolean> {
  return isClosedBy(await readPolicy(session), run);
}

/**
 * Denies everyone to receive messages of the queue, so that the worker takes no new task. Messages stay in the queue,
 * and new ones are accepted. Tasks that run end as usual.
 */
export async function closeQueue(session: LockedSession, run: number): Promise<void> {
  const policy = await readPolicy(session);
  if (isClosedBy(policy, run)) return;
  const deny = {
    Sid: `${SID}${run}`,
    Effect: "Deny",
    Principal: "*",
    Action: "sqs:ReceiveMessage",
    Resource: policy.arn,
  };
  await write(session, withStatements(policy.text, [...policy.statements, deny]));
}

/**
 * Lets the worker receive messages again. Returns false if the queue was open.
 *
 * @param original the text of the policy before it was closed, which the queue gets again if nobody changed it since
 */
export async function openQueue(session: LockedSession, original?: string): Promise<boolean> {
  const { statements, text } = await readPolicy(session);
  const others = statements.filter(({ Sid }) => Sid?.startsWith(SID) !== true);
  if (others.length === statements.length) return false;
  const opened = withStatements(text, others);
  const isUnchanged = original !== undefined && withStatements(original, statementsIn(original)) === opened;
  await write(session, isUnchanged ? original : opened);
  return true;
}

const statementsIn = (text: string): QueuePolicy["statements"] =>
  policySchema.parse(text === "" ? {} : JSON.parse(text)).Statement;

/** A policy with other statements. SQS refuses one without a statement; an empty text removes the policy. */
function withStatements(text: string, statements: QueuePolicy["statements"]): string {
  if (statements.length === 0) return "";
  const others = text === "" ? { Version: "2012-10-17" } : (JSON.parse(text) as object);
  return JSON.stringify({ ...others, Statement: statements });
}

async function write(session: LockedSession, Policy: string): Promise<void> {
  await session.lock.renew();
  await session.clients.sqs.send(
    new SetQueueAttributesCommand({ QueueUrl: session.target.queueUrl, Attributes: { Policy } }),
  );
}

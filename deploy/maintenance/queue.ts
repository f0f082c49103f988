import { GetQueueAttributesCommand, SetQueueAttributesCommand } from "@aws-sdk/client-sqs";
import { z } from "zod";
import { type LockedSession, type Session } from "../session";

/** Begins the id of the statement that the deploy tool adds to the queue's policy. The number of the run follows. */
const SID = "ClosedForMaintenance";

const policySchema = z.looseObject({
  Version: z.string().default("2012-10-17"),
  Statement: z.array(z.looseObject({ Sid: z.string().optional() })).default([]),
});

interface QueuePolicy {
  arn: string;
  document: z.infer<typeof policySchema>;
}

async function readPolicy({ clients, target }: Session): Promise<QueuePolicy> {
  const { Attributes } = await clients.sqs.send(
    new GetQueueAttributesCommand({ QueueUrl: target.queueUrl, AttributeNames: ["Policy", "QueueArn"] }),
  );
  const { Policy = "", QueueArn = "" } = Attributes ?? {};
  return { arn: QueueArn, document: policySchema.parse(Policy === "" ? {} : JSON.parse(Policy)) };
}

const isClosedBy = ({ document }: QueuePolicy, run: number): boolean =>
  document.Statement.some(({ Sid }) => Sid === `${SID}${run}`);

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
  const { arn, document } = policy;
  const deny = {
    Sid: `${SID}${run}`,
    Effect: "Deny",
    Principal: "*",
    Action: "sqs:ReceiveMessage",
    Resource: arn,
  };
  await write(session, { ...document, Statement: [...document.Statement, deny] });
}

/** Lets the worker receive messages again. Returns false if the queue was open. */
export async function openQueue(session: LockedSession): Promise<boolean> {
  const { document } = await readPolicy(session);
  const others = document.Statement.filter(({ Sid }) => Sid?.startsWith(SID) !== true);
  if (others.length === document.Statement.length) return false;
  await write(session, { ...document, Statement: others });
  return true;
}

async function write(session: LockedSession, document: QueuePolicy["document"]): Promise<void> {
  await session.lock.renew();
  await session.clients.sqs.send(
    new SetQueueAttributesCommand({
      QueueUrl: session.target.queueUrl,
      // SQS refuses a policy without a statement; an empty text removes the policy.
      Attributes: { Policy: document.Statement.length === 0 ? "" : JSON.stringify(document) },
    }),
  );
}

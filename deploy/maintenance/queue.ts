import { GetQueueAttributesCommand, SetQueueAttributesCommand } from "@aws-sdk/client-sqs";
import { z } from "zod";
import { type LockedSession, type Session } from "../session";

/** The id of the statement that the deploy tool adds to the queue's policy. */
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

const isClosed = ({ document }: QueuePolicy): boolean => document.Statement.some(({ Sid }) => Sid === SID);

/** True if the worker gets no tasks. */
export async function isQueueClosed(session: Session): Promise<boolean> {
  return isClosed(await readPolicy(session));
}

/**
 * Denies everyone to receive messages of the queue, so that the worker takes no new task. Messages stay in the queue,
 * and new ones are accepted. Tasks that run end as usual.
 */
export async function closeQueue(session: LockedSession): Promise<void> {
  const policy = await readPolicy(session);
  if (isClosed(policy)) return;
  const { arn, document } = policy;
  const deny = { Sid: SID, Effect: "Deny", Principal: "*", Action: "sqs:ReceiveMessage", Resource: arn };
  await write(session, { ...document, Statement: [...document.Statement, deny] });
}

/** Lets the worker receive messages again. Returns false if the queue was open. */
export async function openQueue(session: LockedSession): Promise<boolean> {
  const policy = await readPolicy(session);
  if (!isClosed(policy)) return false;
  const { document } = policy;
  await write(session, { ...document, Statement: document.Statement.filter(({ Sid }) => Sid !== SID) });
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

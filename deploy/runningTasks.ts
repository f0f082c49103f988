import { GetQueueAttributesCommand } from "@aws-sdk/client-sqs";
import { GetParameterCommand } from "@aws-sdk/client-ssm";
import { z } from "zod";
import { errorName } from "../cli/awsErrors";
import { formatDuration } from "./clock";
import { type LockedSession } from "./session";
import { UserError } from "../cli/userError";

/** What to do about background tasks that run: wait for their end, refuse to deploy, or go on regardless. */
export const TASK_POLICIES = ["wait", "refuse", "go"] as const;
export type TaskPolicy = (typeof TASK_POLICIES)[number];

/** Milliseconds between looks at the queue. */
const POLL = 15_000;
/** Milliseconds for Iaso to name its tasks. */
const API_TIMEOUT = 10_000;

const answer = z.object({
  tasks: z.array(
    z.object({
      id: z.number(),
      name: z.string(),
      started_at: z.union([z.number(), z.string()]).nullish(),
    }),
  ),
});

/**
 * Looks at the background tasks before the worker is replaced. A task that is cut off stays RUNNING in Iaso for
 * ever: its message comes back to the queue, and Iaso only begins tasks that are QUEUED.
 *
 * The queue tells how many run: messages a worker has taken and not yet answered. Iaso tells their names, where
 * the SSM parameter DEPLOY_API_TOKEN lets us ask.
 * @throws UserError where tasks run and the policy does not let them be cut off.
 */
export async function settleRunningTasks(
  session: LockedSession,
  policy: TaskPolicy,
  log: (line: string) => void,
): Promise<void> {
  const { clock, env, limits } = session;
  const deadline = clock.now() + limits.tasks;
  let said = "";
  for (;;) {
    session.lease.requireNotLost();
    const count = await countRunning(session);
    if (count === 0) return;
    const names = await nameRunning(session);
    const tasks = `${count} background ${count === 1 ? "task runs" : "tasks run"}${names}`;
    if (policy === "go") {
      session.progress.warn(`${tasks}. They are cut off and stay RUNNING in Iaso for ever.`);
      return;
    }
    const over = clock.now() >= deadline;
    if (policy === "refuse" || over || session.interrupted()) {
      const waited = policy === "wait" && over ? ` after ${formatDuration(limits.tasks)}` : "";
      throw new UserError(
        `${tasks}${waited}. A deployment would cut them off.`,
        `Deploy to ${env} later, wait longer (--tasks-timeout 1h), or cut them off: --running-tasks go`,
      );
    }
    if (tasks !== said) log(`Waiting: ${tasks}`);
    said = tasks;
    await clock.sleep(POLL);
  }
}

async function countRunning({ clients, target }: LockedSession): Promise<number> {
  const { Attributes } = await clients.sqs.send(
    new GetQueueAttributesCommand({
      QueueUrl: target.queueUrl,
      AttributeNames: ["ApproximateNumberOfMessagesNotVisible"],
    }),
  );
  return Number(Attributes?.ApproximateNumberOfMessagesNotVisible ?? 0);
}

/** ": name (id), ..." as far as Iaso tells; names help, but no deployment depends on them. */
async function nameRunning(session: LockedSession): Promise<string> {
  try {
    const token = await readToken(session);
    if (token === undefined) return "";
    session.progress.hide(token);
    const url = new URL("/api/tasks/?status=RUNNING", session.target.webUrl);
    const response = await fetch(url, {
      headers: { authorization: `Bearer ${token}`, accept: "application/json" },
      signal: AbortSignal.timeout(API_TIMEOUT),
    });
    if (!response.ok) return ` (Iaso did not name them: HTTP ${response.status})`;
    const { tasks } = answer.parse(await response.json());
    if (tasks.length === 0) return "";
    return `: ${tasks.map(({ id, name }) => `${name} (task ${id})`).join(", ")}`;
  } catch {
    return " (Iaso did not name them)";
  }
}

async function readToken({ clients, env }: LockedSession): Promise<string | undefined> {
  try {
    const { Parameter } = await clients.ssm.send(
      new GetParameterCommand({ Name: `/iaso/${env}/secrets/DEPLOY_API_TOKEN`, WithDecryption: true }),
    );
    return Parameter?.Value;
  } catch (error) {
    if (errorName(error) === "ParameterNotFound") return undefined;
    throw error;
  }
}

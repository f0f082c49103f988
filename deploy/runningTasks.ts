import { GetQueueAttributesCommand } from "@aws-sdk/client-sqs";
import { GetParameterCommand } from "@aws-sdk/client-ssm";
import { z } from "zod";
import { errorName } from "../cli/awsErrors";
import { secretParameterName } from "../components/common/secretParameter";
import { formatDuration } from "../coordination/clock";
import { webHostOf } from "../settings/stackFile";
import { type LockedSession } from "./session";
import { UserError } from "../cli/userError";

/** How a deployment treats running background tasks: wait until they end, refuse to deploy, or interrupt them. */
export const TASK_POLICIES = ["wait", "refuse", "interrupt"] as const;
export type TaskPolicy = (typeof TASK_POLICIES)[number];

/** Milliseconds between polls of the queue. */
const POLL = 15_000;
/** Time limit of a request to Iaso's API, in milliseconds. */
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
 * Checks the background tasks before the worker is replaced. An interrupted task stays RUNNING in Iaso forever: its
 * message returns to the queue, but Iaso starts only tasks that are QUEUED.
 *
 * The number of running tasks is the number of messages in flight in the queue. Their names come from Iaso's API, if
 * the SSM parameter DEPLOY_API_TOKEN has a token for it.
 *
 * @throws UserError if tasks run and the policy does not allow to interrupt them
 */
export async function checkRunningTasks(
  session: LockedSession,
  policy: TaskPolicy,
  log: (line: string) => void,
): Promise<void> {
  const { clock, env, limits } = session;
  const deadline = clock.now() + limits.tasks;
  let logged = "";
  for (;;) {
    session.lock.requireHeld();
    const count = await countRunning(session);
    if (count === 0) return;
    const names = await nameRunning(session);
    const tasks = `${count} background ${count === 1 ? "task runs" : "tasks run"}${names}`;
    if (policy === "interrupt") {
      session.progress.warn(`${tasks}. They are interrupted and stay RUNNING in Iaso forever.`);
      return;
    }
    const isOver = clock.now() >= deadline;
    if (policy === "refuse" || isOver || session.interrupted()) {
      const waited = policy === "wait" && isOver ? ` after ${formatDuration(limits.tasks)}` : "";
      throw new UserError(
        `${tasks}${waited}. A deployment would interrupt them.`,
        `Deploy to ${env} later, wait longer (--tasks-timeout 1h), or interrupt them (--running-tasks interrupt)`,
      );
    }
    if (tasks !== logged) log(`Waiting: ${tasks}`);
    logged = tasks;
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

/** The names as ": name (id), ..."; empty or a note if Iaso does not return them, which is no error. */
async function nameRunning(session: LockedSession): Promise<string> {
  try {
    const token = await readToken(session);
    if (token === undefined) return "";
    session.progress.hide(token);
    const url = new URL("/api/tasks/?status=RUNNING", session.target.webUrl);
    if (!isOwn(url, session.env)) return ` (${url.host} is not webHost of Pulumi.${session.env}.yaml)`;
    const response = await fetch(url, {
      headers: { authorization: `Bearer ${token}`, accept: "application/json" },
      signal: AbortSignal.timeout(API_TIMEOUT),
    });
    if (!response.ok) return ` (Iaso did not return their names: HTTP ${response.status})`;
    const { tasks } = answer.parse(await response.json());
    if (tasks.length === 0) return "";
    return `: ${tasks.map(({ id, name }) => `${name} (task ${id})`).join(", ")}`;
  } catch {
    return " (Iaso did not return their names)";
  }
}

/**
 * True for the address of the stack's Iaso. The role that updates the infrastructure writes the address in the SSM parameter,
 * and may not read the token. A server on this machine is the user's.
 */
function isOwn({ hostname, protocol }: URL, env: string): boolean {
  return hostname === "127.0.0.1" || (protocol === "https:" && hostname === webHostOf(env));
}

async function readToken({ clients, env }: LockedSession): Promise<string | undefined> {
  try {
    const { Parameter } = await clients.ssm.send(
      new GetParameterCommand({ Name: secretParameterName(env, "DEPLOY_API_TOKEN"), WithDecryption: true }),
    );
    return Parameter?.Value;
  } catch (error) {
    if (errorName(error) === "ParameterNotFound") return undefined;
    throw error;
  }
}

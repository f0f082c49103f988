import { GetQueueAttributesCommand, type QueueAttributeName } from "@aws-sdk/client-sqs";
import { UserError } from "../../cli/userError";
import { formatDuration } from "../../coordination/clock";
import { type LockedSession } from "./session";

/** Milliseconds between two looks at the queue. */
const POLL = 15_000;
/** Looks in a row that find no task: the numbers of SQS are estimates. */
const LOOKS = 2;

const RUNNING: QueueAttributeName = "ApproximateNumberOfMessagesNotVisible";
const WAITING: readonly QueueAttributeName[] = [
  "ApproximateNumberOfMessages",
  "ApproximateNumberOfMessagesDelayed",
];

/**
 * Waits until the queue has no task that runs and, if the worker still takes tasks, none that waits.
 *
 * @param args.leave goes on although tasks are left; says which
 * @throws UserError if tasks are left at the end of the time limit
 */
export async function awaitTasks(
  session: LockedSession,
  args: { isOpen: boolean; leave: boolean; log: (line: string) => void },
): Promise<void> {
  const { clock, limits, lock, progress, stack } = session;
  const deadline = clock.now() + limits.tasks;
  let [none, logged] = [0, ""];
  for (;;) {
    lock.requireHeld();
    const { running, waiting } = await countTasks(session);
    const left = running + (args.isOpen ? waiting : 0);
    none = left === 0 ? none + 1 : 0;
    if (none === LOOKS) return;
    const tasks = `${running} tasks run and ${waiting} wait in the queue of the existing Iaso`;
    if (left > 0 && args.leave) {
      progress.warn(
        `${tasks}. Those that run lose what they write from now on, and none of them is done again.`,
      );
      return;
    }
    const isOver = clock.now() >= deadline;
    if (left > 0 && (isOver || session.interrupted())) {
      throw new UserError(
        `${tasks}${isOver ? ` after ${formatDuration(limits.tasks)}` : ""}.`,
        `Wait on, with the same command; leave them behind: npm run move -- cutover ${stack} --leave-tasks`,
      );
    }
    if (left > 0 && tasks !== logged) args.log(`Waiting: ${tasks}`);
    logged = tasks;
    await clock.sleep(POLL);
  }
}

/** The numbers of tasks that run, and that wait. */
export async function countTasks({
  clients,
  target,
}: Pick<LockedSession, "clients" | "target">): Promise<{ running: number; waiting: number }> {
  const { Attributes = {} } = await clients.sqs.send(
    new GetQueueAttributesCommand({ QueueUrl: target.queueUrl, AttributeNames: [RUNNING, ...WAITING] }),
  );
  return {
    running: Number(Attributes[RUNNING] ?? 0),
    waiting: WAITING.reduce((sum, name) => sum + Number(Attributes[name] ?? 0), 0),
  };
}

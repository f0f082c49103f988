import { type Pair } from "../pair/find";
import { type LockedSession } from "../session";
import { closeSite, findListener, isSiteClosed, type Listener, openSite } from "./listener";
import { closeQueue, isQueueClosed, openQueue } from "./queue";

/** Gives all users the maintenance page, and the worker no more tasks. Repeating it does only what is missing. */
export async function close(session: LockedSession, listener: Listener, run: number): Promise<void> {
  await closeSite(session, listener);
  await closeQueue(session, run);
}

/**
 * True if the maintenance page is still shown and the worker gets no tasks since this run closed both. `pulumi up` resets the queue's policy, and
 * AWS does not say whether Beanstalk keeps rules of others on its listeners.
 */
export async function isClosed(session: LockedSession, listener: Listener, run: number): Promise<boolean> {
  return (await isSiteClosed(session, listener)) && (await isQueueClosed(session, run));
}

/**
 * Opens the site, and lets the worker take tasks.
 *
 * @returns the time at which the site was opened, in milliseconds since 1970
 */
export function open(session: LockedSession, pair: Pair): Promise<number> {
  return openUntilSettled(session, async () => {
    const site = await openSite(session, await findListener(session, pair));
    return (await openQueue(session)) || site;
  });
}

/**
 * Opens what was closed. Then looks again for as long as a request to close may take effect late, if its answer was lost.
 *
 * @param openAll opens what is closed; returns false if nothing was
 * @returns the time at which it was opened, in milliseconds since 1970
 */
export async function openUntilSettled(
  { clock, limits }: Pick<LockedSession, "clock" | "limits">,
  openAll: () => Promise<boolean>,
): Promise<number> {
  let openedAt: number | undefined;
  for (;;) {
    const wasClosed = await openAll();
    if (!wasClosed && openedAt !== undefined) return openedAt;
    openedAt ??= clock.now();
    await clock.sleep(limits.consistency);
  }
}

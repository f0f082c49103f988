import { describeError } from "../../cli/awsErrors";
import { type Journal, type Phase } from "../coordination/journal";
import { type LockedSession } from "../session";
import { bringTo } from "./reconcile";
import { type Pair, ROLES } from "./find";
import { type PairLook } from "./state";
import { requestUpdates, watchUpdates } from "./update";

export type SwitchResult =
  | { outcome: "switched"; look: PairLook }
  /** Both are verified to run the previous version again. */
  | { outcome: "returned"; look: PairLook; causes: string[] }
  /** They could not be brought to one version. */
  | { outcome: "split"; look: PairLook | undefined; causes: string[]; problems: string[] };

/**
 * Moves the pair from one version to another, or not at all: both environments at the same time, one verdict on
 * both, and back to the previous version with both where either fails.
 *
 * Each intention is in the journal before it is acted upon. Where this function throws, the journal is open and
 * `repair` ends what was begun.
 */
export async function switchPair(
  session: LockedSession,
  journal: Journal,
  pair: Pair,
  from: string,
  to: string,
): Promise<SwitchResult> {
  await journal.write("switching");
  const causes = await session.progress.step(`Update web and worker to ${to}`, async () => {
    const requests = await requestUpdates(session, pair, ROLES, to);
    const verdict = await watchUpdates(session, pair, {
      version: to,
      requests,
      healthy: true,
      interruptible: true,
    });
    if (!verdict.ok) return { causes: verdict.causes, unclear: requests.some(({ unclear }) => unclear) };
    return { causes: [], look: verdict.look, unclear: false };
  });
  if (causes.look !== undefined) {
    await conclude(session, journal, "succeeded");
    return { outcome: "switched", look: causes.look };
  }
  for (const cause of causes.causes) session.progress.warn(cause);
  const settledAt = causes.unclear ? session.clock.now() + session.limits.settle : 0;
  return returnPair(session, journal, pair, from, causes.causes, settledAt);
}

async function returnPair(
  session: LockedSession,
  journal: Journal,
  pair: Pair,
  from: string,
  causes: string[],
  settledAt: number,
): Promise<SwitchResult> {
  // The record already says that the pair is between `from` and `to`; the way back is not given up for a note.
  await conclude(session, journal, "returning", causes.join(" "));
  const back = await session.progress.step(`Bring web and worker back to ${from}`, () =>
    bringTo(session, pair, from, { settledAt, wrongWay: true }),
  );
  if (!back.verified || back.look === undefined) {
    await conclude(session, journal, "split", back.problems.join(" "));
    return { outcome: "split", look: back.look, causes, problems: back.problems };
  }
  await conclude(session, journal, "returned");
  return { outcome: "returned", look: back.look, causes };
}

/** Notes a phase that changes nothing in what repair would do; that the note failed is said, and not fatal. */
export async function conclude(
  session: LockedSession,
  journal: Journal,
  phase: Phase,
  detail?: string,
): Promise<void> {
  try {
    await journal.write(phase, {}, detail);
  } catch (error) {
    session.progress.warn(`The journal could not be written: ${describeError(error)}`);
  }
}

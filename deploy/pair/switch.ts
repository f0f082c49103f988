import { describeError } from "../../cli/awsErrors";
import { type Journal } from "../../coordination/journal";
import { type DeploymentRecord, type Phase } from "../record";
import { type LockedSession } from "../session";
import { type Pair, ROLES } from "./find";
import { healthOf } from "./health";
import { reconcile } from "./reconcile";
import { describePair, type PairState } from "./state";
import { requestUpdates, watchUpdates } from "./update";

export type SwitchResult =
  | { outcome: "switched"; state: PairState }
  /** Both environments are verified to run the previous version again. */
  | { outcome: "rolledBack"; state: PairState; causes: string[] }
  /** The rollback failed too: the environments run different versions. */
  | { outcome: "mixedVersions"; state: PairState | undefined; causes: string[]; problems: string[] };

/**
 * Switches both environments to another version, or neither: updates both at the same time, judges them together,
 * and rolls both back if one fails or its health is worse than before.
 *
 * The journal records each step before it is done. If this function throws, the journal stays unfinished and
 * `repair` completes the work.
 */
export async function switchPair(
  session: LockedSession,
  journal: Journal<DeploymentRecord>,
  pair: Pair,
  from: string,
  to: string,
): Promise<SwitchResult> {
  const healthBefore = healthOf(await describePair(session.clients.beanstalk, pair));
  await journal.write("switching", { healthBefore });
  const update = await session.progress.step(`Update web and worker to ${to}`, async () => {
    const requests = await requestUpdates(session, pair, ROLES, to);
    const args = { version: to, requests, healthBefore, interruptible: true };
    const result = await watchUpdates(session, pair, args);
    return { result, unclear: requests.some(({ unclear }) => unclear) };
  });
  if (update.result.ok) {
    await writePhase(session, journal, "succeeded");
    return { outcome: "switched", state: update.result.state };
  }
  const { causes } = update.result;
  for (const cause of causes) session.progress.warn(cause);
  const settledAt = update.unclear ? session.clock.now() + session.limits.consistency : 0;
  return rollBackPair(session, journal, pair, from, causes, settledAt);
}

async function rollBackPair(
  session: LockedSession,
  journal: Journal<DeploymentRecord>,
  pair: Pair,
  from: string,
  causes: string[],
  settledAt: number,
): Promise<SwitchResult> {
  await writePhase(session, journal, "rollingBack", causes.join(" "));
  const rollback = await session.progress.step(`Roll web and worker back to ${from}`, () =>
    reconcile(session, pair, from, { settledAt, abortUpdates: true }),
  );
  if (!rollback.verified || rollback.state === undefined) {
    await writePhase(session, journal, "mixedVersions", rollback.problems.join(" "));
    return { outcome: "mixedVersions", state: rollback.state, causes, problems: rollback.problems };
  }
  await writePhase(session, journal, "rolledBack");
  return { outcome: "rolledBack", state: rollback.state, causes };
}

/**
 * Writes a phase that does not change what `repair` would do. A failure is only a warning: the journal already says
 * that the pair may be between two versions.
 */
async function writePhase(
  session: LockedSession,
  journal: Journal<DeploymentRecord>,
  phase: Phase,
  detail?: string,
): Promise<void> {
  try {
    await journal.write(phase, {}, detail);
  } catch (error) {
    session.progress.warn(`Could not write the journal: ${describeError(error)}`);
  }
}

import { AbortEnvironmentUpdateCommand } from "@aws-sdk/client-elastic-beanstalk";
import { describeError } from "../../cli/awsErrors";
import { type LockedSession } from "../session";
import { awaitHealth } from "./awaitHealth";
import { type Pair, type Role, ROLES } from "./find";
import { deviations, lookAtPair, type PairLook } from "./state";
import { requestUpdates, watchUpdates } from "./update";

/** Times that an environment is asked to take the version before a person has to act. */
const ATTEMPTS = 3;
/** Looks in a row at which both environments have to be on the version. */
const GOOD_LOOKS = 2;

export interface BroughtTo {
  /** Whether both environments were seen to run the version on every instance. */
  verified: boolean;
  /** The last look at the pair; undefined where AWS gave none. */
  look: PairLook | undefined;
  problems: string[];
}

/** What the caller knows of what went before. */
export interface Known {
  /** The time before which a request without an answer may still take effect. */
  settledAt?: number;
  /** Every update that is under way leads away from the version. */
  wrongWay?: boolean;
}

/**
 * Brings both environments to one version from whatever state they are in: ends updates that are under way, asks
 * only those that are off to move, and looks until both run it on every instance. Health is not a condition here.
 */
export async function bringTo(
  session: LockedSession,
  pair: Pair,
  version: string,
  known: Known = {},
): Promise<BroughtTo> {
  const problems: string[] = [];
  let last: PairLook | undefined;
  let settledAt = known.settledAt ?? 0;
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    const wrongWay = known.wrongWay === true && attempt === 1;
    const { look, off } = await waitUntilReady(session, pair, version, settledAt, wrongWay);
    last = look ?? last;
    if (look === undefined) {
      problems.push("The environments did not become Ready, or could not be looked at, in time.");
      continue;
    }
    if (off.length === 0) return { verified: true, look: await healed(session, pair, look), problems };
    session.progress.line(`Bringing ${off.join(" and ")} to ${version}`);
    const requests = await requestUpdates(session, pair, off, version);
    for (const { error, role } of requests) if (error !== undefined) problems.push(`${role}: ${error}`);
    if (requests.some(({ unclear }) => unclear)) settledAt = session.clock.now() + session.limits.settle;
    const args = { version, requests, healthy: false, interruptible: false };
    const verdict = await watchUpdates(session, pair, args);
    if (!verdict.ok) problems.push(...verdict.causes);
  }
  const { look, off } = await waitUntilReady(session, pair, version, settledAt, false);
  if (look === undefined || off.length > 0) return { verified: false, look: look ?? last, problems };
  return { verified: true, look: await healed(session, pair, look), problems };
}

/** Where both are on the version, the report also says whether they are healthy on it. */
async function healed(session: LockedSession, pair: Pair, look: PairLook): Promise<PairLook> {
  return (await awaitHealth(session, pair, session.limits.health)) ?? look;
}

interface Readiness {
  look: PairLook | undefined;
  /** The roles that have to be asked to move. */
  off: Role[];
}

async function waitUntilReady(
  session: LockedSession,
  pair: Pair,
  version: string,
  settledAt: number,
  wrongWay: boolean,
): Promise<Readiness> {
  const { clock, limits, progress } = session;
  const patience = clock.now() + limits.update / 2;
  const deadline = clock.now() + limits.update;
  const aborted = new Set<Role>();
  const readySince = new Map<Role, number>();
  let goodLooks = 0;
  while (clock.now() <= deadline) {
    session.lease.requireNotLost();
    let look: PairLook | undefined;
    try {
      look = await lookAtPair(session.clients.beanstalk, pair);
    } catch (error) {
      progress.warn(`The environments could not be looked at: ${describeError(error)}`);
    }
    if (look !== undefined) {
      const now = clock.now();
      for (const role of ROLES) {
        const { abortable, status, version: to } = look[role];
        if (status === "Ready") readySince.set(role, readySince.get(role) ?? now);
        else readySince.delete(role);
        // An update that already goes to the version is left to finish, unless it hangs.
        const unwanted = wrongWay || to !== version || now > patience;
        if (status !== "Ready" && abortable && unwanted && !aborted.has(role)) {
          aborted.add(role);
          await abortUpdate(session, pair, role);
        }
      }
      const current = look;
      const off = ROLES.filter((role) => deviations(current[role], version).length > 0);
      goodLooks = off.length === 0 ? goodLooks + 1 : 0;
      if (goodLooks >= GOOD_LOOKS && now >= settledAt) return { look, off };
      const gone = ROLES.some((role) => current[role].status.startsWith("Terminat"));
      if (gone) return { look, off };
      // What instances report lags behind, so an environment with the right label gets time to show the right
      // instances before it is moved again.
      const ready = ROLES.every((role) => readySince.has(role));
      const certain = off.every((role) => {
        const labelled = current[role].version === version;
        return !labelled || now >= (readySince.get(role) ?? now) + limits.settle;
      });
      if (ready && off.length > 0 && certain) return { look, off };
    }
    await clock.sleep(limits.poll);
  }
  return { look: undefined, off: [] };
}

async function abortUpdate(session: LockedSession, pair: Pair, role: Role): Promise<void> {
  await session.lease.hold();
  session.progress.line(`${role}: ending the update that is under way`);
  try {
    await session.clients.beanstalk.send(new AbortEnvironmentUpdateCommand({ EnvironmentId: pair[role].id }));
  } catch (error) {
    // The update then runs to its own end, which is waited for.
    session.progress.warn(`${role}: the update could not be ended early: ${describeError(error)}`);
  }
}

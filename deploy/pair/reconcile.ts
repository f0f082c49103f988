import { AbortEnvironmentUpdateCommand } from "@aws-sdk/client-elastic-beanstalk";
import { describeError } from "../../cli/awsErrors";
import { type LockedSession } from "../session";
import { awaitHealth } from "./awaitHealth";
import { type Pair, type Role, ROLES } from "./find";
import { describePair, deviations, type PairState } from "./state";
import { requestUpdates, watchUpdates } from "./update";

/** Times that an environment is updated to the version before a person has to act. */
const ATTEMPTS = 3;
/** Polls in a row in which both environments have to run the version. */
const MATCHES_IN_A_ROW = 2;

export interface Reconciled {
  /** True if both environments were seen to run the version on every instance. */
  verified: boolean;
  /** The last state of the pair; undefined if AWS returned none. */
  state: PairState | undefined;
  problems: string[];
}

export interface ReconcileOptions {
  /** The time before which a request without an answer may still take effect, in milliseconds since 1970. */
  settledAt?: number;
  /** Aborts every update in progress, because each leads to another version. */
  abortUpdates?: boolean;
  /** True if the site is closed for maintenance, so that the environments do not become healthy. */
  closed?: boolean;
  /** Deploys the version again: the numbers of the last deployments before. */
  after?: Record<Role, number>;
}

/**
 * Brings both environments to one version, whatever state they are in: aborts updates that lead elsewhere, updates
 * only the environments that deviate, and polls until both run the version on every instance. An unhealthy
 * environment counts too.
 */
export async function reconcile(
  session: LockedSession,
  pair: Pair,
  version: string,
  options: ReconcileOptions = {},
): Promise<Reconciled> {
  const problems: string[] = [];
  let last: PairState | undefined;
  let settledAt = options.settledAt ?? 0;
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    const abortUpdates = options.abortUpdates === true && attempt === 1;
    const { deviating, state } = await waitUntilReady(session, pair, version, {
      settledAt,
      abortUpdates,
      after: options.after,
    });
    last = state ?? last;
    if (state === undefined) {
      problems.push("The environments did not become Ready in time, or could not be described.");
      continue;
    }
    if (deviating.length === 0) return verified(session, pair, state, problems, options);
    session.progress.line(`Updating ${deviating.join(" and ")} to ${version}`);
    const requests = await requestUpdates(session, pair, deviating, version);
    for (const { error, role } of requests) if (error !== undefined) problems.push(`${role}: ${error}`);
    if (requests.some(({ unclear }) => unclear)) settledAt = session.clock.now() + session.limits.consistency;
    const args = { version, requests, interruptible: false };
    const result = await watchUpdates(session, pair, args);
    if (!result.ok) problems.push(...result.causes);
  }
  const { deviating, state } = await waitUntilReady(session, pair, version, {
    settledAt,
    after: options.after,
  });
  if (state === undefined || deviating.length > 0) {
    return { verified: false, state: state ?? last, problems };
  }
  return verified(session, pair, state, problems, options);
}

/** Waits for health, so that the report can tell whether the environments are healthy on the version. */
async function verified(
  session: LockedSession,
  pair: Pair,
  state: PairState,
  problems: string[],
  { closed = false }: ReconcileOptions,
): Promise<Reconciled> {
  if (closed) return { verified: true, state, problems };
  const healthy = await awaitHealth(session, pair, session.limits.health);
  return { verified: true, state: healthy ?? state, problems };
}

interface Readiness {
  state: PairState | undefined;
  /** The roles that have to be updated. */
  deviating: Role[];
}

async function waitUntilReady(
  session: LockedSession,
  pair: Pair,
  version: string,
  { abortUpdates, after, settledAt = 0 }: ReconcileOptions,
): Promise<Readiness> {
  const { clock, limits, progress } = session;
  // An update that deploys the version again may be in a migration since an earlier run.
  const abortAfter = clock.now() + (after === undefined ? limits.update / 2 : limits.update);
  const deadline = clock.now() + limits.update;
  const aborted = new Set<Role>();
  const readySince = new Map<Role, number>();
  let matches = 0;
  while (clock.now() <= deadline) {
    session.lock.requireHeld();
    let state: PairState | undefined;
    try {
      state = await describePair(session.clients.beanstalk, pair);
    } catch (error) {
      progress.warn(`Could not describe the environments: ${describeError(error)}`);
    }
    if (state !== undefined) {
      const now = clock.now();
      for (const role of ROLES) {
        const { abortable, status, version: to } = state[role];
        if (status === "Ready") readySince.set(role, readySince.get(role) ?? now);
        else readySince.delete(role);
        // An update that leads to the version is left to finish, unless it hangs.
        const unwanted = abortUpdates === true || to !== version || now > abortAfter;
        if (status !== "Ready" && abortable && unwanted && !aborted.has(role)) {
          aborted.add(role);
          await abortUpdate(session, pair, role);
        }
      }
      const current = state;
      const deviating = ROLES.filter((role) => deviations(current[role], version, after?.[role]).length > 0);
      matches = deviating.length === 0 ? matches + 1 : 0;
      if (matches >= MATCHES_IN_A_ROW && now >= settledAt) return { state, deviating };
      const terminated = ROLES.some((role) => current[role].status.startsWith("Terminat"));
      if (terminated) return { state, deviating };
      // Instances report late. An environment with the right label gets time to show the right instances before it
      // is updated again.
      const ready = ROLES.every((role) => readySince.has(role));
      const certain = deviating.every((role) => {
        const labelled = current[role].version === version;
        return !labelled || now >= (readySince.get(role) ?? now) + limits.consistency;
      });
      if (ready && deviating.length > 0 && certain) return { state, deviating };
    }
    await clock.sleep(limits.poll);
  }
  return { state: undefined, deviating: [] };
}

async function abortUpdate(session: LockedSession, pair: Pair, role: Role): Promise<void> {
  await session.lock.renew();
  session.progress.line(`${role}: aborting the update in progress`);
  try {
    await session.clients.beanstalk.send(new AbortEnvironmentUpdateCommand({ EnvironmentId: pair[role].id }));
  } catch (error) {
    // The update then runs to its own end, and the caller polls until then.
    session.progress.warn(`${role}: could not abort the update: ${describeError(error)}`);
  }
}

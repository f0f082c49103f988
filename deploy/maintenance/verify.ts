import { describeError } from "../../cli/awsErrors";
import { problemWithDatabase } from "../../database/health";
import { type Pair, ROLES } from "../pair/find";
import { instanceHealth, isLessHealthy, type PairHealth } from "../pair/health";
import { reconcile, type Reconciled } from "../pair/reconcile";
import { describePair } from "../pair/state";
import { type LockedSession } from "../session";

/**
 * Polls until Iaso works with its database and every instance is healthy, or at the end of the time limit no less so than
 * before. The health of the environments says nothing while the site is closed: Beanstalk counts the load balancer's 503
 * answers, and no rule turns that off.
 *
 * @param before the health of the instances before the switch; by default it does not matter
 * @returns the problems at the end of the time limit; none if there are none
 * @see https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/health-enhanced-rules.html
 */
export async function verifyClosed(
  session: LockedSession,
  pair: Pair,
  before?: PairHealth,
): Promise<string[]> {
  const { clock, limits } = session;
  const deadline = clock.now() + limits.health;
  for (;;) {
    session.lock.requireHeld();
    const isOver = clock.now() >= deadline;
    const problems = await problemsOf(session, pair, before, isOver);
    if (problems.length === 0 || isOver || session.interrupted()) return problems;
    await clock.sleep(limits.poll);
  }
}

/** Brings both environments to a version while the site is closed. */
export function reconcileClosed(session: LockedSession, pair: Pair, version: string): Promise<Reconciled> {
  return reconcile(session, pair, version, {
    // An update whose answer was lost may still begin.
    settledAt: session.clock.now() + session.limits.consistency,
    abortUpdates: true,
    closed: true,
  });
}

/**
 * Brings both environments to a version while the site is closed, and polls until Iaso works with its database.
 *
 * @returns the problems; none if there are none
 */
export async function verifyVersion(session: LockedSession, pair: Pair, version: string): Promise<string[]> {
  const { problems, verified } = await reconcileClosed(session, pair, version);
  return verified ? verifyClosed(session, pair) : problems;
}

async function problemsOf(
  session: LockedSession,
  pair: Pair,
  before: PairHealth | undefined,
  isOver: boolean,
): Promise<string[]> {
  const database = await problemWithDatabase(session);
  const problems = database === undefined ? [] : [`Iaso's health check fails: ${database}`];
  if (before === undefined) return problems;
  try {
    const health = instanceHealth(await describePair(session.clients.beanstalk, pair));
    // Health goes down in steps, so a status other than Ok counts only at the end of the time limit.
    const worse = ROLES.filter((role) => isLessHealthy(health[role], isOver ? before[role] : "Ok"));
    return [...problems, ...worse.map((role) => `${role} has an instance that is ${health[role]}`)];
  } catch (error) {
    return [...problems, `the environments could not be described: ${describeError(error)}`];
  }
}

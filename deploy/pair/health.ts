import { type Role, ROLES } from "./find";
import { type PairState } from "./state";

/** The statuses of enhanced health of web and worker. */
export type PairHealth = Record<Role, string>;

/** The severity of the worst status at which an environment still answers most requests. */
const DEGRADED = 2;

/**
 * The severity of the statuses that say something about the application. The others (No Data, Unknown, Pending,
 * Suspended) are grey.
 *
 * @see https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/health-enhanced-status.html
 */
const SEVERITY: Record<string, number> = { Ok: 0, Info: 0, Warning: 1, Degraded: DEGRADED, Severe: 3 };

export function healthOf(state: PairState): PairHealth {
  return { web: state.web.health, worker: state.worker.health };
}

/** The roles whose environment is not green. */
export function unhealthyRoles(state: PairState): Role[] {
  return ROLES.filter((role) => severityOf(state[role].health) > 0);
}

/** The health of each environment that is not green, as notes. */
export const describeUnhealthy = (state: PairState): string[] =>
  unhealthyRoles(state).map((role) => `${role} is ${state[role].health}.`);

/** True if a deployment can be judged by whether it makes this health worse. */
export function canBeCompared(health: string): boolean {
  return severityOf(health) <= DEGRADED;
}

/**
 * True if health is worse than before a deployment. Severe and grey statuses always count as worse: then nothing shows
 * that the new version works.
 */
export function isWorse(health: string, before: string): boolean {
  return severityOf(health) > Math.min(severityOf(before), DEGRADED);
}

/** The status of the least healthy instance of web, and that of worker. */
export function instanceHealth(state: PairState): PairHealth {
  const worst = (role: Role): string =>
    state[role].instances
      .map(({ health }) => health)
      .reduce((least, one) => (severityOf(one) > severityOf(least) ? one : least), "Ok");
  return { web: worst("web"), worker: worst("worker") };
}

/** True if a status is worse than another one. */
export function isLessHealthy(health: string, before: string): boolean {
  return severityOf(health) > severityOf(before);
}

function severityOf(health: string): number {
  return SEVERITY[health] ?? Infinity;
}

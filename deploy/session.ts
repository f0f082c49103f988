import { type HeldLock } from "../coordination/lock";
import { type Session as AnySession } from "../coordination/session";
import { type PulumiState } from "../database/pulumiState";

/** Time limits and intervals of a command, in milliseconds. */
export interface Limits {
  /** One update of an environment, from the request until Beanstalk reports Ready. */
  update: number;
  /** From Ready until the environment is healthy. */
  health: number;
  /** Until Beanstalk has processed an application version. */
  version: number;
  /** Until the running background tasks have ended. */
  tasks: number;
  /** Between two polls of the environments. */
  poll: number;
  /** How long AWS may return stale state: its answers are eventually consistent. */
  consistency: number;
}

export const DEFAULT_LIMITS: Limits = {
  update: 45 * 60_000,
  health: 10 * 60_000,
  version: 10 * 60_000,
  tasks: 15 * 60_000,
  poll: 10_000,
  consistency: 60_000,
};

/** The environment, the clients and the settings that every command works with. */
export interface Session extends AnySession {
  limits: Limits;
  /** The end of the AWS credentials, in milliseconds since 1970; undefined if none is known. */
  credentialsEnd: number | undefined;
  /** The state of the stack, which a restore of the database changes. */
  pulumi: PulumiState;
}

/** A session that holds the lock of its environment. */
export interface LockedSession extends Session {
  lock: HeldLock;
}

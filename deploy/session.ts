import { type Clients } from "./aws/clients";
import { type Target } from "./aws/target";
import { type Clock } from "./clock";
import { type Lease } from "./coordination/lock";
import { type Progress } from "../cli/progress";

/** How long the tool waits for what, in milliseconds. */
export interface Limits {
  /** One update of an environment, from the request until Beanstalk calls it Ready. */
  update: number;
  /** From Ready until the environment is healthy. */
  health: number;
  /** Until Beanstalk has processed an application version. */
  version: number;
  /** Until the background tasks that run have ended. */
  tasks: number;
  /** Between two looks at the environments. */
  poll: number;
  /** For which AWS may still show, or begin, what was true before: answers lag behind requests. */
  settle: number;
}

export const DEFAULT_LIMITS: Limits = {
  update: 45 * 60_000,
  health: 10 * 60_000,
  version: 10 * 60_000,
  tasks: 15 * 60_000,
  poll: 10_000,
  settle: 60_000,
};

/** What every command of the tool works with. */
export interface Session {
  env: string;
  target: Target;
  clients: Clients;
  clock: Clock;
  progress: Progress;
  limits: Limits;
  /** Who runs the tool, for the lock, the journal and the notifications. */
  by: string;
  /** Whether the person at the keyboard, or the CI service, has asked to stop. */
  interrupted: () => boolean;
}

/** A session that holds the lock of its environment. */
export interface LockedSession extends Session {
  lease: Lease;
}

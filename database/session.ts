import { type BackupClient } from "@aws-sdk/client-backup";
import { type HeldLock } from "../coordination/lock";
import { type Session as AnySession } from "../coordination/session";
import { type PulumiState } from "./pulumiState";

/** Time limits and intervals, in milliseconds. */
export const LIMITS = {
  /** Between two polls of RDS. */
  poll: 15_000,
  /** Until an instance is restored and available. A restore of 100 GiB takes about an hour. */
  restore: 6 * 3_600_000,
  /** Until a change of an instance has taken effect, a new name included. */
  change: 3_600_000,
  /** Until a request without an answer has taken effect, or never will. */
  consistency: 120_000,
  /** Until Iaso answers with its new database: RDS's new DNS name can take ten minutes. */
  health: 20 * 60_000,
  /** Until the rows of all tables are counted. */
  rowCount: 30 * 60_000,
  /** Until a version is installed on an instance and has migrated a copy: its script ends after four hours. */
  migrate: 5 * 3_600_000,
} as const;

/** The environment, the clients and the settings that every command works with. */
export interface Session extends AnySession {
  /** Asks the user a question that is answered by yes or no. */
  confirm: (question: string) => Promise<boolean>;
  /** Prints lines that the user has to read before a question. */
  show: (lines: readonly string[]) => void;
  pulumi: PulumiState;
  /** The client of AWS Backup in a region: copies are in another one. */
  backup: (region: string) => BackupClient;
  /**
   * Runs a command of the AWS CLI, for services of which a few commands do not justify an SDK client.
   *
   * @param args such as `elasticache`, `describe-snapshots`
   * @param input the parameters, by the names of the API
   */
  aws: (region: string, args: readonly string[], input: object) => Promise<unknown>;
  /** Returns an address from which anybody can read an object of the artifacts bucket for 15 minutes. */
  presign: (key: string) => Promise<string>;
}

/** A session that holds the lock of its environment. */
export interface LockedSession extends Session {
  lock: HeldLock;
}

/** The end of a command. */
export interface Result {
  /**
   * - done: the command did what it says
   * - abandoned: the user answered no; the database is unchanged
   * - failedDrill: a rehearsal failed; the database is unchanged
   * - unhealthy: the database is replaced, but Iaso does not work with it
   */
  outcome: "done" | "abandoned" | "failedDrill" | "unhealthy";
  lines: string[];
  /** The command or line that fixes it, or that comes next. */
  remedy?: string;
}

import { type RecordKind, type Run as AnyRun, withRecord } from "../coordination/withRecord";
import { UserError } from "../cli/userError";
import { type RestoreRecord, unfinishedRestore } from "./record";
import { type Result, type Session } from "./session";

export type Run = AnyRun<RestoreRecord, Session>;

const RESTORES: RecordKind<RestoreRecord> = { first: "restoring", readUnfinished: unfinishedRestore };

/**
 * Runs a command under the lock that deployments take too, and releases it however the command ends.
 *
 * @throws UserError if a run of another tool is unfinished
 * @throws Unfinished if the command stopped after it began its record
 */
export function withLock(
  session: Session,
  command: string,
  run: (run: Run) => Promise<Result>,
): Promise<Result> {
  return withRecord(session, RESTORES, command, run);
}

/** @throws UserError if a run is unfinished */
export function requireFinished({ unfinished }: Run): void {
  if (unfinished === undefined) return;
  const { by, command, env, number, phase, startedAt } = unfinished;
  throw new UserError(
    `Run ${number} (${command} by ${by}, ${startedAt}) is unfinished, in phase ${phase}.`,
    `npm run database -- resume ${env}, which goes on; or npm run database -- abandon ${env}, which ends it without the restored database`,
  );
}

import { ConditionalObjects } from "../coordination/conditionalObject";
import { Journal } from "../coordination/journal";
import { LockLost } from "../coordination/lock";
import { releaseLock, takeLock } from "../coordination/session";
import { UserError } from "../cli/userError";
import { type RestoreRecord, unfinishedRestore } from "./record";
import { type LockedSession, reasonOf, type Result, type Session, Unfinished } from "./session";

type NewRecord = Omit<RestoreRecord, "number" | "env" | "by" | "phase" | "startedAt" | "history">;

export interface Run {
  session: LockedSession;
  /** The number of this run. No other run of the environment has it. */
  number: number;
  /** The record of the run that `resume` has to finish; undefined if there is none. */
  unfinished: RestoreRecord | undefined;
  /** Writes the record of this run. From then on, an error leaves it open for `resume`. */
  begin(record: NewRecord): Promise<Journal<RestoreRecord>>;
  reopen(record: RestoreRecord): Promise<Journal<RestoreRecord>>;
  /** Begins changes that need no record. After an error, the user has to run the named command. */
  beginWithout(command: string): void;
}

/**
 * Runs a command under the lock that deployments take too, and releases it however the command ends.
 *
 * @throws UserError if a deployment is unfinished
 * @throws Unfinished if the command stopped after it began its record
 */
export async function withLock(
  session: Session,
  command: string,
  run: (run: Run) => Promise<Result>,
): Promise<Result> {
  const { clients, clock, env, target } = session;
  const lock = await takeLock(session, command);
  const objects = new ConditionalObjects(clients.s3, target.artifactsBucket);
  const { openJournal, token } = lock.current;
  // A run that died before it wrote a record has changed nothing.
  let open: RestoreRecord | undefined;
  const state: { began: boolean; next: string | undefined } = { began: false, next: undefined };
  // Until the record is read, it may be that of a run to resume.
  let mayBeOpen = true;
  try {
    open =
      openJournal === null || openJournal === token
        ? undefined
        : await unfinishedRestore(objects, env, openJournal);
    mayBeOpen = open !== undefined;
    const result = await run({
      session: { ...session, lock },
      number: token,
      unfinished: open,
      async begin(record) {
        const startedAt = new Date(clock.now()).toISOString();
        const own = { number: token, env, by: session.by, startedAt, history: [] };
        const first: RestoreRecord = { ...record, ...own, phase: "restoring" };
        const journal = new Journal<RestoreRecord>(objects, "restores", first, () => clock.now());
        // The lock may still point to a run that died before it wrote a record.
        if (lock.current.openJournal !== token) await lock.update({ openJournal: token });
        state.began = true;
        await journal.write("restoring");
        return journal;
      },
      beginWithout(name) {
        state.next = name;
      },
      reopen(record) {
        state.began = true;
        return Journal.reopen(objects, "restores", record, () => clock.now());
      },
    });
    await releaseLock(session, lock, { openJournal: null });
    return result;
  } catch (error) {
    if (error instanceof LockLost) {
      lock.stop();
      throw error;
    }
    await releaseLock(session, lock, state.began || mayBeOpen ? {} : { openJournal: null });
    if (!state.began && state.next === undefined) throw error;
    throw new Unfinished(reasonOf(error), { cause: error }, state.next);
  }
}

/** @throws UserError if a run is unfinished */
export function requireFinished({ unfinished }: Run): void {
  if (unfinished === undefined) return;
  const { by, command, env, number, phase, startedAt } = unfinished;
  throw new UserError(
    `Run ${number} (${command} by ${by}, ${startedAt}) is unfinished, in phase ${phase}.`,
    `npm run database -- resume ${env}`,
  );
}

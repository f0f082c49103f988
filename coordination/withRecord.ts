import { ConditionalObjects } from "./conditionalObject";
import { type AnyRecord, Journal } from "./journal";
import { type HeldLock, LockLost } from "./lock";
import { releaseLock, type Session, takeLock } from "./session";
import { reasonOf, Unfinished } from "./unfinished";

/** The records of one tool, in the folder `restores`, which only people write. */
export interface RecordKind<R extends AnyRecord> {
  /** The phase with which a run begins. */
  first: R["phase"];
  /**
   * Reads the record of an unfinished run; undefined if the run ended before it wrote one.
   *
   * @throws UserError if the record is of another tool
   */
  readUnfinished: (objects: ConditionalObjects, env: string, number: number) => Promise<R | undefined>;
}

type NewRecord<R> = Omit<R, "number" | "env" | "by" | "phase" | "startedAt" | "history">;

export interface Run<R extends AnyRecord, S extends Session> {
  session: S & { lock: HeldLock };
  /** The number of this run. No other run of the environment has it. */
  number: number;
  /** The record of the run that is to be finished; undefined if there is none. */
  unfinished: R | undefined;
  /** Writes the record of this run. From then on, an error leaves it open. */
  begin(record: NewRecord<R>): Promise<Journal<R>>;
  reopen(record: R): Promise<Journal<R>>;
  /** Begins changes that need no record. After an error, the user has to run the named command. */
  beginWithout(command: string): void;
}

/**
 * Runs a command under the lock that deployments take too, and releases it however the command ends.
 *
 * @throws UserError if a run of another tool is unfinished
 * @throws Unfinished if the command stopped after it began its record
 */
export async function withRecord<R extends AnyRecord, S extends Session, T>(
  session: S,
  { first, readUnfinished }: RecordKind<R>,
  command: string,
  run: (run: Run<R, S>) => Promise<T>,
): Promise<T> {
  const { clients, clock, env, target } = session;
  const lock = await takeLock(session, command);
  const objects = new ConditionalObjects(clients.s3, target.artifactsBucket);
  const { openJournal, token } = lock.current;
  const state: { began: boolean; next: string | undefined } = { began: false, next: undefined };
  // Until the record is read, it may be that of a run to finish.
  let mayBeOpen = true;
  try {
    // A run that died before it wrote a record has changed nothing.
    const unfinished =
      openJournal === null || openJournal === token
        ? undefined
        : await readUnfinished(objects, env, openJournal);
    mayBeOpen = unfinished !== undefined;
    const result = await run({
      session: { ...session, lock },
      number: token,
      unfinished,
      async begin(record) {
        const startedAt = new Date(clock.now()).toISOString();
        const own = { number: token, env, by: session.by, startedAt, history: [], phase: first };
        const journal = new Journal<R>(objects, "restores", { ...record, ...own } as unknown as R, () =>
          clock.now(),
        );
        // The lock may still point to a run that died before it wrote a record.
        if (lock.current.openJournal !== token) await lock.update({ openJournal: token });
        state.began = true;
        await journal.write(first);
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

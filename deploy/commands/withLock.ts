import { describeError } from "../../cli/awsErrors";
import { ConditionalObjects } from "../coordination/conditionalObject";
import { Journal, type JournalRecord } from "../coordination/journal";
import { acquireLock, type Lease, LockLost } from "../coordination/lock";
import { type LockedSession, type Session } from "../session";
import { UserError } from "../../cli/userError";

/** What the lock keeps once the run is over. */
export interface Closing {
  /** Whether a journal record is still open: `repair` has to end what was begun. */
  open: boolean;
  /** The version that both environments are verified to run; absent where nothing new is known. */
  version?: string;
  /** The version they ran before it, where that is known. */
  previous?: string;
}

export interface Run<T> {
  session: LockedSession;
  /** The number of the record that an earlier run left open; undefined where there is none. */
  openRecord: number | undefined;
  /** Declares the pair to be on one version, after which nothing is open but this run's own record. */
  settle(version: string, previous?: string): Promise<void>;
  beginJournal(record: Pick<JournalRecord, "command" | "from" | "to">): Promise<Journal>;
  close(result: T, closing: Closing): Closed<T>;
}

interface Closed<T> {
  result: T;
  closing: Closing;
}

/**
 * Runs a command under the lock and frees it afterwards, however the command ends. Where it throws in the middle
 * of a switch, the lock is freed and the record stays open, so that the next run repairs first.
 */
export async function withLock<T>(
  session: Session,
  command: string,
  run: (run: Run<T>) => Promise<Closed<T>>,
): Promise<T> {
  const { clients, clock, env, progress, target } = session;
  const lease = await progress.step("Take the lock", (log) =>
    acquireLock({
      s3: clients.s3,
      bucket: target.artifactsBucket,
      env,
      clock,
      by: session.by,
      command,
      onWait: log,
    }),
  );
  const { token } = lease.current;
  const objects = new ConditionalObjects(clients.s3, target.artifactsBucket);
  const inherited =
    lease.current.openJournal === token ? undefined : (lease.current.openJournal ?? undefined);
  let settled = inherited === undefined;
  let journal: Journal | undefined;
  const locked: LockedSession = { ...session, lease };
  try {
    const { closing, result } = await run({
      session: locked,
      openRecord: inherited,
      async settle(version, previous) {
        await lease.update({ openJournal: token, ...versions(lease, version, previous) });
        settled = true;
      },
      async beginJournal(record) {
        const startedAt = new Date(clock.now()).toISOString();
        journal = new Journal(
          objects,
          { ...record, number: token, env, by: session.by, phase: "preparing", startedAt, history: [] },
          () => clock.now(),
        );
        await journal.write("preparing");
        return journal;
      },
      close: (value, state) => ({ result: value, closing: state }),
    });
    const openJournal = closing.open ? lease.current.openJournal : null;
    const known = closing.version === undefined ? {} : versions(lease, closing.version, closing.previous);
    await release(session, lease, { openJournal, ...known });
    return result;
  } catch (error) {
    if (error instanceof LockLost) {
      lease.stop();
      throw error;
    }
    const phase = journal?.current.phase ?? "preparing";
    const untouched = settled && phase === "preparing";
    if (journal !== undefined && untouched) {
      await journal.write("refused", {}, describeError(error)).catch(() => undefined);
    }
    await release(session, lease, untouched ? { openJournal: null } : {});
    if (!untouched && !(error instanceof UserError))
      throw new Unfinished(describeError(error), { cause: error });
    throw error;
  }
}

/** A run that ended in the middle of a switch. */
export class Unfinished extends Error {
  override readonly name = "Unfinished";
}

function versions(
  lease: Lease,
  version: string,
  previous: string | undefined,
): { version: string; previous: string | null } {
  const { current } = lease;
  const recorded = current.version === version ? current.previous : current.version;
  return { version, previous: previous ?? recorded };
}

async function release(
  session: Session,
  lease: Lease,
  changes: Parameters<Lease["release"]>[0],
): Promise<void> {
  if (await lease.release(changes)) return;
  session.progress.warn("The lock could not be freed; it ends by itself within 6 minutes.");
}

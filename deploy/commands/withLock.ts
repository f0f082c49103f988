import { describeError } from "../../cli/awsErrors";
import { ConditionalObjects } from "../../coordination/conditionalObject";
import { type Folder, Journal } from "../../coordination/journal";
import { type DeploymentRecord, unfinishedRecord } from "../record";
import { type HeldLock, LockLost } from "../../coordination/lock";
import { releaseLock, takeLock } from "../../coordination/session";
import { type LockedSession, type Session } from "../session";
import { UserError } from "../../cli/userError";

/** The record that the lock keeps after the run. */
export interface Closing {
  /** True if the journal record stays unfinished, so that `repair` has work left. */
  unfinished: boolean;
  /** The version that both environments are verified to run; absent if nothing new is known. */
  version?: string;
  /** The version that they ran before, if it is known. */
  previous?: string;
}

export interface Run<T> {
  session: LockedSession;
  /** The number of the journal record that an earlier run left unfinished; undefined if there is none. */
  unfinishedRun: number | undefined;
  /**
   * Reads the record of that run; undefined if it ended before it wrote one.
   *
   * @throws UserError if it belongs to another tool
   */
  readUnfinished(): Promise<DeploymentRecord | undefined>;
  /** Records that the recovery from the unfinished run succeeded, and the version that both environments run. */
  markRecovered(version: string, previous?: string): Promise<void>;
  /** @param folder that of the record; by default that of deployments */
  beginJournal(
    record: Pick<DeploymentRecord, "bundle" | "command" | "from" | "to">,
    folder?: Folder,
  ): Promise<Journal<DeploymentRecord>>;
  close(result: T, closing: Closing): Closed<T>;
}

interface Closed<T> {
  result: T;
  closing: Closing;
}

/**
 * Runs a command under the lock, and releases it however the command ends. If the command throws during a switch, the
 * journal record stays unfinished, so that the next run recovers first.
 *
 * @throws Unfinished if the command threw an unexpected error during a switch
 */
export async function withLock<T>(
  session: Session,
  command: string,
  run: (run: Run<T>) => Promise<Closed<T>>,
): Promise<T> {
  const { clients, clock, env, target } = session;
  const lock = await takeLock(session, command);
  const { token } = lock.current;
  const objects = new ConditionalObjects(clients.s3, target.artifactsBucket);
  const unfinishedRun =
    lock.current.openJournal === token ? undefined : (lock.current.openJournal ?? undefined);
  let recovered = unfinishedRun === undefined;
  let journal: Journal<DeploymentRecord> | undefined;
  const locked: LockedSession = { ...session, lock };
  try {
    const { closing, result } = await run({
      session: locked,
      unfinishedRun,
      readUnfinished: async () =>
        unfinishedRun === undefined ? undefined : unfinishedRecord(objects, env, unfinishedRun),
      async markRecovered(version, previous) {
        await lock.update({ openJournal: token, ...versions(lock, version, previous) });
        recovered = true;
      },
      async beginJournal(record, folder = "journal") {
        const startedAt = new Date(clock.now()).toISOString();
        journal = new Journal(
          objects,
          folder,
          { ...record, number: token, env, by: session.by, phase: "preparing", startedAt, history: [] },
          () => clock.now(),
        );
        await journal.write("preparing");
        return journal;
      },
      close: (value, how) => ({ result: value, closing: how }),
    });
    const openJournal = closing.unfinished ? lock.current.openJournal : null;
    const known = closing.version === undefined ? {} : versions(lock, closing.version, closing.previous);
    await releaseLock(session, lock, { openJournal, ...known });
    return result;
  } catch (error) {
    if (error instanceof LockLost) {
      lock.stop();
      throw error;
    }
    const phase = journal?.current.phase ?? "preparing";
    const isUnchanged = recovered && (phase === "preparing" || phase === "refused");
    if (journal !== undefined && isUnchanged && phase === "preparing") {
      await journal.write("refused", {}, describeError(error)).catch(() => undefined);
    }
    await releaseLock(session, lock, isUnchanged ? { openJournal: null } : {});
    if (!isUnchanged && !(error instanceof UserError) && !(error instanceof Unfinished))
      throw new Unfinished(describeError(error), { cause: error });
    throw error;
  }
}

/** Thrown when a run ends during a switch. */
export class Unfinished extends Error {
  override readonly name = "Unfinished";
}

function versions(
  lock: HeldLock,
  version: string,
  previous: string | undefined,
): { version: string; previous: string | null } {
  const { current } = lock;
  const recorded = current.version === version ? current.previous : current.version;
  return { version, previous: previous ?? recorded };
}

import { findLabel, listApplicationVersions, requireSameBundle } from "../applicationVersions";
import { ConditionalObjects } from "../../coordination/conditionalObject";
import { digestOf } from "../record";
import { requireCredentialsFor } from "../credentials";
import { announceVersions, refusalOfMisfit } from "../knownMigrations";
import { type Report } from "../output/report";
import { requireSameVersion } from "../pair/check";
import { findPair } from "../pair/find";
import { describePair } from "../pair/state";
import { checkRunningTasks, type TaskPolicy } from "../runningTasks";
import { type LockedSession, type Session } from "../session";
import { UserError } from "../../cli/userError";
import { recoverFirst, unchanged } from "./deploy";
import { restoreStaticOf } from "./recover";
import { switchVersion } from "./switchVersion";
import { withLock } from "./withLock";

export interface RollbackOptions {
  /** A label, or a version that has one build; the version before the current one by default. */
  to?: string;
  runningTasks: TaskPolicy;
  /** Starts the version although it may fail on the tables. */
  migrationsUnchecked: boolean;
}

/**
 * Rolls both environments back to an earlier version, with the same switch as a deployment, healthy or not. Each instance
 * refuses the version if it may fail on what migrations did that it does not have.
 */
export async function rollback(session: Session, options: RollbackOptions): Promise<Report> {
  const { clients, env, limits, progress, target } = session;
  requireCredentialsFor(session, limits.tasks);
  const pair = await findPair(clients.beanstalk, env, target);
  return withLock<Report>(session, "rollback", async (run) => {
    const locked = run.session;
    const failed = await recoverFirst(run, pair);
    if (failed !== undefined) return run.close(failed, { unfinished: true });
    const state = await describePair(clients.beanstalk, pair);
    const from = requireSameVersion(env, state, true);
    const versions = await listApplicationVersions(session);
    const to = findLabel(versions, options.to ?? previousOf(locked.lock.current, from, env), env);
    if (to === from) return run.close(unchanged(env, to, state), { unfinished: false, version: from });
    await progress.step(`Verify the source bundle of ${to}`, () => requireBundle(locked, to));
    const journal = await run.beginJournal({ command: "rollback", from, to });
    await progress.step("Check the background tasks", (log) =>
      checkRunningTasks(locked, options.runningTasks, log),
    );
    await announceVersions(locked, [from, to], {
      mustFit: options.migrationsUnchecked ? null : to,
    });
    await progress.step(`Restore the static files of ${to}`, () => restoreStaticOf(locked, to));
    const { closing, report } = await switchVersion(locked, { pair, journal, from, to });
    const note =
      report.outcome === "deployed"
        ? "The database schema is unchanged: a rollback changes only the code."
        : refusalOfMisfit(to);
    return run.close({ ...report, notes: [note, ...(report.notes ?? [])] }, closing);
  });
}

/** @throws UserError if the bundle is another one than its deployment recorded in the journal */
async function requireBundle(session: LockedSession, label: string): Promise<void> {
  const { clients, env, lock, target } = session;
  const objects = new ConditionalObjects(clients.s3, target.artifactsBucket);
  const digest = await digestOf(objects, env, lock.current.token, label);
  if (digest !== undefined) await requireSameBundle(session, label, digest);
}

function previousOf(
  lock: { version: string | null; previous: string | null },
  current: string,
  env: string,
): string {
  // The lock records only the version before the one that the tool deployed last.
  if (lock.version === current && lock.previous !== null) return lock.previous;
  throw new UserError(
    `The tool has no record of the version that ${env} ran before ${current}.`,
    `npm run deploy -- rollback ${env} --to <version>; the versions: npm run deploy -- versions ${env}`,
  );
}

import { findLabel, listApplicationVersions } from "../applicationVersions";
import { describeEnvironments, type Report } from "../output/report";
import { requireOneVersion } from "../pair/check";
import { findPair } from "../pair/find";
import { lookAtPair } from "../pair/state";
import { settleRunningTasks, type TaskPolicy } from "../runningTasks";
import { type Session } from "../session";
import { UserError } from "../../cli/userError";
import { repairFirst } from "./deploy";
import { restoreStaticOf } from "./recover";
import { switchVersion } from "./switchVersion";
import { withLock } from "./withLock";

export interface RollbackOptions {
  /** A label, or a version of which there is one build; the version before the current one by default. */
  to?: string;
  runningTasks: TaskPolicy;
}

/**
 * Brings the pair to an earlier version, by the same joint switch as a deployment. The pair may be unhealthy: that
 * is what rollbacks are for.
 */
export async function rollback(session: Session, options: RollbackOptions): Promise<Report> {
  const { clients, env, progress, target } = session;
  const pair = await findPair(clients.beanstalk, env, target);
  return withLock<Report>(session, "rollback", async (run) => {
    const locked = run.session;
    const repaired = await repairFirst(locked, pair, run.openRecord);
    if (repaired?.report !== undefined) return run.close(repaired.report, { open: true });
    if (repaired !== undefined) await run.settle(repaired.version, repaired.previous);
    const look = await lookAtPair(clients.beanstalk, pair);
    const from = requireOneVersion(env, look, true);
    const versions = await listApplicationVersions(session);
    const to = findLabel(versions, options.to ?? previousOf(locked.lease.current, from, env), env);
    if (to === from) {
      const summary = `${env} already runs ${to}, web and worker alike; nothing was changed.`;
      const report: Report = {
        env,
        outcome: "unchanged",
        summary,
        to,
        environments: describeEnvironments(look),
      };
      return run.close(report, { open: false, version: from });
    }
    const journal = await run.beginJournal({ command: "rollback", from, to });
    await progress.step("Look at the background tasks", (log) =>
      settleRunningTasks(locked, options.runningTasks, log),
    );
    await progress.step(`Make the static files of ${to} current`, () => restoreStaticOf(locked, to));
    const { closing, report } = await switchVersion(locked, { pair, journal, from, to });
    const notes = ["The database schema stays as it is: a rollback changes the code only."];
    const done = report.outcome === "deployed" ? { ...report, notes } : report;
    return run.close(done, closing);
  });
}

function previousOf(
  lock: { version: string | null; previous: string | null },
  current: string,
  env: string,
): string {
  // The record only tells what was before the version that it knows of.
  if (lock.version === current && lock.previous !== null) return lock.previous;
  throw new UserError(
    `It is not recorded which version ${env} ran before ${current}.`,
    `npm run deploy -- rollback ${env} --to <version>; the versions: npm run deploy -- versions ${env}`,
  );
}

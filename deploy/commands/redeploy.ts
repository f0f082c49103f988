import { requireCredentialsFor } from "../credentials";
import { announceVersions, refusalOfMisfit } from "../knownMigrations";
import { describeEnvironments, type Report } from "../output/report";
import { requireSameVersion } from "../pair/check";
import { EventStream, type PairEvent } from "../pair/events";
import { findPair, ROLES } from "../pair/find";
import { describeUnhealthy } from "../pair/health";
import { reconcile } from "../pair/reconcile";
import { describePair, lastDeployments } from "../pair/state";
import { checkRunningTasks, type TaskPolicy } from "../runningTasks";
import { type Session } from "../session";
import { recoverFirst } from "./deploy";
import { withLock } from "./withLock";

export interface RedeployOptions {
  runningTasks: TaskPolicy;
  /** Starts the version although it may fail on the tables. */
  migrationsUnchecked: boolean;
}

/**
 * Deploys the running version again, so that its instances prepare the database again: they migrate one that was restored
 * from an older backup, check that the code works on the tables of a newer one, and drop the temporary defaults that only
 * the version before needs.
 */
export async function redeploy(session: Session, options: RedeployOptions): Promise<Report> {
  const { clients, clock, env, limits, progress, target } = session;
  requireCredentialsFor(session, limits.tasks);
  const pair = await findPair(clients.beanstalk, env, target);
  return withLock<Report>(session, "redeploy", async (run) => {
    const locked = run.session;
    const failed = await recoverFirst(run, pair);
    if (failed !== undefined) return run.close(failed, { unfinished: true });
    const state = await describePair(clients.beanstalk, pair);
    const label = requireSameVersion(env, state, true);
    const journal = await run.beginJournal({ command: "redeploy", from: label, to: label });
    await progress.step("Check the background tasks", (log) =>
      checkRunningTasks(locked, options.runningTasks, log),
    );
    requireCredentialsFor(locked);
    await announceVersions(locked, [label], { mustFit: options.migrationsUnchecked ? null : label });
    await journal.write("switching");
    const events = new EventStream(clients.beanstalk, target, pair, clock.now());
    const result = await progress.step(`Deploy ${label} again to web and worker`, () =>
      reconcile(locked, pair, label, { after: lastDeployments(state) }),
    );
    const errors = errorsOfLastUpdates(await events.next());
    const facts = { env, from: label, to: label, environments: describeEnvironments(result.state) };
    if (!result.verified || result.state === undefined || errors.length > 0) {
      const report: Report = {
        ...facts,
        outcome: "mixedVersions",
        summary: `${label} could not be deployed again to every instance of ${env}.`,
        causes: [...result.problems, ...errors],
        notes: [refusalOfMisfit(label)],
        remedy: `npm run deploy -- repair ${env} --to <version>, with a version that works with the database`,
      };
      return run.close(report, { unfinished: true });
    }
    await journal.write("succeeded");
    const report: Report = {
      ...facts,
      outcome: "deployed",
      summary: `${env} runs ${label} on web and worker, deployed again.`,
      notes: describeUnhealthy(result.state),
    };
    return run.close(report, { unfinished: false, version: label });
  });
}

/**
 * The errors of the last update of each environment. After a failed one, Beanstalk may return instances to the version
 * before, which is the same one here.
 */
function errorsOfLastUpdates(events: readonly PairEvent[]): string[] {
  return ROLES.flatMap((role) => {
    const own = events.filter((event) => event.role === role);
    const began = own.findLastIndex(({ message }) => message.startsWith("Environment update is starting"));
    return own
      .slice(began + 1)
      .filter(({ severity }) => severity === "ERROR" || severity === "FATAL")
      .map(({ message }) => `${role}: ${message}`);
  });
}

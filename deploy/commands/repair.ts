import { findLabel, listApplicationVersions } from "../applicationVersions";
import { describeEnvironments, type Report } from "../output/report";
import { refusalOfMisfit } from "../knownMigrations";
import { findPair } from "../pair/find";
import { unhealthyRoles } from "../pair/health";
import { describePair } from "../pair/state";
import { type Session } from "../session";
import { commonVersion, recover } from "./recover";
import { withLock } from "./withLock";

export interface RepairOptions {
  /** A label, or a version that has one build. */
  to?: string;
  /** Starts this version although it may fail on the tables. */
  migrationsUnchecked?: boolean;
}

/**
 * Brings both environments to one version, after an unfinished run or after somebody deployed to one of them by hand.
 *
 * @throws UserError if the right version is unknown and `to` is not given
 */
export async function repair(
  session: Session,
  { migrationsUnchecked, to }: RepairOptions = {},
): Promise<Report> {
  const { clients, env, target } = session;
  const pair = await findPair(clients.beanstalk, env, target);
  return withLock<Report>(session, "repair", async (run) => {
    const before = await describePair(clients.beanstalk, pair);
    const wanted = to === undefined ? undefined : findLabel(await listApplicationVersions(session), to, env);
    const record = await run.readUnfinished();
    const recovered = await session.progress.step("Bring web and worker to one version", () =>
      recover(run.session, pair, record, { wanted, migrationsUnchecked }),
    );
    const { maintenance, previous, problems, state, verified, version } = recovered;
    const environments = describeEnvironments(state);
    if (!verified || state === undefined) {
      const report: Report = {
        env,
        outcome: "mixedVersions",
        summary: `${env} RUNS MIXED VERSIONS: could not bring web and worker to ${version}.`,
        causes: problems,
        environments,
        notes: wanted === undefined ? [] : [refusalOfMisfit(version)],
        remedy:
          `Fix the causes, then: npm run deploy -- repair ${env}; ` +
          `or choose another version: npm run deploy -- repair ${env} --to <version>`,
      };
      return run.close(report, { unfinished: true });
    }
    const ranBefore = commonVersion(before) === version;
    const isUnchanged = !maintenance && ranBefore;
    const unchecked =
      `${version} ran before, so no instance has checked that it works with the tables, but one that starts later refuses it ` +
      `if it may fail. To check it now: npm run deploy -- redeploy ${env}`;
    const report: Report = {
      env,
      outcome: isUnchanged ? "unchanged" : "repaired",
      summary: isUnchanged
        ? `${env} runs ${version} on web and worker; there was nothing to repair.`
        : `${env} runs ${version} again on web and worker (verified on every instance).`,
      to: version,
      environments,
      notes: [
        ...(maintenance ? ["The maintenance has ended: the site is open, and the worker takes tasks."] : []),
        ...(wanted !== undefined && ranBefore && migrationsUnchecked !== true ? [unchecked] : []),
        ...unhealthyRoles(state).map((role) => `${role} is unhealthy (${state[role].health}).`),
      ],
    };
    return run.close(report, { unfinished: false, version, previous });
  });
}

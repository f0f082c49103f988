import { findLabel, listApplicationVersions } from "../applicationVersions";
import { describeEnvironments, type Report } from "../output/report";
import { findPair, ROLES } from "../pair/find";
import { lookAtPair } from "../pair/state";
import { type Session } from "../session";
import { commonVersion, finishOpen } from "./recover";
import { withLock } from "./withLock";

/**
 * Brings the pair to one version after a run that died, or after somebody deployed to one environment by hand.
 * @throws UserError where it is not known which version is right and `to` is not given.
 */
export async function repair(session: Session, to: string | undefined): Promise<Report> {
  const { clients, env, target } = session;
  const pair = await findPair(clients.beanstalk, env, target);
  return withLock<Report>(session, "repair", async (run) => {
    const locked = run.session;
    const before = await lookAtPair(clients.beanstalk, pair);
    const wanted = to === undefined ? undefined : findLabel(await listApplicationVersions(session), to, env);
    const finished = await session.progress.step("Bring web and worker to one version", () =>
      finishOpen(locked, pair, run.openRecord, wanted),
    );
    const { look, previous, problems, verified, version } = finished;
    const environments = describeEnvironments(look);
    if (!verified || look === undefined) {
      const report: Report = {
        env,
        outcome: "split",
        summary: `${env} IS NOT ON ONE VERSION: ${version} could not be brought to both environments.`,
        causes: problems,
        environments,
        remedy: `Mend what the causes name, then: npm run deploy -- repair ${env}; or another version: npm run deploy -- repair ${env} --to <version>`,
      };
      return run.close(report, { open: true });
    }
    const ill = ROLES.filter((role) => look[role].health !== "Ok");
    const report: Report = {
      env,
      outcome: commonVersion(before) === version ? "unchanged" : "repaired",
      summary:
        commonVersion(before) === version
          ? `${env} runs ${version}, web and worker alike; there was nothing to repair.`
          : `${env} runs ${version} again, web and worker alike; this was verified.`,
      to: version,
      environments,
      notes: ill.map((role) => `${role} is not healthy (${look[role].health}).`),
    };
    return run.close(report, { open: false, version, previous });
  });
}

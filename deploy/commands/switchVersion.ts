import { type Journal } from "../../coordination/journal";
import { type DeploymentRecord } from "../record";
import { requireCredentialsFor } from "../credentials";
import { describeEnvironments, describeRestorePoint, type Report } from "../output/report";
import { type Pair } from "../pair/find";
import { unhealthyRoles } from "../pair/health";
import { switchPair } from "../pair/switch";
import { type RestorePoint } from "../restorePoint";
import { type LockedSession } from "../session";
import { restoreStaticOf } from "./recover";
import { type Closing } from "./withLock";

export interface SwitchArgs {
  pair: Pair;
  journal: Journal<DeploymentRecord>;
  from: string;
  to: string;
  restorePoint?: RestorePoint;
  /** The result of the check of the migrations, as a sentence. */
  migrations?: string;
}

/**
 * Switches both environments and reports the result, with everything a person needs to act on a failure.
 *
 * @throws UserError before any change if the credentials end before the switch and its rollback could
 */
export async function switchVersion(
  session: LockedSession,
  { from, journal, migrations, pair, restorePoint, to }: SwitchArgs,
): Promise<{ report: Report; closing: Closing }> {
  const { env } = session;
  requireCredentialsFor(session);
  const result = await switchPair(session, journal, pair, from, to);
  const facts = { env, from, to, environments: describeEnvironments(result.state), restorePoint };
  if (result.outcome === "switched") {
    const report: Report = {
      ...facts,
      outcome: "deployed",
      summary: `${env} runs ${to} on web and worker.`,
      notes: unhealthyRoles(result.state).map(
        (role) => `${role} is ${result.state[role].health}, not worse than before the deployment.`,
      ),
    };
    return { report, closing: { unfinished: false, version: to, previous: from } };
  }
  await restoreStaticOf(session, from);
  const restore =
    restorePoint === undefined ? "" : ` To undo them, restore the ${describeRestorePoint(restorePoint)}.`;
  const worksOn = migrations === undefined ? "" : ` ${migrations}`;
  const schema = `The database schema is NOT rolled back: migrations of the new version that have run stay.${worksOn}${restore}`;
  if (result.outcome === "rolledBack") {
    const health = unhealthyRoles(result.state).map(
      (role) => `${role} is unhealthy on ${from} (${result.state[role].health}).`,
    );
    const report: Report = {
      ...facts,
      outcome: "rolledBack",
      summary: `${to} failed. ${env} runs ${from} again on web and worker (verified on every instance).`,
      causes: result.causes,
      notes: [schema, ...health],
    };
    return { report, closing: { unfinished: false, version: from } };
  }
  const report: Report = {
    ...facts,
    outcome: "mixedVersions",
    summary: `${env} RUNS MIXED VERSIONS: ${to} failed, and the rollback to ${from} failed too.`,
    causes: [...result.causes, ...result.problems],
    notes: [schema],
    remedy: `npm run deploy -- repair ${env}`,
  };
  return { report, closing: { unfinished: true } };
}

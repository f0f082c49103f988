import { type Journal } from "../coordination/journal";
import { describeEnvironments, describeRestorePoint, type Report } from "../output/report";
import { type Pair, ROLES } from "../pair/find";
import { switchPair } from "../pair/switch";
import { type RestorePoint } from "../restorePoint";
import { type LockedSession } from "../session";
import { restoreStaticOf } from "./recover";
import { type Closing } from "./withLock";

export interface SwitchArgs {
  pair: Pair;
  journal: Journal;
  from: string;
  to: string;
  restorePoint?: RestorePoint;
}

/** Switches the pair and says how it ended, with all that a person needs to act on a failure. */
export async function switchVersion(
  session: LockedSession,
  { from, journal, pair, restorePoint, to }: SwitchArgs,
): Promise<{ report: Report; closing: Closing }> {
  const { env } = session;
  const result = await switchPair(session, journal, pair, from, to);
  const facts = { env, from, to, environments: describeEnvironments(result.look), restorePoint };
  if (result.outcome === "switched") {
    const report: Report = {
      ...facts,
      outcome: "deployed",
      summary: `${env} runs ${to}, web and worker alike.`,
    };
    return { report, closing: { open: false, version: to, previous: from } };
  }
  await restoreStaticOf(session, from);
  const schema =
    "The database schema is NOT brought back: migrations of the new version that have run stay. " +
    (restorePoint === undefined ? "" : `The way back is the ${describeRestorePoint(restorePoint)}.`);
  if (result.outcome === "returned") {
    const ill = ROLES.filter((role) => result.look[role].health !== "Ok");
    const health = ill.map((role) => `${role} is not healthy on ${from} (${result.look[role].health}).`);
    const report: Report = {
      ...facts,
      outcome: "returned",
      summary: `${to} failed. ${env} runs ${from} again, web and worker alike; this was verified.`,
      causes: result.causes,
      notes: [schema.trim(), ...health],
    };
    return { report, closing: { open: false, version: from } };
  }
  const report: Report = {
    ...facts,
    outcome: "split",
    summary: `${env} IS NOT ON ONE VERSION: ${to} failed, and ${from} could not be brought back on both environments.`,
    causes: [...result.causes, ...result.problems],
    notes: [schema.trim()],
    remedy: `npm run deploy -- repair ${env}`,
  };
  return { report, closing: { open: true } };
}

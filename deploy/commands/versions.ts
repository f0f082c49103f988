import { type KnownVersion, listApplicationVersions } from "../applicationVersions";
import { type Report } from "../output/report";
import { findPair, ROLES } from "../pair/find";
import { describePair } from "../pair/state";
import { type Session } from "../session";

/** Lists the application's versions, newest first, with the environments that run them. Changes nothing. */
export async function versions(session: Session): Promise<Report> {
  const { clients, env, target } = session;
  const pair = await findPair(clients.beanstalk, env, target);
  const [state, known] = await Promise.all([
    describePair(clients.beanstalk, pair),
    listApplicationVersions(session),
  ]);
  const rows = known.map((version: KnownVersion) => ({
    ...version,
    runs: ROLES.filter((role) => state[role].version === version.label),
  }));
  const notes = rows.map(({ created, description, label, runs }) =>
    [created.slice(0, 16).replace("T", " "), label, runs.join(" and "), description]
      .filter((part) => part !== "")
      .join("  "),
  );
  const summary = `${rows.length} application ${rows.length === 1 ? "version" : "versions"} of ${target.application}:`;
  return { env, outcome: "shown", summary, notes, details: { versions: rows } };
}

import { type DBInstance } from "@aws-sdk/client-rds";
import { PutObjectCommand } from "@aws-sdk/client-s3";
import { UserError } from "../../cli/userError";
import { formatDuration } from "../../coordination/clock";
import { chooseBackup } from "../backups";
import { findByName, listByPrefix } from "../instances";
import { drillKey } from "../../components/common/drillKey";
import { type Drill } from "../drill";
import { isolatedGroup } from "../isolatedGroup";
import { appears, deleteInstance, restoreBeside, restoreCopy } from "../restoreSteps";
import { countRows, findInstance, inspect } from "../inspection";
import { sumOf } from "../rowCount";
import { type LockedSession, reasonOf, type Result, type Session } from "../session";
import { settingsOf } from "../settings";
import { requireFinished, withLock } from "../withLock";

export interface RehearseOptions {
  /** Restores into the isolated group and counts no rows, which needs instances with shell access. */
  withoutRowCount: boolean;
}

/**
 * Rehearses a restore: restores the latest state into a copy beside the database, counts its rows, calculates with
 * PostGIS, measures each step, and deletes the copy. The database and Iaso do not notice. The result is stored for `npm run doctor`.
 *
 * @throws UserError if something is missing; nothing is changed
 */
export async function rehearse(session: Session, { withoutRowCount }: RehearseOptions): Promise<Result> {
  const { env, target } = session;
  const name = target.databaseIdentifier;
  return withLock(session, "database rehearse", async (run) => {
    requireFinished(run);
    const locked = run.session;
    const copy = `${name}-rehearsal-${run.number}`;
    const old = await findByName(locked, name);
    if (old === undefined) throw new UserError(`There is no database ${name}.`);
    const counter = withoutRowCount ? undefined : await findInstance(locked);
    const settings = settingsOf(old);
    const { description, source } = await chooseBackup(locked, { to: "latest" });
    const securityGroups =
      counter === undefined ? [await isolatedGroup(locked, old)] : settings.securityGroups;
    session.show([
      "Plan:",
      `  1. Restore ${description}, into a copy ${copy}, and measure the time.`,
      `  2. ${counter === undefined ? "Count no rows: no connection reaches the copy." : "Count the rows of the copy and of the database, and calculate with PostGIS."}`,
      `  3. Delete the copy. Deployments to ${env} wait meanwhile.`,
    ]);
    if (!(await session.confirm("Rehearse?"))) {
      return { outcome: "abandoned", lines: ["Nothing was changed."] };
    }
    run.beginWithout(`resume ${env}`);
    await deleteCopies(locked);
    const began = locked.clock.now();
    const drill: Drill = { at: new Date(began).toISOString(), backup: description, steps: {} };
    try {
      const record = { restored: copy, source, settings: { ...settings, multiAz: false, securityGroups } };
      // Nobody opens a copy whose rows are not counted, so it needs no password.
      const restore = counter === undefined ? restoreCopy : restoreBeside;
      const instance = await timed(locked, drill, "restore", () => restore(locked, record));
      if (counter !== undefined) {
        await timed(locked, drill, "rows", () => compareSums(locked, drill, counter, old, instance));
      }
    } catch (error) {
      drill.problem = reasonOf(error);
      // A request without an answer may still create the copy.
      await appears(locked, copy);
    }
    await timed(locked, drill, "delete", () => deleteCopies(locked));
    await store(locked, drill);
    return report(drill);
  });
}

/** Deletes all copies of rehearsals, those of killed runs too. */
export async function deleteCopies(session: LockedSession): Promise<void> {
  const copies = await listByPrefix(session, `${session.target.databaseIdentifier}-rehearsal-`);
  for (const { DBInstanceIdentifier = "" } of copies) await deleteInstance(session, DBInstanceIdentifier);
}

async function timed<T>(
  { clock, progress }: LockedSession,
  drill: Drill,
  step: string,
  run: () => Promise<T>,
): Promise<T> {
  const began = clock.now();
  try {
    return await progress.step(`Rehearsal: ${step}`, run);
  } finally {
    drill.steps[step] = Math.round((clock.now() - began) / 1000);
  }
}

async function compareSums(
  session: LockedSession,
  drill: Drill,
  counter: string,
  old: DBInstance,
  copy: DBInstance,
): Promise<void> {
  const { postgisError, rows } = await inspect(session, counter, copy.Endpoint?.Address ?? "");
  const now = await countRows(session, counter, old.Endpoint?.Address ?? "");
  drill.rows = { copy: sumOf(rows), database: sumOf(now) };
  const missing = [...now.keys()].filter((table) => !rows.has(table));
  if (missing.length > 0) drill.problem = `The copy lacks tables: ${missing.join(", ")}.`;
  else if (postgisError !== undefined) drill.problem = `PostGIS does not work in the copy: ${postgisError}`;
  else if (drill.rows.copy === 0 && drill.rows.database > 0) drill.problem = "The copy has no rows.";
}

async function store({ clients, env, target }: LockedSession, drill: Drill): Promise<void> {
  await clients.s3.send(
    new PutObjectCommand({
      Bucket: target.artifactsBucket,
      Key: drillKey(env, new Date(drill.at), drill.problem === undefined),
      Body: JSON.stringify(drill),
      ContentType: "application/json",
    }),
  );
}

function report({ backup, problem, rows, steps }: Drill): Result {
  const lines = [
    `Backup: ${backup}.`,
    ...Object.entries(steps).map(([step, seconds]) => `  ${step}: ${formatDuration(seconds * 1000)}`),
    ...(rows === undefined ? [] : [`Rows: ${rows.copy} in the copy, ${rows.database} in the database.`]),
  ];
  if (problem !== undefined)
    return { outcome: "failedDrill", lines: [`The rehearsal failed: ${problem}`, ...lines] };
  const recovery = formatDuration((steps["restore"] ?? 0) * 1000);
  return {
    outcome: "done",
    lines: [
      `The backup can be restored: ${recovery} until the copy was ready. A restore then swaps the names, in about ten minutes.`,
      ...lines,
    ],
  };
}

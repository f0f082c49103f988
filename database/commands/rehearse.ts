import { type DBInstance } from "@aws-sdk/client-rds";
import { PutObjectCommand } from "@aws-sdk/client-s3";
import { UserError } from "../../cli/userError";
import { formatDuration } from "../../coordination/clock";
import { chooseBackup } from "../backups";
import { findByName, listByPrefix } from "../instances";
import { LockLost } from "../../coordination/lock";
import { drillKey } from "../../components/common/drillKey";
import { type Drill } from "../drill";
import { isolatedGroup } from "../isolatedGroup";
import { appears, deleteInstance, restoreBeside, restoreCopy } from "../restoreSteps";
import { countRows, inspect } from "../inspection";
import { rehearseEnketo } from "../enketoRehearsal";
import { MEDIA_FILE, rehearseMedia } from "../mediaRehearsal";
import { findVersion, migrateCopy } from "../migrateCopy";
import { findInstance } from "../runCommand";
import { sumOf } from "../rowCount";
import { reasonOf } from "../../coordination/unfinished";
import { type LockedSession, type Result, type Session } from "../session";
import { settingsOf } from "../settings";
import { requireFinished, withLock } from "../withLock";

export interface RehearseOptions {
  /** Restores into the isolated group and counts no rows, which needs instances with shell access. */
  withoutRowCount: boolean;
  /** The time to restore; the latest by default. */
  to?: string;
  /** The instance whose automated backups have the time, if several do. */
  from?: string;
  /** The version of Iaso that migrates the copy; none by default. */
  migrate?: string;
  /** Restores a file of media from AWS Backup too. */
  media?: true;
  /** Restores Enketo's main Redis into a copy too. */
  enketo?: true;
}

/**
 * Rehearses a restore: restores a backup into a copy beside the database, counts its rows, calculates with PostGIS,
 * migrates it if asked, measures each step, and deletes the copy. The database and Iaso do not notice. The result is stored
 * for `npm run doctor`.
 *
 * @throws UserError if something is missing; nothing is changed
 */
export async function rehearse(session: Session, options: RehearseOptions): Promise<Result> {
  const { enketo = false, from, media = false, migrate, to = "latest", withoutRowCount } = options;
  const { env, target } = session;
  const name = target.databaseIdentifier;
  if ((media || migrate !== undefined) && withoutRowCount) {
    throw new UserError(
      "Only an instance of Iaso reaches the copy and files of media, and --without-row-count uses none.",
      `npm run database -- rehearse ${env}${migrate === undefined ? "" : ` --migrate ${migrate}`}${media ? " --media" : ""}`,
    );
  }
  return withLock(session, "database rehearse", async (run) => {
    requireFinished(run);
    const locked = run.session;
    const copy = `${name}-rehearsal-${run.number}`;
    const old = await findByName(locked, name);
    if (old === undefined) throw new UserError(`There is no database ${name}.`);
    const counter = withoutRowCount ? undefined : await findInstance(locked);
    const settings = settingsOf(old);
    const version = migrate === undefined ? undefined : await findVersion(locked, migrate);
    const { description, source } = await chooseBackup(locked, { to, from });
    const isolated = counter === undefined || enketo ? await isolatedGroup(locked, old) : undefined;
    const securityGroups =
      counter === undefined && isolated !== undefined ? [isolated] : settings.securityGroups;
    const plan = [
      `Restore ${description}, into a copy ${copy}, and measure the time.`,
      counter === undefined
        ? "Count no rows: no connection reaches the copy."
        : "Count the rows of the copy and of the database, and calculate with PostGIS.",
      ...(version === undefined
        ? []
        : [
            `Migrate the copy with ${version} on the instance ${counter ?? ""}, with limits, and check it again.`,
          ]),
      "Delete the copy.",
      ...(media ? [`Delete the file ${MEDIA_FILE} of media, and restore it from the newest backup.`] : []),
      ...(enketo ? ["Restore the newest snapshot of Enketo's Redis into a copy, and delete the copy."] : []),
    ];
    session.show([
      "Plan:",
      ...plan.map((step, index) => `  ${index + 1}. ${step}`),
      `Deployments to ${env} wait meanwhile.`,
    ]);
    if (!(await session.confirm("Rehearse?"))) {
      return { outcome: "abandoned", lines: ["Nothing was changed."] };
    }
    run.beginWithout(enketo ? `rehearse ${env} --enketo` : `resume ${env}`);
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
        if (version !== undefined && drill.problem === undefined) {
          const host = instance.Endpoint?.Address ?? "";
          await migrateAndCheck(locked, drill, counter, { copy, host, label: version });
        }
      }
    } catch (error) {
      drill.problem = reasonOf(error);
      // A request without an answer may still create the copy.
      await appears(locked, copy);
    }
    await timed(locked, drill, "delete", () => deleteCopies(locked));
    if (media && counter !== undefined) {
      await rehearseOther(drill, async () => {
        const missing = await timed(locked, drill, "media", () => rehearseMedia(locked, counter));
        drill.media =
          missing === undefined ? "A file of media was restored." : `Media were not rehearsed: ${missing}.`;
      });
    }
    if (enketo && isolated !== undefined) {
      await rehearseOther(drill, async () => {
        drill.enketo = await timed(locked, drill, "Enketo", () => rehearseEnketo(locked, isolated));
      });
    }
    await store(locked, drill);
    return report(drill);
  });
}

/**
 * Deletes what killed rehearsals and upgrades left, and nothing else: `resume` would complete a restore too.
 *
 * @throws UserError if a restore is unfinished
 */
export async function deleteRehearsals(session: Session): Promise<Result> {
  return withLock(session, "database rehearse --delete-copies", async (run) => {
    requireFinished(run);
    run.beginWithout(`rehearse ${session.env} --delete-copies`);
    await run.session.progress.step("Delete the copies of rehearsals", () => deleteCopies(run.session));
    return { outcome: "done", lines: ["No copy of a rehearsal is left."] };
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

/** Migrates the copy with another version, and checks its data again. */
async function migrateAndCheck(
  session: LockedSession,
  drill: Drill,
  counter: string,
  args: { copy: string; host: string; label: string },
): Promise<void> {
  const { migrations, prepared, seconds } = await session.progress.step(
    `Rehearsal: migrate with ${args.label}`,
    () => migrateCopy(session, counter, args),
  );
  Object.assign(drill.steps, { "install the version": prepared, migrate: seconds });
  drill.migrated = { version: args.label, migrations };
  const { postgisError, rows } = await timed(session, drill, "rows after the migrations", () =>
    inspect(session, counter, args.host),
  );
  if (drill.rows !== undefined) drill.rows.migrated = sumOf(rows);
  if (postgisError !== undefined) {
    drill.problem = `PostGIS does not work after the migrations: ${postgisError}`;
  } else if (sumOf(rows) === 0 && (drill.rows?.copy ?? 0) > 0) {
    drill.problem = "The copy has no rows after the migrations.";
  }
}

/** Rehearses a restore of other data, if no problem was found before. Its failure is the problem of the rehearsal. */
async function rehearseOther(drill: Drill, rehearseData: () => Promise<void>): Promise<void> {
  if (drill.problem !== undefined) return;
  try {
    await rehearseData();
  } catch (error) {
    if (error instanceof LockLost) throw error;
    drill.problem = reasonOf(error);
  }
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

function report({ backup, enketo, media, migrated, problem, rows, steps }: Drill): Result {
  const seconds = (...names: string[]): string =>
    formatDuration(names.reduce((sum, name) => sum + (steps[name] ?? 0), 0) * 1000);
  const lines = [
    `Backup: ${backup}.`,
    ...Object.keys(steps).map((step) => `  ${step}: ${seconds(step)}`),
    ...(rows === undefined ? [] : [`Rows: ${rows.copy} in the copy, ${rows.database} in the database.`]),
    ...(migrated === undefined
      ? []
      : [
          `Migrated with ${migrated.version}: ${migrated.migrations} migrations, ${rows?.migrated ?? 0} rows afterwards.`,
        ]),
    ...(media === undefined ? [] : [media]),
    ...(enketo === undefined ? [] : [`Enketo's Redis was restored from the snapshot ${enketo}.`]),
  ];
  if (problem !== undefined)
    return { outcome: "failedDrill", lines: [`The rehearsal failed: ${problem}`, ...lines] };
  const ready = migrated === undefined ? "the copy was ready" : "the copy was restored and migrated";
  const recovery = seconds("restore", ...(migrated === undefined ? [] : ["install the version", "migrate"]));
  return {
    outcome: "done",
    lines: [
      `The backup can be restored: ${recovery} until ${ready}. A restore then swaps the names, in about ten minutes.`,
      ...lines,
    ],
  };
}

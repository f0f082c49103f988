import { type DBInstance } from "@aws-sdk/client-rds";
import { UserError } from "../../cli/userError";
import { type Journal } from "../../coordination/journal";
import { unlessItFails } from "../../coordination/unlessItFails";
import { chooseBackup, type Wanted } from "../backups";
import { awaitHealth } from "../health";
import { findById, findByName, listByPrefix, waitingChanges } from "../instances";
import { isolatedGroup } from "../isolatedGroup";
import { requireInstance, settingsInState } from "../pulumiState";
import { requireOwnCommands } from "../stateCommands";
import { namesOf, type RestoreRecord, type Source } from "../record";
import {
  describeDifference,
  type Difference,
  differenceFromVersion,
  differenceOf,
  migrationsIn,
} from "../migrations";
import { abandonRestore, existingId, findOld, oldServes, restoredServes, swapIn } from "../restoreInPlace";
import { restoreBeside, RestoreRefused } from "../restoreSteps";
import { countRows } from "../inspection";
import { findInstance } from "../runCommand";
import { compareRows } from "../rowCount";
import { Unfinished } from "../../coordination/unfinished";
import { type LockedSession, type Result, type Session } from "../session";
import { type Settings, settingsFor, settingsOf, storageWarning, toProgramParameters } from "../settings";
import { describeStatus, isInTheWay } from "../status";
import { requireFinished, type Run, withLock } from "../withLock";
import { deleteLeft } from "./deleteLeft";
import { deleteCopies } from "./rehearse";

export interface RestoreOptions {
  to?: string;
  /** The instance whose automated backups have the time, if several do. */
  from?: string;
  snapshot?: string;
  /** Swaps without a count of the rows, which needs instances with shell access. */
  withoutRowCount: boolean;
}

/**
 * Restores a backup into a new instance, and replaces the old one by it: the new instance gets its identifier, address,
 * settings and resource in Pulumi's state. The old instance stays, isolated and under another name.
 *
 * @throws UserError if the backup does not exist, or something that the restore needs is missing; nothing is changed
 */
export async function restore(session: Session, options: RestoreOptions): Promise<Result> {
  const { env, target } = session;
  const name = target.databaseIdentifier;
  const wanted = wantedBackup(options, env);
  return withLock(session, "database restore", async (run) => {
    requireFinished(run);
    const locked = run.session;
    const plan = await locked.progress.step("Check the database and its backups", () =>
      makePlan(locked, wanted, options),
    );
    const names = namesOf(name, run.number);
    session.show(describePlan(env, name, names, plan));
    if (!(await session.confirm("Restore the backup beside the database?"))) {
      return { outcome: "abandoned", lines: ["Nothing was changed."] };
    }
    const { isolated, oldId, settings, source } = plan;
    const { withoutRowCount } = options;
    const journal = await run.begin({
      ...names,
      command: "restore",
      source,
      name,
      oldId,
      settings,
      isolated,
      withoutRowCount,
    });
    return complete(locked, journal);
  });
}

interface Plan {
  /** The instance to replace; undefined if it does not exist any more. */
  old: DBInstance | undefined;
  oldId: string;
  settings: Settings;
  source: Source;
  description: string;
  isolated: string | undefined;
  /** Further steps of the user, if the backup has another major version. */
  next: string[];
  /** Instances that earlier restores have left. */
  others: DBInstance[];
}

async function makePlan(
  session: LockedSession,
  wanted: Wanted,
  { withoutRowCount }: RestoreOptions,
): Promise<Plan> {
  const { env, pulumi, target } = session;
  const name = target.databaseIdentifier;
  const old = await findByName(session, name);
  const state = await pulumi.read();
  requireOwnCommands(state, env);
  // Pulumi's state has the settings of an instance that is gone.
  const inState = settingsInState(state, env);
  const oldId = old?.DbiResourceId ?? inState.id;
  if (old !== undefined) requireInstance(state, oldId, env);
  if (!withoutRowCount) await findInstance(session);
  const now = old === undefined ? inState.settings : settingsOf(old);
  const { description, major, source } = await chooseBackup(session, wanted);
  const settings = settingsFor(now, major);
  const next =
    major === now.majorVersion
      ? []
      : [
          `The backup has PostgreSQL ${major}, and gets RDS's default parameters. Afterwards:`,
          ...toProgramParameters(env, major),
        ];
  const others = await listByPrefix(session, `${name}-re`);
  const isolated = old && (await isolatedGroup(session, old));
  return { old, oldId, settings, description, source, isolated, others, next };
}

/** Completes a restore that did not finish, or deletes what a rehearsal left. */
export async function resume(session: Session): Promise<Result> {
  return withLock(session, "database resume", async (run: Run) => {
    const record = run.unfinished;
    if (record === undefined) {
      await deleteCopies(run.session);
      return { outcome: "done", lines: [`No run on the database of ${session.env} is unfinished.`] };
    }
    session.progress.line(
      `Run ${record.number} (${record.command} by ${record.by}, ${record.startedAt}) stopped in phase ${record.phase}.`,
    );
    await confirmSwap(run.session, record);
    const journal = await run.reopen(record);
    return complete(run.session, journal);
  });
}

/**
 * Asks again before a swap that has not begun: the lock, which roles of CI write too, names the record, and it may be old.
 *
 * @throws Unfinished if the user does not want the swap
 */
async function confirmSwap(session: LockedSession, record: RestoreRecord): Promise<void> {
  const { name, number, phase, replaced, restored, startedAt } = record;
  if (phase !== "swapping" || !(await oldServes(session, record))) return;
  const question = `Replace ${name} by ${restored}? What was written since ${startedAt} is then only in ${replaced}.`;
  if (await session.confirm(question)) return;
  throw new Unfinished(
    `${name} is unchanged. To end the restore without it: npm run database -- abandon ${session.env}. If run ${number} is ` +
      `not the last run of ${session.env}, find out in CloudTrail who wrote locks/${session.env}.json of the artifacts bucket.`,
  );
}

/**
 * Ends an unfinished restore without its new instance, after the user has confirmed it. If none is unfinished, deletes the
 * instances that earlier ones have left.
 *
 * @throws UserError if the restored database serves already, or the old one cannot serve again
 */
export async function abandon(session: Session): Promise<Result> {
  return withLock(session, "database abandon", async (run: Run) => {
    const record = run.unfinished;
    if (record === undefined) return deleteLeft(run);
    const { name, number, phase, restored, startedAt } = record;
    if (phase !== "restoring" && phase !== "swapping") return complete(run.session, await run.reopen(record));
    const resumption = `npm run database -- resume ${session.env}`;
    if (await restoredServes(run.session, record)) {
      throw new UserError(
        `The restored database is ${name} already, and what Iaso has written since is only there.`,
        `${resumption}. Afterwards another restore can replace it`,
      );
    }
    const old = await findOld(run.session, record, `${resumption}, which uses it`);
    const rest =
      old === undefined
        ? `? Both ${restored} and the old database are gone.`
        : `, delete ${restored}, and keep the old database as ${name}?`;
    if (!(await session.confirm(`End the restore of run ${number} (${startedAt})${rest}`))) {
      throw new UserError("The restore is still unfinished.", resumption);
    }
    const journal = await run.reopen(record);
    await journal.write("abandoned");
    return abandoned(run.session, journal);
  });
}

async function complete(session: LockedSession, journal: Journal<RestoreRecord>): Promise<Result> {
  const { number, phase } = journal.current;
  if (phase === "succeeded") {
    return { outcome: "done", lines: [`Run ${number} had already replaced ${journal.current.name}.`] };
  }
  if (phase === "refused" || phase === "abandoned") return abandoned(session, journal);
  const newId = (await existingId(session, journal.current)) ?? (await prepare(session, journal));
  if (newId === undefined) return abandoned(session, journal);
  const record = journal.current;
  const { difference, name, oldId, replaced, settings } = record;
  await swapIn(session, session.pulumi, record, newId);
  const unhealthy = await session.progress.step("Wait until Iaso works with it", () => awaitHealth(session));
  // Iaso's health check reads few tables, and does not notice a column that is missing.
  const [misfit] = describeDifference(difference);
  const problem = unhealthy ?? misfit;
  await journal.write("succeeded", {}, problem);
  const serving = await findById(session, newId);
  const warning = serving && storageWarning(session.env, serving, settings);
  const isKept = (await findById(session, oldId)) !== undefined;
  const kept = [
    ...(isKept
      ? [`The old database stays as ${replaced}: no connection reaches it, and it costs as much as before.`]
      : []),
    ...(warning === undefined ? [] : [warning]),
  ];
  if (problem !== undefined) {
    return {
      outcome: "unhealthy",
      lines: [
        unhealthy === undefined
          ? `${name} is the restored database. ${problem}`
          : `${name} is the restored database, but Iaso does not work with it: ${problem}`,
        ...kept,
      ],
      remedy:
        "If the backup is older than a migration, deploy the version of that time: " +
        `npm run deploy -- rollback ${session.env} --to <version>. Or let the running version migrate the database: npm run deploy -- redeploy ${session.env}`,
    };
  }
  return {
    outcome: "done",
    lines: [`${name} is the restored database, and Iaso works with it.`, ...kept],
    ...(isKept && {
      remedy: `When nothing of the old database is needed: npm run database -- delete-replaced ${session.env}`,
    }),
  };
}

/**
 * Restores beside the old instance and asks the user.
 *
 * @returns the id of the new instance; undefined if RDS refuses, or the user does not want it
 */
async function prepare(session: LockedSession, journal: Journal<RestoreRecord>): Promise<string | undefined> {
  const record = journal.current;
  const { name, restored, withoutRowCount } = record;
  let instance: DBInstance;
  try {
    instance = await session.progress.step(`Restore into ${restored}`, () => restoreBeside(session, record));
  } catch (error) {
    if (!(error instanceof RestoreRefused)) throw error;
    await journal.write("refused", {}, error.message);
    return undefined;
  }
  const compared = withoutRowCount ? undefined : await compare(session, instance);
  session.show([...(compared?.rows ?? []), ...describeDifference(compared?.difference)]);
  const question = `Replace ${name} by ${restored}? Iaso is interrupted for some minutes.`;
  if (!(await session.confirm(question))) {
    await journal.write("abandoned");
    return undefined;
  }
  await journal.write("swapping", { newId: instance.DbiResourceId, difference: compared?.difference });
  return instance.DbiResourceId;
}

async function abandoned(session: LockedSession, { current }: Journal<RestoreRecord>): Promise<Result> {
  const { env, history, name } = current;
  const isKept = await abandonRestore(session, current);
  const why = history.at(-1)?.detail;
  return {
    outcome: "abandoned",
    lines: [
      ...(why === undefined ? [] : [why]),
      isKept ? `${name} is unchanged.` : `There is no database ${name}.`,
    ],
    ...(!isKept && { remedy: `Restore another backup: npm run database -- backups ${env}` }),
  };
}

/** Compares the rows and the migrations of both databases. */
async function compare(
  session: LockedSession,
  instance: DBInstance,
): Promise<{ rows: string[]; difference: Difference | undefined }> {
  const { progress, target } = session;
  return progress.step("Compare rows and migrations of both databases", async () => {
    const counter = await findInstance(session);
    const host = instance.Endpoint?.Address ?? "";
    const restored = await countRows(session, counter, host);
    const serving = (await findByName(session, target.databaseIdentifier))?.Endpoint?.Address;
    // The old database may be what is broken.
    const now =
      serving === undefined
        ? undefined
        : await unlessItFails(session, async () => ({
            rows: await countRows(session, counter, serving),
            migrations: await migrationsIn(session, counter, serving),
          }));
    const difference =
      now === undefined
        ? await unlessItFails(session, () => differenceFromVersion(session, counter, host))
        : differenceOf(now.migrations, await migrationsIn(session, counter, host));
    return { difference, rows: compareRows(now?.rows ?? new Map<string, number>(), restored) };
  });
}

function wantedBackup({ from, snapshot, to }: RestoreOptions, env: string): Wanted {
  if (to !== undefined && snapshot === undefined) return { to, from };
  if (snapshot !== undefined && to === undefined && from === undefined) return { snapshot };
  throw new UserError(
    "Name one backup: --to with a time, or --snapshot.",
    `npm run database -- restore ${env} --to latest; the backups: npm run database -- backups ${env}`,
  );
}

function describePlan(
  env: string,
  name: string,
  { replaced, restored }: { replaced: string; restored: string },
  { description, next, old, oldId, others, settings }: Plan,
): string[] {
  const warning = old && storageWarning(env, old, settings);
  const waiting = old && waitingChanges(old);
  const standby = settings.multiAz ? "with a standby" : "without a standby";
  return [
    "Plan:",
    `  1. Restore ${description}, into a new instance ${restored} (${settings.instanceClass}, ${standby}).`,
    old === undefined
      ? `     There is no instance ${name}. The new one gets its settings from Pulumi's state.`
      : "     Iaso still uses the old database.",
    "  2. Show the rows and the migrations that differ, and ask again.",
    ...(old === undefined
      ? [`  3. Rename ${restored} to ${name}.`]
      : [
          `  3. Rename ${name} (${oldId}) to ${replaced}, without any connection, and ${restored} to ${name}.`,
          ...(waiting === undefined ? [] : [`     ${waiting}`]),
          "     Iaso is interrupted for some minutes. What was written after the backup is only in the old database.",
        ]),
    "  4. Put the new instance into Pulumi's state, and wait until Iaso works with it.",
    ...(old === undefined ? [] : ["The old database is not deleted."]),
    ...(old !== undefined && isInTheWay(old)
      ? [`Before step 3, its status has to change, or RDS may not rename it. ${describeStatus(old)}`]
      : []),
    ...(warning === undefined ? [] : [warning]),
    ...next,
    ...others.map(({ DBInstanceIdentifier = "" }) => `An earlier restore left ${DBInstanceIdentifier}.`),
  ];
}

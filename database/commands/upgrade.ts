import { type DBInstance, DescribeDBEngineVersionsCommand } from "@aws-sdk/client-rds";
import { UserError } from "../../cli/userError";
import { formatDuration } from "../../coordination/clock";
import { LockLost } from "../../coordination/lock";
import { takeSnapshot } from "../../coordination/snapshot";
import { chooseBackup } from "../backups";
import { awaitHealth } from "../health";
import { findById, findByName, isSettled, request, waitFor, waitingChanges } from "../instances";
import { appears, restartIfNeeded, restoreBeside } from "../restoreSteps";
import { analyze, inspect, type Inspection } from "../inspection";
import { findInstance } from "../runCommand";
import { compareRows } from "../rowCount";
import { reasonOf, Unfinished } from "../../coordination/unfinished";
import { LIMITS, type LockedSession, type Result, type Session } from "../session";
import { majorVersion, settingsOf, toProgramParameters } from "../settings";
import { isInTheWay, repairOf } from "../status";
import { requireFinished, withLock } from "../withLock";
import { databaseObstacles, extensionUpdates, storageObstacle } from "../upgradeObstacles";
import { deleteCopies } from "./rehearse";

export interface UpgradeOptions {
  /** The major version. */
  to: string;
  withoutRowCount: boolean;
}

/**
 * Upgrades PostgreSQL to another major version: first a copy of the latest state, then the database, after a snapshot.
 *
 * Needs no journal record: RDS shows each state, and the same command continues from there.
 *
 * @throws UserError if RDS offers no such upgrade, the database is not available, or extensions, storage or something in use stop it; nothing is changed
 * @see https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_UpgradeDBInstance.PostgreSQL.html
 */
export async function upgrade(session: Session, { to, withoutRowCount }: UpgradeOptions): Promise<Result> {
  const { env, target } = session;
  const name = target.databaseIdentifier;
  return withLock(session, "database upgrade", async (run) => {
    requireFinished(run);
    const locked = run.session;
    // An earlier run may have begun the upgrade.
    const old = await waitFor(
      locked,
      name,
      LIMITS.change,
      () => findByName(locked, name),
      (found): found is DBInstance => found !== undefined && (isSettled(found) || isInTheWay(found)),
    );
    if (isInTheWay(old)) {
      throw new UserError(
        `${name} is ${old.DBInstanceStatus ?? ""}, and RDS upgrades only an available instance.`,
        repairOf(old) ?? `npm run database -- restore ${env} --to latest`,
      );
    }
    const counter = withoutRowCount ? undefined : await findInstance(locked);
    if (majorVersion(old.EngineVersion) === to) {
      run.beginWithout(`upgrade ${env} --to ${to}`);
      return finish(locked, old, to, counter);
    }
    const version = await findTarget(locked, old, to);
    const now = await session.progress.step("Check extensions and storage", () =>
      requireUpgradable(locked, old, counter),
    );
    const waiting = waitingChanges(old);
    session.show([
      ...(now === undefined
        ? ["The extensions of the database are not checked (--without-row-count)."]
        : [`Extensions: ${now.extensions.map((one) => `${one.name} ${one.version}`).join(", ")}.`]),
      "Plan:",
      `  1. Upgrade a copy of the latest state from ${old.EngineVersion ?? ""} to ${version}, show its rows, and delete it.`,
      "     Iaso keeps running.",
      "  2. Ask again.",
      `  3. Take a snapshot of ${name} and upgrade it. Iaso is interrupted for about as long as the copy needed.`,
      ...(waiting === undefined ? [] : [`     ${waiting}`]),
      "RDS cannot go back to the old version. A restore of the snapshot can.",
    ]);
    if (!(await session.confirm("Upgrade a copy?"))) {
      return { outcome: "abandoned", lines: ["Nothing was changed."] };
    }
    run.beginWithout(`upgrade ${env} --to ${to}`);
    const seconds = await upgradeCopy(locked, `${name}-rehearsal-${run.number}`, old, version, counter, now);
    const question = `Upgrade ${name} now? The copy needed ${formatDuration(seconds * 1000)}.`;
    if (!(await session.confirm(question))) {
      return { outcome: "abandoned", lines: [`${name} is unchanged.`] };
    }
    const snapshot = `${name}-before-${to}-${run.number}`;
    const { clients, clock, interrupted, lock } = locked;
    await session.progress.step(`Take the snapshot ${snapshot}`, () =>
      takeSnapshot({ rds: clients.rds, clock, lock, env, database: name, snapshot, interrupted }),
    );
    const upgraded = await session.progress.step(`Upgrade ${name} to ${version}`, () =>
      upgradeInstance(locked, old.DbiResourceId ?? "", version),
    );
    return finish(locked, upgraded, to, counter);
  });
}

/**
 * Checks what would stop the upgrade, without changing anything.
 *
 * @returns the content of the database; undefined without a counter
 * @throws UserError with all reasons
 */
async function requireUpgradable(
  session: LockedSession,
  old: DBInstance,
  counter: string | undefined,
): Promise<Inspection | undefined> {
  const now =
    counter === undefined ? undefined : await inspect(session, counter, old.Endpoint?.Address ?? "");
  const storage = await storageObstacle(session, old);
  const obstacles = [...(storage === undefined ? [] : [storage]), ...(now ? databaseObstacles(now) : [])];
  if (obstacles.length === 0) return now;
  throw new UserError(
    [`${old.DBInstanceIdentifier ?? ""} cannot be upgraded yet:`, ...obstacles.map((one) => `  ${one}`)].join(
      "\n",
    ),
    'Remove each reason, with SQL in a shell as in docs/operations.md, "The first user", then run the command again',
  );
}

/** The newest version to which RDS upgrades the instance. */
async function findTarget({ clients, env }: Session, old: DBInstance, to: string): Promise<string> {
  const { DBEngineVersions } = await clients.rds.send(
    new DescribeDBEngineVersionsCommand({ Engine: "postgres", EngineVersion: old.EngineVersion }),
  );
  const targets = (DBEngineVersions?.[0]?.ValidUpgradeTarget ?? [])
    .filter(({ IsMajorVersionUpgrade }) => IsMajorVersionUpgrade === true)
    .map(({ EngineVersion = "" }) => EngineVersion);
  const minor = (version: string): number => Number(version.split(".")[1] ?? 0);
  const found = targets
    .filter((version) => majorVersion(version) === to)
    .sort((one, other) => minor(other) - minor(one))[0];
  if (found !== undefined) return found;
  const majors = [...new Set(targets.map((version) => majorVersion(version)))];
  throw new UserError(
    `RDS does not upgrade PostgreSQL ${old.EngineVersion ?? ""} to ${to}.`,
    majors.length === 0
      ? "Wait for a minor version that can be upgraded"
      : `npm run database -- upgrade ${env} --to ${majors.join(" or ")}`,
  );
}

/** Upgrades a copy of the latest state, and deletes it. Returns the seconds that the upgrade took. */
async function upgradeCopy(
  session: LockedSession,
  copy: string,
  old: DBInstance,
  version: string,
  counter: string | undefined,
  now: Inspection | undefined,
): Promise<number> {
  const { clock, progress } = session;
  const settings = { ...settingsOf(old), multiAz: false };
  const { source } = await chooseBackup(session, { to: "latest" });
  await deleteCopies(session);
  let seconds = 0;
  let problem: unknown;
  try {
    const record = { restored: copy, source, settings };
    const restored = await progress.step(`Restore into ${copy}`, () => restoreBeside(session, record));
    const began = clock.now();
    const upgraded = await progress.step(`Upgrade ${copy} to ${version}`, () =>
      upgradeInstance(session, restored.DbiResourceId ?? "", version),
    );
    seconds = Math.round((clock.now() - began) / 1000);
    if (counter !== undefined && now !== undefined) {
      const found = await inspect(session, counter, upgraded.Endpoint?.Address ?? "");
      session.show(compareRows(now.rows, found.rows));
      if (found.postgisError !== undefined) throw new Unfinished(`PostGIS fails: ${found.postgisError}`);
    }
  } catch (error) {
    if (error instanceof LockLost) throw error;
    problem = error;
    await appears(session, copy);
  }
  await progress.step(`Delete ${copy}`, () => deleteCopies(session));
  if (problem === undefined) return seconds;
  throw new Unfinished(
    `The copy could not be upgraded, and the database is unchanged: ${reasonOf(problem)} RDS's events name the cause: ` +
      `aws rds describe-events --source-type db-instance --source-identifier ${copy} --duration 1440`,
  );
}

/**
 * Upgrades an instance, with RDS's default parameters of the new version (they require TLS too), and waits. RDS has to
 * change version and parameters in one step, and Pulumi creates the program's parameters of the new version later.
 */
async function upgradeInstance(session: LockedSession, id: string, version: string): Promise<DBInstance> {
  const isUpgraded = ({ EngineVersion }: DBInstance): boolean => EngineVersion === version;
  const changes = {
    EngineVersion: version,
    AllowMajorVersionUpgrade: true,
    DBParameterGroupName: `default.postgres${majorVersion(version)}`,
    ApplyImmediately: true,
  };
  await request(session, id, changes, isUpgraded);
  let began = false;
  const instance = await waitFor(
    session,
    id,
    LIMITS.restore,
    () => findById(session, id),
    (found): found is DBInstance => {
      began ||= found?.DBInstanceStatus === "upgrading";
      return isSettled(found) && (began || isUpgraded(found));
    },
  );
  if (isUpgraded(instance)) return instance;
  throw new Unfinished(
    `RDS did not upgrade ${instance.DBInstanceIdentifier ?? id}, which still has ${instance.EngineVersion ?? ""}.`,
  );
}

/** Restarts the upgraded instance if its new parameters wait for that, and checks Iaso. */
async function finish(
  session: LockedSession,
  instance: DBInstance,
  to: string,
  counter: string | undefined,
): Promise<Result> {
  const { env, target } = session;
  const name = target.databaseIdentifier;
  const group = instance.DBParameterGroups?.[0]?.DBParameterGroupName ?? "";
  await restartIfNeeded(session, instance);
  if (counter !== undefined) {
    await session.progress.step("Collect the statistics, of which an upgrade keeps none (ANALYZE)", () =>
      analyze(session, counter, instance.Endpoint?.Address ?? ""),
    );
  }
  const problem = await session.progress.step("Wait until Iaso works with it", () => awaitHealth(session));
  const upgraded = `${name} runs PostgreSQL ${instance.EngineVersion ?? to}`;
  if (problem !== undefined) {
    return {
      outcome: "unhealthy",
      lines: [`${upgraded}, but Iaso does not work with it: ${problem}`],
      remedy: `docs/operations.md, "Upgrading PostgreSQL"`,
    };
  }
  const statistics =
    counter === undefined
      ? ["An upgrade keeps no statistics, without which queries are slow. In SQL:", "  ANALYZE;"]
      : [];
  const updates =
    counter === undefined
      ? []
      : extensionUpdates(await inspect(session, counter, instance.Endpoint?.Address ?? ""));
  const extensions = [
    ...statistics,
    ...(updates.length === 0
      ? []
      : ["RDS upgrades no extension. In SQL:", ...updates.map((one) => `  ${one}`)]),
  ];
  if (!group.startsWith("default.")) {
    const lines = [`${upgraded} with the parameters ${group}, and Iaso works with it.`, ...extensions];
    return { outcome: "done", lines };
  }
  return {
    outcome: "done",
    lines: [
      `${upgraded}, and Iaso works with it. It still has RDS's parameters. Next:`,
      ...toProgramParameters(env, to),
      ...extensions,
    ],
  };
}

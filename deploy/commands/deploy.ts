import { createApplicationVersion, type Bundle, versionLabel } from "../applicationVersions";
import { ConditionalObjects } from "../../coordination/conditionalObject";
import { type Journal } from "../../coordination/journal";
import { type DeploymentRecord } from "../record";
import { shorten } from "../../cli/shorten";
import { describeHolder, isHeld, Locked, readLock } from "../../coordination/lock";
import { requireCredentialsFor } from "../credentials";
import { recordBuild } from "../earlierBuilds";
import { copyImages, requireRepository } from "../images";
import { announceVersions, compareMigrations, migrationsOf, refusalOfMisfit } from "../knownMigrations";
import { maintain, type MaintenancePlan, planMaintenance } from "../maintenance/maintain";
import { type JudgeMigrations } from "../migrations/verdict";
import { describeEnvironments, type Report } from "../output/report";
import { awaitHealth } from "../pair/awaitHealth";
import { requireSameVersion } from "../pair/check";
import { findPair, type Pair } from "../pair/find";
import { describePair, type PairState } from "../pair/state";
import { recordRestorePoint, type RestorePoint } from "../restorePoint";
import { checkRunningTasks, type TaskPolicy } from "../runningTasks";
import { type LockedSession, type Session } from "../session";
import { uploadWheels } from "../wheels";
import { type LocalImage } from "../source/artifact";
import { type Wheel } from "../source/wheels";
import { type StaticFile } from "../static/files";
import { publishStatic } from "../static/publish";
import { UserError } from "../../cli/userError";
import { requireCompatible } from "./checkMigrations";
import { recover, requireNoMaintenance, restoreStaticOf } from "./recover";
import { switchVersion } from "./switchVersion";
import { type Run, withLock } from "./withLock";

export interface DeployOptions {
  runningTasks: TaskPolicy;
  snapshot: boolean;
  /** Closes the site during the switch, and restores a snapshot if it fails. */
  maintenance: boolean;
  allowUnhealthy: boolean;
  /** The running version for which the migrations were checked elsewhere, and found to be no problem. */
  migrationsChecked?: string;
  /** Deploys without a check whether the running version works on the new version's tables. */
  migrationsUnchecked: boolean;
}

/** A version that was built from a checkout and is on this machine. */
export interface BuiltVersion {
  version: string;
  /** For the list of versions, such as the commit it was built from. */
  description: string;
  bundle: Bundle;
  staticFiles: readonly StaticFile[];
  /** The Python packages that the bundle lists. */
  wheels: readonly Wheel[];
  /** The images that the bundle names; none on the python platform. */
  images: readonly LocalImage[];
  /** The digests of what the version and its front end were built from, by which a later deployment finds them. */
  inputs?: readonly string[];
  /** Undefined for a build without its checkout, whose code the check would run. */
  judgeMigrations?: JudgeMigrations;
}

export type Build = (pair: Pair, log: (line: string) => void) => Promise<BuiltVersion>;

/**
 * Deploys a version to web and worker:
 *
 * 1. preflight: checks that nothing would stop the deployment after the build
 * 2. build
 * 3. acquire the lock, and recover from an unfinished run
 * 4. check that the running version works on the new version's tables
 * 5. publish the static files, upload the Python packages or the images and the bundle, and create the application
 *    version
 * 6. wait for the background tasks
 * 7. record the restore point of the database
 * 8. tell the instances which migrations both versions have, and switch both environments, or roll both back. Each
 *    instance refuses the version before any change if it may fail on what migrations did that it does not have
 *
 * Steps 1 to 7 leave the environments unchanged. A maintenance replaces steps 4 and 6 to 8 by its own (`maintain`).
 *
 * @throws UserError, Locked, LockLost or Unfinished. The environments may run different versions only after LockLost
 *   and Unfinished.
 */
export async function deploy(session: Session, options: DeployOptions, build: Build): Promise<Report> {
  const { env, progress } = session;
  const pair = await progress.step(`Check the environments of ${env}`, () => preflight(session, options));
  const built = await progress.step("Build the version", (log) => build(pair, log));
  const label = versionLabel(built.version, built.bundle);
  return withLock<Report>(session, `deploy ${label}`, async (run) => {
    const failed = await recoverFirst(run, pair);
    if (failed !== undefined) return run.close(failed, { unfinished: true });
    const state = await describeHealthyPair(session, pair, options);
    const from = requireSameVersion(env, state, options.allowUnhealthy);
    if (from === label) {
      return run.close(unchanged(env, label, state), { unfinished: false, version: label });
    }
    const plan = options.maintenance ? await planLocked(run.session, pair, label) : undefined;
    // Nobody uses the running version while the maintenance migrates the database.
    const difference = await compareMigrations(session, from, built.bundle.path);
    const { judgeMigrations } = built;
    const migrations =
      plan === undefined
        ? await requireCompatible(run.session, from, { difference, judgeMigrations }, options)
        : undefined;
    const lacking = difference?.lacking ?? [];
    if (lacking.length > 0) {
      progress.warn(`${label} lacks migrations of ${from}: ${shorten(lacking)}.`);
    }
    requireNotInterrupted(session);
    await run.session.lock.renew();
    const record = { command: "deploy", from, to: label, bundle: built.bundle.sha256 } as const;
    // A repair replaces the database by the plan in the record, so only people may write it.
    const journal = await run.beginJournal(record, plan === undefined ? "journal" : "restores");
    try {
      await publish(run.session, built, label);
      const announce = async () =>
        announceVersions(run.session, [from, label], {
          versions: { [label]: await migrationsOf(built.bundle.path) },
          mustFit: options.migrationsUnchecked ? null : label,
        });
      if (plan !== undefined) {
        const { runningTasks } = options;
        await announce();
        const ended = await maintain(run.session, { pair, journal, plan, runningTasks, from, to: label });
        if (ended.closing.version === from) await restoreStaticOf(run.session, from);
        return run.close(withFit(ended.report, lacking), ended.closing);
      }
      const restorePoint = await recordTasksAndRestorePoint(run.session, journal, options, label);
      await announce();
      const { closing, report } = await switchVersion(run.session, {
        pair,
        journal,
        from,
        to: label,
        restorePoint,
        migrations,
      });
      return run.close(withFit(report, lacking), closing);
    } catch (error) {
      if (["preparing", "refused"].includes(journal.current.phase)) await restoreStaticOf(run.session, from);
      throw error;
    }
  });
}

/**
 * Adds to the report of a version that lacks migrations of the running one what its instances did about them.
 *
 * @param lacking the migrations
 */
function withFit(report: Report, lacking: readonly string[]): Report {
  if (lacking.length === 0) return report;
  const { from = "", notes = [], outcome, to = "" } = report;
  const lacks = `${to} lacks migrations of ${from}, whose changes of the tables stay: ${shorten(lacking)}.`;
  return { ...report, notes: [lacks, ...(outcome === "deployed" ? [] : [refusalOfMisfit(to)]), ...notes] };
}

/** The report of a command that found its version deployed already. */
export function unchanged(env: string, label: string, state: PairState): Report {
  return {
    env,
    outcome: "unchanged",
    summary: `${env} already runs ${label} on web and worker; nothing was changed.`,
    to: label,
    environments: describeEnvironments(state),
    notes: [`To deploy it again, such as after a restore of the database: npm run deploy -- redeploy ${env}`],
  };
}

/** Finds problems before the build, which takes minutes. */
async function preflight(session: Session, options: DeployOptions): Promise<Pair> {
  const { clients, clock, env, limits, target } = session;
  requireCredentialsFor(session, limits.version + limits.tasks);
  if (target.platform === "docker") requireRepository(session);
  const pair = await findPair(clients.beanstalk, env, target);
  if (options.maintenance) await planMaintenance(session, pair, 0, "check");
  const lock = await readLock(new ConditionalObjects(clients.s3, target.artifactsBucket), env);
  if (lock !== undefined && isHeld(lock, clock.now())) {
    if (await isAlive(session, lock.expiresAt)) throw new Locked(describeHolder(lock));
    // The holder died. The deployment waits until the lock expires, and recovers, after the build.
    return pair;
  }
  if (lock === undefined || lock.openJournal === null) {
    requireSameVersion(env, await describeHealthyPair(session, pair, options), options.allowUnhealthy);
  }
  return pair;
}

async function describeHealthyPair(session: Session, pair: Pair, options: DeployOptions): Promise<PairState> {
  const { clients, limits } = session;
  const state = options.allowUnhealthy ? undefined : await awaitHealth(session, pair, limits.consistency);
  return state ?? describePair(clients.beanstalk, pair);
}

/** Milliseconds within which a run that is alive has renewed its lock. */
const RENEWED_BY = 70_000;

async function isAlive(session: Session, expiresAt: string | null): Promise<boolean> {
  session.progress.line("Another run holds the lock; checking whether it is alive");
  await session.clock.sleep(RENEWED_BY);
  const objects = new ConditionalObjects(session.clients.s3, session.target.artifactsBucket);
  const lock = await readLock(objects, session.env);
  return lock !== undefined && isHeld(lock, session.clock.now()) && lock.expiresAt !== expiresAt;
}

/**
 * Recovers from the unfinished run, if there is one.
 *
 * @returns the report of a recovery that failed; undefined if the command can go on
 */
export async function recoverFirst(run: Run<Report>, pair: Pair): Promise<Report | undefined> {
  const { session } = run;
  if (run.unfinishedRun === undefined) return undefined;
  const record = await run.readUnfinished();
  requireNoMaintenance(session.env, record);
  const recovered = await session.progress.step("Recover from an unfinished run", () =>
    recover(session, pair, record),
  );
  const { previous, verified, version } = recovered;
  if (verified) {
    await run.markRecovered(version, previous);
    return undefined;
  }
  const { env } = session;
  return {
    env,
    outcome: "mixedVersions",
    summary: `${env} RUNS MIXED VERSIONS: a run before this one did not finish, and the rollback to ${version} failed.`,
    causes: recovered.problems,
    environments: describeEnvironments(recovered.state),
    remedy: `npm run deploy -- repair ${env}`,
  };
}

function planLocked(session: LockedSession, pair: Pair, label: string): Promise<MaintenancePlan> {
  return session.progress.step("Plan the maintenance", () =>
    planMaintenance(session, pair, session.lock.current.token, label),
  );
}

/** Creates the version and publishes its files, which leaves the environments unchanged. */
async function publish(session: LockedSession, built: BuiltVersion, label: string): Promise<void> {
  const { clients, env, progress, target } = session;
  requireNotInterrupted(session);
  await progress.step("Publish the static files", (log) =>
    publishStatic({
      s3: clients.s3,
      bucket: target.staticBucket,
      files: built.staticFiles,
      version: label,
      onProgress: log,
    }),
  );
  requireNotInterrupted(session);
  await session.lock.renew();
  if (built.wheels.length > 0) {
    await progress.step("Upload the Python packages", (log) =>
      uploadWheels(session, label, built.wheels, log),
    );
    requireNotInterrupted(session);
    await session.lock.renew();
  }
  if (built.images.length > 0) {
    await progress.step("Copy the images", (log) => copyImages(session, label, built.images, log));
    requireNotInterrupted(session);
    await session.lock.renew();
  }
  await progress.step(`Create the application version ${label}`, async () => {
    await createApplicationVersion(session, label, built.bundle, `${env}: ${built.description}`);
    for (const inputs of built.inputs ?? []) await recordBuild(session, inputs, label);
  });
  requireNotInterrupted(session);
}

/** Waits for the background tasks, and records the restore point. */
async function recordTasksAndRestorePoint(
  session: LockedSession,
  journal: Journal<DeploymentRecord>,
  options: DeployOptions,
  label: string,
): Promise<RestorePoint> {
  const { progress } = session;
  await progress.step("Check the background tasks", (log) =>
    checkRunningTasks(session, options.runningTasks, log),
  );
  const restorePoint = await progress.step("Record the restore point", (log) =>
    recordRestorePoint(session, label, options.snapshot, log),
  );
  await journal.write("preparing", { restorePoint });
  requireNotInterrupted(session);
  return restorePoint;
}

function requireNotInterrupted({ env, interrupted }: Session): void {
  if (!interrupted()) return;
  throw new UserError(
    "The run was interrupted before it changed the environments.",
    `npm run deploy -- ${env} --source <checkout>`,
  );
}

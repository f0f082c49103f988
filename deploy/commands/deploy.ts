import { createApplicationVersion, type Bundle, versionLabel } from "../applicationVersions";
import { ConditionalObjects } from "../coordination/conditionalObject";
import { describeHolder, isHeld, Locked, readLock } from "../coordination/lock";
import { describeEnvironments, type Report } from "../output/report";
import { awaitHealth } from "../pair/awaitHealth";
import { requireOneVersion } from "../pair/check";
import { findPair, type Pair } from "../pair/find";
import { lookAtPair, type PairLook } from "../pair/state";
import { recordRestorePoint } from "../restorePoint";
import { settleRunningTasks, type TaskPolicy } from "../runningTasks";
import { type LockedSession, type Session } from "../session";
import { publishStatic } from "../static/publish";
import { UserError } from "../../cli/userError";
import { finishOpen, restoreStaticOf } from "./recover";
import { switchVersion } from "./switchVersion";
import { withLock } from "./withLock";

export interface DeployOptions {
  runningTasks: TaskPolicy;
  snapshot: boolean;
  allowUnhealthy: boolean;
}

/** A version that was built from a checkout and is on this machine. */
export interface BuiltVersion {
  version: string;
  /** For the list of versions, such as the commit it was built from. */
  description: string;
  bundle: Bundle;
  staticDirectory: string;
}

export type Build = (pair: Pair, log: (line: string) => void) => Promise<BuiltVersion>;

/**
 * Deploys a version: built first, then everything that only adds (static files, bundle, application version), then
 * the switch of both environments with one verdict.
 * @throws UserError, Locked, LockLost or Unfinished; only after the last two can the pair be between versions.
 */
export async function deploy(session: Session, options: DeployOptions, build: Build): Promise<Report> {
  const { env, progress } = session;
  const pair = await progress.step(`Look at the environments of ${env}`, () => preflight(session, options));
  const built = await progress.step("Build the version", (log) => build(pair, log));
  const label = versionLabel(built.version, built.bundle);
  return withLock<Report>(session, `deploy ${label}`, async (run) => {
    const locked = run.session;
    const repaired = await repairFirst(locked, pair, run.openRecord);
    if (repaired?.report !== undefined) return run.close(repaired.report, { open: true });
    if (repaired !== undefined) await run.settle(repaired.version, repaired.previous);
    const look = await lookForDeployment(session, pair, options);
    const from = requireOneVersion(env, look, options.allowUnhealthy);
    if (from === label) {
      const summary = `${env} already runs ${label}, web and worker alike; nothing was changed.`;
      const report: Report = {
        env,
        outcome: "unchanged",
        summary,
        to: label,
        environments: describeEnvironments(look),
      };
      return run.close(report, { open: false, version: label });
    }
    const journal = await run.beginJournal({ command: "deploy", from, to: label });
    try {
      await prepare(locked, built, label);
      await progress.step("Look at the background tasks", (log) =>
        settleRunningTasks(locked, options.runningTasks, log),
      );
      const restorePoint = await progress.step("Record a restore point", (log) =>
        recordRestorePoint(locked, label, options.snapshot, log),
      );
      await journal.write("preparing", { restorePoint });
      requireNotInterrupted(session);
      const { closing, report } = await switchVersion(locked, {
        pair,
        journal,
        from,
        to: label,
        restorePoint,
      });
      return run.close(report, closing);
    } catch (error) {
      if (journal.current.phase === "preparing") await restoreStaticOf(locked, from);
      throw error;
    }
  });
}

/** Finds before the build, which takes minutes, what would stop the deployment after it. */
async function preflight(session: Session, options: DeployOptions): Promise<Pair> {
  const { clients, clock, env, target } = session;
  const pair = await findPair(clients.beanstalk, env, target);
  const lock = await readLock(new ConditionalObjects(clients.s3, target.artifactsBucket), env);
  // The lock of a run that died is waited for and its work ended, once the version is built.
  if (lock !== undefined && isHeld(lock, clock.now())) {
    if (await isAlive(session, lock.expiresAt)) throw new Locked(describeHolder(lock));
    return pair;
  }
  if (lock === undefined || lock.openJournal === null) {
    requireOneVersion(env, await lookForDeployment(session, pair, options), options.allowUnhealthy);
  }
  return pair;
}

async function lookForDeployment(session: Session, pair: Pair, options: DeployOptions): Promise<PairLook> {
  const { clients, limits } = session;
  const look = options.allowUnhealthy ? undefined : await awaitHealth(session, pair, limits.settle);
  return look ?? lookAtPair(clients.beanstalk, pair);
}

/** Milliseconds after which a living run has renewed its lock. */
const RENEWED_BY = 70_000;

async function isAlive(session: Session, expiresAt: string | null): Promise<boolean> {
  session.progress.line("Another run holds the lock; looking whether it is alive");
  await session.clock.sleep(RENEWED_BY);
  const objects = new ConditionalObjects(session.clients.s3, session.target.artifactsBucket);
  const lock = await readLock(objects, session.env);
  return lock !== undefined && isHeld(lock, session.clock.now()) && lock.expiresAt !== expiresAt;
}

interface Repaired {
  version: string;
  previous: string | undefined;
  report?: Report;
}

/**
 * Ends what a run before this one left open.
 * @returns what came of it, with a report where it failed; undefined where nothing was open.
 */
export async function repairFirst(
  session: LockedSession,
  pair: Pair,
  openRecord: number | undefined,
): Promise<Repaired | undefined> {
  const { env, progress } = session;
  if (openRecord === undefined) return undefined;
  const finished = await progress.step("Repair what an earlier run left open", () =>
    finishOpen(session, pair, openRecord),
  );
  const { previous, version } = finished;
  if (finished.verified) return { version, previous };
  const report: Report = {
    env,
    outcome: "split",
    summary: `${env} IS NOT ON ONE VERSION: an earlier run left it so, and ${version} could not be brought back.`,
    causes: finished.problems,
    environments: describeEnvironments(finished.look),
    remedy: `npm run deploy -- repair ${env}`,
  };
  return { version, previous, report };
}

async function prepare(session: LockedSession, built: BuiltVersion, label: string): Promise<void> {
  const { clients, env, progress, target } = session;
  requireNotInterrupted(session);
  await progress.step("Publish the static files", (log) =>
    publishStatic({
      s3: clients.s3,
      bucket: target.staticBucket,
      directory: built.staticDirectory,
      version: label,
      onProgress: log,
    }),
  );
  requireNotInterrupted(session);
  await session.lease.hold();
  await progress.step(`Create the application version ${label}`, () =>
    createApplicationVersion(session, label, built.bundle, `${env}: ${built.description}`),
  );
  requireNotInterrupted(session);
}

function requireNotInterrupted({ env, interrupted }: Session): void {
  if (!interrupted()) return;
  throw new UserError(
    "The run was interrupted before the environments were touched.",
    `npm run deploy -- ${env} --source <checkout>`,
  );
}

import { describeError } from "../../cli/awsErrors";
import { UserError } from "../../cli/userError";
import { formatDuration } from "../../coordination/clock";
import { type Journal } from "../../coordination/journal";
import { LockLost } from "../../coordination/lock";
import { takeSnapshot } from "../../coordination/snapshot";
import { type RestorePlan } from "../../database/record";
import { planRestore, restoredServes, restoreInPlace } from "../../database/restoreInPlace";
import { countOwnWrites } from "../../database/writes";
import { reasonOf } from "../../coordination/unfinished";
import { type Closing, Unfinished } from "../commands/withLock";
import { requireCredentialsFor } from "../credentials";
import { describeEnvironments, type Report } from "../output/report";
import { awaitHealth } from "../pair/awaitHealth";
import { type Pair, ROLES } from "../pair/find";
import { describeUnhealthy, instanceHealth, type PairHealth } from "../pair/health";
import { describePair } from "../pair/state";
import { requestUpdates, watchUpdates } from "../pair/update";
import { type DeploymentRecord, type Phase } from "../record";
import { type RestorePoint, snapshotIdentifier } from "../restorePoint";
import { checkRunningTasks, type TaskPolicy } from "../runningTasks";
import { type LockedSession, type Session } from "../session";
import { close, isClosed, open } from "./closure";
import { keepData } from "./keepData";
import { findListener, type Listener, requireFreePriorities } from "./listener";
import { reconcileClosed, verifyClosed, verifyVersion } from "./verify";
import { closeAgain, mayBeWritten, refuseRestore, requireUnwritten } from "./written";

/**
 * Milliseconds from the closure until nobody changes data any more: the changes have taken effect everywhere (a policy
 * of SQS takes up to 60 seconds), polls of the queue that began before have ended (20 seconds), and so have the requests
 * of users, except those that run for minutes.
 *
 * @see https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html
 */
export const SETTLING = 120_000;

export interface MaintenancePlan {
  listener: Listener;
  restore: RestorePlan;
}

/**
 * Finds what the maintenance needs, and plans the restore for the case that it fails. Changes nothing.
 *
 * @throws UserError if something is missing
 */
export async function planMaintenance(
  session: Session,
  pair: Pair,
  run: number,
  label: string,
): Promise<MaintenancePlan> {
  const { clock, env, pulumi } = session;
  const listener = await findListener(session, pair);
  await requireFreePriorities(session, listener);
  const snapshot = snapshotIdentifier(env, label, new Date(clock.now()));
  return { listener, restore: await planRestore(session, pulumi, run, snapshot) };
}

export interface MaintenanceArgs {
  pair: Pair;
  journal: Journal<DeploymentRecord>;
  plan: MaintenancePlan;
  runningTasks: TaskPolicy;
  from: string;
  to: string;
}

/**
 * Deploys a version while the site is closed:
 *
 * 1. close the site, and let the worker take no more tasks
 * 2. wait until requests and tasks have ended
 * 3. take a snapshot of the database
 * 4. switch both environments; the first new instance migrates the database
 * 5. verify
 * 6. open the site
 *
 * If step 4 or 5 fails, both environments return to the previous version and the snapshot is restored before the site
 * is opened. The journal has each phase before it begins. From the phase `opening` on the data is never restored,
 * because users may write.
 *
 * @throws UserError if the maintenance was given up before the switch; the site is open
 * @throws Unfinished if the site may still be closed
 */
export async function maintain(
  session: LockedSession,
  args: MaintenanceArgs,
): Promise<{ report: Report; closing: Closing }> {
  const { from, journal, pair, to } = args;
  const { clock, env, limits } = session;
  requireCredentialsFor(session, limits.tasks + SETTLING);
  const closedAt = clock.now();
  let restorePoint: RestorePoint;
  try {
    restorePoint = await closeAndPrepare(session, args);
  } catch (error) {
    if (error instanceof LockLost) throw error;
    await whileClosed(() => openWith(session, pair, journal, from, "refused", describeError(error)));
    throw error;
  }
  const causes = await whileClosed(() => switchClosed(session, args));
  const failed = causes.length > 0;
  const version = failed ? from : to;
  const openedAt = await whileClosed(async () => {
    if (failed) await restore(session, pair, journal, from, causes);
    return openWith(session, pair, journal, version, failed ? "rolledBack" : "succeeded");
  });
  const state = await awaitHealth(session, pair, limits.health);
  const notes = [
    `The site was closed for ${formatDuration(openedAt - closedAt)}.`,
    ...(failed ? restored(env, journal.current.maintenance) : []),
    ...(state === undefined ? [] : describeUnhealthy(state)),
  ];
  const facts = { env, from, to, environments: describeEnvironments(state), restorePoint, notes };
  if (failed) {
    const summary = `${to} failed. ${env} runs ${from} again on web and worker, with the database as before the maintenance.`;
    return {
      report: { ...facts, outcome: "rolledBack", summary, causes },
      closing: { unfinished: false, version: from },
    };
  }
  return {
    report: { ...facts, outcome: "deployed", summary: `${env} runs ${to} on web and worker.` },
    closing: { unfinished: false, version: to, previous: from },
  };
}

/** The notes of a report after the snapshot was restored. */
function restored(env: string, plan: RestorePlan | undefined): string[] {
  if (plan === undefined) return [];
  return [
    `The database before the restore stays as ${plan.replaced}: no connection reaches it, and it costs as much as before. ` +
      `To delete it: npm run database -- delete-replaced ${env}`,
  ];
}

/** Steps 1 to 3. Neither versions nor tables have changed at the end. */
async function closeAndPrepare(session: LockedSession, args: MaintenanceArgs): Promise<RestorePoint> {
  const { journal, pair, plan, runningTasks, to } = args;
  const { clients, clock, env, interrupted, lock, progress, target } = session;
  await journal.write("closing", { maintenance: plan.restore }, `for ${to}`);
  await progress.step("Close the site, and stop the worker from taking tasks", () =>
    close(session, plan.listener, journal.current.number),
  );
  await progress.step("Wait until requests and tasks have ended", async (log) => {
    await clock.sleep(SETTLING);
    await checkRunningTasks(session, runningTasks, log);
    // The number of messages in flight is an estimate.
    await clock.sleep(session.limits.poll);
    await checkRunningTasks(session, runningTasks, log);
  });
  const { source, name: database } = plan.restore;
  const snapshot = "snapshot" in source ? source.snapshot : "";
  const time = new Date(clock.now()).toISOString();
  const writesBefore = await countOwnWrites(session);
  await progress.step(`Take the snapshot ${snapshot}`, () =>
    takeSnapshot({ rds: clients.rds, clock, lock, env, database, snapshot, interrupted }),
  );
  const writes = writesBefore === undefined ? undefined : await countOwnWrites(session);
  if (writes !== writesBefore) {
    throw new UserError(
      writes === undefined
        ? `Nothing shows whether somebody wrote to the database of ${env} while the snapshot was taken.`
        : `A slow request wrote to the database of ${env} while the snapshot was taken, which lacks that.`,
      "Run the command again",
    );
  }
  if (interrupted() || !(await isClosed(session, plan.listener, journal.current.number))) {
    throw new UserError(
      interrupted()
        ? "The run was interrupted before it changed the environments."
        : `Somebody opened the site of ${env} or its queue before the switch, so the snapshot may lack data.`,
      `Run the command again; do not run pulumi up on ${target.application} meanwhile`,
    );
  }
  const healthBefore = instanceHealth(await describePair(clients.beanstalk, pair));
  const restorePoint = { time, snapshot };
  await journal.write("switching", { restorePoint, healthBefore });
  return restorePoint;
}

/** Switches both environments and verifies them. Returns the causes of a failure. */
async function switchClosed(
  session: LockedSession,
  { journal, pair, plan, to }: MaintenanceArgs,
): Promise<string[]> {
  return session.progress.step(`Update web and worker to ${to}`, async () => {
    const requests = await requestUpdates(session, pair, ROLES, to);
    const result = await watchUpdates(session, pair, { version: to, requests, interruptible: true });
    if (!(await isClosed(session, plan.listener, journal.current.number))) {
      session.progress.warn(
        "Somebody opened the site or its queue during the maintenance. They are closed again.",
      );
      await closeAgain(session, pair, journal);
    }
    return result.ok ? verifyClosed(session, pair, journal.current.healthBefore) : result.causes;
  });
}

/**
 * Returns both environments to a version and restores the snapshot into place. Can be repeated at any time.
 *
 * The versions come first: an instance that starts with the new version would migrate the restored database. If the old
 * version fails on the new tables, it is deployed again after the restore.
 *
 * @throws UserError if the restore would lose what users have written, because somebody opened the site or its queue
 */
async function restore(
  session: LockedSession,
  pair: Pair,
  journal: Journal<DeploymentRecord>,
  from: string,
  causes: readonly string[],
): Promise<void> {
  const { progress, pulumi } = session;
  for (const cause of causes) progress.warn(cause);
  await requireUnwritten(session, pair, journal);
  await journal.write("restoring", {}, causes.join(" "));
  // An interrupted rollback would leave the site closed.
  const calm = { ...session, interrupted: () => false };
  await progress.step(`Roll web and worker back to ${from}`, () => reconcileClosed(calm, pair, from));
  await requireUnwritten(session, pair, journal);
  const plan = journal.current.maintenance;
  if (plan === undefined) throw new Error("the journal has no plan of the restore");
  try {
    await restoreInPlace(calm, pulumi, plan, async (newId) => {
      // The restore of the snapshot takes minutes to hours, and the old version may work on the new tables.
      await requireUnwritten(calm, pair, journal);
      await journal.write("restoring", { maintenance: { ...plan, newId } });
    });
  } catch (error) {
    if (error instanceof LockLost || error instanceof UserError) throw error;
    const other = `npm run deploy -- repair ${session.env} --to <version>`;
    throw new Unfinished(
      `${reasonOf(error)} To keep the data instead, with a version that works with its tables: ${other}`,
      { cause: error },
    );
  }
  await progress.step(`Verify that web and worker run ${from}`, async () => {
    const found = await verifyVersion(calm, pair, from);
    if (found.length > 0)
      throw new Error(`${from} does not work with the restored database: ${found.join(" ")}`);
  });
}

/**
 * Opens the site with a version that both environments are verified to run.
 *
 * @returns the time at which the site was opened, in milliseconds since 1970
 */
async function openWith(
  session: LockedSession,
  pair: Pair,
  journal: Journal<DeploymentRecord>,
  version: string,
  end: Phase,
  detail?: string,
): Promise<number> {
  await journal.write("opening", { opening: version });
  const openedAt = await session.progress.step("Open the site, and let the worker take tasks", () =>
    open(session, pair),
  );
  try {
    await journal.write(end, {}, detail);
  } catch (error) {
    // `repair` would only look whether the site is open.
    session.progress.warn(`Could not write the journal: ${describeError(error)}`);
  }
  return openedAt;
}

/** Runs steps during which users see the maintenance page. */
async function whileClosed<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof LockLost) throw error;
    const reason = reasonOf(error).replace(/\.$/, "");
    throw new Unfinished(`${reason}. The site is CLOSED until the repair: users see the maintenance page.`, {
      cause: error,
    });
  }
}

export interface RecoverMaintenanceOptions {
  /** The version for the data as it is, if the site was opened before a restore, or the restore cannot end. */
  wanted: string | undefined;
  /** True if instances start it although it may fail on the tables. */
  migrationsUnchecked: boolean;
}

/**
 * Completes a maintenance that did not finish: with the new version if both environments run it and it is verified,
 * otherwise with the version and the data before.
 *
 * @returns the version that both environments run
 * @throws UserError if a restore would lose what users have written, or `wanted` is given and the maintenance decides
 */
export async function recoverMaintenance(
  session: LockedSession,
  pair: Pair,
  journal: Journal<DeploymentRecord>,
  { migrationsUnchecked, wanted }: RecoverMaintenanceOptions,
): Promise<string> {
  // An interrupted verification would restore the database for no reason.
  const calm = { ...session, interrupted: () => false };
  const { from, healthBefore, maintenance, number, opening, phase, to } = journal.current;
  if (from === null || to === null || maintenance === undefined)
    throw new Error("the journal lacks the versions or the restore of the maintenance");
  const end = (version: string): Promise<string> =>
    whileClosed(async () => {
      await openWith(calm, pair, journal, version, endOf(version, journal.current));
      return version;
    });
  const mayRestore = phase !== "opening" && phase !== "closing";
  const written = mayRestore && (await mayBeWritten(session, pair, journal.current));
  if (wanted !== undefined) {
    const keeps = written || (phase === "restoring" && !(await restoredServes(calm, maintenance)));
    if (keeps) {
      await whileClosed(async () => {
        // Users get the page until both environments run the version: versions may be mixed.
        if (written) await closeAgain(calm, pair, journal);
        await keepData(calm, pair, maintenance, { version: wanted, migrationsUnchecked });
      });
      return end(wanted);
    }
    throw new UserError(
      `The maintenance of run ${number} on ${session.env} is unfinished, and decides which version runs.`,
      `npm run deploy -- repair ${session.env}, without --to`,
    );
  }
  if (!mayRestore) return end(opening ?? from);
  const causes = await whileClosed(async () =>
    phase === "switching"
      ? awaitUpdates(calm, pair, to, healthBefore)
      : ["The run stopped during the restore."],
  );
  if (causes.length === 0) return end(to);
  if (written) throw refuseRestore(session.env, journal.current);
  await whileClosed(() => restore(calm, pair, journal, from, causes));
  return end(from);
}

function endOf(version: string, { phase, to }: DeploymentRecord): Phase {
  if (version === to) return "succeeded";
  return phase === "closing" ? "refused" : "rolledBack";
}

/** Waits for updates of both environments in progress. Returns the reasons why they do not run the version. */
async function awaitUpdates(
  session: LockedSession,
  pair: Pair,
  to: string,
  before: PairHealth | undefined,
): Promise<string[]> {
  const state = await describePair(session.clients.beanstalk, pair);
  const going = ROLES.every((role) => state[role].status !== "Ready" || state[role].version === to);
  if (!going) return [`web and worker were not both being updated to ${to}`];
  session.progress.line(`Waiting until web and worker run ${to}`);
  const result = await watchUpdates(session, pair, { version: to, requests: [], interruptible: false });
  return result.ok ? verifyClosed(session, pair, before) : result.causes;
}

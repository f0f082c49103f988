import { UserError } from "../../cli/userError";
import { Unfinished } from "../../coordination/unfinished";
import { restoreInPlace } from "../../database/restoreInPlace";
import { announceVersions } from "../../deploy/knownMigrations";
import { closeSite, isSiteClosed } from "../../deploy/maintenance/listener";
import { SETTLING } from "../../deploy/maintenance/maintain";
import { closeQueue, isQueueClosed } from "../../deploy/maintenance/queue";
import { type Role, ROLES } from "../../deploy/pair/find";
import { reconcile } from "../../deploy/pair/reconcile";
import { describePair, formatState, lastDeployments } from "../../deploy/pair/state";
import { ChangedWhileCopied } from "../media/run";
import { encryptedSnapshot } from "../snapshot";
import { type Context } from "./context";
import { onPart } from "./gone";
import { type Phase, timeOf } from "./record";
import { compareRows } from "./rows";
import { onExisting } from "./session";
import { awaitTasks } from "./tasks";
import { rememberWrites, requireUnwritten } from "./writes";

/** Milliseconds between two looks at a snapshot. */
const POLL = 15_000;

/** Milliseconds by which the clock of this machine may be ahead of that of RDS. */
const SKEW = 30_000;

/*
 * The steps of a cutover. Each reads the state of AWS first, and does only what is missing. So a step can be repeated at any
 * time, also after a kill at any call.
 */

/** Shows the maintenance page to the users of the existing site, lets its tasks end, and stops its worker. */
export async function closeExisting({ journal, session }: Context): Promise<void> {
  const { existing, leaveTasks, number } = journal.current;
  const old = onExisting(session, existing);
  const { progress } = session;
  await progress.step(`Close the site of ${existing.web}`, async () => {
    for (const listener of existing.listeners)
      await onPart(journal.current, listener.arn, () => closeSite(old, listener));
  });
  if (existing.queue === undefined) return;
  await onPart(journal.current, existing.queue.url, async () => {
    if (!(await isQueueClosed(old, number))) {
      await progress.step("Wait until its tasks have ended", (log) =>
        awaitTasks(old, { isOpen: true, leave: leaveTasks === true, log }),
      );
    }
    await progress.step("Stop its worker from taking tasks", () => closeQueue(old, number));
  });
}

/** True if nobody has opened the existing site or its queue since this run closed both. */
async function isExistingClosed({ journal, session }: Context): Promise<boolean> {
  const { existing, number } = journal.current;
  const old = onExisting(session, existing);
  for (const listener of existing.listeners) {
    if (!(await onPart(journal.current, listener.arn, () => isSiteClosed(old, listener)))) return false;
  }
  if (existing.queue === undefined) return true;
  return onPart(journal.current, existing.queue.url, () => isQueueClosed(old, number));
}

/** @throws UserError if users may have written to the existing database since the snapshot */
export async function requireStillClosed(context: Context): Promise<void> {
  const { command, stack } = context.journal.current;
  if (command === "rehearsal" || (await isExistingClosed(context))) return;
  throw new UserError(
    "Somebody opened the existing site or its queue since it was closed, so the snapshot may lack what users wrote.",
    `npm run move -- back ${stack}, then begin again; change nothing at the existing environments meanwhile`,
  );
}

/** Takes the snapshot, after all requests and tasks have ended. */
export async function save(context: Context): Promise<void> {
  const { journal, session } = context;
  const { command, env, existing, leaveTasks, snapshot } = journal.current;
  const { clients, clock, interrupted, lock, progress, target } = session;
  const old = onExisting(session, existing);
  if (command === "cutover") {
    await progress.step("Wait until requests and tasks have ended", async (log) => {
      await clock.sleep(SETTLING);
      if (existing.queue !== undefined) {
        await onPart(journal.current, existing.queue.url, () =>
          awaitTasks(old, { isOpen: false, leave: leaveTasks === true, log }),
        );
      }
      await rememberWrites(context);
    });
  }
  const taken = await progress.step(`Take the snapshot ${snapshot} of ${existing.database.id}`, (log) =>
    encryptedSnapshot({
      source: { rds: old.clients.rds, region: existing.region },
      target: { rds: clients.rds, region: target.region },
      database: existing.database.id,
      name: snapshot,
      otherName: `npm run move -- back ${journal.current.stack}, then begin again`,
      ...{ clock, env, interrupted, lock, line: log, poll: POLL },
    }),
  );
  const at = taken.OriginalSnapshotCreateTime ?? taken.SnapshotCreateTime ?? new Date(0);
  if (at.getTime() + SKEW < Date.parse(timeOf(journal.current, "saving") ?? "")) {
    throw new UserError(
      `Somebody took the snapshot ${snapshot} before this run, at ${at.toISOString()}: it lacks what users wrote since.`,
      `npm run move -- back ${journal.current.stack}, find out in CloudTrail who took it (CreateDBSnapshot), then begin again`,
    );
  }
  const { restore } = journal.current;
  await journal.write("restoring", {
    restore: { ...restore, source: { snapshot: taken.DBSnapshotIdentifier ?? "" } },
  });
}

/** Restores the snapshot into the place of the new database, whose worker takes no tasks from now on. */
export async function restore(context: Context): Promise<void> {
  const { journal, session } = context;
  const { number } = journal.current;
  await session.progress.step("Stop the new worker from taking tasks", () => closeQueue(session, number));
  await restoreInPlace(session, session.pulumi, journal.current.restore, (newId) =>
    journal.write("restoring", { restore: { ...journal.current.restore, newId } }),
  );
  if (journal.current.withoutRowCount !== true) await compareRows(context);
  // Again before the records are changed: here it saves the time until then.
  await requireUnwritten(context);
}

/** Copies the media that were added or changed since the last copy. */
export async function copy({ journal, session }: Context): Promise<void> {
  const { command, existing } = journal.current;
  try {
    for (const line of await session.copyMedia(existing.bucket)) session.progress.line(line);
  } catch (error) {
    // A bucket in use has new media at any time.
    if (command === "cutover" || !(error instanceof ChangedWhileCopied)) throw error;
    session.progress.warn(error.message);
  }
}

/**
 * The numbers of the last deployments to both environments. Waits until both show instances: during an update, such as one
 * by Beanstalk itself, they show none.
 */
async function awaitDeployments({ pair, session }: Context): Promise<Record<Role, number>> {
  const { clients, clock, interrupted, limits, lock } = session;
  const deadline = clock.now() + limits.update;
  for (;;) {
    lock.requireHeld();
    const state = await describePair(clients.beanstalk, pair);
    const last = lastDeployments(state);
    if (last !== undefined) return last;
    if (clock.now() >= deadline || interrupted()) {
      throw new Unfinished(
        `Web and worker are not both Ready with instances: ${ROLES.map((role) => formatState(state[role])).join("; ")}.`,
      );
    }
    await clock.sleep(limits.poll);
  }
}

/** Lets the instances deploy the version that they run again: their hooks migrate the restored database. */
export async function update(context: Context): Promise<void> {
  const { journal, pair, session } = context;
  const { progress } = session;
  const { version } = journal.current;
  const after = journal.current.deployed ?? (await awaitDeployments(context));
  await journal.write("updating", { deployed: after });
  // Instances of an older version than the existing Iaso stop then, instead of serving with tables that they do not fit.
  await announceVersions(session, [version], { mustFit: version });
  await progress.step(`Deploy ${version} again, which migrates the database`, async () => {
    const { problems, verified } = await reconcile(session, pair, version, { after, closed: true });
    if (!verified)
      throw new Unfinished(`${ROLES.join(" and ")} do not run ${version}: ${problems.join(" ")}`);
  });
}

/** The steps of a cutover and a rehearsal by their phases, in their order, up to the point of no return. */
export const STEPS: readonly [phase: Phase, run: (context: Context) => Promise<void>][] = [
  ["closing", closeExisting],
  ["saving", save],
  ["restoring", restore],
  ["copying", copy],
  ["updating", update],
];

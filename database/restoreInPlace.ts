import { type DBInstance } from "@aws-sdk/client-rds";
import { UserError } from "../cli/userError";
import { type LockedSession, type Session } from "../coordination/session";
import { findById, findByName, isSettled, waitingChanges, waitUnlessGone } from "./instances";
import { isolatedGroup } from "./isolatedGroup";
import { type PulumiState, replaceInState, requireInstance } from "./pulumiState";
import { namesOf, type RestorePlan } from "./record";
import { appears, deleteInstance, finishSettings, putBack, restoreBeside, swapNames } from "./restoreSteps";
import { settingsOf, storageWarning } from "./settings";
import { describeStatus, isInTheWay, isUnusable } from "./status";
import { requireOwnCommands } from "./stateCommands";

/**
 * Plans the restore of a snapshot into place, for a run that needs it only if something fails. Changes nothing.
 *
 * @param run the number of the run
 * @param snapshot the identifier of the snapshot, which need not exist yet
 * @throws UserError if there is no database, or its status, Pulumi's state or the network would not let it be replaced
 */
export async function planRestore(
  session: Session,
  pulumi: PulumiState,
  run: number,
  snapshot: string,
): Promise<RestorePlan> {
  const { env, target } = session;
  const name = target.databaseIdentifier;
  const old = await findByName(session, name);
  if (old === undefined) throw new UserError(`There is no database ${name}.`);
  if (isInTheWay(old)) {
    throw new UserError(
      describeStatus(old),
      `Then run the command again; or restore a backup: npm run database -- restore ${env} --to latest`,
    );
  }
  const oldId = old.DbiResourceId ?? "";
  const state = await pulumi.read();
  requireOwnCommands(state, env);
  requireInstance(state, oldId, env);
  const isolated = await isolatedGroup(session, old);
  const settings = settingsOf(old);
  for (const warning of [storageWarning(env, old, settings), waitingChanges(old)]) {
    if (warning !== undefined) session.progress.warn(`If the snapshot has to be restored: ${warning}`);
  }
  return { source: { snapshot }, name, oldId, isolated, settings, ...namesOf(name, run) };
}

/**
 * Restores a backup into a new instance and replaces the old one by it. Each step does only what is missing, so the
 * whole can be repeated after a kill at any call.
 *
 * @param remember Writes the id of the new instance to the journal, before the names are swapped.
 * @throws RestoreRefused if RDS refuses the restore; there is no new instance
 */
export async function restoreInPlace(
  session: LockedSession,
  pulumi: PulumiState,
  plan: RestorePlan,
  remember: (newId: string) => Promise<void>,
): Promise<void> {
  let newId = await existingId(session, plan);
  if (newId === undefined) {
    const instance = await session.progress.step(`Restore into ${plan.restored}`, () =>
      restoreBeside(session, plan),
    );
    newId = instance.DbiResourceId ?? "";
    await remember(newId);
  }
  await swapIn(session, pulumi, plan, newId);
}

/** The resource id of the new instance; undefined if none is restored yet, or somebody has deleted it. */
export async function existingId(
  session: LockedSession,
  { newId }: RestorePlan,
): Promise<string | undefined> {
  return newId && (await waitUnlessGone(session, newId, () => true)) ? newId : undefined;
}

/**
 * Gives the new instance the name of the old one, its settings and its place in Pulumi's state.
 *
 * @throws UserError if one of them is not an instance of this restore
 */
export async function swapIn(
  session: LockedSession,
  pulumi: PulumiState,
  plan: RestorePlan,
  newId: string,
): Promise<void> {
  await session.progress.step(`Give the new instance the name ${plan.name}`, async () => {
    await requireOwnInstances(session, plan, newId);
    await swapNames(session, plan, newId);
    await finishSettings(session, plan, newId);
  });
  await session.progress.step("Put the new instance into Pulumi's state", () =>
    replaceInState(pulumi, session.env, plan.oldId, newId),
  );
}

/** True if the old instance still serves: both instances have not begun to exchange their names. */
export async function oldServes(
  session: Session,
  { name, oldId }: Pick<RestorePlan, "name" | "oldId">,
): Promise<boolean> {
  return (await findById(session, oldId))?.DBInstanceIdentifier === name;
}

/** True if the new instance has the name of the old one: Iaso may have written to it. */
export async function restoredServes(session: LockedSession, plan: RestorePlan): Promise<boolean> {
  const { name, newId } = plan;
  if (newId === undefined) return false;
  await requireOwnInstances(session, plan, newId);
  // A new name can still be pending.
  const found = await waitUnlessGone(session, newId, (one) => isSettled(one) || isUnusable(one));
  return found?.DBInstanceIdentifier === name;
}

/**
 * Looks for the old instance, before the deletion of the new one, which may be the only one that works.
 *
 * @param remedy the command that goes on with the new instance
 * @returns the old instance; undefined if both are gone
 * @throws UserError if the new instance exists, and the old one is gone or cannot get its name again
 */
export async function findOld(
  session: LockedSession,
  { name, oldId, restored }: RestorePlan,
  remedy: string,
): Promise<DBInstance | undefined> {
  const old = await waitUnlessGone(session, oldId, () => true);
  if (old !== undefined && !isInTheWay(old) && old.DBInstanceStatus !== "deleting") return old;
  if (!(await appears(session, restored))) return old;
  const what =
    old === undefined
      ? `The old database ${name} (${oldId}) does not exist any more.`
      : `${describeStatus(old)} Its automated backups stay.`;
  throw new UserError(
    `${restored} may be the only database that works, and is not deleted. ${what}`,
    old === undefined ? remedy : `After a repair, this command again. After a deletion, ${remedy}`,
  );
}

/**
 * Ends a restore whose new instance does not serve: deletes it, and gives the old one its name again. Each step does only
 * what is missing.
 *
 * @returns true if the old instance has the name; false if it is gone
 */
export async function abandonRestore(session: LockedSession, plan: RestorePlan): Promise<boolean> {
  const { name, newId, oldId, restored } = plan;
  await session.progress.step(`Delete ${restored}, if it exists`, async () => {
    // A restore that was requested just now is not visible yet.
    if (newId === undefined) await appears(session, restored);
    await deleteInstance(session, restored);
  });
  // The swap, which begins with the id of the new instance, is the first to touch the old one.
  if (newId !== undefined) {
    await requireOwnInstances(session, plan, newId);
    await session.progress.step(`Give the old database the name ${name}`, () => putBack(session, plan));
  }
  return (await findById(session, oldId)) !== undefined;
}

/**
 * Checks the identifiers of both instances: with other ids in a record, the swap would rename databases of others.
 *
 * @throws UserError that names the instance
 */
async function requireOwnInstances(
  session: LockedSession,
  { name, oldId, replaced, restored }: RestorePlan,
  newId: string,
): Promise<void> {
  for (const [id, names] of [
    [oldId, [name, replaced]],
    [newId, [restored, name]],
  ] as const) {
    const identifier = (await findById(session, id))?.DBInstanceIdentifier;
    if (identifier === undefined || names.includes(identifier)) continue;
    throw new UserError(
      `The instance ${id} of the restore is ${identifier}, and not ${names.join(" or ")}.`,
      `Find out in CloudTrail who wrote the record of the restore (restores/${session.env}/ of the artifacts bucket)`,
    );
  }
}

import {
  type DBInstance,
  DeleteDBInstanceCommand,
  ModifyDBInstanceCommand,
  RebootDBInstanceCommand,
  RestoreDBInstanceFromDBSnapshotCommand,
  RestoreDBInstanceToPointInTimeCommand,
} from "@aws-sdk/client-rds";
import { GetParameterCommand } from "@aws-sdk/client-ssm";
import { describeError, errorName, isRefusal } from "../cli/awsErrors";
import { type LockedSession } from "../coordination/session";
import { secretParameterName } from "../components/common/secretParameter";
import { becomesVisible } from "./becomesVisible";
import { findById, findByName, isSettled, modify, modifyUnlessGone, request, waitFor } from "./instances";
import { type RestorePlan } from "./record";
import { Unfinished } from "../coordination/unfinished";
import { LIMITS } from "./session";
import { afterRestore, forRestore, hasSettings } from "./settings";
import { describeStatus, isInTheWay, isUnusable, STORAGE_FULL } from "./status";

/** Thrown when RDS refuses a restore, or restores no instance that works. There is no new instance. */
export class RestoreRefused extends Error {
  override readonly name = "RestoreRefused";
}

/*
 * The steps of a restore. Each reads the state of AWS first, and does only what is missing. So a step can be repeated at
 * any time, also after a kill at any call.
 */

/** Number of restores of a backup whose instance does not work. */
const ATTEMPTS = 2;

/**
 * Restores the backup beside the old instance, with the password of the backup. An instance that does not work, such as
 * one without a free address, is deleted, and the backup restored once more.
 *
 * @returns the new instance
 * @throws RestoreRefused if RDS refuses, or no restored instance works
 */
export async function restoreCopy(
  session: LockedSession,
  record: Pick<RestorePlan, "restored" | "settings" | "source">,
): Promise<DBInstance> {
  const { restored } = record;
  for (let attempt = 1; ; attempt += 1) {
    if ((await findByName(session, restored)) === undefined) await requestRestore(session, record);
    const instance = await waitFor(
      session,
      restored,
      LIMITS.restore,
      () => findByName(session, restored),
      (found): found is DBInstance => found !== undefined && (isUnusable(found) || isSettled(found)),
    );
    if (!isUnusable(instance)) return instance;
    session.progress.warn(`${restored} is ${instance.DBInstanceStatus ?? ""}, and is deleted.`);
    await deleteInstance(session, restored);
    if (attempt === ATTEMPTS) {
      throw new RestoreRefused(
        `RDS restored the backup ${ATTEMPTS} times, into an instance that was ${instance.DBInstanceStatus ?? ""} in the end.`,
      );
    }
  }
}

/**
 * Restores the backup beside the old instance, and gives it the old one's settings and the current password.
 *
 * @returns the new instance
 */
export async function restoreBeside(
  session: LockedSession,
  record: Pick<RestorePlan, "restored" | "settings" | "source">,
): Promise<DBInstance> {
  const { restored, settings } = record;
  const instance = await restoreCopy(session, record);
  const { clients, env, progress } = session;
  const { Parameter } = await clients.ssm.send(
    new GetParameterCommand({ Name: secretParameterName(env, "RDS_PASSWORD"), WithDecryption: true }),
  );
  const password = Parameter?.Value ?? "";
  progress.hide(password);
  const id = instance.DbiResourceId ?? "";
  // RDS shows no password, so nothing tells whether it is set already.
  await request(session, id, afterRestore(settings, instance, password), () => false);
  return waitFor(
    session,
    restored,
    LIMITS.change,
    () => findById(session, id),
    (found): found is DBInstance => isSettled(found) && hasSettings(found, settings),
  );
}

async function requestRestore(
  session: LockedSession,
  record: Pick<RestorePlan, "restored" | "settings" | "source">,
): Promise<void> {
  const { restored, settings, source } = record;
  await session.lock.renew();
  try {
    if ("snapshot" in source) {
      await session.clients.rds.send(
        new RestoreDBInstanceFromDBSnapshotCommand({
          ...forRestore(settings),
          DBInstanceIdentifier: restored,
          DBSnapshotIdentifier: source.snapshot,
        }),
      );
      return;
    }
    await session.clients.rds.send(
      new RestoreDBInstanceToPointInTimeCommand({
        ...forRestore(settings),
        TargetDBInstanceIdentifier: restored,
        SourceDbiResourceId: source.resourceId,
        ...(source.time === "latest"
          ? { UseLatestRestorableTime: true }
          : { RestoreTime: new Date(source.time) }),
      }),
    );
  } catch (error) {
    // If the answer to a request was lost, the SDK's retry finds the instance that the request began.
    if (errorName(error).startsWith("DBInstanceAlreadyExists")) return;
    if (!isRefusal(error) || (await appears(session, restored))) throw error;
    throw new RestoreRefused(`RDS refused the restore: ${describeError(error)}`, { cause: error });
  }
}

/** Polls until an instance is visible, for as long as a request without an answer may still take effect. */
export const appears = (session: LockedSession, name: string): Promise<boolean> =>
  becomesVisible(session, () => findByName(session, name));

/**
 * Gives the old instance another name and the new one its name. The old one may be gone: RDS only deletes some that are
 * broken.
 *
 * The old instance is isolated in the same change: RDS's old DNS name stays cached for minutes, and what Iaso wrote to the
 * old database after the restore would be lost. RDS restarts an instance that it renames, which ends its connections.
 *
 * @throws Unfinished if RDS does not rename the old instance in its status; with the command that helps
 * @see https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_RenameInstance.html
 */
export async function swapNames(
  session: LockedSession,
  record: RestorePlan,
  newId: string,
): Promise<DBInstance> {
  const { isolated, name, oldId, replaced, settings } = record;
  if (isolated !== undefined) {
    await modifyUnlessGone(
      session,
      oldId,
      {
        NewDBInstanceIdentifier: replaced,
        VpcSecurityGroupIds: [isolated],
        // RDS would create log groups with the new name, which nobody deletes.
        ...(settings.logExports.length > 0 && {
          CloudwatchLogsExportConfiguration: { DisableLogTypes: settings.logExports },
        }),
        ApplyImmediately: true,
      },
      (instance) => instance.DBInstanceIdentifier === replaced && isIn(instance, [isolated]),
    );
  }
  return modify(
    session,
    newId,
    {
      NewDBInstanceIdentifier: name,
      DeletionProtection: settings.deletionProtection,
      ApplyImmediately: true,
    },
    (instance) =>
      instance.DBInstanceIdentifier === name && instance.DeletionProtection === settings.deletionProtection,
  );
}

/** Gives the old instance its name, security groups and logs again. Changes nothing if it has them, or is gone. */
export async function putBack(session: LockedSession, record: RestorePlan): Promise<void> {
  const { name, oldId, settings } = record;
  const isBack = (found: DBInstance): boolean =>
    found.DBInstanceIdentifier === name && isIn(found, settings.securityGroups);
  const old = await findById(session, oldId);
  // RDS would not change it, and nothing has to be changed.
  if (old !== undefined && isInTheWay(old) && isBack(old)) return;
  const instance = await modifyUnlessGone(
    session,
    oldId,
    {
      NewDBInstanceIdentifier: name,
      VpcSecurityGroupIds: settings.securityGroups,
      ApplyImmediately: true,
    },
    isBack,
  );
  if (instance !== undefined) await finishSettings(session, record, oldId);
}

function isIn({ VpcSecurityGroups = [] }: DBInstance, groups: readonly string[]): boolean {
  return (
    VpcSecurityGroups.length === groups.length &&
    VpcSecurityGroups.every(
      ({ Status, VpcSecurityGroupId = "" }) => Status === "active" && groups.includes(VpcSecurityGroupId),
    )
  );
}

/** Completes the settings of an instance that depend on its name, and restarts it if its parameters wait for that. */
export async function finishSettings(
  session: LockedSession,
  { settings }: RestorePlan,
  id: string,
): Promise<void> {
  const { logExports } = settings;
  const instance = await modify(
    session,
    id,
    { CloudwatchLogsExportConfiguration: { EnableLogTypes: logExports }, ApplyImmediately: true },
    ({ EnabledCloudwatchLogsExports = [] }) =>
      logExports.every((log) => EnabledCloudwatchLogsExports.includes(log)),
  );
  await restartIfNeeded(session, instance);
}

/** Restarts an instance whose parameters wait for that, and waits. */
export async function restartIfNeeded(session: LockedSession, instance: DBInstance): Promise<void> {
  const waits = ({ DBParameterGroups = [] }: DBInstance): boolean =>
    DBParameterGroups.some(({ ParameterApplyStatus }) => ParameterApplyStatus === "pending-reboot");
  if (!waits(instance)) return;
  await session.lock.renew();
  await session.clients.rds.send(
    new RebootDBInstanceCommand({ DBInstanceIdentifier: instance.DBInstanceIdentifier }),
  );
  await waitFor(
    session,
    "The restart",
    LIMITS.change,
    () => findById(session, instance.DbiResourceId ?? ""),
    (found): found is DBInstance => isSettled(found) && !waits(found),
  );
}

/** The identifiers that this tool gives to instances which do not serve. */
const COPY = /-(rehearsal|replaced|restored)-\d+$/;

/**
 * Deletes an instance that does not serve, and waits until it is gone. Of some that are broken, RDS takes no snapshot.
 *
 * @see https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_DeleteInstance.html
 * @param kept the identifier of the snapshot that RDS takes first, and whether the automated backups stay; by default nothing
 *   stays
 * @throws Unfinished if RDS does not delete the instance
 */
export async function deleteInstance(
  session: LockedSession,
  name: string,
  { backups = false, snapshot }: { backups?: boolean; snapshot?: string } = {},
): Promise<void> {
  // Never the database that serves, whatever a record says.
  if (!COPY.test(name)) throw new Error(`${name} is no copy of a database`);
  const { clients, clock } = session;
  const deadline = clock.now() + LIMITS.change;
  for (;;) {
    const instance = await waitFor(
      session,
      name,
      LIMITS.change,
      () => findByName(session, name),
      (found): found is DBInstance | undefined =>
        found === undefined ||
        found.DBInstanceStatus === "deleting" ||
        found.DBInstanceStatus === STORAGE_FULL ||
        isSettled(found) ||
        (isUnusable(found) && snapshot === undefined),
    );
    if (instance === undefined) return;
    try {
      await session.lock.renew();
      if (instance.DeletionProtection === true) {
        const unprotect = { DBInstanceIdentifier: name, DeletionProtection: false, ApplyImmediately: true };
        await clients.rds.send(new ModifyDBInstanceCommand(unprotect));
      } else if (instance.DBInstanceStatus !== "deleting") {
        await clients.rds.send(
          new DeleteDBInstanceCommand({
            DBInstanceIdentifier: name,
            DeleteAutomatedBackups: !backups,
            ...(snapshot === undefined
              ? { SkipFinalSnapshot: true }
              : { FinalDBSnapshotIdentifier: snapshot }),
          }),
        );
      }
    } catch (error) {
      if (!/^(InvalidDBInstanceState|DBInstanceNotFound)/.test(errorName(error))) throw error;
      // It does not become available by waiting.
      if (isUnusable(instance)) throw new Unfinished(describeStatus(instance), { cause: error });
    }
    if (session.interrupted()) throw new Unfinished("The run was interrupted.");
    if (clock.now() >= deadline) throw new Unfinished(`${name} was not deleted in time.`);
    await clock.sleep(LIMITS.poll);
  }
}

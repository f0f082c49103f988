import {
  type DBInstance,
  DescribeDBInstancesCommand,
  ModifyDBInstanceCommand,
  type ModifyDBInstanceMessage,
  paginateDescribeDBInstances,
} from "@aws-sdk/client-rds";
import { errorName } from "../cli/awsErrors";
import { type LockedSession, type Session } from "../coordination/session";
import { Unfinished } from "../coordination/unfinished";
import { LIMITS } from "./session";
import { BROKEN, describeStatus, STORAGE_FULL } from "./status";

/** The instance with this identifier; undefined if there is none. */
export async function findByName({ clients }: Session, name: string): Promise<DBInstance | undefined> {
  try {
    const { DBInstances } = await clients.rds.send(
      new DescribeDBInstancesCommand({ DBInstanceIdentifier: name }),
    );
    return DBInstances?.[0];
  } catch (error) {
    if (errorName(error).startsWith("DBInstanceNotFound")) return undefined;
    throw error;
  }
}

/** The instance with this resource id (db-…), whatever its identifier is; undefined if there is none. */
export async function findById({ clients }: Session, id: string): Promise<DBInstance | undefined> {
  const { DBInstances } = await clients.rds.send(
    new DescribeDBInstancesCommand({ Filters: [{ Name: "dbi-resource-id", Values: [id] }] }),
  );
  return DBInstances?.find(({ DbiResourceId }) => DbiResourceId === id);
}

/** All instances of the account and region whose identifier begins with a prefix. */
export async function listByPrefix({ clients }: Session, prefix: string): Promise<DBInstance[]> {
  const instances: DBInstance[] = [];
  for await (const page of paginateDescribeDBInstances({ client: clients.rds }, {})) {
    instances.push(...(page.DBInstances ?? []));
  }
  return instances.filter(({ DBInstanceIdentifier = "" }) => DBInstanceIdentifier.startsWith(prefix));
}

/**
 * Polls an instance until `isWanted` returns true.
 *
 * @throws Unfinished if the time limit is over, the user interrupts, or RDS reports a status of {@link BROKEN}; with the
 *   command that helps
 */
export async function waitFor<T extends DBInstance | undefined>(
  session: LockedSession,
  what: string,
  limit: number,
  find: () => Promise<DBInstance | undefined>,
  isWanted: (instance: DBInstance | undefined) => instance is T,
): Promise<T> {
  const { clock, progress } = session;
  const deadline = clock.now() + limit;
  let shown = "";
  for (;;) {
    session.lock.requireHeld();
    const instance = await find();
    if (isWanted(instance)) return instance;
    const status = instance?.DBInstanceStatus ?? "not visible yet";
    if (instance !== undefined && BROKEN.test(status)) throw new Unfinished(describeStatus(instance));
    if (status !== shown) progress.line(`${instance?.DBInstanceIdentifier ?? what}: ${status}`);
    shown = status;
    if (session.interrupted()) throw new Unfinished("The run was interrupted.");
    if (clock.now() >= deadline) {
      const help = instance === undefined ? "" : describeStatus(instance);
      throw new Unfinished(`${what} is ${status}, and the time limit is over. ${help}`.trim());
    }
    await clock.sleep(LIMITS.poll);
  }
}

/**
 * Pending changes that this tool requests, which begin at once. Others, such as an instance class, wait for the
 * maintenance window.
 */
const OWN_CHANGES = ["DBInstanceIdentifier", "MasterUserPassword", "PendingCloudwatchLogsExports"] as const;

/**
 * The note that RDS also applies, with any change that it makes at once, what waits for the maintenance window; undefined if
 * nothing waits.
 *
 * @see https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_ModifyInstance.ApplyImmediately.html
 */
export function waitingChanges({
  DBInstanceIdentifier,
  PendingModifiedValues = {},
}: DBInstance): string | undefined {
  const own: readonly string[] = OWN_CHANGES;
  const changes = Object.entries(PendingModifiedValues)
    .filter(([name, value]) => value !== undefined && !own.includes(name))
    .map(([name, value]) => `${name} ${JSON.stringify(value)}`);
  if (changes.length === 0) return undefined;
  return (
    `RDS then also applies what waits for the maintenance window of ${DBInstanceIdentifier ?? ""}: ${changes.join(", ")}. ` +
    "That interrupts Iaso for longer, a new class for about twenty minutes."
  );
}

/**
 * True if RDS accepts changes of the instance, and no change of this tool is pending. An instance that optimises its
 * storage, for hours after it has grown, works as usual.
 */
export function isSettled(instance: DBInstance | undefined): instance is DBInstance {
  return /^(available|storage-optimization)$/.test(instance?.DBInstanceStatus ?? "") && !isChanging(instance);
}

/** True if a change may be sent to RDS. AWS does not say that RDS changes no instance whose storage is full. */
export function isChangeable(instance: DBInstance): boolean {
  return instance.DBInstanceStatus === STORAGE_FULL ? !isChanging(instance) : isSettled(instance);
}

function isChanging(instance: DBInstance | undefined): boolean {
  return OWN_CHANGES.some((name) => instance?.PendingModifiedValues?.[name] !== undefined);
}

/**
 * Polls an instance until `isWanted` returns true, or until RDS has not shown it for as long as a new name may be invisible.
 *
 * @returns undefined if the instance does not exist any more
 */
export async function waitUnlessGone(
  session: LockedSession,
  id: string,
  isWanted: (instance: DBInstance) => boolean,
): Promise<DBInstance | undefined> {
  let goneSince: number | undefined;
  return waitFor(
    session,
    id,
    LIMITS.change,
    () => findById(session, id),
    (instance): instance is DBInstance | undefined => {
      if (instance !== undefined) {
        goneSince = undefined;
        return isWanted(instance);
      }
      goneSince ??= session.clock.now();
      return session.clock.now() - goneSince >= LIMITS.consistency;
    },
  );
}

/**
 * Changes an instance, and waits until the change has taken effect: RDS begins some time after its answer.
 *
 * @param isChanged Returns true if an instance has the change.
 * @throws Unfinished if the instance does not take the change, or does not exist any more
 */
export async function modify(
  session: LockedSession,
  id: string,
  changes: Omit<ModifyDBInstanceMessage, "DBInstanceIdentifier">,
  isChanged: (instance: DBInstance) => boolean,
): Promise<DBInstance> {
  const instance = await modifyUnlessGone(session, id, changes, isChanged);
  if (instance === undefined) throw new Unfinished(`The instance ${id} does not exist any more.`);
  return instance;
}

/** Changes an instance as {@link modify} does. Returns undefined if it does not exist any more. */
export async function modifyUnlessGone(
  session: LockedSession,
  id: string,
  changes: Omit<ModifyDBInstanceMessage, "DBInstanceIdentifier">,
  isChanged: (instance: DBInstance) => boolean,
): Promise<DBInstance | undefined> {
  await request(session, id, changes, isChanged);
  return waitUnlessGone(session, id, (instance) => isChangeable(instance) && isChanged(instance));
}

/**
 * Sends a change to RDS until RDS accepts it. Sends none if the instance has the change, or does not exist any more.
 *
 * RDS changes only an available instance, and a backup or a change by RDS can begin at any time. This then waits and
 * tries again.
 *
 * @throws Unfinished if the instance does not become available in time, or RDS does not change it in its status
 */
export async function request(
  session: LockedSession,
  id: string,
  changes: Omit<ModifyDBInstanceMessage, "DBInstanceIdentifier">,
  isChanged: (instance: DBInstance) => boolean,
): Promise<void> {
  const deadline = session.clock.now() + LIMITS.change;
  for (;;) {
    const instance = await waitUnlessGone(session, id, isChangeable);
    if (instance === undefined || isChanged(instance)) return;
    await session.lock.renew();
    try {
      await session.clients.rds.send(
        new ModifyDBInstanceCommand({
          DBInstanceIdentifier: instance.DBInstanceIdentifier,
          ...changes,
        }),
      );
      return;
    } catch (error) {
      // An earlier attempt of the SDK whose answer was lost may have begun the change, the new name included.
      const name = errorName(error);
      const isBusy = /^(InvalidDBInstanceState|DBInstanceNotFound)/.test(name);
      if (!isBusy || session.clock.now() >= deadline) throw error;
      if (instance.DBInstanceStatus === STORAGE_FULL && name.startsWith("Invalid")) {
        throw new Unfinished(describeStatus(instance), { cause: error });
      }
      await session.clock.sleep(LIMITS.poll);
    }
  }
}

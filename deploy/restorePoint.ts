import { DescribeDBInstancesCommand } from "@aws-sdk/client-rds";
import { describeError } from "../cli/awsErrors";
import { takeSnapshot } from "../coordination/snapshot";
import { type LockedSession } from "./session";

/** A point to which the database can be restored. */
export interface RestorePoint {
  /** The time, in UTC, just before the switch. */
  time: string;
  snapshot?: string;
}

/**
 * Records the point to which the database can be restored if the migrations of a deployment do harm. A rollback
 * changes only the code, never the schema.
 *
 * @throws UserError if a snapshot is asked for and cannot be created
 */
export async function recordRestorePoint(
  session: LockedSession,
  label: string,
  takeSnapshot: boolean,
  log: (line: string) => void,
): Promise<RestorePoint> {
  await warnWithoutBackups(session);
  const snapshot = takeSnapshot ? await createSnapshot(session, label, log) : undefined;
  const time = new Date(session.clock.now()).toISOString();
  return snapshot === undefined ? { time } : { time, snapshot };
}

async function warnWithoutBackups({ clients, progress, target }: LockedSession): Promise<void> {
  try {
    const { DBInstances } = await clients.rds.send(
      new DescribeDBInstancesCommand({ DBInstanceIdentifier: target.databaseIdentifier }),
    );
    if (DBInstances?.[0]?.BackupRetentionPeriod === 0) {
      progress.warn(
        `The database ${target.databaseIdentifier} keeps no backups: without --snapshot it cannot be restored.`,
      );
    }
  } catch (error) {
    progress.warn(`Could not read the database's backup settings: ${describeError(error)}`);
  }
}

/** The id of a snapshot. RDS accepts letters, digits and single hyphens. */
export function snapshotIdentifier(env: string, label: string, time: Date): string {
  const stamp = time.toISOString().slice(0, 16).replace(/\D/g, "");
  return `iaso-${env}-before-${label}-${stamp}`.replace(/[^A-Za-z0-9]+/g, "-").toLowerCase();
}

async function createSnapshot(
  session: LockedSession,
  label: string,
  log: (line: string) => void,
): Promise<string> {
  const { clients, clock, env, interrupted, lock, target } = session;
  const snapshot = snapshotIdentifier(env, label, new Date(clock.now()));
  log(`Snapshot ${snapshot}`);
  const database = target.databaseIdentifier;
  await takeSnapshot({ rds: clients.rds, clock, lock, env, database, snapshot, interrupted });
  return snapshot;
}

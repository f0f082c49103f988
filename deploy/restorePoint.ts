import {
  CreateDBSnapshotCommand,
  DescribeDBInstancesCommand,
  DescribeDBSnapshotsCommand,
} from "@aws-sdk/client-rds";
import { describeError, errorName } from "../cli/awsErrors";
import { type LockedSession } from "./session";
import { UserError } from "../cli/userError";

/** A point to which the database can be restored. */
export interface RestorePoint {
  /** The time, in UTC, just before the switch. */
  time: string;
  snapshot?: string;
}

/** Milliseconds between polls of a snapshot. */
const POLL = 15_000;
/** Milliseconds that a snapshot may take. */
const SNAPSHOT_LIMIT = 2 * 3_600_000;

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
  const { clients, clock, env, target } = session;
  const identifier = snapshotIdentifier(env, label, new Date(clock.now()));
  try {
    await clients.rds.send(
      new CreateDBSnapshotCommand({
        DBInstanceIdentifier: target.databaseIdentifier,
        DBSnapshotIdentifier: identifier,
        Tags: [
          { Key: "project", Value: "iaso" },
          { Key: "env", Value: env },
        ],
      }),
    );
  } catch (error) {
    // If the answer to a request was lost, the SDK's retry finds the snapshot that the request began.
    if (!errorName(error).startsWith("DBSnapshotAlreadyExists")) throw error;
  }
  log(`Snapshot ${identifier}`);
  const deadline = clock.now() + SNAPSHOT_LIMIT;
  for (;;) {
    session.lock.requireHeld();
    const { DBSnapshots } = await clients.rds.send(
      new DescribeDBSnapshotsCommand({ DBSnapshotIdentifier: identifier }),
    );
    const status = DBSnapshots?.[0]?.Status;
    if (status === "available") return identifier;
    if (status === "failed" || clock.now() > deadline || session.interrupted()) {
      throw new UserError(
        `The snapshot ${identifier} of the database is not available (${status ?? "unknown"}).`,
        "Check it in the RDS console, then deploy again, or deploy without --snapshot",
      );
    }
    await clock.sleep(POLL);
  }
}

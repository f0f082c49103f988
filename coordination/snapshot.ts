import { CreateDBSnapshotCommand, DescribeDBSnapshotsCommand, type RDSClient } from "@aws-sdk/client-rds";
import { errorName } from "../cli/awsErrors";
import { UserError } from "../cli/userError";
import { type Clock } from "./clock";
import { type HeldLock } from "./lock";

export interface SnapshotArgs {
  rds: RDSClient;
  clock: Clock;
  lock: HeldLock;
  env: string;
  /** The identifier of the RDS instance. */
  database: string;
  /** The identifier of the snapshot, which no snapshot has. */
  snapshot: string;
  /** True once the user or the CI service has asked the command to stop. */
  interrupted: () => boolean;
}

/** Milliseconds between two polls. */
const POLL = 15_000;
/** Milliseconds until RDS accepts a snapshot: it makes none while it makes a backup. */
const START_LIMIT = 3_600_000;
/** Milliseconds that a snapshot may take. */
const LIMIT = 2 * 3_600_000;

/**
 * Takes a snapshot of the database and waits until it is available.
 *
 * @throws UserError if it is not available in time, or a snapshot has its identifier: that one lacks what was written since
 */
export async function takeSnapshot(args: SnapshotArgs): Promise<void> {
  const { clock, interrupted, lock, snapshot } = args;
  const deadline = clock.now() + LIMIT;
  if ((await statusOf(args)) !== undefined) {
    throw new UserError(
      `There is a snapshot ${snapshot} already.`,
      "Run the command again in a minute, which chooses another name. If that happens twice, find out in CloudTrail who takes these snapshots (CreateDBSnapshot)",
    );
  }
  await begin(args);
  for (;;) {
    lock.requireHeld();
    const status = await statusOf(args);
    if (status === "available") return;
    if (status === "failed" || clock.now() > deadline || interrupted()) {
      throw new UserError(
        `The snapshot ${snapshot} of the database is not available (${status ?? "unknown"}).`,
        "Check it in the RDS console, then run the command again",
      );
    }
    await clock.sleep(POLL);
  }
}

async function begin(args: SnapshotArgs): Promise<void> {
  const { clock, database, env, interrupted, lock, rds, snapshot } = args;
  const deadline = clock.now() + START_LIMIT;
  for (;;) {
    await lock.renew();
    try {
      await rds.send(
        new CreateDBSnapshotCommand({
          DBInstanceIdentifier: database,
          DBSnapshotIdentifier: snapshot,
          Tags: [
            { Key: "project", Value: "iaso" },
            { Key: "env", Value: env },
          ],
        }),
      );
      return;
    } catch (error) {
      // If the answer to a request was lost, the SDK's retry finds the snapshot, or the instance that makes it.
      if (errorName(error).startsWith("DBSnapshotAlreadyExists")) return;
      const isBusy = errorName(error).startsWith("InvalidDBInstanceState");
      if (!isBusy || clock.now() > deadline || interrupted()) throw error;
      if ((await statusOf(args)) !== undefined) return;
      await clock.sleep(POLL);
    }
  }
}

/** The status of the snapshot; undefined if there is none. */
async function statusOf({ rds, snapshot }: SnapshotArgs): Promise<string | undefined> {
  try {
    const { DBSnapshots } = await rds.send(
      new DescribeDBSnapshotsCommand({ DBSnapshotIdentifier: snapshot }),
    );
    return DBSnapshots?.[0]?.Status;
  } catch (error) {
    if (errorName(error).startsWith("DBSnapshotNotFound")) return undefined;
    throw error;
  }
}

import {
  CopyDBSnapshotCommand,
  CreateDBSnapshotCommand,
  type DBSnapshot,
  type RDSClient,
} from "@aws-sdk/client-rds";
import { errorName } from "../cli/awsErrors";
import { UserError } from "../cli/userError";
import { type Clock } from "../coordination/clock";
import { type HeldLock } from "../coordination/lock";
import { findSnapshot } from "../doctor/reads";

/** The AWS managed key of RDS. A snapshot that it encrypts stays in its account. */
const KEY = "alias/aws/rds";

/** Milliseconds. A snapshot of some hundred GiB takes an hour, its copy as long. */
const LIMIT = 6 * 3600_000;
/** Milliseconds until RDS accepts a snapshot: it takes none while it makes a backup or changes the instance. */
const START_LIMIT = 3600_000;

interface Place {
  rds: RDSClient;
  region: string;
}

export interface SnapshotArgs {
  /** RDS in the region of the database. */
  source: Place;
  /** RDS in the region of the new platform. */
  target: Place;
  /** Identifier of the database. */
  database: string;
  /** Identifier of the new snapshot. */
  name: string;
  env: string;
  clock: Clock;
  /** Milliseconds between two looks. */
  poll: number;
  /** The lock of a run that has one. */
  lock?: HeldLock;
  /** True once the user has asked the command to stop. */
  interrupted?: () => boolean;
  line: (text: string) => void;
  /** The fix if a snapshot of the name is of somebody else. */
  otherName: string;
}

/**
 * Takes a snapshot of a database, and copies it if it is not encrypted or not in the region of the new platform. Continues
 * with snapshots of these names that exist, as after a kill. Deletes nothing.
 *
 * @returns the encrypted snapshot, which is available
 */
export async function encryptedSnapshot(args: SnapshotArgs): Promise<DBSnapshot> {
  const { database, env, line, name, otherName, source, target } = args;
  const Tags = Object.entries({ project: "iaso", env }).map(([Key, Value]) => ({ Key, Value }));
  const existing = await findSnapshot(source.rds, name);
  if (existing !== undefined) {
    const { DBInstanceIdentifier = "", SnapshotCreateTime } = existing;
    if (DBInstanceIdentifier !== database) {
      throw new UserError(
        `The snapshot ${name} is of the database ${DBInstanceIdentifier}, not of ${database}.`,
        otherName,
      );
    }
    line(`Using the snapshot ${name}, begun ${SnapshotCreateTime?.toISOString() ?? "just now"}.`);
  } else {
    line(`Taking the snapshot ${name} of ${database}.`);
    await begin(args, source.rds, name, () =>
      source.rds.send(
        new CreateDBSnapshotCommand({ DBInstanceIdentifier: database, DBSnapshotIdentifier: name, Tags }),
      ),
    );
  }
  const snapshot = await available(args, source.rds, name);
  const isElsewhere = source.region !== target.region;
  if (snapshot.Encrypted === true && !isElsewhere) return snapshot;
  const copy = `${name}-encrypted`;
  if ((await findSnapshot(target.rds, copy)) === undefined) {
    line(`Copying it encrypted as ${copy}${isElsewhere ? ` to ${target.region}` : ""}.`);
    await begin(args, target.rds, copy, () =>
      target.rds.send(
        new CopyDBSnapshotCommand({
          SourceDBSnapshotIdentifier: isElsewhere ? snapshot.DBSnapshotArn : name,
          ...(isElsewhere && { SourceRegion: source.region }),
          TargetDBSnapshotIdentifier: copy,
          KmsKeyId: KEY,
          Tags,
        }),
      ),
    );
  }
  // RDS shows the time of a copy only when the copy is complete.
  const copied = await available(args, target.rds, copy);
  if (isCopyOf(copied, snapshot)) return copied;
  throw new UserError(
    `The snapshot ${copy} is no copy of ${name}.`,
    `${otherName}; and find out in CloudTrail who took it`,
  );
}

/** A copy keeps the time of the snapshot that was taken of the database. RDS names the source only in another region. */
function isCopyOf(copy: DBSnapshot, snapshot: DBSnapshot): boolean {
  return (
    copy.DBInstanceIdentifier === snapshot.DBInstanceIdentifier &&
    copy.OriginalSnapshotCreateTime?.getTime() === snapshot.OriginalSnapshotCreateTime?.getTime()
  );
}

/** Sends a request until RDS accepts it. */
async function begin(
  args: SnapshotArgs,
  rds: RDSClient,
  name: string,
  request: () => Promise<unknown>,
): Promise<void> {
  const { clock, lock, poll } = args;
  const deadline = clock.now() + START_LIMIT;
  for (;;) {
    await lock?.renew();
    try {
      await request();
      return;
    } catch (error) {
      // If an answer was lost, the SDK's retry finds what the request began.
      if (errorName(error).startsWith("DBSnapshotAlreadyExists")) return;
      const isBusy = errorName(error).startsWith("InvalidDBInstanceState");
      if (!isBusy) throw error;
      // The instance may be busy with the snapshot that the request began.
      if ((await findSnapshot(rds, name)) !== undefined) return;
      if (clock.now() > deadline) throw error;
      requireUninterrupted(args);
      await clock.sleep(poll);
    }
  }
}

function requireUninterrupted({ interrupted }: SnapshotArgs): void {
  if (interrupted?.() !== true) return;
  throw new UserError("The run was interrupted.", "Run the command again: it waits on");
}

async function available(args: SnapshotArgs, rds: RDSClient, name: string): Promise<DBSnapshot> {
  const { clock, line, lock, poll } = args;
  const deadline = clock.now() + LIMIT;
  let shown = "";
  while (clock.now() < deadline) {
    lock?.requireHeld();
    const snapshot = await findSnapshot(rds, name);
    if (snapshot?.Status === "available") return snapshot;
    if (snapshot?.Status === "failed") {
      throw new UserError(
        `The snapshot ${name} failed.`,
        `Delete it, then run the command again: aws rds delete-db-snapshot --db-snapshot-identifier ${name}`,
      );
    }
    const progress = `${snapshot?.PercentProgress ?? 0} %`;
    if (progress !== shown) line(`${name}: ${progress}`);
    shown = progress;
    requireUninterrupted(args);
    await clock.sleep(poll);
  }
  throw new UserError(
    `The snapshot ${name} did not become available in time.`,
    "Run the command again: it waits on.",
  );
}

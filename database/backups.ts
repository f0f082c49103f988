import {
  type DBInstanceAutomatedBackup,
  type DBSnapshot,
  paginateDescribeDBInstanceAutomatedBackups,
  paginateDescribeDBSnapshots,
} from "@aws-sdk/client-rds";
import { UserError } from "../cli/userError";
import { type Source } from "./record";
import { type Session } from "./session";
import { majorVersion } from "./settings";

/** The automated backups of an instance: it can be restored to any second between both times. */
export interface Window {
  name: string;
  resourceId: string;
  from: Date;
  to: Date;
  version: string;
}

export interface Snapshot {
  id: string;
  at: Date;
  gib: number;
  version: string;
  available: boolean;
}

export interface Backups {
  windows: Window[];
  snapshots: Snapshot[];
}

/** A backup to restore. */
export interface Backup {
  source: Source;
  /** The backup in words, for messages. */
  description: string;
  /** The major version of PostgreSQL. */
  major: string;
}

/**
 * True for the identifiers of the environment's database, and of databases that a restore has replaced. A copy of a rehearsal
 * or an unfinished restore may have any earlier state.
 */
function isOwn(name: string | undefined, { databaseIdentifier }: Session["target"]): boolean {
  return name === databaseIdentifier || name?.startsWith(`${databaseIdentifier}-replaced-`) === true;
}

/**
 * Lists the backups of the environment's database, newest first, those of deleted instances included.
 *
 * @see https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_WorkingWithAutomatedBackups.html
 */
export async function listBackups({ clients, target }: Session): Promise<Backups> {
  const automated: DBInstanceAutomatedBackup[] = [];
  for await (const page of paginateDescribeDBInstanceAutomatedBackups({ client: clients.rds }, {})) {
    automated.push(...(page.DBInstanceAutomatedBackups ?? []));
  }
  const snapshots: DBSnapshot[] = [];
  // Without a type, RDS leaves out the snapshots that AWS Backup keeps.
  for (const SnapshotType of [undefined, "awsbackup"]) {
    for await (const page of paginateDescribeDBSnapshots({ client: clients.rds }, { SnapshotType })) {
      snapshots.push(...(page.DBSnapshots ?? []));
    }
  }
  const windows = automated
    .filter(({ DBInstanceIdentifier }) => isOwn(DBInstanceIdentifier, target))
    .flatMap(({ DBInstanceIdentifier = "", DbiResourceId = "", EngineVersion = "", RestoreWindow }) => {
      const { EarliestTime: from, LatestTime: to } = RestoreWindow ?? {};
      // An instance without a first backup cannot be restored yet.
      if (from === undefined || to === undefined) return [];
      return [{ name: DBInstanceIdentifier, resourceId: DbiResourceId, from, to, version: EngineVersion }];
    });
  return {
    windows: windows.sort((one, other) => Number(other.to) - Number(one.to)),
    snapshots: snapshots
      .filter(({ DBInstanceIdentifier }) => isOwn(DBInstanceIdentifier, target))
      .map((snapshot) => ({
        id: snapshot.DBSnapshotIdentifier ?? "",
        at: snapshot.SnapshotCreateTime ?? new Date(0),
        gib: snapshot.AllocatedStorage ?? 0,
        version: snapshot.EngineVersion ?? "",
        available: snapshot.Status === "available",
      }))
      .sort((one, other) => Number(other.at) - Number(one.at)),
  };
}

/** A time as users write it, in UTC, to the second. */
export function formatTime(time: Date): string {
  return `${time.toISOString().slice(0, 19)}Z`;
}

/** The backups as lines of text. */
export function describeBackups({ snapshots, windows }: Backups): string[] {
  return [
    windows.length === 0 ? "There are no automated backups." : "Automated backups, for --to:",
    ...windows.map(
      ({ from, name, to, version }) =>
        `  ${formatTime(from)} to ${formatTime(to)}  ${name}, PostgreSQL ${version}`,
    ),
    snapshots.length === 0 ? "There are no snapshots." : "Snapshots, for --snapshot:",
    ...snapshots.map(
      ({ at, available, gib, id, version }) =>
        `  ${id}  ${formatTime(at)}, ${gib} GiB, PostgreSQL ${version}${available ? "" : ", not available"}`,
    ),
  ];
}

/**
 * Finds the backup to restore.
 *
 * @param wanted the option that the user gave
 * @throws UserError if there is no such backup
 */
export async function chooseBackup(
  session: Session,
  wanted: { to: string } | { snapshot: string },
): Promise<Backup> {
  const backups = await listBackups(session);
  const remedy = `Choose one of the backups: npm run database -- backups ${session.env}`;
  if ("snapshot" in wanted) {
    const snapshot = backups.snapshots.find(({ id }) => id === wanted.snapshot);
    if (snapshot?.available !== true) {
      throw new UserError(
        `The database of ${session.env} has no available snapshot ${wanted.snapshot}.`,
        remedy,
      );
    }
    return {
      source: { snapshot: snapshot.id },
      description: `snapshot ${snapshot.id} of ${formatTime(snapshot.at)}`,
      major: majorVersion(snapshot.version),
    };
  }
  if (wanted.to === "latest") {
    const window = backups.windows.find(({ name }) => name === session.target.databaseIdentifier);
    if (window === undefined) {
      throw new UserError(`The database of ${session.env} has no automated backups.`, remedy);
    }
    return {
      source: { resourceId: window.resourceId, time: "latest" },
      description: `the latest restorable time, about ${formatTime(window.to)}`,
      major: majorVersion(window.version),
    };
  }
  const time = parseTime(wanted.to);
  const window = backups.windows.find(({ from, to }) => from <= time && time <= to);
  if (window === undefined) {
    throw new UserError(
      `No automated backup of ${session.env} has the time ${formatTime(time)}.\n${describeBackups(backups).join("\n")}`,
      remedy,
    );
  }
  return {
    source: { resourceId: window.resourceId, time: formatTime(time) },
    description: `${formatTime(time)}, from the automated backups of ${window.name}`,
    major: majorVersion(window.version),
  };
}

/** @throws UserError if the text is no time, or has no time zone */
function parseTime(text: string): Date {
  const time = new Date(text);
  if (/T.*(Z|[+-]\d\d:?\d\d)$/.test(text) && !Number.isNaN(time.getTime())) return time;
  throw new UserError(`${text} is not a time with a time zone.`, "Write it like 2026-01-31T12:00:00Z");
}

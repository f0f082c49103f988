import {
  type DBInstanceAutomatedBackup,
  type DBSnapshot,
  paginateDescribeDBInstanceAutomatedBackups,
  paginateDescribeDBSnapshots,
} from "@aws-sdk/client-rds";
import { UserError } from "../cli/userError";
import { listByPrefix } from "./instances";
import { type Source } from "./record";
import { type Session } from "./session";
import { majorVersion } from "./settings";

/** The automated backups of an instance: it can be restored to any second between both times. */
export interface Window {
  /** The identifier of the instance now, or the one that RDS kept of a deleted instance. */
  name: string;
  /** True if the instance has the identifier under which Iaso finds the database. */
  serves: boolean;
  /** True if the instance is gone, and may have been the last one that served: it has no name of a replaced one. */
  mayHaveServed: boolean;
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
 * True for the identifier of a deleted instance that began as a restored one. Those that never served are deleted with their
 * backups.
 */
function hasServed(name: string, { databaseIdentifier }: Session["target"]): boolean {
  return name.startsWith(`${databaseIdentifier}-restored-`);
}

/**
 * Lists the backups of the environment's database, newest first, those of deleted instances included.
 *
 * @see https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_WorkingWithAutomatedBackups.html
 */
export async function listBackups(session: Session): Promise<Backups> {
  const { clients, target } = session;
  const instances = await listByPrefix(session, target.databaseIdentifier);
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
  const windows = automated.flatMap(
    ({ DBInstanceIdentifier = "", DbiResourceId = "", EngineVersion = "", RestoreWindow }) => {
      const { EarliestTime: from, LatestTime: to } = RestoreWindow ?? {};
      // An instance without a first backup cannot be restored yet.
      if (from === undefined || to === undefined) return [];
      // RDS may show the name that an instance had when its backups began. The resource id never changes.
      const now = instances.find((one) => one.DbiResourceId === DbiResourceId)?.DBInstanceIdentifier;
      const name = now ?? DBInstanceIdentifier;
      if (!isOwn(name, target) && !(now === undefined && hasServed(name, target))) return [];
      const serves = now === target.databaseIdentifier;
      const mayHaveServed = now === undefined && !name.startsWith(`${target.databaseIdentifier}-replaced-`);
      return [{ name, serves, mayHaveServed, resourceId: DbiResourceId, from, to, version: EngineVersion }];
    },
  );
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

const describeWindow = ({ from, name, resourceId, to, version }: Window): string =>
  `  ${formatTime(from)} to ${formatTime(to)}  ${name}, PostgreSQL ${version}, ${resourceId}`;

/** The backups as lines of text. */
export function describeBackups({ snapshots, windows }: Backups): string[] {
  return [
    windows.length === 0 ? "There are no automated backups." : "Automated backups, for --to:",
    ...windows.map(describeWindow),
    snapshots.length === 0 ? "There are no snapshots." : "Snapshots, for --snapshot:",
    ...snapshots.map(
      ({ at, available, gib, id, version }) =>
        `  ${id}  ${formatTime(at)}, ${gib} GiB, PostgreSQL ${version}${available ? "" : ", not available"}`,
    ),
  ];
}

/** The backup that a user asks for: a snapshot; or a time, and the identifier or resource id of the instance. */
export type Wanted = { snapshot: string } | { to: string; from?: string };

/**
 * Finds the backup to restore.
 *
 * @throws UserError if there is no such backup, or several instances have backups of the time: only one of them served then
 *   (of the latest time, if the database is gone)
 */
export async function chooseBackup(session: Session, wanted: Wanted): Promise<Backup> {
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
  const { from, to } = wanted;
  const windows = backups.windows.filter(
    ({ name, resourceId }) => from === undefined || from === name || from === resourceId,
  );
  if (to === "latest") {
    const serving = windows.filter(({ serves }) => from !== undefined || serves);
    // Of an instance that is gone, RDS keeps the backups, maybe under its first name.
    const latest = serving.length > 0 ? serving : windows.filter(({ mayHaveServed }) => mayHaveServed);
    const [window] = latest;
    if (window === undefined) {
      throw new UserError(`The database of ${session.env} has no automated backups.`, remedy);
    }
    if (latest.length > 1) {
      throw chooseInstance(
        "Several instances have automated backups, and only one of them served last:",
        latest,
      );
    }
    return {
      source: { resourceId: window.resourceId, time: "latest" },
      description: `the latest restorable time of ${window.name}, about ${formatTime(window.to)}`,
      major: majorVersion(window.version),
    };
  }
  const time = parseTime(to);
  const found = windows.filter((window) => window.from <= time && time <= window.to);
  const [window, ...more] = found;
  if (window === undefined) {
    throw new UserError(
      `No automated backup of ${from ?? session.env} has the time ${formatTime(time)}.\n${describeBackups(backups).join("\n")}`,
      remedy,
    );
  }
  if (more.length > 0) {
    throw chooseInstance(
      `Several instances have backups of ${formatTime(time)}, and only one of them served then:`,
      found,
    );
  }
  return {
    source: { resourceId: window.resourceId, time: formatTime(time) },
    description: `${formatTime(time)}, from the automated backups of ${window.name}`,
    major: majorVersion(window.version),
  };
}

function chooseInstance(why: string, windows: Window[]): UserError {
  return new UserError(
    [why, ...windows.map(describeWindow)].join("\n"),
    `Name it: --from ${windows.map(({ resourceId }) => resourceId).join(" or --from ")}`,
  );
}

/** @throws UserError if the text is no time, or has no time zone */
function parseTime(text: string): Date {
  const time = new Date(text);
  if (/T.*(Z|[+-]\d\d:?\d\d)$/.test(text) && !Number.isNaN(time.getTime())) return time;
  throw new UserError(`${text} is not a time with a time zone.`, "Write it like 2026-01-31T12:00:00Z");
}

import { z } from "zod";
import { shorten } from "../cli/shorten";
import { KNOWN_MIGRATIONS } from "../components/common/artifacts";
import { ConditionalObjects } from "../coordination/conditionalObject";
import { type LockedSession, type Session } from "./session";
import { type MigrationList, migrationList } from "./source/migrations";
import { readZipFile } from "./source/unzip";

const schema = z.object({
  /** The versions that may run until the next switch, and the migrations that each has; null if they are unknown. */
  versions: z.record(z.string(), migrationList.nullable()),
  /** The label of the version that instances refuse if it may fail on what migrations did that it does not have. */
  mustFit: z.string().nullable(),
});

type KnownMigrations = z.infer<typeof schema>;

async function read(objects: ConditionalObjects) {
  const stored = await objects.read(KNOWN_MIGRATIONS);
  return { etag: stored?.etag, known: schema.safeParse(stored?.body).data };
}

/**
 * Tells the instances, before a switch, which migrations the versions have that may run until the next one. An instance
 * that prepares the database drops the temporary defaults of columns that all of them know
 * (bundle/shared/iaso-deploy/bridge_defaults.py).
 *
 * @param labels the labels of these versions
 * @param more the migrations of versions that are deployed for the first time, and `mustFit`
 * @throws Conflict if another run has written it
 */
export async function announceVersions(
  session: LockedSession,
  labels: readonly string[],
  more: Partial<KnownMigrations> = {},
): Promise<void> {
  const objects = new ConditionalObjects(session.clients.s3, session.target.artifactsBucket);
  const { etag, known } = await read(objects);
  const lists = { ...known?.versions, ...more.versions };
  const versions = Object.fromEntries(labels.map((label) => [label, lists[label] ?? null]));
  await session.lock.renew();
  await objects.write(KNOWN_MIGRATIONS, { versions, mustFit: more.mustFit ?? null }, etag);
}

/**
 * Announces the version that the user chose for a repair. Which other versions still run is unknown, so no migration counts
 * as known to all.
 *
 * @param migrationsUnchecked true if instances start it although it may fail on the tables
 * @throws Conflict if another run has written the file
 */
export function announceChosen(
  session: LockedSession,
  version: string,
  migrationsUnchecked: boolean,
): Promise<void> {
  const mustFit = migrationsUnchecked ? null : version;
  return announceVersions(session, [version], { versions: { [version]: null }, mustFit });
}

/** The note of a failed switch to a version that may lack migrations which changed the tables. */
export function refusalOfMisfit(to: string): string {
  return (
    `If ${to} may fail on the tables that other versions left, no instance starts it, and eb-engine.log of the instances ` +
    "says why (prepare_database). To start it anyway, add --migrations-unchecked to the command."
  );
}

/** Reads the migrations that a version has from its bundle; null if the build could not list them. */
export async function migrationsOf(bundle: string): Promise<MigrationList | null> {
  const text = await readZipFile(bundle, "iaso-deploy/migrations.json");
  return text === undefined ? null : migrationList.parse(JSON.parse(text.toString()));
}

/** How the migrations of a version differ from those of the running one. */
export interface MigrationDifference {
  /** Migrations that only the version has. */
  added: string[];
  /** Migrations that only the running version has: the database keeps what they changed. */
  lacking: string[];
}

/** Compares the migrations of a bundle with those of the running version; undefined if one of the two is unknown. */
export async function compareMigrations(
  { clients, target }: Session,
  running: string,
  bundle: string,
): Promise<MigrationDifference | undefined> {
  const { known } = await read(new ConditionalObjects(clients.s3, target.artifactsBucket));
  const [list, own] = [known?.versions[running] ?? null, await migrationsOf(bundle)];
  if (list === null || own === null) return undefined;
  return { added: missing(own, list), lacking: missing(list, own) };
}

/** The names of the migrations of a list that another one does not have. */
function missing(list: MigrationList, from: MigrationList): string[] {
  const present = new Set(from.map(nameOf));
  return list.map(nameOf).filter((name) => !present.has(name));
}

const nameOf = (pair: MigrationList[number]): string => pair.join(".");

/** Describes how the migrations of the running version differ from those of the version before, as notes. */
export async function describeMigrations(objects: ConditionalObjects, running: string): Promise<string[]> {
  const { versions = {} } = (await read(objects)).known ?? {};
  const own = versions[running];
  const [other, theirs] = Object.entries(versions).find(([label]) => label !== running) ?? [];
  if (own === undefined || own === null || other === undefined || theirs === undefined || theirs === null) {
    return [];
  }
  const [newer, unknown] = [missing(own, theirs), missing(theirs, own)];
  return [
    ...(newer.length === 0
      ? []
      : [
          `NOT NULL columns that these migrations added keep a default in the database for ${other}, until the next deployment or \`redeploy\`: ${shorten(newer)}.`,
        ]),
    ...(unknown.length === 0
      ? []
      : [`The database may have migrations of ${other} that ${running} does not have: ${shorten(unknown)}.`]),
  ];
}

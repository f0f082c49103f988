import { inflateSync } from "node:zlib";
import { shorten } from "../cli/shorten";
import { type LockedSession } from "../coordination/session";
import { Unfinished } from "../coordination/unfinished";
import { runDjango } from "./inspection";

/**
 * The function of the programs that prints migrations. Systems Manager cuts an output after 24,000 characters, and Iaso has
 * hundreds of migrations.
 */
const PRINT_PYTHON = `import base64, zlib
def show(kind, keys):
    names = "\\n".join(sorted({".".join(key) for key in keys}))
    print(kind, base64.b64encode(zlib.compress(names.encode())).decode())
`;

/** The program that lists the applied migrations, for the shell of Iaso's Django. */
export const MIGRATIONS_PYTHON = `${PRINT_PYTHON}from django.db import connection
with connection.cursor() as cursor:
    cursor.execute("SELECT app, name FROM django_migrations")
    show("migrations", cursor.fetchall())
`;

/**
 * The program that lists the migrations in which the running version and a database differ, for the shell of Iaso's Django.
 * Migrations of applications that the version does not install any more are no difference.
 *
 * @see https://github.com/django/django/blob/4.2/django/db/migrations/executor.py
 */
export const DIFFERENCE_PYTHON = `${PRINT_PYTHON}from django.db import connection
from django.db.migrations.executor import MigrationExecutor
executor = MigrationExecutor(connection)
loader = executor.loader
plan = executor.migration_plan(loader.graph.leaf_nodes())
show("lacking", [(migration.app_label, migration.name) for migration, _ in plan])
applied = [key for key in loader.applied_migrations if key[0] in loader.migrated_apps]
show("more", [key for key in applied if key not in loader.disk_migrations])
`;

/**
 * The migrations that a database has, such as "iaso.0397_file_size".
 *
 * @throws Unfinished if the command fails
 */
export async function migrationsIn(
  session: LockedSession,
  instanceId: string,
  host: string,
): Promise<string[]> {
  return parseMigrations(await list(session, instanceId, host, MIGRATIONS_PYTHON), host);
}

/**
 * The migrations in which a database and the version of Iaso on an instance differ.
 *
 * @throws Unfinished if the command fails
 */
export async function differenceFromVersion(
  session: LockedSession,
  instanceId: string,
  host: string,
): Promise<Difference> {
  const output = await list(session, instanceId, host, DIFFERENCE_PYTHON);
  return { lacking: parseMigrations(output, host, "lacking"), more: parseMigrations(output, host, "more") };
}

function list(session: LockedSession, instanceId: string, host: string, python: string): Promise<string> {
  return runDjango(session, instanceId, host, { python, what: `List the migrations of ${host}` });
}

/** @throws Unfinished if the list is not in the output */
export function parseMigrations(
  output: string,
  host: string,
  kind: "migrations" | "lacking" | "more" = "migrations",
): string[] {
  const [, list] = new RegExp(`^${kind} (\\S+)$`, "m").exec(output) ?? [];
  if (list === undefined) throw new Unfinished(`The migrations of ${host} are not in the output.`);
  const text = inflateSync(Buffer.from(list, "base64")).toString();
  return text === "" ? [] : text.split("\n");
}

/** The migrations in which a backup differs from the database, or from the running version if the database is lost. */
export interface Difference {
  /** Migrations that the backup is older than. */
  lacking: string[];
  /** Migrations that only the backup has. */
  more: string[];
}

export function differenceOf(now: readonly string[], restored: readonly string[]): Difference {
  return {
    lacking: now.filter((one) => !restored.includes(one)),
    more: restored.filter((one) => !now.includes(one)),
  };
}

/** Names shown of a list of migrations. */
const SHOWN = 10;

/** The difference as lines of text; none if there is none. An unknown difference is undefined. */
export function describeDifference(difference: Difference | undefined): string[] {
  if (difference === undefined) {
    return [
      "The migrations of the backup are unknown. If it is older than a migration, the running version fails, and its health " +
        "check may not detect that.",
    ];
  }
  const { lacking, more } = difference;
  return [
    ...(lacking.length === 0
      ? []
      : [
          `The backup is older than ${lacking.length} migrations: ${shorten(lacking, SHOWN)}. ` +
            "The running version expects them, and fails without.",
        ]),
    ...(more.length === 0 ? [] : [`The backup has ${more.length} more migrations: ${shorten(more, SHOWN)}.`]),
  ];
}

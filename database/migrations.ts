import { inflateSync } from "node:zlib";
import { type LockedSession } from "../coordination/session";
import { Unfinished } from "../coordination/unfinished";
import { inspectCommand } from "./inspection";
import { runOnInstance } from "./runCommand";
import { LIMITS } from "./session";

/**
 * The program that lists the applied migrations, for the shell of Iaso's Django. Systems Manager cuts an output after 24,000
 * characters, and Iaso has hundreds of migrations.
 */
export const MIGRATIONS_PYTHON = `import base64, zlib
from django.db import connection
with connection.cursor() as cursor:
    cursor.execute("SELECT app, name FROM django_migrations")
    names = sorted({".".join(row) for row in cursor.fetchall()})
print("migrations", base64.b64encode(zlib.compress("\\n".join(names).encode())).decode())
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
  const output = await runOnInstance(session, instanceId, {
    commands: [inspectCommand(session.target.platform, host, undefined, MIGRATIONS_PYTHON)],
    what: `List the migrations of ${host}`,
    limit: LIMITS.rowCount,
  });
  return parseMigrations(output, host);
}

/** @throws Unfinished if the list is not in the output */
export function parseMigrations(output: string, host: string): string[] {
  const [, list] = /^migrations (\S+)$/m.exec(output) ?? [];
  if (list === undefined) throw new Unfinished(`The migrations of ${host} are not in the output.`);
  const text = inflateSync(Buffer.from(list, "base64")).toString();
  return text === "" ? [] : text.split("\n");
}

/** The migrations in which a backup and the database differ. */
export interface Difference {
  /** Migrations of the database that the backup is older than. */
  lacking: string[];
  /** Migrations of the backup that the database does not have. */
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

/** The difference as lines of text; none if there is none. */
export function describeDifference({ lacking, more }: Difference): string[] {
  const list = (names: readonly string[]): string =>
    names.slice(0, SHOWN).join(", ") + (names.length > SHOWN ? ` and ${names.length - SHOWN} more` : "");
  return [
    ...(lacking.length === 0
      ? []
      : [
          `The backup is older than ${lacking.length} migrations of the database: ${list(lacking)}. ` +
            "The running version expects them, and fails without.",
        ]),
    ...(more.length === 0
      ? []
      : [`The backup has ${more.length} migrations that the database does not have: ${list(more)}.`]),
  ];
}

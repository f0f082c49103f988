import { type Rows } from "./rowCount";
import { type LockedSession } from "../coordination/session";
import { Unfinished } from "../coordination/unfinished";
import { runOnInstance } from "./runCommand";
import { LIMITS } from "./session";

export interface Extension {
  name: string;
  version: string;
  /** The version that the server would install; "none" if it no longer has the extension. */
  available: string;
}

/** The content of a database, as an instance of Iaso sees it. */
export interface Inspection {
  rows: Rows;
  extensions: Extension[];
  /** The error of a calculation with PostGIS; undefined if it works, or is not installed. */
  postgisError: string | undefined;
  /** Number of things in use with which RDS does not upgrade a database, by name. */
  obstacles: ReadonlyMap<string, number>;
}

/** Counts the rows of all tables, exactly. */
const ROWS = `SELECT table_name, (xpath('//n/text()', query_to_xml(
  format('SELECT count(*) AS n FROM %I.%I', table_schema, table_name), false, false, '')))[1]::text::bigint
FROM information_schema.tables WHERE table_schema = 'public' AND table_type = 'BASE TABLE' ORDER BY table_name`;

const EXTENSIONS = `SELECT extname, extversion, coalesce(default_version, 'none')
FROM pg_extension LEFT JOIN pg_available_extensions ON name = extname ORDER BY extname`;

/** Calculates a distance, with the library of PostGIS. */
const POSTGIS = "SELECT ST_Distance('POINT(0 0)'::geography, 'POINT(1 0)'::geography)";

/**
 * Counts what stops RDS's check before an upgrade.
 *
 * @see https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_UpgradeDBInstance.PostgreSQL.MajorVersion.Process.html
 */
const OBSTACLES = `SELECT 'prepared-transactions', count(*) FROM pg_prepared_xacts
UNION ALL SELECT 'logical-replication-slots', count(*) FROM pg_replication_slots WHERE slot_type = 'logical'
UNION ALL SELECT 'columns-of-reg-types', count(*)
FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid JOIN pg_namespace ON pg_namespace.oid = relnamespace
WHERE NOT attisdropped AND nspname NOT IN ('pg_catalog', 'information_schema') AND atttypid IN ('regproc'::regtype,
  'regprocedure'::regtype, 'regoper'::regtype, 'regoperator'::regtype, 'regconfig'::regtype, 'regdictionary'::regtype)`;

/** The program that inspects a database, for the shell of Iaso's Django. */
export const PYTHON = `from django.db import connection
with connection.cursor() as cursor:
    for kind, sql in [("extension", """${EXTENSIONS}"""), ("obstacle", """${OBSTACLES}"""), ("rows", """${ROWS}""")]:
        cursor.execute(sql)
        for row in cursor.fetchall():
            print(kind, *row)
    cursor.execute("SELECT count(*) FROM pg_extension WHERE extname = 'postgis'")
    if cursor.fetchone()[0]:
        try:
            cursor.execute("${POSTGIS}")
        except Exception as error:
            print("postgis-error", str(error).splitlines()[0])
print("inspected")
`;

/**
 * The program that counts the rows which were ever inserted, changed or deleted, for the shell of Iaso's Django. The position
 * in the log of the server (pg_current_wal_lsn) says less: RDS and checkpoints move it too.
 *
 * @see https://www.postgresql.org/docs/16/monitoring-stats.html#MONITORING-PG-STAT-ALL-TABLES-VIEW
 */
export const WRITES_PYTHON = `from django.db import connection
with connection.cursor() as cursor:
    cursor.execute("SELECT coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del), 0)::bigint FROM pg_stat_user_tables")
    print("writes", cursor.fetchone()[0])
`;

/**
 * The program that collects the statistics with which PostgreSQL plans queries: a major upgrade transfers none.
 *
 * @see https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_UpgradeDBInstance.PostgreSQL.MajorVersion.Process.html
 */
export const ANALYZE_PYTHON = `from django.db import connection
with connection.cursor() as cursor:
    cursor.execute("ANALYZE")
print("analyzed")
`;

/** The interpreter in the bundles of the deploy tool, and that of Beanstalk, which other bundles have. */
export const INTERPRETERS = {
  own: "/var/app/current/.venv/bin/python",
  beanstalk: "$(echo /var/app/venv/*/bin/python)",
} as const;

/**
 * The shell command that inspects a database, with Iaso's own Django.
 *
 * @param host the address of the database, in place of the environment's own
 * @param python the program
 */
export function inspectCommand(
  platform: "python" | "docker",
  host: string,
  interpreter: string = INTERPRETERS.own,
  python: string = PYTHON,
): string {
  // Base64 has no character that a shell changes.
  const code = `"$(echo ${Buffer.from(python).toString("base64")} | base64 -d)"`;
  if (platform === "docker") {
    return `cd /var/app/current && docker compose exec -T -e RDS_HOSTNAME=${host} iaso ./entrypoint.sh manage shell -c ${code}`;
  }
  return (
    "systemd-run --pipe --wait --quiet --uid=webapp --working-directory=/var/app/current " +
    "--property=EnvironmentFile=/opt/elasticbeanstalk/deployment/env " +
    // The file has precedence over variables of systemd-run.
    `/usr/bin/env RDS_HOSTNAME=${host} ${interpreter} manage.py shell -c ${code}`
  );
}

/**
 * Runs a program in the shell of Iaso's Django on an instance, and returns its output.
 *
 * @throws Unfinished if the command fails
 */
export function runDjango(
  session: LockedSession,
  instanceId: string,
  host: string,
  { interpreter, python, what }: { what: string; interpreter?: string; python?: string },
): Promise<string> {
  return runOnInstance(session, instanceId, {
    commands: [inspectCommand(session.target.platform, host, interpreter, python)],
    what,
    limit: LIMITS.rowCount,
  });
}

/** Inspects a database from an instance. */
export async function inspect(
  session: LockedSession,
  instanceId: string,
  host: string,
  interpreter?: string,
): Promise<Inspection> {
  const output = await runDjango(session, instanceId, host, { interpreter, what: `Inspect ${host}` });
  return parseInspection(output, host);
}

/**
 * Collects the statistics of a database.
 *
 * @throws Unfinished if the command fails
 */
export async function analyze(session: LockedSession, instanceId: string, host: string): Promise<void> {
  await runDjango(session, instanceId, host, { python: ANALYZE_PYTHON, what: `Analyze ${host}` });
}

/**
 * The number of rows of a database that were ever inserted, changed or deleted. A server that crashed counts from 0 again.
 *
 * @throws Unfinished if the command fails
 */
export async function countWrites(
  session: LockedSession,
  instanceId: string,
  host: string,
  interpreter: string,
): Promise<number> {
  const what = `Count the writes to ${host}`;
  const output = await runDjango(session, instanceId, host, { interpreter, python: WRITES_PYTHON, what });
  const [, count] = /^writes (\d+)$/m.exec(output) ?? [];
  if (count === undefined) throw new Unfinished(`The writes to ${host} are not in the output.`);
  return Number(count);
}

/** Counts the rows of a database. */
export async function countRows(session: LockedSession, instanceId: string, host: string): Promise<Rows> {
  return (await inspect(session, instanceId, host)).rows;
}

/** @throws Unfinished if the end of the output is missing: Systems Manager cuts it after 24,000 characters */
export function parseInspection(output: string, host: string): Inspection {
  if (!/^inspected$/m.test(output))
    throw new Unfinished(`The output of the inspection of ${host} is incomplete.`);
  const counts = (kind: string): Map<string, number> =>
    new Map(
      [...output.matchAll(new RegExp(`^${kind} (\\S+) (\\d+)$`, "gm"))].map(([, name = "", count]) => [
        name,
        Number(count),
      ]),
    );
  return {
    rows: counts("rows"),
    obstacles: counts("obstacle"),
    extensions: [...output.matchAll(/^extension (\S+) (\S+) (\S+)$/gm)].map(
      ([, name = "", version = "", available = ""]) => ({ name, version, available }),
    ),
    postgisError: /^postgis-error (.*)$/m.exec(output)?.[1],
  };
}

import {
  DescribeInstanceInformationCommand,
  GetCommandInvocationCommand,
  SendCommandCommand,
} from "@aws-sdk/client-ssm";
import { errorName } from "../cli/awsErrors";
import { UserError } from "../cli/userError";
import { LIMITS, type LockedSession, type Session, Unfinished } from "./session";

/** The number of rows by table. */
export type Rows = ReadonlyMap<string, number>;

/**
 * The id of an instance of Iaso that runs commands of Systems Manager. Only the instances can connect to the database.
 *
 * @throws UserError if there is none: instances take commands only with the setting `shellAccess`
 */
export async function findInstance({ clients, env }: Session): Promise<string> {
  const { InstanceInformationList } = await clients.ssm.send(
    new DescribeInstanceInformationCommand({
      Filters: [
        { Key: "tag:project", Values: ["iaso"] },
        { Key: "tag:env", Values: [env] },
        { Key: "tag:role", Values: ["web", "worker"] },
      ],
    }),
  );
  const found = InstanceInformationList?.find(({ PingStatus }) => PingStatus === "Online")?.InstanceId;
  if (found !== undefined) return found;
  throw new UserError(
    `No instance of ${env} can count the rows of the restored database: only instances with shell access run commands.`,
    "pulumi config set iaso:shellAccess true, and pulumi up; or restore without seeing the rows: --without-row-count",
  );
}

/** Counts the rows of all tables, exactly. */
const SQL = `SELECT table_name, (xpath('//n/text()', query_to_xml(
  format('SELECT count(*) AS n FROM %I.%I', table_schema, table_name), false, false, '')))[1]::text::bigint
FROM information_schema.tables WHERE table_schema = 'public' AND table_type = 'BASE TABLE' ORDER BY table_name`;

const PYTHON = `from django.db import connection
with connection.cursor() as cursor:
    cursor.execute("""${SQL}""")
    for table, rows in cursor.fetchall():
        print("rows", table, rows)
print("counted")
`;

/**
 * The shell command that counts the rows of a database, with Iaso's own Django.
 *
 * @param host the address of the database, in place of the environment's own
 */
export function countCommand(platform: "python" | "docker", host: string): string {
  // Base64 has no character that a shell changes.
  const code = `"$(echo ${Buffer.from(PYTHON).toString("base64")} | base64 -d)"`;
  if (platform === "docker") {
    return `cd /var/app/current && docker compose exec -T -e RDS_HOSTNAME=${host} iaso ./entrypoint.sh manage shell -c ${code}`;
  }
  return (
    "systemd-run --pipe --wait --quiet --uid=webapp --working-directory=/var/app/current " +
    "--property=EnvironmentFile=/opt/elasticbeanstalk/deployment/env " +
    // The file has precedence over variables of systemd-run.
    `/usr/bin/env RDS_HOSTNAME=${host} /var/app/current/.venv/bin/python manage.py shell -c ${code}`
  );
}

/** Runs a command on an instance and returns the numbers that it printed. */
export async function countRows(session: LockedSession, instanceId: string, host: string): Promise<Rows> {
  const { clients, clock, target } = session;
  const { Command } = await clients.ssm.send(
    new SendCommandCommand({
      DocumentName: "AWS-RunShellScript",
      InstanceIds: [instanceId],
      Comment: `Count the rows of ${host}`.slice(0, 100),
      Parameters: {
        commands: [countCommand(target.platform, host)],
        executionTimeout: [String(LIMITS.rowCount / 1000)],
      },
    }),
  );
  const deadline = clock.now() + LIMITS.rowCount;
  for (;;) {
    session.lock.requireHeld();
    await clock.sleep(LIMITS.poll);
    const answer = await invocation(session, instanceId, Command?.CommandId);
    if (answer?.status === "Success") return parseRows(answer.output, host);
    const ended = answer !== undefined && !/^(Pending|InProgress|Delayed)$/.test(answer.status);
    if (ended) throw new Unfinished(`The rows of ${host} could not be counted: ${answer.error}`);
    if (clock.now() >= deadline || session.interrupted()) {
      throw new Unfinished(`The rows of ${host} were not counted in time.`);
    }
  }
}

async function invocation(
  { clients }: Session,
  InstanceId: string,
  CommandId: string | undefined,
): Promise<{ status: string; output: string; error: string } | undefined> {
  try {
    const answer = await clients.ssm.send(new GetCommandInvocationCommand({ CommandId, InstanceId }));
    const error = (answer.StandardErrorContent ?? "").trim().split("\n").at(-1) ?? "";
    return {
      status: answer.Status ?? "",
      output: answer.StandardOutputContent ?? "",
      error: error === "" ? (answer.StatusDetails ?? "") : error,
    };
  } catch (error) {
    // Systems Manager does not show a new command at once.
    if (errorName(error) === "InvocationDoesNotExist") return undefined;
    throw error;
  }
}

/** @throws Unfinished if the end of the output is missing: Systems Manager cuts it after 24,000 characters */
export function parseRows(output: string, host: string): Rows {
  if (!/^counted$/m.test(output)) throw new Unfinished(`The count of the rows of ${host} is incomplete.`);
  return new Map(
    [...output.matchAll(/^rows (\w+) (\d+)$/gm)].map(([, table = "", rows]) => [table, Number(rows)]),
  );
}

/** The rows of all tables. */
export function sumOf(rows: Rows): number {
  return [...rows.values()].reduce((total, one) => total + one, 0);
}

/** The tables whose number of rows differs, and the sum, as lines of text. */
export function compareRows(before: Rows, after: Rows): string[] {
  const differing = [...new Set([...before.keys(), ...after.keys()])]
    .sort()
    .filter((table) => before.get(table) !== after.get(table));
  const show = (rows: number | undefined): string => (rows === undefined ? "no table" : String(rows));
  return [
    "Rows, now -> restored:",
    ...differing.map((table) => `  ${table}: ${show(before.get(table))} -> ${show(after.get(table))}`),
    ...(differing.length === 0 ? ["  no table differs"] : []),
    `  all ${after.size} tables: ${sumOf(before)} -> ${sumOf(after)}`,
  ];
}

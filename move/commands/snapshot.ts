import { RDSClient } from "@aws-sdk/client-rds";
import { Command } from "commander";
import { print } from "../../cli/output";
import { UserError } from "../../cli/userError";
import { createClients } from "../../doctor/clients";
import { requireAccount } from "../../settings/requireAccount";
import { systemClock } from "../../coordination/clock";
import { StackFile } from "../../settings/stackFile";
import { OLDEST_VERSION, readDatabase, readDatabaseNamed } from "../existing/database";
import { readIaso } from "../existing/iaso";
import { readRedis } from "../existing/redis";
import { allowSnapshots } from "../policyConfig";
import { redisSnapshot } from "../redisSnapshot";
import { encryptedSnapshot } from "../snapshot";
import { existingOptions, type ExistingOptions, explained, regionOf } from "./options";

const EXAMPLES = `
Examples:
  npm run move -- snapshot prod --application Iaso
  npm run move -- snapshot prod --application Iaso --name iaso-before-cutover

Takes a snapshot of the existing database, copies it encrypted if it is not, and writes its name into Pulumi.STACK.yaml and
the policy config. The existing database stays in use. A run that stopped is continued by the same command.
`;

/** Milliseconds between two looks at a snapshot. */
const POLL = 15_000;

interface Options extends ExistingOptions {
  name?: string;
  database?: string;
}

async function snapshot(
  stack: string,
  { application, environment, name, ...options }: Options,
): Promise<void> {
  if (name !== undefined && !/^(?!.*--)[a-z][a-z0-9-]{0,200}[a-z0-9]$/.test(name)) {
    throw new UserError(
      `${name} cannot be the name of a snapshot.`,
      "Use lower-case letters, digits and single hyphens: --name NAME",
    );
  }
  const file = new StackFile(stack);
  await requireAccount(file);
  const region = regionOf(options);
  const clients = createClients(region);
  const choice = { application, environments: environment };
  const { enketo, web } = await explained(() => readIaso(clients, choice));
  const database = await explained(() =>
    options.database === undefined
      ? readDatabase(clients, web.variables["RDS_HOSTNAME"] ?? "")
      : readDatabaseNamed(clients, options.database),
  );
  const { DBInstanceIdentifier = "", EngineVersion = "" } = database;
  const major = EngineVersion.split(".")[0] ?? "";
  if (Number(major) < OLDEST_VERSION) {
    throw new UserError(
      `The database ${DBInstanceIdentifier} runs PostgreSQL ${EngineVersion}, and Iaso needs ${OLDEST_VERSION}. RDS restores a snapshot with its own version.`,
      `Upgrade the database, or a copy of it, first (docs/moving-in.md, "An old PostgreSQL")`,
    );
  }
  const target = file.get("region") ?? region;
  const common = {
    name: name ?? `iaso-${file.env}-moving-in`,
    poll: POLL,
    line: (text: string) => {
      print(text);
    },
  };
  const taken = await encryptedSnapshot({
    ...common,
    source: { rds: new RDSClient({ region }), region },
    target: { rds: new RDSClient({ region: target }), region: target },
    database: DBInstanceIdentifier,
    env: file.env,
    clock: systemClock,
    otherName: "Choose another name: --name NAME",
  });
  const main = readRedis(region, enketo).find(({ kind }) => kind === "main");
  // ElastiCache copies no snapshot to another region.
  const redis = region === target ? main : undefined;
  if (redis !== undefined) await redisSnapshot({ ...common, region, redis });

  const { AllocatedStorage = 0, DBSnapshotIdentifier = "", MasterUsername = "" } = taken;
  const allowed = [DBSnapshotIdentifier, ...(redis === undefined ? [] : [common.name])];
  allowSnapshots(stack, allowed, `Snapshots of the existing Iaso, whose environment is ${web.name}`);
  file.set({
    databaseSnapshot: DBSnapshotIdentifier,
    databaseName: web.variables["RDS_DB_NAME"] || "iaso",
    databaseUser: MasterUsername,
    databaseMajorVersion: major,
    databaseStorage: String(Math.max(AllocatedStorage, Number(file.get("databaseStorage") ?? 0))),
    ...(redis !== undefined && { enketoRedisSnapshot: common.name }),
  });
  const user = web.variables["RDS_USERNAME"] ?? "";
  print(
    [
      `The first pulumi up of ${stack} creates the database from ${DBSnapshotIdentifier}` +
        (redis === undefined
          ? "; Enketo's Redis starts empty."
          : `, and Enketo's Redis from ${common.name}.`),
      ...(MasterUsername === user
        ? []
        : [
            `Iaso's user is ${user}, and the master user ${MasterUsername}: docs/moving-in.md, "Another owner", before you deploy.`,
          ]),
      `Check it: npm run doctor -- ${stack} --preflight`,
    ].join("\n"),
  );
}

export function snapshotCommand(): Command {
  return existingOptions(new Command("snapshot"))
    .description(
      "takes an encrypted snapshot of the existing database, from which the stack's database is created",
    )
    .argument("<stack>", "the stack, such as prod")
    .option(
      "--database <identifier>",
      "the RDS instance to take it of, such as an upgraded copy (default: that of RDS_HOSTNAME)",
    )
    .option("--name <snapshot>", "the name of the snapshot (default: iaso-ENV-moving-in)")
    .addHelpText("after", EXAMPLES)
    .action(snapshot);
}

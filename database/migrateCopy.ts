import { readFileSync } from "node:fs";
import { join } from "node:path";
import { paginateListObjectsV2 } from "@aws-sdk/client-s3";
import { UserError } from "../cli/userError";
import { runOnInstance } from "./runCommand";
import { Unfinished } from "../coordination/unfinished";
import { LIMITS, type LockedSession, type Session } from "./session";

/** The migrations of a copy of the database. */
export interface Migrated {
  /** Number of migrations that were applied. */
  migrations: number;
  /** Seconds until the version was on the instance, which a deployment needs too. */
  prepared: number;
  /** Seconds of the migrations. */
  seconds: number;
}

/** Digits of the bundle's digest at the end of a version's label. */
const DIGEST = /-([0-9a-f]{16})$/;

/**
 * Finds the label of a version whose bundle is in the artifacts bucket.
 *
 * @param wanted a label, or a version that has exactly one build
 * @throws UserError if there is none, or there are several
 */
export async function findVersion({ clients, env, target }: Session, wanted: string): Promise<string> {
  const labels: string[] = [];
  const query = { Bucket: target.artifactsBucket, Prefix: `bundles/${wanted}` };
  for await (const { Contents = [] } of paginateListObjectsV2({ client: clients.s3 }, query)) {
    labels.push(...Contents.map(({ Key = "" }) => Key.slice("bundles/".length, -".zip".length)));
  }
  const found = labels.filter((label) => label === wanted || label.replace(DIGEST, "") === wanted);
  const [label, ...more] = found;
  const remedy = `npm run deploy -- versions ${env}`;
  if (label === undefined || !DIGEST.test(label)) {
    throw new UserError(`${env} has no bundle of a version ${wanted}.`, remedy);
  }
  if (more.length > 0) {
    throw new UserError(`There are ${found.length} builds of ${wanted}: ${found.join(", ")}.`, remedy);
  }
  return label;
}

/**
 * The script that migrates a copy with another version, on an instance that serves.
 *
 * @param url the address of the version's bundle
 */
export function migrateScript(
  platform: "python" | "docker",
  { copy, host, label, url }: { copy: string; host: string; label: string; url: string },
): string {
  const quote = (text: string): string => `'${text.replaceAll("'", String.raw`'\''`)}'`;
  const variables = { copy, host, url, digest: DIGEST.exec(label)?.[1] ?? "" };
  const read = (name: string): string => readFileSync(join(__dirname, "migrateCopy", `${name}.sh`), "utf8");
  const [shebang, ...begin] = read("begin").split("\n");
  return [
    shebang,
    ...Object.entries(variables).map(([name, value]) => `${name}=${quote(value)}`),
    ...begin,
    read(platform),
  ].join("\n");
}

/**
 * Migrates a copy with another version, as a deployment of that version would migrate the database.
 *
 * @throws Unfinished if a migration fails, or the version cannot be installed
 */
export async function migrateCopy(
  session: LockedSession,
  instanceId: string,
  { copy, host, label }: { copy: string; host: string; label: string },
): Promise<Migrated> {
  const url = await session.presign(`bundles/${label}.zip`);
  const what = `Migrate ${copy} with ${label}`;
  const output = await runOnInstance(session, instanceId, {
    commands: migrateScript(session.target.platform, { copy, host, label, url }).split("\n"),
    what,
    limit: LIMITS.migrate,
  });
  const numbers = /^migrated (\d+) (\d+) (\d+)$/m.exec(output);
  if (numbers === null) throw new Unfinished(`${what} printed no result.`);
  const [migrations = 0, prepared = 0, seconds = 0] = numbers.slice(1).map(Number);
  return { migrations, prepared, seconds };
}

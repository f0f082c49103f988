import { cp, mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { versionOfLabel } from "../applicationVersions";
import { type MigrationDifference } from "../knownMigrations";
import { type Running } from "../migrations/check";
import { downloadBundle, isWithoutApplication } from "../migrations/runningVersion";
import { checkInSandbox } from "../migrations/sandboxed";
import { variablesForCheck } from "../migrations/variables";
import { type JudgeMigrations, type Judgement, notChecked, stopsDeployment } from "../migrations/verdict";
import { type Report } from "../output/report";
import { requireSameVersion } from "../pair/check";
import { findPair, type Pair } from "../pair/find";
import { describePair } from "../pair/state";
import { readVariables } from "../pair/variables";
import { type Session } from "../session";
import { requireCheckout } from "../source/version";
import { UserError } from "../../cli/userError";

export interface CheckMigrationsOptions {
  /** The checkout of the new version. */
  source: string;
  /** A checkout of the running version, instead of its bundle. */
  runningSource?: string;
  /** A PostgreSQL server for the temporary database. */
  databaseUrl?: string;
  /** Runs the application's code without a sandbox. */
  buildWithMyCredentials?: true;
}

/** Reports whether the running version's code works on the tables of a checkout. Changes nothing. */
export async function reportMigrations(session: Session, options: CheckMigrationsOptions): Promise<Report> {
  const { clients, env, progress, target } = session;
  await requireCheckout(options.source);
  const pair = await findPair(clients.beanstalk, env, target);
  const running = requireSameVersion(env, await describePair(clients.beanstalk, pair), true);
  const workDirectory = await mkdtemp(join(tmpdir(), "iaso-check-"));
  let judgement: Judgement;
  try {
    judgement = await progress.step("Check the migrations", (log) =>
      judgeMigrations(session, { ...options, pair, running, workDirectory, log }),
    );
  } finally {
    await rm(workDirectory, { recursive: true, force: true });
  }
  const stops = stopsDeployment(judgement);
  return {
    env,
    outcome: stops ? "refused" : "shown",
    summary: judgement.summary,
    from: running,
    notes: judgement.lines,
    ...(stops && { remedy: judgement.remedy }),
    details: { verdict: judgement.verdict },
  };
}

export interface JudgeArgs extends CheckMigrationsOptions {
  pair: Pair;
  /** The label of the running version. */
  running: string;
  /** A directory for everything that the check writes. */
  workDirectory: string;
  log: (line: string) => void;
}

/**
 * Judges the migrations of a checkout, in a sandbox.
 *
 * @throws UserError if this machine has no sandbox, unless `buildWithMyCredentials` is set
 */
export async function judgeMigrations(session: Session, args: JudgeArgs): Promise<Judgement> {
  const { databaseUrl, log, pair, running: label, workDirectory } = args;
  if (isWithoutApplication(label)) {
    return { verdict: "compatible", summary: "No application is running yet.", lines: [], remedy: "" };
  }
  await mkdir(workDirectory, { recursive: true });
  const running = await runningVersion(session, args);
  if (running === undefined) {
    return notChecked(
      `the bundle of the running version ${label} is not in the artifacts bucket. With a checkout of it: ` +
        `npm run deploy -- check-migrations ${session.env} --source ${args.source} --running-source <directory>`,
    );
  }
  return checkInSandbox({
    env: session.env,
    sandboxed: args.buildWithMyCredentials !== true,
    source: resolve(args.source),
    running,
    variables: variablesForCheck(await readVariables(session, pair)),
    databaseUrl,
    workDirectory,
    log,
  });
}

/** Directories of a checkout that are large, and that no migration needs. */
const LEFT_OUT = [".git", ".venv", "node_modules"];

async function runningVersion(
  session: Session,
  { running, runningSource, workDirectory }: JudgeArgs,
): Promise<Running | undefined> {
  if (runningSource === undefined) {
    const bundle = await downloadBundle(session, running, workDirectory);
    return bundle === undefined ? undefined : { bundle };
  }
  // The sandbox shows only its work directory.
  const directory = join(workDirectory, "running");
  const filter = (path: string): boolean => !LEFT_OUT.includes(basename(path));
  await cp(resolve(runningSource), directory, { recursive: true, filter });
  return { directory };
}

/**
 * Checks, before anything is touched, that the running version's code works on the new version's tables.
 *
 * @param newVersion how the migrations of the new version differ from the running one's, if that is known, and the judge, if
 *   the deployment has a checkout whose code it can run
 * @returns a sentence for the report
 * @throws UserError if the code does not work, or that was not checked, unless `migrationsUnchecked` is set
 */
export async function requireCompatible(
  session: Session,
  running: string,
  newVersion: { difference?: MigrationDifference; judgeMigrations?: JudgeMigrations },
  { migrationsChecked, migrationsUnchecked }: { migrationsChecked?: string; migrationsUnchecked: boolean },
): Promise<string> {
  const { env, progress } = session;
  if (newVersion.difference?.added.length === 0) {
    progress.line("The new version has no new migrations.");
    return `${running} works on the tables: the new version has no new migrations.`;
  }
  if (isWithoutApplication(running)) return "No application was running.";
  if (migrationsChecked !== undefined) {
    const version = versionOfLabel(running);
    if (version === migrationsChecked)
      return `${running} works on the tables: the migrations were checked before.`;
    throw new UserError(
      `The migrations were checked for ${migrationsChecked}, and ${env} runs ${version}.`,
      "Check the migrations again, or start the workflow again",
    );
  }
  if (migrationsUnchecked) {
    progress.warn(
      "The migrations are not checked: the running version may fail on the new version's tables.",
    );
    return `The migrations were not checked (--migrations-unchecked): ${running} may fail on the new version's tables.`;
  }
  const judgement = await progress.step("Check the migrations", async (log) => {
    const result =
      (await newVersion.judgeMigrations?.(running, log)) ??
      notChecked("the deployment has a build, and no checkout to run the check with");
    if (!stopsDeployment(result)) for (const line of result.lines) progress.line(line);
    return result;
  });
  const { lines, remedy, summary } = judgement;
  if (stopsDeployment(judgement)) {
    throw new UserError([summary, ...lines.map((line) => `  ${line}`)].join("\n"), remedy);
  }
  return summary;
}

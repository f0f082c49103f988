import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { checkMigrations, type Running } from "../migrations/check";
import { downloadBundle, isWithoutApplication } from "../migrations/runningVersion";
import { variablesForCheck } from "../migrations/variables";
import { type Judgement, notChecked } from "../migrations/verdict";
import { type Report } from "../output/report";
import { requireSameVersion } from "../pair/check";
import { findPair } from "../pair/find";
import { describePair } from "../pair/state";
import { readVariables } from "../pair/variables";
import { type Session } from "../session";
import { requireCheckout } from "../source/version";

export interface CheckMigrationsOptions {
  /** The checkout of the new version. */
  source: string;
  /** A checkout of the running version, instead of its bundle. */
  runningSource?: string;
  /** A PostgreSQL server for the temporary database. */
  databaseUrl?: string;
}

/** Reports whether the running version's code works on the tables of a checkout. Changes nothing. */
export async function reportMigrations(session: Session, options: CheckMigrationsOptions): Promise<Report> {
  const { clients, env, progress, target } = session;
  await requireCheckout(options.source);
  const pair = await findPair(clients.beanstalk, env, target);
  const running = requireSameVersion(env, await describePair(clients.beanstalk, pair), true);
  const judgement = await progress.step("Check the migrations", async (log) =>
    judgeMigrations(session, {
      ...options,
      running,
      variables: variablesForCheck(await readVariables(session, pair)),
      log,
    }),
  );
  const { lines, remedy, summary, verdict } = judgement;
  const stops = verdict === "incompatible" || verdict === "notChecked";
  return {
    env,
    outcome: stops ? "refused" : "shown",
    summary,
    from: running,
    notes: lines,
    ...(stops && { remedy }),
    details: { verdict },
  };
}

export interface JudgeArgs extends CheckMigrationsOptions {
  /** The label of the running version. */
  running: string;
  variables: Record<string, string>;
  log: (line: string) => void;
}

/** Judges the migrations of a checkout, in a directory that is removed afterwards. */
export async function judgeMigrations(session: Session, args: JudgeArgs): Promise<Judgement> {
  const { databaseUrl, log, running: label, runningSource, source, variables } = args;
  if (isWithoutApplication(label)) {
    return { verdict: "compatible", summary: "No application is running yet.", lines: [], remedy: "" };
  }
  const workDirectory = await mkdtemp(join(tmpdir(), "iaso-check-"));
  try {
    const running = await runningVersion(session, label, runningSource, workDirectory);
    if (running === undefined) {
      return notChecked(
        `the bundle of the running version ${label} is not in the artifacts bucket. ` +
          "Check with a checkout of it: --running-source <directory>",
      );
    }
    return await checkMigrations({
      source: resolve(source),
      running,
      variables,
      databaseUrl,
      workDirectory,
      log,
    });
  } finally {
    await rm(workDirectory, { recursive: true, force: true });
  }
}

async function runningVersion(
  session: Session,
  label: string,
  runningSource: string | undefined,
  directory: string,
): Promise<Running | undefined> {
  if (runningSource !== undefined) return { directory: resolve(runningSource) };
  const bundle = await downloadBundle(session, label, directory);
  return bundle === undefined ? undefined : { bundle };
}

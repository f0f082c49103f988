import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { z } from "zod";
import { describeError } from "../../cli/awsErrors";
import { printError } from "../../cli/output";
import { UserError } from "../../cli/userError";
import { sendRequest } from "../../coordination/session";
import { HEALTH_PATH } from "../../database/health";
import { type StackFile } from "../../settings/stackFile";
import { checkInSandbox } from "../migrations/sandboxed";
import { variablesForCheck } from "../migrations/variables";
import { type Judgement, notChecked, stopsDeployment } from "../migrations/verdict";
import { type Report } from "../output/report";
import { requireNoCredentials } from "../source/credentials";
import { git } from "../source/git";
import { LABEL, requireCheckout } from "../source/version";
import { type CheckMigrationsOptions } from "./checkMigrations";

export interface PublicCheckOptions extends Pick<CheckMigrationsOptions, "databaseUrl" | "source"> {
  /** The environment whose version is promoted; without it, the checkout is the new version. */
  promoteFrom?: string;
}

/** The world around the command: the files of stacks, and the network. */
export interface Surroundings {
  stackFile: (stack: string) => StackFile;
  fetch?: typeof sendRequest;
}

/**
 * Checks the migrations where there are no credentials, so that code of the application can run: a job of a workflow.
 * Iaso's health check names the version that runs, the history of the checkout has its code, and the stack's file its
 * plugins.
 *
 * @throws UserError if the application's code could read credentials
 */
export async function checkWithoutAws(
  env: string,
  options: PublicCheckOptions,
  surroundings: Surroundings,
): Promise<Report> {
  await requireNoCredentials(env);
  await requireCheckout(options.source);
  const workDirectory = await mkdtemp(join(tmpdir(), "iaso-check-"));
  try {
    const { judgement, running } = await judge(env, options, surroundings, workDirectory);
    const stops = stopsDeployment(judgement);
    return {
      env,
      outcome: stops ? "refused" : "shown",
      summary: judgement.summary,
      ...(running !== undefined && { from: running }),
      notes: judgement.lines,
      ...(stops && { remedy: judgement.remedy }),
      details: { verdict: judgement.verdict },
    };
  } finally {
    await rm(workDirectory, { recursive: true, force: true });
  }
}

async function judge(
  env: string,
  { databaseUrl, promoteFrom, source }: PublicCheckOptions,
  { fetch = sendRequest, stackFile }: Surroundings,
  workDirectory: string,
): Promise<{ judgement: Judgement; running?: string }> {
  let running: string | undefined;
  try {
    running = await versionOf(stackFile(env), fetch);
    const directory = join(workDirectory, "running");
    await extract(source, running, directory);
    let checked = resolve(source);
    if (promoteFrom !== undefined) {
      checked = join(workDirectory, "new");
      await extract(source, await versionOf(stackFile(promoteFrom), fetch), checked);
    }
    const PLUGINS = stackFile(env).getList("plugins").join(",");
    const judgement = await checkInSandbox({
      env,
      sandboxed: false,
      source: checked,
      running: { directory },
      variables: variablesForCheck({ plain: { PLUGINS }, secret: [] }),
      databaseUrl,
      workDirectory,
      log: printError,
    });
    return { judgement, running };
  } catch (error) {
    if (!(error instanceof Unknown)) throw error;
    return { judgement: notChecked(error.message), ...(running !== undefined && { running }) };
  }
}

/** Thrown if the code of a version cannot be found. */
class Unknown extends Error {}

const health = z.looseObject({ VERSION: z.string().regex(LABEL) });

/** The version that an environment runs, by its health check. @throws Unknown if it does not tell */
async function versionOf(file: StackFile, fetch: typeof sendRequest): Promise<string> {
  const host = file.get("webHost");
  if (host === undefined) throw new UserError(`${file.file} does not set webHost.`);
  const url = new URL(HEALTH_PATH, `https://${host}`);
  try {
    const { status, text } = await fetch(url);
    if (status !== 200) throw new Error(`HTTP ${status}`);
    return health.parse(JSON.parse(text)).VERSION;
  } catch (error) {
    const reason = error instanceof z.ZodError ? "the answer has no VERSION" : describeError(error);
    throw new Unknown(`${url.href} does not tell which version ${file.env} runs: ${reason}.`);
  }
}

/** Writes the code of a version, a tag or a commit, into a new directory. @throws Unknown if the history lacks it */
async function extract(source: string, version: string, directory: string): Promise<void> {
  let commit: string;
  try {
    commit = (await git(source, ["rev-parse", "--verify", "--quiet", `${version}^{commit}`]))
      .toString()
      .trim();
  } catch {
    throw new Unknown(
      `the history of ${source} has no tag or commit ${version}, which runs. A version that was named with --version is none, ` +
        "and a checkout without its whole history (fetch-depth: 0) lacks it.",
    );
  }
  await mkdir(directory);
  const archive = `${directory}.tar`;
  try {
    await git(source, ["archive", "--format=tar", `--output=${archive}`, commit]);
  } catch (error) {
    // A clone without all files of its history, of which git fetches none here.
    throw new Unknown(`the code of ${version} cannot be read: ${describeError(error)}`);
  }
  await promisify(execFile)("tar", ["--extract", "--file", archive, "--directory", directory]);
  await rm(archive);
}

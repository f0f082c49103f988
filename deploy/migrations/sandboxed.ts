import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { plain } from "../../cli/output";
import { requireNoInstanceRole } from "../source/credentials";
import { requireSandbox, runBuild } from "../source/sandbox";
import { type CheckArgs } from "./check";
import { type Judgement, judgementSchema } from "./verdict";

export interface SandboxedCheckArgs extends CheckArgs {
  env: string;
  /** False if the application's code may read the credentials of the user. */
  sandboxed: boolean;
}

/**
 * Checks migrations in a sandbox without the deployment's credentials, because the check runs code of the application.
 *
 * @throws UserError if this machine has no sandbox
 */
export async function checkInSandbox(args: SandboxedCheckArgs): Promise<Judgement> {
  const { env, log, sandboxed, ...check } = args;
  const { source, workDirectory } = check;
  for (const name of ["home", "tmp"]) await mkdir(join(workDirectory, name), { recursive: true });
  const sandbox = { source, writesSource: false, workDirectory, hidesRoot: true };
  if (sandboxed) {
    requireSandbox(sandbox, env);
    await requireNoInstanceRole(env);
  }
  const file = join(workDirectory, "check.json");
  // The URL of a database server may contain a password.
  await writeFile(file, JSON.stringify(check), { mode: 0o600, flag: "wx" });
  const printed = await runBuild({
    ...sandbox,
    sandboxed,
    command: [process.execPath, "--require", "./cli/loader.cjs", "deploy/migrations/main.ts", file],
    onLine: log,
  });
  const judgement = judgementSchema.parse(JSON.parse(printed));
  return { ...judgement, summary: plain(judgement.summary), lines: judgement.lines.map(plain) };
}

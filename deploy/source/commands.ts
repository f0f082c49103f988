import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { UserError } from "../../cli/userError";

export interface CommandOptions {
  directory: string;
  /** Variables added to the command's environment. */
  env?: Record<string, string>;
  /** Called with each line that the command prints. */
  onLine?: (line: string) => void;
}

const SHOWN_LINES = 15;

/**
 * Runs a command line in a shell.
 *
 * @throws UserError with the command's last lines if it fails
 */
export async function runCommand(command: string, options: CommandOptions): Promise<void> {
  const child = spawn(command, {
    cwd: options.directory,
    shell: true,
    env: { ...process.env, ...options.env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const last: string[] = [];
  const keep = (line: string): void => {
    last.push(line);
    if (last.length > SHOWN_LINES) last.shift();
    options.onLine?.(line);
  };
  createInterface(child.stdout).on("line", keep);
  createInterface(child.stderr).on("line", keep);
  const code = await new Promise<number | string | null>((resolve, reject) => {
    child.once("error", reject).once("close", (exitCode, signal) => {
      resolve(exitCode ?? signal);
    });
  });
  if (code === 0) return;
  throw new UserError(
    `The command "${command}" failed in ${options.directory} (${code === null ? "no exit code" : String(code)}):\n` +
      last.map((line) => `  ${line}`).join("\n"),
    "Fix the build and deploy again; nothing was changed in AWS. " +
      "The checkout's iaso-deploy.yaml sets the commands; --skip-build uses the files of an earlier build.",
  );
}

import { spawn } from "node:child_process";
import { UserError } from "../../cli/userError";

/** The answer of a run of uv. */
export interface UvResult {
  code: number;
  stdout: string;
  stderr: string;
}

/**
 * Runs uv.
 *
 * @param input Standard input.
 * @throws UserError if uv is not installed
 */
export async function runUv(
  directory: string,
  args: readonly string[],
  { input = "", env = {} }: { input?: string; env?: Record<string, string> } = {},
): Promise<UvResult> {
  const child = spawn("uv", args, { cwd: directory, env: { ...process.env, ...env } });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  // A child that ends before it has read everything is judged by its exit code.
  child.stdin.on("error", () => undefined).end(input);
  return new Promise((resolve, reject) => {
    child.once("close", (code) => {
      resolve({ code: code ?? 1, stdout, stderr: stderr.trim() });
    });
    child.once("error", (error: NodeJS.ErrnoException) => {
      reject(
        error.code === "ENOENT"
          ? new UserError(
              "uv is not installed. The build collects the Python packages with it.",
              "Install it: pipx install uv (or see https://docs.astral.sh/uv/getting-started/installation/)",
            )
          : error,
      );
    });
  });
}

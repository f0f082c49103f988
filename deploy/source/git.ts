import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { UserError } from "../../cli/userError";

const run = promisify(execFile);

/** Enough for the file list of any repository within Beanstalk's limit. */
const MAX_OUTPUT_BYTES = 512 * 1024 * 1024;

/**
 * Runs git in a directory and returns its output as bytes, because file names need not be valid text.
 *
 * @throws UserError if git is not installed; Error with git's message if git fails
 */
export async function git(directory: string, args: readonly string[]): Promise<Buffer> {
  try {
    const { stdout } = await run("git", ["-C", directory, ...args], {
      encoding: "buffer",
      maxBuffer: MAX_OUTPUT_BYTES,
      // Messages in English, and no password prompt during a deployment.
      env: { ...process.env, LC_ALL: "C", GIT_TERMINAL_PROMPT: "0", GIT_OPTIONAL_LOCKS: "0" },
    });
    return stdout;
  } catch (error) {
    const { code, stderr } = error as { code?: unknown; stderr?: Buffer };
    if (code === "ENOENT") {
      throw new UserError("git is not installed.", "Install git: https://git-scm.com/downloads");
    }
    const reason = String(stderr ?? error).trim();
    throw new Error(`git ${args.join(" ")} failed in ${directory}: ${reason}`, { cause: error });
  }
}

/** Splits the output of a git command with -z. */
export function splitZ(output: Buffer): Buffer[] {
  const parts: Buffer[] = [];
  let start = 0;
  for (let end = output.indexOf(0); end !== -1; end = output.indexOf(0, start)) {
    parts.push(output.subarray(start, end));
    start = end + 1;
  }
  return parts;
}

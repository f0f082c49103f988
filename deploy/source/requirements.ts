import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { UserError } from "../../cli/userError";
import { buildEnvironment } from "./commands";
import type { ZipEntry } from "./zip";

const run = promisify(execFile);

/**
 * Exports requirements.txt, which Beanstalk's Python platform installs, from uv.lock: the same versions and hashes,
 * including the group `prod` with the web server.
 *
 * @returns the file to add to the bundle; undefined if the checkout has a requirements.txt
 * @throws UserError if the checkout has neither file, or uv is missing or fails
 * @see https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/python-configuration-requirements.html
 */
export async function exportRequirements(
  source: string,
  tracked: readonly ZipEntry[],
): Promise<ZipEntry | undefined> {
  const has = (path: string): boolean => tracked.some((entry) => entry.path === path);
  if (has("requirements.txt")) return undefined;
  if (!has("uv.lock")) {
    throw new UserError(
      `The checkout ${source} has neither requirements.txt nor uv.lock, so Beanstalk cannot install its packages.`,
      "Commit one of them; uv lock creates uv.lock",
    );
  }
  const args = [
    "export",
    "--frozen",
    "--no-dev",
    "--group",
    "prod",
    "--no-emit-project",
    "--no-header",
    "--quiet",
  ];
  try {
    const { stdout } = await run("uv", args, {
      cwd: source,
      maxBuffer: 64 * 1024 * 1024,
      env: buildEnvironment(process.env),
    });
    return { path: "requirements.txt", mode: 0o100644, content: Buffer.from(stdout) };
  } catch (error) {
    const { code, stderr } = error as { code?: unknown; stderr?: string };
    if (code === "ENOENT") {
      throw new UserError(
        "uv is not installed. It is needed to export requirements.txt from uv.lock.",
        "Install it: pipx install uv (or see https://docs.astral.sh/uv/getting-started/installation/)",
      );
    }
    throw new UserError(
      `uv could not export requirements.txt from ${source}/uv.lock:\n${(stderr ?? String(error)).trim()}`,
      `Run in the checkout: uv ${args.join(" ")}`,
    );
  }
}

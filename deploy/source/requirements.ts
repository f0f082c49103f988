import { join } from "node:path";
import { readFile } from "node:fs/promises";
import { UserError } from "../../cli/userError";
import { PYTHON_FULL, PYTHON_PLATFORM } from "./python";
import { runUv } from "./uv";
import type { ZipEntry } from "./zip";

/**
 * Returns the locked requirements of a checkout, pinned and with hashes: those of uv.lock, including the group `prod`
 * with the web server, or those of requirements.txt. A requirements.txt without hashes is resolved for the servers'
 * Python first, so its result depends on the day of the build.
 *
 * @param env Variables that select uv's version.
 * @throws UserError if the checkout has neither file, or uv is missing or fails
 */
export async function lockedRequirements(
  source: string,
  tracked: readonly ZipEntry[],
  env: Record<string, string> = {},
): Promise<string> {
  const has = (path: string): boolean => tracked.some((entry) => entry.path === path);
  if (has("requirements.txt")) {
    const text = await readFile(join(source, "requirements.txt"), "utf8");
    if (text.includes("--hash=") || !/^\s*[^#\s]/m.test(text)) return text;
    return uvOutput(source, env, [
      "pip",
      "compile",
      "--quiet",
      "--generate-hashes",
      "--no-header",
      "--no-annotate",
      "--python-version",
      PYTHON_FULL,
      "--python-platform",
      PYTHON_PLATFORM,
      "requirements.txt",
    ]);
  }
  if (!has("uv.lock")) {
    throw new UserError(
      `The checkout ${source} has neither requirements.txt nor uv.lock, so its Python packages are unknown.`,
      "Commit one of them; uv lock creates uv.lock",
    );
  }
  const group = ["--no-dev", "--group", "prod", "--no-emit-project"];
  return uvOutput(source, env, ["export", "--frozen", ...group, "--no-header", "--no-annotate", "--quiet"]);
}

async function uvOutput(
  source: string,
  env: Record<string, string>,
  args: readonly string[],
): Promise<string> {
  const { code, stderr, stdout } = await runUv(source, args, { env });
  if (code === 0) return stdout;
  throw new UserError(
    `uv could not read the locked requirements of ${source}:\n${stderr}`,
    `Run in the checkout: uv ${args.join(" ")}`,
  );
}

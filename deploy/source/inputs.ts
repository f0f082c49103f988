import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join, relative } from "node:path";
import type { Platform } from "./overlay";
import { readSourceSettings } from "./settings";
import type { Version } from "./version";

const DEPLOY = join(__dirname, "..");

export interface InputsArgs {
  source: string;
  version: Version;
  platform: Platform;
  plugins: readonly string[];
  skipBuild: boolean;
}

/**
 * The digest of everything that a build is made from: the commit, the version's name, the plugins, and the deploy tool's
 * own code. Two builds of the same inputs are interchangeable.
 *
 * @returns undefined for a build that is also made from files that no commit names, or that builds nothing
 * @throws UserError for invalid settings of the checkout
 */
export async function digestOfInputs(args: InputsArgs): Promise<string | undefined> {
  const { platform, plugins, skipBuild, source, version } = args;
  const { include } = await readSourceSettings(source);
  const hasCheckouts = include.some((path) => path.startsWith("plugins/"));
  if (version.dirty || skipBuild || hasCheckouts || platform === "docker") return undefined;
  const { commit, label } = version;
  const facts = { tool: await digestOfTool(), commit, label, platform, plugins: [...plugins].sort() };
  return createHash("sha256").update(JSON.stringify(facts)).digest("hex");
}

/** The digest of the deploy tool's files, some of which go into each bundle. */
async function digestOfTool(): Promise<string> {
  const entries = await readdir(DEPLOY, { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((entry) => entry.isFile() && !entry.parentPath.includes("__pycache__"))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  const hash = createHash("sha256");
  for (const path of paths)
    hash
      .update(relative(DEPLOY, path))
      .update("\0")
      .update(await readFile(path))
      .update("\0");
  return hash.digest("hex");
}

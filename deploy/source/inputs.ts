import { createHash, type Hash } from "node:crypto";
import { access, lstat, readdir, readFile, readlink } from "node:fs/promises";
import { join, relative } from "node:path";
import { hashFile } from "./artifact";
import { git, splitZ } from "./git";
import type { Platform } from "./overlay";
import { readSourceSettings } from "./settings";
import type { Version } from "./version";

const DEPLOY = join(__dirname, "..");

export interface InputsArgs {
  source: string;
  /** The commit and its label. */
  version: Pick<Version, "commit" | "label">;
  platform: Platform;
  plugins: readonly string[];
}

/**
 * The digest of everything that a clean checkout is built from: the content of its files, the commit, the version's
 * name, the plugins, and the deploy tool's own code. Two builds of the same inputs are interchangeable.
 *
 * Runs no code of the application and no program that its git configuration names. Nobody but the tool may decide which
 * inputs a build has: otherwise a build could claim those of another commit.
 *
 * @returns undefined if a build is also made from files that no commit names, or runs programs of the git configuration
 * @throws UserError for invalid settings of the checkout
 */
export async function digestOfInputs(args: InputsArgs): Promise<string | undefined> {
  const { platform, plugins, source, version } = args;
  const { include } = await readSourceSettings(source);
  if (include.some((path) => path.startsWith("plugins/"))) return undefined;
  const hash = createHash("sha256");
  if (!(await addFiles(hash, source))) return undefined;
  const { commit, label } = version;
  const files = hash.digest("hex");
  const facts = { tool: await digestOfTool(), files, commit, label, platform, plugins: [...plugins].sort() };
  return createHash("sha256").update(JSON.stringify(facts)).digest("hex");
}

/** Settings of git by which the commands of a build run programs: to compare files, and to fetch missing objects. */
const PROGRAMS = /^(core\.fsmonitor|filter\..*|remote\..*\.promisor|extensions\.partialclone)$/i;

/**
 * Adds the files of a repository and its submodules that are in git's index, with their content on the disk.
 *
 * @returns false if other files are there, some are missing, or its own configuration makes git run programs
 */
async function addFiles(hash: Hash, repository: string): Promise<boolean> {
  const settings = splitZ(await git(repository, ["config", "--list", "--show-scope", "--name-only", "-z"]));
  const own = settings.filter((_, index) => /^(local|worktree)$/.test(String(settings[index - 1])));
  if (own.some((name) => PROGRAMS.test(String(name)))) return false;
  const untracked = ["ls-files", "--others", "--directory", "--exclude-standard", "-z"];
  if ((await git(repository, untracked)).length > 0) return false;
  for (const record of splitZ(await git(repository, ["ls-files", "--stage", "-z"]))) {
    const file = join(repository, record.subarray(record.indexOf(9) + 1).toString());
    const stats = await lstat(file).catch(() => undefined);
    if (stats === undefined) return false;
    hash.update(record).update("\0");
    if (stats.isSymbolicLink()) hash.update(await readlink(file, "buffer"));
    else if (stats.isFile()) hash.update(await hashFile(file));
    else if (!(await isRepository(file)) || !(await addFiles(hash, file))) return false;
    hash.update("\0");
  }
  return true;
}

const isRepository = (directory: string): Promise<boolean> =>
  access(join(directory, ".git")).then(
    () => true,
    () => false,
  );

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

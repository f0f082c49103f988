import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { access, lstat, readdir, readFile, readlink } from "node:fs/promises";
import { join, relative } from "node:path";
import { promisify } from "node:util";
import { hashFile } from "./artifact";
import { isForFrontEnd } from "./frontEnd";
import { git, splitZ } from "./git";
import type { Platform } from "./overlay";
import { readSourceSettings } from "./settings";
import type { Version } from "./version";

const run = promisify(execFile);

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
 * @param readContent reads the files of the checkout
 * @returns undefined if a build is also made from files that no commit names, or runs programs of the git configuration
 * @throws UserError for invalid settings of the checkout
 */
export async function digestOfInputs(
  { platform, plugins, source, version }: InputsArgs,
  readContent = () => contentOf(source),
): Promise<string | undefined> {
  const { include } = await readSourceSettings(source);
  if (include.some((path) => path.startsWith("plugins/"))) return undefined;
  const content = await readContent();
  if (content === undefined) return undefined;
  const { commit, label } = version;
  const files = digestOfContent(content);
  const facts = { tool: await digestOfTool(), files, commit, label, platform, plugins: [...plugins].sort() };
  return createHash("sha256").update(JSON.stringify(facts)).digest("hex");
}

/** Variables of a build that say where programs and files are, and not what they contain. */
const PLACES = ["HOME", "PATH", "PWD", "TMPDIR"];
/** Programs of this machine that build a front end, unless the checkout names others. */
const PROGRAMS_OF_FRONT_END = ["node", "npm", "pnpm", "yarn"];

/**
 * The digest of everything that the front end of a clean checkout is built from: the content of the files that its build
 * gets, which include the settings, the lock file and the named tools; this machine's tools and variables; the plugins,
 * and the deploy tool's own code. What a command fetches from the network without a lock is not part of it.
 *
 * Runs no code of the application, as `digestOfInputs`.
 *
 * @param readContent reads the files of the checkout
 * @returns undefined if there is no front end, or no commit names all of its files
 * @throws UserError for invalid settings of the checkout
 */
export async function digestOfFrontEnd(
  { platform, plugins, source }: Omit<InputsArgs, "version">,
  env: NodeJS.ProcessEnv = process.env,
  readContent = () => contentOf(source),
): Promise<string | undefined> {
  const settings = await readSourceSettings(source);
  if (settings.build.length === 0 || settings.include.some((path) => path.startsWith("plugins/"))) {
    return undefined;
  }
  const content = await readContent();
  if (content === undefined) return undefined;
  const facts = {
    frontEnd: digestOfContent(content.filter(({ path }) => isForFrontEnd(path, settings))),
    settings,
    tool: await digestOfTool(),
    platform,
    plugins: [...plugins].sort(),
    machine: [process.platform, process.arch],
    programs: await Promise.all(PROGRAMS_OF_FRONT_END.map((name) => versionOf(name, env))),
    variables: Object.entries(env)
      .filter(([name]) => !PLACES.includes(name))
      .sort(([one], [other]) => (one < other ? -1 : 1)),
  };
  return createHash("sha256").update(JSON.stringify(facts)).digest("hex");
}

/** The version of a program of this machine; null if there is none. Runs outside of the checkout. */
async function versionOf(program: string, env: NodeJS.ProcessEnv): Promise<string | null> {
  try {
    return (await run(program, ["--version"], { cwd: "/", env })).stdout.trim();
  } catch {
    return null;
  }
}

/** Settings of git by which the commands of a build run programs: to compare files, and to fetch missing objects. */
const PROGRAMS = /^(core\.fsmonitor|filter\..*|remote\..*\.promisor|extensions\.partialclone)$/i;

/** A file or link of a checkout. */
interface Content {
  path: string;
  /** Its record in git's index, with its mode. */
  record: Buffer;
  /** The SHA-256 of the file (hexadecimal), or the target of the link. */
  content: Buffer | string;
}

/**
 * Reads the files of a repository and its submodules that are in git's index, with their content on the disk.
 *
 * @returns undefined if other files are there, some are missing, or its own configuration makes git run programs
 */
export async function contentOf(repository: string, prefix = ""): Promise<Content[] | undefined> {
  const settings = splitZ(await git(repository, ["config", "--list", "--show-scope", "--name-only", "-z"]));
  const own = settings.filter((_, index) => /^(local|worktree)$/.test(String(settings[index - 1])));
  if (own.some((name) => PROGRAMS.test(String(name)))) return undefined;
  const others = ["--others", "--directory", "--no-empty-directory"];
  const untracked = ["ls-files", ...others, "--exclude-standard", "-z"];
  if ((await git(repository, untracked)).length > 0) return undefined;
  const found: Content[] = [];
  for (const record of splitZ(await git(repository, ["ls-files", "--stage", "-z"]))) {
    const name = record.subarray(record.indexOf(9) + 1).toString();
    const file = join(repository, name);
    const stats = await lstat(file).catch(() => undefined);
    if (stats === undefined) return undefined;
    const path = prefix + name;
    if (stats.isSymbolicLink()) found.push({ path, record, content: await readlink(file, "buffer") });
    else if (stats.isFile()) found.push({ path, record, content: await hashFile(file) });
    else {
      const module = (await isRepository(file)) ? await contentOf(file, `${path}/`) : undefined;
      if (module === undefined) return undefined;
      found.push(...module);
    }
  }
  return found;
}

function digestOfContent(files: readonly Content[]): string {
  const hash = createHash("sha256");
  for (const { content, path, record } of files) {
    for (const part of [path, record, content]) hash.update(part).update("\0");
  }
  return hash.digest("hex");
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

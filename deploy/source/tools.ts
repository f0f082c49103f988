import { execFile } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { intersects, satisfies, valid, validRange } from "semver";
import { z } from "zod";
import { UserError } from "../../cli/userError";
import { readIfPresent } from "./files";
import { PYTHON } from "./python";
import { runUv } from "./uv";

const run = promisify(execFile);

/** The tools of a build. */
export interface Tools {
  /** Variables that make commands use these tools. */
  env: Record<string, string>;
  /** One text for each tool: its name, its version, and where it comes from. */
  descriptions: string[];
}

/** A version or range that a file of the checkout names. */
interface Requirement {
  range: string;
  /** The file, and the field in it. */
  from: string;
}

interface Named {
  node: Requirement[];
  /** The package manager's name, such as npm. */
  manager: string;
  managerVersions: Requirement[];
}

const entry = z.object({ name: z.string(), version: z.string().optional() });
const entries = z.union([entry, z.array(entry)]).transform((one) => [one].flat());
const packageJson = z.object({
  engines: z.record(z.string(), z.string()).optional(),
  packageManager: z.string().optional(),
  devEngines: z.object({ runtime: entries.optional(), packageManager: entries.optional() }).optional(),
});

/**
 * Provides the tools that a checkout names: uv and Python if it has a uv.lock; for a front-end build also Node.js and
 * the package manager, if it has a package.json. A tool of this machine is used if its version is right. Otherwise the named version is fetched into
 * `directory`: Node.js and package managers from the npm registry, uv from PyPI, Python by uv.
 *
 * @throws UserError if the files contradict each other, or a tool cannot be fetched
 */
export async function provideTools(
  source: string,
  directory: string,
  { frontEnd }: { frontEnd: boolean },
): Promise<Tools> {
  const tools: Tools = { env: {}, descriptions: [] };
  if (frontEnd) await provideNode(source, join(directory, "node"), tools);
  if ((await readIfPresent(join(source, "uv.lock"))) !== undefined) {
    await provideUv(source, join(directory, "uv"), tools);
    await providePython(source, tools);
  }
  return tools;
}

async function provideNode(source: string, directory: string, tools: Tools): Promise<void> {
  const named = await readNamed(source);
  if (named === undefined) return;
  await mkdir(directory, { recursive: true });
  const fetched: string[] = [];
  const provide = async (name: string, command: string, from: string, versions: Requirement[]) => {
    const local = await versionOf(command, directory, tools);
    if (local !== undefined && versions.every(({ range }) => satisfies(local, range))) {
      tools.descriptions.push(`${name} ${local} (of this machine${sources(versions)})`);
      return;
    }
    const exact = versions.find(({ range }) => valid(range) !== null) ?? versions[0];
    if (exact === undefined) {
      throw new UserError(`${name} is not installed. The build needs it.`, `Install ${name}.`);
    }
    refuseContradiction(name, exact.range, versions);
    fetched.push(`${from}@${exact.range}`);
    await fetchPackages(source, directory, fetched);
    prependPath(tools, join(directory, "node_modules", ".bin"));
    const version = await versionOf(command, directory, tools);
    if (version === undefined) {
      throw new UserError(
        `${name} ${exact.range} was fetched from the npm registry, but does not run on this machine.`,
        "Install that version and deploy again.",
      );
    }
    refuseContradiction(name, version, versions);
    tools.descriptions.push(`${name} ${version} (fetched${sources(versions)})`);
  };
  await provide("Node.js", "node", `node-${process.platform}-${process.arch}`, named.node);
  const { manager, managerVersions } = named;
  await provide(manager, manager, packageOf(named), managerVersions);
}

/** Reads the versions that a checkout names. Returns undefined if it has no package.json. */
async function readNamed(source: string): Promise<Named | undefined> {
  const text = await readIfPresent(join(source, "package.json"));
  if (text === undefined) return undefined;
  const read = packageJson.safeParse(parseJson(text));
  if (!read.success) {
    throw new UserError(
      `${join(source, "package.json")} cannot be read: ${read.error.issues[0]?.message ?? ""}`,
      "Correct engines, packageManager and devEngines in it.",
    );
  }
  const { devEngines = {}, engines = {}, packageManager } = read.data;
  const node: Requirement[] = [];
  for (const file of [".nvmrc", ".node-version"]) {
    const line = (await readIfPresent(join(source, file)))?.replace(/#.*/g, "").trim();
    if (line !== undefined && line !== "") node.push(requirement(line.replace(/^v/, ""), file));
  }
  const add = (list: Requirement[], range: string | undefined, field: string): void => {
    if (range !== undefined) list.push(requirement(range, `${field} in package.json`));
  };
  for (const { name, version } of devEngines.runtime ?? []) {
    if (name === "node") add(node, version, "devEngines.runtime");
  }
  add(node, engines["node"], "engines.node");

  // The form is name@version, and Corepack adds a digest: npm@11.19.0+sha512.0123.
  const [, corepack, version] = /^([a-z]+)@([^+]+)/.exec(packageManager ?? "") ?? [];
  const manager = corepack ?? devEngines.packageManager?.[0]?.name ?? "npm";
  const managerVersions: Requirement[] = [];
  add(managerVersions, version, "packageManager");
  for (const one of devEngines.packageManager ?? []) {
    if (one.name === manager) add(managerVersions, one.version, "devEngines.packageManager");
  }
  add(managerVersions, engines[manager], `engines.${manager}`);
  return { node, manager, managerVersions };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function requirement(range: string, from: string): Requirement {
  if (validRange(range) !== null) return { range, from };
  throw new UserError(
    `"${range}" (${from}) is not a version of a tool, so the build cannot use exactly that one.`,
    "Write a version, for example 22.18.0.",
  );
}

function refuseContradiction(name: string, version: string, versions: readonly Requirement[]): void {
  if (valid(version) === null || versions.every(({ range }) => satisfies(version, range))) return;
  const all = versions.map(({ from, range }) => `${range} (${from})`).join(", ");
  throw new UserError(
    `The checkout names versions of ${name} that contradict each other: ${all}.`,
    "Name the same version in each of them.",
  );
}

function sources(versions: readonly Requirement[]): string {
  return versions.map(({ from }) => `; ${from}`).join("");
}

/** Yarn 1 and later versions are different packages; other package managers have their own name. */
function packageOf({ manager, managerVersions }: Named): string {
  const isLater = manager === "yarn" && !managerVersions.some(({ range }) => intersects(range, "1.x"));
  return isLater ? "@yarnpkg/cli-dist" : manager;
}

function prependPath({ env }: Tools, directory: string): void {
  env["PATH"] = [directory, env["PATH"] ?? process.env["PATH"] ?? ""].join(delimiter);
}

async function versionOf(command: string, cwd: string, { env }: Tools): Promise<string | undefined> {
  try {
    const { stdout } = await run(command, ["--version"], {
      cwd,
      env: { ...process.env, ...env },
    });
    return valid(stdout.trim()) ?? undefined;
  } catch {
    return undefined;
  }
}

async function fetchPackages(source: string, directory: string, packages: readonly string[]): Promise<void> {
  const options = ["--no-save", "--no-package-lock", "--ignore-scripts", "--no-audit", "--no-fund"];
  try {
    await run("npm", ["install", "--prefix", directory, ...options, "--loglevel=error", ...packages], {
      cwd: directory,
    });
  } catch (error) {
    const reason = String((error as { stderr?: string }).stderr ?? error).trim();
    throw new UserError(
      `${packages.join(" and ")}, which ${source} names, cannot be fetched from the npm registry:\n${reason}`,
      "Install that version, for example with nvm, and deploy again.",
    );
  }
}

async function provideUv(source: string, directory: string, tools: Tools): Promise<void> {
  const texts = await Promise.all(
    ["uv.toml", "pyproject.toml"].map((file) => readIfPresent(join(source, file))),
  );
  const required = texts
    .map((text) => /^\s*required-version\s*=\s*(["'])(.*?)\1/m.exec(text ?? "")?.[2])
    .find((version) => version !== undefined);
  let fetched = false;
  // uv itself compares its version with the required one.
  if (required !== undefined && (await runUv(source, ["python", "dir"])).code !== 0) {
    const bin = join(directory, "bin");
    const specifier = /^\d/.test(required) ? `==${required}` : required;
    const { code, stderr } = await runUv(
      "/",
      ["tool", "install", "--no-config", "--quiet", `uv${specifier}`],
      { env: { UV_TOOL_DIR: join(directory, "tools"), UV_TOOL_BIN_DIR: bin } },
    );
    if (code !== 0) {
      throw new UserError(
        `uv ${required} (required-version) cannot be fetched from PyPI:\n${stderr}`,
        "Install that version of uv and deploy again.",
      );
    }
    prependPath(tools, bin);
    fetched = true;
  }
  const { stdout } = await runUv(source, ["--version"], { env: tools.env });
  const origin = fetched ? "fetched" : "of this machine";
  const from = required === undefined ? "" : "; required-version";
  tools.descriptions.push(`uv ${stdout.split(" ")[1]?.trim() ?? ""} (${origin}${from})`);
}

/** Selects the servers' Python for uv, so that static files are collected with the version that serves them. */
async function providePython(source: string, tools: Tools): Promise<void> {
  const file = (await readIfPresent(join(source, ".python-version")))?.trim();
  const named = file === undefined || file === "" ? PYTHON : file;
  if (named !== PYTHON && !named.startsWith(`${PYTHON}.`)) {
    throw new UserError(
      `.python-version names Python ${named}, but the servers have Python ${PYTHON}.`,
      `Write ${PYTHON} in it, or use the docker platform: pulumi config set platform docker`,
    );
  }
  const find = () => runUv(source, ["python", "find", "--no-project", named], { env: tools.env });
  let found = await find();
  const local = found.code === 0;
  if (!local) {
    const { code, stderr } = await runUv(source, ["python", "install", named], { env: tools.env });
    if (code !== 0) {
      throw new UserError(
        `Python ${named} is not installed, and uv cannot fetch it:\n${found.stderr}\n${stderr}`,
        `Install Python ${named} and deploy again.`,
      );
    }
    found = await find();
  }
  const { stdout } = await run(found.stdout.trim(), ["--version"]);
  tools.env["UV_PYTHON"] = named;
  const from = file === undefined || file === "" ? "that of the servers" : ".python-version";
  tools.descriptions.push(`${stdout.trim()} (${local ? "of this machine" : "fetched by uv"}; ${from})`);
}

import { mkdir, readdir, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { UserError } from "../../cli/userError";
import { hashFile } from "./artifact";
import { PYTHON, PYTHON_FULL, WHEEL_PLATFORMS } from "./python";
import { requiresPython } from "./pyproject";
import { runUv } from "./uv";

/** One Python package of a version, built for the servers. */
export interface Wheel {
  /** The file name, which contains the package's name, version and platform. */
  name: string;
  /** The file on this machine. */
  path: string;
  sha256: string;
  bytes: number;
}

/** The installer that collects wheels, and the library that reads markers. Pinned, so that every build uses the same. */
const TOOLS = ["pip==25.3", "packaging==25.0"];

/** uv's wheel for the servers, which installs the others there. The digest pins the file. */
const INSTALLER =
  "uv==0.13.9 --hash=sha256:d7f459fe4fd247d830351c75686d3996ace3c6f3f728eb0e85a30b7ada0cef19\n";

export interface CollectArgs {
  /** The checkout; paths in the requirements are relative to it. */
  source: string;
  /** The result of `lockedRequirements`. */
  requirements: string;
  /** The text of pyproject.toml, if the checkout has one. */
  pyproject: string | undefined;
  /** The directory for the wheels. Its content is replaced. */
  directory: string;
}

/**
 * Collects a wheel for each locked requirement, built for the servers' Python and glibc. Nothing is resolved again:
 * `--no-deps` installs what is locked, also where a wheel asks for more. Source archives and URLs are built into
 * wheels. Adds uv, with which the instances install them.
 *
 * @throws UserError if the project excludes the servers' Python, or a package has no wheel that runs there
 */
export async function collectWheels(args: CollectArgs): Promise<Wheel[]> {
  const { directory, source } = args;
  const downloads = join(directory, "downloads");
  const wheels = join(directory, "wheels");
  await rm(directory, { recursive: true, force: true });
  await mkdir(downloads, { recursive: true });
  await mkdir(wheels);
  const requires = requiresPython(args.pyproject ?? "");
  if (args.requirements.trim() === "" && requires === undefined) return [];
  const selected = await select(args, requires ?? "");
  if (selected.trim() === "") return [];
  const file = join(directory, "requirements.txt");
  // An application that locks uv itself is installed with that version.
  await writeFile(file, /^uv==/m.test(selected) ? selected : `${selected.trimEnd()}\n${INSTALLER}`);
  // With the patch release: pip reads 3.9 as 3.9.0, which packages such as cryptography exclude.
  const target = [
    "--implementation",
    "cp",
    "--python-version",
    PYTHON_FULL,
    "--abi",
    "cp39",
    "--abi",
    "abi3",
  ];
  const platforms = WHEEL_PLATFORMS.flatMap((platform) => ["--platform", platform]);
  await pip(
    source,
    ["download", "--no-deps", "--require-hashes", "--requirement", file, "--dest", downloads].concat(
      [...target, "--abi", "none"],
      platforms,
    ),
  );
  for (const name of (await readdir(downloads)).sort()) {
    if (name.endsWith(".whl")) continue;
    // The project may exclude the Python that builds, because a wheel without compiled code runs on any.
    const build = ["wheel", "--no-deps", "--no-cache-dir", "--ignore-requires-python"];
    await pip(source, [...build, "--wheel-dir", wheels, join(downloads, name)]);
  }
  const built = await readdir(wheels);
  const compiled = built.filter((name) => !name.endsWith("-none-any.whl"));
  if (compiled.length > 0) {
    throw new UserError(
      `These packages exist only as sources with compiled code, which does not run on the servers: ${compiled.join(", ")}.`,
      `Lock versions with a wheel for Python ${PYTHON} and manylinux (x86_64), for example: uv lock --upgrade-package <name>`,
    );
  }
  const downloaded = (await readdir(downloads)).filter((name) => name.endsWith(".whl"));
  const files = [
    ...downloaded.map((name) => join(downloads, name)),
    ...built.map((name) => join(wheels, name)),
  ];
  return (await Promise.all(files.map(describe))).sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** The list of wheels in the bundle, in the form that `sha256sum --check` reads. */
export function wheelList(wheels: readonly Pick<Wheel, "name" | "sha256">[]): string {
  return wheels.map((wheel) => `${wheel.sha256}  ${wheelPath(wheel)}\n`).join("");
}

/** The path of a wheel under `wheels/` in the artifacts bucket. It contains the digest, so its bytes never change. */
export function wheelPath({ name, sha256 }: Pick<Wheel, "name" | "sha256">): string {
  return `${sha256}/${name}`;
}

async function select({ requirements, source }: CollectArgs, requires: string): Promise<string> {
  const script = join(__dirname, "select_requirements.py");
  const result = await python(source, [script, PYTHON_FULL, requires], requirements);
  if (result.code === 3) {
    throw new UserError(
      `The application requires Python ${requires} (requires-python in pyproject.toml), but the servers have Python ${PYTHON}.`,
      `Deploy a version of the application that runs on Python ${PYTHON}, or use the docker platform: ` +
        "pulumi config set platform docker",
    );
  }
  if (result.code !== 0) throw failure("The locked requirements cannot be read", result.stderr);
  return result.stdout;
}

async function pip(source: string, args: readonly string[]): Promise<void> {
  const { code, stderr } = await python(source, [
    "-m",
    "pip",
    "--disable-pip-version-check",
    "--no-input",
    "--quiet",
    ...args,
  ]);
  if (code !== 0) throw failure(`pip ${args[0] ?? ""} failed`, stderr);
}

function python(source: string, args: readonly string[], input?: string) {
  const tools = TOOLS.flatMap((tool) => ["--with", tool]);
  return runUv(source, ["run", "--quiet", "--no-project", "--no-config", ...tools, "python", ...args], {
    input,
    // The date in the wheels that are built here, so that the same source gives the same bytes.
    env: { SOURCE_DATE_EPOCH: "315532800" },
  });
}

function failure(what: string, stderr: string): UserError {
  return new UserError(
    `${what}:\n${stderr}`,
    "Correct the locked requirements and deploy again; nothing was changed in AWS.",
  );
}

async function describe(path: string): Promise<Wheel> {
  const name = path.slice(path.lastIndexOf("/") + 1);
  return { name, path, sha256: await hashFile(path), bytes: (await stat(path)).size };
}

import { execFile, execFileSync } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { type AddressInfo } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import { writeZip } from "../../deploy/source/zip";
import { gitIn, writeFiles } from "../deploy/source/checkout";
import { listen } from "../http";

/** Hosting files of the checkout, which the bundle must not contain. */
const OTHER_HOSTING = {
  Procfile: "web: false\n",
  ".platform/hooks/predeploy/99.sh": { executable: "#!/bin/sh\nexit 1\n" },
  ".ebextensions/50.config": "container_commands: {fail: {command: 'false'}}\n",
};

/** The package at the URL: the archive of a branch. */
const ARCHIVE = {
  "iaso-extra-main/pyproject.toml":
    '[project]\nname = "iaso-extra"\nversion = "1"\n[build-system]\nrequires = ["setuptools==80.9.0"]\nbuild-backend = "setuptools.build_meta"\n',
  "iaso-extra-main/iaso_extra.py": 'def describe():\n    return "from an archive"\n',
};

/** A checkout to deploy, and the server of the archives that its build downloads. */
export interface Checkout {
  directory: string;
  stop(): void;
}

/** Clones a checkout. The clone is the test's own, so that a second version can be committed. */
export function cloneCheckout(source: string, directory: string): Checkout {
  execFileSync("git", ["clone", "--quiet", "--recurse-submodules", source, directory], { stdio: "inherit" });
  return { directory, stop: () => undefined };
}

/** Makes a checkout of the application in `application/`, with a lock file of today. */
export async function makeApplication(directory: string): Promise<Checkout> {
  const archives = await serveArchive(`${directory}-archives`);
  const url = `http://127.0.0.1:${(archives.address() as AddressInfo).port}`;
  cpSync(join(__dirname, "application"), directory, { recursive: true });
  renameSync(join(directory, "gitignore"), join(directory, ".gitignore"));
  const pyproject = join(directory, "pyproject.toml");
  writeFileSync(pyproject, readFileSync(pyproject, "utf8").replace("ARCHIVE", url));
  writeFiles(directory, OTHER_HOSTING);
  // Not execFileSync: the archives' server is in this process.
  await promisify(execFile)("uv", ["lock", "--quiet"], { cwd: directory });
  gitIn(directory, "init", "--quiet", "--initial-branch=main");
  commit(directory, "First");
  return { directory, stop: () => archives.close() };
}

/** Commits everything. */
export function commit(directory: string, message: string): void {
  gitIn(directory, "add", "--all");
  gitIn(directory, "commit", "--quiet", "-m", message);
}

async function serveArchive(directory: string): Promise<Server> {
  mkdirSync(directory, { recursive: true });
  const path = join(directory, "iaso-extra-main.zip");
  const entries = Object.entries(ARCHIVE).map(([name, text]) => ({
    path: name,
    mode: 0o100644,
    content: Buffer.from(text),
  }));
  await writeZip(path, entries);
  const server = createServer((_, response) => response.end(readFileSync(path)));
  await listen(server);
  return server;
}

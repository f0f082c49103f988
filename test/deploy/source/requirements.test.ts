import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { lockedRequirements } from "../../../deploy/source/requirements";
import type { ZipEntry } from "../../../deploy/source/zip";
import { UserError } from "../../../cli/userError";
import {
  installed,
  rejection,
  removeTemporaryDirectories,
  skip,
  temporaryDirectory,
  writeFiles,
} from "./checkout";

const tracked = (...paths: string[]): ZipEntry[] =>
  paths.map((path) => ({ path, mode: 0o100644, content: Buffer.alloc(0) }));

describe("deploy/source/requirements", () => {
  const path = process.env["PATH"];
  afterEach(() => {
    process.env["PATH"] = path;
  });
  after(removeTemporaryDirectories);

  /** Puts a program named uv first on the PATH. */
  function fakeUv(script: string): string {
    const directory = temporaryDirectory();
    writeFiles(directory, { uv: { executable: `#!/bin/sh\n${script}\n` } });
    process.env["PATH"] = `${directory}:/usr/bin:/bin`;
    return directory;
  }

  it("uses the checkout's own requirements.txt with hashes, or one without requirements", async () => {
    process.env["PATH"] = "/nowhere";
    const directory = temporaryDirectory();
    for (const text of ["a==1 --hash=sha256:00\n", "", "# nothing\n"]) {
      writeFiles(directory, { "requirements.txt": text });
      expect(await lockedRequirements(directory, tracked("requirements.txt", "uv.lock"))).to.equal(text);
    }
  });

  it("resolves a requirements.txt without hashes for the servers", async () => {
    const directory = fakeUv(`echo "$@" > "$(dirname "$0")/args"; echo "django==4.2.30 --hash=sha256:00"`);
    writeFiles(directory, { "requirements.txt": "django~=4.2\n" });
    expect(await lockedRequirements(directory, tracked("requirements.txt"))).to.contain("django==4.2.30");
    const args = readFileSync(join(directory, "args"), "utf8");
    expect(args).to.contain("--generate-hashes");
    expect(args).to.contain("--python-version 3.9.25 --python-platform x86_64-manylinux_2_34");
  });

  it("exports pinned and hashed requirements with the group of the web server", async () => {
    const directory = fakeUv(`echo "$@" > "$(dirname "$0")/args"; pwd; echo "django==4.2.30"`);
    const text = await lockedRequirements(directory, tracked("uv.lock"));
    expect(text).to.equal(`${directory}\ndjango==4.2.30\n`);
    const args = readFileSync(join(directory, "args"), "utf8");
    expect(args).to.contain("export --frozen --no-dev --group prod").and.not.contain("no-hashes");
  });

  it("names the command that installs uv, or uv's own complaint", async () => {
    process.env["PATH"] = "/nowhere";
    const missing = await rejection(lockedRequirements("/", tracked("uv.lock")));
    expect(missing).to.be.instanceOf(UserError);
    expect(missing.remedy).to.contain("pipx install uv");
    const directory = fakeUv(`echo "lockfile is outdated" >&2; exit 2`);
    const refused = await rejection(lockedRequirements(directory, tracked("uv.lock")));
    expect(refused).to.be.instanceOf(UserError);
    expect(refused.message).to.contain("lockfile is outdated");
  });

  it("refuses a checkout with neither file", async () => {
    expect(await rejection(lockedRequirements("/", tracked("setup.py")))).to.be.instanceOf(UserError);
  });

  it("does not count a uv on the PATH that fails, such as a shim of pyenv, as installed", () => {
    fakeUv(`echo "pyenv: uv: command not found" >&2; exit 127`);
    expect(installed("uv", "--version")).to.equal(false);
  });

  it("understands the real uv", async function () {
    if (!installed("uv", "--version")) skip(this, "uv is not installed (pipx install uv)");
    const directory = temporaryDirectory();
    writeFiles(directory, {
      "pyproject.toml":
        '[project]\nname = "a"\nversion = "1"\nrequires-python = ">=3.9"\n[dependency-groups]\nprod = ["gunicorn"]\n',
      "uv.lock": [
        'version = 1\nrequires-python = ">=3.9"\n[[package]]\nname = "a"\nversion = "1"\nsource = { virtual = "." }',
        '[package.dev-dependencies]\nprod = [{ name = "gunicorn" }]',
        '[package.metadata]\n[package.metadata.requires-dev]\nprod = [{ name = "gunicorn" }]',
        '[[package]]\nname = "gunicorn"\nversion = "23.0.0"\nsource = { registry = "https://pypi.org/simple" }',
        `wheels = [{ url = "https://example.org/gunicorn-23.0.0-py3-none-any.whl", hash = "sha256:${"a".repeat(64)}", size = 1 }]\n`,
      ].join("\n"),
    });
    const text = await lockedRequirements(directory, tracked("uv.lock"));
    expect(text).to.match(/^gunicorn==23\.0\.0 \\\n +--hash=sha256:a{64}/);
  });
});

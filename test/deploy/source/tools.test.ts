import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { expect } from "chai";
import { UserError } from "../../../cli/userError";
import { provideTools, type Tools } from "../../../deploy/source/tools";
import {
  type FileContent,
  rejection,
  removeTemporaryDirectories,
  temporaryDirectory,
  writeFiles,
} from "./checkout";
import { NpmRegistry } from "./npmRegistry";

const PLATFORM_NODE = `node-${process.platform}-${process.arch}`;
const OURS = process.version.slice(1);

/** A uv that refuses a project that requires another version, as uv does, and that can install uv 0.8.3. */
const uv = (version: string): string => `#!/bin/sh
if [ "$1" = --version ]; then echo "uv ${version} (x86_64-unknown-linux-gnu)"; exit; fi
if [ "$1 $2" = "tool install" ]; then
  [ "$5" = "uv==0.8.3" ] || { echo "no version $5" >&2; exit 1; }
  mkdir -p "$UV_TOOL_BIN_DIR" && sed s/${version}/0.8.3/g "$0" >"$UV_TOOL_BIN_DIR/uv" && chmod +x "$UV_TOOL_BIN_DIR/uv"; exit
fi
if grep -qs required-version pyproject.toml && ! grep -q ${version} pyproject.toml; then
  echo "error: Required uv version" >&2; exit 2
fi
if [ "$1 $2" = "python find" ]; then echo PROGRAMS/uv-python; exit; fi
`;

describe("deploy/source/tools", () => {
  const registry = new NpmRegistry();
  const earlier = { PATH: process.env["PATH"], npm_config_registry: process.env["npm_config_registry"] };
  const programs = temporaryDirectory();

  before(async () => {
    await registry.start();
    process.env["npm_config_registry"] = registry.url;
    for (const version of ["18.20.4", "18.20.8"]) registry.add(PLATFORM_NODE, version, "node");
    registry.add("npm", "11.19.0", "npm");
    registry.add("yarn", "1.22.22", "yarn");
    writeFiles(programs, {
      uv: { executable: uv("0.13.9").replace("PROGRAMS", programs) },
      "uv-python": { executable: "#!/bin/sh\necho Python 3.9.18\n" },
    });
    process.env["PATH"] = `${programs}:${earlier.PATH ?? ""}`;
  });
  after(() => {
    for (const [name, value] of Object.entries(earlier)) {
      if (value === undefined) Reflect.deleteProperty(process.env, name);
      else process.env[name] = value;
    }
    registry.stop();
    removeTemporaryDirectories();
  });

  function provide(files: Record<string, FileContent>, frontEnd = true): Promise<Tools> {
    const source = temporaryDirectory();
    writeFiles(source, files);
    return provideTools(source, join(temporaryDirectory(), "tools"), { frontEnd });
  }

  /** The version that a command finds with the tools' variables. */
  const version = ({ env }: Tools, command: string): string =>
    execFileSync(command, ["--version"], { encoding: "utf8", env: { ...process.env, ...env } }).trim();

  const json = (document: unknown) => ({ "package.json": JSON.stringify(document) });

  it("fetches the exact Node.js and npm that the checkout names, and says where it names them", async () => {
    const tools = await provide({
      ".nvmrc": "v18.20.4\n",
      ...json({ engines: { node: "18.20.4", npm: "11.19.0" }, packageManager: "npm@11.19.0+sha512.0123" }),
    });
    expect(version(tools, "node")).to.equal("18.20.4");
    expect(version(tools, "npm")).to.equal("11.19.0");
    expect(tools.descriptions).to.deep.equal([
      "Node.js 18.20.4 (fetched; .nvmrc; engines.node in package.json)",
      "npm 11.19.0 (fetched; packageManager in package.json; engines.npm in package.json)",
    ]);
  });

  it("uses this machine's tools where they are right, or where nothing is named", async () => {
    const right = await provide(json({ engines: { node: `^${OURS}` } }));
    expect(right.env).to.deep.equal({});
    expect(right.descriptions[0]).to.equal(`Node.js ${OURS} (of this machine; engines.node in package.json)`);
    const nothing = await provide(json({}));
    expect(nothing.descriptions[0]).to.equal(`Node.js ${OURS} (of this machine)`);
    expect(nothing.descriptions[1]).to.match(/^npm \d+\.\d+\.\d+ \(of this machine\)$/);
    expect(await provide({}, true)).to.deep.equal({ env: {}, descriptions: [] });
    expect(await provide({ ".nvmrc": "1.0.0", ...json({}) }, false)).to.deep.equal({
      env: {},
      descriptions: [],
    });
  });

  it("fetches the newest version of a range that this machine's is not in, and other package managers", async () => {
    const tools = await provide(
      json({
        devEngines: { runtime: { name: "node", version: "^18" } },
        packageManager: "yarn@1.22.22",
      }),
    );
    expect(version(tools, "node")).to.equal("18.20.8");
    expect(version(tools, "yarn")).to.equal("1.22.22");
    // The two are provided one after the other, and the first is still there.
    expect(tools.descriptions.map((text) => text.split(" (")[0])).to.deep.equal([
      "Node.js 18.20.8",
      "yarn 1.22.22",
    ]);
  });

  it("refuses files that contradict each other, moving names, and versions that do not exist", async () => {
    const cases: [Record<string, FileContent>, RegExp][] = [
      [
        { ".nvmrc": "18.20.4", ...json({ engines: { node: "22.18.0" } }) },
        /contradict each other: 18\.20\.4 \(\.nvmrc\), 22\.18\.0 \(engines\.node in package\.json\)/,
      ],
      [{ ".node-version": "lts/*", ...json({}) }, /"lts\/\*" \(\.node-version\) is not a version/],
      [json({ engines: { npm: "99.0.0" } }), /npm@99\.0\.0, which .* names, cannot be fetched/],
      [{ "package.json": "{" }, /package\.json cannot be read/],
      [{ "uv.lock": "", ".python-version": "3.12\n" }, /Python 3\.12, but the servers have Python 3\.9/],
      [
        { "uv.lock": "", "pyproject.toml": '[tool.uv]\nrequired-version = "0.1.0"\n' },
        /uv 0\.1\.0 \(required-version\) cannot be fetched/,
      ],
    ];
    for (const [files, message] of cases) {
      const error = await rejection(provide(files));
      expect(error).to.be.instanceOf(UserError);
      expect(error.message).to.match(message);
    }
  });

  it("provides the required uv and the servers' Python for a uv.lock", async () => {
    const machine = await provide({ "uv.lock": "", "pyproject.toml": "" });
    expect(machine.env).to.deep.equal({ UV_PYTHON: "3.9" });
    expect(machine.descriptions).to.deep.equal([
      "uv 0.13.9 (of this machine)",
      "Python 3.9.18 (of this machine; that of the servers)",
    ]);
    const fetched = await provide({
      "uv.lock": "",
      ".python-version": "3.9.18\n",
      "pyproject.toml": '[tool.uv]\nrequired-version = "0.8.3"\n',
    });
    expect(version(fetched, "uv")).to.contain("uv 0.8.3");
    expect(fetched.env["UV_PYTHON"]).to.equal("3.9.18");
    expect(fetched.descriptions[0]).to.equal("uv 0.8.3 (fetched; required-version)");
  });
});

import { execFile, execFileSync, spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { expect } from "chai";
import type { SourceBundle } from "../../../deploy/source/bundle";
import { lockedRequirements } from "../../../deploy/source/requirements";
import { resolveVersion } from "../../../deploy/source/version";
import { collectWheels, wheelPath } from "../../../deploy/source/wheels";
import { writeZip } from "../../../deploy/source/zip";
import { UserError } from "../../../cli/userError";
import { findPython39 } from "../../python39";
import { KNOWN_MIGRATIONS } from "../../../components/common/artifacts";
import { ARTIFACTS, AwsDouble } from "../double/aws";
import { type RunningDouble, serve } from "../double/server";
import { buildBundle } from "../source/buildBundle";
import {
  type FileContent,
  gitIn,
  installed,
  makeCheckout,
  rejection,
  removeTemporaryDirectories,
  skip,
  temporaryDirectory,
  unzip,
  writeFiles,
} from "../source/checkout";
import { listen } from "../../http";

/** A build backend in the source itself, so that no package index is needed. */
const backend = (name: string, tag: string): string => `import os, time, zipfile
def build_wheel(directory, config_settings=None, metadata_directory=None):
    file = "${name}-1.0-${tag}.whl"
    with zipfile.ZipFile(directory + "/" + file, "w") as wheel:
        def add(path, text):
            # Without a date of the build, the time of day would be in the wheel.
            date = time.gmtime(int(os.environ.get("SOURCE_DATE_EPOCH", time.time())))[:6]
            wheel.writestr(zipfile.ZipInfo(path, date), text)
        add("${name}.py", "NAME = '${name}'\\n")
        add("${name}-1.0.dist-info/METADATA", "Metadata-Version: 2.1\\nName: ${name}\\nVersion: 1.0\\n")
        add("${name}-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\\nGenerator: x\\nRoot-Is-Purelib: true\\nTag: ${tag}\\n")
        add("${name}-1.0.dist-info/RECORD", "")
    return file
`;

const sources = (name: string, tag = "py3-none-any"): Record<string, string> => ({
  [`${name}-1.0/PKG-INFO`]: `Metadata-Version: 2.1\nName: ${name}\nVersion: 1.0\n`,
  [`${name}-1.0/pyproject.toml`]: `[project]\nname = "${name}"\nversion = "1.0"\n[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n`,
  [`${name}-1.0/backend.py`]: backend(name, tag),
});

const DJANGO = {
  "django/__init__.py": "",
  "django/__main__.py": "import sys\nprint('django', *sys.argv[1:], 'of', sys.prefix)\n",
};
const GUNICORN = {
  "gunicorn/__init__.py": "",
  "gunicorn/__main__.py":
    "import sys, delta, epsilon, greedy, hat.wsgi\nprint('serves', sys.argv[1], 'with', sys.prefix)\n",
};

/** A package index on loopback, and a server of the archive of a branch. */
class Index {
  readonly directory = temporaryDirectory();
  private readonly files = new Map<string, Buffer>();
  private server: Server | undefined;
  url = "";

  async start(): Promise<void> {
    const server = createServer(({ url = "" }, response) => {
      const file = this.files.get(url.split("/").at(-1) ?? "");
      const name = /^\/simple\/([^/]+)\/$/.exec(url)?.[1];
      if (name !== undefined) {
        const links = [...this.files]
          .filter(([one]) => one.startsWith(`${name}-`))
          // As cryptography has it.
          .map(
            ([one, body]) =>
              `<a href="/files/${one}#sha256=${sha256(body)}" data-requires-python="&gt;=3.7, !=3.9.0">${one}</a>`,
          );
        response
          .writeHead(links.length === 0 ? 404 : 200, { "content-type": "text/html" })
          .end(links.join("\n"));
      } else response.writeHead(file === undefined ? 404 : 200).end(file);
    });
    const port = await listen(server);
    this.server = server;
    this.url = `http://127.0.0.1:${port}`;
  }

  stop(): void {
    this.server?.closeAllConnections();
    this.server?.close();
  }

  async addWheel(name: string, metadata = "", files: Record<string, string> = {}): Promise<void> {
    const info = `${name}-1.0.dist-info`;
    const content = {
      [`${name}.py`]: `NAME = '${name}'\n`,
      ...files,
      [`${info}/METADATA`]: `Metadata-Version: 2.1\nName: ${name}\nVersion: 1.0\n${metadata}`,
      [`${info}/WHEEL`]: "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
      [`${info}/RECORD`]: "",
    };
    const path = join(this.directory, `${name}-1.0-py3-none-any.whl`);
    await writeZip(
      path,
      Object.entries(content).map(([one, text]) => ({
        path: one,
        mode: 0o100644,
        content: Buffer.from(text),
      })),
    );
    this.files.set(`${name}-1.0-py3-none-any.whl`, readFileSync(path));
  }

  /** Adds the wheel of a real package for the servers. */
  addReal(requirement: string): void {
    const target = [
      "--only-binary",
      ":all:",
      "--platform",
      "manylinux_2_17_x86_64",
      "--dest",
      this.directory,
    ];
    const pip = ["run", "--no-project", "--no-config", "--with", "pip==25.3", "python", "-m", "pip"];
    execFileSync("uv", [...pip, "download", "--quiet", "--no-deps", ...target, requirement]);
    const [name] = requirement.split("==");
    const file = readdirSync(this.directory).find((one) => one.startsWith(`${name ?? ""}-`))!;
    this.files.set(file, readFileSync(join(this.directory, file)));
  }

  addSource(name: string, tag?: string): void {
    const directory = temporaryDirectory();
    writeFiles(directory, sources(name, tag));
    execFileSync("tar", ["-czf", `${name}.tar.gz`, `${name}-1.0`], { cwd: directory });
    this.files.set(`${name}-1.0.tar.gz`, readFileSync(join(directory, `${name}.tar.gz`)));
  }

  async addBranch(name: string): Promise<void> {
    const path = join(this.directory, "main.zip");
    await writeZip(
      path,
      Object.entries(sources(name)).map(([one, text]) => ({
        path: one,
        mode: 0o100644,
        content: Buffer.from(text),
      })),
    );
    this.files.set("main.zip", readFileSync(path));
  }

  /** The hash of a file, as a lock file has it. */
  hash(file: string): string {
    return `--hash=sha256:${sha256(this.files.get(file)!)}`;
  }
}

function sha256(body: Buffer): string {
  return createHash("sha256").update(body).digest("hex");
}

const BUNDLE = join(__dirname, "../../../deploy/bundle/python");
const VARIABLES = ["PATH", "PIP_INDEX_URL"];

const PREPARES = `
import os, sys
known = "iaso-deploy/known-migrations.json"
print(f"prepares with {sys.prefix}, told {open(known).read() if os.path.exists(known) else 'nothing'}")
`;

describe("deploy/bundle/python, the packages from the lock file to a server @proof", () => {
  const index = new Index();
  const earlier = Object.fromEntries(VARIABLES.map((name) => [name, process.env[name]]));
  let python: string;

  before(async function () {
    const found = findPython39();
    if (found === undefined) skip(this, "Python 3.9 is not installed (uv python install 3.9)");
    python = found;
    // uv finds a Python that is on the PATH.
    process.env["PATH"] = `${dirname(python)}:${process.env["PATH"] ?? ""}`;
    if (!installed("uv", "run", "--no-project", "--no-config", "--with", "pip==25.3", "python", "--version"))
      skip(this, "uv is not installed, or cannot fetch pip");
    try {
      index.addReal("uv==0.13.9");
    } catch {
      skip(this, "the package index does not have uv 0.13.9");
    }
    await index.start();
    process.env["PIP_INDEX_URL"] = `${index.url}/simple/`;
    await index.addWheel("alpha", 'Provides-Extra: crypto\nRequires-Dist: beta ; extra == "crypto"\n');
    await index.addWheel("beta");
    await index.addWheel("later");
    await index.addWheel("greedy", "Requires-Dist: nowhere>=1\n");
    await index.addWheel("django", "", DJANGO);
    await index.addWheel("gunicorn", "", GUNICORN);
    index.addSource("delta");
    index.addSource("compiled", "cp311-cp311-linux_x86_64");
    await index.addBranch("epsilon");
  });
  after(() => {
    for (const [name, value] of Object.entries(earlier)) {
      if (value === undefined) Reflect.deleteProperty(process.env, name);
      else process.env[name] = value;
    }
    index.stop();
    removeTemporaryDirectories();
  });

  const project = (requires = ">=3.9,<3.10"): string => `[project]
name = "Iaso"
version = "1"
requires-python = "${requires}"
dependencies = [
  "alpha[crypto]", "greedy", "delta", "epsilon @ ${index.url}/main.zip",
  "later ; python_version >= '3.10'", "beta ; python_version < '3.10'",
]
[dependency-groups]
prod = ["django", "gunicorn"]
[tool.uv]
index-url = "${index.url}/simple"
[[tool.uv.dependency-metadata]]
name = "greedy"
version = "1.0"
requires-dist = []
`;

  async function buildApplication(): ReturnType<typeof buildBundle> {
    const source = makeCheckout({
      "pyproject.toml": project(),
      "hat/__init__.py": "",
      "hat/wsgi.py": "",
      ".gitignore": "/static\n",
      "iaso-deploy.yaml": "build: []\ncollectStatic: [mkdir static && echo 1 > static/app.js]\ninclude: []\n",
    });
    // Not execFileSync: the index is in this process.
    await promisify(execFile)("uv", ["lock", "--quiet"], { cwd: source, timeout: 60_000 });
    gitIn(source, "add", "--all");
    gitIn(source, "commit", "--quiet", "-m", "Lock");
    const version = await resolveVersion(source);
    return buildBundle({ source, version });
  }

  /** Unpacks a bundle as an instance does, and rewrites the platform's paths in the hooks. */
  async function unpack(built: SourceBundle): Promise<string> {
    const root = temporaryDirectory();
    const files: Record<string, FileContent> = {};
    for (const [path, { content, mode }] of await unzip(readFileSync(built.bundle.path))) {
      const text = path.endsWith(".sh")
        ? content.toString().replaceAll("/var/app", root).replaceAll("/usr/bin/python3.9", python)
        : content.toString();
      files[`staging/${path}`] = (mode & 0o100) === 0 ? text : { executable: text };
    }
    writeFiles(root, files);
    // The database needs a server; this shows the Python that would prepare it.
    writeFiles(root, {
      "staging/iaso-deploy/prepare_database.py": PREPARES,
    });
    return root;
  }

  /** Runs the hooks in Beanstalk's order, without any network but the artifacts bucket. */
  async function runHooks(
    root: string,
    running: RunningDouble,
  ): Promise<{ code: number | null; output: string }> {
    const hooks = join(root, "staging/.platform/hooks/predeploy");
    let output = "";
    for (const hook of readdirSync(hooks).sort()) {
      const child = spawn(join(hooks, hook), {
        cwd: join(root, "staging"),
        env: {
          PATH: earlier["PATH"],
          HOME: root,
          ...running.environment,
          ARTIFACTS_BUCKET: ARTIFACTS,
          AWS_S3_REGION_NAME: "eu-central-1",
          // Python's and uv's requests to anything else would fail.
          https_proxy: "http://127.0.0.1:9",
          PYTHONPATH: join(root, "current"),
        },
      });
      for (const stream of [child.stdout, child.stderr])
        stream.on("data", (text: Buffer) => (output += String(text)));
      const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
      if (code !== 0) return { code, output };
    }
    return { code: 0, output };
  }

  it("installs exactly the locked packages, offline, and starts the application with them", async function () {
    if (!installed("aws", "--version")) skip(this, "the AWS CLI is not installed (pipx install awscli)");
    const built = await buildApplication();
    const names = built.wheels.map(({ name }) => name.split("-")[0]);
    expect(names).to.deep.equal(["alpha", "beta", "delta", "django", "epsilon", "greedy", "gunicorn", "uv"]);

    const double = new AwsDouble();
    const running = await serve(double);
    try {
      const upload = (wheel: (typeof built.wheels)[number], body = readFileSync(wheel.path)) => {
        double.s3.write(ARTIFACTS, `wheels/${wheelPath(wheel)}`, body);
      };
      for (const wheel of built.wheels) upload(wheel);
      const root = await unpack(built);
      const { code, output } = await runHooks(root, running);
      expect(code, output).to.equal(0);
      expect(output).to.contain(
        `django compilemessages --verbosity 0 --ignore .venv of ${root}/staging/.venv`,
      );
      expect(output).to.contain(`prepares with ${root}/staging/.venv, told nothing`);
      double.s3.write(ARTIFACTS, KNOWN_MIGRATIONS, "{}");
      const again = await runHooks(await unpack(built), running);
      expect(again.output).to.match(/prepares with \S+, told \{\}/);
      expect(readdirSync(join(root, "staging")).filter((name) => name.startsWith("tmp."))).to.deep.equal([]);

      execFileSync("mv", ["staging", "current"], { cwd: root });
      const [, command = ""] = /^web: (.*)$/m.exec(readFileSync(join(BUNDLE, "Procfile"), "utf8")) ?? [];
      const started = spawnSync("bash", ["-c", command.replaceAll("/var/app", root)], {
        cwd: join(root, "current"),
        encoding: "utf8",
        env: { PYTHONPATH: join(root, "current") },
      });
      expect(started.stdout, started.stderr).to.equal(
        `serves hat.wsgi:application with ${root}/current/.venv\n`,
      );

      // Other bytes under the name of a wheel are not installed, and a missing wheel stops the deployment.
      upload(built.wheels[0]!, Buffer.from("other bytes"));
      const changed = await runHooks(await unpack(built), running);
      expect(changed.code).not.to.equal(0);
      expect(changed.output).to.contain("alpha-1.0-py3-none-any.whl: FAILED");
    } finally {
      await running.stop();
    }
  });

  const collect = (requirements: string, pyproject?: string) =>
    collectWheels({
      source: index.directory,
      requirements,
      pyproject,
      directory: join(temporaryDirectory(), "packages"),
    });

  it("builds the same wheel twice", async () => {
    const requirements = `delta==1.0 ${index.hash("delta-1.0.tar.gz")}\n`;
    const [one, two] = [await collect(requirements), await collect(requirements)];
    expect(one.map(wheelPath)).to.have.length(2).and.to.deep.equal(two.map(wheelPath));
  });

  it("refuses a source archive with compiled code, a wrong hash, and a package without one, by name", async () => {
    const compiled = await rejection(collect(`compiled==1.0 ${index.hash("compiled-1.0.tar.gz")}\n`));
    expect(compiled).to.be.instanceOf(UserError);
    expect(compiled.message).to.contain("compiled-1.0-cp311-cp311-linux_x86_64.whl");
    const wrong = await rejection(collect(`alpha==1.0 --hash=sha256:${"0".repeat(64)}\n`));
    expect(wrong).to.be.instanceOf(UserError);
    expect(wrong.message).to.contain("alpha").and.contain("DO NOT MATCH");
    const unlocked = await rejection(collect("alpha==1.0\n"));
    expect(unlocked.message).to.contain("alpha").and.contain("hash");
  });

  it("refuses an application that does not run on the servers' Python", async () => {
    const error = await rejection(
      collect(`beta==1.0 ${index.hash("beta-1.0-py3-none-any.whl")}\n`, project(">=3.11")),
    );
    expect(error).to.be.instanceOf(UserError);
    expect(error.message).to.contain("Python >=3.11").and.contain("Python 3.9");
  });

  it("resolves a requirements.txt without hashes with the real uv", async () => {
    const directory = temporaryDirectory();
    writeFiles(directory, { "requirements.txt": `--index-url ${index.url}/simple\nalpha[crypto]\n` });
    const entry = { path: "requirements.txt", mode: 0o100644, content: Buffer.alloc(0) };
    const wheels = await collect(await lockedRequirements(directory, [entry]));
    expect(wheels.map(({ name }) => name.split("-")[0])).to.deep.equal(["alpha", "beta", "uv"]);
  });
});

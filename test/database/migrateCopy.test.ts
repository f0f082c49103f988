import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect } from "chai";
import { migrateScript } from "../../database/migrateCopy";
import { writeZip } from "../../deploy/source/zip";
import { RUNNING, migration } from "../deploy/migrations/sample";
import { type PostgreSql, startWithDjango } from "../deploy/postgres";
import {
  type FileContent,
  installed,
  removeTemporaryDirectories,
  skip,
  temporaryDirectory,
  writeFiles,
} from "../deploy/source/checkout";

const DEPLOY = join(__dirname, "../../deploy/bundle/shared/iaso-deploy");

/** Programs of an instance that tests do not have, or whose calls they record. */
const PROGRAMS: Record<string, string> = {
  systemctl: "",
  getent: "echo '10.0.1.5     STREAM copy'; echo '10.0.1.5     DGRAM'",
  // Accepts the options that the manual of systemd-run has, reads the environment file, and runs the program.
  "systemd-run": `
while [[ $1 == --* ]]; do
  case $1 in
    --unit=* | --pipe | --wait | --quiet | --collect | --uid=* | --setenv=*=*) ;;
    --working-directory=*) cd "\${1#*=}" ;;
    --property=EnvironmentFile=*) set -a; . "\${1#*=*=}"; set +a ;;
    --property=*=*) ;;
    *) echo "systemd-run: unrecognized option '$1'" >&2; exit 1 ;;
  esac
  shift
done
# systemd expands variables in arguments.
if [[ $* == *'$'* ]]; then echo "expanded: $*" >&2; exit 1; fi
exec "$@"`,
  docker: `
if [[ $* == *" config --images iaso" ]]; then echo the-image; fi
if [[ $1 == ps ]]; then echo left1; echo left2; fi
if [[ $* == "image inspect "* ]]; then exit 1; fi
if [[ $* == *" run "* ]]; then echo "  Applying one.0001... OK"; cat rehearsal.yml /run/systemd/system/iasorehearsal.slice; stat --format=%a .env; fi`,
  aws: "echo the-password",
};

/** An instance on which a version serves: folders with the paths of Amazon Linux, and its programs. */
class Instance {
  readonly root = temporaryDirectory();
  readonly calls = join(this.root, "calls");

  constructor() {
    for (const folder of ["bin", "run/systemd/system", "var/app/current", "opt/elasticbeanstalk/deployment"])
      mkdirSync(join(this.root, folder), { recursive: true });
    writeFileSync(this.calls, "");
    const files: Record<string, FileContent> = {};
    for (const [name, body] of Object.entries(PROGRAMS)) {
      const record = `printf '%s\\n' "$*" | sed 's/^/${name} /' >>${this.calls}\n`;
      files[`bin/${name}`] = { executable: this.local(`#!/bin/bash\n${record}${body}\n`) };
    }
    writeFiles(this.root, files);
    writeFileSync(join(this.root, "var/app/current/.env"), "RDS_HOSTNAME=database\nSECRET_KEY=x\n");
  }

  /** A text with this instance's paths in place of those of an instance. */
  private local(text: string): string {
    return text
      .replaceAll(/(?<![\w/#])\/(var\/app|run\/|opt\/elasticbeanstalk)/g, `${this.root}/$1`)
      .replaceAll("/usr/bin/python3.9", "python3");
  }

  run(script: string): { code: number | null; stdout: string; stderr: string; calls: string } {
    writeFileSync(this.calls, "");
    const { status, stderr, stdout } = spawnSync("bash", ["-c", this.local(script)], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
      env: { PATH: `${join(this.root, "bin")}:${process.env["PATH"] ?? ""}` },
    });
    const calls = readFileSync(this.calls, "utf8").replaceAll(this.root, "");
    return { code: status, stdout, stderr, calls };
  }
}

/** Writes a bundle. Returns what the script needs of it. */
async function writeBundle(files: Readonly<Record<string, string>>): Promise<{ label: string; url: string }> {
  const path = join(temporaryDirectory(), "bundle.zip");
  await writeZip(
    path,
    Object.entries(files).map(([name, text]) => ({
      path: name,
      mode: 0o100644,
      content: Buffer.from(text),
    })),
  );
  const digest = createHash("sha256").update(readFileSync(path)).digest("hex");
  return { label: `1.2.3-${digest.slice(0, 16)}`, url: pathToFileURL(path).href };
}

const preparation = Object.fromEntries(
  [
    "prepare_database.py",
    "bridge_defaults.py",
    "model_columns.py",
    "table_changes.py",
    "catalogue.py",
    "compare.py",
  ].map((name) => [`iaso-deploy/${name}`, readFileSync(join(DEPLOY, name), "utf8")]),
);

describe("database/migrateCopy, the scripts", () => {
  after(removeTemporaryDirectories);

  for (const platform of ["python", "docker"] as const) {
    it(`are good for shellcheck on the platform ${platform}`, function () {
      if (!installed("shellcheck", "--version")) skip(this, "shellcheck is not installed");
      const input = migrateScript(platform, {
        copy: "copy",
        host: "host",
        label: "1-0123456789abcdef",
        url: "u",
      });
      execFileSync("shellcheck", ["-"], { input, stdio: ["pipe", "pipe", "pipe"] });
    });
  }

  it("install the image on Docker, and run it with the copy's address, limits and nothing else to reach", async () => {
    const instance = new Instance();
    const bundle = await writeBundle({
      ".platform/hooks/prebuild/01_registry_login.sh": "aws ecr get-login-password\n",
      "docker-compose.yml": "",
    });
    const script = migrateScript("docker", { copy: "copy-1", host: "copy.example", ...bundle });
    const { calls, code, stderr, stdout } = instance.run(script);
    expect(code, stderr).to.equal(0);
    expect(stdout).to.match(/^migrated 1 \d+ \d+$/m);
    expect(calls).to.include("docker rm --force left1 left2\n");
    expect(calls).to.match(/docker compose --project-name iaso-rehearsal .*pull --quiet iaso\n/);
    expect(calls).to.match(
      / run --rm --no-deps -T .*--env RDS_HOSTNAME=copy\.example .*prepare_database\.py\n/,
    );
    expect(calls).to.include("docker image rm the-image\n");
    const slice = readFileSync(join(instance.root, "run/systemd/system/iasorehearsal.slice"), "utf8");
    expect(slice).to.match(
      /^\[Slice\]\nCPUWeight=10\nIOWeight=10\nMemoryMax=40%\nMemorySwapMax=0\nIPAddressDeny=any\n/,
    );
    expect(slice).to.match(/^IPAddressAllow=10\.0\.1\.5( [0-9a-f.:]+)*$/m);
    expect(existsSync(join(instance.root, "var/app/rehearsal"))).to.equal(false);
    expect(readFileSync(join(instance.root, "var/app/current/.env"), "utf8")).to.include("=database\n");
  });

  it("refuse a bundle with another digest, before anything of it runs", async () => {
    const instance = new Instance();
    const { url } = await writeBundle({ "iaso-deploy/prepare_database.py": "" });
    const label = "1.2.3-0123456789abcdef";
    const { calls, code, stderr } = instance.run(
      migrateScript("python", { copy: "copy-1", host: "h", label, url }),
    );
    expect(code).to.equal(1);
    expect(stderr).to.include("The bundle has another digest than the label of the version.");
    expect(calls).not.to.include("systemd-run");
  });
});

describe("database/migrateCopy on a real PostgreSQL @proof", () => {
  let server: PostgreSql;
  let python: string;

  before(async function () {
    ({ python, server } = await startWithDjango(this));
    if (server.query("SELECT count(*) FROM pg_available_extensions WHERE name = 'postgis'") !== "1")
      skip(this, "PostGIS is not installed (apt-get install postgresql-postgis)");
  });
  after(async () => {
    await (server as PostgreSql | undefined)?.stop();
    removeTemporaryDirectories();
  });

  /** The running version with one more migration. */
  const version = (operations: string): Record<string, string> => ({
    ...RUNNING,
    ...preparation,
    "places/migrations/0100_more.py": migration(operations, { dependencies: [["places", "0001_initial"]] }),
    ".platform/hooks/predeploy/02_install_packages.sh":
      `cd /var/app/staging && mkdir -p .venv/bin && printf '#!/bin/sh\\nexec ${python} "$@"\\n' >.venv/bin/python && ` +
      "chmod 755 .venv/bin/python\n",
  });

  function instance(): Instance {
    const made = new Instance();
    const variables: NodeJS.ProcessEnv = {
      ...server.djangoEnvironment("", "iaso"),
      RDS_HOSTNAME: "192.0.2.1",
    };
    writeFileSync(
      join(made.root, "opt/elasticbeanstalk/deployment/env"),
      ["SECRET_KEY", "RDS_PORT", "RDS_DB_NAME", "RDS_HOSTNAME"]
        .map((name) => `${name}=${variables[name] ?? ""}\n`)
        .join(""),
    );
    return made;
  }

  function fill(): void {
    server.query("DROP DATABASE IF EXISTS iaso");
    server.query("CREATE DATABASE iaso");
    const directory = temporaryDirectory();
    writeFiles(directory, RUNNING);
    execFileSync(python, ["-m", "django", "migrate"], {
      cwd: directory,
      env: server.djangoEnvironment(directory, "iaso"),
      stdio: "pipe",
    });
    server.query("INSERT INTO places_region (name) VALUES ('one'), ('two')", "iaso");
  }

  it("migrates the database at the copy's address with the version's own preparation, once", async () => {
    fill();
    const host = instance();
    const bundle = await writeBundle(
      version('migrations.AddField("Region", "code", models.CharField(max_length=9, null=True))'),
    );
    const script = migrateScript("python", {
      copy: "iaso-staging-rehearsal-7",
      host: "127.0.0.1",
      ...bundle,
    });
    const first = host.run(script);
    expect(first.code, first.stderr).to.equal(0);
    expect(first.stdout).to.match(/^migrated 1 \d+ \d+\n$/);
    expect(server.query("SELECT count(code), count(*) FROM places_region", "iaso")).to.equal("0|2");
    const runs = first.calls.split("\n").filter((line) => line.startsWith("systemd-run"));
    expect(runs).to.have.length(2);
    for (const limit of ["MemoryMax=40%", "OOMScoreAdjust=1000", "CPUWeight=10", "RuntimeMaxSec=4h"])
      for (const line of runs) expect(line).to.include(`--property=${limit} `);
    expect(runs[1]).to.match(
      / --uid=webapp .*--property=IPAddressDeny=any --property=IPAddressAllow=10\.0\.1\.5[ \w.:]* bash/,
    );
    expect(existsSync(join(host.root, "var/app/rehearsal"))).to.equal(false);
    // The same request again, as after a lost answer.
    const again = host.run(script);
    expect(again.stdout).to.equal(first.stdout);
    expect(again.calls).not.to.include("systemd-run");
  });

  it("shows why a migration fails, and leaves no files", async () => {
    fill();
    const host = instance();
    const bundle = await writeBundle(
      version('migrations.RunSQL("SELECT 1/(count(*) - 2) FROM places_region")'),
    );
    const { code, stderr, stdout } = host.run(
      migrateScript("python", { copy: "iaso-staging-rehearsal-8", host: "127.0.0.1", ...bundle }),
    );
    expect(code).to.equal(1);
    expect(stderr.trimEnd().split("\n").at(-1)).to.include("division by zero");
    expect(stdout).to.equal("");
    expect(existsSync(join(host.root, "var/app/rehearsal"))).to.equal(false);
  });
});

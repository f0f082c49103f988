import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { expect } from "chai";
import { PostgreSql, startWithDjango } from "../postgres";
import { removeTemporaryDirectories, temporaryDirectory, writeFiles } from "../source/checkout";

const SCRIPT = join(__dirname, "../../../deploy/bundle/shared/iaso-deploy/prepare_database.py");
const PASSWORD = "only-in-this-test";

// Each migration records who ran it and from when to when.
const MIGRATION = (number: number, body = ""): string => `
import os, time
from django.db import migrations

def forward(apps, schema_editor):
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("CREATE TABLE IF NOT EXISTS events (migration int, pid int, started timestamptz, ended timestamptz)")
        cursor.execute("SELECT clock_timestamp()")
        started = cursor.fetchone()[0]
        print("migration ${number} begins", flush=True)
        time.sleep(1)
        ${body}
        cursor.execute("INSERT INTO events VALUES (${number}, %s, %s, clock_timestamp())", [os.getpid(), started])

class Migration(migrations.Migration):
    dependencies = [${number === 1 ? "" : `("slow", "000${number - 1}")`}]
    operations = [migrations.RunPython(forward)]
`;

const PROJECT = {
  "hat/__init__.py": "",
  "hat/settings.py": `
import os
SECRET_KEY = "x"
INSTALLED_APPS = ["slow"]
USE_TZ = True
DATABASES = {"default": {
    "ENGINE": "django.db.backends.postgresql", "HOST": "127.0.0.1", "PORT": os.environ["RDS_PORT"],
    "NAME": os.environ["RDS_DB_NAME"], "USER": "postgres",
}}
CACHES = {"default": {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "django_cache_table"}}
`,
  "slow/__init__.py": "",
  "slow/migrations/__init__.py": "",
  "slow/migrations/0001.py": MIGRATION(1),
  "slow/migrations/0002.py": MIGRATION(2),
};

interface Run {
  process: ChildProcess;
  output: () => string;
  code: Promise<number | null>;
}

describe("deploy/bundle/shared/iaso-deploy/prepare_database.py @proof", () => {
  let server: PostgreSql;
  let python: string;
  let database: string;
  let databases = 0;

  before(async function () {
    ({ python, server } = await startWithDjango(this));
  });
  after(async () => {
    await (server as PostgreSql | undefined)?.stop();
    removeTemporaryDirectories();
  });
  beforeEach(() => {
    databases += 1;
    database = `iaso${databases}`;
    server.query(`CREATE DATABASE ${database}`);
  });

  function start(project: string, env: Record<string, string> = {}): Run {
    let output = "";
    const child = spawn(python, [SCRIPT], {
      cwd: project,
      env: {
        PATH: process.env["PATH"],
        PYTHONPATH: project,
        // Nothing is written beside the script, which is part of each bundle.
        PYTHONDONTWRITEBYTECODE: "1",
        DJANGO_SETTINGS_MODULE: "hat.settings",
        RDS_PORT: server.port,
        RDS_DB_NAME: database,
        ...env,
      },
    });
    child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (output += chunk.toString()));
    const code = once(child, "close").then(([status]) => status as number | null);
    return { process: child, output: () => output, code };
  }

  function project(files: Readonly<Record<string, string>> = {}): string {
    const directory = temporaryDirectory();
    writeFiles(directory, { ...PROJECT, ...files });
    return directory;
  }

  async function until(run: Run, text: string): Promise<void> {
    while (!run.output().includes(text)) {
      if (run.process.exitCode !== null) throw new Error(`ended without "${text}": ${run.output()}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  const events = (): string =>
    server.query("SELECT migration, count(*) FROM events GROUP BY 1 ORDER BY 1", database);

  it("migrates once and never in parallel, however many instances of web and worker start together", async () => {
    const directory = project();
    const runs = [start(directory), start(directory), start(directory)];
    expect(
      await Promise.all(runs.map(({ code }) => code)),
      runs.map((run) => run.output()).join("\n"),
    ).to.deep.equal([0, 0, 0]);
    expect(events()).to.equal("1|1\n2|1");
    expect(server.query("SELECT count(DISTINCT pid) FROM events", database)).to.equal("1");
    const overlaps =
      "SELECT count(*) FROM events a JOIN events b ON a.migration < b.migration AND b.started < a.ended";
    expect(server.query(overlaps, database)).to.equal("0");
    const waiting = runs.filter((run) => /waiting for iaso-migrate /.test(run.output()));
    const idle = runs.filter((run) => run.output().includes("No migrations to apply"));
    expect([waiting.length, idle.length]).to.deep.equal([2, 2]);
    expect(server.query("SELECT count(*) FROM django_cache_table", database)).to.equal("0");
  });

  it("lets the next instance in where the first is killed half-way", async () => {
    const directory = project();
    const first = start(directory);
    await until(first, "migration 2 begins");
    const second = start(directory);
    await until(second, "waiting for");
    first.process.kill("SIGKILL");
    expect(await second.code, second.output()).to.equal(0);
    expect(events()).to.equal("1|1\n2|1");
  });

  it("fails where a migration fails, keeps what was done before, and frees the lock", async () => {
    const broken = start(project({ "slow/migrations/0002.py": MIGRATION(2, 'raise Exception("broken")') }));
    expect(await broken.code).to.not.equal(0);
    expect(broken.output()).to.contain("broken");
    expect(events()).to.equal("1|1");
    const mended = start(project());
    expect(await mended.code, mended.output()).to.equal(0);
    expect(events()).to.equal("1|1\n2|1");
  });

  it("gives up after its time limit where another holds the lock", async () => {
    const holder = start(project());
    await until(holder, "migration 1 begins");
    const waiter = start(project(), { IASO_MIGRATION_WAIT_SECONDS: "0" });
    expect(await waiter.code).to.not.equal(0);
    expect(waiter.output()).to.contain("held the lock");
    expect(await holder.code).to.equal(0);
  });

  it("migrates two databases of one server at the same time", async () => {
    const one = start(project());
    databases += 1;
    database = `iaso${databases}`;
    server.query(`CREATE DATABASE ${database}`);
    await until(one, "migration 1 begins");
    const two = start(project());
    await until(two, "migration 1 begins");
    expect(one.process.exitCode).to.equal(null);
    expect(await Promise.all([one.code, two.code])).to.deep.equal([0, 0]);
    expect(two.output()).not.to.contain("waiting");
  });

  it("makes the read-only role and its login user, and keeps the password out of the server's log", async () => {
    const directory = project();
    const env = { DB_READONLY_USERNAME: 'read"only', DB_READONLY_PASSWORD: PASSWORD };
    for (const password of [PASSWORD, `${PASSWORD}-rotated`]) {
      const run = start(directory, { ...env, DB_READONLY_PASSWORD: password });
      expect(await run.code, run.output()).to.equal(0);
      const verifier = server.query(`SELECT rolpassword FROM pg_authid WHERE rolname = 'read"only'`);
      expect(verifier).to.match(/^SCRAM-SHA-256\$/);
    }
    expect(server.query(`SELECT pg_has_role('read"only', 'readonlyrole', 'MEMBER')`)).to.equal("t");
    expect(server.query("SELECT current_user", database, 'read"only')).to.equal('read"only');
    expect(() => server.query("SELECT * FROM events", database, 'read"only')).to.throw(/permission denied/);
    expect(server.log).to.contain("ALTER ROLE").and.not.contain(PASSWORD);
  });
});

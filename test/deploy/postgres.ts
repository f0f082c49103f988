import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chownSync, existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Context } from "mocha";
import { installed, skip, temporaryDirectory } from "./source/checkout";

const VENV = join(__dirname, "../../node_modules/.cache/prepare-database");

/** Installs Django and psycopg2 into a virtual environment, once. Returns its Python. */
function djangoEnvironment(): string {
  if (!existsSync(join(VENV, "bin/django-admin"))) {
    execFileSync("python3", ["-m", "venv", VENV]);
    execFileSync(join(VENV, "bin/pip"), ["install", "--quiet", "django~=4.2.30", "psycopg2-binary~=2.9.9"]);
  }
  return join(VENV, "bin/python");
}

/** Where Debian and others put the server's programs, which are not on the PATH there. */
export function serverPrograms(): string | undefined {
  const root = "/usr/lib/postgresql";
  const versions = existsSync(root) ? readdirSync(root).map((version) => join(root, version, "bin")) : [];
  return [...versions.sort().reverse(), ...(process.env["PATH"] ?? "").split(":")].find((directory) =>
    existsSync(join(directory, "initdb")),
  );
}

/** Starts a server and installs Django for a suite; skips the suite where programs are missing. */
export async function startWithDjango(suite: Context): Promise<{ server: PostgreSql; python: string }> {
  const programs = serverPrograms();
  if (programs === undefined)
    skip(suite, "PostgreSQL's server is not installed (apt-get install postgresql)");
  if (!installed("python3", "--version")) skip(suite, "python3 is not installed");
  return { python: djangoEnvironment(), server: await PostgreSql.start(programs) };
}

/** A PostgreSQL server for tests, on a port of this machine, which logs every statement. */
export class PostgreSql {
  private constructor(
    private readonly child: ChildProcess,
    readonly port: string,
    /** Contains the folder `data` and the socket. */
    readonly directory: string,
  ) {}

  static async start(programs: string): Promise<PostgreSql> {
    const directory = temporaryDirectory();
    const port = String(20_000 + (process.pid % 20_000));
    const data = join(directory, "data");
    mkdirSync(data, { mode: 0o700 });
    // The server refuses to run as root; the package brings the user postgres.
    const asRoot = process.getuid?.() === 0;
    if (asRoot) {
      const id = Number(execFileSync("id", ["-u", "postgres"], { encoding: "utf8" }));
      for (const path of [directory, data]) chownSync(path, id, id);
    }
    const command = (program: string, ...args: string[]): [string, string[]] =>
      asRoot
        ? ["runuser", ["-u", "postgres", "--", join(programs, program), ...args]]
        : [join(programs, program), args];
    execFileSync(...command("initdb", "-D", data, "-U", "postgres", "-A", "trust", "--no-sync"), {
      stdio: "ignore",
      cwd: directory,
    });
    const settings = [
      "listen_addresses=127.0.0.1",
      `unix_socket_directories=${directory}`,
      "log_statement=all",
      "fsync=off",
      "logging_collector=on",
      "log_filename=server.log",
    ];
    const child = spawn(
      ...command("postgres", "-D", data, "-p", port, ...settings.flatMap((setting) => ["-c", setting])),
      { stdio: "ignore", cwd: directory },
    );
    const server = new PostgreSql(child, port, directory);
    for (let tries = 0; !server.answers(); tries += 1) {
      if (tries > 100) throw new Error("PostgreSQL did not start");
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    return server;
  }

  private answers(): boolean {
    try {
      this.query("SELECT 1");
      return true;
    } catch {
      return false;
    }
  }

  query(sql: string, database = "postgres", user = "postgres", password = ""): string {
    const args = ["-h", "127.0.0.1", "-p", this.port, "-U", user, "-d", database, "-At", "-c", sql];
    return execFileSync("psql", args, {
      encoding: "utf8",
      stdio: "pipe",
      env: { ...process.env, PGPASSWORD: password },
    }).trim();
  }

  /** Reads a table in a transaction that stays open until the returned process is killed. */
  async hold(table: string, database: string): Promise<ChildProcess> {
    const sql = `BEGIN; SELECT * FROM ${table}; SELECT pg_sleep(600)`;
    const args = ["-h", "127.0.0.1", "-p", this.port, "-U", "postgres", "-d", database, "-At", "-c", sql];
    const reader = spawn("psql", args, { stdio: "ignore" });
    const held = `SELECT count(*) FROM pg_locks WHERE relation = '${table}'::regclass AND mode = 'AccessShareLock'`;
    while (this.query(held, database) === "0") await new Promise((resolve) => setTimeout(resolve, 50));
    return reader;
  }

  /** The environment of a process that runs the sample application on a database of this server. */
  djangoEnvironment(directory: string, database: string): NodeJS.ProcessEnv {
    return {
      PATH: process.env["PATH"],
      PYTHONPATH: directory,
      PYTHONDONTWRITEBYTECODE: "1",
      DJANGO_SETTINGS_MODULE: "hat.settings",
      SECRET_KEY: "x",
      RDS_HOSTNAME: "127.0.0.1",
      RDS_PORT: this.port,
      RDS_DB_NAME: database,
    };
  }

  get log(): string {
    return readFileSync(join(this.directory, "data/log/server.log"), "utf8");
  }

  async stop(): Promise<void> {
    const pid = Number(readFileSync(join(this.directory, "data/postmaster.pid"), "utf8").split("\n")[0]);
    process.kill(pid, "SIGINT");
    await once(this.child, "exit");
  }
}

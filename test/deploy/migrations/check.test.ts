import { execFileSync } from "node:child_process";
import { readdirSync, rmSync, writeFileSync } from "node:fs";
import { cp } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "chai";
import { type CheckArgs, checkMigrations, type Running } from "../../../deploy/migrations/check";
import { checkInSandbox } from "../../../deploy/migrations/sandboxed";
import { type Judgement } from "../../../deploy/migrations/verdict";
import { listMigrations } from "../../../deploy/source/migrations";
import { textEntry } from "../../../deploy/source/overlay";
import { writeZip } from "../../../deploy/source/zip";
import { hasSandbox } from "../double/cli";
import { PostgreSql, startWithDjango } from "../postgres";
import { removeTemporaryDirectories, skip, temporaryDirectory, writeFiles } from "../source/checkout";
import { KINDS } from "./kinds";
import { add, type Change, CHANGES, type Files, migration, MODELS, next, RUNNING } from "./sample";

const PREPARE = join(__dirname, "../../../deploy/bundle/shared/iaso-deploy/prepare_database.py");
const SCRIPTS = join(__dirname, "../../../deploy/migrations");

describe("deploy/migrations/check (a real PostgreSQL with PostGIS, a real Django) @proof", () => {
  let server: PostgreSql;
  let python: string;
  let databaseUrl: string;

  before(async function () {
    ({ python, server } = await startWithDjango(this));
    const extensions = server.query("SELECT count(*) FROM pg_available_extensions WHERE name = 'postgis'");
    if (extensions !== "1") skip(this, "PostGIS is not installed (apt-get install postgresql-postgis)");
    databaseUrl = `postgresql://postgres@127.0.0.1:${server.port}/postgres`;
  });
  after(async () => {
    await (server as PostgreSql | undefined)?.stop();
    removeTemporaryDirectories();
  });

  function version(files: Files): string {
    const directory = temporaryDirectory();
    writeFiles(directory, { ...files, "iaso-deploy.yaml": `python: ${python}\n` });
    return directory;
  }

  /** The bundle of a running version, with the list of its migrations as the build writes it, and no code. */
  async function bundleOf(files: Files, plugins = ""): Promise<string> {
    const migrations = await listMigrations({
      source: version(files),
      files: Object.keys(files).map((path) => ({ path, mode: 0o100644, content: Buffer.of() })),
      plugins: plugins.split(",").filter((name) => name !== ""),
      workDirectory: temporaryDirectory(),
    });
    const { path } = await writeZip(
      join(temporaryDirectory(), "running.zip"),
      migrations === undefined ? [] : [textEntry("iaso-deploy/migrations.json", JSON.stringify(migrations))],
    );
    return path;
  }

  const bundles: Record<string, string> = {};

  async function check(
    change: Pick<Change, "files" | "plugins" | "running" | "without">,
  ): Promise<Judgement> {
    const running = { ...RUNNING, ...change.running };
    const source = version({ ...running, ...change.files });
    for (const path of change.without ?? []) rmSync(join(source, path));
    const variables = { SECRET_KEY: "x", ...(change.plugins !== undefined && { PLUGINS: change.plugins }) };
    const key = JSON.stringify([change.running, change.plugins]);
    bundles[key] ??= await bundleOf(running, change.plugins);
    return run(source, { bundle: bundles[key] }, { variables });
  }

  async function run(source: string, running: Running, args: Partial<CheckArgs> = {}): Promise<Judgement> {
    const judgement = await checkMigrations({
      source,
      running,
      variables: { SECRET_KEY: "x" },
      databaseUrl,
      workDirectory: temporaryDirectory(),
      log: () => undefined,
      ...args,
    });
    expect(server.query("SELECT count(*) FROM pg_database WHERE datname LIKE 'iaso_check%'")).to.equal("0");
    return judgement;
  }

  for (const change of [...CHANGES, ...KINDS]) {
    it(`${change.verdict}: ${change.title}`, async () => {
      const { lines, verdict } = await check(change);
      expect(verdict, lines.join("\n")).to.equal(change.verdict);
      if (change.text !== undefined) expect(lines.join("\n")).to.match(change.text);
    });
  }

  it("uses the code of a bundle without a list of its migrations", async () => {
    const { path } = await writeZip(
      join(temporaryDirectory(), "running.zip"),
      Object.entries(RUNNING).map(([name, text]) => ({
        path: name,
        mode: 0o100644,
        content: Buffer.from(text),
      })),
    );
    const dropped = CHANGES.find(({ title }) => title === "a dropped column");
    const source = version({ ...RUNNING, ...dropped?.files });
    const { lines, verdict } = await run(source, { bundle: path });
    expect(verdict, lines.join("\n")).to.equal("incompatible");
    expect(lines.join("\n")).to.match(/places_place\.size: the column is gone/);
  });

  it("uses the code of a running version with migrations that the checkout lacks", async () => {
    const running = version({ ...RUNNING, ...next(add("models.IntegerField(null=True)")) });
    const checkout = version({
      ...RUNNING,
      "visits/migrations/0002_next.py": migration(`migrations.RemoveField("visit", "place")`, {
        dependencies: [["visits", "0001_initial"]],
      }),
    });
    const log: string[] = [];
    const { lines, verdict } = await run(checkout, { directory: running }, { log: (line) => log.push(line) });
    expect(log.join("\n")).to.match(
      /lacks migrations of the running version: places\.0002_next; using the running/,
    );
    expect(verdict, lines.join("\n")).to.equal("incompatible");
    expect(lines.join("\n")).to.match(/visits_visit\.place_id: the column is gone/);
  });

  it("builds no tables for a version without new migrations", async () => {
    const source = version(RUNNING);
    for (const running of [{ directory: version(RUNNING) }, { bundle: await bundleOf(RUNNING) }]) {
      const log: string[] = [];
      const { summary, verdict } = await run(source, running, { log: (line) => log.push(line) });
      expect([verdict, summary]).to.deep.equal(["compatible", "The new version has no new migrations."]);
      expect(log.join("\n")).not.to.contain("migrating");
    }
  });

  it("starts a server of its own, and leaves none behind", async () => {
    const workDirectory = temporaryDirectory();
    const source = version(RUNNING);
    const { lines, verdict } = await run(
      source,
      { directory: source },
      { databaseUrl: undefined, workDirectory },
    );
    expect(verdict, lines.join("\n")).to.equal("compatible");
    expect(readdirSync(join(workDirectory, "tmp"))).to.deep.equal([]);
    expect(execFileSync("ps", ["-ewwo", "args"], { encoding: "utf8" })).not.to.contain(workDirectory);
  });

  it("works in the build's sandbox, where it sees no credentials and starts a server of its own", async function () {
    if (!hasSandbox) skip(this, "Bubblewrap is not installed (apt-get install bubblewrap)");
    const workDirectory = temporaryDirectory();
    const running = join(workDirectory, "running");
    writeFiles(running, RUNNING);
    const dropped = CHANGES.find(({ title }) => title === "a dropped column");
    const { lines, verdict } = await checkInSandbox({
      env: "staging",
      sandboxed: true,
      source: version({ ...RUNNING, ...dropped?.files }),
      running: { directory: running },
      variables: { SECRET_KEY: "x" },
      workDirectory,
      log: () => undefined,
    });
    expect(verdict, lines.join("\n")).to.equal("incompatible");
    expect(lines.join("\n")).to.match(/places_place\.size: the column is gone/);
  });

  it("says that it has not checked where it cannot, and why", async () => {
    const source = version(RUNNING);
    const empty = (await writeZip(join(temporaryDirectory(), "running.zip"), [])).path;
    const unknown = await run(source, { bundle: empty });
    expect(unknown.verdict).to.equal("notChecked");
    expect(unknown.lines.join()).to.match(
      /has no iaso-deploy\/migrations\.json, and the bundle does not contain its code/,
    );
    expect(unknown.remedy).to.contain("--migrations-unchecked");
    const nowhere = "postgresql://postgres@127.0.0.1:1/postgres";
    const unreachable = await run(source, { directory: source }, { databaseUrl: nowhere });
    expect([unreachable.verdict, unreachable.lines.join()]).to.match(/^notChecked.*onnection refused/s);
    const broken = await run(version({ ...RUNNING, "hat/settings.py": "import nothing_such" }), {
      bundle: empty,
    });
    expect([broken.verdict, broken.lines.join()]).to.match(/^notChecked.*No module named 'nothing_such'/s);
    const without = "import server; server.PLACES = (); print(server.find_programs())";
    const found = execFileSync(python, ["-c", without], {
      cwd: SCRIPTS,
      env: { PATH: "/nowhere", PYTHONDONTWRITEBYTECODE: "1" },
      encoding: "utf8",
    });
    expect(found.trim()).to.equal("None");
  });

  describe("the bridge on the instances", () => {
    const newColumns = next(`
      migrations.AddField("place", "status", models.CharField(max_length=9, default="new")),
      migrations.AddField("place", "made", models.DateTimeField(auto_now_add=True, default=timezone.now), preserve_default=False),
      migrations.AddField("place", "uuid", models.UUIDField(default=uuid.uuid4, unique=True)),
      migrations.AddField("place", "spot", gis.PointField(srid=4326, geography=True, default="SRID=4326;POINT(1 2)")),
      migrations.RunPython(fill, migrations.RunPython.noop),
    `);
    const OLD_CODE = `
import django; django.setup()
from places.models import Place, Region
region = Region.objects.create(name="r")
for name in ("a", "b"):
    place = Place.objects.create(name=name, region=region)
    place.name += "!"
    place.save()
print(sorted(Place.objects.values_list("name", flat=True)))
place.delete()
`;
    let database: string;
    let databases = 0;

    beforeEach(() => {
      databases += 1;
      database = `bridge${databases}`;
      server.query(`CREATE DATABASE ${database}`);
    });

    function python3(directory: string, ...args: string[]): string {
      return execFileSync(python, args, {
        cwd: directory,
        env: server.djangoEnvironment(directory, database),
        encoding: "utf8",
        stdio: "pipe",
      });
    }

    it("lets the old code insert rows, which it cannot after Django's own migrate", () => {
      const [old, later] = [version(RUNNING), version({ ...RUNNING, ...newColumns })];
      python3(old, PREPARE);
      python3(old, "-c", OLD_CODE);
      python3(later, PREPARE);
      expect(python3(old, "-c", OLD_CODE)).to.contain("['a!', 'a!', 'b!']");
      // After a rollback.
      python3(old, PREPARE);
      expect(python3(old, "-c", OLD_CODE)).to.contain("'b!'");
      const rows =
        "SELECT count(DISTINCT uuid), count(*), min(status), min(ST_AsText(spot)), min(made) > now() - interval '1 h' FROM places_place";
      expect(server.query(rows, database)).to.equal("3|3|new|POINT(1 2)|t");
    });

    /** The version whose models have the new columns. */
    const LATER_MODELS = MODELS.replace(
      "    region = ",
      `    status = models.CharField(max_length=9, default="new")
    made = models.DateTimeField(auto_now_add=True)
    uuid = models.UUIDField(default=uuid.uuid4, unique=True)
    spot = gis.PointField(srid=4326, geography=True, default="SRID=4326;POINT(1 2)")
    region = `,
    ).replace("from django.db import models", "import uuid\nfrom django.db import models");
    const DEFAULTS = `SELECT string_agg(attname, ',' ORDER BY attname) FROM pg_attrdef
      JOIN pg_attribute ON attrelid = adrelid AND attnum = adnum
      WHERE adrelid = 'places_place'::regclass AND attidentity = '' AND attname <> 'id'`;
    const COMMENTS = "SELECT count(*) FROM pg_description WHERE objoid = 'places_place'::regclass";

    /** The migrations of a version, as the build lists them. */
    function namesOf(files: Files): [string, string][] {
      return Object.keys(files).flatMap((path): [string, string][] => {
        const [, app, name] = /(\w+)\/migrations\/(\d\w+)\.py$/.exec(path) ?? [];
        return app === undefined || name === undefined ? [] : [[app, name]];
      });
    }

    /** Prepares the database as an instance does that has fetched what the deploy tool says about the versions. */
    async function prepare(
      directory: string,
      versions: readonly Files[],
      mustFit: string | null = null,
    ): Promise<string> {
      const scripts = temporaryDirectory();
      await cp(join(PREPARE, ".."), scripts, { recursive: true });
      const lists = versions.map((files, index) => [`v${index}`, namesOf(files)] as const);
      const known = { versions: Object.fromEntries(lists), mustFit, write: "an id" };
      writeFileSync(join(scripts, "known-migrations.json"), JSON.stringify(known));
      writeFileSync(join(scripts, "version.json"), JSON.stringify({ version: "1.0-rc" }));
      return python3(directory, join(scripts, "prepare_database.py"));
    }

    it("keeps the defaults while older code may run, and drops them in the next deployment", async () => {
      const second = { ...RUNNING, ...newColumns, "places/models.py": LATER_MODELS };
      const third = { ...second, ...next(add("models.IntegerField(default=3)"), "", 3) };
      const [one, two, three] = [version(RUNNING), version(second), version(third)];
      await prepare(one, [RUNNING]);
      server.query("COMMENT ON COLUMN places_place.name IS 'own'", database);
      await prepare(two, [RUNNING, second]);
      // A new instance of the second version, and a rollback.
      await prepare(two, [RUNNING, second]);
      await prepare(one, [RUNNING, second]);
      expect(server.query(DEFAULTS, database)).to.equal("made,spot,status,uuid");
      python3(one, "-c", OLD_CODE);
      // The third version over the first again: the second failed.
      expect(await prepare(three, [RUNNING, third])).not.to.contain("dropped");
      expect(server.query(DEFAULTS, database)).to.equal("extra,made,spot,status,uuid");
      python3(one, "-c", OLD_CODE);
      // The third version over the second.
      expect(await prepare(three, [second, third])).to.contain(
        "dropped the temporary default of places_place.status",
      );
      expect(server.query(DEFAULTS, database)).to.equal("extra");
      expect(server.query(COMMENTS, database)).to.equal("2");
      python3(two, "-c", OLD_CODE);
      expect(() => python3(one, "-c", OLD_CODE)).to.throw(/null value in column "(status|made|uuid|spot)"/);
    });

    it("keeps the defaults if a version's migrations or the versions are unknown", async () => {
      const second = { ...RUNNING, ...newColumns, "places/models.py": LATER_MODELS };
      const [one, two] = [version(RUNNING), version(second)];
      python3(one, PREPARE);
      python3(two, PREPARE);
      python3(two, PREPARE);
      await prepare(two, [second, { "places/models.py": "" }]);
      expect(server.query(DEFAULTS, database)).to.equal("made,spot,status,uuid");
      // Code that no longer writes a column needs the default as the old code does.
      await prepare(one, [second]);
      expect(server.query(DEFAULTS, database)).to.equal("made,spot,status,uuid");
      await prepare(two, [second]);
      expect(server.query(DEFAULTS, database)).to.equal("");
    });

    it("keeps a default whose table is in use: requests would queue behind the change", async () => {
      const second = { ...RUNNING, ...newColumns, "places/models.py": LATER_MODELS };
      const [one, two] = [version(RUNNING), version(second)];
      python3(one, PREPARE);
      python3(two, PREPARE);
      const reader = await server.hold("places_place", database);
      try {
        expect(await prepare(two, [second])).to.match(
          /places_place\.status keeps its temporary default: .*lock timeout/,
        );
      } finally {
        reader.kill();
      }
    });

    const LABEL = "1.0-rc-0123456789abcdef";
    let one: string;
    before(() => (one = version(RUNNING)));

    /** Prepares the database for a version that has to fit. Returns the output of an instance that refuses it. */
    async function refusal(directory: string, versions: readonly Files[]): Promise<string | undefined> {
      try {
        await prepare(directory, versions, LABEL);
        return undefined;
      } catch (error) {
        const { status, stderr, stdout } = error as { status: number; stderr: string; stdout: string };
        expect([status, stderr].join(), stderr).to.match(/^1,[^]*does not start/);
        return stdout;
      }
    }

    async function starts(directory: string, versions: readonly Files[]): Promise<void> {
      const refused = await refusal(directory, versions);
      expect(refused, refused).to.equal(undefined);
    }

    // The other changes end in a migration that fails, need other running versions, or an app without models.
    const kinds = CHANGES.filter(
      ({ plugins, running, text, title, verdict, without }) =>
        (verdict === "incompatible" || title.startsWith("a renamed") || title.startsWith("a unique")) &&
        [plugins, running, without].every((one) => one === undefined) &&
        !/fails|more than one|is new|visits/.test(text?.source ?? ""),
    );
    for (const { files, title, verdict } of kinds) {
      const breaks = verdict === "incompatible";
      it(`${breaks ? "stops" : "starts"} older code after ${title}`, async () => {
        const two = version({ ...RUNNING, ...files });
        await prepare(one, [RUNNING]);
        await prepare(two, [RUNNING]);
        const refused = await refusal(one, [RUNNING]);
        expect(refused !== undefined, refused).to.equal(breaks);
        const reason = /may fail on the database: places_\w+(\.[\w, ]+)?: .*\(places\.000[23]_next\)/;
        if (breaks) expect(refused).to.match(reason);
      });
    }

    it("starts the version to which a failed rollback returns, and code that is not older than the tables", async () => {
      const newer = { ...RUNNING, ...next(`migrations.RemoveField("place", "size"),`) };
      const two = version(newer);
      await prepare(one, [RUNNING]);
      await prepare(two, [RUNNING, newer]);
      expect(await prepare(one, [RUNNING, newer], "1.0-0123456789abcdef")).to.contain("places_place.size");
      await starts(two, [RUNNING, newer]);
    });

    it("judges a migration only by what it changed itself and what is still so", async () => {
      const dropped = { ...RUNNING, ...next(`migrations.RemoveField("place", "size"),`) };
      const own = migration(`migrations.RemoveField("place", "code"),`, {
        dependencies: [["places", "0001_initial"]],
      });
      const other = { ...RUNNING, "places/migrations/0002_other.py": own };
      const [two, branch] = [version(dropped), version(other)];
      await prepare(one, [RUNNING]);
      await prepare(two, [RUNNING, dropped]);
      server.query("ALTER TABLE places_place ADD COLUMN size integer", database);
      await starts(one, [RUNNING, dropped]);
      // A branch that lacks the migration, and changes what the other left.
      await starts(branch, [dropped, other]);
      await starts(branch, [dropped, other]);
      expect(await refusal(one, [RUNNING, other])).to.match(/places_place\.code: .*\(places\.0002_other\)/);
      expect(await refusal(two, [other, dropped])).to.match(/places_place\.code: .*\(places\.0002_other\)/);
      server.query("ALTER TABLE places_place DROP COLUMN size", database);
      const refused = await refusal(branch, [dropped, other]);
      expect(refused)
        .to.match(/places_place\.size: .*\(places\.0002_next\)/)
        .and.not.contain("places_place.code");
    });

    it("refuses older code where nothing recorded what newer migrations did", async () => {
      const second = { ...RUNNING, ...next(add("models.TextField(null=True)")) };
      const two = version(second);
      await prepare(one, [RUNNING]);
      python3(two, "-m", "django", "migrate");
      expect(await refusal(one, [RUNNING, second])).to.contain("places.0002_next cannot be judged");
      expect(await prepare(one, [RUNNING, second])).to.contain("places.0002_next cannot be judged");
    });

    it("starts code whose squash has replaced migrations, and the older code after it", async () => {
      const second = { ...RUNNING, ...next(add("models.TextField(null=True)")) };
      const squash = CHANGES.find(({ title }) => title.startsWith("a squash of migrations that"));
      const name = "places/migrations/0001_squashed_0003_next.py";
      const squashed = {
        ...second,
        [name]: squash?.files[name]?.replace(', ("places", "0003_next")', "") ?? "",
      };
      const gone = {
        ...squashed,
        [name]: squashed[name].replace(/replaces = .*/, ""),
        "visits/migrations/0001_initial.py": (RUNNING["visits/migrations/0001_initial.py"] ?? "").replace(
          "0001_initial",
          "0001_squashed_0003_next",
        ),
      };
      const [before, two, three] = [version(second), version(squashed), version(gone)];
      for (const path of ["0001_initial.py", "0002_next.py"]) rmSync(join(three, "places/migrations", path));
      await prepare(before, [second]);
      await starts(two, [second, squashed]);
      await starts(before, [squashed, second]);
      // Later, the files that the squash replaces go.
      await starts(three, [squashed, gone]);
    });

    it("stops older code whose temporary defaults are dropped", async () => {
      const second = { ...RUNNING, ...newColumns, "places/models.py": LATER_MODELS };
      const two = version(second);
      await prepare(one, [RUNNING]);
      await prepare(two, [RUNNING, second]);
      await starts(one, [RUNNING, second]);
      await prepare(two, [second]);
      expect(await refusal(one, [RUNNING, second])).to.match(/places_place\.status: the new column/);
    });

    it("lets a rollback start on bridged tables", async () => {
      const second = { ...RUNNING, ...newColumns, "places/models.py": LATER_MODELS };
      const [one, two] = [version(RUNNING), version(second)];
      python3(one, PREPARE);
      await prepare(two, [RUNNING, second]);
      expect(await prepare(one, [RUNNING, second], LABEL)).to.contain(
        "the database has 1 migrations that this code does not have, such as places.0002_next",
      );
      python3(one, "-c", OLD_CODE);
    });

    it("is needed: Django's own migrate stops the old code", () => {
      const [old, later] = [version(RUNNING), version({ ...RUNNING, ...newColumns })];
      for (const directory of [old, later]) python3(directory, "-m", "django", "migrate");
      expect(() => python3(old, "-c", OLD_CODE)).to.throw(/null value in column "status"/);
    });
  });
});

import { execFileSync } from "node:child_process";
import { expect } from "chai";
import { ANALYZE_PYTHON, parseInspection, PYTHON, WRITES_PYTHON } from "../../database/inspection";
import { DIFFERENCE_PYTHON, MIGRATIONS_PYTHON, parseMigrations } from "../../database/migrations";
import { databaseObstacles } from "../../database/upgradeObstacles";
import { type PostgreSql, startWithDjango } from "../deploy/postgres";
import { RUNNING } from "../deploy/migrations/sample";
import { removeTemporaryDirectories, skip, temporaryDirectory, writeFiles } from "../deploy/source/checkout";

describe("database/inspection (a real PostgreSQL with PostGIS, a real Django) @proof", () => {
  let server: PostgreSql;
  let python: string;
  let directory: string;

  before(async function () {
    ({ python, server } = await startWithDjango(this));
    if (server.query("SELECT count(*) FROM pg_available_extensions WHERE name = 'postgis'") !== "1")
      skip(this, "PostGIS is not installed (apt-get install postgresql-postgis)");
    directory = temporaryDirectory();
    writeFiles(directory, RUNNING);
    server.query("CREATE DATABASE iaso");
    python3("migrate");
  });
  after(async () => {
    await (server as PostgreSql | undefined)?.stop();
    removeTemporaryDirectories();
  });

  function python3(...args: string[]): string {
    return execFileSync(python, ["-m", "django", ...args], {
      cwd: directory,
      env: server.djangoEnvironment(directory, "iaso"),
      encoding: "utf8",
    });
  }
  const look = () => parseInspection(python3("shell", "-c", PYTHON), "the server");

  it("counts rows and finds nothing that stops an upgrade of Iaso's tables", () => {
    server.query("INSERT INTO places_region (name) VALUES ('one'), ('two')", "iaso");
    const found = look();
    expect(found.rows.get("places_region")).to.equal(2);
    expect(found.rows.get("visits_visit")).to.equal(0);
    expect(found.extensions.map(({ name }) => name)).to.include.members(["plpgsql", "postgis"]);
    expect(found.obstacles.size).to.equal(3);
    expect(databaseObstacles(found)).to.deep.equal([]);
  });

  it("lists the migrations that are applied", () => {
    const list = () => parseMigrations(python3("shell", "-c", MIGRATIONS_PYTHON), "the server");
    expect(list()).to.include.members(["places.0001_initial", "visits.0001_initial"]);
    server.query("DELETE FROM django_migrations WHERE app = 'visits'", "iaso");
    expect(list().filter((one) => one.startsWith("visits."))).to.deep.equal([]);
  });

  it("compares the migrations with those of the running version", () => {
    const compare = () => {
      const output = python3("shell", "-c", DIFFERENCE_PYTHON);
      return [parseMigrations(output, "", "lacking"), parseMigrations(output, "", "more")];
    };
    expect(compare()[1]).to.deep.equal([]);
    server.query(
      "DELETE FROM django_migrations WHERE app = 'visits'; INSERT INTO django_migrations (app, name, applied) VALUES " +
        "('places', '0099_later', now()), ('removed', '0001_initial', now())",
      "iaso",
    );
    const [lacking, more] = compare();
    expect(lacking).to.include("visits.0001_initial").and.not.include("places.0001_initial");
    expect(more).to.deep.equal(["places.0099_later"]);
  });

  it("collects statistics", () => {
    const count = () =>
      server.query("SELECT count(*) FROM pg_stats WHERE tablename = 'places_region'", "iaso");
    expect(count()).to.equal("0");
    expect(python3("shell", "-c", ANALYZE_PYTHON)).to.include("analyzed");
    expect(Number(count())).to.be.greaterThan(0);
  });

  it("counts changed and deleted rows as writes, and none of its own", () => {
    const writes = () => Number(/^writes (\d+)$/m.exec(python3("shell", "-c", WRITES_PYTHON))?.[1]);
    server.query("INSERT INTO places_region (name) VALUES ('three')", "iaso");
    const before = writes();
    server.query("UPDATE places_region SET name = 'four' WHERE name = 'three'", "iaso");
    server.query("DELETE FROM places_region WHERE name = 'four'", "iaso");
    expect([writes(), writes()]).to.deep.equal([before + 2, before + 2]);
  });

  it("finds a column of a reg type, an outdated PostGIS and one that does not work", () => {
    server.query("CREATE TABLE odd (one regproc, two regclass)", "iaso");
    server.query("UPDATE pg_extension SET extversion = '3.0.0' WHERE extname = 'postgis'", "iaso");
    server.query("ALTER FUNCTION st_distance(geography, geography, boolean) RENAME TO other", "iaso");
    const text = databaseObstacles(look()).join("\n");
    expect(text).to.match(
      /postgis has the version 3\.0\.0, and the server \d.*: ALTER EXTENSION postgis UPDATE/,
    );
    expect(text).to.match(/1 columns of reg types\. Give these columns another type/);
    expect(text).to.match(/PostGIS does not work: .*st_distance/);
  });
});

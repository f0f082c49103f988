import { existsSync } from "node:fs";
import { expect } from "chai";
import { type Build, type DeployOptions } from "../../../deploy/commands/deploy";
import { EXIT } from "../../../deploy/exitCodes";
import { type Judgement } from "../../../deploy/migrations/verdict";
import { type Report } from "../../../deploy/output/report";
import { ARTIFACTS, AwsDouble, ENV, PREVIOUS } from "../double/aws";
import { type CliResult, runCli } from "../double/cli";
import { ScaledTime } from "../double/clocks";
import { builtVersion, deployment, mismatches, runDirect } from "../double/runs";
import { serve } from "../double/server";
import { makeCheckout, removeTemporaryDirectories, temporaryDirectory } from "../source/checkout";

// The check itself has a proof on a real PostgreSQL, check.test.ts. Here a program of ours plays the Python that runs it.
const PLAYED = `
const { readFileSync, writeFileSync } = require("node:fs");
const [, , , request, answer] = process.argv;
const seen = { request: JSON.parse(readFileSync(request, "utf8")), env: process.env };
seen.request.databaseUrl = seen.request.databaseUrl?.replace("secret", "***");
// Standard error is the only way out of the sandbox.
process.stderr.write("seen: " + JSON.stringify(seen) + "\\n");
process.stdout.write("settings that print\\n");
writeFileSync(answer, readFileSync("answer.json", "utf8"));
`;

const NONE = { migrations: [], breaks: [], warnings: [], bridged: [], seconds: 1 };
const MIGRATION = {
  name: "iaso.0002_size",
  sql: ['ALTER TABLE "iaso_place" DROP COLUMN "size"'],
  locks: [{ table: "iaso_place", mode: "AccessExclusiveLock", stops: "reads and writes" }],
  data: [],
};
const GONE = {
  kind: "columnGone",
  table: "iaso_place",
  column: "size",
  text: "the column is gone or renamed",
  migration: MIGRATION.name,
};

interface Seen {
  request: { running: { bundle?: string; directory?: string }; databaseUrl: string | null };
  env: Record<string, string | undefined>;
}

describe("npm run deploy -- check-migrations (in a process of its own, over HTTP)", function () {
  this.timeout(120_000);
  after(removeTemporaryDirectories);

  let time: ScaledTime;
  let double: AwsDouble;
  let source: string;

  /** Runs the command; the played Python answers with `answer`. */
  async function cli(answer: object, ...args: string[]): Promise<CliResult> {
    source = makeCheckout({
      "iaso-deploy.yaml": `python: ${process.execPath} played.cjs\n`,
      "played.cjs": PLAYED,
      "answer.json": JSON.stringify(answer),
    });
    const served = await serve(double);
    double.describeTarget(served.url);
    try {
      const given = args.includes("--source") ? args : [...args, "--source", source];
      return await runCli(served, time, ["check-migrations", ENV, ...given]);
    } finally {
      await served.stop();
    }
  }

  const seen = ({ stdout }: CliResult): Seen => JSON.parse(/seen: (.*)/.exec(stdout)?.[1] ?? "{}") as Seen;

  function running(label: string): void {
    time = new ScaledTime(60);
    double = new AwsDouble(1, time);
    double.addPair(label);
    double.beanstalk.environments[1]!.settings.variables = {
      PLUGINS: "polio",
      USE_CELERY: "true",
      RDS_HOSTNAME: "production.example.org",
    };
  }

  beforeEach(() => {
    running(PREVIOUS);
  });

  function putBundle(): void {
    double.s3.write(ARTIFACTS, `bundles/${PREVIOUS}.zip`, "the bundle");
  }

  it("reports what breaks the running version, with the SQL, the locks and the way out, and exits 2", async () => {
    putBundle();
    const result = await cli({ ...NONE, migrations: [MIGRATION], breaks: [GONE] });
    expect(result.code, result.stdout + result.stderr).to.equal(EXIT.refused);
    const { stderr } = result;
    expect(stderr).to.contain("does not work on the new version's tables");
    expect(stderr).to.contain("iaso_place.size: the column is gone or renamed (iaso.0002_size)");
    expect(stderr).to.contain('ALTER TABLE "iaso_place" DROP COLUMN "size"');
    expect(stderr).to.contain("locks iaso_place against reads and writes (AccessExclusiveLock)");
    expect(stderr).to.match(/iaso_place\.size: first release: keep the column .* Next release: drop/);
    expect(stderr).to.match(
      /To fix it: Split the change into two releases.*--maintenance.*--migrations-unchecked/,
    );
  });

  it("reports temporary defaults and data changes, and exits 0", async () => {
    putBundle();
    const column = { table: "iaso_place", column: "code", default: "''::text", migration: "iaso.0002_size" };
    const bridged = await cli({ ...NONE, bridged: [column] }, "--json");
    expect(bridged.code, bridged.stderr).to.equal(EXIT.done);
    expect(JSON.parse(bridged.stdout)).to.deep.include({ from: PREVIOUS, details: { verdict: "bridged" } });
    expect(bridged.stdout).to.contain("iaso_place.code DEFAULT ''::text (iaso.0002_size)");
    const data = await cli({ ...NONE, migrations: [{ ...MIGRATION, data: ["RunPython fill"] }] });
    expect([data.code, data.stdout]).to.match(/^0,.*iaso\.0002_size: RunPython fill/s);
  });

  it("runs with the environment's own apps, the running version's bundle and no credentials", async () => {
    putBundle();
    const url = "postgresql://postgres:secret@127.0.0.1/postgres";
    const result = await cli(NONE, "--database-url", url);
    expect(result.code, result.stderr).to.equal(EXIT.done);
    expect(result.stdout).to.contain("The new version has no new migrations.");
    expect(result.stdout + result.stderr).not.to.contain("secret@");
    const { env, request } = seen(result);
    expect(env).to.include({ PLUGINS: "polio", USE_CELERY: "true" });
    expect(env).not.to.have.any.keys("RDS_HOSTNAME", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY");
    expect(request.databaseUrl).to.equal(url.replace("secret", "***"));
    expect(request.running.bundle).to.match(/running\.zip$/);
    expect(existsSync(request.running.bundle ?? "")).to.equal(false);
  });

  it("says why it has not checked, and exits 2", async () => {
    putBundle();
    const without = await cli({ notChecked: "there is no PostgreSQL server on this machine", seconds: 1 });
    expect(without.code).to.equal(EXIT.refused);
    expect(without.stderr).to.match(
      /Not checked[^]*no PostgreSQL server[^]*apt-get install postgresql[^]*--database-url[^]*--migrations-unchecked/,
    );
    running("0.9.0-11111111");
    const gone = await cli(NONE);
    expect([gone.code, gone.stderr]).to.match(
      /^2,[^]*0\.9\.0-11111111 is not in the artifacts bucket.*--running-source/,
    );
    const other = temporaryDirectory();
    const given = await cli(NONE, "--running-source", other);
    expect(given.code, given.stderr).to.equal(EXIT.done);
    expect(seen(given).request.running.directory).to.match(/\/running$/);
    const refused = await cli(NONE, "--source", other);
    expect([refused.code, refused.stderr]).to.match(/^2,.*git/s);
  });

  it("has nothing to check where no application runs yet", async () => {
    running("first-python");
    const result = await cli(NONE);
    expect([result.code, result.stdout]).to.match(/^0,.*No application is running yet/s);
    expect(result.stdout).not.to.contain("seen:");
  });
});

describe("a deployment's check of the migrations", () => {
  function account(): AwsDouble {
    const account = new AwsDouble();
    account.describeTarget();
    account.addPair();
    account.time.now += 60_000;
    return account;
  }

  /** A build whose migrations get the judgement. */
  const judged = (judgement: Partial<Judgement>): { build: Build; asked: string[] } => {
    const asked: string[] = [];
    const { build } = builtVersion();
    const judgeMigrations = (label: string): Promise<Judgement> => {
      asked.push(label);
      return Promise.resolve({ verdict: "compatible", summary: "", lines: [], remedy: "", ...judgement });
    };
    return { asked, build: async (...args) => ({ ...(await build(...args)), judgeMigrations }) };
  };

  const BREAKS: Judgement = {
    verdict: "incompatible",
    summary: "The running code fails.",
    lines: ["iaso_place.size is gone"],
    remedy: "Split it.",
  };

  async function run(aws: AwsDouble, build: Build, options: Partial<DeployOptions> = {}): Promise<Report> {
    const end = await runDirect(aws, deployment(build, options));
    if (end === "killed") throw new Error("nothing kills this run");
    return end;
  }

  it("refuses a version that breaks the running one before anything is touched", async () => {
    const aws = account();
    const { asked, build } = judged(BREAKS);
    const report = await run(aws, build);
    expect(asked).to.deep.equal([PREVIOUS]);
    expect(report).to.deep.include({ outcome: "refused", remedy: "Split it." });
    expect(report.summary).to.match(/The running code fails\.\n {2}iaso_place\.size is gone/);
    expect(aws.s3.keys(ARTIFACTS, "bundles/")).to.deep.equal([]);
    expect(aws.s3.keys(ARTIFACTS, "journal/")).to.deep.equal([]);
    expect(aws.calls.map(({ operation }) => operation)).not.to.include("UpdateEnvironment");
    expect(mismatches(aws, [PREVIOUS])).to.deep.equal([]);
  });

  it("refuses a version that it cannot check, and one without a checkout", async () => {
    const unknown = await run(account(), judged({ verdict: "notChecked", summary: "Not checked." }).build);
    expect(unknown).to.deep.include({ outcome: "refused", summary: "Not checked." });
    const { build } = builtVersion();
    const without = await run(account(), async (...args) => ({
      ...(await build(...args)),
      judgeMigrations: undefined,
    }));
    expect(without.outcome).to.equal("refused");
    expect(without.remedy).to.contain("--migrations-unchecked");
  });

  it("takes a check that was made elsewhere for the version that runs, and for no other", async () => {
    const aws = new AwsDouble(1);
    aws.addPair(`${PREVIOUS}-0123456789abcdef`);
    aws.describeTarget();
    const { asked, build } = judged(BREAKS);
    const stale = await run(aws, build, { migrationsChecked: "0.9" });
    expect(stale).to.deep.include({
      outcome: "refused",
      summary: `The migrations were checked for 0.9, and ${ENV} runs ${PREVIOUS}.`,
    });
    const report = await run(aws, build, { migrationsChecked: PREVIOUS });
    expect(report.outcome).to.equal("deployed");
    expect(asked).to.deep.equal([]);
  });

  it("deploys without a check with --migrations-unchecked, and reports that after a rollback", async () => {
    const aws = account();
    aws.planNew("succeeds", "rolledBack");
    const { asked, build } = judged(BREAKS);
    const report = await run(aws, build, { migrationsUnchecked: true });
    expect(asked).to.deep.equal([]);
    expect(report.outcome).to.equal("rolledBack");
    expect(report.notes?.join()).to.match(
      /schema is NOT rolled back.*were not checked.*1\.0\.0-00000000 may fail/,
    );
  });

  it("tells after a rollback that the running code works on the tables that stay", async () => {
    const aws = account();
    aws.planNew("succeeds", "rolledBack");
    const report = await run(
      aws,
      judged({ verdict: "bridged", summary: "Works with temporary defaults." }).build,
    );
    expect(report.notes?.join()).to.match(/schema is NOT rolled back.*Works with temporary defaults\./);
  });
});

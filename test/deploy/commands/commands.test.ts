import { gunzipSync } from "node:zlib";
import { expect } from "chai";
import { prune } from "../../../deploy/commands/prune";
import { redeploy } from "../../../deploy/commands/redeploy";
import { repair } from "../../../deploy/commands/repair";
import { rollback } from "../../../deploy/commands/rollback";
import { status } from "../../../deploy/commands/status";
import { versions } from "../../../deploy/commands/versions";
import { KNOWN_MIGRATIONS } from "../../../components/common/artifacts";
import { type Report } from "../../../deploy/output/report";
import { type Session } from "../../../deploy/session";
import { ARTIFACTS, AwsDouble, ENV, PREVIOUS, STATIC } from "../double/aws";
import { builtVersion, deployment, mismatches, repairing, runDirect } from "../double/runs";

const TASKS = { runningTasks: "wait", migrationsUnchecked: false } as const;

function account(): AwsDouble {
  const double = new AwsDouble();
  double.describeTarget();
  double.addPair();
  double.time.now += 60_000;
  return double;
}

async function run(double: AwsDouble, command: (session: Session) => Promise<Report>): Promise<Report> {
  const end = await runDirect(double, command);
  if (end === "killed") throw new Error("nothing kills this run");
  double.time.now += 60_000;
  return end;
}

/** Deploys versions one after the other and returns their labels. */
async function deployAll(double: AwsDouble, ...names: string[]): Promise<string[]> {
  const labels: string[] = [];
  for (const name of names) {
    const { build, label } = builtVersion(name);
    expect((await run(double, deployment(build))).outcome).to.equal("deployed");
    labels.push(label);
  }
  return labels;
}

/** The text of a static file that all versions have. */
function stylesheetOf(double: AwsDouble): string {
  return gunzipSync(double.s3.get(STATIC, "static/app.css")?.body ?? Buffer.alloc(0)).toString();
}

/** Somebody deploys to the web environment by hand. */
function deployByHand(double: AwsDouble, label: string): void {
  double.beanstalk.addVersion(label, "somewhere", "bundle.zip");
  double.beanstalk.versions.get(label)!.processedAt = 0;
  double.web.update(label);
  double.time.now += 3_600_000;
}

describe("deploy/commands", () => {
  describe("rollback", () => {
    it("goes back to the version before, and forth again, with its static files", async () => {
      const double = account();
      const [first, second] = await deployAll(double, "1.1", "1.2");
      expect(stylesheetOf(double)).to.include("/* 1.2 */");
      const back = await run(double, (session) => rollback(session, TASKS));
      expect(back).to.deep.include({ outcome: "deployed", from: second, to: first });
      expect(stylesheetOf(double)).to.include("/* 1.1 */");
      expect((await run(double, (session) => rollback(session, TASKS))).to).to.equal(second);
      expect(mismatches(double, [second!])).to.deep.equal([]);
    });

    it("takes a version's name where there is one build of it, and says so where there is none", async () => {
      const double = account();
      const [first] = await deployAll(double, "1.1", "1.2");
      const none = await run(double, (session) => rollback(session, { ...TASKS, to: "1.3" }));
      expect(none).to.deep.include({ outcome: "refused", summary: "There is no application version 1.3." });
      expect((await run(double, (session) => rollback(session, { ...TASKS, to: "1.1" }))).to).to.equal(first);
    });

    it("refuses a bundle that is not the one that its deployment recorded in the journal", async () => {
      for (const tampered of [true, false]) {
        const double = account();
        const [first, second] = await deployAll(double, "1.1", "1.2");
        if (tampered) {
          double.s3.write(ARTIFACTS, `bundles/${first!}.zip`, "a bundle with a back door");
        }
        const report = await run(double, (session) => rollback(session, TASKS));
        expect(report.outcome).to.equal(tampered ? "refused" : "deployed");
        if (tampered)
          expect(report.summary).to.match(/bundles\/1\.1-\w+\.zip .* has other bytes than the build/);
        expect(mismatches(double, [tampered ? second! : first!])).to.deep.equal([]);
      }
    });

    it("stays on the current version where the older one fails", async () => {
      const double = account();
      const [first, second] = await deployAll(double, "1.1", "1.2");
      double.beanstalk.plan("iaso-staging-worker", first!, "rolledBack");
      double.beanstalk.plan("iaso-staging", second!, "succeeds");
      const failed = await run(double, (session) => rollback(session, TASKS));
      expect(failed).to.deep.include({ outcome: "rolledBack", from: second, to: first });
      expect(stylesheetOf(double)).to.include("/* 1.2 */");
      expect(mismatches(double, [second!])).to.deep.equal([]);
    });
  });

  describe("the migrations of the versions that may run", () => {
    /** Deploys a version with migrations of the app iaso. */
    async function deployWith(double: AwsDouble, name: string, ...migrations: string[]): Promise<string> {
      const list = JSON.stringify(migrations.map((one) => ["iaso", one]));
      const { build, label } = builtVersion(name, { "iaso-deploy/migrations.json": list });
      expect((await run(double, deployment(build))).outcome).to.equal("deployed");
      return label;
    }
    const told = (double: AwsDouble) => {
      const { mustFit, versions: lists } = double.s3.json(ARTIFACTS, KNOWN_MIGRATIONS) as {
        mustFit: string | null;
        versions: Record<string, [string, string][] | null>;
      };
      const names = Object.entries(lists).map(([label, list]) => [
        label,
        list?.map(([, name]) => name) ?? null,
      ]);
      return { mustFit, versions: Object.fromEntries(names) as Record<string, string[] | null> };
    };
    const notes = async (double: AwsDouble) => (await run(double, status)).notes?.join() ?? "";

    it("are told to the instances before each switch, and shown by status while they differ", async () => {
      const double = account();
      const first = await deployWith(double, "1.1", "0001");
      // Nobody knows the migrations of the version that the tool did not build.
      expect(told(double)).to.deep.equal({
        mustFit: first,
        versions: { [PREVIOUS]: null, [first]: ["0001"] },
      });
      expect(await notes(double)).to.equal("");
      const second = await deployWith(double, "1.2", "0001", "0002");
      expect(told(double).versions).to.deep.equal({ [first]: ["0001"], [second]: ["0001", "0002"] });
      expect(await notes(double)).to.equal(
        `NOT NULL columns that these migrations added keep a default in the database for ${first}, until the next deployment or \`redeploy\`: iaso.0002.`,
      );
      const third = await deployWith(double, "1.3", "0001", "0002");
      expect(told(double).versions).to.have.all.keys(second, third);
      expect(await notes(double)).to.equal("");
    });

    it("spare the check of a version without new migrations, which a deployment in GitHub cannot make", async () => {
      const double = account();
      await deployWith(double, "1.1", "0001");
      for (const [name, migrations, outcome] of [
        ["1.2", ["0001"], "deployed"],
        ["1.3", ["0001", "0002"], "refused"],
      ] as const) {
        const list = JSON.stringify(migrations.map((one) => ["iaso", one]));
        const { build } = builtVersion(name, { "iaso-deploy/migrations.json": list });
        const withoutCheckout: typeof build = async (...args) => ({
          ...(await build(...args)),
          judgeMigrations: undefined,
        });
        expect((await run(double, deployment(withoutCheckout))).outcome, name).to.equal(outcome);
      }
    });

    it("let a rollback start only code that fits the tables, unless the user says otherwise", async () => {
      const double = account();
      const first = await deployWith(double, "1.1", "0001");
      const second = await deployWith(double, "1.2", "0001", "0002");
      await run(double, (session) => rollback(session, TASKS));
      expect(told(double)).to.deep.equal({
        mustFit: first,
        versions: { [first]: ["0001"], [second]: ["0001", "0002"] },
      });
      expect(await notes(double)).to.equal(
        `The database may have migrations of ${second} that ${first} does not have: iaso.0002.`,
      );
      await run(double, (session) => rollback(session, { ...TASKS, to: second, migrationsUnchecked: true }));
      expect(told(double).mustFit).to.equal(null);
      double.beanstalk.plan("iaso-staging", first, "rolledBack");
      const refused = await run(double, (session) => rollback(session, { ...TASKS, to: first }));
      expect(refused.outcome).to.equal("rolledBack");
      expect(refused.notes?.join()).to.match(/eb-engine\.log .* add --migrations-unchecked to the command/);
    });

    it("let a deployment start only code that fits the tables, and say that an older version lacks migrations", async () => {
      const double = account();
      const newer = await deployWith(double, "1.2", "0001", "0002");
      const list = JSON.stringify([["iaso", "0001"]]);
      const { build, label } = builtVersion("1.1", { "iaso-deploy/migrations.json": list });
      double.beanstalk.plan("iaso-staging", label, "rolledBack");
      const lacks = `${label} lacks migrations of ${newer}, whose changes of the tables stay: iaso.0002.`;
      const refused = await run(double, deployment(build));
      expect(refused.outcome).to.equal("rolledBack");
      expect(refused.notes?.slice(0, 2).join(" ")).to.match(/^.* --migrations-unchecked to the command\.$/);
      expect(refused.notes?.[0]).to.equal(lacks);
      expect(told(double).mustFit).to.equal(label);
      double.beanstalk.plan("iaso-staging", label, "succeeds");
      const deployed = await run(double, deployment(build));
      expect([deployed.outcome, deployed.notes]).to.deep.equal(["deployed", [lacks]]);
      const again = builtVersion("1.0", { "iaso-deploy/migrations.json": "[]" });
      await run(double, deployment(again.build, { migrationsUnchecked: true }));
      expect(told(double).mustFit).to.equal(null);
    });

    it("count as unknown after a repair to a version that the user chose", async () => {
      const double = account();
      await deployWith(double, "1.1", "0001");
      const second = await deployWith(double, "1.2", "0001");
      deployByHand(double, "by-hand");
      await run(double, repairing(second));
      expect(told(double)).to.deep.equal({ mustFit: second, versions: { [second]: null } });
      deployByHand(double, "by-hand");
      await run(double, (session) => repair(session, { to: second, migrationsUnchecked: true }));
      expect(told(double).mustFit).to.equal(null);
    });
  });

  describe("redeploy", () => {
    const redeploying = (session: Session) => redeploy(session, TASKS);

    it("deploys the running version again to every instance, which a deployment of it does not", async () => {
      const double = account();
      const { build, label } = builtVersion("1.1", { "iaso-deploy/migrations.json": "[]" });
      await run(double, deployment(build));
      const same = await run(double, deployment(build));
      expect([same.outcome, same.notes?.join()]).to.match(/^unchanged,.*deploy -- redeploy staging$/);
      expect(double.web.updates).to.deep.equal([label]);
      const again = await run(double, redeploying);
      expect(again).to.deep.include({ outcome: "deployed", from: label, to: label });
      expect([double.web.updates, double.worker.updates]).to.deep.equal([
        [label, label],
        [label, label],
      ]);
      expect(double.s3.json(ARTIFACTS, KNOWN_MIGRATIONS)).to.deep.include({
        mustFit: label,
        versions: { [label]: [] },
      });
      expect(mismatches(double, [label])).to.deep.equal([]);
    });

    it("says how to go on if the instances refuse the version, and lets a repair do so", async () => {
      const double = account();
      const [first, second] = await deployAll(double, "1.1", "1.2");
      double.beanstalk.plan("iaso-staging", second!, "rolledBack");
      const refused = await run(double, redeploying);
      expect(refused.outcome).to.equal("mixedVersions");
      expect(refused.notes?.join()).to.contain("add --migrations-unchecked");
      expect(refused.remedy).to.contain("repair staging --to <version>");
      expect((await run(double, repairing(first))).outcome).to.equal("repaired");
      expect(mismatches(double, [first!])).to.deep.equal([]);
    });
  });

  describe("repair", () => {
    it("says that there is nothing to repair", async () => {
      const double = account();
      const report = await run(double, repairing());
      expect(report).to.deep.include({ outcome: "unchanged", to: PREVIOUS });
      expect(double.web.updates).to.deep.equal([]);
    });

    it("brings a pair that was parted by hand to the version last deployed", async () => {
      const double = account();
      const [label] = await deployAll(double, "1.1");
      deployByHand(double, "by-hand");
      const refused = await run(double, deployment(builtVersion("1.2").build));
      expect(refused).to.deep.include({ outcome: "refused", remedy: "npm run deploy -- repair staging" });
      expect((await run(double, repairing())).outcome).to.equal("repaired");
      expect(mismatches(double, [label!])).to.deep.equal([]);
    });

    it("asks which version is right where it cannot know, and takes the answer", async () => {
      const double = account();
      deployByHand(double, "by-hand");
      const asked = await run(double, repairing());
      expect(asked.outcome).to.equal("refused");
      expect(asked.remedy).to.equal("npm run deploy -- repair staging --to by-hand");
      expect((await run(double, repairing(PREVIOUS))).outcome).to.equal("repaired");
      expect(mismatches(double, [PREVIOUS])).to.deep.equal([]);
    });

    it("stays loud while one version cannot be reached, and succeeds once it can", async () => {
      const double = account();
      deployByHand(double, "by-hand");
      double.beanstalk.plan("iaso-staging", PREVIOUS, "mixed");
      const split = await run(double, repairing(PREVIOUS));
      expect(split.outcome).to.equal("mixedVersions");
      expect(split.environments!.web!.state).to.contain("instances: i-20: 1.0.0-00000000 (Failed)");
      expect(double.s3.json(ARTIFACTS, `locks/${ENV}.json`)).to.deep.include({ holder: null });
      double.beanstalk.plan("iaso-staging", PREVIOUS, "succeeds");
      expect((await run(double, repairing(PREVIOUS))).outcome).to.equal("repaired");
    });
  });

  describe("status", () => {
    it("shows versions, and a pair that is not on one", async () => {
      const double = account();
      const good = await run(double, status);
      expect(good).to.deep.include({
        outcome: "shown",
        summary: `staging runs ${PREVIOUS} on web and worker.`,
      });
      deployByHand(double, "by-hand");
      const bad = await run(double, status);
      expect(bad).to.deep.include({ outcome: "mixedVersions", remedy: "npm run deploy -- repair staging" });
      expect(bad.environments!.web!.version).to.equal("by-hand");
    });

    it("shows who is at work, without a word of trouble", async () => {
      const double = account();
      double.faultOn = (operation, before) =>
        operation === "DescribeEvents" && before === 1 ? "killBefore" : undefined;
      expect(await runDirect(double, deployment(builtVersion().build))).to.equal("killed");
      const report = await run(double, status);
      expect(report.outcome).to.equal("shown");
      expect(report.summary).to.match(/^tester has been running "deploy 2\.0\.0-/);
      double.time.now += 3_600_000;
      expect((await run(double, status)).summary).to.equal("Run 1 on staging is unfinished.");
    });
  });

  describe("versions and prune", () => {
    it("lists the versions newest first, with what runs them", async () => {
      const double = account();
      const [first, second] = await deployAll(double, "1.1", "1.2");
      double.beanstalk.pageSize = 1;
      const { notes } = await run(double, versions);
      expect(notes).to.have.length(3);
      expect(notes![0]).to.match(new RegExp(`${second!}  web and worker  staging: commit 0123456789ab$`));
      expect(notes![1]).to.contain(first);
    });

    it("deletes old versions with bundle and static files, and nothing that is needed or not ours", async () => {
      const double = account();
      const labels = await deployAll(double, "1.1", "1.2", "1.3", "1.4");
      double.beanstalk.addVersion("sample", "elasticbeanstalk-samples", "python.zip");
      const report = await run(double, (session) => prune(session, 1));
      expect(report.details!["versions"]).to.deep.equal([labels[1], labels[0]]);
      expect([...double.beanstalk.versions.keys()]).to.have.members([
        PREVIOUS,
        "sample",
        labels[2]!,
        labels[3]!,
      ]);
      const files = double.s3.keys(STATIC, "static/");
      expect(files.filter((key) => key.includes("bundle-11") || key.includes("bundle-12"))).to.deep.equal([]);
      // "shared" belongs to all versions.
      expect(double.s3.keys(ARTIFACTS, "wheels/")).to.include(KNOWN_MIGRATIONS);
      const wheels = double.s3.keys(ARTIFACTS, "wheels/").flatMap((key) => key.split("/")[2] ?? []);
      expect(wheels).to.have.members(
        ["shared-1.0", "own-1.3", "own-1.4"].map((stem) => `${stem}-py3-none-any.whl`),
      );
      expect(double.s3.keys(ARTIFACTS, "wheel-lists/")).to.deep.equal([
        `wheel-lists/${labels[2]!}.txt`,
        `wheel-lists/${labels[3]!}.txt`,
      ]);
      const builds = double.s3.keys(ARTIFACTS, "builds/").map((key) => key.split("/")[2]);
      expect(builds).to.have.members([labels[2], labels[3]]);
      expect(files.filter((key) => key.includes("bundle-13") || key.includes("bundle-14"))).to.have.length(2);
      const back = await run(double, (session) => rollback(session, TASKS));
      expect(back).to.deep.include({ outcome: "deployed", to: labels[2] });
      expect(stylesheetOf(double)).to.include("/* 1.3 */");
    });

    it("does not prune while something is left open", async () => {
      const double = account();
      double.faultOn = (operation) => (operation === "UpdateEnvironment" ? "killAfter" : undefined);
      expect(await runDirect(double, deployment(builtVersion().build))).to.equal("killed");
      double.time.now += 3_600_000;
      const report = await run(double, (session) => prune(session, 1));
      expect(report).to.deep.include({ outcome: "refused", remedy: "npm run deploy -- repair staging" });
    });
  });
});

import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { RDSClient } from "@aws-sdk/client-rds";
import { expect } from "chai";
import { systemClock } from "../../coordination/clock";
import { encryptedSnapshot } from "../../move/snapshot";
import { previewStack } from "../../preview/preview";
import { readProject } from "../../preview/project";
import { find, writeExampleProject } from "../support";
import { ExistingAccount } from "./double/account";
import { MoveLab } from "./double/lab";

interface Outcome {
  status: number;
  stdout: string;
  stderr: string;
}

describe("move snapshot", function () {
  this.timeout(600_000);
  const lab = new MoveLab();
  let project: string;

  before(() => lab.start());
  after(() => {
    lab.stop();
  });
  beforeEach(() => {
    lab.account = new ExistingAccount();
    lab.showRedis();
    project = mkdtempSync(join(tmpdir(), "snapshot-"));
    writeExampleProject(project);
  });
  afterEach(() => {
    rmSync(project, { recursive: true });
    rmSync(join(lab.directory, "iaso-prod-moving-in.snapshot"), { force: true });
  });

  function run(...args: string[]): Promise<Outcome> {
    return new Promise((resolve) => {
      execFile(
        process.execPath,
        [
          "--require",
          "./cli/loader.cjs",
          "move/cli.ts",
          "snapshot",
          "prod",
          "--application",
          "Iaso",
          ...args,
        ],
        { cwd: project, env: process.env },
        (error, stdout, stderr) => {
          resolve({ status: Number(error?.code ?? 0), stdout, stderr });
        },
      );
    });
  }

  it("takes snapshots, and the stack starts from them without a policy violation", async () => {
    Object.assign(lab.account.databases[0]!, { AllocatedStorage: 300, MasterUsername: "postgres" });
    lab.account.web.variables["RDS_DB_NAME"] = "ebdb";
    const { status, stderr, stdout } = await run();
    expect(status, stderr).to.equal(0);
    expect([...lab.account.snapshots.keys()]).to.deep.equal(["iaso-prod-moving-in"]);
    expect(readFileSync(join(lab.directory, "iaso-prod-moving-in.snapshot"), "utf8")).to.equal(
      "--replication-group-id old-main\n",
    );
    expect(stdout)
      .to.include(
        "creates the database from iaso-prod-moving-in, and Enketo's Redis from iaso-prod-moving-in.",
      )
      .and.include("Iaso's user is iaso, and the master user postgres");
    const { document } = await previewStack(readProject(project), "prod");
    expect(document.policies.violations).to.deep.equal([]);
    expect(find(document, "aws:rds/instance:Instance").inputs).to.include({
      snapshotIdentifier: "iaso-prod-moving-in",
      dbName: "ebdb",
      username: "postgres",
      engineVersion: "16",
      allocatedStorage: 300,
    });
    expect(
      find(document, "aws:elasticache/replicationGroup:ReplicationGroup", "enketo-main").inputs,
    ).to.include({ snapshotName: "iaso-prod-moving-in" });
    const again = await run();
    expect(again.status, again.stderr).to.equal(0);
    expect(again.stdout)
      .to.include("Using the snapshot iaso-prod-moving-in, begun 2026-11-25T12:00:00.000Z.")
      .and.not.include("Taking");
    lab.account.databases.push({ ...lab.account.databases[0]!, DBInstanceIdentifier: "copy", host: "copy" });
    const other = await run("--database", "copy");
    expect(other.stderr).to.include(
      "The snapshot iaso-prod-moving-in is of the database old-iaso, not of copy.",
    );
  });

  it("takes the snapshot of an upgraded copy", async () => {
    const [live] = lab.account.databases;
    live!.EngineVersion = "12.17";
    lab.account.databases.push({
      ...live!,
      DBInstanceIdentifier: "old-iaso-copy",
      host: "copy.rds.amazonaws.com",
      EngineVersion: "17.2",
    });
    const { status, stderr } = await run("--database", "old-iaso-copy");
    expect(status, stderr).to.equal(0);
    expect(lab.account.snapshots.get("iaso-prod-moving-in")?.database.DBInstanceIdentifier).to.equal(
      "old-iaso-copy",
    );
    expect(readFileSync(join(project, "Pulumi.prod.yaml"), "utf8")).to.match(/databaseMajorVersion: "?17"?/);
  });

  it("copies an unencrypted snapshot encrypted, and continues after a stop at any point", async () => {
    lab.account.databases[0]!.StorageEncrypted = false;
    const { status, stderr } = await run();
    expect(status, stderr).to.equal(0);
    expect(lab.account.snapshots.get("iaso-prod-moving-in-encrypted")?.isEncrypted).to.equal(true);
    expect(readFileSync(join(project, "Pulumi.prod.yaml"), "utf8")).to.include(
      "iaso:databaseSnapshot: iaso-prod-moving-in-encrypted",
    );
    lab.account.snapshots.delete("iaso-prod-moving-in-encrypted");
    await run();
    expect(lab.account.snapshots.size).to.equal(2);
  });

  it("takes no snapshot that somebody else left for the copy", async () => {
    const [live] = lab.account.databases;
    live!.StorageEncrypted = false;
    const foreign = { region: lab.account.region, isEncrypted: true, looks: 0 };
    for (const own of [
      { database: { ...live!, DBInstanceIdentifier: "strangers" } },
      { database: live!, takenAt: new Date("2025-01-01T00:00:00Z") },
    ]) {
      lab.account.snapshots.set("iaso-prod-moving-in-encrypted", { ...foreign, ...own });
      const { status, stderr } = await run();
      expect([status, stderr]).to.match(
        /^1,.*iaso-prod-moving-in-encrypted is no copy of iaso-prod-moving-in/,
      );
    }
  });

  it("waits for each snapshot, and copies to another region", async () => {
    lab.account.looks = 3;
    const lines: string[] = [];
    const place = (region: string) => ({ rds: new RDSClient({ region }), region });
    const taken = await encryptedSnapshot({
      source: place("eu-central-1"),
      target: place("eu-west-3"),
      database: "old-iaso",
      name: "moving",
      env: "prod",
      clock: systemClock,
      poll: 0,
      otherName: "",
      line: (text) => lines.push(text),
    });
    expect(taken.DBSnapshotIdentifier).to.equal("moving-encrypted");
    expect(lab.account.snapshots.get("moving-encrypted")).to.include({
      region: "eu-west-3",
      isEncrypted: true,
    });
    expect(lines).to.deep.equal([
      "Taking the snapshot moving of old-iaso.",
      "moving: 10 %",
      "Copying it encrypted as moving-encrypted to eu-west-3.",
      "moving-encrypted: 10 %",
    ]);
  });

  it("refuses an old PostgreSQL, another account and a wrong name before it takes anything", async () => {
    const untouched = readFileSync(join(project, "Pulumi.prod.yaml"), "utf8");
    const name = await run("--name", "a;b");
    expect(name.stderr).to.include("a;b cannot be the name of a snapshot.");
    lab.account.databases[0]!.EngineVersion = "12.17";
    const missing = await run("--database", "old-iaso-copy");
    expect(missing.stderr).to.include("there is no RDS instance old-iaso-copy in this account and region");
    const old = await run();
    expect(old.stderr)
      .to.include("The database old-iaso runs PostgreSQL 12.17, and Iaso needs 16.")
      .and.include('"An old PostgreSQL"');
    lab.account.id = "999999999999";
    const other = await run();
    expect(other.stderr).to.include("The AWS credentials are for the account 999999999999");
    for (const { status } of [name, old, other]) expect(status).to.equal(1);
    expect(lab.account.snapshots.size).to.equal(0);
    expect(existsSync(join(lab.directory, "iaso-prod-moving-in.snapshot"))).to.equal(false);
    expect(readFileSync(join(project, "Pulumi.prod.yaml"), "utf8")).to.equal(untouched);
  });
});

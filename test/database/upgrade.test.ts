import { expect } from "chai";
import { upgrade } from "../../database/commands/upgrade";
import { EXIT } from "../../database/run";
import { type Session } from "../../database/session";
import { FAULT_KINDS } from "../deploy/double/aws";
import { type Account, createAccount, type Ended, NAME, run } from "./runs";

const upgrading = (session: Session) => upgrade(session, { to: "17", withoutRowCount: false });

function steady(): Account {
  const account = createAccount();
  Object.assign(account.double.rds, { startDelay: () => 20_000, duration: () => 40_000, backupChance: 0 });
  return account;
}

/** Upgrades, and repeats the command after a death or an error. */
async function playUpgrade(account: Account): Promise<(Ended | "killed")[]> {
  const ends = [await run(account, upgrading)];
  const isOver = (end: Ended | "killed" | undefined) => end !== "killed" && end?.code === EXIT.done;
  while (!isOver(ends.at(-1)) && ends.length < 8) ends.push(await run(account, upgrading));
  return ends;
}

/** The problems of an account whose upgrade has ended. */
function mismatches({ double, old }: Account): string[] {
  double.time.now += 6 * 3_600_000;
  const problems: string[] = [];
  const names = double.rds.existing().map(({ name }) => name);
  if (names.join() !== NAME) problems.push(`instances: ${names.join()}`);
  if (old.attributes.EngineVersion !== "17.10")
    problems.push(`version ${String(old.attributes.EngineVersion)}`);
  if (!old.hasStatistics) problems.push("no statistics");
  const snapshot = double.rds.snapshots.find(({ id }) => id.startsWith(`${NAME}-before-17-`));
  if (snapshot?.version !== "16.9") problems.push("no snapshot of the old version");
  return problems;
}

async function ended(account: Account, answers: boolean[] = []): Promise<Ended> {
  const end = await run(account, upgrading, { answers });
  if (end === "killed") throw new Error("nothing kills this run");
  return end;
}

describe("database upgrade", () => {
  it("upgrades a copy, then the database after a snapshot, to the newest minor version", async () => {
    const account = createAccount();
    const { code, output } = await ended(account);
    expect(code, output).to.equal(EXIT.done);
    expect(mismatches(account)).to.deep.equal([]);
    expect(output).to.include("no table differs");
    expect(output).to.include("Extensions: plpgsql 1.0, ltree 1.2, postgis 3.4.3.");
    expect(output).to.include("ALTER EXTENSION ltree UPDATE;").and.not.include("ALTER EXTENSION postgis");
    expect(output).to.include("pulumi config set iaso:databaseMajorVersion 17 --stack staging");
  });

  it("refuses what RDS's check would refuse before it restores a copy, with all reasons and their remedies", async () => {
    const account = createAccount();
    Object.assign(account.old, {
      extensions: { ...account.old.extensions, postgis: "3.4.2", pg_repack: "1.4.8", ltree: "1.1" },
      obstacles: { "prepared-transactions": 1, "logical-replication-slots": 0 },
      postgisError: "could not access file",
      freeGib: 4.9,
    });
    const { code, output } = await ended(account);
    expect(code, output).to.equal(EXIT.refused);
    for (const reason of [
      "Only 4.9 of 50 GiB are free",
      "pulumi config set iaso:databaseMaxStorage 75 --stack staging",
      "ALTER EXTENSION postgis UPDATE",
      "DROP EXTENSION pg_repack",
      "1 prepared transactions. Commit them",
      "PostGIS does not work: could not access file",
    ]) {
      expect(output).to.include(reason);
    }
    expect(output).not.to.include("replication").and.not.include("ltree");
    expect(account.double.rds.existing().map(({ name }) => name)).to.deep.equal([NAME]);
  });

  it("finds too little storage without a count of the rows, and leaves the rest to RDS's check of the copy", async () => {
    for (const [freeGib, code] of [
      [4.9, EXIT.refused],
      [5, EXIT.unfinished],
    ] as const) {
      const account = createAccount();
      Object.assign(account.old, { freeGib, extensions: { ...account.old.extensions, postgis: "3.4.2" } });
      const end = await run(account, (session) => upgrade(session, { to: "17", withoutRowCount: true }));
      expect(end === "killed" ? end : end.code).to.equal(code);
      expect(account.old.attributes.EngineVersion).to.equal("16.9");
    }
  });

  it("does not upgrade the database if PostGIS fails in the upgraded copy", async () => {
    const account = createAccount();
    const { restoreDuration } = account.double.rds;
    account.double.rds.restoreDuration = () => {
      account.double.rds.existing().at(-1)!.postgisError = "undefined symbol";
      return restoreDuration();
    };
    const { code, output } = await ended(account);
    expect(code, output).to.equal(EXIT.unfinished);
    expect(output).to.include("PostGIS fails: undefined symbol");
    expect(account.old.attributes.EngineVersion).to.equal("16.9");
  });

  it("upgrades through the SDK's protocols", async () => {
    const account = createAccount();
    const end = await run(account, upgrading, { route: "sdk" });
    expect(end === "killed" ? end : end.code).to.equal(EXIT.done);
    expect(mismatches(account)).to.deep.equal([]);
  });

  it("restarts the database after Pulumi has given it its parameters", async () => {
    const account = createAccount();
    await ended(account);
    account.old.parameterGroup = { name: "iaso-staging-postgres17", status: "pending-reboot" };
    const { code, output } = await ended(account);
    expect(code, output).to.equal(EXIT.done);
    expect(output).to.include("with the parameters iaso-staging-postgres17");
    expect(account.old.parameterGroup.status).to.equal("in-sync");
  });

  it("changes nothing if the copy cannot be upgraded, or the user answers no", async () => {
    for (const [answers, code] of [
      [[true, false], EXIT.abandoned],
      [[false], EXIT.abandoned],
      [[], EXIT.unfinished],
    ] as const) {
      const account = createAccount();
      account.double.rds.upgradeFails = ({ name }) => answers.length === 0 && name !== NAME;
      const end = await ended(account, [...answers]);
      expect(end.code, end.output).to.equal(code);
      account.double.time.now += 3_600_000;
      expect(account.double.rds.existing().map(({ name }) => name)).to.deep.equal([NAME]);
      expect(account.old.attributes.EngineVersion).to.equal("16.9");
    }
  });

  it("refuses a version that RDS does not offer, and names those that it does", async () => {
    const end = await run(createAccount(), (session) =>
      upgrade(session, { to: "18", withoutRowCount: false }),
    );
    if (end === "killed") throw new Error("nothing kills this run");
    expect(end.code).to.equal(EXIT.refused);
    expect(end.output).to.include("npm run database -- upgrade staging --to 17");
  });

  for (const [status, remedy] of [
    ["stopped", "aws rds start-db-instance --db-instance-identifier iaso-staging"],
    ["storage-full", "--allocated-storage 60"],
    ["failed", "npm run database -- restore staging --to latest"],
  ] as const) {
    it(`is refused at once if the database is ${status}, with a remedy that deletes nothing`, async () => {
      const account = createAccount();
      const { now } = account.double.time;
      account.old.status = status;
      const { code, output } = await ended(account);
      expect(code, output).to.equal(EXIT.refused);
      expect(output).to.include(`iaso-staging is ${status}`).and.include(remedy).and.not.include("delete");
      expect(account.double.time.now - now).to.be.lessThan(600_000);
    });
  }

  it("ends upgraded, with a snapshot and without a copy, with every fault in every call @proof", async () => {
    const undisturbed = steady();
    await playUpgrade(undisturbed);
    const operations = undisturbed.double.calls.map(({ operation }) => operation);
    const failures: string[] = [];
    let runs = 0;
    let seen = "";
    for (const [place, operation] of operations.entries()) {
      if (operation === seen && operation.startsWith("Describe")) continue;
      seen = operation;
      for (const kind of FAULT_KINDS) {
        const account = steady();
        account.double.faults.set(place, kind);
        const ends = await playUpgrade(account);
        runs += 1;
        const problems = mismatches(account);
        const how = ends.map((end) => (end === "killed" ? end : `${end.code} ${end.output.slice(-200)}`));
        if (problems.length > 0) {
          failures.push(`${kind} at ${place} ${operation}: ${problems.join()} (${how.join()})`);
        }
      }
    }
    console.log(`      ${runs} runs, ${failures.length} mismatches`);
    expect(failures).to.deep.equal([]);
  });
});

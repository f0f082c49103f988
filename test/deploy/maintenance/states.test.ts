import { expect } from "chai";
import { KNOWN_MIGRATIONS } from "../../../components/common/artifacts";
import { repair } from "../../../deploy/commands/repair";
import { administer } from "../../database/administrator";
import { ARTIFACTS, type AwsDouble, ENV, PREVIOUS } from "../double/aws";
import { repairing, runDirect } from "../double/runs";
import { maintaining, NAME, NEW, play, prepare, problemsOf, reportOf } from "./scenario";

const repairTo = async (double: AwsDouble, to?: string) =>
  reportOf(await runDirect(double, repairing(to), {}, "shortcut"));

/** A maintenance whose web environment fails, and whose database gets a status while the new version migrates. */
function broken(status: string): AwsDouble {
  const double = prepare({ web: "mixed", worker: "succeeds" });
  const old = double.rds.named(NAME)!;
  double.faultOn = (operation, before) => {
    if (operation === "UpdateEnvironment" && before === 1) old.status = status;
    return undefined;
  };
  return double;
}

describe("deploy --maintenance, whatever the state of the database", () => {
  for (const status of ["failed", "incompatible-parameters", "stopped", "storage-full"]) {
    for (const isBeyondRepair of status === "failed" ? [true] : [false, true]) {
      it(`restores the snapshot if it is ${status} after the migrations, and ${isBeyondRepair ? "deleted" : "repaired"} as the message says`, async () => {
        const double = broken(status);
        const old = double.rds.named(NAME)!;
        const closed = reportOf(await runDirect(double, maintaining(), {}, "shortcut"));
        expect(closed.summary).to.match(
          new RegExp(`${NAME} is ${status}\\..*The site is CLOSED until the repair`),
        );
        administer({ double, old, isBeyondRepair }, closed.summary);
        const repaired = await repairTo(double);
        expect(repaired.outcome, JSON.stringify(repaired)).to.equal("repaired");
        expect(problemsOf(double)).to.deep.equal([]);
        expect(double.web.truth.instances.map(({ label }) => label)).to.include(PREVIOUS);
      });
    }
  }

  it("renames one whose storage is full, if RDS does", async () => {
    const double = broken("storage-full");
    double.rds.changesFull = true;
    const { ends, mismatches } = await play(double);
    expect([reportOf(ends[0]).outcome, mismatches], JSON.stringify(ends)).to.deep.equal(["rolledBack", []]);
  });

  it("restores a snapshot of a database that has grown up to almost its maximum", async () => {
    const double = prepare({ web: "mixed", worker: "succeeds" });
    double.rds.named(NAME)!.attributes["AllocatedStorage"] = 190;
    const { ends, mismatches } = await play(double);
    expect([reportOf(ends[0]).outcome, mismatches], JSON.stringify(ends)).to.deep.equal(["rolledBack", []]);
  });

  it("restores the snapshot again if somebody deletes the restored instance", async () => {
    const double = prepare({ web: "mixed", worker: "succeeds" });
    double.faultOn = (operation, before) => {
      if (operation === "ModifyDBInstance" && before === 1)
        double.rds.named(`${NAME}-restored-1`)!.deleted = true;
      return undefined;
    };
    const { mismatches } = await play(double);
    expect(mismatches).to.deep.equal([]);
  });

  it("keeps the data if no restore works and the user says so, with a version that works with them", async () => {
    const double = prepare({ web: "mixed", worker: "succeeds" });
    double.rds.restoredStatus = () => "incompatible-network";
    for (const report of [
      reportOf(await runDirect(double, maintaining(), {}, "shortcut")),
      await repairTo(double),
    ]) {
      expect(report.summary)
        .to.include("an instance that was incompatible-network in the end")
        .and.include(`npm run deploy -- repair ${ENV} --to <version>`)
        .and.include("The site is CLOSED");
    }
    expect(double.rds.existing()).to.have.lengthOf(1);
    const old = await repairTo(double, PREVIOUS);
    expect(old.summary)
      .to.include(`${PREVIOUS} does not work with the database`)
      .and.include("The site is CLOSED");
    // The cause of the failure is gone.
    double.planNew("succeeds", "succeeds");
    const kept = await repairTo(double, NEW);
    expect([kept.outcome, kept.to], JSON.stringify(kept)).to.deep.equal(["repaired", NEW]);
    expect(problemsOf(double)).to.deep.equal([]);
  });

  for (const migrationsUnchecked of [false, true]) {
    it(`lets instances ${migrationsUnchecked ? "start any version" : "refuse a version that fails on the tables"} if the data are kept`, async () => {
      const double = prepare({ web: "mixed", worker: "succeeds" });
      double.rds.restoredStatus = () => "incompatible-network";
      await runDirect(double, maintaining(), {}, "shortcut");
      const told = new Set<unknown>();
      double.faultOn = (operation) => {
        if (operation === "UpdateEnvironment" || operation === "DeleteRule")
          told.add(double.s3.json(ARTIFACTS, KNOWN_MIGRATIONS)?.["mustFit"]);
        return undefined;
      };
      const keep = async () =>
        reportOf(
          await runDirect(
            double,
            (session) => repair(session, { to: NEW, migrationsUnchecked }),
            {},
            "shortcut",
          ),
        );
      const { summary } = await keep();
      expect(summary).to.include(`${NEW} does not work with the database`).and.include("The site is CLOSED");
      expect(summary.includes("add --migrations-unchecked to the command")).to.equal(!migrationsUnchecked);
      double.planNew("succeeds", "succeeds");
      expect((await keep()).outcome).to.equal("repaired");
      expect([...told]).to.deep.equal([migrationsUnchecked ? null : NEW]);
      expect(problemsOf(double)).to.deep.equal([]);
    });
  }

  it("keeps the data if the user says so in the middle of the swap", async () => {
    const double = prepare({ web: "mixed", worker: "succeeds" });
    double.faultOn = (operation, before) =>
      operation === "ModifyDBInstance" && before === 1 ? "killAfter" : undefined;
    expect(await runDirect(double, maintaining(), {}, "shortcut")).to.equal("killed");
    double.faultOn = () => undefined;
    double.time.now += 400_000;
    double.planNew("succeeds", "succeeds");
    const kept = await repairTo(double, NEW);
    expect([kept.outcome, kept.to], JSON.stringify(kept)).to.deep.equal(["repaired", NEW]);
    expect(problemsOf(double)).to.deep.equal([]);
    expect(double.rds.existing().map(({ name }) => name)).to.deep.equal([NAME]);
  });

  for (const status of ["failed", "gone"]) {
    it(`keeps the restored database if the old one is ${status} and the user wants its data`, async () => {
      const double = broken("failed");
      const old = double.rds.named(NAME)!;
      await runDirect(double, maintaining(), {}, "shortcut");
      old.deleted = status === "gone";
      const refused = await repairTo(double, NEW);
      expect(refused.summary)
        .to.include("iaso-staging-restored-1 may be the only database that works, and is not deleted")
        .and.include("The site is CLOSED");
      expect(double.rds.named(`${NAME}-restored-1`)?.status).to.match(/^(available|backing-up)$/);
      administer({ double, old, isBeyondRepair: true }, refused.summary);
      expect(old.deleted).to.equal(true);
      const repaired = await repairTo(double);
      expect([repaired.outcome, problemsOf(double)], JSON.stringify(repaired)).to.deep.equal([
        "repaired",
        [],
      ]);
    });
  }

  it("is refused before anything is closed if the database is not available", async () => {
    const double = prepare({ web: "succeeds", worker: "succeeds" });
    double.rds.named(NAME)!.status = "storage-full";
    const report = reportOf(await runDirect(double, maintaining(), {}, "shortcut"));
    expect([report.outcome, report.summary]).to.match(
      /^refused,.*is storage-full.*aws rds modify-db-instance/,
    );
    expect(double.calls.map(({ operation }) => operation)).not.to.include("CreateRule");
  });
});

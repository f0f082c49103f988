import { expect } from "chai";
import { rollback } from "../../../deploy/commands/rollback";
import { status } from "../../../deploy/commands/status";
import { EXIT } from "../../../deploy/exitCodes";
import { PAGE } from "../../../deploy/maintenance/page";
import { exitCode } from "../../../deploy/output/report";
import { ARTIFACTS, type AwsDouble, ENV, PREVIOUS } from "../double/aws";
import { deployRole } from "../double/authorization";
import { QUEUE_POLICY } from "../double/queue";
import { builtVersion, deployment, repairing, runDirect } from "../double/runs";
import {
  maintaining,
  NAME,
  NEW,
  openByHand,
  type Plan,
  play,
  prepare,
  problemsOf,
  reportOf,
} from "./scenario";

const SUCCEEDS: Plan = { web: "succeeds", worker: "succeeds" };

const run = async (double: AwsDouble, command: Parameters<typeof runDirect>[1]) =>
  reportOf(await runDirect(double, command, {}, "shortcut"));

/** A maintenance that a fault kills at the second call of an operation after the switch began. */
async function killedDuringSwitch(double: AwsDouble): Promise<void> {
  double.faultOn = (operation, before) =>
    operation === "UpdateEnvironment" && before === 1 ? "killAfter" : undefined;
  expect(await runDirect(double, maintaining(), {}, "shortcut")).to.equal("killed");
  double.faultOn = () => undefined;
}

describe("deploy --maintenance", () => {
  it("closes the site, deploys incompatible migrations without a failed request, and opens the site", async () => {
    const { double, ends, mismatches } = await play(prepare(SUCCEEDS), "sdk");
    const report = reportOf(ends[0]);
    expect([report.outcome, mismatches], JSON.stringify(report)).to.deep.equal(["deployed", []]);
    expect(report.to).to.equal(NEW);
    expect(report.notes?.[0]).to.match(/^The site was closed for \d+ min/);
    expect(double.users).to.include({ failures: 0 });
    expect(double.users?.refused).to.be.greaterThan(10);
    expect(double.rds.snapshots.map(({ id }) => id)).to.deep.equal([report.restorePoint?.snapshot]);
    expect(double.queue.policy).to.equal(QUEUE_POLICY);
  });

  it("makes requests fail without the option, as the check of the migrations says", async () => {
    const double = prepare(SUCCEEDS);
    double.beanstalk.timing.perInstance = () => 60_000;
    const { build } = builtVersion();
    const report = await run(double, deployment(build, { migrationsUnchecked: true }));
    expect(report.outcome).to.equal("deployed");
    expect(double.users?.failures).to.be.greaterThan(0);
  });

  it("shows a page that the load balancer accepts", () => {
    expect(Buffer.byteLength(PAGE)).to.be.lessThanOrEqual(1024);
    expect(PAGE).to.include('http-equiv="refresh"');
    expect(/[^\p{L}\p{P}\p{Zs}\p{S}\p{N}\n]/u.test(PAGE)).to.equal(false);
  });

  for (const [web, worker] of [
    ["mixed", "succeeds"],
    ["succeeds", "rolledBack"],
    ["degrades", "succeeds"],
    ["succeeds", "degrades"],
    ["hangs", "hangs"],
  ] as const) {
    it(`restores the version and the data if web ${web} and worker ${worker}`, async () => {
      const { ends, mismatches } = await play(prepare({ web, worker }), "sdk");
      const report = reportOf(ends[0]);
      expect([report.outcome, mismatches], JSON.stringify(report)).to.deep.equal(["rolledBack", []]);
      expect(exitCode(report)).to.equal(EXIT.rolledBack);
      expect(report.notes?.join()).to.include("npm run database -- delete-replaced staging");
    });
  }

  it("opens the site and changes nothing if tasks do not end in time", async () => {
    const double = prepare(SUCCEEDS);
    double.tasksInFlight = [1];
    const { ends, mismatches } = await play(double);
    const report = reportOf(ends[0]);
    expect([report.outcome, mismatches]).to.deep.equal(["refused", []]);
    expect(report.summary).to.match(/1 background task runs.* after 10 min/);
    expect([double.web.updates, double.worker.updates, double.rds.snapshots]).to.deep.equal([[], [], []]);
  });

  it("refuses before it closes anything if another rule has the priority", async () => {
    const double = prepare(SUCCEEDS);
    double.balancing.addForeign(1);
    const report = reportOf(await runDirect(double, maintaining(), {}, "sdk"));
    expect([report.outcome, report.remedy]).to.match(/^refused,aws elbv2 set-rule-priorities/);
    expect(double.calls.map(({ operation }) => operation)).not.to.include("CreateRule");
  });

  it("opens the site again if a request to close it takes effect after the others were undone", async () => {
    for (const late of ["CreateRule", "SetQueueAttributes"]) {
      const double = prepare(SUCCEEDS);
      const [fails, before] = late === "CreateRule" ? ["SetQueueAttributes", 0] : ["DescribeRules", 3];
      double.faultOn = (operation, times) => {
        if (operation === late && times <= 1) return times === 0 ? "timeoutLate" : undefined;
        return operation === fails && times === before ? "error" : undefined;
      };
      const { ends, mismatches } = await play(double);
      expect([reportOf(ends[0]).outcome, mismatches], late).to.deep.equal(["failed", []]);
    }
  });

  it("gives up if a slow request ends while the snapshot is taken, which the snapshot lacks", async () => {
    const double = prepare({ web: "mixed", worker: "succeeds" });
    double.faultOn = (operation) => {
      if (operation === "CreateDBSnapshot") double.users?.begin(30_000);
      return undefined;
    };
    const { ends, mismatches } = await play(double);
    expect([reportOf(ends[0]).outcome, mismatches]).to.deep.equal(["refused", []]);
    expect(reportOf(ends[0]).summary).to.match(/A slow request wrote to the database/);
  });

  it("gives up if somebody opens the queue before the switch", async () => {
    const double = prepare(SUCCEEDS);
    double.faultOn = (operation) => {
      // pulumi up resets the policy.
      if (operation === "CreateDBSnapshot") {
        double.queue.setAttributes(new URLSearchParams({ "Attributes.Policy": QUEUE_POLICY }));
      }
      return undefined;
    };
    const { ends, mismatches } = await play(double);
    const report = reportOf(ends[0]);
    expect([report.outcome, mismatches]).to.deep.equal(["refused", []]);
    expect(report.summary).to.match(/Somebody opened the site/);
  });

  it("stays closed and says so while RDS refuses the restore, until repair completes it", async () => {
    const double = prepare({ web: "mixed", worker: "succeeds" });
    double.rds.instanceQuota = 1;
    const report = await run(double, maintaining());
    expect([exitCode(report), report.summary]).to.match(/^6,.*InstanceQuotaExceeded.*The site is CLOSED/);
    expect(report.remedy).to.equal(`npm run deploy -- repair ${ENV}`);
    double.rds.instanceQuota = 40;
    const repaired = await run(double, repairing());
    expect([repaired.outcome, repaired.to]).to.deep.equal(["repaired", PREVIOUS]);
    expect(problemsOf(double)).to.deep.equal([]);
  });

  it("shows an unfinished maintenance, refuses other commands, and ends by repair", async () => {
    const double = prepare(SUCCEEDS);
    await killedDuringSwitch(double);
    double.time.now += 400_000;
    const shown = await run(double, status);
    expect(shown.notes?.[0]).to.match(/^The site is CLOSED for maintenance since .*phase switching/);
    expect(shown.remedy).to.equal(`npm run deploy -- repair ${ENV}`);
    const { build } = builtVersion("3.0.0");
    for (const command of [
      deployment(build),
      (session: Parameters<typeof status>[0]) =>
        rollback(session, { runningTasks: "wait", migrationsUnchecked: false }),
      repairing(PREVIOUS),
    ]) {
      const refused = await run(double, command);
      expect([refused.outcome, refused.summary]).to.match(/^refused,The maintenance of/);
    }
    const repaired = await run(double, repairing());
    expect([repaired.outcome, repaired.to], JSON.stringify(repaired)).to.deep.equal(["repaired", NEW]);
    expect(problemsOf(double)).to.deep.equal([]);
    expect(JSON.stringify(await run(double, status))).not.to.include("CLOSED");
  });

  it("does not restore by a record that the role with which CI deploys could have forged", async () => {
    const killed = prepare({ web: "mixed", worker: "succeeds" });
    killed.faultOn = (operation) => (operation.startsWith("RestoreDB") ? "killBefore" : undefined);
    await runDirect(killed, maintaining(), {}, "shortcut");
    const record = killed.s3.json(ARTIFACTS, `restores/${ENV}/00000001.json`);
    expect(record).to.include({ phase: "restoring" });
    const double = prepare(SUCCEEDS);
    const write = (key: string, body: object) => {
      double.s3.write(ARTIFACTS, key, JSON.stringify(body));
    };
    write(`journal/${ENV}/00000001.json`, record ?? {});
    const free = { holder: null, expiresAt: null, version: null, previous: null };
    write(`locks/${ENV}.json`, { ...free, env: ENV, token: 1, openJournal: 1 });
    const repaired = await run(double, repairing());
    expect(repaired.to).to.equal(PREVIOUS);
    expect(double.calls.map(({ operation }) => operation)).not.to.include.members(["ModifyDBInstance"]);
    expect(double.rds.existing()).to.have.lengthOf(1);
    expect(problemsOf(double)).to.deep.equal([]);
  });

  it("takes no snapshot for its own that was there before: it lacks what users wrote until the closure", async () => {
    const double = prepare({ web: "mixed", worker: "succeeds" });
    double.faultOn = (operation, before) => {
      if (operation === "CreateRule" && before === 0) {
        const record = double.s3.json(ARTIFACTS, `restores/${ENV}/00000001.json`);
        const { source } = record!["maintenance"] as { source: { snapshot: string } };
        double.rds.snapshots.push({
          ...{ id: source.snapshot, instance: `iaso-${ENV}`, at: double.time.now, status: "available" },
          ...{ version: "16.9", rows: {}, password: "" },
        });
      }
      return undefined;
    };
    const { ends, mismatches } = await play(double);
    const report = reportOf(ends[0]);
    expect([report.outcome, mismatches]).to.deep.equal(["refused", []]);
    expect(report.summary).to.match(/There is a snapshot iaso-staging-before-.* already/);
    expect([double.web.updates, double.worker.updates]).to.deep.equal([[], []]);
  });

  it("restores no snapshot of a site that somebody opened since, and keeps the data if the user says so", async () => {
    const double = prepare(SUCCEEDS);
    double.faultOn = (operation, before) =>
      operation === "UpdateEnvironment" && before === 1 ? "killBefore" : undefined;
    expect(await runDirect(double, maintaining(), {}, "shortcut")).to.equal("killed");
    double.faultOn = () => undefined;
    double.time.now += 400_000;
    const refused = await run(double, repairing(NEW));
    expect([refused.outcome, refused.summary]).to.match(/^refused,.*decides which version runs/);
    // As after a run that ended otherwise: the lock points to an old record. Then a later run has closed the site again.
    const closedByLater = double.queue.policy.replace(/ClosedForMaintenance\d+/, "ClosedForMaintenance99");
    expect(closedByLater).not.to.equal(double.queue.policy);
    for (const policy of [QUEUE_POLICY, closedByLater]) {
      double.queue.setAttributes(new URLSearchParams({ "Attributes.Policy": policy }));
      double.time.now += 400_000;
      const old = await run(double, repairing());
      expect([old.outcome, old.summary]).to.match(/^refused,.*users may have written since/);
      expect(double.rds.existing()).to.have.lengthOf(1);
    }
    const kept = await run(double, repairing(NEW));
    expect([kept.outcome, kept.to], JSON.stringify(kept)).to.deep.equal(["repaired", NEW]);
    expect(double.rds.existing()).to.have.lengthOf(1);
    expect(problemsOf(double)).to.deep.equal([]);
  });

  for (const what of ["site", "queue"] as const) {
    it(`restores nothing if somebody opens the ${what} during a switch that fails, and tells the way out`, async () => {
      const double = prepare({ web: "rolledBack", worker: "succeeds" });
      double.faultOn = (operation, before) => {
        if (operation !== "UpdateEnvironment" || before !== 1) return undefined;
        openByHand(double, what);
        return undefined;
      };
      const report = await run(double, maintaining());
      expect([exitCode(report), report.summary]).to.match(
        /^6,.*users may have written since .*repair staging --to <version>.*The site is CLOSED until the repair/,
      );
      expect(double.rds.existing()).to.have.lengthOf(1);
      double.faultOn = () => undefined;
      // The site is closed again, and a repair does not forget it.
      double.time.now += 400_000;
      const repaired = await run(double, repairing());
      expect([repaired.outcome, repaired.summary]).to.match(/^refused,.*users may have written since/);
      const { failures } = double.users!;
      const failed = await run(double, repairing(NEW));
      expect([exitCode(failed), failed.summary]).to.match(
        /^6,.* does not work with the database: .*The site is CLOSED until the repair/,
      );
      expect(double.balancing.existing()).to.have.lengthOf(2);
      double.beanstalk.plan(`iaso-${ENV}`, NEW, "succeeds");
      const kept = await run(double, repairing(NEW));
      expect(double.users).to.include({ failures });
      expect([kept.outcome, kept.to], JSON.stringify(kept)).to.deep.equal(["repaired", NEW]);
      expect(double.rds.existing()).to.have.lengthOf(1);
      expect(problemsOf(double)).to.deep.equal([]);
    });
  }

  for (const [what, call, before] of [
    ["site", "RestoreDBInstanceFromDBSnapshot", 0],
    ["queue", "RestoreDBInstanceFromDBSnapshot", 0],
    ["site", "ModifyDBInstance", 0],
  ] as const) {
    it(`loses nothing if somebody opens the ${what} at ${call}, and the old version works on the new tables`, async () => {
      const double = prepare({ web: "rolledBack", worker: "succeeds" });
      double.users!.compatible = true;
      double.faultOn = (operation, times) => {
        if (operation === call && times === before) openByHand(double, what);
        return undefined;
      };
      const report = await run(double, maintaining());
      expect([exitCode(report), report.summary], JSON.stringify(report)).to.match(
        /^6,.*users may have written since .*repair staging --to <version>.*The site is CLOSED until the repair/,
      );
      expect(report.summary).not.to.include("To keep the data instead");
      expect([double.balancing.existing().length, double.queue.policy]).to.match(
        /^2,.*ClosedForMaintenance1"/,
      );
      expect(double.rds.existing().map(({ name }) => name)).to.deep.equal([NAME, `${NAME}-restored-1`]);
      double.faultOn = () => undefined;
      double.time.now += 400_000;
      const repaired = await run(double, repairing());
      expect([repaired.outcome, repaired.summary]).to.match(/^refused,.*users may have written since/);
      const kept = await run(double, repairing(PREVIOUS));
      expect([kept.outcome, kept.to], JSON.stringify(kept)).to.deep.equal(["repaired", PREVIOUS]);
      // The rollback has started it in any case.
      expect(kept.notes?.join()).to.include("no instance has checked").and.include("redeploy staging");
      expect(problemsOf(double)).to.deep.equal([]);
    });
  }

  it("needs each of its permissions, and changes nothing without them", async () => {
    const { role } = prepare(SUCCEEDS);
    const missing = ["ShowMaintenancePage", "StopTasks"].map((sid) => role.without(sid));
    for (const lacking of [...missing, deployRole(ENV)]) {
      const double = prepare(SUCCEEDS);
      double.role = lacking;
      const report = await run(double, maintaining());
      expect([report.outcome, report.summary]).to.match(
        /^failed,.*(elasticloadbalancing:CreateRule|sqs:SetQueueAttributes|s3:PutObject)/,
      );
      expect(double.web.updates).to.deep.equal([]);
      expect(problemsOf(double)).to.deep.equal([]);
    }
  });
});

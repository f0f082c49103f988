import { expect } from "chai";
import { type Report } from "../../deploy/output/report";
import { snapshotIdentifier } from "../../deploy/restorePoint";
import { ARTIFACTS, AwsDouble, ENV } from "./double/aws";
import { VirtualClock } from "./double/clocks";
import { builtVersion, deployment, runDirect, silentProgress } from "./double/runs";

const { build } = builtVersion();

async function deployTo(change: (double: AwsDouble) => void, snapshot: boolean) {
  const double = new AwsDouble();
  double.describeTarget();
  double.addPair();
  change(double);
  const lines: string[] = [];
  const progress = silentProgress(new VirtualClock(double.time), lines);
  const report = (await runDirect(
    double,
    deployment(build, { snapshot }),
    { progress },
    "shortcut",
  )) as Report;
  return { double, report, output: lines.join("\n") };
}

describe("deploy/restorePoint", () => {
  it("records the time before the switch in the journal and in the report of a failure", async () => {
    const { double, report } = await deployTo((account) => {
      account.planNew("rolledBack", "succeeds");
    }, false);
    const switched = double.calls.find(({ operation }) => operation === "UpdateEnvironment")!.at;
    expect(Date.parse(report.restorePoint!.time)).to.be.at.most(switched);
    expect(report.notes!.join(" ")).to.contain(report.restorePoint!.time);
    expect(double.s3.json(ARTIFACTS, `journal/${ENV}/00000001.json`)).to.deep.include({
      phase: "rolledBack",
      restorePoint: report.restorePoint,
    });
  });

  it("takes a snapshot, and waits for it before the switch", async () => {
    const { double, report } = await deployTo(() => undefined, true);
    expect(double.rds.snapshots.map(({ id }) => id)).to.deep.equal([report.restorePoint!.snapshot]);
    const operations = double.calls.map(({ operation }) => operation);
    expect(operations.indexOf("DescribeDBSnapshots")).to.be.below(operations.indexOf("UpdateEnvironment"));
  });

  it("accepts its snapshot if the answer to the request was lost", async () => {
    const { double, report } = await deployTo((account) => {
      account.faultOn = (operation, before) =>
        operation === "CreateDBSnapshot" && before === 0 ? "timeoutAfter" : undefined;
    }, true);
    expect(report.outcome).to.equal("deployed");
    expect(double.rds.snapshots).to.have.length(1);
  });

  it("warns of a database without backups", async () => {
    const { output } = await deployTo(
      (account) => (account.rds.named("iaso-staging")!.attributes.BackupRetentionPeriod = 0),
      false,
    );
    expect(output).to.contain("keeps no backups");
  });

  it("makes identifiers that RDS accepts", () => {
    const identifier = snapshotIdentifier(
      "prod",
      "2026.01_rc+1-0a1b2c3d",
      new Date(Date.UTC(2026, 0, 2, 3, 4)),
    );
    expect(identifier).to.equal("iaso-prod-before-2026-01-rc-1-0a1b2c3d-202601020304");
  });
});

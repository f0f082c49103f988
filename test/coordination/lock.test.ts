import { expect } from "chai";
import { LEASE } from "../../coordination/lock";
import { ARTIFACTS, AwsDouble, ENV, PREVIOUS } from "../deploy/double/aws";
import { ScaledTime, scaledClock, VirtualClock } from "../deploy/double/clocks";
import { type BuiltVersion } from "../../deploy/commands/deploy";
import { builtVersion, deployment, mismatches, repairing, runWith } from "../deploy/double/runs";
import { NEW, prepareDouble } from "../deploy/double/scenario";
import { createShortcutClients } from "../deploy/double/shortcut";
import { type Report } from "../../deploy/output/report";

const { build } = builtVersion();
const KEY = `locks/${ENV}.json`;

describe("coordination/lock", () => {
  it("lets one of two deployments through, and names the other's owner", async () => {
    const time = new ScaledTime(100);
    const double = new AwsDouble(1, time);
    double.describeTarget();
    double.addPair();
    const run = (by: string): Promise<Report> => {
      const clients = createShortcutClients({ double, dead: false, onKill: () => undefined });
      return runWith({ clients, clock: scaledClock(time), by }, deployment(build));
    };
    const reports = await Promise.all([run("first"), run("second")]);
    const outcomes = reports.map(({ outcome }) => outcome).sort();
    expect(outcomes).to.deep.equal(["deployed", "locked"]);
    const refused = reports.find(({ outcome }) => outcome === "locked");
    expect(refused?.summary).to.match(
      /^(first|second) has been running "deploy 2\.0\.0-[0-9a-f]{16}" on staging since/,
    );
    expect(double.web.updates).to.deep.equal([NEW]);
    expect(double.worker.updates).to.deep.equal([NEW]);
    expect(mismatches(double, [NEW])).to.deep.equal([]);
  });

  it("refuses while another run renews its lock", async () => {
    const double = prepareDouble({ web: "succeeds", worker: "succeeds" });
    const store = (expiresAt: number): void => {
      const body = JSON.stringify({
        env: ENV,
        token: 7,
        holder: { by: "alice", command: "deploy 3.0", since: "2026-01-05T07:59:00.000Z" },
        expiresAt: new Date(expiresAt).toISOString(),
        openJournal: 7,
        version: null,
        previous: null,
      });
      double.s3.write(ARTIFACTS, KEY, body);
    };
    store(double.time.now + LEASE);
    const clock = new VirtualClock(double.time);
    clock.every(30_000, () => {
      store(double.time.now + LEASE);
      return Promise.resolve();
    });
    const clients = createShortcutClients({ double, dead: false, onKill: () => undefined });
    const report = await runWith({ clients, clock }, repairing());
    expect(report.outcome).to.equal("locked");
    expect(report.summary).to.contain('alice has been running "deploy 3.0" on staging');
    expect(double.web.updates).to.deep.equal([]);
  });

  it("stops a run before its next change if another run has its lock", async () => {
    const double = prepareDouble({ web: "succeeds", worker: "succeeds" });
    const slow = createShortcutClients({ double, dead: false, onKill: () => undefined });
    let takenOver: Report | undefined;
    // The first run sleeps through its lease while it looks at the tasks; meanwhile another one deploys.
    const stalled = async (): Promise<BuiltVersion> => build({} as never, () => undefined);
    const clock = new VirtualClock(double.time);
    double.tasksInFlight = [1, 0];
    const sleep = clock.sleep.bind(clock);
    clock.every = () => () => undefined;
    clock.sleep = async (milliseconds) => {
      const waiting = double.calls.at(-1)?.operation === "GetParameter";
      if (!waiting || takenOver !== undefined) return sleep(milliseconds);
      double.time.now += LEASE + 60_000;
      const clients = createShortcutClients({ double, dead: false, onKill: () => undefined });
      takenOver = await runWith(
        { clients, clock: new VirtualClock(double.time), by: "second" },
        deployment(build),
      );
    };
    const report = await runWith({ clients: slow, clock }, deployment(stalled));
    expect(takenOver?.outcome).to.equal("deployed");
    expect(report.outcome).to.equal("unfinished");
    expect(report.summary).to.contain("has taken the lock");
    expect(double.web.updates).to.deep.equal([NEW]);
    expect(mismatches(double, [NEW, PREVIOUS])).to.deep.equal([]);
  });

  it("starts again from the journal if somebody has deleted the lock", async () => {
    const double = prepareDouble({ web: "succeeds", worker: "succeeds" });
    const run = (): Promise<Report> => {
      const clients = createShortcutClients({ double, dead: false, onKill: () => undefined });
      return runWith({ clients, clock: new VirtualClock(double.time) }, deployment(build));
    };
    await run();
    double.s3.remove(ARTIFACTS, KEY);
    await run();
    expect(double.s3.json(ARTIFACTS, KEY)).to.deep.include({ token: 2, holder: null });
  });
});

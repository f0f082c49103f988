import { expect } from "chai";
import { longestSwitch } from "../../deploy/credentials";
import { rollback } from "../../deploy/commands/rollback";
import { status } from "../../deploy/commands/status";
import { DEFAULT_LIMITS } from "../../deploy/session";
import { PREVIOUS } from "./double/aws";
import { ScaledTime } from "./double/clocks";
import { runCli } from "./double/cli";
import { builtVersion, deployment, type End, mismatches, runDirect } from "./double/runs";
import { NEW, prepareDouble } from "./double/scenario";
import { serve } from "./double/server";

const { build } = builtVersion();
const SWITCH = longestSwitch(DEFAULT_LIMITS);
const BEFORE = DEFAULT_LIMITS.version + DEFAULT_LIMITS.tasks;

function prepare() {
  return prepareDouble({ web: "rolledBack", worker: "succeeds" });
}

function summaryOf(end: End): string {
  return end === "killed" ? end : end.summary;
}

describe("deploy/credentials", () => {
  it("refuses a deployment before the build if the credentials end before a rollback could", async () => {
    const double = prepare();
    const credentialsEnd = double.time.now + BEFORE + SWITCH - 1;
    let built = false;
    const end = await runDirect(
      double,
      deployment((...args) => {
        built = true;
        return build(...args);
      }),
      { credentialsEnd },
    );
    expect(end).to.deep.include({ outcome: "refused" });
    expect(summaryOf(end)).to.include(`end in 2 h 15 min, at ${new Date(credentialsEnd).toISOString()}`);
    expect(built).to.equal(false);
    expect(mismatches(double, [PREVIOUS])).to.deep.equal([]);
  });

  it("refuses the switch if the build took too long, with web and worker unchanged", async () => {
    const double = prepare();
    double.sessionEnd = double.time.now + BEFORE + SWITCH;
    const slowBuild: typeof build = async (...args) => {
      double.time.now += BEFORE + 60_000;
      return build(...args);
    };
    const end = await runDirect(double, deployment(slowBuild), { credentialsEnd: double.sessionEnd });
    expect(end).to.deep.include({ outcome: "refused" });
    expect(double.web.updates).to.deep.equal([]);
    expect(mismatches(double, [PREVIOUS])).to.deep.equal([]);
  });

  it("deploys, and rolls back a version that fails, within a session that is long enough", async () => {
    const double = prepare();
    double.sessionEnd = double.time.now + BEFORE + SWITCH;
    const end = await runDirect(double, deployment(build), { credentialsEnd: double.sessionEnd });
    expect(end).to.deep.include({ outcome: "rolledBack" });
    double.sessionEnd = Infinity;
    expect(mismatches(double, [PREVIOUS])).to.deep.equal([]);
  });

  it("refuses a rollback that the credentials would not outlast", async () => {
    const double = prepareDouble({ web: "succeeds", worker: "succeeds" });
    await runDirect(double, deployment(build));
    const end = await runDirect(
      double,
      (session) => rollback(session, { runningTasks: "wait", migrationsUnchecked: false }),
      {
        credentialsEnd: double.time.now + SWITCH,
      },
    );
    expect(end).to.deep.include({ outcome: "refused" });
    expect(double.web.updates).to.deep.equal([NEW]);
  });

  it("would be left on two versions by a session that ends during the switch", async () => {
    const double = prepare();
    double.sessionEnd = double.time.now + 30_000;
    const limits = { update: 120_000, health: 60_000 };
    const end = await runDirect(double, deployment(build), { limits });
    expect(end).not.to.deep.include({ outcome: "rolledBack" });
    expect(mismatches(double, [PREVIOUS])).not.to.deep.equal([]);
  });

  it("says of a session that has ended that the credentials are not valid", async () => {
    const double = prepare();
    double.sessionEnd = 0;
    const end = await runDirect(double, status);
    expect(summaryOf(end)).to.include("There are no valid AWS credentials: ExpiredToken");
  });

  it("reads the end from AWS_CREDENTIAL_EXPIRATION", async () => {
    const time = new ScaledTime(60);
    const double = prepareDouble({ web: "succeeds", worker: "succeeds" });
    const running = await serve(double);
    double.describeTarget(running.url);
    const run = (expiration: string) =>
      runCli(running, time, ["rollback", "staging", "--to", PREVIOUS], {
        environment: { AWS_CREDENTIAL_EXPIRATION: expiration },
      });
    try {
      const soon = new Date(time.now + 10 * 60_000).toISOString();
      const refused = await run(soon);
      expect(refused.code).to.equal(2);
      expect(refused.stderr).to.include(`at ${soon}`).and.include("role-duration-seconds");
      expect((await run("tomorrow")).stderr).to.include("AWS_CREDENTIAL_EXPIRATION is not a time.");
      const unlimited = await run("");
      expect(unlimited.stdout).to.include(`already runs ${PREVIOUS}`);
    } finally {
      await running.stop();
    }
  });
});

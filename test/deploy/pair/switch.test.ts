import { expect } from "chai";
import { ARTIFACTS, ENV, PREVIOUS, type AwsDouble } from "../double/aws";
import {
  builtVersion,
  deployment,
  type End,
  mismatches,
  repairing,
  runDirect,
  silentProgress,
} from "../double/runs";
import { VirtualClock } from "../double/clocks";
import { NEW, prepareDouble } from "../double/scenario";
import { find, optionsOf, previewOf } from "../../support";

const { build } = builtVersion();

function outcomeOf(end: End): string {
  return end === "killed" ? end : end.outcome;
}

/** The run that judged a switch is killed, and repair lets the switch stand. */
async function standsAfterKill(double: AwsDouble): Promise<void> {
  double.faultOn = (operation, before) =>
    operation === "DescribeEvents" && before === 1 ? "killBefore" : undefined;
  expect(await runDirect(double, deployment(build))).to.equal("killed");
  double.faultOn = () => undefined;
  await runDirect(double, repairing());
  expect(mismatches(double, [NEW])).to.deep.equal([]);
}

describe("deploy/pair/switch", () => {
  it("asks for both updates before either has ended", async () => {
    const double = prepareDouble({ web: "succeeds", worker: "succeeds" });
    await runDirect(double, deployment(build));
    const updates = double.calls.filter(({ operation }) => operation === "UpdateEnvironment");
    expect(updates).to.have.length(2);
    expect(updates[0]!.at).to.equal(updates[1]!.at);
    expect(mismatches(double, [NEW])).to.deep.equal([]);
  });

  it("publishes static files, bundle and version before any environment is touched", async () => {
    const double = prepareDouble({ web: "succeeds", worker: "succeeds" });
    await runDirect(double, deployment(build));
    const operations = double.calls.map(({ operation }) => operation);
    const first = operations.indexOf("UpdateEnvironment");
    expect(operations.indexOf("CreateApplicationVersion")).to.be.within(1, first);
    expect(operations.indexOf("GetBucketVersioning")).to.be.within(1, first);
    expect(operations.indexOf("GetQueueAttributes")).to.be.within(1, first);
    expect(operations.indexOf("DescribeDBInstances")).to.be.within(1, first);
  });

  it("does not trust the label: instances left on two versions are brought to one", async () => {
    const double = prepareDouble({ web: "mixed", worker: "succeeds" });
    const end = await runDirect(double, deployment(build));
    expect(outcomeOf(end)).to.equal("rolledBack");
    // The label was back by itself; the instances were not.
    expect(double.web.updates).to.deep.equal([NEW, PREVIOUS]);
    expect(mismatches(double, [PREVIOUS])).to.deep.equal([]);
  });

  it("takes back a version that makes an environment unhealthy, and says what was unhealthy", async () => {
    const double = prepareDouble({ web: "succeeds", worker: "degrades" });
    const end = await runDirect(double, deployment(build));
    expect(end).to.deep.include({
      outcome: "rolledBack",
      causes: ["worker (iaso-staging-worker) is unhealthy (Severe)."],
    });
    expect(mismatches(double, [PREVIOUS])).to.deep.equal([]);
  });

  for (const [before, end, outcome] of [
    ["Ok", "warns", "rolledBack"],
    ["Warning", "succeeds", "deployed"],
    ["Warning", "warns", "deployed"],
    ["Warning", "degrades", "rolledBack"],
    ["Degraded", "warns", "deployed"],
    ["Degraded", "degrades", "rolledBack"],
  ] as const) {
    it(`judges what changed: ${before} before a version that ${end} is ${outcome}`, async () => {
      const double = prepareDouble({ web: end, worker: "succeeds" });
      double.web.bestHealth = () => before;
      const report = await runDirect(double, deployment(build));
      expect(outcomeOf(report)).to.equal(outcome);
      if (outcome === "deployed")
        expect(report).to.have.deep.property("notes", [
          `web is ${before}, not worse than before the deployment.`,
        ]);
      expect(mismatches(double, [outcome === "deployed" ? NEW : PREVIOUS])).to.deep.equal([]);
    });
  }

  it("deploys to an unhealthy environment with --allow-unhealthy only a version that makes it better", async () => {
    for (const [after, outcome] of [
      ["Warning", "deployed"],
      ["Severe", "rolledBack"],
    ] as const) {
      const double = prepareDouble({ web: "succeeds", worker: "succeeds" });
      const { web } = double;
      web.bestHealth = () => (web.truth.label === NEW ? after : "Severe");
      expect(outcomeOf(await runDirect(double, deployment(build)))).to.equal("refused");
      const end = await runDirect(double, deployment(build, { allowUnhealthy: true }));
      expect(outcomeOf(end), after).to.equal(outcome);
    }
  });

  it("lets a switch stand that changed nothing for the worse, when the run that judged it was killed", async () => {
    const double = prepareDouble({ web: "succeeds", worker: "succeeds" });
    double.worker.bestHealth = () => "Warning";
    await standsAfterKill(double);
  });

  describe("client errors (4xx) of users and scanners", () => {
    /** Six of ten requests are wrong from the moment at which the update begins. */
    async function deployWithClientErrors(healthRules: string | undefined): Promise<End> {
      const double = prepareDouble({ web: "succeeds", worker: "succeeds" });
      const { web } = double;
      if (healthRules !== undefined) web.settings.healthRules = healthRules;
      web.clientErrors = () => (web.updates.length > 0 ? 0.6 : 0);
      return runDirect(double, deployment(build));
    }

    it("do not fail a deployment, by the health rules of the program", async () => {
      const web = find(await previewOf("staging"), "aws:elasticbeanstalk/environment:Environment", "web");
      const rules = optionsOf(web)["aws:elasticbeanstalk:healthreporting:system ConfigDocument"];
      expect(outcomeOf(await deployWithClientErrors(rules as string))).to.equal("deployed");
    });

    it("fail it by Beanstalk's own rules, and by the rule that is left if one is turned off @proof", async () => {
      const applicationOnly = { Application: { ApplicationRequests4xx: { Enabled: false } } };
      for (const rules of [undefined, JSON.stringify({ Rules: { Environment: applicationOnly } })]) {
        expect(await deployWithClientErrors(rules)).to.deep.include({
          outcome: "rolledBack",
          causes: ["web (iaso-staging) is unhealthy (Severe)."],
        });
      }
    });
  });

  it("ends an update that hangs, and does not wait for the other one", async () => {
    const double = prepareDouble({ web: "rolledBack", worker: "hangs" });
    const end = await runDirect(double, deployment(build));
    expect(outcomeOf(end)).to.equal("rolledBack");
    expect(double.calls.map(({ operation }) => operation)).to.include("AbortEnvironmentUpdate");
    expect(end === "killed" ? 0 : end.milliseconds).to.be.below(10 * 60_000);
  });

  it("is not taken in by answers that lag behind", async () => {
    const double = prepareDouble({ web: "succeeds", worker: "succeeds" });
    double.beanstalk.timing.lag = () => 25_000;
    const end = await runDirect(double, deployment(build));
    expect(outcomeOf(end)).to.equal("deployed");
    expect(double.web.updates).to.deep.equal([NEW]);
  });

  it("waits for a request without an answer, which begins when all seems over", async () => {
    const double = prepareDouble({ web: "rolledBack", worker: "rolledBack" });
    double.beanstalk.timing.perInstance = () => 2000;
    for (const name of ["iaso-staging", "iaso-staging-worker"]) {
      double.beanstalk.plan(name, NEW, "rolledBack", "succeeds");
    }
    double.faultOn = (operation, before) =>
      operation === "UpdateEnvironment" && before === 1 ? "timeoutLate" : undefined;
    const end = await runDirect(double, deployment(build));
    expect(outcomeOf(end)).to.equal("rolledBack");
    // The request took effect after the verdict, was seen, and was taken back.
    expect(
      [...double.web.updates, ...double.worker.updates].filter((label) => label === NEW).length,
    ).to.be.at.least(2);
    expect(mismatches(double, [PREVIOUS])).to.deep.equal([]);
  });

  it("never leaves a version that was not healthy, when the run that judged it was killed @proof", async () => {
    const double = prepareDouble({ web: "degrades", worker: "degrades" });
    double.faultOn = (operation, before) =>
      operation === "DescribeEvents" && before === 8 ? "killBefore" : undefined;
    expect(await runDirect(double, deployment(build))).to.equal("killed");
    expect(double.web.truth.label).to.equal(NEW);
    double.faultOn = () => undefined;
    expect(outcomeOf(await runDirect(double, repairing()))).to.equal("repaired");
    expect(mismatches(double, [PREVIOUS])).to.deep.equal([]);
  });

  it("lets a healthy switch stand when the run that judged it was killed", async () => {
    const double = prepareDouble({ web: "succeeds", worker: "succeeds" });
    await standsAfterKill(double);
    expect(double.s3.json(ARTIFACTS, `locks/${ENV}.json`)).to.deep.include({
      version: NEW,
      previous: PREVIOUS,
    });
  });

  it("takes an interrupted switch back", async () => {
    const double = prepareDouble({ web: "succeeds", worker: "succeeds" });
    const interrupted = (): boolean => double.calls.some(({ operation }) => operation === "DescribeEvents");
    const end = await runDirect(double, deployment(build), { interrupted });
    expect(end).to.deep.include({ outcome: "rolledBack", causes: ["the run was interrupted"] });
    expect(mismatches(double, [PREVIOUS])).to.deep.equal([]);
  });

  it("tells each environment's events by its role, once", async () => {
    const double = prepareDouble({ web: "rolledBack", worker: "succeeds" });
    const lines: string[] = [];
    const progress = silentProgress(new VirtualClock(double.time), lines);
    await runDirect(double, deployment(build), { progress });
    const failed = lines.filter((line) =>
      line.endsWith("web: ERROR Failed to deploy application. Command failed on an instance."),
    );
    expect(failed).to.have.length(1);
    expect(lines.some((line) => line.includes("worker: Deploying new version to instance"))).to.equal(true);
  });
});

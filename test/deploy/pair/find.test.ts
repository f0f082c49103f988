import { UpdateEnvironmentCommand } from "@aws-sdk/client-elastic-beanstalk";
import { expect } from "chai";
import { createClients } from "../../../coordination/clients";
import { AwsDouble, PREVIOUS } from "../double/aws";
import { builtVersion, deployment, mismatches, runDirect } from "../double/runs";
import { type EnvironmentSettings } from "../double/beanstalk";
import { type Report } from "../../../deploy/output/report";
import { DirectTransport } from "../double/transport";
import { rejection } from "../../support";

const { build } = builtVersion();

const DOCKER =
  "arn:aws:elasticbeanstalk:eu-central-1::platform/Docker running on 64bit Amazon Linux 2023/4.5.0";

async function deployTo(
  change: (double: AwsDouble) => void,
  options = {},
): Promise<{ double: AwsDouble; report: Report }> {
  const double = new AwsDouble();
  double.describeTarget();
  double.addPair();
  change(double);
  const report = await runDirect(double, deployment(build, options), {}, "shortcut");
  if (report === "killed") throw new Error("nothing kills this run");
  return { double, report };
}

function extra(settings: Partial<EnvironmentSettings>): (double: AwsDouble) => void {
  const tags = { project: "iaso", env: "staging", role: "web" };
  return (double) => {
    double.beanstalk.addEnvironment({
      name: "extra",
      application: "iaso-staging",
      label: PREVIOUS,
      tags,
      ...settings,
    });
  };
}

describe("deploy/pair/find and check", () => {
  const refused: [string, (double: AwsDouble) => void, RegExp, RegExp][] = [
    [
      "a missing worker",
      (double) => delete double.worker.settings.tags["role"],
      /has no environment with the tags .*role=worker/,
      /pulumi up --stack staging/,
    ],
    ["two web environments", extra({}), /2 environments have the tags .*iaso-staging, extra/, /tag env/],
    [
      "a role on the wrong tier",
      (double) => (double.worker.settings.tier = "WebServer"),
      /its tier is WebServer/,
      /pulumi up/,
    ],
    [
      "another platform",
      (double) => (double.web.settings.platformArn = DOCKER),
      /iaso-staging runs on docker, but the platform of staging is python/,
      /pulumi up/,
    ],
    [
      "an environment that is being updated",
      (double) => {
        double.beanstalk.addVersion("x", "b", "k");
        double.beanstalk.versions.get("x")!.processedAt = 0;
        double.web.update("x");
      },
      /web \(iaso-staging\) is Updating/,
      /npm run deploy -- status staging/,
    ],
    [
      "different versions",
      (double) => {
        double.beanstalk.addVersion("x", "b", "k");
        double.beanstalk.versions.get("x")!.processedAt = 0;
        double.web.update("x");
        double.time.now += 3_600_000;
      },
      /run different versions: web on x, Ready, health Ok; worker on 1\.0\.0/,
      /^npm run deploy -- repair staging$/,
    ],
  ];
  it("refuses environments without a version: no rollback could return to Beanstalk's sample application", async () => {
    const { double, report } = await deployTo((account) => {
      const [web, worker] = [account.web.settings, account.worker.settings];
      account.beanstalk.environments.length = 0;
      account.beanstalk.versions.clear();
      for (const settings of [web, worker])
        account.beanstalk.addEnvironment({ ...settings, label: "Sample Application" });
    });
    expect(report.outcome).to.equal("refused");
    expect(report.summary).to.contain("run Beanstalk's sample application");
    expect(report.remedy).to.match(
      /update-environment --environment-name iaso-staging --version-label LABEL$/,
    );
    expect(double.calls.map(({ operation }) => operation)).not.to.include("UpdateEnvironment");
  });

  it("is tested with a double that refuses, as Beanstalk does, a label that no version has", async () => {
    const double = new AwsDouble();
    double.addPair();
    const transport = new DirectTransport();
    transport.attach({ double, dead: false, onKill: () => undefined });
    const { beanstalk } = createClients({ region: "eu-central-1", requestHandler: transport });
    for (const VersionLabel of ["Sample Application", "1.2.3-none"]) {
      const refusal = await rejection(
        beanstalk.send(new UpdateEnvironmentCommand({ EnvironmentId: double.web.id, VersionLabel })),
      );
      expect(refusal.message).to.equal(`No Application Version named '${VersionLabel}' found.`);
    }
    expect(double.web.updates).to.deep.equal([]);
  });

  for (const [name, change, message, remedy] of refused) {
    it(`refuses ${name}, and names the fix`, async () => {
      const { double, report } = await deployTo(change);
      expect(report.outcome).to.equal("refused");
      expect(report.summary).to.match(message);
      expect(report.remedy).to.match(remedy);
      expect(double.calls.map(({ operation }) => operation)).not.to.include("UpdateEnvironment");
    });
  }

  it("refuses an unhealthy pair, unless --allow-unhealthy is given", async () => {
    const makeUnhealthy = (double: AwsDouble): void => {
      // The environments keep their places, and so their ids, which the role's policy names.
      const [first, , third] = double.beanstalk.environments.splice(0);
      double.beanstalk.environments.push(first!);
      const tags = { project: "iaso", env: "STAGING" };
      const common = { application: "iaso-staging", label: PREVIOUS };
      double.beanstalk.addEnvironment({
        ...common,
        name: "iaso-staging",
        tags: { ...tags, role: "web" },
        health: "Severe",
      });
      double.beanstalk.environments.push(third!);
      double.beanstalk.addEnvironment({
        ...common,
        name: "iaso-staging-worker",
        tier: "Worker",
        tags: { ...tags, role: "worker" },
      });
    };
    const { report } = await deployTo(makeUnhealthy);
    expect(report.summary).to.match(/staging is unhealthy: web \(iaso-staging\) is Severe/);
    expect(report.remedy).to.contain("rollback staging");
    const allowed = await deployTo(makeUnhealthy, { allowUnhealthy: true });
    expect(allowed.report.outcome, JSON.stringify(allowed.report)).to.equal("deployed");
  });

  it("finds the pair among neighbours on later pages, and touches nothing else", async () => {
    const { double, report } = await deployTo((account) => {
      account.beanstalk.pageSize = 1;
      extra({ name: "enketo", tags: { project: "iaso", env: "staging", role: "enketo" } })(account);
      extra({ name: "other-application", application: "iaso-demo" })(account);
    });
    expect(report.outcome).to.equal("deployed");
    expect(double.environment("enketo").updates).to.deep.equal([]);
    expect(double.environment("other-application").updates).to.deep.equal([]);
    expect(mismatches(double, [report.to!])).to.deep.equal([]);
  });
});

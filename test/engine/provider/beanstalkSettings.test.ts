import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { Tier } from "../../../policies/facts/beanstalkOptions";
import { previewOf, resourcesOf } from "../../support";
import { Account } from "./account";
import { readBack, Setting, withDefaults } from "./beanstalkSettings";
import { Faults } from "./faults";
import { SimulatedAws } from "./simulatedAws";

const ENVIRONMENT = "aws:elasticbeanstalk/environment:Environment";

/** Settings that AWS reads back in another form than the program writes, or not at all. */
const ETERNAL: [what: string, tier: Tier, namespace: string, name: string, value: string][] = [
  ["unsorted certificates", "WebServer", "aws:elbv2:listener:443", "SSLCertificateArns", "b,a"],
  ["unsorted rules", "WebServer", "aws:elbv2:listener:443", "Rules", "b,a"],
  ["unsorted host headers", "WebServer", "aws:elbv2:listenerrule:api", "HostHeaders", "b,a"],
  ["a boolean in upper case", "Worker", "aws:elasticbeanstalk:xray", "XRayEnabled", "True"],
  ["traffic splitting on a worker", "Worker", "aws:elasticbeanstalk:trafficsplitting", "EvaluationTime", "5"],
  ["load balancer subnets on a worker", "Worker", "aws:ec2:vpc", "ELBSubnets", "subnet-a"],
  ["a load balancer's scheme on a worker", "Worker", "aws:ec2:vpc", "ELBScheme", "public"],
  [
    "a load balancer's type on a worker",
    "Worker",
    "aws:elasticbeanstalk:environment",
    "LoadBalancerType",
    "application",
  ],
  [
    "health rules without their other parts",
    "WebServer",
    "aws:elasticbeanstalk:healthreporting:system",
    "ConfigDocument",
    '{"Rules":{"Environment":{"ELB":{"ELBRequests4xx":{"Enabled":false}}}}}',
  ],
  ["a queue on a web environment", "WebServer", "aws:elasticbeanstalk:sqsd", "HttpPath", "/"],
];

/** Settings that AWS reads back as they are. */
const STABLE: [what: string, tier: Tier, namespace: string, name: string, value: string][] = [
  ["sorted certificates", "WebServer", "aws:elbv2:listener:443", "SSLCertificateArns", "a,b"],
  [
    "a boolean variable in upper case",
    "Worker",
    "aws:elasticbeanstalk:application:environment",
    "DEBUG",
    "True",
  ],
  [
    "a variable with the name of a list",
    "Worker",
    "aws:elasticbeanstalk:application:environment",
    "Subnets",
    "b,a",
  ],
  ["load balancer subnets", "WebServer", "aws:ec2:vpc", "ELBSubnets", "subnet-a"],
];

describe("option settings of the simulated Beanstalk", () => {
  const folder = mkdtempSync(join(tmpdir(), "iaso-settings-"));
  let accounts = 0;
  after(() => {
    rmSync(folder, { recursive: true });
  });

  /** The properties that change in an update right after the creation, with the same program. */
  const changedAfterCreation = async (tier: string, settings: Setting[]): Promise<string[]> => {
    accounts += 1;
    const account = new Account(join(folder, `${accounts}.json`));
    const place = { accountId: "123456789012", region: "eu-central-1" };
    const aws = new SimulatedAws(account, new Faults(undefined, account, () => undefined), place);
    for (const [type, id] of [
      ["aws:acm/certificate:Certificate", "a"],
      ["aws:acm/certificate:Certificate", "b"],
      ["aws:ec2/subnet:Subnet", "subnet-a"],
      ["aws:elasticbeanstalk/application:Application", "iaso"],
    ] as const) {
      account.put({ type, id, inputs: {}, state: { status: "ISSUED" } });
    }
    const inputs = { name: "web", application: "iaso", tier, settings };
    const { state } = await aws.create(ENVIRONMENT, "web", inputs);
    return aws.diff(ENVIRONMENT, "web", { inputs, state }, inputs, []).changed;
  };

  for (const [what, tier, namespace, name, value] of ETERNAL) {
    it(`show ${what} as a change at every update`, async () => {
      expect(await changedAfterCreation(tier, [{ namespace, name, value, resource: "" }])).to.deep.equal([
        "settings",
      ]);
    });
  }

  for (const [what, tier, namespace, name, value] of STABLE) {
    it(`show no change for ${what}`, async () => {
      expect(await changedAfterCreation(tier, [{ namespace, name, value, resource: "" }])).to.deep.equal([]);
    });
  }

  for (const stack of ["staging", "prod"]) {
    it(`are read back unchanged for each environment of ${stack}`, async () => {
      const environments = resourcesOf(await previewOf(stack), ENVIRONMENT);
      expect(environments).to.have.lengthOf(3);
      for (const { inputs, name } of environments) {
        const settings = inputs.settings as unknown as Setting[];
        expect(readBack(settings, inputs.tier as Tier), name).to.deep.equal(settings);
      }
    });
  }

  it("are shown with the defaults of the tier and its load balancer, which they override", () => {
    const settings = (tier: Tier, ...own: [string, string, string][]) =>
      Object.fromEntries(
        withDefaults(
          own.map(([namespace, name, value]) => ({ namespace, name, value })),
          tier,
        ).map(({ namespace, name, value }) => [`${namespace} ${name}`, value]),
      );
    const web = settings(
      "WebServer",
      ["aws:elasticbeanstalk:environment", "LoadBalancerType", "application"],
      ["aws:autoscaling:asg", "MinSize", "2"],
    );
    expect(web).to.include({
      "aws:autoscaling:asg MinSize": "2",
      "aws:autoscaling:asg MaxSize": "4",
      "aws:autoscaling:asg Cooldown": "360",
      "aws:elasticbeanstalk:command DeploymentPolicy": "AllAtOnce",
      "aws:elasticbeanstalk:environment LoadBalancerType": "application",
      "aws:elbv2:listener:default ListenerEnabled": "true",
    });
    expect(Object.keys(web).filter((key) => /sqsd|aws:elb:|rds|scheduledaction/.test(key))).to.deep.equal([]);
    const worker = settings("Worker");
    expect(worker).to.include({ "aws:elasticbeanstalk:sqsd HttpPath": "/" });
    expect(
      Object.keys(worker).filter((key) => /elb|ELB|LoadBalancer|trafficsplitting/.test(key)),
    ).to.deep.equal([]);
  });
});

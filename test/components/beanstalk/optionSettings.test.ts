import * as pulumi from "@pulumi/pulumi";
import { expect } from "chai";
import fc from "fast-check";
import { canonicalSettings, OptionSettings } from "../../../components/beanstalk/optionSettings";
import { Tier } from "../../../policies/facts/beanstalkOptions";
import catalog from "../../../policies/facts/eb-options.json";
import { readBack } from "../../engine/provider/beanstalkSettings";
import { printedSeed } from "../../seed";

/** What an input holds. */
function valueOf(input: pulumi.Input<string>): Promise<string> {
  return new Promise((resolve) => pulumi.output(input).apply(resolve));
}

async function valuesOf(settings: OptionSettings): Promise<Record<string, string>> {
  const values: Record<string, string> = {};
  for (const { name, value } of canonicalSettings("WebServer", settings))
    values[await valueOf(name)] = await valueOf(value);
  return values;
}

describe("components/beanstalk/optionSettings", () => {
  it("sorts by namespace and name, by code unit, with an empty resource", () => {
    const settings = canonicalSettings(
      "WebServer",
      { "aws:elasticbeanstalk:command": { Timeout: 600, DeploymentPolicy: "Rolling" } },
      { "aws:autoscaling:asg": { MinSize: 1, MaxSize: 2 } },
      { "aws:elasticbeanstalk:application:environment": { b: "1", A_: "2", B: "3", AA: "4" } },
    );
    expect(settings.map(({ namespace, name }) => [namespace, name])).to.deep.equal([
      ["aws:autoscaling:asg", "MaxSize"],
      ["aws:autoscaling:asg", "MinSize"],
      ["aws:elasticbeanstalk:application:environment", "AA"],
      ["aws:elasticbeanstalk:application:environment", "A_"],
      ["aws:elasticbeanstalk:application:environment", "B"],
      ["aws:elasticbeanstalk:application:environment", "b"],
      ["aws:elasticbeanstalk:command", "DeploymentPolicy"],
      ["aws:elasticbeanstalk:command", "Timeout"],
    ]);
    for (const setting of settings) expect(setting.resource).to.equal("");
  });

  it("writes the same whatever the order in which settings are given", () => {
    const variables = fc.uniqueArray(fc.string({ minLength: 1 }), { maxLength: 12 });
    fc.assert(
      fc.property(variables, fc.infiniteStream(fc.nat()), (names, random) => {
        const shuffled = names
          .map((name) => [random.next().value, name] as const)
          .sort(([a], [b]) => a - b)
          .map(([, name]) => name);
        const write = (order: string[]) =>
          canonicalSettings("Worker", {
            "aws:elasticbeanstalk:application:environment": Object.fromEntries(
              order.map((name) => [name, `value of ${name}`]),
            ),
          });
        expect(write(shuffled)).to.deep.equal(write(names));
      }),
    );
  });

  it("writes booleans in lower case and numbers as text", async () => {
    const values = await valuesOf({
      "aws:elasticbeanstalk:cloudwatch:logs": {
        StreamLogs: true,
        DeleteOnTerminate: false,
        RetentionInDays: 90,
      },
    });
    expect(values).to.deep.equal({ StreamLogs: "true", DeleteOnTerminate: "false", RetentionInDays: "90" });
  });

  it("sorts lists and joins them by commas, also lists of outputs", async () => {
    const subnets = ["subnet-c", "subnet-a", "subnet-b"];
    const values = await valuesOf({
      "aws:ec2:vpc": {
        Subnets: subnets,
        ELBSubnets: pulumi.output(subnets),
        VPCId: pulumi.output("vpc-1"),
        AssociatePublicIpAddress: pulumi.output(false),
      },
      "aws:autoscaling:launchconfiguration": { SecurityGroups: [pulumi.output("sg-2"), "sg-1"] },
    });
    expect(values).to.deep.equal({
      Subnets: "subnet-a,subnet-b,subnet-c",
      ELBSubnets: "subnet-a,subnet-b,subnet-c",
      VPCId: "vpc-1",
      AssociatePublicIpAddress: "false",
      SecurityGroups: "sg-1,sg-2",
    });
    expect(subnets, "the caller's list is untouched").to.deep.equal(["subnet-c", "subnet-a", "subnet-b"]);
  });

  it("writes every option as the simulated Beanstalk reads it back", async () => {
    const lists = fc.array(fc.stringMatching(/^[a-z0-9-]{1,8}$/), { minLength: 1, maxLength: 4 });
    const option = fc.constantFrom(
      ...Object.entries(catalog.namespaces).flatMap(([namespace, facts]) =>
        Object.entries<{ type: string }>(
          "options" in facts ? facts.options : { ANY: { type: "string" } },
        ).map(([name, { type }]) => ({ namespace: namespace.replace("*", "443"), name, type })),
      ),
    );
    const settings = fc.uniqueArray(
      option.chain(({ type, ...key }) =>
        fc.record({
          key: fc.constant(key),
          value:
            type === "list" ? lists : type === "boolean" ? fc.boolean() : fc.stringMatching(/^[A-z,]{1,8}$/),
        }),
      ),
      { maxLength: 20, selector: ({ key }) => JSON.stringify(key) },
    );
    await fc.assert(
      fc.asyncProperty(settings, fc.constantFrom<Tier>("WebServer", "Worker"), async (chosen, tier) => {
        const layers = chosen.map(({ key, value }) => ({ [key.namespace]: { [key.name]: value } }));
        let written;
        try {
          written = canonicalSettings(tier, ...layers);
        } catch (error) {
          expect(String(error)).to.include("applies to the");
          return;
        }
        const plain = await Promise.all(
          written.map(async ({ namespace, name, value, resource }) => ({
            namespace: await valueOf(namespace),
            name: await valueOf(name),
            value: await valueOf(value),
            resource: await valueOf(pulumi.output(resource).apply(String)),
          })),
        );
        expect(readBack(plain, tier)).to.deep.equal(plain);
      }),
      { seed: printedSeed() },
    );
  });

  it("omits options without a value", () => {
    expect(
      canonicalSettings("WebServer", { "aws:autoscaling:launchconfiguration": { ImageId: undefined } }),
    ).to.deep.equal([]);
  });

  it("refuses a namespace of the other tier", () => {
    expect(() => canonicalSettings("WebServer", { "aws:elasticbeanstalk:sqsd": { HttpPath: "/" } })).to.throw(
      "aws:elasticbeanstalk:sqsd HttpPath applies to the Worker tier, not to WebServer",
    );
    const web: OptionSettings[] = [
      { "aws:elbv2:loadbalancer": { IdleTimeout: 60 } },
      { "aws:elbv2:listener:443": { Protocol: "HTTPS" } },
      { "aws:elasticbeanstalk:trafficsplitting": { EvaluationTime: 5 } },
    ];
    for (const settings of web) {
      expect(() => canonicalSettings("Worker", settings)).to.throw(
        `${Object.keys(settings).join("")} ${Object.keys(Object.values(settings)[0] ?? {}).join("")} ` +
          "applies to the WebServer tier, not to Worker",
      );
    }
  });

  it("refuses a list for an option with one value, and sorts a list written as text", async () => {
    expect(() => canonicalSettings("Worker", { "aws:ec2:vpc": { VPCId: ["vpc-1", "vpc-2"] } })).to.throw(
      "aws:ec2:vpc VPCId is not a list",
    );
    expect(await valuesOf({ "aws:ec2:vpc": { Subnets: "b,a" } })).to.deep.equal({ Subnets: "a,b" });
  });

  it("refuses options of a load balancer on a worker, which has none", () => {
    for (const [namespace, option] of [
      ["aws:ec2:vpc", "ELBSubnets"],
      ["aws:ec2:vpc", "ELBScheme"],
      ["aws:elasticbeanstalk:environment", "LoadBalancerType"],
      ["aws:elasticbeanstalk:environment", "LoadBalancerIsShared"],
    ] as const) {
      const settings = { [namespace]: { [option]: "x" } };
      expect(() => canonicalSettings("Worker", settings)).to.throw(
        `${namespace} ${option} applies to the WebServer tier, not to Worker`,
      );
      expect(canonicalSettings("WebServer", settings)).to.have.lengthOf(1);
    }
  });

  it("refuses an option that is set twice", () => {
    expect(() =>
      canonicalSettings(
        "WebServer",
        { "aws:autoscaling:asg": { MinSize: 1 } },
        { "aws:autoscaling:asg": { MaxSize: 2, MinSize: 2 } },
      ),
    ).to.throw("aws:autoscaling:asg MinSize is set twice");
  });

  // The type check of `npm test` fails where one of these lines compiles.
  it("does not compile with a wrong name of a namespace or an option", () => {
    const wrong: OptionSettings[] = [
      // @ts-expect-error -- The option is called MinSize.
      { "aws:autoscaling:asg": { MinimumSize: 1 } },
      // @ts-expect-error -- The namespace is called aws:autoscaling:asg.
      { "aws:autoscaling:group": { MinSize: 1 } },
      // @ts-expect-error -- The listener's option is called ListenerEnabled.
      { "aws:elbv2:listener:443": { Enabled: true } },
    ];
    const right: OptionSettings = {
      "aws:elbv2:listener:443": { ListenerEnabled: true },
      "aws:elasticbeanstalk:application:environment": { ANY_VARIABLE: "1" },
    };
    expect([...wrong, right]).to.have.lengthOf(4);
  });
});

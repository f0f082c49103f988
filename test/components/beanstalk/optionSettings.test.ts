import * as pulumi from "@pulumi/pulumi";
import { expect } from "chai";
import fc from "fast-check";
import { canonicalSettings, OptionSettings } from "../../../components/beanstalk/optionSettings";

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

  it("sorts lists and joins them by commas, also those known only later", async () => {
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

  it("leaves out what has no value", () => {
    expect(
      canonicalSettings("WebServer", { "aws:autoscaling:launchconfiguration": { ImageId: undefined } }),
    ).to.deep.equal([]);
  });

  it("refuses a namespace of the other tier", () => {
    expect(() => canonicalSettings("WebServer", { "aws:elasticbeanstalk:sqsd": { HttpPath: "/" } })).to.throw(
      "aws:elasticbeanstalk:sqsd applies to the Worker tier, not to WebServer",
    );
    for (const namespace of ["aws:elbv2:loadbalancer", "aws:elbv2:listener:443"] as const) {
      expect(() => canonicalSettings("Worker", { [namespace]: {} })).to.throw(
        `${namespace} applies to the WebServer tier, not to Worker`,
      );
    }
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

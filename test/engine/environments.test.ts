import { expect } from "chai";
import { LocalWorkspace } from "@pulumi/pulumi/automation";
import { leaksIn } from "../leaks";
import { Lab } from "./lab";

const QA = { STACK: "qa", REASON: "Holds test data only" };

const IDENTITY_PROVIDER = "aws:iam/openIdConnectProvider:OpenIdConnectProvider";

describe("a second environment", () => {
  let lab: Lab;
  before(async () => {
    lab = await Lab.open("staging");
    const { code, output } = await lab.follow("retry");
    expect(code, output).to.equal(0);
  });
  after(() => {
    lab.close();
  });

  it("starts from the settings of the first, without its secrets", async () => {
    const { code, output } = await lab.follow("add-environment", QA);
    expect(code, output).to.equal(0);
    const copy = lab.read("Pulumi.qa.yaml");
    expect(copy)
      .to.include("iaso:webHost: iaso-qa.example.org")
      .and.not.match(/secure|encryptionsalt|Password/);
  });

  it("gets separate secrets from init-stack, which prints none of them", async () => {
    const before = lab.log.length;
    const asked = await lab.follow("init-stack", QA);
    expect(asked.code).to.equal(1);
    expect(asked.output).to.include("Created the stack qa.");
    // The commands that it prints, with the values on standard input.
    const commands = asked.output.match(/pulumi config set --secret .*/g) ?? [];
    expect(commands).to.have.length(2);
    const values: Record<string, string> = {
      sentryDsn: "https://leakmarkqa@sentry.example.org/2",
      emailPassword: 'LeakMarkQa"EmailPassword',
    };
    for (const command of commands) {
      const key = /iaso:(\w+)/.exec(command)?.[1] ?? "";
      const { code, output } = await lab.run(`printf %s "$VALUE" | ${command}`, {
        ...QA,
        VALUE: values[key] ?? "",
      });
      expect(code, output).to.equal(0);
    }
    const { code, output } = await lab.follow("init-stack", QA);
    expect(code, output).to.equal(0);

    const secrets = await secretsOf("qa");
    expect(secrets).to.include(values);
    expect(Object.keys(secrets)).to.include.members(["secretKey", "databasePassword", "enketoEncryptionKey"]);
    const first = await secretsOf("staging");
    for (const [name, value] of Object.entries(secrets)) expect(value, name).not.to.equal(first[name]);
    const settings = lab.read("Pulumi.qa.yaml");
    expect(leaksIn(lab.log.slice(before) + settings, secrets)).to.deep.equal([]);
  });

  it("comes up beside the first one, in the same account, and changes nothing of it", async () => {
    const first = structuredClone(lab.account.resources);
    await lab.run('pulumi config set iaso:gdalImageId ami-0123456789abcdef0 --stack "$STACK"', QA);
    const { code, output } = await lab.follow("deploy", QA);
    expect(code, output).to.equal(0);
    expect(lab.account.resources.slice(0, first.length)).to.deep.equal(first);
    expect(lab.account.ofType("aws:elasticbeanstalk/environment:Environment")).to.have.length(6);
    for (const stack of ["staging", "qa"]) {
      const { operations } = await lab.follow("retry", { STACK: stack });
      expect(operations, stack).to.deep.equal([[]]);
    }
  });

  it("takes over the account's identity provider, and keeps it when the first one is destroyed", async () => {
    const provider = lab.account.ofType(IDENTITY_PROVIDER);
    expect(provider).to.have.length(1);
    const set = await lab.follow("take-over", QA);
    expect(set.code, set.output).to.equal(0);
    const { output: urns } = await lab.run('pulumi stack --stack "$STACK" --show-urns', QA);
    const adopted = await lab.follow("adopt", {
      ...QA,
      TYPE: IDENTITY_PROVIDER,
      NAME: "ci",
      ID: provider[0]?.id ?? "",
      PARENT: /urn:\S+:CiAccess::ci/.exec(urns)?.[0] ?? "",
      PROVIDER: /urn:\S+pulumi:providers:aws::aws/.exec(urns)?.[0] ?? "",
    });
    expect(adopted.code, adopted.output).to.equal(0);
    // The tags name the new owner.
    expect(adopted.operations.at(-1)).to.deep.equal([`update ${IDENTITY_PROVIDER} ci`]);

    for (const block of ["unprotect", "destroy-handed-over"]) {
      const { code, output } = await lab.follow(block);
      expect(code, output).to.equal(0);
    }
    expect((await lab.state()).resources ?? []).to.deep.equal([]);
    expect(lab.account.ofType(IDENTITY_PROVIDER).map(({ id }) => id)).to.deep.equal([provider[0]?.id]);
    const { operations } = await lab.follow("retry", QA);
    expect(operations).to.deep.equal([[]]);
  });

  /** The secrets of a stack, by name, in the clear. */
  async function secretsOf(stackName: string): Promise<Record<string, string>> {
    const stack = await LocalWorkspace.selectStack({ stackName, workDir: lab.work }, lab.options);
    const secrets = Object.entries(await stack.getAllConfig()).filter(
      ([, { secret, value }]) => secret === true && value !== "",
    );
    return Object.fromEntries(secrets.map(([key, { value }]) => [key.replace("iaso:", ""), value]));
  }
});

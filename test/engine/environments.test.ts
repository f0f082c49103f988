import { expect } from "chai";
import { leaksIn } from "../leaks";
import { AccountDouble } from "../settings/accountDouble";
import { Lab, SECRETS } from "./lab";

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
      .and.not.match(/secure|encryptionsalt/);
  });

  it("gets separate secrets from init-stack, which prints none of them", async () => {
    const before = lab.log.length;
    const aws = new AccountDouble();
    const env = { ...QA, ...(await aws.start()) };
    const typed = {
      SENTRY_URL: "https://leakmarkqa@sentry.example.org/2",
      EMAIL_HOST_PASSWORD: 'LeakMarkQa"EmailPassword',
    };
    try {
      const asked = await lab.follow("init-stack", env);
      expect(asked.code).to.equal(1);
      expect(asked.output).to.include("Created the stack qa.");
      for (const name of Object.keys(typed)) expect(asked.output).to.include(`read -rs ${name}`);
      const { code, output } = await lab.follow("init-stack", { ...env, ...typed });
      expect(code, output).to.equal(0);
    } finally {
      aws.stop();
    }
    const secrets = Object.fromEntries(
      [...aws.parameters].map(([name, { value }]) => [name.replace("/iaso-secrets/qa/", ""), value]),
    );
    expect(secrets)
      .to.include(typed)
      .and.have.all.keys(...Object.keys(SECRETS));
    for (const [name, value] of Object.entries(secrets))
      expect(Object.values(SECRETS), name).not.to.include(value);
    expect(leaksIn(lab.log.slice(before) + lab.read("Pulumi.qa.yaml"), secrets)).to.deep.equal([]);
    await lab.byHand((account) => {
      lab.keepSecrets("qa", secrets, account);
    });
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
});

import { expect } from "chai";
import { contradictionsBetween, StackSettings } from "../../settings/contradictions";

const staging: StackSettings = {
  stack: "staging",
  settings: {
    accountId: "123456789012",
    sharedAccountReason: "A test has one account.",
    organization: "example",
    env: "",
    webHost: "iaso-staging.example.org",
    enketoHost: "enketo-staging.example.org",
    staticHost: "",
    mailgunDomain: "",
    createOidcProvider: "true",
  },
};
const prod: StackSettings = {
  stack: "prod",
  settings: {
    ...staging.settings,
    webHost: "iaso.example.org",
    enketoHost: "enketo.example.org",
    createOidcProvider: "false",
  },
};
const prodWith = (settings: Record<string, string>) => ({
  ...prod,
  settings: { ...prod.settings, ...settings },
});

describe("settings/contradictions", () => {
  it("finds nothing between stacks that can both be deployed", () => {
    expect(contradictionsBetween("iaso", [staging, prod])).to.deep.equal([]);
    const otherAccount = prodWith({ accountId: "210987654321", createOidcProvider: "true" });
    expect(contradictionsBetween("iaso", [staging, otherAccount])).to.deep.equal([]);
    // The others are compared with the first, not with one another.
    const conflict = prodWith({ createOidcProvider: "true" });
    const elsewhere = {
      ...staging,
      stack: "qa",
      settings: { ...staging.settings, accountId: "1", organization: "o" },
    };
    expect(contradictionsBetween("iaso", [], [staging, conflict])).to.deep.equal([]);
    expect(contradictionsBetween("iaso", [staging], [conflict])).to.have.length(1);
    expect(contradictionsBetween("iaso", [elsewhere], [conflict])).to.deep.equal([]);
    // Empty names and the stacks of other programs are no names.
    expect(
      contradictionsBetween("small", [
        { stack: "one", settings: {} },
        { stack: "two", settings: {} },
      ]),
    ).to.deep.equal([]);
  });

  it("finds a DNS name of two stacks, also in two settings, with the stacks' files and the fix", () => {
    const webHost = "iaso-staging.example.org";
    expect(contradictionsBetween("iaso", [prodWith({ enketoHost: webHost }), staging])).to.deep.equal([
      "The stacks staging and prod cannot both be deployed. Change the one that is not deployed yet; for prod (Pulumi.prod.yaml):\n" +
        "  iaso:enketoHost is iaso-staging.example.org, the same as webHost of staging.\n" +
        "    accepted: a name of its own\n" +
        "    fix:      pulumi config set iaso:enketoHost VALUE --stack prod",
    ]);
    for (const key of ["webHost", "staticHost", "mailgunDomain"]) {
      const [message] = contradictionsBetween("iaso", [prodWith({ [key]: webHost }), staging]);
      expect(message).to.include(`iaso:${key} is ${webHost}`);
    }
  });

  it("finds two stacks of one account, unless both give a reason", () => {
    const without = { sharedAccountReason: "" };
    const expected = (key: string) =>
      `iaso:accountId is 123456789012, the same as for staging, and ${key} gives no sharedAccountReason`;
    const [message] = contradictionsBetween("iaso", [prodWith(without), staging]);
    expect(message)
      .to.include(expected("prod"))
      .and.match(/fix: .*pulumi config set sharedAccountReason 'REASON' --stack prod$/);
    const unexplained = { ...staging, settings: { ...staging.settings, ...without } };
    expect(contradictionsBetween("iaso", [prod, unexplained])[0]).to.include(expected("staging"));
    expect(
      contradictionsBetween("iaso", [prodWith({ ...without, accountId: "210987654321" }), unexplained]),
    ).to.deep.equal([]);
  });

  it("finds two stacks of one account that create its identity provider", () => {
    const [message] = contradictionsBetween("iaso", [prodWith({ createOidcProvider: "true" }), staging]);
    expect(message)
      .to.include("iaso:createOidcProvider is true, as it is for staging in the same AWS account")
      .and.include("fix:      pulumi config set iaso:createOidcProvider false --stack prod");
  });

  it("finds two stacks of one environment, in an account or an organization", () => {
    const [message] = contradictionsBetween("iaso", [prodWith({ env: "staging" }), staging]);
    expect(message).to.include("iaso:env is staging, the same as for staging");
    const elsewhere = { env: "staging", accountId: "210987654321" };
    expect(contradictionsBetween("iaso", [prodWith(elsewhere), staging])).to.have.length(1);
    expect(
      contradictionsBetween("iaso", [prodWith({ ...elsewhere, organization: "other" }), staging]),
    ).to.deep.equal([]);
  });

  it("compares each stack with each other", () => {
    const third = { ...prod, stack: "qa" };
    expect(contradictionsBetween("iaso", [staging, prod, third])).to.have.length(1);
    expect(contradictionsBetween("iaso", [third, staging, prod])[0]).to.include(
      "The stacks prod and qa cannot both",
    );
  });
});

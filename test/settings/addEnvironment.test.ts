import { spawnSync } from "node:child_process";
import { appendFileSync, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { parse, stringify } from "yaml";
import { temporaryDirectory, removeTemporaryDirectories } from "../deploy/source/checkout";
import { writeExampleProject } from "../support";

interface Outcome {
  status: number | null;
  stdout: string;
  stderr: string;
}

describe("npm run add-environment", () => {
  let project: string;
  beforeEach(() => {
    project = temporaryDirectory();
    writeExampleProject(project, {
      staging: {
        "iaso:env": "staging",
        "iaso:gdalImageId": "ami-0123456789abcdef0",
      },
    });
  });
  after(removeTemporaryDirectories);

  const npm = (...args: string[]): Outcome =>
    spawnSync("npm", ["run", "--silent", ...args], { cwd: project, encoding: "utf8" });
  const add = (...args: string[]) => npm("add-environment", "--", ...args);
  const SHARED = ["--shared-account-reason", "Holds test data only"];
  const settingsOf = (stack: string) =>
    (
      parse(readFileSync(join(project, `Pulumi.${stack}.yaml`), "utf8")) as {
        config: Record<string, unknown>;
      }
    ).config;

  for (const from of ["staging", "prod"]) {
    it(`writes an environment from ${from} that the preview accepts beside it`, () => {
      const { status, stdout, stderr } = add("qa", "--from", from, ...SHARED);
      expect(status, stderr).to.equal(0);
      expect(stdout).to.include("npm run init-stack -- qa");
      const preview = npm("preview", "--", "qa", from);
      expect(preview.status, preview.stdout + preview.stderr).to.equal(0);
      expect(preview.stdout).to.match(/all \d+ rules pass for qa/);
    });
  }

  it("gives each host a name of its own, and leaves out what belongs to the other stack", () => {
    const staging = join(project, "Pulumi.staging.yaml");
    appendFileSync(staging, "  iaso:mediaCopyPrincipal: arn:aws:iam::123456789012:role/Administrator\n");
    appendFileSync(staging, "  iaso:existingWebHost: old.example.org\n");
    expect(settingsOf("staging")).to.include.keys("iaso:mediaCopyPrincipal", "iaso:existingWebHost");
    expect(add("qa", "--from", "staging", ...SHARED).status).to.equal(0);
    const settings = settingsOf("qa");
    expect(settings).to.include({
      "iaso:webHost": "iaso-qa.example.org",
      "iaso:enketoHost": "enketo-qa.example.org",
      "iaso:createOidcProvider": false,
      "iaso:accountId": settingsOf("staging")["iaso:accountId"],
      "iaso:gdalImageId": "ami-0123456789abcdef0",
      "iaso:sharedAccountReason": "Holds test data only",
    });
    expect(settings).to.not.have.any.keys(
      "iaso:env",
      "iaso:existingWebHost",
      "iaso:mailgunDomain",
      "iaso:mediaCopyPrincipal",
    );
    expect(add("dev", "--from", "prod", ...SHARED).status).to.equal(0);
    expect(settingsOf("dev")).to.include({
      "iaso:webHost": "iaso-dev.example.org",
      "iaso:staticHost": "static-dev.iaso.example.org",
    });
  });

  it("makes an environment of another account create the identity provider and build its own image", () => {
    const { stdout } = add("qa", "--from", "staging", "--account", "345678901234");
    expect(settingsOf("qa")).to.include({
      "iaso:accountId": "345678901234",
      "iaso:createOidcProvider": true,
    });
    expect(settingsOf("qa")).to.not.have.any.keys("iaso:gdalImageId", "iaso:sharedAccountReason");
    expect(stdout).to.match(
      /iaso:hostedZone is now example\.org, a hosted zone of the account 345678901234\./,
    );
  });

  it("leaves out encrypted values of a stack whose secrets are still in Pulumi's state", () => {
    const secretKey = { "iaso:secretKey": { secure: "v1:0123456789" } };
    const file = join(project, "Pulumi.staging.yaml");
    writeFileSync(file, stringify({ config: { ...settingsOf("staging"), ...secretKey } }));
    expect(add("qa", "--from", "staging", ...SHARED).status).to.equal(0);
    expect(settingsOf("qa")).to.not.have.property("iaso:secretKey");
  });

  it("moves hosts into the zone of the new environment", () => {
    const file = join(project, "Pulumi.staging.yaml");
    const zones = { "iaso:hostedZone": "staging.example.org", "iaso:webHost": "iaso.staging.example.org" };
    writeFileSync(file, stringify({ config: { ...settingsOf("staging"), ...zones } }));
    expect(add("qa", "--from", "staging", "--account", "345678901234").status).to.equal(0);
    expect(settingsOf("qa")).to.include({
      "iaso:hostedZone": "qa.example.org",
      "iaso:webHost": "iaso.qa.example.org",
    });
    expect(add("dev", "--from", "staging", ...SHARED).status).to.equal(0);
    expect(settingsOf("dev")).to.include({
      "iaso:hostedZone": "staging.example.org",
      "iaso:webHost": "iaso-dev.staging.example.org",
    });
  });

  it("says that the other stack needs a reason for the shared account too", () => {
    const file = join(project, "Pulumi.staging.yaml");
    const settings = settingsOf("staging");
    writeFileSync(file, stringify({ config: { ...settings, "iaso:sharedAccountReason": "" } }));
    expect(add("qa", "--from", "staging", ...SHARED).stdout).to.include(
      "pulumi config set iaso:sharedAccountReason REASON --stack staging",
    );
  });

  type Refusal = [title: string, args: string[], message: RegExp];
  const refusals: Refusal[] = [
    [
      "a stack without settings",
      ["qa", "--from", "stagin"],
      /no stack stagin: .* Did you mean staging\?\nTo fix it: .*--from staging/,
    ],
    [
      "a name that AWS's names cannot contain",
      ["q_a", "--from", "staging", ...SHARED],
      /q_a cannot be the name of an environment\.\nTo fix it: /,
    ],
    [
      "an account id of another form",
      ["qa", "--from", "staging", "--account", "12"],
      /12 is not the id of an AWS account\.\nTo fix it: .*--account ID/,
    ],
    [
      "an environment without an account or a reason to share one",
      ["qa", "--from", "staging"],
      /qa needs an AWS account of its own, or a reason .*\nTo fix it: .*--account ID, or --shared-account-reason/,
    ],
    ...["", "x", "r".repeat(201)].map((reason): Refusal => [
      `a reason of ${reason.length} characters`,
      ["qa", "--from", "staging", "--shared-account-reason", reason],
      /is not a reason of 10 to 200 characters\.\nTo fix it: .*--shared-account-reason REASON/,
    ]),
    [
      "the account of the other stack",
      ["qa", "--from", "staging", "--account", "123456789012"],
      /123456789012 is the account of staging\.\nTo fix it: .*--shared-account-reason/,
    ],
    [
      "a name that is taken",
      ["prod", "--from", "staging", ...SHARED],
      /already a file Pulumi\.prod\.yaml\.\nTo fix it: /,
    ],
  ];
  for (const [title, args, message] of refusals) {
    it(`refuses ${title}, and writes nothing`, () => {
      const before = stringify(settingsOf("prod"));
      const { status, stderr } = add(...args);
      expect(status).to.equal(1);
      expect(stderr)
        .to.match(message)
        .and.not.match(/^\s+at /m);
      expect(existsSync(join(project, `Pulumi.${args[0] ?? ""}.yaml`))).to.equal(args[0] === "prod");
      expect(stringify(settingsOf("prod"))).to.equal(before);
    });
  }

  it("refuses to write over settings of the policy pack", () => {
    rmSync(join(project, "Pulumi.prod.yaml"));
    expect(add("prod", "--from", "staging", ...SHARED).stderr).to.include("policies/policy-config.prod.json");
    expect(existsSync(join(project, "Pulumi.prod.yaml"))).to.equal(false);
  });
});

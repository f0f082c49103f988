import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { checks } from "../../doctor/checks";
import { readStack } from "../../doctor/stack";
import { readProject } from "../../preview/project";
import { removeTemporaryDirectories, temporaryDirectory } from "../deploy/source/checkout";
import { writeExampleProject } from "../support";
import { Lab } from "./lab";

interface Outcome {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** The report of --json. */
interface Json {
  stack: string;
  account: string;
  exitCode: number;
  checks: { name: string; status: string; findings: { wrong: string; fix: string }[] }[];
}

const ROOT = join(__dirname, "../..");

/** A secret that is in the settings by mistake, unencrypted. */
const PLAIN_SECRET = "SECRETinPLAINtext0123456789";

describe("npm run doctor", () => {
  const lab = new Lab();
  // The settings accept three ports of mail servers, of which any user may open this one.
  before(() => lab.start(2587));
  after(async () => {
    await lab.stop();
    removeTemporaryDirectories();
  });

  /** A project whose staging stack has other settings. */
  function project(settings: Record<string, unknown> = {}): string {
    const directory = temporaryDirectory();
    writeExampleProject(directory, { staging: settings });
    return directory;
  }

  async function doctor(args: string[], env: Record<string, string> = {}, cwd = project()): Promise<Outcome> {
    const child = spawn("npm", ["run", "--silent", "doctor", "--", ...args], {
      cwd,
      env: { ...process.env, ...lab.variables(), ...env },
    });
    const outcome = { stdout: "", stderr: "" };
    child.stdout.on("data", (chunk) => (outcome.stdout += String(chunk)));
    child.stderr.on("data", (chunk) => (outcome.stderr += String(chunk)));
    const [code] = (await once(child, "close")) as [number | null];
    return { ...outcome, code };
  }

  /** Runs the command in a project whose mail server is the double. */
  const doctorWithMail = (args: string[]) => doctor(args, {}, project({ "iaso:emailPort": lab.smtp.port }));

  it("shows each problem with its consequence and its fix, and exits with 1", async () => {
    lab.healthy(lab.stack("staging"), false).account.encryptsDisks = false;
    // Nothing listens at the port of the real mail server here.
    const { code, stdout } = await doctor(["staging", "--dns-server", lab.dns.address]);
    expect(code, stdout).to.equal(1);
    const [title, , ...lines] = stdout.split("\n");
    expect(title).to.equal("Stack staging, account 123456789012, eu-central-1");
    expect(lines.slice(0, 6).join("\n")).to.match(
      /^PROBLEM +EBS encryption by default: New EBS .*\n +why: .*\n +fix: aws ec2 enable-.*\nPROBLEM +mail server: The mail server smtp\.eu\.mailgun\.org:587 refuses .*\n +why: .*\n +fix: /,
    );
    expect(stdout).to.match(/\n2 problems, 23 checks ok, 16 only after the first pulumi up\.\n$/);
    expect(stdout).not.to.match(/^\s+at /m);
  });

  it("exits with 0 without problems, in text and as JSON", async () => {
    lab.healthy(lab.stack("staging"), false);
    const words = await doctorWithMail(["staging", "--dns-server", lab.dns.address]);
    expect(words.code, words.stdout + words.stderr).to.equal(0);
    expect(words.stdout).to.match(/\n0 problems, 25 checks ok, 16 only after the first pulumi up\.\n$/);
    lab.world.account.denied.add("servicequotas:GetServiceQuota");
    const { code, stdout, stderr } = await doctorWithMail([
      "staging",
      "--json",
      "--dns-server",
      lab.dns.address,
    ]);
    expect(code, stderr).to.equal(0);
    const report = JSON.parse(stdout) as Json;
    expect(report).to.include({ stack: "staging", account: "123456789012", exitCode: 0 });
    expect(report.checks.map(({ name }) => name)).to.deep.equal([
      "AWS account",
      ...checks.map(({ name }) => name),
    ]);
    expect(report.checks.find(({ name }) => name === "quota of VPCs")).to.deep.include({
      status: "not checked",
      detail: "the permission servicequotas:GetServiceQuota is missing",
      missingPermission: "servicequotas:GetServiceQuota",
    });
  });

  it("refuses a secret in the settings, and does not show it", async () => {
    const directory = project({ "iaso:emailPassword": PLAIN_SECRET });
    const { code, stdout, stderr } = await doctor(["staging"], {}, directory);
    expect([code, stdout]).to.deep.equal([2, ""]);
    expect(stderr)
      .to.include("iaso:emailPassword is a secret, and this program takes none.")
      .and.include("npm run init-stack -- staging")
      .and.not.include(PLAIN_SECRET);
  });

  it("checks with --preflight only for causes of failed updates", async () => {
    const { account } = lab.healthy(lab.stack("staging"), true);
    account.queues.set("iaso-staging-tasks-dead-letters", 3);
    const { code, stdout } = await doctorWithMail([
      "staging",
      "--preflight",
      "--json",
      "--dns-server",
      lab.dns.address,
    ]);
    expect(code, stdout).to.equal(0);
    const preflight = checks.filter(({ phase }) => phase === "preflight").map(({ name }) => name);
    const report = JSON.parse(stdout) as Json;
    expect(report.checks.map(({ name }) => name)).to.deep.equal(["AWS account", ...preflight]);
  });

  it("reports why it cannot check, with the fix and without a stack trace, and exits with 2", async () => {
    const cases: [args: string[], env: Record<string, string>, says: RegExp][] = [
      [[], {}, /missing required argument 'stack'[^]*npm run doctor -- --help/],
      [["demo"], {}, /no stack demo: Pulumi\.demo\.yaml is missing\. There are: staging, prod/],
      [["staging", "--dns-server", "nowhere"], {}, /"nowhere" is not the address[^]*--dns-server 1\.1\.1\.1/],
      [
        ["staging"],
        { AWS_ENDPOINT_URL: "http://127.0.0.1:1" },
        /cannot be reached:.*127\.0\.0\.1:1[^]*network/,
      ],
      [
        ["staging"],
        {
          AWS_ACCESS_KEY_ID: "",
          AWS_SECRET_ACCESS_KEY: "",
          AWS_CONFIG_FILE: "/dev/null",
          HOME: "/nonexistent",
        },
        /credentials[^]*aws sso login/,
      ],
    ];
    const outcomes = await Promise.all(cases.map(([args, env]) => doctor(args, env)));
    lab.healthy(lab.stack("staging"), false).account.hasValidCredentials = false;
    outcomes.push(await doctor(["staging"]));
    cases.push([[], {}, /InvalidClientTokenId[^]*aws sso login/]);
    for (const [index, { code, stdout, stderr }] of outcomes.entries()) {
      expect([code, stdout], stderr).to.deep.equal([2, ""]);
      expect(stderr)
        .to.match(cases[index]![2])
        .and.not.match(/^\s+at /m);
    }
  });

  it("says every wrong setting", () => {
    const directory = project({ "iaso:region": "moon-1", "iaso:vpcCidr": "10.0.0.0/8" });
    expect(() => readStack(readProject(directory), "staging")).to.throw(/iaso:region[^]*iaso:vpcCidr/);
  });

  it("reads no value of a parameter", async () => {
    const stack = lab.stack("staging");
    lab.healthy(stack, true);
    lab.aws.calls.length = 0;
    await lab.examine(stack);
    const reads = lab.aws.calls.filter((action) =>
      /^ssm:|GetObject|ReceiveMessage|kms:|secretsmanager:/.test(action),
    );
    expect([...new Set(reads)]).to.deep.equal(["ssm:DescribeParameters"]);
    // Nothing but reading.
    for (const action of lab.aws.calls) expect(action).to.match(/:(Get|List|Describe|Check)/);
  });
});

describe("docs/doctor.md", () => {
  it("lists every check, in the order of the report", () => {
    const page = readFileSync(join(ROOT, "docs/doctor.md"), "utf8");
    const rows = [...page.matchAll(/^\| ([A-Za-z][^|]*?) +\|/gm)].map(([, name]) => name);
    const headings = ["Exit code", "Check"];
    expect(rows.filter((name) => !headings.includes(name ?? ""))).to.deep.equal([
      "AWS account",
      ...checks.map(({ name }) => name),
    ]);
  });
});

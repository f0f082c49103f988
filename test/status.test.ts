import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { parse, stringify } from "yaml";
import { type Stack } from "../doctor/stack";
import { type StackStatus } from "../status/stackStatus";
import { removeTemporaryDirectories, temporaryDirectory } from "./deploy/source/checkout";
import { type Account, VERSION } from "./doctor/double/account";
import { Lab } from "./doctor/lab";
import { writeExampleProject } from "./support";

describe("npm run status", () => {
  const lab = new Lab();
  let project: string;
  let account: Account;
  before(() => lab.start());
  after(async () => {
    await lab.stop();
    removeTemporaryDirectories();
  });
  beforeEach(() => {
    project = temporaryDirectory();
    writeExampleProject(project);
  });

  async function status(...args: string[]) {
    const child = spawn(
      "npm",
      ["run", "--silent", "status", "--", "--dns-server", lab.dns.address, ...args],
      {
        cwd: project,
        env: { ...process.env, ...lab.variables() },
      },
    );
    const outcome = { stdout: "", stderr: "" };
    child.stdout.on("data", (chunk) => (outcome.stdout += String(chunk)));
    child.stderr.on("data", (chunk) => (outcome.stderr += String(chunk)));
    const [code] = (await once(child, "close")) as [number | null];
    expect(outcome.stdout + outcome.stderr).to.not.match(/^\s+at .*:\d+/m);
    expect(lab.aws.calls, "reads a value that may be secret").to.not.include.members(["ssm:GetParameter"]);
    return { ...outcome, code };
  }

  /** The cells of a stack's line. */
  const cells = (stdout: string, stack: string) =>
    (stdout.split("\n").find((line) => line.startsWith(`${stack} `)) ?? "").split(/ {2,}/);

  /** Both stacks of the project, in good health since a day. */
  function running(): { staging: Stack; prod: Stack } {
    const [staging, prod] = [lab.stack("staging"), lab.stack("prod")];
    const dns = [prod, staging].map((stack) => lab.healthy(stack, true).dns);
    account = lab.world.account;
    for (const stack of [staging, prod]) account.addStack(stack, new Date());
    // Otherwise the check of static files would ask the real S3.
    for (const { staticBucket } of [staging, prod]) account.objects.delete(staticBucket);
    Object.assign(lab.world.dns, ...dns);
    return { staging, prod };
  }

  /** A run of the deploy tool that has ended. */
  function deployed({ artifactsBucket, env }: Stack, phase: string, by: string): void {
    const lock = { env, token: 7, holder: null, expiresAt: null, openJournal: null };
    const run = { number: 7, env, command: "deploy", by, phase, from: null, to: VERSION, history: [] };
    const startedAt = "2026-11-20T10:00:00.000Z";
    account.contents.set(
      `${artifactsBucket}/locks/${env}.json`,
      JSON.stringify({ ...lock, version: VERSION, previous: null }),
    );
    account.contents.set(
      `${artifactsBucket}/journal/${env}/00000007.json`,
      JSON.stringify({ ...run, startedAt }),
    );
  }

  it("shows a line for each stack: version, health, last deployment, backup, costs, no problem", async () => {
    const { staging, prod } = running();
    deployed(staging, "succeeded", "amy");
    deployed(prod, "rolledBack", "ben");
    const { code, stdout, stderr } = await status();
    expect(code, stdout + stderr).to.equal(0);
    const line = cells(stdout, "staging");
    expect(line.slice(0, 4)).to.deep.equal(["staging", VERSION, "Green", "2026-11-20 by amy"]);
    expect(line[4]).to.match(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}Z$/);
    expect(line[5]).to.match(/^\d{3}$/);
    expect(line[6], stdout).to.equal("none");
    expect(cells(stdout, "prod").slice(2, 4)).to.deep.equal(["Green", "2026-11-20 by ben, rolledBack"]);
  });

  it("shows the last deployment after a rehearsal, which counts as a run and leaves no record", async () => {
    const { staging } = running();
    deployed(staging, "succeeded", "amy");
    const key = `${staging.artifactsBucket}/locks/staging.json`;
    const lock = JSON.parse(account.contents.get(key)!) as { token: number };
    account.contents.set(key, JSON.stringify({ ...lock, token: lock.token + 2 }));
    const { stdout } = await status("staging");
    expect(cells(stdout, "staging")[3]).to.equal("2026-11-20 by amy");
  });

  it("shows what is wrong, with its fix", async () => {
    const { staging } = running();
    account.environments.get("iaso-staging-worker")!.version = "other";
    account.environments.get("iaso-staging-worker")!.health = "Red";
    account.queues.set(staging.deadLetterQueue, 3);
    const { code, stdout } = await status("staging");
    expect(code, stdout).to.equal(1);
    const line = cells(stdout, "staging");
    expect(line[1]).to.equal(`${VERSION} / other`);
    expect(line[2]).to.equal("web Green, worker Red, enketo Green");
    expect(line[3]).to.equal("never");
    expect(line[6]).to.equal("2");
    expect(stdout).to.match(/\n {2}dead letters: .* 3 background tasks that failed\.\n {4}fix: /);
    expect(stdout).to.include("fix: npm run deploy -- repair staging");
    expect(stdout).to.not.include("prod");
  });

  it("shows who deploys now", async () => {
    const { staging } = running();
    const holder = { by: "amy", command: "deploy staging", since: "2026-11-20T10:00:00.000Z" };
    const expiresAt = new Date(Date.now() + 60_000).toISOString();
    const lock = { env: "staging", token: 1, holder, expiresAt, openJournal: 1, version: null };
    account.contents.set(
      `${staging.artifactsBucket}/locks/staging.json`,
      JSON.stringify({ ...lock, previous: null }),
    );
    const { stdout } = await status("staging");
    expect(cells(stdout, "staging")[3]).to.equal("running now");
    expect(stdout).to.include('amy has been running "deploy staging" on staging');
  });

  it("shows no control characters of the lock and the journal, which the role that deploys writes", async () => {
    const { staging } = running();
    const hostile = "amy\u001b]52;c;ZXZpbA==\u0007\u001b[2K\u001b[1A\u009b8m";
    deployed(staging, "succeeded", hostile);
    const { code, stdout, stderr } = await status("staging");
    expect(code, stdout + stderr).to.equal(0);
    expect(cells(stdout, "staging")[3]).to.equal("2026-11-20 by amy");
    expect(stdout + stderr).to.not.match(/(?!\n)\p{Cc}/u);
  });

  it("says which stack does not exist yet, and which is in an account that the credentials are not for", async () => {
    const { prod } = running();
    account.parameters.delete(prod.deploymentParameter);
    const first = await status("prod");
    expect([first.code, cells(first.stdout, "prod")[1]]).to.deep.equal([0, "not created"]);
    account.id = "210987654321";
    const second = await status("staging");
    expect([second.code, cells(second.stdout, "staging")[1]]).to.deep.equal([2, "unknown"]);
    expect(second.stdout).to.match(/The credentials are for the account 210987654321.*\n {4}fix: Sign in to/);
  });

  it("goes on without what the credentials may not read, and counts it", async () => {
    running();
    account.denied.add("s3:GetObject").add("sqs:GetQueueUrl");
    const { code, stdout } = await status("staging");
    expect(code, stdout).to.equal(0);
    expect(cells(stdout, "staging")[6]).to.equal("none, 1 not checked");
  });

  it("refuses a stack without settings, also for a profile", async () => {
    running();
    for (const args of [["stagin"], ["--profile", "stagin=dev"], ["--profile", "staging"]]) {
      const { code, stderr } = await status(...args);
      expect(code).to.equal(2);
      expect(stderr).to.match(/Did you mean staging\?|names no stack and profile/);
    }
  });

  it("uses the profile of each stack", async () => {
    running();
    const config = join(project, "aws-config");
    writeFileSync(config, "[profile dev]\naws_access_key_id = AKIADEV\naws_secret_access_key = dev\n");
    process.env["AWS_CONFIG_FILE"] = config;
    const { code, stderr, stdout } = await status("staging", "--profile", "staging=nobody");
    expect(code, stdout + stderr).to.equal(2);
    expect(stdout).to.match(
      /AWS account: not checked: AWS does not accept the credentials, or there are none/,
    );
    expect((await status("staging", "--profile", "staging=dev")).code).to.equal(0);
    delete process.env["AWS_CONFIG_FILE"];
  });

  it("shows fifty stacks of an account that throttles its calls @proof", async () => {
    running();
    const file = (stack: string) => join(project, `Pulumi.${stack}.yaml`);
    const { config } = parse(readFileSync(file("staging"), "utf8")) as { config: Record<string, unknown> };
    for (let index = 0; index < 48; index += 1) {
      const name = `env${index}`;
      const hosts = {
        "iaso:webHost": `${name}.example.org`,
        "iaso:enketoHost": `enketo-${name}.example.org`,
      };
      writeFileSync(file(name), stringify({ config: { ...config, ...hosts } }));
      const stack = lab.stackIn(project, name);
      account.addStack(stack, new Date());
      account.objects.delete(stack.staticBucket);
    }
    account.callsPerSecond = 100;
    const { code, stdout, stderr } = await status("--json");
    expect(code, stderr).to.equal(0);
    const statuses = JSON.parse(stdout) as StackStatus[];
    expect(statuses).to.have.length(50);
    for (const { stack, state, checks } of statuses) {
      expect(state, stack).to.equal("running");
      const missing = checks.filter((check) => check.status !== "ok");
      expect(missing, stack).to.deep.equal([]);
    }
  });
});

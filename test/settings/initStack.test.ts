import { execFile } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { generators } from "../../settings/initStack";
import { SecretName, secretSettings } from "../../settings/secrets";
import { writeExampleProject } from "../support";
import { BeanstalkDouble } from "./beanstalkDouble";

const SECRETS = Object.keys(secretSettings) as SecretName[];
const TYPED = SECRETS.filter((name) => generators[name] === undefined);

/** Stands for the Pulumi CLI: keeps stacks and configuration in a file, and all arguments it was called with. */
const DOUBLE = `#!${process.execPath}
const fs = require("node:fs");
const file = process.env.DOUBLE_STATE;
const state = JSON.parse(fs.readFileSync(file, "utf8"));
const args = process.argv.slice(2);
state.calls.push(args);
const [noun, verb, name] = args;
let status = 0;
if (noun === "stack" && verb === "select") status = state.stacks.includes(name) ? 0 : 255;
else if (noun === "stack" && verb === "init") state.stacks.push(name);
else if (noun === "config" && verb === "set") {
  state.config[args.find((arg) => arg.startsWith("iaso:"))] = fs.readFileSync(0, "utf8");
}
else if (noun === "config" && verb === "--json") {
  const plain = (key) => state.plain.includes(key);
  const entries = Object.entries(state.config).map(([key, value]) =>
    [key, plain(key) ? { value, secret: false } : { secret: true }]);
  console.log(JSON.stringify(Object.fromEntries(entries)));
}
else status = 64;
fs.writeFileSync(file, JSON.stringify(state));
process.exit(status);
`;

interface State {
  stacks: string[];
  config: Record<string, string>;
  /** Keys of values that are not encrypted. */
  plain: string[];
  calls: string[][];
}

describe("settings/initStack", () => {
  let directory: string;
  let project: string;
  const beanstalk = new BeanstalkDouble();
  let aws: Record<string, string>;
  const stateFile = () => join(directory, "state.json");
  const state = () => JSON.parse(readFileSync(stateFile(), "utf8")) as State;

  before(async () => {
    aws = await beanstalk.start();
  });
  after(() => {
    beanstalk.stop();
  });
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "init-stack-"));
    project = join(directory, "project");
    writeExampleProject(project);
    writeFileSync(join(project, "Pulumi.demo.yaml"), "config:\n");
    writeFileSync(join(directory, "pulumi"), DOUBLE);
    chmodSync(join(directory, "pulumi"), 0o755);
    writeFileSync(
      stateFile(),
      JSON.stringify({ stacks: [], config: {}, plain: [], calls: [] } satisfies State),
    );
  });
  afterEach(() => {
    rmSync(directory, { recursive: true });
  });

  interface Outcome {
    status: number;
    stdout: string;
    stderr: string;
  }

  function run(path = directory, stack = "demo", env: Record<string, string> = aws): Promise<Outcome> {
    return new Promise((resolve) => {
      const child = execFile(
        process.execPath,
        ["--require", "./cli/loader.cjs", "settings/initStack.ts", stack],
        { cwd: project, env: { ...process.env, ...env, PATH: path, DOUBLE_STATE: stateFile() } },
        (error, stdout, stderr) => {
          resolve({ status: Number(error?.code ?? 0), stdout, stderr });
        },
      );
      child.stdin?.end();
    });
  }
  function setBefore(names: readonly string[], plain: string[] = []): void {
    const config = Object.fromEntries(names.map((name) => [`iaso:${name}`, "set before"]));
    writeFileSync(
      stateFile(),
      JSON.stringify({ stacks: ["demo"], config, plain, calls: [] } satisfies State),
    );
  }

  it("generates each secret in its required form, no two alike", () => {
    for (const [name, generate] of Object.entries(generators)) {
      const { pattern } = secretSettings[name as SecretName];
      const values = Array.from({ length: 20 }, generate);
      for (const value of values) expect(value, name).to.match(pattern);
      // There is no earlier key in a new stack.
      expect(new Set(values).size, name).to.equal(name === "secretKeyFallbacks" ? 1 : 20);
    }
    expect(TYPED).to.have.members(["sentryDsn", "emailPassword"]);
  });

  it("hands each value over by standard input, encrypted, and shows none", async () => {
    setBefore(TYPED);
    const { status, stdout, stderr } = await run();
    expect(status, stderr).to.equal(0);
    const { config, calls } = state();
    for (const name of SECRETS) {
      const value = config[`iaso:${name}`]!;
      if (TYPED.includes(name)) {
        expect(value).to.equal("set before");
        continue;
      }
      expect(value, name).to.match(secretSettings[name].pattern);
      if (value !== "") expect(stdout + stderr + JSON.stringify(calls), name).not.to.include(value);
      expect(calls).to.deep.include(["config", "set", "--secret", `iaso:${name}`, "--stack", "demo"]);
    }
    expect(stdout).to.include("Generated databasePassword.").and.to.include("2 secrets were set before");
  });

  it("refuses a secret in plain text, without its value, and sets nothing", async () => {
    setBefore(SECRETS, ["iaso:emailPassword"]);
    const { status, stdout, stderr } = await run();
    expect([status, stdout.includes("All secrets are set")]).to.deep.equal([1, false]);
    expect(stderr)
      .to.match(/^Pulumi\.demo\.yaml has secrets in plain text: iaso:emailPassword\./)
      .and.include("pulumi config set --secret iaso:emailPassword --stack demo")
      .and.not.include("set before");
    expect(state().calls.filter(([, verb]) => verb === "set")).to.deep.equal([]);
  });

  it("takes an empty secret for one that is not set", async () => {
    setBefore(SECRETS);
    const { config } = state();
    const empty = { ...config, "iaso:secretKey": "" };
    const before: State = { stacks: ["demo"], config: empty, plain: ["iaso:secretKey"], calls: [] };
    writeFileSync(stateFile(), JSON.stringify(before));
    const { status, stdout } = await run();
    expect(status).to.equal(0);
    expect(stdout).to.include("Generated secretKey.");
  });

  it("keeps existing values, and can be run again", async () => {
    setBefore(SECRETS);
    const { status, stdout } = await run();
    expect(status).to.equal(0);
    expect(state().calls.filter(([, verb]) => verb === "set")).to.deep.equal([]);
    expect(stdout).to.include(`${SECRETS.length} secrets were set before`);
  });

  it("pins the recommended platform version if none is set or AWS no longer offers it", async () => {
    setBefore(SECRETS);
    const file = join(project, "Pulumi.demo.yaml");
    const first = await run();
    expect(first.status, first.stderr).to.equal(0);
    const pinned =
      "config:\n" +
      "  iaso:pythonSolutionStack: 64bit Amazon Linux 2023 v4.13.9 running Python 3.13\n" +
      "  iaso:dockerSolutionStack: 64bit Amazon Linux 2023 v4.13.9 running Docker\n";
    expect(readFileSync(file, "utf8")).to.equal(pinned);
    // v4.13.8 is not the newest, but this account can use it.
    const older = pinned.replace("v4.13.9 running Python", "v4.13.8 running Python");
    writeFileSync(file, older.replace("v4.13.9 running Docker", "v4.13.1 running Docker"));
    const second = await run();
    expect(second.stdout).to.include(
      "Pinned dockerSolutionStack in Pulumi.demo.yaml: 64bit Amazon Linux 2023 v4.13.9 running Docker",
    );
    expect(readFileSync(file, "utf8")).to.equal(older);
  });

  it("sets the secrets without AWS too, and names the command that pins the platform versions", async () => {
    setBefore(TYPED);
    const { status, stdout, stderr } = await run(directory, "demo", {
      ...aws,
      AWS_ENDPOINT_URL: "http://127.0.0.1:9",
    });
    expect([status, stderr]).to.deep.equal([0, ""]);
    expect(stdout).to.match(/AWS did not say which ones it offers: AWS cannot be reached/);
    expect(stdout).to.include("run: npm run platform -- demo --update");
    expect(stdout).to.include("Generated databasePassword.");
  });

  it("refuses a name without a settings file, suggests the nearest, and neither creates nor selects a stack", async () => {
    const { status, stdout, stderr } = await run(directory, "stagign");
    expect([status, stdout]).to.deep.equal([1, ""]);
    expect(stderr).to.equal(
      "There are no settings for the stack stagign: Pulumi.stagign.yaml is missing. Did you mean staging?\n" +
        "To fix it: Use one of the stacks with settings: staging, prod, demo. To add one: npm run add-environment -- stagign --from STACK\n",
    );
    expect(state().calls).to.deep.equal([]);
  });

  it("creates the stack if there is none; names all that must be typed in before it sets anything", async () => {
    const { status, stdout, stderr } = await run();
    expect(status).to.equal(1);
    expect(stdout).to.include("Created the stack demo.");
    expect(state().stacks).to.deep.equal(["demo"]);
    expect(state().config).to.deep.equal({});
    for (const name of TYPED) {
      expect(stderr).to.include(`pulumi config set --secret iaso:${name} --stack demo`);
    }
    expect(stderr).not.to.match(/\n\s+at /);
  });

  it("prints the next steps if Pulumi is not ready", async () => {
    // As Pulumi 3.259 says it.
    const sayings = {
      "PULUMI_ACCESS_TOKEN must be set for login during non-interactive CLI sessions": "pulumi login s3://",
      "could not create secrets manager for new stack: passphrase must be set with PULUMI_CONFIG_PASSPHRASE or PULUMI_CONFIG_PASSPHRASE_FILE environment variables":
        "Choose a passphrase",
      "incorrect passphrase": "Set the passphrase of this stack",
    };
    for (const [said, remedy] of Object.entries(sayings)) {
      writeFileSync(join(directory, "pulumi"), `#!/bin/sh\necho "error: ${said}" >&2\nexit 255\n`);
      const { status, stderr } = await run(`${directory}:/bin`);
      expect(status).to.equal(1);
      expect(stderr)
        .to.include(said)
        .and.to.include(remedy)
        .and.not.to.match(/\n\s+at /);
    }
  });

  it("names the source of the Pulumi CLI if it is missing, without a stack trace", async () => {
    const { status, stderr } = await run(join(directory, "nothing"));
    expect(status).to.equal(1);
    expect(stderr.trim()).to.equal(
      "The Pulumi CLI is not installed.\nTo fix it: install it from https://www.pulumi.com/docs/iac/download-install/",
    );
  });
});

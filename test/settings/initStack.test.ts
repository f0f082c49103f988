import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { generators } from "../../settings/initStack";
import { SecretName, secretSettings } from "../../settings/secrets";
import { writeExampleProject } from "../support";

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
else if (noun === "config" && verb === "--json") console.log(JSON.stringify(state.config));
else status = 64;
fs.writeFileSync(file, JSON.stringify(state));
process.exit(status);
`;

interface State {
  stacks: string[];
  config: Record<string, string>;
  calls: string[][];
}

describe("settings/initStack", () => {
  let directory: string;
  let project: string;
  const stateFile = () => join(directory, "state.json");
  const state = () => JSON.parse(readFileSync(stateFile(), "utf8")) as State;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "init-stack-"));
    project = join(directory, "project");
    writeExampleProject(project);
    writeFileSync(join(project, "Pulumi.demo.yaml"), "config:\n");
    writeFileSync(join(directory, "pulumi"), DOUBLE);
    chmodSync(join(directory, "pulumi"), 0o755);
    writeFileSync(stateFile(), JSON.stringify({ stacks: [], config: {}, calls: [] } satisfies State));
  });
  afterEach(() => {
    rmSync(directory, { recursive: true });
  });

  function run(path = directory, stack = "demo") {
    return spawnSync(process.execPath, ["--require", "./cli/loader.cjs", "settings/initStack.ts", stack], {
      cwd: project,
      encoding: "utf8",
      env: { ...process.env, PATH: path, DOUBLE_STATE: stateFile() },
      input: "",
    });
  }
  function setBefore(names: readonly string[]): void {
    const config = Object.fromEntries(names.map((name) => [`iaso:${name}`, "set before"]));
    writeFileSync(stateFile(), JSON.stringify({ stacks: ["demo"], config, calls: [] } satisfies State));
  }

  it("generates what can be generated, in the form that settings ask for, no two alike", () => {
    for (const [name, generate] of Object.entries(generators)) {
      const { pattern } = secretSettings[name as SecretName];
      const values = Array.from({ length: 20 }, generate);
      for (const value of values) expect(value, name).to.match(pattern);
      // There is no earlier key in a new stack.
      expect(new Set(values).size, name).to.equal(name === "secretKeyFallbacks" ? 1 : 20);
    }
    expect(TYPED).to.have.members(["sentryDsn", "emailPassword"]);
  });

  it("hands each value over by standard input, encrypted, and shows none", () => {
    setBefore(TYPED);
    const { status, stdout, stderr } = run();
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

  it("leaves alone what is set already, and can be run again", () => {
    setBefore(SECRETS);
    const { status, stdout } = run();
    expect(status).to.equal(0);
    expect(state().calls.filter(([, verb]) => verb === "set")).to.deep.equal([]);
    expect(stdout).to.include(`${SECRETS.length} secrets were set before`);
  });

  it("refuses a name without a settings file, suggests the nearest, and neither creates nor selects a stack", () => {
    const { status, stdout, stderr } = run(directory, "stagign");
    expect([status, stdout]).to.deep.equal([1, ""]);
    expect(stderr).to.equal(
      "There are no settings for the stack stagign: Pulumi.stagign.yaml is missing. Did you mean staging?\n" +
        'To fix it: choose one of staging, prod, demo; or add a stack as in docs/operations.md, "Adding an environment".\n',
    );
    expect(state().calls).to.deep.equal([]);
  });

  it("creates the stack if there is none; names all that must be typed in before it sets anything", () => {
    const { status, stdout, stderr } = run();
    expect(status).to.equal(1);
    expect(stdout).to.include("Created the stack demo.");
    expect(state().stacks).to.deep.equal(["demo"]);
    expect(state().config).to.deep.equal({});
    for (const name of TYPED) {
      expect(stderr).to.include(`pulumi config set --secret iaso:${name} --stack demo`);
    }
    expect(stderr).not.to.match(/\n\s+at /);
  });

  it("says how to go on where Pulumi cannot work yet", function () {
    this.timeout(60_000);
    // As Pulumi 3.259 says it.
    const sayings = {
      "PULUMI_ACCESS_TOKEN must be set for login during non-interactive CLI sessions": "pulumi login s3://",
      "could not create secrets manager for new stack: passphrase must be set with PULUMI_CONFIG_PASSPHRASE or PULUMI_CONFIG_PASSPHRASE_FILE environment variables":
        "Choose a passphrase",
      "incorrect passphrase": "Set the passphrase of this stack",
    };
    for (const [said, remedy] of Object.entries(sayings)) {
      writeFileSync(join(directory, "pulumi"), `#!/bin/sh\necho "error: ${said}" >&2\nexit 255\n`);
      const { status, stderr } = run(`${directory}:/bin`);
      expect(status).to.equal(1);
      expect(stderr)
        .to.include(said)
        .and.to.include(remedy)
        .and.not.to.match(/\n\s+at /);
    }
  });

  it("says where to get the Pulumi CLI where it is missing, without a stack trace", () => {
    const { status, stderr } = run(join(directory, "nothing"));
    expect(status).to.equal(1);
    expect(stderr.trim()).to.equal(
      "The Pulumi CLI is not installed.\nTo fix it: install it from https://www.pulumi.com/docs/iac/download-install/",
    );
  });
});

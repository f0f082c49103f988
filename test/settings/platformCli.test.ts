import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { parse } from "yaml";
import { STACKS, writeExampleProject } from "../support";
import { BeanstalkDouble } from "./beanstalkDouble";

const PYTHON = "64bit Amazon Linux 2023 v4.13.9 running Python 3.13";
const DOCKER = "64bit Amazon Linux 2023 v4.13.9 running Docker";
const version = (name: string, number: string) => name.replace(/v[\d.]+/, `v${number}`);

interface Outcome {
  code: number;
  stdout: string;
  stderr: string;
}

describe("npm run platform", () => {
  let project: string;
  let aws: BeanstalkDouble;
  let environment: Record<string, string>;

  beforeEach(async () => {
    project = mkdtempSync(join(tmpdir(), "platform-"));
    aws = new BeanstalkDouble();
    environment = await aws.start();
  });
  afterEach(() => {
    aws.stop();
    rmSync(project, { recursive: true });
  });

  const stackFile = () => join(project, "Pulumi.staging.yaml");
  const config = () =>
    (parse(readFileSync(stackFile(), "utf8")) as { config: Record<string, unknown> }).config;
  function pinned(python: string | undefined, docker: string | undefined = DOCKER): void {
    writeExampleProject(project, {
      staging: { "iaso:pythonSolutionStack": python, "iaso:dockerSolutionStack": docker },
    });
  }
  function run(...args: string[]): Promise<Outcome> {
    return new Promise((resolve) => {
      execFile(
        process.execPath,
        ["--require", "./cli/loader.cjs", "settings/platformCli.ts", ...args],
        { cwd: project, env: { PATH: process.env.PATH, ...environment } },
        (error, stdout, stderr) => {
          resolve({ code: Number(error?.code ?? 0), stdout, stderr });
        },
      );
    });
  }

  it("shows the pinned and the recommended versions and the branches' states, and changes nothing", async () => {
    pinned(version(PYTHON, "4.13.8"));
    const before = readFileSync(stackFile(), "utf8");
    const { code, stdout, stderr } = await run("staging");
    expect([code, stderr]).to.deep.equal([0, ""]);
    expect(stdout).to.equal(
      [
        "pythonSolutionStack",
        `  pinned       ${version(PYTHON, "4.13.8")}`,
        `  recommended  ${PYTHON}`,
        "  branch       Python 3.13 running on 64bit Amazon Linux 2023: supported",
        "dockerSolutionStack",
        `  pinned       ${DOCKER}`,
        `  recommended  ${DOCKER}`,
        "  branch       Docker running on 64bit Amazon Linux 2023: supported",
        "To pin the recommended versions: npm run platform -- staging --update\n",
      ].join("\n"),
    );
    expect(readFileSync(stackFile(), "utf8")).to.equal(before);
  });

  it("pins the newest version by number, not by text, and keeps all else of the file", async () => {
    pinned(PYTHON);
    aws.solutionStacks.push(version(PYTHON, "4.13.10"), version(DOCKER, "4.2.99"));
    const commented = `# Ours.\n${readFileSync(join(STACKS, "Pulumi.staging.yaml"), "utf8")}`;
    writeFileSync(stackFile(), commented);
    const { code, stdout } = await run("staging", "--update");
    expect(code).to.equal(0);
    expect(stdout).to.include(
      `Pinned pythonSolutionStack in Pulumi.staging.yaml: ${version(PYTHON, "4.13.10")}`,
    );
    expect(stdout).not.to.include("Pinned dockerSolutionStack");
    expect(stdout).to.include("To apply: pulumi up --stack staging");
    expect(readFileSync(stackFile(), "utf8")).to.equal(commented.replace(PYTHON, version(PYTHON, "4.13.10")));
    expect((await run("staging")).stdout).to.include("The pinned versions are the recommended ones.");
  });

  it("marks a version that the account cannot use", async () => {
    pinned(PYTHON, version(DOCKER, "4.13.1"));
    const { stdout } = await run("staging");
    expect(stdout).to.include(`pinned       ${version(DOCKER, "4.13.1")} (not offered to this account)`);
    expect(stdout).to.match(/pinned {7}.*Python 3\.13\n/);
  });

  for (const state of ["Deprecated", "Retired"]) {
    it(`moves from a ${state.toLowerCase()} branch to the default one, even if it has versions`, async () => {
      pinned("64bit Amazon Linux 2023 v4.13.9 running Python 3.11");
      aws.branches.set("Python 3.11 running on 64bit Amazon Linux 2023", state);
      const { stdout } = await run("staging", "--update");
      expect(stdout).to.include(`Python 3.11 running on 64bit Amazon Linux 2023: ${state.toLowerCase()}`);
      expect(config()["iaso:pythonSolutionStack"]).to.equal(PYTHON);
    });
  }

  it("pins a version if none is set, also in an empty file", async () => {
    pinned(undefined, undefined);
    writeFileSync(stackFile(), "");
    const { code, stderr } = await run("staging", "--update");
    expect([code, stderr]).to.deep.equal([0, ""]);
    expect(config()).to.deep.equal({
      "iaso:pythonSolutionStack": PYTHON,
      "iaso:dockerSolutionStack": DOCKER,
    });
  });

  it("reports each error with its fix and without a stack trace", async () => {
    pinned(PYTHON);
    const typo = await run("stagign");
    aws.isDenied = true;
    const denied = await run("staging");
    aws.stop();
    const unreachable = await run("staging");
    environment.AWS_ACCESS_KEY_ID = "";
    const anonymous = await run("staging");
    for (const [{ code, stdout, stderr }, message] of [
      [typo, /Pulumi\.stagign\.yaml is missing\. Did you mean staging\?/],
      [
        denied,
        /AWS denied access.*\nTo fix it: Use a role with elasticbeanstalk:ListAvailableSolutionStacks/,
      ],
      [unreachable, /AWS cannot be reached.*\nTo fix it: /],
      [anonymous, /There are no valid AWS credentials.*\nTo fix it: Sign in to AWS/],
    ] as const) {
      expect([code, stdout]).to.deep.equal([1, ""]);
      expect(stderr).to.match(message);
      expect(stderr).not.to.match(/\n\s+at /);
    }
  });

  it("refuses to pin a version that AWS does not offer, and changes nothing", async () => {
    pinned(PYTHON);
    aws.solutionStacks = [DOCKER];
    const before = readFileSync(stackFile(), "utf8");
    const { code, stderr } = await run("staging", "--update");
    expect(code).to.equal(1);
    expect(stderr).to.include("AWS offers no version of Python 3.13 running on 64bit Amazon Linux 2023");
    expect(readFileSync(stackFile(), "utf8")).to.equal(before);
  });
});

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { EXIT } from "../../deploy/exitCodes";
import { ARTIFACTS, AwsDouble, ENV } from "../deploy/double/aws";
import { type CliResult, runCli } from "../deploy/double/cli";
import { ScaledTime } from "../deploy/double/clocks";
import { serve } from "../deploy/double/server";
import { gitIn, makeCheckout, removeTemporaryDirectories, writeFiles } from "../deploy/source/checkout";

const CLAIM = join(__dirname, "claim.py");
const BUILDING = "Running mkdir -p static";

/** An environment whose deployments run in processes of their own, over HTTP. */
async function withEnvironment(
  test: (deploy: (source: string) => Promise<CliResult>, double: AwsDouble) => Promise<void>,
): Promise<void> {
  const time = new ScaledTime(60);
  const double = new AwsDouble(1, time);
  double.addPair();
  const running = await serve(double);
  double.describeTarget(running.url);
  try {
    await test(
      (source) => runCli(running, time, [ENV, "--source", source, "--migrations-unchecked"]),
      double,
    );
  } finally {
    await running.stop();
  }
}

const builds = (double: AwsDouble): string[] => double.s3.keys(ARTIFACTS, "builds/");
const inputsOf = (key = ""): string => key.split("/")[1] ?? "";

describe("security: a build that claims to be another commit's @proof", function () {
  this.timeout(180_000);
  after(removeTemporaryDirectories);

  /** A checkout with the commit that is attacked, and the digest of its inputs, which anyone can compute. */
  async function makeVictim(): Promise<{ source: string; commit: string; inputs: string }> {
    const source = makeCheckout({
      "manage.py": "",
      "requirements.txt": "",
      "iaso-deploy.yaml":
        "build: []\ncollectStatic: [mkdir -p static && echo 1 > static/app.js]\ninclude: []\n",
      ".gitignore": "/static\n",
    });
    let inputs = "";
    await withEnvironment(async (deploy, double) => {
      const { code, stderr, stdout } = await deploy(source);
      expect(code, stdout + stderr).to.equal(EXIT.done);
      inputs = inputsOf(builds(double)[0]);
    });
    return { source, commit: gitIn(source, "rev-parse", "HEAD").trim(), inputs };
  }

  /** Commits a build command that claims the inputs, and a commit if one is given. */
  function attack(source: string, ...claim: string[]): void {
    gitIn(source, "switch", "--quiet", "--create", "attack");
    writeFiles(source, {
      "iaso-deploy.yaml":
        `build: ["${["python3", CLAIM, ...claim].join(" ")}"]\n` +
        "collectStatic: [mkdir -p static && echo 1 > static/app.js]\ninclude: []\n",
    });
    gitIn(source, "commit", "--quiet", "--all", "-m", "Attack");
  }

  it("is recorded under its own inputs, and the other commit is built", async () => {
    const { commit, inputs, source } = await makeVictim();
    attack(source, inputs);
    await withEnvironment(async (deploy, double) => {
      const attacked = await deploy(source);
      expect(attacked.code, attacked.stdout + attacked.stderr).to.equal(EXIT.done);
      expect(builds(double)).to.have.length(1);
      expect(builds(double).map(inputsOf)).not.to.include(inputs);
      gitIn(source, "switch", "--quiet", "--detach", commit);
      const { code, stderr, stdout } = await deploy(source);
      expect(code, stdout + stderr).to.equal(EXIT.done);
      expect(stdout).to.include(BUILDING);
    });
  });

  it("is refused where it also names the other commit and its version", async () => {
    const { commit, inputs, source } = await makeVictim();
    attack(source, inputs, commit);
    await withEnvironment(async (deploy, double) => {
      const { code, stderr } = await deploy(source);
      expect(code).to.equal(EXIT.refused);
      expect(stderr).to.contain(`says that it is ${commit.slice(0, 12)} of the commit ${commit}`);
      expect(builds(double)).to.deep.equal([]);
    });
  });

  it("writes through no link when the deployment unpacks a front end", async () => {
    // Not below /tmp, of which a build has its own.
    const outside = mkdtempSync(join(homedir(), ".iaso-test-"));
    const file = join(outside, "profile");
    writeFileSync(file, "own");
    const source = makeCheckout({
      "manage.py": "",
      "requirements.txt": "",
      "iaso-deploy.yaml":
        `build: ["python3 front/claim.js --escape ${file}"]\n` +
        "collectStatic: [mkdir -p static && echo 1 > static/app.js]\ninclude: [hat/assets/webpack]\n",
      ".gitignore": "/static\n/hat/assets/webpack\n",
      // A name that the front end's build has: the back end's files are left out.
      "front/claim.js": readFileSync(CLAIM, "utf8"),
    });
    try {
      await withEnvironment(async (deploy, double) => {
        const { code, stdout, stderr } = await deploy(source);
        expect(readFileSync(file, "utf8")).to.equal("own");
        expect(code, stdout + stderr).to.equal(EXIT.refused);
        expect(stderr).to.include("names a path twice");
        expect(double.web.updates).to.deep.equal([]);
      });
    } finally {
      rmSync(outside, { recursive: true });
    }
  });

  it("is refused where it names an image on the Python platform, before the registry is asked", async () => {
    const source = makeCheckout({
      "manage.py": "",
      "requirements.txt": "",
      "iaso-deploy.yaml":
        `build: []\ncollectStatic: ["python3 ${CLAIM} --image 127.0.0.1:9/evil:1"]\n` + "include: []\n",
      ".gitignore": "/static\n",
    });
    await withEnvironment(async (deploy) => {
      const { code, stdout, stderr } = await deploy(source);
      expect(code, stdout + stderr).to.equal(EXIT.refused);
      expect(stderr).to.include("The build is for the platform docker");
    });
  });
});

import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import fc from "fast-check";
import { readProject } from "../../preview/project";
import { previewStack } from "../../preview/preview";
import { stackFileProblems } from "../../preview/stackFiles";
import { surveyOf } from "../../move/survey";
import { newStackFile } from "../../settings/stackFile";
import { leaksIn } from "../leaks";
import { printedSeed } from "../seed";
import { writeExampleProject } from "../support";
import { ExistingAccount } from "./double/account";
import { MoveLab } from "./double/lab";
import { GENERATIONS, type Plant, PLANTS } from "./plants";

const NOW = new Date("2026-11-26T00:00:00Z");

interface Outcome {
  status: number;
  stdout: string;
  stderr: string;
}

describe("move survey", function () {
  this.timeout(600_000);
  const lab = new MoveLab();
  let project: string;
  /** The notes about an account without oddities. */
  let unplanted: string[] | undefined;

  before(() => lab.start());
  after(() => {
    lab.stop();
  });
  beforeEach(() => {
    lab.account = new ExistingAccount();
    project = mkdtempSync(join(tmpdir(), "survey-"));
    writeExampleProject(project);
  });
  afterEach(() => {
    rmSync(project, { recursive: true });
  });

  function run(args: string[] = []): Promise<Outcome> {
    lab.showRedis();
    const { region } = lab.account;
    const all = ["survey", "--application", "Iaso", "--stack", "moved", "--region", region, ...args];
    return new Promise((resolve) => {
      execFile(
        process.execPath,
        ["--require", "./cli/loader.cjs", "move/cli.ts", ...all],
        { cwd: project, env: process.env },
        (error, stdout, stderr) => {
          resolve({ status: Number(error?.code ?? 0), stdout, stderr });
        },
      );
    });
  }

  const survey = async () =>
    surveyOf(await lab.read(), { now: NOW, setting: (name) => `iaso:${name}`, stack: "moved" });
  /** The notes as `kind: what why`. */
  const notes = async () =>
    (await survey()).notes.map(({ kind, what, why = "" }) => `${kind}: ${what} ${why}`.trim());

  /** The report names each planted oddity, and nothing else. */
  async function expectPlanted(plants: readonly Plant[]): Promise<void> {
    lab.account = new ExistingAccount();
    const before = (unplanted ??= await notes());
    for (const { plant } of plants) plant(lab.account);
    const after = await notes();
    const adds = plants.flatMap((plant) => plant.adds);
    const removes = plants.flatMap((plant) => plant.removes ?? []);
    const added = after.filter((note) => !before.includes(note));
    const names = plants.map(({ name }) => name).join("; ");
    for (const pattern of adds)
      expect(
        after.filter((note) => pattern.test(note)),
        `${names}: ${String(pattern)}`,
      ).to.have.lengthOf(1);
    expect(
      added.filter((note) => !adds.some((pattern) => pattern.test(note))),
      `${names}: not planted`,
    ).to.deep.equal([]);
    expect(
      before.filter((note) => !after.includes(note) && !removes.some((pattern) => pattern.test(note))),
      `${names}: dropped`,
    ).to.deep.equal([]);
  }

  for (const plant of PLANTS) {
    it(`names ${plant.name}, and nothing else`, () => expectPlanted([plant]));
  }

  it("names all oddities of any mixture, and nothing else @proof", async () => {
    const mixable = PLANTS.filter(({ isAlone }) => isAlone !== true);
    await fc.assert(
      fc.asyncProperty(fc.subarray(mixable, { minLength: 2 }), async (chosen) => {
        const groups = new Set<string>();
        const plants = chosen.filter(({ group }) => {
          if (group === undefined) return true;
          const isFirst = !groups.has(group);
          groups.add(group);
          return isFirst;
        });
        await expectPlanted(plants);
      }),
      { seed: printedSeed(), numRuns: 15, includeErrorInReport: true },
    );
  });

  /** The files of the survey, in a real preview. */
  async function expectNoViolation(plants: readonly Plant[]): Promise<void> {
    lab.account = new ExistingAccount();
    for (const { plant } of plants) plant(lab.account);
    const { policyConfig, settings } = await survey();
    const previous = process.cwd();
    process.chdir(project);
    try {
      writeFileSync("Pulumi.moved.yaml", newStackFile("test", settings));
      writeFileSync("policies/policy-config.moved.json", JSON.stringify(policyConfig));
      const { document } = await previewStack(readProject("."), "moved");
      const violations = document.policies.violations.map((one) => `${one.policy}: ${one.message}`);
      expect(violations, JSON.stringify(settings)).to.deep.equal([]);
    } finally {
      process.chdir(previous);
    }
  }

  for (const [generation, names] of Object.entries(GENERATIONS)) {
    it(`takes over a platform made ${generation}`, async () => {
      const plants = PLANTS.filter(({ name }) => names.includes(name));
      expect(plants).to.have.lengthOf(names.length);
      await expectPlanted(plants);
      await expectNoViolation(plants);
    });
  }

  it("writes files that preview without a violation, whatever is planted @proof", async () => {
    const mixable = PLANTS.filter(({ isAlone }) => isAlone !== true);
    await fc.assert(
      fc.asyncProperty(fc.subarray(mixable), (plants) => expectNoViolation(plants)),
      { seed: printedSeed(), numRuns: 6, includeErrorInReport: true },
    );
  });

  it("writes the settings of the existing platform", async () => {
    const { settings } = await survey();
    expect(settings).to.include({
      accountId: "123456789012",
      organization: "example",
      region: "eu-central-1",
      hostedZone: "example.org",
      webHost: "iaso-new.example.org",
      enketoHost: "enketo-new.example.org",
      existingWebHost: "iaso.example.org",
      existingEnketoHost: "enketo.example.org",
      databaseInstanceClass: "db.m5.large",
      databaseStorage: 200,
      databaseMaxStorage: 1000,
      platform: "docker",
      webInstanceType: "t3.xlarge",
      webMinSize: 2,
      webMaxSize: 6,
      workerInstanceType: "m5.xlarge",
      workerMaxSize: 3,
      enketoInstanceType: "t3.medium",
      enketoRedisNodeType: "cache.t3.small",
      emailUser: "postmaster@mg.example.org",
    });
  });

  it("reads a bucket of another region", async () => {
    lab.account.buckets.get("old-iaso-media")!.region = "eu-west-3";
    expect((await lab.read()).buckets.map(({ name }) => name)).to.deep.equal(["old-iaso-media"]);
  });

  it("takes a VPC block that does not overlap with the existing one", async () => {
    lab.account.vpcs[0]!.cidr = "10.16.0.0/12";
    expect((await survey()).settings.vpcCidr).to.equal("172.20.0.0/16");
  });

  it("writes three files and shows the report, without a secret in any form", async () => {
    const marks: Record<string, string> = {};
    const { enketo, web, worker } = lab.account;
    for (const one of [web, worker, enketo]) {
      for (const name of Object.keys(one.secretVariables)) {
        const value = `LeakMark<${one.name}>&${name}$1`;
        marks[`${one.name} ${name}`] = value;
        one.variables[name] = value;
      }
      one.secretVariables = {};
    }
    for (const { plant } of PLANTS.filter(({ group, isAlone }) => group === undefined && isAlone !== true))
      plant(lab.account);
    for (const mark of ["Coupled1", "Unknown1", "Former01", "Option01"]) marks[mark] = `LeakMark${mark}`;
    lab.account.throttles = true;
    const { status, stderr, stdout } = await run();
    expect(status, stderr).to.equal(0);
    const files = ["Pulumi.moved.yaml", "policies/policy-config.moved.json", "survey-moved.md"];
    const texts = files.map((file) => readFileSync(join(project, file), "utf8"));
    expect(leaksIn([stdout, stderr, ...texts].join("\n"), marks)).to.deep.equal([]);
    expect(texts.join("") + stdout).not.to.include("LeakMark");
    for (const heading of ["Must be decided", "Unknown", "Changes", "Taken over"]) {
      expect(stdout).to.include(`${heading} (`);
      expect(texts[2]).to.include(`## ${heading}`);
    }
    expect(readdirSync(project).filter((name) => name.startsWith(".new-files"))).to.deep.equal([]);
    expect(stackFileProblems(readProject(project), ["moved"]).join()).to.include("the same as for");
  });

  it("only reads", async () => {
    lab.aws.calls.length = 0;
    const { status, stderr } = await run();
    expect(status, stderr).to.equal(0);
    expect(lab.aws.calls).not.to.be.empty;
    for (const action of lab.aws.calls) expect(action).to.match(/:(Describe|Get|List)/);
    expect(lab.aws.calls).not.to.include("ssm:GetParameter");
  });

  it("writes nothing over an existing file, and asks AWS nothing", async () => {
    for (const file of ["Pulumi.moved.yaml", "policies/policy-config.moved.json", "survey-moved.md"]) {
      writeFileSync(join(project, file), "mine");
      lab.aws.calls.length = 0;
      const { status, stderr } = await run();
      expect([status, stderr]).to.deep.equal([
        1,
        `There is already a file ${file}.\nTo fix it: Choose another stack, or delete the file: rm ${file}\n`,
      ]);
      expect(lab.aws.calls).to.deep.equal([]);
      expect(readFileSync(join(project, file), "utf8")).to.equal("mine");
      rmSync(join(project, file));
    }
  });

  it("names the environments of each Iaso if the application has several", async () => {
    const { web } = lab.account;
    lab.account.environments.push({ ...web, name: "iaso-qa", tags: { env: "qa" } });
    const { status, stderr } = await run();
    expect(status).to.equal(1);
    expect(stderr)
      .to.include("--environment iaso-prod --environment iaso-prod-worker\n")
      .and.include("--environment iaso-qa\n");
    expect(existsSync(join(project, "Pulumi.moved.yaml"))).to.equal(false);
    const chosen = await run(["--environment", "iaso-prod", "--environment", "iaso-prod-worker"]);
    expect(chosen.status, chosen.stderr).to.equal(0);
  });

  it("refuses an application, an environment and a stack that cannot be", async () => {
    const refused: [string[], RegExp][] = [
      [["--application", "Iasso"], /no environment of an application Iasso .* Did you mean Iaso\?/],
      [["--environment", "iaso-prd"], /has no environment iaso-prd\. Did you mean iaso-prod\?/],
      [["--environment", "iaso-prod-worker"], /is a web environment of Iaso/],
      [["--region", "eu-north-1"], /There is no environment of an application Iaso/],
      [["--stack", "my-stack"], /my-stack cannot be the name of a stack/],
    ];
    for (const [args, message] of refused) {
      const { status, stderr } = await run(args);
      expect(status, args.join(" ")).to.equal(1);
      expect(stderr)
        .to.match(message)
        .and.not.match(/\n\s+at /);
    }
  });
});

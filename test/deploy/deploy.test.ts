import { type ChildProcess, execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { EXIT } from "../../deploy/exitCodes";
import { Role } from "../authorization";
import { ARTIFACTS, AwsDouble, ENV, PREVIOUS, STATIC } from "./double/aws";
import { type ScaledTime } from "./double/clocks";
import { type CliResult, runCli } from "./double/cli";
import { mismatches } from "./double/runs";
import { type RunningDouble, serveAccount } from "./double/server";
import { makeCheckout, removeTemporaryDirectories, temporaryDirectory, unzip } from "./source/checkout";
import { writeExampleProject } from "../support";

const ROOT = join(__dirname, "../..");
const FACTOR = 60;
const WEBHOOK = "/slack/T000/B000/very-secret-token";

const hasDjango = spawnSync("python3", ["-c", "import django"]).status === 0;

const MANAGE = `#!/usr/bin/env python3
import os, sys
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hat.settings")
from django.core.management import execute_from_command_line
execute_from_command_line(sys.argv)
`;

// Where Django is not installed, collectstatic is played: the deployment is the same from there on.
const PLAYED = `#!/usr/bin/env python3
import pathlib, shutil, sys
assert sys.argv[1] == "collectstatic"
shutil.copytree("iaso/static", "static", dirs_exist_ok=True)
`;

const SETTINGS = `import pathlib
BASE_DIR = pathlib.Path(__file__).parent.parent
SECRET_KEY = "not-used"
INSTALLED_APPS = ["django.contrib.staticfiles"]
STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "iaso/static"]
`;

function makeProject(): string {
  return makeCheckout({
    "manage.py": { executable: hasDjango ? MANAGE : PLAYED },
    "hat/__init__.py": "",
    "hat/settings.py": SETTINGS,
    "hat/wsgi.py": "application = None\n",
    "iaso/static/css/index.css": "body { color: black; }\n",
    "iaso/static/app-0123456789abcdef0123.js": 'console.log("app");\n',
    "pyproject.toml": '[project]\nname = "Iaso"\nversion = "2026.7.28.dev0"\n',
    "requirements.txt": "",
    "plugins/polio/__init__.py": "",
    "cron.yaml": "version: 1\ncron: []\n",
    ".gitignore": "/static\n__pycache__\n/hat/assets/webpack\n",
    "iaso-deploy.yaml": `build:
  - mkdir -p hat/assets/webpack && echo "{}" > hat/assets/webpack/webpack-stats-prod.json
collectStatic:
  - python3 manage.py collectstatic --noinput
`,
  });
}

interface Account {
  double: AwsDouble;
  running: RunningDouble;
  time: ScaledTime;
  cli: (...args: string[]) => Promise<CliResult>;
}

async function withAccount(test: (account: Account) => Promise<void>): Promise<void> {
  const { double, running, time } = await serveAccount(FACTOR);
  double.beanstalk.environments[1]!.settings.variables = { PLUGINS: "polio", SECRET_KEY: "never-shown" };
  const environment = { SLACK_WEBHOOK_URL: `${running.url}${WEBHOOK}` };
  try {
    await test({ double, running, time, cli: (...args) => runCli(running, time, args, { environment }) });
  } finally {
    await running.stop();
  }
}

describe("deploy/deploy (the command line in a separate process, over HTTP)", () => {
  after(removeTemporaryDirectories);

  it("deploys a checkout, shows it, refuses a second time to change anything, and rolls back", () =>
    withAccount(async ({ cli, double }) => {
      const source = makeProject();
      const deployed = await cli(
        ENV,
        "--source",
        source,
        "--version",
        "2026.1",
        "--snapshot",
        "--json",
        "--migrations-unchecked",
      );
      expect(deployed.code, deployed.stderr + deployed.stdout).to.equal(EXIT.done);
      const report = JSON.parse(deployed.stdout) as Record<string, unknown>;
      const label = String(report["to"]);
      expect(report).to.deep.include({ outcome: "deployed", from: PREVIOUS, exitCode: 0 });
      expect(label).to.match(/^2026\.1-[0-9a-f]{16}$/);
      for (const environment of [double.web, double.worker]) {
        expect(environment.updates).to.deep.equal([label]);
        expect(environment.truth.instances.map((one) => one.label)).to.satisfy((labels: string[]) =>
          labels.every((one) => one === label),
        );
      }
      const bundle = await unzip(double.s3.get(ARTIFACTS, `bundles/${label}.zip`)!.body);
      expect([...bundle.keys()]).to.include.members([
        "manage.py",
        "plugins/polio/__init__.py",
        "hat/settings.py",
      ]);
      expect(double.s3.keys(STATIC, "static/")).to.deep.equal([
        "static/app-0123456789abcdef0123.js",
        "static/css/index.css",
      ]);
      expect(double.rds.snapshots).to.have.length(1);
      expect(double.rds.snapshots[0]?.id).to.match(/^iaso-staging-before-2026-1-[0-9a-f]{16}-\d{12}$/);
      expect(deployed.stderr).to.contain("web: Environment update is starting.");
      expect(deployed.stderr).to.contain("worker: Environment update completed successfully.");
      expect(double.slack).to.have.length(2);
      expect(double.slack[0]).to.contain("started");
      expect(double.slack[1]).to.contain(`staging runs ${label} on web and worker.`);

      const again = await cli(ENV, "--source", source, "--version", "2026.1", "--migrations-unchecked");
      expect(again.code, again.stderr).to.equal(EXIT.done);
      expect(again.stdout).to.contain(`staging already runs ${label}`);
      expect(double.web.updates).to.deep.equal([label]);

      const status = await cli("status", ENV);
      expect(status.code).to.equal(EXIT.done);
      // No warning of the AWS SDK or of Node.js either.
      expect(status.stderr).to.equal("");
      expect(status.stdout).to.contain(
        `staging runs ${label} on web and worker. The version before: ${PREVIOUS}.`,
      );

      const back = await cli("rollback", ENV);
      expect(back.code, back.stderr).to.equal(EXIT.done);
      expect(back.stdout).to.contain(`staging runs ${PREVIOUS} on web and worker.`);
      expect(back.stdout).to.contain("The database schema is unchanged");
      expect(mismatches(double, [PREVIOUS])).to.deep.equal([]);
      for (const { stderr, stdout } of [deployed, again, status, back]) {
        expect(stdout + stderr).not.to.contain("very-secret-token");
        expect(stdout + stderr).not.to.contain("never-shown");
      }
    }));

  it("deploys a bundle of `build` without git, uv or any other program, and refuses one that does not match @proof", () =>
    withAccount(async ({ cli, double, running, time }) => {
      const project = temporaryDirectory();
      writeExampleProject(project, {
        staging: { "iaso:plugins": ["polio"] },
        prod: { "iaso:platform": "docker" },
      });
      const buildIt = (stack: string, output: string, env: Record<string, string>, ...options: string[]) =>
        spawnSync(
          process.execPath,
          [
            ...[
              "--require",
              join(ROOT, "cli/loader.cjs"),
              join(ROOT, "deploy/deploy.ts"),
              "build",
              stack,
              "--json",
            ],
            ...["--source", makeProject(), "--version", "2026.1", "--output", output, ...options],
          ],
          { cwd: project, encoding: "utf8", env: { PATH: process.env["PATH"], HOME: project, ...env } },
        );
      const output = join(temporaryDirectory(), "built");
      const refused = buildIt(ENV, output, { AWS_SESSION_TOKEN: "x" });
      expect(refused.status).to.equal(EXIT.refused);
      expect((JSON.parse(refused.stdout) as { message: string }).message).to.match(
        /could read these credentials: AWS_SESSION_TOKEN/,
      );
      // Parents of this test may have credentials, which are refused too.
      const built = buildIt(ENV, output, {}, "--build-with-my-credentials");
      expect(built.status, built.stderr + built.stdout).to.equal(0);
      const { sha256 } = JSON.parse(built.stdout) as { sha256: string };

      const unset = await cli(ENV, "--built", output);
      expect(unset.code).to.equal(EXIT.refused);
      expect(unset.stderr).to.contain("--sha256 <SHA-256>, which the build printed, is missing");
      const both = await cli(ENV, "--built", output, "--sha256", sha256, "--version", "2");
      expect(both.stderr).to.contain("is done, so --version cannot change it");
      const wrong = await cli(ENV, "--built", output, "--sha256", "0".repeat(64));
      expect(wrong.code).to.equal(EXIT.refused);
      expect(wrong.stderr).to.contain(`has the SHA-256 ${sha256}, not 0000`);
      expect(double.web.updates).to.deep.equal([]);

      const unchecked = await cli(ENV, "--built", output, "--sha256", sha256);
      expect([unchecked.code, unchecked.stderr]).to.match(/^2,[^]*Not checked[^]*--migrations-unchecked/);
      expect(double.web.updates).to.deep.equal([]);

      const environment = { PATH: temporaryDirectory() };
      const deployed = await runCli(
        running,
        time,
        [ENV, "--built", output, "--sha256", sha256, "--migrations-unchecked"],
        {
          environment,
        },
      );
      expect(deployed.code, deployed.stderr).to.equal(EXIT.done);
      const [label = ""] = double.web.updates;
      expect(label).to.match(/^2026\.1-/);
      const bundle = await unzip(double.s3.get(ARTIFACTS, `bundles/${label}.zip`)!.body);
      expect([...bundle.keys()]).to.include.members(["manage.py", "Procfile", "iaso-deploy/wheels.txt"]);
      expect(bundle.get("manage.py")!.mode).to.equal(0o100755);

      const docker = join(temporaryDirectory(), "built");
      const other = buildIt("prod", docker, {}, "--build-with-my-credentials", "--image", "blsq/iaso:1");
      const mismatch = await cli(
        ENV,
        "--built",
        docker,
        "--sha256",
        (JSON.parse(other.stdout) as { sha256: string }).sha256,
      );
      expect(mismatch.stderr).to.contain("The build is for the platform docker, but staging runs on python.");
      double.beanstalk.environments[1]!.settings.variables = { PLUGINS: "polio,wfp" };
      const plugins = await cli(ENV, "--built", output, "--sha256", sha256);
      expect(plugins.code).to.equal(EXIT.refused);
      expect(plugins.stderr).to.contain(
        "The build is for the plugins polio, but staging enables polio, wfp.",
      );
    }));

  it("rolls both back if one fails, exits with 3 and names the restore point @proof", () =>
    withAccount(async ({ cli, double }) => {
      double.planNew("succeeds", "rolledBack");
      const failed = await cli(ENV, "--source", makeProject(), "--migrations-unchecked");
      expect(failed.code, failed.stderr).to.equal(EXIT.rolledBack);
      expect(failed.stderr).to.contain(
        `staging runs ${PREVIOUS} again on web and worker (verified on every instance).`,
      );
      expect(failed.stderr).to.match(
        /cause: worker \(iaso-staging-worker\) was rolled back .* Failed to deploy/,
      );
      expect(failed.stderr).to.contain("The database schema is NOT rolled back");
      expect(failed.stderr).to.match(/restore point of the database: 20\d\d-/);
      expect(double.web.updates).to.have.length(2);
      expect(mismatches(double, [PREVIOUS])).to.deep.equal([]);
      expect(double.slack.at(-1)).to.contain("cause: worker");
    }));

  it("exits with 4 and names the state and the command if one version cannot be reached", () =>
    withAccount(async ({ cli, double }) => {
      double.planNew("succeeds", "rolledBack");
      double.beanstalk.plan("iaso-staging", PREVIOUS, "mixed");
      const split = await cli(ENV, "--source", makeProject(), "--migrations-unchecked");
      expect(split.code, split.stderr).to.equal(EXIT.mixedVersions);
      expect(split.stderr).to.contain("staging RUNS MIXED VERSIONS");
      expect(split.stderr).to.contain("npm run deploy -- repair staging");
      expect(split.stderr).to.match(/web \(iaso-staging\): on .*instances: i-/);
      expect((await cli("status", ENV)).code).to.equal(EXIT.mixedVersions);
      double.beanstalk.plan("iaso-staging", PREVIOUS, "succeeds");
      const repaired = await cli("repair", ENV);
      expect(repaired.code, repaired.stderr).to.equal(EXIT.done);
      expect(mismatches(double, [PREVIOUS])).to.deep.equal([]);
    }));

  it("reports bad input without a stack trace, and changes nothing", () =>
    withAccount(async ({ cli, double }) => {
      const directory = mkdtempSync(join(tmpdir(), "iaso-no-checkout-"));
      writeFileSync(join(directory, "file"), "");
      const denied = await cli("nowhere", "--source", directory);
      expect(denied.stderr).to.match(/AWS denied access: .*ssm:GetParameter[^]*Use the role iaso-nowhere-ci/);
      // The role of one environment cannot tell whether another exists; an administrator can.
      double.role = new Role([{ Effect: "Allow", Action: "*", Resource: "*" }]);
      const cases: [string[], RegExp][] = [
        [["Staging!", "--source", directory], /is not a valid name of an environment/],
        [["a".repeat(13), "--source", directory], /is not a valid name of an environment/],
        [["nowhere", "--source", directory], /There is no environment nowhere in eu-central-1/],
        [[ENV, "--source", directory], /checkout/],
        [
          [ENV],
          /--source <directory>, the checkout of the application, is missing\.\nTo fix it: npm run deploy -- staging --source/,
        ],
        [[ENV, "--source", directory, "--timeout", "soon"], /Write it like 90s, 15m or 1h/],
        [["rollback", ENV], /has no record of the version that staging ran before/],
        [["rollback", ENV, "--to", "9.9"], /There is no application version 9\.9/],
        [["stauts"], /"stauts" is not a command.*\nTo fix it: npm run deploy -- status <env>/],
        [["stauts", ENV], /"stauts" is not a command.*\nTo fix it: npm run deploy -- status staging\n/],
        [["--json", "verions", ENV], /To fix it: npm run deploy -- versions staging\n/],
        [["nonsense", ENV], /"nonsense" is not a command.*\nTo fix it: npm run deploy -- --help/],
        [[ENV, "more", "--source", directory], /takes one environment, but got more arguments: more\./],
      ];
      const results = await Promise.all(cases.map(([args]) => cli(...args)));
      for (const [index, { code, stderr }] of results.entries()) {
        expect(code, stderr).to.equal(EXIT.refused);
        expect(stderr).to.match(cases[index]![1]);
        expect(stderr).not.to.match(/^ {4}at /m);
      }
      expect(double.beanstalk.environments.flatMap(({ updates }) => updates)).to.deep.equal([]);
      rmSync(directory, { recursive: true });
    }));

  it("rolls a switch back on SIGINT, and releases the lock @proof", () =>
    withAccount(async ({ double, running, time }) => {
      let tool: ChildProcess | undefined;
      double.faultOn = (operation, before) => {
        if (operation === "DescribeEvents" && before === 0) tool?.kill("SIGINT");
        return undefined;
      };
      const onStart = (child: ChildProcess): void => {
        tool = child;
      };
      const stopped = await runCli(
        running,
        time,
        [ENV, "--source", makeProject(), "--migrations-unchecked"],
        { onStart },
      );
      expect(stopped.code, stopped.stdout).to.equal(EXIT.rolledBack);
      expect(stopped.stderr).to.contain("cause: the run was interrupted");
      expect(mismatches(double, [PREVIOUS])).to.deep.equal([]);
    }));

  it("shows examples and exit codes in its help", () => {
    const help = execFileSync(
      process.execPath,
      ["--require", "./cli/loader.cjs", "deploy/deploy.ts", "--help"],
      {
        cwd: join(__dirname, "../.."),
        encoding: "utf8",
      },
    );
    for (const command of ["deploy", "status", "rollback", "repair", "versions", "prune"]) {
      expect(help).to.match(new RegExp(`^ {2}${command} `, "m"));
    }
    expect(help).to.contain("npm run deploy -- staging --source ../iaso");
    expect(help).to.contain("4  MIXED VERSIONS");
  });
});

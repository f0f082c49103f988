import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { parse } from "yaml";
import {
  installed,
  removeTemporaryDirectories,
  skip,
  temporaryDirectory,
  writeFiles,
} from "../deploy/source/checkout";

const DIRECTORY = join(__dirname, "../../.github/workflows");

interface Workflow {
  jobs: Record<string, { steps: { run?: string }[] }>;
}

/** The script of a job's step that begins with or contains a text. */
function script(file: string, job: string, part: string): string {
  const workflow = parse(readFileSync(join(DIRECTORY, file), "utf8")) as Workflow;
  const found = workflow.jobs[job]?.steps.find(({ run }) => run?.includes(part) === true)?.run;
  if (found === undefined) throw new Error(`no step of ${file}, ${job} has "${part}"`);
  return found;
}

/**
 * Runs a step as GitHub does (bash -eo pipefail), with programs that record how they were called: each call is a
 * line of `calls`, its arguments separated by |.
 *
 * @param files The files of the folder in which it runs.
 */
function run(
  text: string,
  env: Record<string, string>,
  programs: Record<string, string>,
  files: Record<string, string> = {},
) {
  const directory = temporaryDirectory();
  writeFiles(directory, files);
  for (const [name, body] of Object.entries(programs)) {
    const record = `(IFS='|'; echo "${name}|$*") >>${directory}/calls`;
    writeFiles(directory, { [`bin/${name}`]: { executable: `#!/bin/bash\n${record}\n${body}\n` } });
  }
  const result = spawnSync("bash", ["-eo", "pipefail", "-c", text], {
    cwd: directory,
    encoding: "utf8",
    env: {
      ...env,
      PATH: `${directory}/bin:${process.env["PATH"] ?? ""}`,
      GITHUB_OUTPUT: join(directory, "output"),
      GITHUB_STEP_SUMMARY: join(directory, "summary"),
    },
  });
  const read = (name: string): string => {
    const file = join(directory, name);
    return existsSync(file) ? readFileSync(file, "utf8") : "";
  };
  return {
    status: result.status,
    stderr: result.stderr,
    stdout: result.stdout,
    calls: read("calls"),
    output: read("output"),
    summary: read("summary"),
    read,
  };
}

/** The value that GitHub would read for a name from the output file. */
function outputValue(output: string, name: string): string | undefined {
  const lines = output.split("\n");
  const start = lines.findIndex((line) => line.startsWith(`${name}<<`));
  const delimiter = lines[start]?.slice(name.length + 2);
  const end = lines.indexOf(delimiter ?? "", start + 1);
  return start === -1 || end === -1 ? undefined : lines.slice(start + 1, end).join("\n");
}

describe(".github/workflows, the steps' scripts", () => {
  after(removeTemporaryDirectories);

  describe("ci: offline preview", () => {
    const text = script("ci.yml", "offline-preview", "--markdown");
    const base = script("ci.yml", "offline-preview", "git worktree");

    /** A folder for GitHub's temporary files, with these. */
    function temporary(files: Record<string, string> = {}): string {
      const directory = temporaryDirectory();
      writeFiles(directory, files);
      return directory;
    }

    it("hands the Markdown on, and fails where the preview fails, after that", () => {
      for (const status of [0, 3]) {
        const npm = `printf '# Preview\\n\\nrule violated'; exit ${status}`;
        const result = run(text, { RUNNER_TEMP: temporary() }, { npm });
        expect(result.status).to.equal(status);
        expect(result.calls).to.equal("npm|run|--silent|preview|--|--markdown|--report|preview.html\n");
        expect(outputValue(result.output, "markdown")).to.equal("# Preview\n\nrule violated");
        expect(result.summary).to.equal("# Preview\n\nrule violated");
      }
    });

    it("cuts what is too long for a comment", () => {
      const { output } = run(text, { RUNNER_TEMP: temporary() }, { npm: "yes line | head -n 50000" });
      expect(outputValue(output, "markdown")?.length).to.be.within(50_000, 65_000);
    });

    it("compares with what the pull request starts from, where that can be previewed", () => {
      const RUNNER_TEMP = temporary({ "base.json": "{}" });
      const { calls } = run(text, { RUNNER_TEMP }, { npm: "" });
      expect(calls).to.contain(`|--against|${RUNNER_TEMP}/base.json\n`);
    });

    it("keeps the preview of the base, refused or not, and nothing where it fails", () => {
      for (const [printed, status, kept] of [
        ['{"stack":"prod"}', 0, true],
        ['{"stack":"prod"}', 1, true],
        ["", 1, false],
        ["oops", 1, false],
      ] as const) {
        const RUNNER_TEMP = temporary();
        const programs = {
          git: `mkdir -p "$RUNNER_TEMP/base"`,
          npm: `[[ $1 == ci ]] || { printf '%s' '${printed}'; exit ${status}; }`,
        };
        const result = run(base, { RUNNER_TEMP }, programs);
        expect(result.status, result.stderr).to.equal(0);
        expect(result.calls).to.contain(`git|worktree|add|--quiet|${RUNNER_TEMP}/base|HEAD^1`);
        expect(existsSync(join(RUNNER_TEMP, "base.json"))).to.equal(kept);
      }
    });
  });

  describe("preview", () => {
    const text = script("preview.yml", "preview", "pulumi preview");

    it("previews the stack with its policies, and keeps the result under the stack's name", () => {
      for (const status of [0, 255]) {
        const result = run(text, { STACK: "prod" }, { pulumi: `echo "~ 2 to update"; exit ${status}` });
        expect(result.status).to.equal(status);
        expect(result.calls).to.contain("|--stack|prod|").and.contain("|--policy-pack|policies|");
        expect(result.calls).to.contain("policies/policy-config.prod.json");
        const title = `Preview of prod${status === 0 ? "" : ": FAILED"}`;
        expect(result.read("preview-prod.txt")).to.equal(`${title}\n~ 2 to update\n`);
        expect(result.summary).to.contain(title).and.contain("~ 2 to update");
      }
    });

    it("finds the stacks by their files", () => {
      const list = script("preview.yml", "stacks", "Pulumi.*.yaml");
      const files = { "Pulumi.yaml": "", "Pulumi.staging.yaml": "", "Pulumi.qa-2.yaml": "" };
      expect(run(list, {}, {}, files).output).to.equal('stacks=["qa-2","staging"]\n');
    });

    it("puts the previews of all stacks into one comment, within GitHub's limit", () => {
      const collect = script("preview.yml", "collect", "nullglob");
      const long = `${"line\n".repeat(20_000)}the end`;
      const previews = (count: number) =>
        Object.fromEntries(
          Array.from({ length: count }, (_, index) => [
            `preview-s${index}.txt`,
            `Preview of s${index}\n${long}`,
          ]),
        );
      for (const count of [1, 2, 20]) {
        const markdown = outputValue(run(collect, {}, {}, previews(count)).output, "markdown") ?? "";
        expect(markdown.length).to.be.lessThan(65_000);
        expect(markdown.match(/^#### Preview of s\d+$/gm)).to.have.length(count);
        expect(markdown.match(/^the end$/gm)).to.have.length(count);
      }
      expect(run(collect, {}, {}).output).to.equal("");
    });
  });

  describe("up, preview and deploy", () => {
    it("take the account and region of a stack from its file", () => {
      for (const [file, job] of [
        ["up.yml", "preview"],
        ["up.yml", "up"],
        ["preview.yml", "preview"],
        ["deploy.yml", "deploy"],
      ] as const) {
        const env = { STACK: "prod", ENVIRONMENT: "prod" };
        const result = run(script(file, job, "npm run --silent stack"), env, { npm: "echo account=1" });
        expect(result.calls).to.equal("npm|run|--silent|stack|--|prod\n");
        expect(result.output).to.equal("account=1\n");
      }
    });
  });

  describe("up", () => {
    it("looks for what would make the update fail before it begins", () => {
      const text = script("up.yml", "up", "npm run doctor");
      for (const status of [0, 1, 2]) {
        const result = run(text, { STACK: "prod" }, { npm: `exit ${status}` });
        expect(result.status).to.equal(status);
        expect(result.calls).to.equal("npm|run|doctor|--|prod|--preflight\n");
      }
      const { jobs } = parse(readFileSync(join(DIRECTORY, "up.yml"), "utf8")) as Workflow;
      const runs = (jobs["up"]?.steps ?? []).map(({ run = "" }) => run);
      const [doctor, update] = ["npm run doctor", "pulumi up"].map((part) =>
        runs.findIndex((step) => step.includes(part)),
      );
      expect(doctor).to.be.lessThan(update ?? -1);
    });
  });

  describe("comment", () => {
    const text = script("comment.yml", "comment", "gh api");
    const env = {
      MARKER: "<!-- preview -->",
      BODY: "text with `code` and $x",
      NUMBER: "7",
      GITHUB_REPOSITORY: "o/r",
    };

    it("writes a new comment where there is none, and over its own where there is", () => {
      const first = run(text, env, { gh: "" });
      expect(first.status, first.stderr).to.equal(0);
      expect(first.calls).to.contain("|--method|POST|repos/o/r/issues/7/comments|");
      expect(first.calls).to.contain("body=<!-- preview -->\ntext with `code` and $x");
      const second = run(text, env, { gh: "[[ $* == *--paginate* ]] && echo 42; true" });
      expect(second.calls).to.contain("|--method|PATCH|repos/o/r/issues/comments/42|");
      expect(second.calls).not.to.contain("POST");
    });

    it("finds its own comment, and none of somebody else that begins with the marker", function () {
      if (!installed("jq", "--version")) skip(this, "jq is not installed");
      const expression = /\|--jq\|(.*)/.exec(run(text, env, { gh: "" }).calls)?.[1] ?? "";
      const comments = [
        { id: 1, user: { login: "stranger" }, body: `${env.MARKER} written over` },
        { id: 2, user: { login: "github-actions[bot]" }, body: `about ${env.MARKER}` },
        { id: 3, user: { login: "github-actions[bot]" }, body: `${env.MARKER} ours` },
      ];
      const found = spawnSync("jq", [expression], {
        input: JSON.stringify(comments),
        encoding: "utf8",
        env: { ...process.env, ...env },
      });
      expect(found.stdout, found.stderr).to.equal("3\n");
    });
  });

  describe("deploy", () => {
    const build = script("deploy.yml", "build", "npm run --silent deploy");
    const env = {
      ENVIRONMENT: "staging",
      SOURCE: "/work space/source",
      OUTPUT: "/built",
      IMAGE: "",
      VERSION: "",
    };
    const printed = `echo '{"sha256":"abc"}'`;

    it("builds what was asked for, and hands its SHA-256 on", () => {
      const plain = run(build, env, { npm: printed });
      expect(plain.status, plain.stderr).to.equal(0);
      const common =
        "npm|run|--silent|deploy|--|build|staging|--source|/work space/source|--output|/built|--json";
      expect(plain.calls).to.equal(`${common}\n`);
      expect(plain.output).to.equal("sha256=abc\n");
      const full = run(
        build,
        { ...env, IMAGE: "blsq/iaso:1; true", VERSION: "2026.07.28" },
        { npm: printed },
      );
      expect(full.calls).to.equal(`${common}|--image|blsq/iaso:1; true|--version|2026.07.28\n`);
    });

    it("shows why a build failed", () => {
      const failed = run(build, env, { npm: `echo '{"message":"no image","remedy":"--image"}'; exit 2` });
      expect(failed.status).to.equal(1);
      expect(failed.stdout).to.equal("no image\nTo fix it: --image\n");
      expect(failed.output).to.equal("");
    });

    it("deploys the build with its SHA-256", () => {
      const text = script("deploy.yml", "deploy", "npm run deploy");
      const { calls, status } = run(
        text,
        { ENVIRONMENT: "staging", BUILT: "/tmp x/built", SHA256: "abc", CHECKED: "1.2.3" },
        { npm: "exit 4" },
      );
      expect(calls).to.equal(
        "npm|run|deploy|--|staging|--built|/tmp x/built|--sha256|abc|--migrations-checked|1.2.3\n",
      );
      expect(status).to.equal(4);
    });

    describe("check of the migrations", () => {
      const check = script("deploy.yml", "migrations", "check-migrations");
      const checking = { ENVIRONMENT: "prod", SOURCE: "/work space/source" };
      const answer = (verdict: string, code: number) => ({
        npm: `echo '{"summary":"Said.","notes":["why"],"remedy":"do","from":"1.2.3","details":{"verdict":"${verdict}"}}'; exit ${code}`,
      });

      it("hands the version on for which it found no problem", () => {
        const { calls, output, status, stdout } = run(check, checking, answer("bridged", 0));
        expect(calls).to.equal(
          "npm|run|--silent|deploy|--|check-migrations|prod|--source|/work space/source|--without-aws|--json\n",
        );
        expect(output).to.equal("checked=1.2.3\n");
        expect([status, stdout]).to.deep.equal([0, "Said.\nwhy\ndo\n"]);
        const promoting = run(check, { ...checking, PROMOTE_FROM: "staging" }, answer("compatible", 0));
        expect(promoting.calls).to.match(/\|--json\|--promote-from\|staging\n$/);
      });

      it("fails for a version that breaks the running one, and where the tool fails", () => {
        const broken = run(check, checking, answer("incompatible", 2));
        expect([broken.status, broken.output]).to.deep.equal([1, ""]);
        const failed = run(check, checking, { npm: "exit 1" });
        expect([failed.status, failed.output]).to.deep.equal([1, ""]);
      });

      it("leaves it to the deployment if it could not be made", () => {
        const unknown = run(check, checking, answer("notChecked", 2));
        expect([unknown.status, unknown.output]).to.deep.equal([0, ""]);
        expect(unknown.stdout).to.include("::warning::");
      });
    });

    const downloading = { FROM: "staging", OUTPUT: "/tmp x/built" };
    const download = script("deploy.yml", "download", "npm run --silent deploy");

    it("downloads what another environment runs, and hands its SHA-256 on", () => {
      const done = run(download, downloading, { npm: `echo '{"details":{"sha256":"abc"}}'` });
      expect(done.status, done.stderr).to.equal(0);
      expect(done.calls).to.equal(
        "npm|run|--silent|deploy|--|download|staging|--output|/tmp x/built|--json\n",
      );
      expect(done.output).to.equal("sha256=abc\n");
      const failed = run(download, downloading, {
        npm: `echo '{"summary":"gone","remedy":"deploy"}'; exit 2`,
      });
      expect(failed.stdout).to.equal("gone\nTo fix it: deploy\n");
      expect(failed.status).to.equal(1);
    });

    it("promotes the download with its SHA-256", () => {
      const { calls } = run(
        script("deploy.yml", "deploy", "npm run deploy"),
        { ENVIRONMENT: "prod", BUILT: "/built", SHA256: "abc", PROMOTE_FROM: "staging", UNCHECKED: "yes" },
        { npm: "true" },
      );
      expect(calls).to.equal(
        "npm|run|deploy|--|promote|staging|prod|--downloaded|/built|--sha256|abc|--migrations-unchecked\n",
      );
    });
  });
});

import { execFileSync, spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { parse } from "yaml";
import { installed, removeTemporaryDirectories, skip } from "../deploy/source/checkout";

const ROOT = join(__dirname, "../..");
const DIRECTORY = join(ROOT, ".github/workflows");
const FILES = readdirSync(DIRECTORY);

interface Job {
  permissions?: Record<string, string> | string;
  environment?: unknown;
  secrets?: unknown;
  steps?: { uses?: string; run?: string; with?: Record<string, unknown> }[];
}

interface Workflow {
  on: Record<string, unknown>;
  permissions: unknown;
  env?: unknown;
  jobs: Record<string, Job>;
}

/** The repository and commit of the workflow that runs. The caller of a reusable one does not choose them. */
const TOOL = { repository: "${{ job.workflow_repository || 'unknown' }}", ref: "${{ job.workflow_sha }}" };

/**
 * True if a job has code of the application, or of the caller's choice, on its machine: a checkout, or a build by the
 * deploy tool.
 */
function hasApplication({ steps = [] }: Job, reusable: boolean): boolean {
  return steps.some(({ run = "", uses = "", with: inputs = {} }) => {
    if (/--source\b|deploy -- build/.test(run)) return true;
    if (!uses.startsWith("actions/checkout@")) return false;
    const { ref, repository } = inputs;
    // In a reusable workflow, the default is the repository and the commit of the caller.
    if (ref === undefined && repository === undefined) return reusable;
    return repository !== TOOL.repository || ref !== TOOL.ref;
  });
}

/** The rights and secrets within reach of a job's code. */
function power(job: Job, workflow: Workflow): string[] {
  const { permissions = {} } = job;
  const text = JSON.stringify([job, workflow.env ?? {}]);
  return [
    ...(typeof permissions === "string" ? [`permissions: ${permissions}`] : []),
    ...Object.entries(permissions)
      .map(([scope, access]) => `${scope}: ${access}`)
      .filter((one) => one !== "contents: read"),
    ...(job.environment === undefined ? [] : ["a GitHub environment"]),
    ...(/\$\{\{[^}]*\bsecrets\b/.test(text) || job.secrets !== undefined ? ["secrets"] : []),
    ...(/\$\{\{[^}]*\bgithub(\.|\[')token\b/.test(text) ? ["the job's token"] : []),
    ...(text.includes("aws-actions/") ? ["an AWS role"] : []),
  ];
}

/** Steps that bring code of other jobs, through a cache of the branch, or of packages, through their install scripts. */
function foreignCode({ steps = [] }: Job): string[] {
  return steps.flatMap(({ run = "", uses = "", with: inputs = {} }) => {
    const installs = run.match(/\bnpm (ci|cit|i|install)\b.*/g) ?? [];
    const caches =
      uses.startsWith("actions/cache") ||
      // By default, setup-node restores a cache if package.json names a package manager.
      (uses.startsWith("actions/setup-node@") &&
        (inputs["package-manager-cache"] !== false || inputs["cache"] !== undefined)) ||
      (uses.startsWith("astral-sh/setup-uv@") && inputs["enable-cache"] !== false);
    return [
      ...(caches ? ["a cache"] : []),
      ...(installs.some((command) => !command.includes("--ignore-scripts")) ? ["install scripts"] : []),
    ];
  });
}

function violations(workflow: Workflow): string[] {
  const reusable = "workflow_call" in workflow.on;
  return [
    ...Object.entries(workflow.jobs).flatMap(([name, job]) => [
      ...(hasApplication(job, reusable)
        ? power(job, workflow).map((one) => `${name} runs code of the application with ${one}`)
        : []),
      ...(power(job, workflow).length > 0
        ? foreignCode(job).map((one) => `${name} runs ${one} with ${power(job, workflow).join()}`)
        : []),
      ...(job.secrets === "inherit" ? [`${name} passes all secrets on`] : []),
    ]),
    // These events run in the repository of a pull request with its secrets.
    ...["pull_request_target", "workflow_run", "issue_comment"].filter((event) => event in workflow.on),
  ];
}

const read = (file: string): string => readFileSync(join(DIRECTORY, file), "utf8");

describe("security: workflows that give code of the application or of packages a right", () => {
  after(removeTemporaryDirectories);

  it("are none of this repository's, nor the example in the documentation", () => {
    const page = readFileSync(join(ROOT, "docs/deploying-from-iaso.md"), "utf8");
    const example = /```yaml\n(name: deploy\n[^]*?)```/.exec(page)?.[1] ?? "";
    for (const text of [...FILES.map(read), example]) {
      expect(violations(parse(text) as Workflow), text.slice(0, 200)).to.deep.equal([]);
    }
    const { jobs } = parse(read("deploy.yml")) as Workflow;
    const building = Object.entries(jobs).filter(([, job]) => hasApplication(job, true));
    expect(building.map(([name]) => name)).to.deep.equal(["build", "migrations"]);
  });

  it("deploy the stack's application only, by a branch or a tag of its own", () => {
    const { jobs, on } = parse(read("deploy.yml")) as Workflow;
    const inputs = Object.values(on).flatMap((event) => Object.keys((event as { inputs: object }).inputs));
    expect(inputs.filter((name) => /repository/.test(name))).to.deep.equal([]);
    const steps = jobs["build"]?.steps ?? [];
    const [source] = steps.filter(({ with: inputs = {} }) => inputs["path"] === "source");
    expect(source?.with).to.include({ repository: "${{ steps.stack.outputs.application }}" });
    const find = steps.findIndex(({ run = "" }) => run.includes("npm run --silent stack"));
    expect(find).to.be.within(0, steps.indexOf(source!));
    const script = (steps[find]?.run ?? "").replace(/npm run .*/, "true");
    const accepts = (REF: string): boolean =>
      spawnSync("bash", ["-eo", "pipefail", "-c", script], { env: { ...process.env, REF } }).status === 0;
    for (const ref of ["", "main", "2026.07.28", "refs/heads/main", "refs/tags/1", "feature/abc", "deadbeef"])
      expect(accepts(ref), ref).to.equal(true);
    for (const ref of [
      "0123456789abcdefABCDEF0123456789abcdef01",
      "0".repeat(64),
      "refs/pull/9/head",
      "refs/x",
      " refs/pull/9/head",
      "Refs/pull/9/head",
      `${"0".repeat(40)} `,
      `${"0".repeat(40)}\n`,
      "main $(id)",
    ])
      expect(accepts(ref), ref).to.equal(false);
  });

  it("are found in caches, which jobs with the application's code can write, and in install scripts", () => {
    const changes: [string, RegExp, string, RegExp][] = [
      ["up.yml", /package-manager-cache: false/, "cache: npm", /preview runs a cache with id-token: write/],
      ["up.yml", /(environment:[^]*)package-manager-cache: false/, "$1cache: npm", /up runs a cache/],
      ["preview.yml", /package-manager-cache: false/, "package-manager-cache: true", /preview runs a cache/],
      [
        "deploy.yml",
        / {10}package-manager-cache: false\n/g,
        "",
        /download runs a cache.*\n.*deploy runs a cache/,
      ],
      ["up.yml", /- run: npm ci --ignore-scripts/, "- uses: actions/cache@v4", /preview runs a cache/],
      ["up.yml", /npm ci --ignore-scripts/, "npm ci", /preview runs install scripts with id-token: write/],
      ["deploy.yml", /npm ci --ignore-scripts/g, "npm install", /deploy runs install scripts/],
    ];
    for (const [file, from, to, message] of changes) {
      const changed = read(file).replace(from, to);
      expect(changed, String(from)).not.to.equal(read(file));
      expect(violations(parse(changed) as Workflow).join("\n"), String(from)).to.match(message);
    }
  });

  it("are found: each of these changes of deploy.yml is refused", () => {
    const changes: [RegExp | string, string, RegExp][] = [
      [
        /contents: read # to check out both.*/,
        "{ contents: read, id-token: write }",
        /build .* id-token: write/,
      ],
      ["    outputs:\n", "    environment: prod\n    outputs:\n", /a GitHub environment/],
      [
        "          OUTPUT:",
        "          WEBHOOK: ${{ secrets.SLACK_WEBHOOK_URL }}\n          OUTPUT:",
        /with secrets/,
      ],
      ["          OUTPUT:", "          TOKEN: ${{ github.token }}\n          OUTPUT:", /the job's token/],
      ["jobs:\n", "env:\n  HOOK: ${{ secrets.HOOK }}\njobs:\n", /build .* secrets/],
      ["--built", "--source ../source --built", /deploy runs code of the application with id-token: write/],
      [
        /- name: Check out the deploy tool\n(.*\n.*\n).*\n(.*\n.*\n {6}- uses: actions\/setup-node\S+ # \S+\n.*\n {10}node-version: 24)/,
        "- name: Check out\n$1$2",
        /download runs code of the application/,
      ],
      [
        /repository: \$\{\{ job.*/g,
        "repository: ${{ inputs.tool-repository }}",
        /download runs code of the application/,
      ],
      [
        /ref: \$\{\{ job.*/g,
        "ref: ${{ inputs.tool-ref || job.workflow_sha }}",
        /deploy runs code of the application/,
      ],
      // Where GitHub does not know the property, checkout would take the caller's repository.
      [
        /repository: \$\{\{ job.*/g,
        "repository: ${{ job.workflow_repository }}",
        /deploy runs code of the application/,
      ],
      ["  workflow_dispatch:\n", "  pull_request_target:\n  workflow_dispatch:\n", /pull_request_target/],
    ];
    for (const [from, to, message] of changes) {
      const text = read("deploy.yml");
      const changed = to.includes("$1") ? text.replace(from, to) : text.replace(from, () => to);
      expect(changed, String(from)).not.to.equal(text);
      expect(violations(parse(changed) as Workflow).join("\n"), String(from)).to.match(message);
    }
  });

  it("pass zizmor, which knows the usual attacks", function () {
    if (!installed("zizmor", "--version")) skip(this, "zizmor is not installed (pip install zizmor)");
    execFileSync("zizmor", ["--offline", "--quiet", DIRECTORY], { cwd: ROOT, stdio: "pipe" });
  });

  it("install exact versions of uv and Pulumi, of Pulumi the one that the tests run", () => {
    const engine = readFileSync(join(ROOT, "test/engine/hosts/build-engine"), "utf8");
    const tested = /^version=v(\S+)/m.exec(engine)?.[1];
    const installing = FILES.flatMap((file) => Object.values((parse(read(file)) as Workflow).jobs))
      .flatMap(({ steps = [] }) => steps)
      .filter(({ uses = "" }) => /^(pulumi\/actions|astral-sh\/setup-uv)@/.test(uses));
    expect(installing.length).to.be.at.least(5);
    for (const { uses = "", with: inputs = {} } of installing) {
      if (uses.startsWith("pulumi/")) expect(inputs["pulumi-version"]).to.equal(tested);
      else expect(inputs["version"]).to.match(/^\d+\.\d+\.\d+$/);
    }
  });
});

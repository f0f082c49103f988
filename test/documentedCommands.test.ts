import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { scripts } from "../package.json";
import { writeExampleProject } from "./support";

const ROOT = join(__dirname, "..");

const PAGES = [
  "README.md",
  "CONTRIBUTING.md",
  "policies/README.md",
  "ami/README.md",
  ...readdirSync(join(ROOT, "docs"))
    .filter((name) => name.endsWith(".md"))
    .map((name) => `docs/${name}`),
];

/** Scripts that write the project's own documentation, or take longer than a test may. Their code has tests of its own. */
const NOT_RUN = [
  "bench",
  "diagram",
  "rules-table",
  "settings-table",
  "test:engine",
  "test:engine:short",
  "test:iaso",
  "test:proofs",
  "test:recipe",
  "test:releases",
  "test:static",
  "test:unit",
];

/** Every other script as a user types it: its arguments, its exit code, and a line of its output. */
const RUNS: Record<string, [args: string[], status: number, output: RegExp]> = {
  preview: [["staging", "--parts"], 0, /all \d+ rules pass for staging/],
  check: [["--graph", "main.json"], 0, /^\d+ rules, \d+ evaluations, 0 violations$/m],
  ami: [["--help"], 0, /Usage: npm run ami -- /],
  database: [["--help"], 0, /Usage: npm run database -- /],
  deploy: [["--help"], 0, /Usage: npm run deploy -- /],
  doctor: [["stagign"], 2, /staging/],
  "add-environment": [["qa", "--from", "stagign"], 1, /Did you mean staging\?/],
  "init-stack": [["stagign"], 1, /staging/],
  move: [["survey", "--application", "Iaso", "--stack", "my-stack"], 1, /cannot be the name of a stack/],
  status: [["stagign"], 2, /Did you mean staging\?/],
  platform: [["stagign"], 1, /Did you mean staging\?/],
};

describe("The commands that README and docs show", () => {
  const project = mkdtempSync(join(tmpdir(), "iaso-commands-"));

  const npmRun = (script: string, ...args: string[]) =>
    spawnSync("npm", ["run", "--silent", script, "--", ...args], {
      cwd: project,
      encoding: "utf8",
      env: { PATH: process.env.PATH, HOME: process.env.HOME },
      maxBuffer: 64 * 1024 * 1024,
    });

  before(() => {
    writeExampleProject(project, { staging: { "iaso:webMaxSize": 9 } });
    const { status, stdout, stderr } = npmRun("preview", "staging", "--json");
    expect(status, stderr).to.equal(0);
    writeFileSync(join(project, "main.json"), stdout);
  });
  after(() => {
    rmSync(project, { recursive: true });
  });

  it("are scripts of package.json that the tests below run, or that are exempt", () => {
    const shown = PAGES.flatMap((page) => [
      ...readFileSync(join(ROOT, page), "utf8").matchAll(/npm run (?:--silent )?([a-z][a-z:-]*)/g),
    ]).map(([, script = ""]) => script);
    // The application's own script, in the page about its build.
    const own = [...new Set(shown)].filter((script) => script !== "webpack-prod");
    expect(own).to.have.members([...Object.keys(RUNS), ...NOT_RUN]);
    expect(scripts).to.include.all.keys(own);
  });

  for (const [script, [args, status, output]] of Object.entries(RUNS)) {
    it(`npm run ${script} -- ${args.join(" ")}`, () => {
      const result = npmRun(script, ...args);
      expect(result.status, result.stderr).to.equal(status);
      expect(result.stdout + result.stderr)
        .to.match(output)
        .and.not.match(/^\s+at .*\d+:\d+\)?$/m);
    });
  }
});

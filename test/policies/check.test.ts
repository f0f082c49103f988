import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { previewStack } from "../../simulator/preview";
import { PreviewDocument } from "../../simulator/document";
import { readProject } from "../../simulator/project";

const ROOT = join(__dirname, "..", "..");

describe("npm run check", function () {
  this.timeout(30_000);
  const folder = mkdtempSync(join(tmpdir(), "iaso-check-"));
  let document: PreviewDocument;

  before(async () => {
    ({ document } = await previewStack(readProject(ROOT), "staging", { policies: false }));
  });
  after(() => {
    rmSync(folder, { recursive: true });
  });

  const check = (content: unknown, ...flags: string[]) => {
    const file = join(folder, "graph.json");
    writeFileSync(file, typeof content === "string" ? content : JSON.stringify(content));
    return run("--graph", file, ...flags);
  };
  const run = (...args: string[]) =>
    spawnSync(process.execPath, ["--import", "tsx", "policies/check.ts", ...args], {
      cwd: ROOT,
      encoding: "utf8",
    });
  const unsafe = () => {
    const copy = structuredClone(document);
    const database = copy.resources.find(({ type }) => type === "aws:rds/instance:Instance");
    if (database) database.inputs.publiclyAccessible = true;
    return copy;
  };

  it("passes a safe preview", () => {
    const { status, stdout } = check(document);
    expect(status, stdout).to.equal(0);
    expect(stdout).to.match(/^\d+ rules, \d+ evaluations, 0 violations\n$/);
  });

  it("shows a violation to people, and ends with 1", () => {
    const { status, stdout } = check([document, unsafe()]);
    expect(status).to.equal(1);
    expect(stdout).to.match(
      /mandatory +database-private +database\n +publiclyAccessible is true\. Write false/,
    );
  });

  it("shows it to programs", () => {
    const { status, stdout } = check(unsafe(), "--json");
    expect(status).to.equal(1);
    const { rules, evaluated, violations } = JSON.parse(stdout) as Record<string, unknown>;
    expect(rules).to.be.greaterThan(60);
    expect(evaluated).to.be.greaterThan(500);
    expect(violations).to.have.length(1);
  });

  it("shows it to code scanning", () => {
    const { status, stdout } = check(unsafe(), "--sarif");
    expect(status).to.equal(1);
    const { version, runs } = JSON.parse(stdout) as {
      version: string;
      runs: { tool: { driver: { rules: { id: string }[] } }; results: { ruleId: string; level: string }[] }[];
    };
    expect(version).to.equal("2.1.0");
    expect(runs[0]?.results).to.have.length(1);
    expect(runs[0]?.results[0]).to.include({ ruleId: "database-private", level: "error" });
    expect(runs[0]?.tool.driver.rules.map(({ id }) => id)).to.include("database-private");
  });

  it("reads a stack export, and shows no secret of it", () => {
    const secret = {
      "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270",
      ciphertext: "v1:x",
    };
    const { resources } = unsafe();
    const database = resources.find(({ type }) => type === "aws:rds/instance:Instance");
    if (database) database.inputs.password = secret;
    const { status, stdout } = check({ version: 3, deployment: { resources } }, "--json");
    expect(status, stdout).to.equal(1);
    expect(
      (JSON.parse(stdout) as { violations: { policy: string }[] }).violations.map(({ policy }) => policy),
    ).to.deep.equal(["database-private"]);
  });

  for (const [what, content, says] of [
    ["no JSON", "{", /cannot read .*graph\.json/],
    ["another document", { a: 1 }, /neither a preview document .* nor a stack export/],
    ["resources without a type", { resources: [{ urn: "x" }] }, /neither a preview document/],
  ] as const) {
    it(`ends with 2 on ${what}, without a stack trace`, () => {
      const { status, stdout, stderr } = check(content);
      expect(status).to.equal(2);
      expect(stdout).to.equal("");
      expect(stderr)
        .to.match(says)
        .and.not.match(/\n\s+at /);
    });
  }

  it("ends with 2 on a missing file or flag, and says what to write", () => {
    expect(run("--graph", join(folder, "nothing.json")).stderr).to.include("npm run preview -- STACK --json");
    expect(run().stderr).to.include("npm run check -- --graph FILE");
    const { status, stderr } = run("--graf", "x");
    expect(status).to.equal(2);
    expect(stderr).to.include("npm run check -- --graph FILE");
  });
});

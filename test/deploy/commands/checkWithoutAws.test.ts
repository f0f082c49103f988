import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { type Surroundings, checkWithoutAws } from "../../../deploy/commands/checkWithoutAws";
import { type Report } from "../../../deploy/output/report";
import { type StackFile } from "../../../settings/stackFile";
import { gitIn, makeCheckout, removeTemporaryDirectories } from "../source/checkout";

// Plays the Python that runs the check: the running version's code breaks unless it is the commit of the tag 1.0.0.
const PLAYED = `
const { readFileSync, writeFileSync } = require("node:fs");
const [, , , request, answer] = process.argv;
const { running } = JSON.parse(readFileSync(request, "utf8"));
const texts = [readFileSync(running.directory + "/which", "utf8"), readFileSync("which", "utf8"), process.env.PLUGINS];
const finding = { kind: "columnGone", table: "place", column: "size", text: texts.join(" then "), migration: null };
writeFileSync(answer, JSON.stringify({ migrations: [], breaks: [], warnings: [finding], bridged: [], seconds: 1 }));
`;

/** Variables with credentials that other tests of this process set. */
const CREDENTIALS = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"];

describe("npm run deploy -- check-migrations --without-aws", () => {
  const earlier = CREDENTIALS.map((name): [string, string | undefined] => [name, process.env[name]]);
  let source: string;

  before(() => {
    for (const name of CREDENTIALS) Reflect.deleteProperty(process.env, name);
    source = makeCheckout({
      "iaso-deploy.yaml": `python: ${process.execPath} played.cjs\n`,
      "played.cjs": PLAYED,
      which: "1.0.0",
    });
    gitIn(source, "tag", "1.0.0");
    for (const version of ["1.1.0", "2.0.0"]) {
      writeFileSync(join(source, "which"), version);
      gitIn(source, "commit", "--quiet", "--all", "-m", version);
      if (version === "1.1.0") gitIn(source, "tag", version);
    }
  });
  after(() => {
    for (const [name, value] of earlier) if (value !== undefined) process.env[name] = value;
    removeTemporaryDirectories();
  });

  function check(
    versions: Record<string, string | undefined>,
    options: { promoteFrom?: string } = {},
    answer = (version: string | undefined) => ({
      status: 200,
      text: JSON.stringify({ up: "ok", VERSION: version }),
    }),
  ): Promise<Report> {
    const surroundings: Surroundings = {
      stackFile: (stack) =>
        ({
          env: stack,
          file: `Pulumi.${stack}.yaml`,
          get: (setting: string) => (setting === "webHost" ? `${stack}.example.org` : undefined),
          getList: () => (stack === "prod" ? ["polio", "wfp"] : []),
        }) as unknown as StackFile,
      fetch: (url) => {
        expect(url.protocol + url.pathname).to.equal("https:/_health/");
        return Promise.resolve(answer(versions[url.hostname.split(".")[0] ?? ""]));
      },
    };
    return checkWithoutAws("prod", { source, ...options }, surroundings);
  }

  it("compares the version of the health check, from the history, with the checkout", async () => {
    const report = await check({ prod: "1.0.0" });
    expect(report).to.deep.include({ outcome: "shown", from: "1.0.0", details: { verdict: "compatible" } });
    expect(report.notes?.join("\n")).to.include("1.0.0 then 2.0.0 then polio,wfp");
  });

  it("finds a commit by the first digits of its hash, as versions without a tag are named", async () => {
    const commit = gitIn(source, "rev-parse", "HEAD~2").trim().slice(0, 12);
    expect((await check({ prod: commit })).notes?.join("\n")).to.include("1.0.0 then 2.0.0");
  });

  it("compares what another environment runs, for a promotion", async () => {
    const report = await check({ prod: "1.0.0", staging: "1.1.0" }, { promoteFrom: "staging" });
    expect(report.notes?.join("\n")).to.include("1.0.0 then 1.1.0 then polio,wfp");
  });

  it("says why it could not check", async () => {
    const unknown = await check({ prod: "9.9.9" });
    expect(unknown).to.deep.include({
      outcome: "refused",
      from: "9.9.9",
      details: { verdict: "notChecked" },
    });
    expect(unknown.notes?.join()).to.include("has no tag or commit 9.9.9").and.include("fetch-depth: 0");
    for (const bad of [undefined, "--output=/etc/passwd", "1;2"])
      expect((await check({ prod: bad })).notes?.join(), bad).to.include("the answer has no VERSION");
    const down = await check({}, {}, () => ({ status: 503, text: "" }));
    expect(down.notes?.join())
      .to.include("https://prod.example.org/_health/ does not tell")
      .and.include("HTTP 503");
  });

  it("says that it could not check if the history lacks files, as in a partial clone", async () => {
    const blob = gitIn(source, "rev-parse", "1.1.0:which").trim();
    const file = join(source, ".git/objects", blob.slice(0, 2), blob.slice(2));
    const content = readFileSync(file);
    rmSync(file);
    try {
      const unknown = await check({ prod: "1.1.0" });
      expect(unknown).to.deep.include({ outcome: "refused", details: { verdict: "notChecked" } });
      expect(unknown.notes?.join()).to.include("the code of 1.1.0 cannot be read");
    } finally {
      writeFileSync(file, content);
    }
  });

  it("refuses where the application's code could read credentials", async () => {
    process.env["AWS_ACCESS_KEY_ID"] = "AKIAEXAMPLE";
    try {
      const refused = await check({ prod: "1.0.0" }).catch((error: unknown) => String(error));
      expect(refused).to.include("AWS_ACCESS_KEY_ID");
    } finally {
      Reflect.deleteProperty(process.env, "AWS_ACCESS_KEY_ID");
    }
  });
});

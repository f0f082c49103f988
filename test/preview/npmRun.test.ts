import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { parse, stringify } from "yaml";
import { PreviewDocument } from "../../graph/document";
import { exportOf } from "../report/documents";
import { previewOf, writeExampleProject } from "../support";

/** The commands as users type them, by `npm run` in a project with the tests' stack files, with changes of real settings. */
describe("npm run preview -- --against", () => {
  const project = mkdtempSync(join(tmpdir(), "iaso-"));

  before(() => {
    writeExampleProject(project);
    const { status, stdout, stderr } = preview("prod", "--json");
    expect(status, stderr).to.equal(0);
    writeFileSync(join(project, "before.json"), stdout);
  });
  after(() => {
    rmSync(project, { recursive: true });
  });

  function preview(...args: string[]) {
    return spawnSync("npm", ["run", "--silent", "preview", "--", ...args], {
      cwd: project,
      encoding: "utf8",
      env: { PATH: process.env.PATH, HOME: process.env.HOME },
      maxBuffer: 64 * 1024 * 1024,
    });
  }

  /** Runs the preview with other settings of prod. */
  function previewWith(settings: Record<string, unknown>, ...args: string[]) {
    const file = join(project, "Pulumi.prod.yaml");
    const text = readFileSync(file, "utf8");
    const { config, ...rest } = parse(text) as { config: Record<string, unknown> };
    const own = Object.entries(settings).map(([key, value]) => [`iaso:${key}`, value]);
    const changed = { ...config, ...(Object.fromEntries(own) as Record<string, unknown>) };
    writeFileSync(file, stringify({ ...rest, config: changed }));
    try {
      return preview("prod", "--against", "before.json", ...args);
    } finally {
      writeFileSync(file, text);
    }
  }

  it("shows a change in place in the terminal and on the page", () => {
    const { status, stdout, stderr } = previewWith({ webMaxSize: 9 }, "--report", "after.html");
    expect([status, stderr]).to.deep.equal([0, ""]);
    expect(stdout).to.match(/~ web +aws:elasticbeanstalk:Environment/);
    expect(stdout).to.include("settings[aws:autoscaling:asg MaxSize].value");
    expect(stdout).to.include("+ 0 to create, ~ 1 to update, ± 0 to replace, - 0 to delete");
    expect(readFileSync(join(project, "after.html"), "utf8")).to.include("MaxSize");
  });

  it("shows it as Markdown, as the workflow for pull requests asks for it", () => {
    const { status, stdout, stderr } = previewWith({ webMaxSize: 9 }, "--markdown");
    expect([status, stderr]).to.deep.equal([0, ""]);
    expect(stdout).to.include("**0 added, 1 changed, 0 replaced, 0 deleted**");
  });

  it("reads a file written by PowerShell", () => {
    const before = readFileSync(join(project, "before.json"), "utf8");
    writeFileSync(join(project, "before.json"), Buffer.from(`\uFEFF${before}`, "utf16le"));
    try {
      expect(previewWith({}).stdout).to.include("Changes against before.json:\n  none\n");
    } finally {
      writeFileSync(join(project, "before.json"), before);
    }
  });

  it("holds the simulated ids, by which check refuses a stranger's id beside a linked one", () => {
    const document = JSON.parse(readFileSync(join(project, "before.json"), "utf8")) as PreviewDocument;
    const route = document.resources.find(({ name }) => name === "network-private-0-nat");
    if (route !== undefined) route.inputs.natGatewayId = "nat-0123456789abcdef0";
    writeFileSync(join(project, "edited.json"), JSON.stringify(document));
    const { status, stdout } = spawnSync("npm", ["run", "check", "--", "--graph", "edited.json"], {
      cwd: project,
      encoding: "utf8",
    });
    expect(status, stdout).to.equal(1);
    expect(stdout).to.include("nat-0123456789abcdef0");
  });

  it("finds only the real risks of another network: rules that are replaced like for like are none", () => {
    const { stdout } = previewWith({ vpcCidr: "10.99.0.0/16" });
    const risks = stdout.split("\n").filter((line) => /^ {6}! /.test(line));
    expect(risks.join("\n")).not.to.include("from the internet").and.not.include("anyone on the internet");
    expect(risks.filter((risk) => risk.includes("which AWS refuses while it is in use"))).to.have.length(2);
    expect(risks, risks.join("\n")).to.have.length(2);
    expect(stdout.trimEnd().split("\n").at(-1)).to.match(/ unchanged, ! 2 risky$/);
  });

  it("shows no changes against an export right after the first update", async () => {
    const document = await previewOf("prod");
    writeFileSync(join(project, "export.json"), JSON.stringify(exportOf(document)));
    const before = readFileSync(join(project, "before.json"));
    cpSync(join(project, "export.json"), join(project, "before.json"));
    const { stdout } = previewWith({});
    writeFileSync(join(project, "before.json"), before);
    expect(stdout).to.include("Changes against before.json:\n  none\n");
  });

  it("shows only components with --parts, and the results at the end", () => {
    const { status, stdout } = preview("prod", "--parts");
    expect(status).to.equal(0);
    const lines = stdout.trimEnd().split("\n");
    expect(lines.length).to.be.lessThan(80);
    expect(stdout).to.match(/^\+ ├─ iaso:index:Network +network +\(\d+ resources\)$/m);
    expect(stdout).not.to.include("aws:ec2:Subnet");
    expect(lines.slice(-5).join("\n")).to.match(
      /Policies:\n.* rules pass .*\n\nResources:\n {2}\+ \d+ to create/,
    );
    const changed = previewWith({ webMaxSize: 9 }, "--parts").stdout;
    expect(changed).to.match(/^~ .*iaso:index:BeanstalkPair +\S+ +\(\d+ resources, 1 changed\)$/m);
  });

  it("names a missing config of the pack", () => {
    renameSync(join(project, "Pulumi.staging.yaml"), join(project, "Pulumi.demo.yaml"));
    const { stdout } = preview("demo");
    expect(stdout).to.include("There is no policies/policy-config.demo.json: every rule applies to demo");
    const { stdout: json, stderr } = preview("demo", "--json");
    expect(stderr).to.include("There is no policies/policy-config.demo.json");
    expect((JSON.parse(json) as PreviewDocument).stack).to.equal("demo");
  });
});

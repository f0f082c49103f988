import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect } from "chai";
import { PreviewDocument } from "../../graph/document";
import { writeExampleProject } from "../support";

const ROOT = join(__dirname, "../..");
const directories: string[] = [];

/** A project folder with these files. */
function project(files: Record<string, string>): string {
  const directory = mkdtempSync(join(tmpdir(), "preview-"));
  directories.push(directory);
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    writeFileSync(join(directory, path), content);
  }
  return directory;
}

/** Runs the command as `npm run preview -- ...` does, in a project's folder. */
function preview(directory: string, ...args: string[]) {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ["--require", join(ROOT, "cli/loader.cjs"), join(ROOT, "preview/preview.ts"), ...args],
    { cwd: directory, encoding: "utf8", env: { PATH: process.env.PATH } },
  );
  return { status, stdout, stderr };
}

const yaml = (stack: string) =>
  `config:\n  small:greeting: hello from ${stack}\n  small:password: { secure: AAAB }\n`;

/** A project of one bucket, whose pack refuses what is called `refused`. */
const small = {
  "Pulumi.yaml": `name: small
runtime: nodejs
config:
  greeting:
    type: string
  name:
    type: string
    default: accepted
  password:
    type: string
    secret: true
`,
  "Pulumi.one.yaml": yaml("one"),
  "Pulumi.two.yaml": yaml("two"),
  "index.ts": `
    const pulumi = require(${JSON.stringify(require.resolve("@pulumi/pulumi"))});
    const config = new pulumi.Config("small");
    new (class extends pulumi.ComponentResource {
      constructor() { super("small:index:Part", config.require("name")); this.registerOutputs({}); }
    })();
    exports.greeting = config.require("greeting");
    exports.password = config.requireSecret("password");
  `,
  "policies/policy-config.one.json": JSON.stringify({ complaint: "Bad name on one" }),
  "policies/policy-config.two.json": JSON.stringify({ complaint: "Bad name on two" }),
  "policies/evaluate.ts": `
    exports.evaluate = (resources, { config }) => ({
      pack: "small", version: "1.0.0", rules: 1,
      violations: resources
        .filter(({ name }) => name === "refused" || name === "warned")
        .map(({ urn, name }) => ({
          policy: "names", level: name === "refused" ? "mandatory" : "advisory", urn, message: config.complaint,
        })),
    });
  `,
};

describe("preview/preview", () => {
  after(() => {
    for (const directory of directories) rmSync(directory, { recursive: true });
  });

  it("shows the tree, outputs, policy results and totals of every stack", () => {
    const { status, stdout, stderr } = preview(project(small));
    expect([status, stderr]).to.deep.equal([0, ""]);
    for (const stack of ["one", "two"]) {
      expect(stdout).to.include(`Previewing small/${stack}`).and.include(`hello from ${stack}`);
    }
    expect(stdout).to.match(/└─ small:index:Part +accepted/);
    expect(stdout).to.match(/password +\[secret\]/);
    expect(stdout).to.include("+ 2 to create");
    expect(stdout).to.include("small 1.0.0: all 1 rules pass");
  });

  it("prints one document for one stack, and nothing else", () => {
    const { status, stdout } = preview(project(small), "two", "--json");
    expect(status).to.equal(0);
    const document = JSON.parse(stdout) as PreviewDocument;
    expect(document).to.have.all.keys("project", "stack", "environment", "resources", "outputs", "policies");
    expect(document).to.deep.include({
      project: "small",
      stack: "two",
      environment: "two",
      outputs: { greeting: "hello from two", password: "[secret]" },
      policies: { pack: "small", version: "1.0.0", rules: 1, violations: [] },
    });
    expect(document.resources[1]).to.deep.equal({
      urn: "urn:pulumi:two::small::small:index:Part::accepted",
      id: "",
      type: "small:index:Part",
      name: "accepted",
      parent: "urn:pulumi:two::small::pulumi:pulumi:Stack::small-two",
      custom: false,
      inputs: {},
      outputs: {},
      dependencies: [],
      propertyDependencies: {},
      protect: false,
      retainOnDelete: false,
      ignoreChanges: [],
      secretInputs: [],
    });
  });

  it("prints an array of documents for several stacks, each with its own results; ends with 0 on advice", () => {
    const directory = project({ ...small, "Pulumi.one.yaml": `${yaml("one")}  name: warned\n` });
    const { status, stdout } = preview(directory, "--json", "one", "two");
    expect(status).to.equal(0);
    const documents = JSON.parse(stdout) as PreviewDocument[];
    expect(
      documents.map(({ stack, outputs, policies }) => [
        stack,
        outputs.greeting,
        policies.violations.map(({ level, message }) => `${level}: ${message}`),
      ]),
    ).to.deep.equal([
      ["one", "hello from one", ["advisory: Bad name on one"]],
      ["two", "hello from two", []],
    ]);
  });

  it("shows advice, and that no mandatory rule is violated", () => {
    const directory = project({ ...small, "Pulumi.one.yaml": `${yaml("one")}  name: warned\n` });
    const { status, stdout } = preview(directory, "one");
    expect(status).to.equal(0);
    expect(stdout).to.match(/! \[advisory\] names \(warned\)\n {6}Bad name on one\n/);
    expect(stdout).to.include("✓ small 1.0.0: no mandatory violation of 1 rules for one, 1 advisory");
  });

  it("exits with 1 if any stack violates a mandatory policy, and still shows all stacks", () => {
    const directory = project({ ...small, "Pulumi.two.yaml": `${yaml("two")}  small:name: refused\n` });
    const { status, stdout } = preview(directory, "two", "one");
    expect(status).to.equal(1);
    expect(stdout).to.include("[mandatory] names (refused)").and.include("Bad name on two");
    expect(stdout).to.include("hello from one");
  });

  describe("--against", () => {
    /** A project whose part was called `accepted` when what is in before.json was printed. */
    function renamed(): string {
      const directory = project(small);
      writeFileSync(join(directory, "before.json"), preview(directory, "--json", "one").stdout);
      writeFileSync(join(directory, "Pulumi.one.yaml"), `${yaml("one")}  name: renamed\n`);
      return directory;
    }

    it("shows changes in the tree, as a list and as totals", () => {
      const { status, stdout, stderr } = preview(renamed(), "one", "--against", "before.json");
      expect([status, stderr]).to.deep.equal([0, ""]);
      expect(stdout).to.match(/^ {2}pulumi:pulumi:Stack +small-one$/m);
      expect(stdout).to.match(/^\+ └─ small:index:Part +renamed$/m);
      expect(stdout).to.match(/Changes against before\.json:\n[^]*- accepted +small:index:Part/);
      expect(stdout).to.include("+ 1 to create, ~ 0 to update, ± 0 to replace, - 1 to delete, 1 unchanged");
    });

    it("reports that nothing changes", () => {
      const directory = project(small);
      writeFileSync(join(directory, "before.json"), preview(directory, "--json").stdout);
      const { stdout } = preview(directory, "one", "--against", "before.json");
      expect(stdout).to.include("Changes against before.json:\n  none\n");
    });

    it("shows a stack that is missing in the file without a comparison, with a note", () => {
      const { status, stdout, stderr } = preview(renamed(), "--against", "before.json");
      expect([status, stderr]).to.deep.equal([
        0,
        "The stack two is not in before.json, so its preview has no comparison.\n",
      ]);
      expect(stdout).to.include("+ 2 to create (0 in AWS, 2 components)").and.include("1 unchanged");
    });

    it("reports an unusable file, and on a second line the command that writes a good one", () => {
      const directory = renamed();
      for (const [args, message] of [
        [["one", "--against", "none.json"], "There is no file none.json."],
        [["one", "--against", "index.ts"], "index.ts is not JSON"],
        [
          ["one", "--against", "policies/policy-config.one.json"],
          "policies/policy-config.one.json is neither a preview nor a stack export",
        ],
        [["two", "--against", "before.json"], "before.json holds only one, not the stack two."],
      ] as const) {
        const { status, stdout, stderr } = preview(directory, ...args);
        expect([status, stdout]).to.deep.equal([1, ""]);
        expect(stderr).to.include(message).and.include("npm run --silent preview --");
        expect(stderr).to.match(/^[^\n]+\nTo fix it: [^\n]+\n$/);
        // The fix overwrites no file of another kind.
        expect(stderr).not.to.match(/(> |--file )(index|policies)/);
      }
    });
  });

  describe("--report", () => {
    it("writes a page of all stacks in addition to its output", () => {
      const directory = project(small);
      const { status, stdout } = preview(directory, "--report", "preview.html");
      expect(status).to.equal(0);
      expect(stdout)
        .to.include("Previewing small/two")
        .and.match(/The report is in preview\.html\n$/);
      const page = readFileSync(join(directory, "preview.html"), "utf8");
      expect(page).to.include("small/one").and.include("small/two").and.include("hello from two");
    });

    it("does not change the output for other programs", () => {
      const { stdout } = preview(project(small), "one", "--json", "--report", "preview.html");
      expect((JSON.parse(stdout) as PreviewDocument).stack).to.equal("one");
    });

    it("reports a file that it cannot write", () => {
      const { status, stderr } = preview(project(small), "one", "--report", "missing/preview.html");
      expect(status).to.equal(1);
      expect(stderr).to.match(
        /^The report cannot be written to missing\/preview\.html: ENOENT[^\n]*\nTo fix it: name another file\n$/,
      );
    });
  });

  it("reports an unknown stack and lists the known ones", () => {
    const { status, stdout, stderr } = preview(project(small), "three");
    expect([status, stdout]).to.deep.equal([1, ""]);
    expect(stderr).to.equal("There is no stack three: Pulumi.three.yaml is missing. There are: two, one.\n");
  });

  it("shows the location of an unexpected failure", () => {
    const directory = project({ ...small, "index.ts": `throw new TypeError("What is this?");` });
    const { status, stderr } = preview(directory, "one");
    expect(status).to.equal(1);
    expect(stderr).to.include("TypeError: What is this?").and.include(join(directory, "index.ts:1"));
  });

  it("reports bad settings of all stacks without a stack trace, and registers nothing", () => {
    const directory = project({});
    writeExampleProject(directory, {
      staging: { "iaso:webMinSize": 0, "iaso:alarmEmail": undefined },
      prod: { "iaso:webMaxSize": 0 },
    });
    const { status, stdout, stderr } = preview(directory, "--json");
    expect([status, stdout]).to.deep.equal([1, ""]);
    expect(stderr).to.include("iaso:webMaxSize", "a mistake of the other stack");
    expect(stderr).to.include("iaso:webMinSize").and.include("iaso:alarmEmail is missing");
    expect(stderr).to.include("pulumi config set iaso:alarmEmail VALUE --stack staging");
    expect(stderr).not.to.match(/^\s+at /m);
  });
});

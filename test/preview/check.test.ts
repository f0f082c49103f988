import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { specialSecretSig, specialSigKey, unknownValue } from "@pulumi/pulumi/runtime/rpc";
import { expect } from "chai";
import { PreviewDocument, PreviewResource } from "../../graph/document";
import { digestOf, exportOf } from "../report/documents";
import { previewOf, writeExampleProject } from "../support";
import { FILLED } from "../engine/provider/defaults";

describe("npm run check", () => {
  const folder = mkdtempSync(join(tmpdir(), "iaso-check-"));
  const project = join(folder, "project");
  let document: PreviewDocument;

  before(async () => {
    writeExampleProject(project);
    document = await previewOf("staging");
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
    spawnSync(process.execPath, ["--require", "./cli/loader.cjs", "preview/check.ts", ...args], {
      cwd: project,
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
    expect(stdout).to.match(/^\d+ rules, \d+ evaluations, 0 violations\n$/m);
  });

  it("lists what the config excepts, with its reason and last day", () => {
    const { stdout } = check(document);
    expect(stdout).to.match(
      /^excepted +redis-encrypted-in-transit +enketo-main until \d{4}-\d\d-\d\d: .+\n +transitEncryptionEnabled is false\./m,
    );
    const { excepted } = JSON.parse(check(document, "--json").stdout) as { excepted: { policy: string }[] };
    expect(excepted.map(({ policy }) => policy)).to.include("redis-encrypted-in-transit");
  });

  it("shows a violation to people, and ends with 1", () => {
    const { status, stdout } = check([document, unsafe()]);
    expect(status).to.equal(1);
    expect(stdout).to.match(
      /mandatory +database-private +database\n +publiclyAccessible is true\. Write false/,
    );
  });

  it("says how many resources do not exist yet, and which command judges their values afterwards", async () => {
    const { stdout } = check(await previewOf("staging", { unknownOutputs: true }));
    expect(stdout).to.match(/^1\d\d resources do not exist yet\. .*npm run check -- --graph after\.json$/m);
    const { withoutId } = JSON.parse(check(document, "--json").stdout) as { withoutId: number };
    expect(withoutId).to.equal(0);
  });

  it("shows it to programs", () => {
    const { status, stdout } = check(unsafe(), "--json");
    expect(status).to.equal(1);
    const { rules, evaluated, violations } = JSON.parse(stdout) as Record<string, unknown>;
    expect(rules).to.be.greaterThan(60);
    expect(evaluated).to.be.greaterThan(500);
    expect(violations).to.have.length(1);
  });

  /** What the CLI writes of a stack that exists, with its envelopes, notes and left-overs. */
  const stackExport = (resources: PreviewResource[]) => {
    const states = resources.map(
      ({ urn, type, id, custom, inputs, outputs, parent, propertyDependencies, protect }) => ({
        urn,
        custom,
        ...(custom && {
          id,
          provider: "urn:pulumi:staging::iaso::pulumi:providers:aws::aws::0a1b",
        }),
        type,
        inputs: { __defaults: Object.keys(FILLED[type] ?? {}), ...FILLED[type], ...envelopes(inputs) },
        outputs: envelopes(outputs),
        parent,
        ...(protect && { protect }),
        propertyDependencies,
        created: "2026-11-01T08:00:00Z",
        modified: "2026-11-01T08:00:00Z",
      }),
    );
    const policy = states.find(({ urn }) => urn.endsWith("BucketPolicy::media"));
    return {
      version: 3,
      deployment: {
        manifest: { time: "2026-11-01T08:00:00Z", magic: "x", version: "v3.248.0" },
        secrets_providers: { type: "passphrase", state: { salt: "v1:x" } },
        // What a replacement left over.
        resources: [...states, { ...policy, delete: true, inputs: { bucket: "old", policy: "{}" } }],
        metadata: {},
      },
    };
  };
  const envelopes = (value: Record<string, unknown>): Record<string, unknown> =>
    JSON.parse(JSON.stringify(value), (_, one: unknown): unknown =>
      one === "[secret]" ? { [specialSigKey]: specialSecretSig, ciphertext: "v1:x:y" } : one,
    ) as Record<string, unknown>;

  it("accepts a stack export with secrets, notes and resources pending deletion", () => {
    const { status, stdout } = check(stackExport(document.resources));
    expect(status, stdout).to.equal(0);
  });

  it("reads a stack export, and shows no secret of it", () => {
    const { status, stdout } = check(stackExport(unsafe().resources), "--json");
    expect(status, stdout).to.equal(1);
    expect(
      (JSON.parse(stdout) as { violations: { policy: string }[] }).violations.map(({ policy }) => policy),
    ).to.deep.equal(["database-private"]);
    expect(stdout).not.to.include("v1:x");
  });

  it("reads the output of `pulumi preview --json`, with unknown values and deletions", () => {
    const steps = [
      ...unsafe().resources.map(({ urn, type, custom, inputs, propertyDependencies, protect }) => ({
        op: "create",
        urn,
        newState: { urn, type, custom, inputs, propertyDependencies, protect },
      })),
      { op: "delete", urn: "urn:pulumi:staging::iaso::aws:s3/bucket:Bucket::old", oldState: {} },
    ];
    // Not those in policy documents, which are JSON in a string.
    const certificate = /(?<!\\)"arn:aws:acm:[^"\\]+"/g;
    const unknown = `"${unknownValue}"`;
    const { status, stdout, stderr } = check(
      JSON.stringify({ steps }).replace(certificate, unknown),
      "--json",
    );
    expect(status, stdout + stderr).to.equal(1);
    expect(
      (JSON.parse(stdout) as { violations: { policy: string }[] }).violations.map(({ policy }) => policy),
    ).to.deep.equal(["database-private"]);
  });

  it("passes the Enketo bundle in an export and in a preview of the engine: its marks are no secrets", async () => {
    const prod = await previewOf("prod");
    for (const file of [exportOf(prod), digestOf(prod), digestOf(prod, { op: "same" })]) {
      const { status, stdout, stderr } = check(file);
      expect(status, stdout + stderr).to.equal(0);
    }
  });

  it("exits with 2 for a preview without unchanged resources, and names the flag to add", () => {
    const digest = digestOf(unsafe(), { op: "same" }) as unknown as { steps: unknown[] };
    const { status, stdout, stderr } = check({ ...digest, steps: digest.steps.slice(0, 1) });
    expect([status, stdout]).to.deep.equal([2, ""]);
    expect(stderr).to.match(/leaves out \d+ unchanged resources [^]*\nTo fix it: .* --show-sames/);
  });

  it("counts a resource once that --show-replacement-steps lists twice", () => {
    const digest = digestOf(unsafe()) as unknown as { steps: unknown[] };
    const { status, stdout } = check({ ...digest, steps: [...digest.steps, ...digest.steps] }, "--json");
    expect(status).to.equal(1);
    expect((JSON.parse(stdout) as { violations: unknown[] }).violations).to.have.length(1);
  });

  it("reads UTF-16 written by PowerShell's >", () => {
    const file = join(folder, "utf16.json");
    writeFileSync(file, Buffer.from(`\uFEFF${JSON.stringify(unsafe())}`, "utf16le"));
    expect(run("--graph", file).stdout).to.include("database-private");
  });

  it("says that a stack has no config of the pack", () => {
    const other = JSON.parse(JSON.stringify(document).replaceAll("staging", "demo")) as unknown;
    const { stderr } = check(other);
    expect(stderr).to.equal(
      "check: There is no policies/policy-config.demo.json: every rule applies to demo with its default level and parameters.\n",
    );
  });

  it("skips npm's lines before the document", () => {
    const banner = "\n> iaso-on-aws@0.1.0 preview\n> node preview/preview.ts staging --json\n\n";
    expect(check(banner + JSON.stringify(document, null, 2)).status).to.equal(0);
  });

  for (const [what, content, says] of [
    ["no JSON", "{", /graph\.json is not JSON/],
    ["an empty file", "", /graph\.json is not JSON/],
    ["another document", { a: 1 }, /neither a preview nor a stack export/],
    ["a number", "7", /neither a preview nor a stack export/],
    ["resources without a type", { resources: [{ urn: "x" }] }, /neither a preview nor a stack export/],
    ["no resources", { resources: [] }, /has no resources/],
    ["no stack at all", [], /has no resources/],
    ["the export of an empty stack", { version: 3, deployment: { resources: [] } }, /has no resources/],
  ] as const) {
    it(`exits with 2 on ${what}, without a stack trace`, () => {
      const { status, stdout, stderr } = check(content);
      expect(status).to.equal(2);
      expect(stdout).to.equal("");
      expect(stderr)
        .to.match(says)
        .and.not.match(/\n\s+at /);
    });
  }

  it("exits with 2 for a missing file or flag, and shows the right command", () => {
    expect(run("--graph", join(folder, "nothing.json")).stderr).to.include(
      "npm run --silent preview -- STACK --json",
    );
    expect(run("--graph", folder)).to.include({ status: 2, stdout: "" });
    expect(run().stderr).to.include("npm run check -- --graph FILE");
    const help = run("--help");
    expect([help.status, help.stderr]).to.deep.equal([0, ""]);
    expect(help.stdout).to.include("--graph <file>").and.include("Exit codes:");
    const { status, stderr } = run("--graf", "x");
    expect(status).to.equal(2);
    expect(stderr).to.include("npm run check -- --graph FILE");
  });
});

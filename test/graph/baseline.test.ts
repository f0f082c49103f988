import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { specialSecretSig, specialSigKey } from "@pulumi/pulumi/runtime/rpc";
import { expect } from "chai";
import { UserError } from "../../cli/userError";
import { baselineOf, readBaselines } from "../../graph/baseline";
import { SECRET } from "../../graph/document";
import { find, previewOf } from "../support";
import { exportOf } from "../report/documents";

describe("graph/baseline", () => {
  const folder = mkdtempSync(join(tmpdir(), "baseline-"));
  const path = join(folder, "earlier.json");
  after(() => {
    rmSync(folder, { recursive: true });
  });

  /** A file with a text, or with a value as JSON. */
  function file(content: unknown): string {
    writeFileSync(path, typeof content === "string" ? content : JSON.stringify(content));
    return path;
  }

  /** The sentence by which a file is refused. */
  function refusal(content: unknown, stack = "prod"): string {
    try {
      baselineOf(readBaselines(file(content)), { project: "iaso", stack }, path);
    } catch (error) {
      expect(error).to.be.instanceOf(UserError);
      const { message, remedy } = error as UserError;
      return `${message} ${remedy}`;
    }
    throw new Error("It was accepted");
  }

  it("reads the preview's output of one stack and of several", async () => {
    const [prod, staging] = [await previewOf("prod"), await previewOf("staging")];
    const one = readBaselines(file(prod)).get("prod");
    expect(one).to.deep.include({ source: "preview", project: "iaso", stack: "prod", warnings: [] });
    expect(one?.resources).to.deep.equal(prod.resources);
    const both = readBaselines(file([prod, staging]));
    expect([...both.keys()]).to.deep.equal(["prod", "staging"]);
    expect(baselineOf(both, staging, path).resources).to.deep.equal(staging.resources);
  });

  it("reads it after npm's lines and a byte order mark, and in the older format without ids", async () => {
    const prod = structuredClone(await previewOf("prod"));
    for (const resource of prod.resources) Reflect.deleteProperty(resource, "id");
    const text = `\uFEFF\n> iaso-on-aws@0.1.0 preview\n> node preview/preview.ts prod --json\n\n${JSON.stringify(prod)}`;
    const baseline = readBaselines(file(text)).get("prod");
    expect(baseline?.resources).to.have.length(prod.resources.length);
    expect(baseline?.resources[3]?.id).to.equal("");
  });

  it("reads the live resources of a stack export, without the engine's default providers", async () => {
    const prod = structuredClone(await previewOf("prod"));
    // As the state of a stack had it before secrets moved to Parameter Store.
    find(prod, "aws:rds/instance:Instance").inputs.password = SECRET;
    const baseline = readBaselines(file(exportOf(prod))).get("prod");
    expect(baseline).to.deep.include({
      source: "stack export",
      project: "iaso",
      stack: "prod",
      warnings: [],
    });
    expect(baseline?.resources.map(({ urn }) => urn)).to.deep.equal(prod.resources.map(({ urn }) => urn));
    const database = baseline?.resources.find(({ type }) => type === "aws:rds/instance:Instance");
    expect(database).to.deep.include({ name: "database", protect: true, retainOnDelete: false });
    expect(database?.inputs.password).to.equal(SECRET);
    expect(JSON.stringify(baseline)).not.to.include("ciphertext").and.not.include("v1:abc");
  });

  it("hides secrets that an export shows in plain text", () => {
    const secret = {
      [specialSigKey]: specialSecretSig,
      plaintext: '"hunter2"',
    };
    const urn = "urn:pulumi:prod::iaso::aws:ssm/parameter:Parameter::a::b";
    const resources = [
      {
        urn,
        type: "aws:ssm/parameter:Parameter",
        custom: true,
        inputs: { list: [secret] },
        outputs: { value: secret },
      },
      { urn: `${urn}2`, type: "aws:ssm/parameter:Parameter", custom: true, external: true },
    ];
    const baseline = readBaselines(file({ version: 3, deployment: { resources } })).get("prod");
    expect(baseline?.resources.map(({ name, inputs, outputs }) => [name, inputs, outputs])).to.deep.equal([
      ["a::b", { list: ["[secret]"] }, { value: "[secret]" }],
    ]);
  });

  it("warns of updates that were interrupted", () => {
    const urn = "urn:pulumi:prod::iaso::aws:s3/bucket:Bucket::media";
    const resource = { urn, type: "aws:s3/bucket:Bucket", custom: true };
    const deployment = { resources: [resource], pending_operations: [{ type: "updating", resource }] };
    const [warning] = readBaselines(file({ version: 3, deployment })).get("prod")?.warnings ?? [];
    expect(warning).to.include("updating media").and.include("pulumi refresh --stack prod");
  });

  it("accepts the export of an empty stack for any stack", () => {
    const baselines = readBaselines(file({ version: 3, deployment: { manifest: {} } }));
    expect(baselineOf(baselines, { project: "iaso", stack: "prod" }, path).resources).to.deep.equal([]);
  });

  it("reports an unusable file and the command that writes a good one", async () => {
    const prod = await previewOf("prod");
    const missing = join(folder, "missing.json");
    expect(() => readBaselines(missing)).to.throw(UserError, `There is no file ${missing}.`);
    expect(() => readBaselines(folder)).to.throw(UserError, `${folder} is a folder.`);
    const refusals: [content: unknown, says: string][] = [
      ['{\n"password": hunter2}', `${path} is not JSON`],
      ["", `${path} is not JSON`],
      ["7", `${path} is neither a preview nor a stack export`],
      [{ project: "iaso", stack: "prod", resources: [{ urn: "x" }] }, "(at resources.0.urn)"],
      [
        { version: 3, deployment: { resources: [{ urn: "urn:pulumi:prod::iaso::a::b", type: 7 }] } },
        "resources.0.type",
      ],
      [{ version: 2, deployment: {} }, "(at version)"],
      [[prod, prod], `${path} holds the stack prod twice.`],
      [[], `${path} holds no stack, not the stack prod.`],
      [{ ...prod, project: "other" }, `${path} belongs to the project other, not to iaso.`],
      [await previewOf("staging"), `${path} holds only staging, not the stack prod.`],
    ];
    for (const [content, says] of refusals) {
      const message = refusal(content);
      expect(message).to.include(says);
      // The fix does not overwrite a file of another kind.
      const file = / is not JSON| is neither |\(at /.test(message) ? "before.json" : path;
      expect(message).to.include("npm run --silent preview -- ").and.include(`--json > ${file}`);
      expect(message).to.include("pulumi stack export --stack ").and.include(`--file ${file}`);
      expect(message).not.to.include("hunter2").and.not.include("\n");
    }
  });

  it("refuses endless nesting", () => {
    const deep = `${"[".repeat(100_000)}${"]".repeat(100_000)}`;
    const urn = "urn:pulumi:prod::iaso::aws:s3/bucket:Bucket::media";
    const content = `{"version":3,"deployment":{"resources":[{"urn":"${urn}","type":"a","custom":true,"inputs":{"a":${deep}}}]}}`;
    expect(refusal(content)).to.include("nested too deeply");
    const preview = `{"project":"iaso","stack":"prod","resources":[{"urn":"${urn}","type":"a","inputs":{"a":${deep}}}]}`;
    expect(refusal(preview)).to.include("nested too deeply");
  });
});

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  specialOutputValueSig,
  specialResourceSig,
  specialSecretSig,
  specialSigKey,
  unknownValue,
} from "@pulumi/pulumi/runtime/rpc";
import { expect } from "chai";
import { UserError } from "../../cli/userError";
import { readStacks, StackState } from "../../graph/readStacks";
import { digestOf, exportOf } from "../report/documents";
import { previewOf } from "../support";

/** As `pulumi stack export` of CLI 3.260 wrote it for a stack right after `pulumi stack init`. */
const EMPTY = {
  version: 3,
  deployment: {
    manifest: {
      time: "2026-11-25T15:50:19.841728478Z",
      magic: "7dff0d166258e7f1d265e8e044021ea087795d58a0c6415ab6fe8b7c790e447f",
      version: "v3.260.0",
    },
    secrets_providers: { type: "passphrase", state: { salt: "v1:aihvxbEeJOY=:v1:R205TuDyuA1FOodE:syw==" } },
    metadata: {},
  },
};

describe("graph/readStacks", () => {
  const folder = mkdtempSync(join(tmpdir(), "stacks-"));
  const file = join(folder, "graph.json");
  after(() => {
    rmSync(folder, { recursive: true });
  });

  function read(content: unknown): StackState[] {
    writeFileSync(
      file,
      typeof content === "string" || Buffer.isBuffer(content) ? content : JSON.stringify(content),
    );
    return readStacks(file);
  }

  function refusal(content: unknown): UserError {
    try {
      read(content);
    } catch (error) {
      expect(error).to.be.instanceOf(UserError);
      return error as UserError;
    }
    throw new Error("It was accepted");
  }

  const bytes = (text: string) => ({
    "UTF-8": Buffer.from(text),
    "UTF-8 with a byte order mark": Buffer.from(`\uFEFF${text}`),
    "UTF-16 LE with a byte order mark, as PowerShell writes it": Buffer.from(`\uFEFF${text}`, "utf16le"),
    "UTF-16 BE with a byte order mark": Buffer.from(`\uFEFF${text}`, "utf16le").swap16(),
  });

  for (const encoding of Object.keys(bytes("")) as (keyof ReturnType<typeof bytes>)[]) {
    it(`reads ${encoding}, after the lines that npm prints, also with Windows' line ends`, async () => {
      const prod = await previewOf("prod");
      const expected = prod.resources.map(({ urn }) => urn);
      for (const end of ["\n", "\r\n"]) {
        const lines = [
          "",
          "> iaso-on-aws@0.1.0 preview",
          "> node preview/preview.ts",
          "",
          JSON.stringify(prod),
        ];
        const [state] = read(bytes(lines.join(end))[encoding]);
        expect(state?.resources.map(({ urn }) => urn)).to.deep.equal(expected);
      }
    });
  }

  it("reads the export of an empty stack as an empty stack", () => {
    const empty = { source: "stack export", project: "", stack: "", resources: [], warnings: [] };
    expect(read(EMPTY)).to.deep.equal([empty]);
    expect(read({ ...EMPTY, deployment: { ...EMPTY.deployment, resources: [] } })).to.deep.equal([empty]);
  });

  it("does not read the engine's marks of assets and archives as values", async () => {
    const prod = await previewOf("prod");
    for (const document of [exportOf(prod), digestOf(prod)]) {
      const [state] = read(document);
      const bundle = state?.resources.find(({ name }) => name === "enketo-bundle");
      expect(Object.keys(bundle?.inputs.source as object)).to.include("assets");
      expect(JSON.stringify(state)).not.to.include(specialSigKey).and.not.to.include("0123456789abcdef");
    }
  });

  it("keeps secrets, unknown values and references in the form of a document", () => {
    const urn = "urn:pulumi:prod::iaso::aws:ssm/parameter:Parameter::a";
    const unknown = unknownValue;
    const inputs = {
      secret: { [specialSigKey]: specialSecretSig, ciphertext: "v1:x" },
      shown: "[secret]",
      whole: unknown,
      part: `arn:aws:iam::${unknown}:role/a`,
      other: { [specialSigKey]: specialResourceSig, urn, id: "a" },
      output: { [specialSigKey]: specialOutputValueSig, value: "b" },
      hidden: { [specialSigKey]: specialOutputValueSig, value: "hunter2", secret: true },
      pending: { [specialSigKey]: specialOutputValueSig },
    };
    const state = { urn, type: "aws:ssm/parameter:Parameter", custom: true, inputs };
    const [stack] = read({ steps: [{ op: "create", urn, newState: state }], changeSummary: { create: 1 } });
    expect(stack?.resources[0]?.inputs).to.deep.equal({
      secret: "[secret]",
      shown: "[secret]",
      whole: "[unknown]",
      part: "arn:aws:iam::[unknown]:role/a",
      other: urn,
      output: "b",
      hidden: "[secret]",
      pending: "[unknown]",
    });
    expect(stack?.resources[0]?.secretInputs).to.deep.equal(["secret", "shown"]);
  });

  it("keeps ignoreChanges, protection, providers' settings and commands' inputs", async () => {
    const prod = await previewOf("prod");
    const kept = ({
      urn,
      inputs,
      ignoreChanges,
      protect,
      retainOnDelete,
    }: StackState["resources"][number]) => ({
      urn,
      ignoreChanges,
      protect,
      retainOnDelete,
      inputs: /providers:aws|command:/.test(urn) ? Object.keys(inputs) : [],
    });
    const expected = prod.resources.map(kept);
    expect(expected.some(({ ignoreChanges }) => ignoreChanges.length > 0)).to.equal(true);
    const [fromDigest] = read(digestOf(prod));
    expect(fromDigest?.resources.map(kept)).to.deep.equal(expected);
    const [fromExport] = read(exportOf(prod));
    for (const resource of expected) {
      const found = fromExport?.resources.find(({ urn }) => urn === resource.urn);
      expect(found && kept(found)).to.deep.include({
        ...resource,
        inputs: found && kept(found).inputs,
      });
      expect(Object.keys(found?.inputs ?? {})).to.include.members(resource.inputs);
    }
    // Rules must see the provider that the engine creates itself: it has no allowed accounts.
    expect(fromExport?.resources.map(({ urn }) => urn)).to.include(
      "urn:pulumi:prod::iaso::pulumi:providers:command::default_1_2_1",
    );
  });

  describe("pulumi preview --json", () => {
    it("is refused if it leaves out unchanged resources, with the flag to add", async () => {
      const prod = await previewOf("prod");
      const complete = digestOf(prod, { op: "same" }) as {
        steps: { op: string; urn: string }[];
        changeSummary: Record<string, number>;
      };
      expect(read(complete)[0]?.resources).to.have.length(prod.resources.length);
      // The engine always shows the stack itself.
      const [stack, ...others] = complete.steps;
      const { message, remedy } = refusal({ ...complete, steps: [stack] });
      expect(message).to.equal(`${file} leaves out ${others.length} unchanged resources of the stack.`);
      expect(remedy).to.include("pulumi preview --json --show-sames > ");
      const changed = others.map((step, index) => (index === 0 ? { ...step, op: "update" } : step));
      const summary = { same: others.length, update: 1 };
      const partly = { ...complete, steps: [stack, changed[0]], changeSummary: summary };
      expect(refusal(partly).message).to.include("unchanged resources");
    });

    it("is refused if the preview failed", async () => {
      const digest = digestOf(await previewOf("prod"));
      const failed = { ...digest, diagnostics: [{ severity: "error", message: "preview failed" }] };
      expect(refusal(failed).message).to.include("a preview that failed");
      const warned = { ...digest, diagnostics: [{ severity: "warning", message: "deprecated" }] };
      expect(read(warned)[0]?.resources.length).to.be.greaterThan(100);
    });

    it("keeps the ids and outputs of what stays, which only the old state has, and of nothing that is created again", () => {
      const urn = (name: string) => `urn:pulumi:prod::iaso::aws:sns/topic:Topic::${name}`;
      const state = (name: string, more: object = {}) => ({
        urn: urn(name),
        custom: true,
        type: "aws:sns/topic:Topic",
        inputs: { name },
        ...more,
      });
      const old = (name: string) =>
        state(name, { id: `arn:${name}`, outputs: { arn: `arn:${name}`, name: "old" } });
      const [stack] = read({
        steps: [
          { op: "same", urn: urn("same"), oldState: old("same"), newState: state("same") },
          {
            op: "update",
            urn: urn("update"),
            oldState: old("update"),
            newState: state("update", { outputs: { name: "new" } }),
          },
          { op: "replace", urn: urn("replace"), oldState: old("replace"), newState: state("replace") },
          { op: "create", urn: urn("create"), newState: state("create") },
        ],
        changeSummary: { same: 1, update: 1, replace: 1, create: 1 },
      });
      expect(stack?.resources.map(({ id, outputs }) => ({ id, outputs }))).to.deep.equal([
        { id: "arn:same", outputs: { arn: "arn:same", name: "old" } },
        { id: "arn:update", outputs: { arn: "arn:update", name: "new" } },
        { id: "", outputs: {} },
        { id: "", outputs: {} },
      ]);
    });

    it("gives one resource for each URN of --show-replacement-steps, with its new inputs", () => {
      const urn = "urn:pulumi:prod::iaso::aws:s3/bucket:Bucket::media";
      const state = (bucket: string, more: object = {}) => ({
        urn,
        custom: true,
        type: "aws:s3/bucket:Bucket",
        inputs: { bucket },
        ...more,
      });
      const [stack] = read({
        steps: [
          { op: "create-replacement", urn, oldState: state("old"), newState: state("new") },
          { op: "replace", urn, oldState: state("old"), newState: state("new") },
          { op: "delete-replaced", urn, oldState: state("old", { delete: true }) },
          { op: "delete", urn: `${urn}2`, oldState: state("gone") },
        ],
        changeSummary: { replace: 1, delete: 1 },
      });
      expect(stack?.resources.map(({ inputs }) => inputs)).to.deep.equal([{ bucket: "new" }]);
      expect(stack).to.include({ source: "pulumi preview", project: "iaso", stack: "prod" });
    });
  });
});

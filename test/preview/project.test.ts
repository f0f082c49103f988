import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { listSettings, listStacks, readProject, readStackConfig, requireStacks } from "../../preview/project";
import { UserError } from "../../cli/userError";

describe("preview/project", () => {
  const directories: string[] = [];
  after(() => {
    for (const directory of directories) rmSync(directory, { recursive: true });
  });

  function write(files: Record<string, string>): string {
    const directory = mkdtempSync(join(tmpdir(), "project-"));
    directories.push(directory);
    for (const [file, content] of Object.entries(files)) writeFileSync(join(directory, file), content);
    return directory;
  }

  const declared = `name: small
config:
  size: { type: integer, default: 3 }
  zones: { type: array, default: [a, b] }
  on: { type: boolean, default: false }
  required: { type: string }
  password: { type: string, secret: true }
  sentryDsn: { type: string, secret: true }
`;

  it("adds defaults for missing values, and passes every value as text", () => {
    const project = readProject(
      write({
        "Pulumi.yaml": declared,
        "Pulumi.one.yaml": "config:\n  small:size: 5\n  short: yes\n  aws:region: eu-central-1\n",
      }),
    );
    const { values } = readStackConfig(project, "one");
    expect(values).to.include({
      "small:size": "5",
      "small:zones": '["a","b"]',
      "small:on": "false",
      "small:short": "yes",
      "aws:region": "eu-central-1",
    });
    expect(values).not.to.have.property("small:required");
  });

  it("lets made-up values take the place of encrypted ones, and of no others", () => {
    const project = readProject(
      write({
        "Pulumi.yaml": declared,
        "Pulumi.one.yaml": "config:\n  small:password: { secure: AAAB }\n  small:extra: { secure: AAAC }\n",
      }),
    );
    const { values, secretKeys } = readStackConfig(project, "one");
    expect(secretKeys).to.have.members(["small:extra", "small:password"]);
    for (const key of secretKeys) expect(values[key]).to.equal(`made up for ${key}`);
    expect(values).not.to.have.property("small:sentryDsn");
    expect(JSON.stringify(values)).not.to.match(/AAAB|AAAC/);
  });

  it("lists every setting with its value, meaning and source, and no secret", () => {
    const project = readProject(
      write({
        "Pulumi.yaml": declared.replace("default: 3", "default: 3, description: How large"),
        "Pulumi.one.yaml":
          "config:\n  small:size: 5\n  aws:region: eu-central-1\n  small:password: plain\n  extra: { secure: AAAC }\n",
      }),
    );
    const settings = listSettings(project, "one").map(
      ({ key, value, source, isDefault, description }) =>
        [key, value, source, isDefault, description] as const,
    );
    expect(settings).to.deep.equal([
      ["size", "5", "Pulumi.one.yaml", false, "How large"],
      ["zones", '["a","b"]', "Pulumi.yaml", true, ""],
      ["on", "false", "Pulumi.yaml", true, ""],
      ["required", "", "not set", false, ""],
      ["password", "[secret]", "Pulumi.one.yaml", false, ""],
      ["sentryDsn", "[secret]", "not set", false, ""],
      ["aws:region", "eu-central-1", "Pulumi.one.yaml", false, ""],
      ["extra", "[secret]", "Pulumi.one.yaml", false, ""],
    ]);
  });

  it("accepts a stack without a single value", () => {
    const project = readProject(write({ "Pulumi.yaml": declared, "Pulumi.one.yaml": "" }));
    expect(readStackConfig(project, "one").values["small:size"]).to.equal("3");
    expect(listStacks(project)).to.deep.equal(["one"]);
  });

  it("reports errors in the project's files with their location", () => {
    const empty = write({});
    expect(() => readProject(empty)).to.throw(UserError, `There is no Pulumi.yaml in ${empty}`);
    expect(() => readProject(write({ "Pulumi.yaml": "runtime: nodejs" }))).to.throw(
      UserError,
      'add the line "name',
    );
    expect(() => readProject(write({ "Pulumi.yaml": "a: [" }))).to.throw(
      UserError,
      "Pulumi.yaml is not valid YAML",
    );
    const project = readProject(write({ "Pulumi.yaml": declared, "Pulumi.one.yaml": "config: [" }));
    expect(() => readStackConfig(project, "one")).to.throw(UserError, "Pulumi.one.yaml is not valid YAML");
    expect(() => readStackConfig(project, "two")).to.throw(UserError, "There are: one.");
    const without = readProject(write({ "Pulumi.yaml": declared }));
    expect(() => readStackConfig(without, "two")).to.throw(UserError, "There is none.");
    expect(() => requireStacks(without)).to.throw(UserError, "contains no file Pulumi.STACK.yaml");
    expect(requireStacks(project)).to.deep.equal(["one"]);
  });
});

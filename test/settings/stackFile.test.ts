import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect } from "chai";
import { removeTemporaryDirectories, temporaryDirectory } from "../deploy/source/checkout";
import { writeExampleProject } from "../support";

const ROOT = join(__dirname, "../..");

describe("The region of a stack for the commands", () => {
  after(removeTemporaryDirectories);

  const project = temporaryDirectory();
  before(() => {
    writeExampleProject(project, { staging: { "iaso:region": "af-south-1" } });
  });

  function regionOf(stack: string, env: Record<string, string> = {}): string {
    const code = `process.stdout.write(require(${JSON.stringify(join(ROOT, "settings/stackFile"))}).regionOf("${stack}"))`;
    const args = ["--require", join(ROOT, "cli/loader.cjs"), "-e", code];
    const { stdout, stderr } = spawnSync(process.execPath, args, {
      cwd: project,
      encoding: "utf8",
      env: { PATH: process.env["PATH"], ...env },
    });
    expect(stderr).to.equal("");
    return stdout;
  }

  it("is that of its file, whatever AWS_REGION is", () => {
    expect(regionOf("staging", { AWS_REGION: "eu-west-3" })).to.equal("af-south-1");
  });

  it("is the default of Pulumi.yaml, if its file has none", () => {
    expect(regionOf("prod", { AWS_REGION: "eu-west-3" })).to.equal("eu-central-1");
  });

  it("is AWS_REGION, if the stack has no file here", () => {
    expect(regionOf("qa", { AWS_REGION: "eu-west-3" })).to.equal("eu-west-3");
    expect(regionOf("qa")).to.equal("eu-central-1");
  });
});

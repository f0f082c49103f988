import { spawnSync } from "node:child_process";
import { expect } from "chai";
import { removeTemporaryDirectories, temporaryDirectory } from "../deploy/source/checkout";
import { writeExampleProject } from "../support";

describe("npm run stack", () => {
  after(removeTemporaryDirectories);

  function stack(name: string, settings: Record<string, unknown> = {}) {
    const cwd = temporaryDirectory();
    writeExampleProject(cwd, { staging: settings });
    return spawnSync("npm", ["run", "--silent", "stack", "--", name], { cwd, encoding: "utf8" });
  }

  it("prints the environment, the account, the region and the application's repository of a stack", () => {
    expect(stack("staging").stdout).to.equal(
      "env=staging\naccount=123456789012\nregion=eu-central-1\napplication=example/iaso\n",
    );
    const settings = {
      "iaso:env": "test",
      "iaso:accountId": "012345678901",
      "iaso:region": "af-south-1",
      "iaso:applicationRepository": "BLSQ/iaso",
    };
    expect(stack("staging", settings).stdout).to.equal(
      "env=test\naccount=012345678901\nregion=af-south-1\napplication=BLSQ/iaso\n",
    );
  });

  it("prints nothing for a stack that does not exist, or without an account", () => {
    for (const { status, stdout, stderr } of [
      stack("stagin"),
      stack("staging", { "iaso:accountId": undefined }),
      stack("staging", { "iaso:applicationRepository": undefined }),
    ]) {
      expect([status, stdout]).to.deep.equal([1, ""]);
      expect(stderr).to.match(/\nTo fix it: /);
    }
  });

  it("prints no value that would add a line to a workflow's outputs", () => {
    for (const [setting, value] of Object.entries({ region: "eu-central-1", applicationRepository: "a/b" })) {
      const { status, stdout } = stack("staging", { [`iaso:${setting}`]: `${value}\naccount=210987654321` });
      expect([status, stdout]).to.deep.equal([1, ""]);
    }
  });
});

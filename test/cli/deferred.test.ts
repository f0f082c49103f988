import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect } from "chai";

const ROOT = join(__dirname, "../..");

/** Runs the code as the preview's process would, and returns what it printed. */
function run(code: string): string {
  const deferred = join(ROOT, "cli/deferred.cjs");
  const { status, stdout, stderr } = spawnSync(process.execPath, ["--require", deferred, "-e", code], {
    cwd: ROOT,
    encoding: "utf8",
  });
  expect(status, stderr).to.equal(0);
  return stdout.trim();
}

describe("What the preview's process does not load", () => {
  for (const name of ["typescript", "@npmcli/arborist"]) {
    it(`leaves out ${name}`, () => {
      const loaded = run(`
        require("@pulumi/pulumi");
        console.log(Object.keys(require.cache).some((file) => file.includes("node_modules/${name}/")));
      `);
      expect(loaded).to.equal("false");
    });
  }

  it("loads the compiler for a program that turns a function into Lambda code", () => {
    const code = run(`
      const pulumi = require("@pulumi/pulumi");
      pulumi.runtime.serializeFunction(() => "from a Lambda").then(({ text }) => console.log(text));
    `);
    expect(code).to.include("from a Lambda");
  });
});

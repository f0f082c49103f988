import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect } from "chai";

const ROOT = join(__dirname, "..");

/** Loads one file as the engine's language host does, with the compiler that comes with the SDK. */
const LOAD = `
  const { typeScriptRequireStrings } = require("@pulumi/pulumi/tsutils");
  const { tsnodeRequire, typescriptRequire } = typeScriptRequireStrings();
  require(tsnodeRequire).register({ compiler: typescriptRequire, project: "tsconfig.json", cache: false });
  require(process.argv[1]);
`;

describe("tsconfig.json", () => {
  // What it has compiled before, the language host takes from its cache; a file that has changed is then the only one.
  it("lets Pulumi compile a single changed file of a folder", () => {
    const { status, stderr } = spawnSync(
      process.execPath,
      ["-e", LOAD, join(ROOT, "components/common/cidr.ts")],
      {
        cwd: ROOT,
        encoding: "utf8",
      },
    );
    expect(stderr).to.equal("");
    expect(status).to.equal(0);
  });
});

import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";

const LOADER = join(__dirname, "../../cli/loader.cjs");

/** esbuild drops comments and types, so the error has another line in the compiled file. */
const PROGRAM = `
// A comment
interface Options {
  depth: number;
}

function fail({ depth }: Options): never {
  throw new Error(\`too deep: \${depth}\`);
}

fail({ depth: 1 });
`;

describe("loader", () => {
  let directory: string;
  let program: string;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "iaso-loader-"));
    program = join(directory, "program.ts");
  });

  afterEach(() => {
    rmSync(directory, { recursive: true });
  });

  const run = (source: string) => {
    writeFileSync(program, source);
    return spawnSync(process.execPath, ["--require", LOADER, program], { encoding: "utf8" });
  };

  it("names the lines of the TypeScript in stack traces, compiled and from the cache", () => {
    for (const { stderr } of [run(PROGRAM), run(PROGRAM)]) {
      expect(stderr).to.include("Error: too deep: 1");
      expect(stderr).to.include(`at fail (${program}:8:9)`);
      expect(stderr).to.include(`at Object.<anonymous> (${program}:11:1)`);
    }
  });

  it("runs the file's present content", () => {
    expect(run("console.log(1);").stdout).to.equal("1\n");
    expect(run("console.log(2);").stdout).to.equal("2\n");
    expect(run("console.log(1);").stdout).to.equal("1\n");
  });
});

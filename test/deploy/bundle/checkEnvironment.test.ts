import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import fc from "fast-check";
import {
  installed,
  removeTemporaryDirectories,
  skip,
  temporaryDirectory,
  writeFiles,
} from "../source/checkout";

const DOCKER = join(__dirname, "../../../deploy/bundle/docker");
const HOOK = readFileSync(join(DOCKER, ".platform/hooks/predeploy/03_check_environment.sh"), "utf8");
const SCRIPT = join(DOCKER, "iaso-deploy/check_environment.py");

describe("deploy/bundle/docker/iaso-deploy/check_environment.py", () => {
  before(function () {
    if (!installed("python3", "--version")) skip(this, "python3 is not installed");
  });
  after(removeTemporaryDirectories);

  /**
   * Runs the hook with Beanstalk's values, and a stand-in for docker that starts the script with the values that
   * the container would have.
   */
  function run(held: Record<string, string>, given: Record<string, string>) {
    const directory = temporaryDirectory();
    writeFiles(directory, {
      ".env": Object.entries(held)
        .map(([name, value]) => `${name}=${value}\n`)
        .join(""),
      "given.json": JSON.stringify(given),
      "bin/docker": {
        executable: `#!/usr/bin/env python3
import json, os, sys
open(${JSON.stringify(join(directory, "arguments"))}, "w").write(" ".join(sys.argv[1:]))
given = json.load(open(${JSON.stringify(join(directory, "given.json"))}))
os.execve(sys.executable, [sys.executable, ${JSON.stringify(SCRIPT)}], given)
`,
      },
    });
    const result = spawnSync("bash", ["-c", HOOK.replaceAll("/var/app/staging", directory)], {
      encoding: "utf8",
      env: { ...held, PATH: `${directory}/bin:${process.env["PATH"] ?? ""}` },
    });
    return { ...result, arguments: readFileSync(join(directory, "arguments"), "utf8") };
  }

  it("accepts a container that has Beanstalk's values", () => {
    const values = { SECRET_KEY: "a b=c+/", EMPTY: "", UNICODE: "é", PATH_LIKE: "/x" };
    const result = run(values, { ...values, OTHER: "the image's own" });
    expect(result.status, result.stderr).to.equal(0);
    expect(result.arguments).to.match(
      /^compose run --rm --no-deps -T .* iaso \/opt\/iaso-deploy\/check_environment\.py$/,
    );
  });

  it("names a variable that Docker Compose changed, without its value", () => {
    const result = run({ SECRET_KEY: "secret$word", FINE: "fine" }, { SECRET_KEY: "secret", FINE: "fine" });
    expect(result.status).to.not.equal(0);
    expect(result.stderr).to.contain("value of SECRET_KEY.").and.not.contain("FINE").and.not.contain("word");
    expect(run({ GONE: "value" }, {}).stderr).to.contain("value of GONE.");
  });

  it("ignores variables of the shell and of the image", () => {
    expect(run({ HOME: "/root", LANG: "C" }, { HOME: "/home/appuser" }).status).to.equal(0);
  });

  it("finds exactly the values that differ", () => {
    const value = fc.string({ maxLength: 8 }).filter((text) => !/[\n\r\0]/.test(text));
    const variable = fc.record({ held: value, given: fc.option(value, { nil: undefined }) });
    fc.assert(
      fc.property(fc.array(variable, { minLength: 1, maxLength: 4 }), (variables) => {
        const name = (i: number): string => `VARIABLE_${i}`;
        const held = Object.fromEntries(variables.map((item, i) => [name(i), item.held]));
        const given = Object.fromEntries(variables.map((item, i) => [name(i), item.given ?? item.held]));
        const differing = variables.flatMap((item, i) =>
          (item.given ?? item.held) === item.held ? [] : [name(i)],
        );
        const result = run(held, given);
        expect(result.status === 0, result.stderr).to.equal(differing.length === 0);
        expect(result.stderr.match(/VARIABLE_\d+/g) ?? []).to.deep.equal(differing);
      }),
      { numRuns: 8 },
    );
  });
});

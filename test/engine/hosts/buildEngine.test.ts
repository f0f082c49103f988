import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { find } from "../commands";

const SCRIPT = join(__dirname, "build-engine");

/** A `go` that serves as the proxy's answer: it fails to get, or gets and compiles to a file that prints its flags. */
const GO = `#!/bin/sh
case "$1 $GO_FAILS" in
  "get get") echo "go: downloading" >&2; echo "go: github.com/pulumi/pulumi: 403 Forbidden" >&2; exit 1 ;;
  "build build") echo "does not compile" >&2; exit 2 ;;
  build*) while [ "$1" != -o ]; do shift; done; printf '#!/bin/sh\\necho built\\n' >"$2"; chmod +x "$2" ;;
esac
`;

describe("build-engine", () => {
  const folder = mkdtempSync(join(tmpdir(), "iaso-build-engine-"));
  const bin = join(folder, "bin");
  before(() => {
    mkdirSync(bin);
    for (const name of ["bash", "sh", "env", "mktemp", "mkdir", "mv", "rm", "tail", "chmod"]) {
      symlinkSync(find(name) ?? name, join(bin, name));
    }
  });
  after(() => {
    rmSync(folder, { recursive: true });
  });

  const build = (cache: string, fails = "") => {
    const env = { PATH: bin, HOME: folder, XDG_CACHE_HOME: join(folder, cache), GO_FAILS: fails };
    const { status, stdout, stderr } = spawnSync(SCRIPT, { env, encoding: "utf8" });
    return { status, stdout, stderr };
  };

  it("exits with 3 and a one-line reason without Go", () => {
    expect(build("none")).to.deep.equal({
      status: 3,
      stdout: "",
      stderr:
        "The engine suite cannot run without building Pulumi's engine: Go is not installed (https://go.dev/doc/install)\n",
    });
  });

  it("exits with 3 and the proxy's answer if the proxy refuses", () => {
    writeFileSync(join(bin, "go"), GO);
    chmodSync(join(bin, "go"), 0o755);
    expect(build("refused", "get")).to.deep.equal({
      status: 3,
      stdout: "",
      stderr:
        "The engine suite cannot run without building Pulumi's engine: go: github.com/pulumi/pulumi: 403 Forbidden\n",
    });
  });

  it("fails if the engine does not compile, and keeps nothing", () => {
    expect(build("broken", "build")).to.deep.include({ status: 2, stdout: "", stderr: "does not compile\n" });
    // Nothing was kept that would pass for an engine.
    expect(build("broken", "build")).to.deep.include({ status: 2 });
  });

  it("builds once and prints the folder of the binary", () => {
    const { status, stdout } = build("built");
    expect(status).to.equal(0);
    const engine = join(stdout.trim(), "pulumi");
    expect(spawnSync(engine, { env: { PATH: bin }, encoding: "utf8" }).stdout).to.equal("built\n");
    // A second build would fail.
    expect(build("built", "build")).to.deep.equal({ status: 0, stdout, stderr: "" });
  });

  it("is clean for shellcheck, and so is .ci/run", function () {
    if (find("shellcheck") === undefined) {
      console.log("      skipped: shellcheck is not installed (apt-get install shellcheck)");
      this.skip();
    }
    const files = [SCRIPT, join(__dirname, "../../../.ci/run")];
    expect(spawnSync("shellcheck", files, { encoding: "utf8" }).stdout).to.equal("");
  });
});

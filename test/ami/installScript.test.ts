import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { expect } from "chai";
import { installScript } from "../../ami/installScript";
import { fingerprintOf, imageFingerprint } from "../../ami/fingerprint";
import { RECIPE, type Recipe } from "../../ami/recipe";
import { USER_DATA_LIMIT, userData } from "../../ami/userData";

describe("ami/installScript", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "iaso-recipe-"));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  it("is clean for shellcheck", function () {
    if (spawnSync("shellcheck", ["--version"]).status !== 0) {
      console.log("      skipped: shellcheck is not installed (apt-get install shellcheck)");
      this.skip();
    }
    const file = join(folder, "install.sh");
    writeFileSync(file, installScript(RECIPE));
    expect(spawnSync("shellcheck", [file], { encoding: "utf8" }).stdout).to.equal("");
  });

  it("refuses a source with another checksum before it is unpacked, and stops there", () => {
    writeFileSync(join(folder, "geos_3.11.1.orig.tar.bz2"), "tampered");
    const { status, stdout } = run();
    expect(status).to.equal(1);
    expect(stdout).to.contain("REFUSED geos_3.11.1.orig.tar.bz2").and.contain("failed geos exit 1");
    expect(stdout).not.to.contain("sqlite").and.not.to.contain("ready");
    expect(existsSync(join(folder, "work", "geos"))).to.equal(false);
    expect(readFileSync(join(folder, "console"), "utf8")).to.match(
      /^IASO-AMI \d+ failed geos exit 1 after \d+s$/m,
    );
  });

  it("reports an end outside every step", () => {
    writeFileSync(join(folder, "work"), "a file where the folder should be");
    expect(run().status).not.to.equal(0);
    expect(readFileSync(join(folder, "console"), "utf8")).to.match(/^IASO-AMI 1 failed script exit \d+/);
  });

  it("fits into user data with its cloud-config", () => {
    const data = userData(installScript(RECIPE), "2023.6.20250203", 90);
    expect(gzipSync(data).length).to.be.below(USER_DATA_LIMIT);
    expect(data).to.contain('repo_releasever: "2023.6.20250203"').and.contain("repo_upgrade: none");
  });

  it("changes the fingerprint with any part of the recipe and with the base image", () => {
    const changed: Recipe = structuredClone(RECIPE);
    changed.libraries[0]!.flags.push("-DX=1");
    expect(fingerprintOf(changed)).not.to.equal(fingerprintOf(RECIPE));
    expect(fingerprintOf(structuredClone(RECIPE))).to.equal(fingerprintOf(RECIPE));
    expect(imageFingerprint("ami-1", RECIPE)).not.to.equal(imageFingerprint("ami-2", RECIPE));
  });

  it("is described in ami/README.md library by library", () => {
    const readme = readFileSync("ami/README.md", "utf8");
    for (const { name, version, sha256 } of RECIPE.libraries) {
      expect(readme).to.match(
        new RegExp(`\\| ${name} +\\| ${version.replaceAll(".", "\\.")} +\\| \`${sha256.slice(0, 12)}`),
      );
    }
  });

  function run() {
    const script = join(folder, "install.sh");
    writeFileSync(script, installScript(RECIPE));
    return spawnSync("bash", [script], {
      encoding: "utf8",
      env: {
        ...process.env,
        PREFIX: join(folder, "prefix"),
        WORK_DIR: join(folder, "work"),
        SOURCE_DIR: folder,
        CONSOLE: join(folder, "console"),
        SKIP_PACKAGES: "1",
      },
    });
  }
});

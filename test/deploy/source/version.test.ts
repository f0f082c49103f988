import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { resolveVersion } from "../../../deploy/source/version";
import { UserError } from "../../../cli/userError";
import { gitIn, makeCheckout, rejection, removeTemporaryDirectories, temporaryDirectory } from "./checkout";

describe("deploy/source/version", () => {
  after(removeTemporaryDirectories);

  it("takes the first twelve digits of the commit where there is no tag", async () => {
    const source = makeCheckout({ "a.py": "1" });
    const commit = gitIn(source, "rev-parse", "HEAD").trim();
    expect(await resolveVersion(source)).to.deep.equal({ label: commit.slice(0, 12), commit, dirty: false });
  });

  it("takes the tag of the commit, the newest release's where there are several", async () => {
    const source = makeCheckout({ "a.py": "1" });
    for (const tag of ["demo", "2026.9.1", "2026.10.2"]) gitIn(source, "tag", tag);
    expect((await resolveVersion(source)).label).to.equal("2026.10.2");
  });

  it("does not take a tag of an earlier commit", async () => {
    const source = makeCheckout({ "a.py": "1" });
    gitIn(source, "tag", "2026.01.01");
    gitIn(source, "commit", "--quiet", "--allow-empty", "-m", "Second");
    expect((await resolveVersion(source)).label).to.equal(gitIn(source, "rev-parse", "HEAD").slice(0, 12));
  });

  it("makes a label of a tag with characters that a label cannot have", async () => {
    const source = makeCheckout({ "a.py": "1" });
    gitIn(source, "tag", "release/2026");
    expect((await resolveVersion(source)).label).to.equal("release-2026");
  });

  it("takes the version given, and refuses one that cannot be a label", async () => {
    const source = makeCheckout({ "a.py": "1" });
    expect((await resolveVersion(source, { version: "v1.2+3" })).label).to.equal("v1.2+3");
    for (const version of ["", "a/b", "a b", ".hidden", "x".repeat(101), 'x"', "../x"]) {
      const error = await rejection(resolveVersion(source, { version }));
      expect(error, version).to.be.instanceOf(UserError);
      expect(error.message).to.contain("cannot be a version label");
    }
  });

  it("refuses a checkout with changed or new files and names them", async () => {
    const source = makeCheckout({ "a.py": "1", "b.py": "1", ".gitignore": "built/\n" });
    mkdirSync(join(source, "built"));
    writeFileSync(join(source, "built", "app.js"), "ignored files are no change");
    expect((await resolveVersion(source)).dirty).to.equal(false);
    writeFileSync(join(source, "a.py"), "2");
    rmSync(join(source, "b.py"));
    writeFileSync(join(source, "new file.py"), "2");
    const error = await rejection(resolveVersion(source));
    expect(error).to.be.instanceOf(UserError);
    expect(error.message).to.contain("M a.py").and.contain("D b.py").and.contain("?? new file.py");
    expect(error.remedy).to.contain("--allow-dirty");
  });

  it("labels a changed checkout by its changes", async () => {
    const source = makeCheckout({ "a.py": "1" });
    const commit = gitIn(source, "rev-parse", "HEAD").trim();
    writeFileSync(join(source, "a.py"), "2");
    const first = await resolveVersion(source, { allowDirty: true });
    expect(first).to.include({ commit, dirty: true });
    expect(first.label).to.match(new RegExp(`^${commit.slice(0, 12)}-dirty-[0-9a-f]{12}$`));
    expect(await resolveVersion(source, { allowDirty: true })).to.deep.equal(first);
    writeFileSync(join(source, "a.py"), "3");
    expect((await resolveVersion(source, { allowDirty: true })).label).not.to.equal(first.label);
  });

  it("says so where the directory is missing, no checkout, without a commit, or not the top", async () => {
    const missing = await rejection(resolveVersion("/no/such/directory"));
    expect(missing).to.be.instanceOf(UserError).with.property("remedy").that.contains("--source");
    expect((await rejection(resolveVersion(temporaryDirectory()))).message).to.contain(
      "not a readable git checkout",
    );
    const empty = temporaryDirectory();
    gitIn(empty, "init", "--quiet");
    expect((await rejection(resolveVersion(empty))).message).to.contain("has no commit");
    const source = makeCheckout({ "folder/a.py": "1" });
    const inside = await rejection(resolveVersion(join(source, "folder")));
    expect(inside).to.be.instanceOf(UserError).with.property("remedy").that.contains(source);
  });
});

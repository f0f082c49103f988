import { createHash } from "node:crypto";
import { chmodSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { listBuiltFiles, listTrackedFiles, writeEntries } from "../../../deploy/source/files";
import { UserError } from "../../../cli/userError";
import {
  gitIn,
  installed,
  makeCheckout,
  rejection,
  removeTemporaryDirectories,
  writeFiles,
} from "./checkout";

describe("deploy/source/files", () => {
  after(removeTemporaryDirectories);

  it("lists tracked files only, with git's modes whatever the disk says", async () => {
    const source = makeCheckout({
      "manage.py": { executable: "#!" },
      "hat/settings.py": "x",
      current: { link: "hat/settings.py" },
      ".gitignore": "built\n",
    });
    writeFiles(source, { built: "x" });
    gitIn(source, "config", "core.fileMode", "false");
    chmodSync(join(source, "hat/settings.py"), 0o700);
    chmodSync(join(source, "manage.py"), 0o600);
    const entries = await listTrackedFiles(source, false);
    expect(Object.fromEntries(entries.map(({ path, mode }) => [path, mode.toString(8)]))).to.deep.equal({
      ".gitignore": "100644",
      current: "120777",
      "hat/settings.py": "100644",
      "manage.py": "100755",
    });
    const link = entries.find(({ path }) => path === "current");
    expect(link?.content).to.deep.equal(Buffer.from("hat/settings.py"));
  });

  it("takes a file that the build rewrote from the commit, and from the disk where dirty is allowed", async () => {
    const source = makeCheckout({ "index.css": "committed", "kept.css": "kept" });
    writeFileSync(join(source, "index.css"), "rewritten by the build");
    const content = async (dirty: boolean): Promise<unknown> =>
      (await listTrackedFiles(source, dirty)).find(({ path }) => path === "index.css")?.content;
    expect(await content(false)).to.deep.equal(Buffer.from("committed"));
    expect(await content(true)).to.have.property("file", join(source, "index.css"));
  });

  it("leaves out a deleted file of a dirty checkout", async () => {
    const source = makeCheckout({ "a.py": "1", "b.py": "1" });
    rmSync(join(source, "a.py"));
    expect((await listTrackedFiles(source, true)).map(({ path }) => path)).to.deep.equal(["b.py"]);
  });

  it("takes what a sparse checkout left out from the commit", async () => {
    const source = makeCheckout({ "a.py": "1", "docs/b.md": { executable: "left out" } });
    gitIn(source, "update-index", "--skip-worktree", "docs/b.md");
    rmSync(join(source, "docs/b.md"));
    expect(gitIn(source, "status", "--porcelain")).to.equal("");
    expect(await listTrackedFiles(source, false)).to.deep.include({
      path: "docs/b.md",
      mode: 0o100755,
      content: Buffer.from("left out"),
    });
  });

  it("refuses a file that is not fetched from Git LFS, on disk or in the commit", async () => {
    const content = "x".repeat(12345);
    const oid = createHash("sha256").update(content).digest("hex");
    const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${oid}\nsize ${content.length}\n`;
    const source = makeCheckout({
      ".gitattributes": "*.gpkg filter=lfs diff=lfs merge=lfs -text\n",
      "hat/countries.gpkg": pointer,
      // The same text in a file that is not in Git LFS is a text.
      "docs/lfs.md": pointer,
    });
    const refused = async (): Promise<Error & { remedy?: string }> =>
      rejection(listTrackedFiles(source, false));
    expect((await refused()).message).to.contain("hat/countries.gpkg is in Git LFS and not in the checkout");
    expect((await refused()).remedy).to.equal("git lfs pull");
    // A sparse checkout without the file: the commit has the pointer only.
    gitIn(source, "update-index", "--skip-worktree", "hat/countries.gpkg");
    rmSync(join(source, "hat/countries.gpkg"));
    expect((await refused()).message).to.contain("hat/countries.gpkg");
    // As `git lfs pull` leaves it: the content is on disk, and git finds no change.
    gitIn(source, "update-index", "--no-skip-worktree", "hat/countries.gpkg");
    if (!installed("git-lfs", "version")) {
      const clean = `cat >/dev/null; printf '${pointer.replaceAll("\n", "\\n")}'`;
      gitIn(source, "config", "filter.lfs.clean", clean);
    }
    writeFiles(source, { "hat/countries.gpkg": content });
    const entries = await listTrackedFiles(source, false);
    expect(entries.find(({ path }) => path === "hat/countries.gpkg")?.content).to.have.property(
      "bytes",
      12345,
    );
  });

  it("takes the files of submodules, and refuses one that is not checked out", async () => {
    const plugin = makeCheckout({ "plugin.py": { executable: "1" } });
    const source = makeCheckout({ "a.py": "1" });
    const add = ["-c", "protocol.file.allow=always", "submodule", "add", "--quiet", plugin, "plugins/one"];
    gitIn(source, ...add);
    gitIn(source, "commit", "--quiet", "-m", "Plugin");
    const entries = await listTrackedFiles(source, false);
    expect(entries.map(({ path }) => path)).to.include("plugins/one/plugin.py");
    gitIn(source, "submodule", "deinit", "--quiet", "--force", "plugins/one");
    const error = await rejection(listTrackedFiles(source, false));
    expect(error).to.be.instanceOf(UserError);
    expect(error.remedy).to.contain("git submodule update --init");
  });

  it("refuses names that a zip file cannot hold", async () => {
    for (const name of ["back\\slash.py", "c:drive.py"]) {
      const source = makeCheckout({ [name]: "1" });
      expect(await rejection(listTrackedFiles(source, false)), name).to.be.instanceOf(UserError);
    }
  });

  it("lists a built folder without git's own and Python's caches", async () => {
    const source = makeCheckout({ "a.py": "1" });
    writeFiles(source, {
      "plugins/x/.git/config": "",
      "plugins/x/deep/b.py": "1",
      "plugins/x/__pycache__/b.pyc": "1",
      "stats.json": "{}",
    });
    expect((await listBuiltFiles(source, "plugins/x/"))?.map(({ path }) => path)).to.deep.equal([
      "plugins/x/deep/b.py",
    ]);
    expect((await listBuiltFiles(source, "stats.json"))?.map(({ path }) => path)).to.deep.equal([
      "stats.json",
    ]);
  });

  it("finds no built files that are missing, and refuses paths outside the checkout", async () => {
    const source = makeCheckout({ "a.py": "1" });
    expect(await listBuiltFiles(source, "hat/assets")).to.equal(undefined);
    for (const path of ["/etc/passwd", "../other", "a/../../other", "."]) {
      const error = await rejection(listBuiltFiles(source, path));
      expect(error, path).to.be.instanceOf(UserError);
      expect(error.message).to.contain("not a path inside the checkout");
    }
  });

  it("writes entries through no link and over nothing", async () => {
    const outside = join(makeCheckout({ file: "own" }), "file");
    const link = { path: "a", mode: 0o120777, content: Buffer.from(outside) };
    for (const content of [Buffer.from("evil"), { file: __filename, bytes: 1 }]) {
      const written = writeEntries(join(makeCheckout({}), "new"), [
        link,
        { path: "a", mode: 0o100755, content },
      ]);
      expect((await rejection(written)).message).to.include("EEXIST");
      expect(readFileSync(outside, "utf8")).to.equal("own");
    }
  });
});

import { createHash } from "node:crypto";
import { readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import fc from "fast-check";
import { ArtifactWriter, type BuildList, isInside, readArtifact } from "../../../deploy/source/artifact";
import { writeBundle } from "../../../deploy/source/bundle";
import { UserError } from "../../../cli/userError";
import { printedSeed } from "../../seed";
import { rejection, removeTemporaryDirectories, temporaryDirectory, unzip, writeFiles } from "./checkout";

const sha256 = (text: string | Buffer): string => createHash("sha256").update(text).digest("hex");
const STATIC = { path: "css/a.css", sha256: sha256("body {}"), bytes: 7 };

interface Written {
  directory: string;
  digest: string;
}

/** Writes an artifact with one application file, one link and one static file. */
async function write(): Promise<Written> {
  const directory = temporaryDirectory();
  const sources = temporaryDirectory();
  writeFiles(sources, { "manage.py": "run", "a.css": "body {}" });
  const writer = await ArtifactWriter.create(directory);
  const application = await writer.addApplication([
    { path: "manage.py", mode: 0o100755, content: { file: join(sources, "manage.py"), bytes: 3 } },
    { path: "current", mode: 0o120777, content: Buffer.from("manage.py") },
  ]);
  await writer.addFiles([STATIC], () => join(sources, "a.css"));
  const digest = await writer.finish({
    version: "2026.1",
    commit: "0".repeat(40),
    dirty: false,
    platform: "python",
    plugins: ["polio"],
    application,
    static: [STATIC],
    wheels: [],
  });
  return { directory, digest };
}

/** Rewrites the list as an attacker would, and returns its digest. */
function forge({ directory }: Written, change: (list: BuildList) => void): string {
  const file = join(directory, "build.json");
  const list = JSON.parse(readFileSync(file, "utf8")) as BuildList;
  change(list);
  writeFileSync(file, JSON.stringify(list));
  return sha256(readFileSync(file));
}

describe("deploy/source/artifact", () => {
  after(removeTemporaryDirectories);

  it("reads what was written: modes, links, static files", async () => {
    const { digest, directory } = await write();
    const artifact = await readArtifact(directory, digest);
    const script = join(directory, "files", sha256("run"));
    expect(artifact).to.deep.include({ version: "2026.1", platform: "python", plugins: ["polio"] });
    expect(artifact.application).to.deep.equal([
      { path: "manage.py", mode: 0o100755, content: { file: script, bytes: 3 } },
      { path: "current", mode: 0o120777, content: Buffer.from("manage.py") },
    ]);
    expect(artifact.static).to.deep.equal([{ ...STATIC, file: join(directory, "files", STATIC.sha256) }]);
  });

  it("refuses another digest, a changed list, a file that is changed, missing, or a link", async () => {
    const changes: [(written: Written) => void, RegExp][] = [
      [(one) => (one.digest = "0".repeat(64)), /has the SHA-256 [0-9a-f]{64}, not 0{64}/],
      [(one) => void forge(one, (list) => (list.version = "2026.2")), /has the SHA-256/],
      [
        ({ directory }) => {
          rmSync(join(directory, "build.json"));
        },
        /There is no build in/,
      ],
      [
        ({ directory }) => {
          writeFileSync(join(directory, "files", STATIC.sha256), "body[]!");
        },
        /missing or differs/,
      ],
      [
        ({ directory }) => {
          rmSync(join(directory, "files", STATIC.sha256));
        },
        /missing or differs/,
      ],
      [
        ({ directory }) => {
          // The same bytes, but a link can be led elsewhere after the check.
          renameSync(join(directory, "files", STATIC.sha256), join(directory, "elsewhere"));
          symlinkSync("../elsewhere", join(directory, "files", STATIC.sha256));
        },
        /missing or differs/,
      ],
    ];
    for (const [change, message] of changes) {
      const written = await write();
      change(written);
      const error = await rejection(readArtifact(written.directory, written.digest));
      expect(error).to.be.instanceOf(UserError);
      expect(error.message).to.match(message);
    }
  });

  it("refuses a forged list whose names lead out of the build, or mean something to a shell or a list", async () => {
    const forgeries: ((list: BuildList) => void)[] = [
      (list) => (list.application[0]!.path = "../../.bashrc"),
      (list) => (list.application[0]!.path = ".git"),
      (list) => (list.static[0]!.path = "/etc/passwd"),
      (list) => (list.static[0]!.sha256 = "../../../../etc/passwd"),
      (list) => (list.version = "../bundles/other"),
      (list) => (list.commit = "x\nDEPLOYED_BY=evil"),
      (list) => (list.plugins = ["polio,evil"]),
      (list) => (list.wheels = [{ name: "../evil.whl", sha256: STATIC.sha256, bytes: 7 }]),
      (list) => (list.wheels = [{ name: "a.whl\n0  evil.whl", sha256: STATIC.sha256, bytes: 7 }]),
      (list) => Object.assign(list, { more: 1 }),
    ];
    for (const change of forgeries) {
      const written = await write();
      const error = await rejection(readArtifact(written.directory, forge(written, change)));
      expect(error, String(change)).to.be.instanceOf(UserError);
      expect(error.message).to.contain("is invalid");
    }
  });

  it("gives the bundle the tool's own hooks only, whatever a forged list contains", async () => {
    const written = await write();
    const digest = forge(written, (list) => {
      const file = { type: "executable" as const, sha256: STATIC.sha256, bytes: 7 };
      for (const path of [
        ".platform/hooks/predeploy/99.sh",
        ".platform/hooks/predeploy/02_install_packages.sh",
        ".ebextensions/evil.config",
        "Procfile",
        "env.yaml",
        "iaso-deploy/prepare_database.py",
      ])
        list.application.push({ path, ...file });
    });
    const directory = temporaryDirectory();
    const { bundle } = await writeBundle(await readArtifact(written.directory, digest), { directory });
    const entries = await unzip(readFileSync(bundle.path));
    const forged = [...entries]
      .filter(([, { content }]) => String(content) === "body {}")
      .map(([path]) => path);
    expect(forged).to.deep.equal([]);
    expect([...entries.keys()]).not.to.include(".platform/hooks/predeploy/99.sh");
  });

  it("writes into an empty directory only", async () => {
    const { directory } = await write();
    const error = await rejection(ArtifactWriter.create(directory));
    expect(error).to.be.instanceOf(UserError);
    expect(error.message).to.contain("is not empty");
  });

  it("accepts a path exactly if it is the same path below a directory", () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.constantFrom("..", ".", "", "a", "static"), fc.string({ maxLength: 5 })), {
          maxLength: 5,
        }),
        (parts) => {
          const path = parts.join("/");
          const joined = join("/root", path);
          const isSame = joined === `/root/${path}` && path !== "" && !path.endsWith("/");
          // Control characters and backslashes are refused besides.
          return isInside(path) === (isSame && !/[\p{Cc}\\]/u.test(path));
        },
      ),
      { seed: printedSeed() },
    );
  });
});

import { readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { digestOfFrontEnd } from "../../../deploy/source/inputs";
import { resolveVersion } from "../../../deploy/source/version";
import { buildBundle } from "./buildBundle";
import {
  type FileContent,
  gitIn,
  makeCheckout,
  removeTemporaryDirectories,
  temporaryDirectory,
  unzip,
  writeFiles,
} from "./checkout";

const APPLICATION = {
  "front/app.js": "app",
  "package.json": "{}",
  "hat/urls.py": "urls",
  "hat/locale/fr/django.po": "texts",
  "docs/index.md": "docs",
  "requirements.txt": "",
  ".gitignore": "/dist\n/static\n/node_modules\n",
  "iaso-deploy.yaml": `build:
  - mkdir -p dist node_modules && find . -type f | sort >node_modules/files && cp node_modules/files dist/files.txt
  - echo map >dist/app.js.map
collectStatic:
  - mkdir static && find . -type f | sort >static/files.txt
include: [dist]
`,
};

describe("deploy/source/frontEnd", () => {
  after(removeTemporaryDirectories);

  it("gives the build commands no file of the back end, and the other commands only what is in include", async () => {
    const source = makeCheckout(APPLICATION);
    const version = await resolveVersion(source);
    const { bundle, staticFiles } = await buildBundle({ source, version });
    const lines = (content: Buffer): string[] => content.toString().trim().split("\n");
    const built = lines((await unzip(readFileSync(bundle.path))).get("dist/files.txt")!.content);
    expect(built).to.include.members(["./front/app.js", "./package.json", "./iaso-deploy.yaml"]);
    expect(built).not.to.include.members(["./hat/urls.py"]);
    expect(built.join()).not.to.match(/\.py|\.po|docs/);
    const collected = lines(readFileSync(staticFiles[0]!.file));
    expect(collected).to.include.members(["./front/app.js", "./hat/urls.py", "./dist/files.txt"]);
    expect(collected.join()).not.to.match(/node_modules|app\.js\.map/);
  });

  describe("digestOfFrontEnd", () => {
    const digest = (source: string, plugins: string[] = [], env: NodeJS.ProcessEnv = process.env) =>
      digestOfFrontEnd({ source, platform: "python", plugins }, env);
    /** The digest after a change that is committed. */
    const after = async (
      change: (source: string) => void,
      files: Record<string, FileContent> = APPLICATION,
    ) => {
      const source = makeCheckout(files);
      const before = await digest(source);
      change(source);
      gitIn(source, "add", "--all");
      gitIn(source, "commit", "--quiet", "--allow-empty", "-m", "Second");
      return { before, now: await digest(source) };
    };
    const write = (path: string, content: FileContent) => (source: string) => {
      rmSync(join(source, path), { force: true });
      writeFiles(source, { [path]: content });
    };
    const CHANGES: Record<string, (source: string) => void> = {
      "a changed script": write("front/app.js", "other"),
      "a new file of any kind": write("front/data.xyz", ""),
      "a link in the place of a file": write("front/app.js", { link: "../package.json" }),
      "an executable": write("front/app.js", { executable: "app" }),
      "a deleted file": (source) => {
        rmSync(join(source, "front/app.js"));
      },
      "a renamed file": (source) => {
        renameSync(join(source, "front/app.js"), join(source, "front/app2.js"));
      },
      "another command": write("iaso-deploy.yaml", "build: [make]\ninclude: [dist]\n"),
      "another file of the back end": write(
        "iaso-deploy.yaml",
        `${APPLICATION["iaso-deploy.yaml"]}backEnd: ["*.js"]\n`,
      ),
    };
    for (const [name, change] of Object.entries(CHANGES)) {
      it(`changes with ${name}`, async () => {
        const { before, now } = await after(change);
        expect(before).to.match(/^[0-9a-f]{64}$/);
        expect(now)
          .to.match(/^[0-9a-f]{64}$/)
          .and.not.to.equal(before);
      });
    }

    it("is the same after changes of the back end, in another clone and with other places @proof", async () => {
      const { before, now } = await after((source) => {
        writeFiles(source, { "hat/urls.py": "other", "hat/new.py": "", "docs/new.js": "" });
        rmSync(join(source, "hat/locale/fr/django.po"));
      });
      expect(now).to.equal(before);
      const source = makeCheckout(APPLICATION);
      const clone = temporaryDirectory();
      gitIn(clone, "clone", "--quiet", source, ".");
      expect(await digest(clone)).to.equal(before);
      expect(await digest(source, [], { ...process.env, HOME: "/other", TMPDIR: "/other" })).to.equal(before);
    });

    it("changes with the plugins, a variable, and this machine's Node.js", async () => {
      const source = makeCheckout(APPLICATION);
      const first = await digest(source);
      expect(await digest(source, ["polio"])).not.to.equal(first);
      expect(await digest(source, ["polio", "wfp"])).to.equal(await digest(source, ["wfp", "polio"]));
      expect(await digest(source, [], { ...process.env, NODE_ENV: "development" })).not.to.equal(first);
      const bin = temporaryDirectory();
      writeFiles(bin, { node: { executable: "#!/bin/sh\necho v0.0.1\n" } });
      const PATH = `${bin}:${process.env["PATH"] ?? ""}`;
      expect(await digest(source, [], { ...process.env, PATH })).not.to.equal(first);
    });

    it("is unknown without a front end, with files that no commit names, and with checkouts of plugins", async () => {
      const settings = (text: string) => makeCheckout({ ...APPLICATION, "iaso-deploy.yaml": text });
      expect(await digest(settings("build: []\n"))).to.equal(undefined);
      expect(await digest(settings("include: [plugins/private]\n"))).to.equal(undefined);
      const source = makeCheckout(APPLICATION);
      writeFiles(source, { "front/new.js": "" });
      expect(await digest(source)).to.equal(undefined);
    });
  });
});

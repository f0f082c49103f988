import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { requireOwnHosting } from "../../deploy/promotion/hosting";
import { readDownloaded } from "../../deploy/promotion/downloaded";
import { hashFile, versionRecord } from "../../deploy/source/artifact";
import { composeFile, environmentConfig, overlayFiles, textEntry } from "../../deploy/source/overlay";
import { writeZip, type ZipEntry } from "../../deploy/source/zip";
import { buildBundle } from "../deploy/source/buildBundle";
import {
  makeCheckout,
  rejection,
  removeTemporaryDirectories,
  temporaryDirectory,
  unzip,
  writeFiles,
} from "../deploy/source/checkout";

const HOOK = ".platform/hooks/predeploy/04_prepare_database.sh";
const VARIABLES = ".ebextensions/environment.config";

describe("security: a bundle of another environment that configures the hosting of this one", function () {
  this.timeout(120_000);
  after(removeTemporaryDirectories);

  const textIn = (entries: readonly ZipEntry[], path: string): string => {
    const content = entries.find((one) => one.path === path)?.content;
    return Buffer.isBuffer(content) ? content.toString() : "";
  };

  const judge = async (entries: readonly ZipEntry[]): Promise<string> => {
    const record = textIn(entries, "iaso-deploy/version.json");
    return requireOwnHosting(entries, versionRecord.parse(JSON.parse(record))).then(
      () => "accepted",
      (error: unknown) => (error as Error).message,
    );
  };

  const replaced = (entries: readonly ZipEntry[], changed: ZipEntry): ZipEntry[] => [
    ...entries.filter(({ path }) => path !== changed.path),
    changed,
  ];

  /** The entries of a bundle that the tool writes on the Python platform. */
  async function pythonBundle(): Promise<ZipEntry[]> {
    const source = makeCheckout({
      "manage.py": "",
      "requirements.txt": "",
      "docker-compose.yml": "services: {}\n",
      "pyproject.toml": '[project]\nname = "Iaso"\nversion = "1"\n',
      "cron.yaml": "version: 1\ncron:\n  - { name: a, url: /tasks/a, schedule: '0 1 * * *' }\n",
      "iaso-deploy.yaml":
        "build: []\ncollectStatic: [mkdir -p static && echo 1 > static/app.js]\ninclude: []\n",
      ".gitignore": "/static\n",
    });
    const { bundle } = await buildBundle({
      source,
      version: { label: "1", commit: "0".repeat(40), dirty: false },
      deployedBy: "somebody",
    });
    const entries = await unzip(readFileSync(bundle.path));
    return [...entries].map(([path, { content, mode }]) => ({ path, content, mode }));
  }

  /** The same on the Docker platform. */
  async function dockerBundle(): Promise<ZipEntry[]> {
    const images = (["iaso", "nginx"] as const).map((service) => ({
      service,
      mediaType: "application/vnd.oci.image.manifest.v1+json",
      manifest: { sha256: "0".repeat(64), bytes: 1 },
      blobs: [],
    }));
    const record = {
      version: "1",
      commit: "0".repeat(40),
      dirty: false,
      plugins: [],
      static: [],
      wheels: [],
      images,
    };
    return [
      ...(await overlayFiles("docker")).filter(({ path }) => path !== "docker-compose.yml"),
      await composeFile(images, "/opt/app"),
      ...environmentConfig({ DEPLOYED_BY: "somebody", PROD_IMAGE_TAG: "1" }),
      textEntry("iaso-deploy/pyproject.toml", "[project]\n"),
      textEntry("iaso-deploy/version.json", JSON.stringify({ ...record, platform: "docker" })),
    ];
  }

  it("is refused in each of these forms on the Python platform, and accepted as the tool writes it", async () => {
    const genuine = await pythonBundle();
    expect(genuine.map(({ path }) => path)).to.include.members([HOOK, VARIABLES, "cron.yaml", "Procfile"]);
    expect(await judge(genuine)).to.equal("accepted");
    const text = (path: string): string => textIn(genuine, path);
    const changes: ZipEntry[] = [
      { path: ".platform/hooks/prebuild/00.sh", mode: 0o100755, content: Buffer.from("#!/bin/sh\nevil\n") },
      { path: ".platform/confighooks/prebuild/00.sh", mode: 0o100755, content: Buffer.from("evil") },
      textEntry(".ebextensions/evil.config", "Resources: {}\n"),
      { path: HOOK, mode: 0o100755, content: Buffer.from(`${text(HOOK)}evil\n`) },
      { path: HOOK, mode: 0o120777, content: Buffer.from("../../../manage.py") },
      textEntry(HOOK, text(HOOK)),
      textEntry(VARIABLES, text(VARIABLES).replace("DEPLOYED_BY", "LD_PRELOAD")),
      textEntry(VARIABLES, `${text(VARIABLES)}commands:\n  a: { command: evil }\n`),
      textEntry(
        VARIABLES,
        text(VARIABLES).replace("aws:elasticbeanstalk:application:environment", "aws:ec2"),
      ),
      textEntry("iaso-deploy/wheels.txt", "0123  evil.whl\n"),
      textEntry("iaso-deploy/evil.py", ""),
      textEntry("cron.yaml", `${text("cron.yaml")}evil: 1\n`),
      textEntry("Procfile", "web: evil\n"),
      textEntry("Buildfile", "build: evil\n"),
      { path: "app/link", mode: 0o120777, content: Buffer.from("/etc/shadow") },
    ];
    for (const changed of changes)
      expect(await judge(replaced(genuine, changed)), changed.path).to.contain(changed.path);
    // Unzip takes the last of two files of one name.
    expect(
      await judge([...genuine, { path: HOOK, mode: 0o100755, content: Buffer.from("evil") }]),
    ).to.contain(`${HOOK} configures the hosting`);
  });

  it("is refused in each of these forms on the Docker platform, and accepted as the tool writes it", async () => {
    const genuine = await dockerBundle();
    expect(await judge(genuine)).to.equal("accepted");
    const compose = textIn(genuine, "docker-compose.yml");
    for (const changed of [
      textEntry(
        "docker-compose.yml",
        compose.replace("/pyproject.toml:ro", "/pyproject.toml:ro\n      - /:/host"),
      ),
      textEntry("docker-compose.yml", compose.replace("0".repeat(64), "1".repeat(64))),
      textEntry("docker-compose.yml", `${compose}  evil:\n    image: evil\n    privileged: true\n`),
      textEntry("docker-compose.override.yml", "services: {}\n"),
      textEntry("deployed-on.env", "A=1\n"),
      textEntry(".ebextensions/evil.config", "Resources: {}\n"),
    ])
      expect(await judge(replaced(genuine, changed)), changed.path).to.contain(changed.path);
  });

  it("is refused with git's own data, which names directories that a sandbox would show", async () => {
    const genuine = await pythonBundle();
    for (const path of [".git", ".GIT/config", "hat/.git"])
      expect(await judge([...genuine, textEntry(path, "gitdir: /home\n")]), path).to.contain(path);
  });

  it("is refused as it is read, before anything is deployed", async () => {
    const genuine = await pythonBundle();
    const evil = textEntry(".ebextensions/evil.config", "Resources: {}\n");
    const directory = temporaryDirectory();
    const { sha256 } = await writeZip(join(directory, "bundle.zip"), [...genuine, evil]);
    const { message } = await rejection(readDownloaded(directory, sha256, temporaryDirectory()));
    expect(message).to.contain("evil.config configures the hosting");
  });

  it("loses the names and bytes that only some readers of zip files see", async () => {
    const genuine = await pythonBundle();
    const directory = temporaryDirectory();
    const { static: files } = versionRecord.parse(JSON.parse(textIn(genuine, "iaso-deploy/version.json")));
    writeFiles(directory, Object.fromEntries(files.map((file) => [`files/${file.sha256}`, "1\n"])));
    const own = await writeZip(join(directory, "bundle.zip"), genuine);
    const anew = async (sha256: string): Promise<Buffer> =>
      readFileSync((await readDownloaded(directory, sha256, temporaryDirectory())).bundle.path);
    // Of this tool's own bundle, not one byte changes.
    expect((await anew(own.sha256)).equals(readFileSync(own.path))).to.equal(true);

    for (const attack of ["unicode-path", "local-name", "between", "before", "comment"]) {
      execFileSync("python3", [join(__dirname, "ambiguousZip.py"), attack, own.path, `${own.path}.evil`]);
      const evil = readFileSync(`${own.path}.evil`);
      expect(evil.includes(".ebextensions/evil.config"), attack).to.equal(true);
      writeFileSync(own.path, evil);
      const written = await anew(await hashFile(own.path));
      expect(written.includes("evil.config"), attack).to.equal(false);
      await writeZip(own.path, genuine);
    }
  });
});

import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { parse } from "yaml";
import type { SourceBundle } from "../../../deploy/source/bundle";
import { resolveVersion } from "../../../deploy/source/version";
import { UserError } from "../../../cli/userError";
import {
  gitIn,
  makeCheckout,
  rejection,
  removeTemporaryDirectories,
  temporaryDirectory,
  unzip,
  type UnzippedEntry,
  writeFiles,
} from "./checkout";
import { buildBundle, type BuildBundleArgs } from "./buildBundle";
import { RegistryDouble } from "./registryDouble";

const CRON = `version: 1
cron:
  - name: email
    url: /tasks/launch_task/plugins.polio.tasks.email/user/
    schedule: "0 1 * * 5"
  - name: sandbox
    url: /tasks/launch_task/iaso.tasks.sandbox/user/
    schedule: "0 4 * * *"
`;

// A stand-in for the application: its build writes a hashed bundle, its stats, and rewrites a tracked file.
const APPLICATION = {
  "manage.py": { executable: "#!/usr/bin/env python\n" },
  "hat/settings.py": "DEBUG = False\n",
  "hat/é space.txt": "unicode\n",
  "iaso/static/css/index.css": "committed\n",
  "pyproject.toml": '[project]\nname = "Iaso"\nversion = "2026.7.28.dev0"\n',
  "requirements.txt": "",
  Pipfile: "",
  "cron.yaml": CRON,
  "plugins/polio/apps.py": "polio\n",
  "plugins/wfp/apps.py": "wfp\n",
  Procfile: "web: the application's own\n",
  ".ebextensions/50_container_commands.config": "container_commands: {collectstatic: {command: x}}\n",
  ".platform/hooks/postdeploy/99.sh": { executable: "#!/bin/sh\n" },
  "docs/big.gif": "not for servers\n",
  ".gitignore": "hat/assets/webpack\n/static\n",
  "iaso-deploy.yaml": `build:
  - mkdir -p hat/assets/webpack && echo "{}" > hat/assets/webpack/webpack-stats-prod.json
collectStatic:
  - echo rewritten > iaso/static/css/index.css
  - mkdir -p static && echo "$PLUGINS,$USE_S3" > static/app-0123456789abcdef0123.js
exclude: [docs]
`,
};

async function build(args: Partial<BuildBundleArgs> & { source: string }): ReturnType<typeof buildBundle> {
  const version = await resolveVersion(args.source, { version: "2026.07.28", allowDirty: true });
  return buildBundle({ version: { ...version, dirty: false }, ...args });
}

const staticText = ({ staticFiles }: SourceBundle, path: string): string =>
  readFileSync(staticFiles.find((one) => one.path === path)!.file, "utf8");

async function entriesOf({ bundle }: SourceBundle): Promise<Map<string, UnzippedEntry>> {
  return unzip(readFileSync(bundle.path));
}

const text = (entries: Map<string, UnzippedEntry>, path: string): string =>
  String(entries.get(path)?.content);

const properties = (entries: Map<string, UnzippedEntry>): unknown => {
  const config = parse(text(entries, ".ebextensions/environment.config")) as Record<
    string,
    Record<string, unknown>
  >;
  return config["option_settings"]?.["aws:elasticbeanstalk:application:environment"];
};

describe("deploy/source/build", () => {
  after(removeTemporaryDirectories);

  describe("on the python platform", () => {
    it("lists the migrations of the version with its plugins, and goes on where the settings do not load", async () => {
      // Plays the Python that runs list_migrations.py.
      const played = `require("node:fs").writeFileSync(process.argv[3], JSON.stringify([["iaso", process.env.PLUGINS]]))`;
      const lines: string[] = [];
      const withMigrations = (python: string): Promise<SourceBundle> =>
        build({
          source: makeCheckout({
            ...APPLICATION,
            "iaso/migrations/0001_initial.py": "",
            "played.cjs": played,
            "iaso-deploy.yaml": `${APPLICATION["iaso-deploy.yaml"]}python: ${python}\n`,
          }),
          plugins: ["polio", "wfp"],
          onProgress: (line) => lines.push(line),
        });
      const listed = await entriesOf(await withMigrations(`${process.execPath} played.cjs`));
      expect(JSON.parse(text(listed, "iaso-deploy/migrations.json"))).to.deep.equal([["iaso", "polio,wfp"]]);
      const unlisted = await entriesOf(await withMigrations('"false"'));
      expect(unlisted.has("iaso-deploy/migrations.json")).to.equal(false);
      expect(lines.join("\n")).to.contain("The bundle gets no list of its migrations");
    });

    it("bundles the application, its built files and the overlay", async () => {
      const source = makeCheckout(APPLICATION);
      const workDirectory = temporaryDirectory();
      const built = await build({
        source,
        workDirectory,
        plugins: ["polio", "wfp"],
        deployedBy: "someone",
      });
      // The commands ran in an export, and the checkout is as it was.
      expect(readFileSync(join(workDirectory, "source/iaso/static/css/index.css"), "utf8")).to.equal(
        "rewritten\n",
      );
      expect(gitIn(source, "status", "--porcelain", "--ignored").trim()).to.equal("");
      expect(staticText(built, "app-0123456789abcdef0123.js")).to.equal("polio,wfp,\n");
      const entries = await entriesOf(built);
      expect([...entries.keys()]).to.include.members([
        "manage.py",
        "hat/settings.py",
        "hat/é space.txt",
        "hat/assets/webpack/webpack-stats-prod.json",
        "iaso-deploy/wheels.txt",
        ".platform/hooks/predeploy/02_install_packages.sh",
        ".ebextensions/cloudwatch-agent.config",
        ".platform/nginx/nginx.conf",
        ".platform/hooks/predeploy/04_prepare_database.sh",
        "iaso-deploy/prepare_database.py",
      ]);
      expect([...entries.keys()]).not.to.include.members([".ebextensions/50_container_commands.config"]);
      expect([...entries.keys()]).not.to.include.members([".platform/hooks/postdeploy/99.sh"]);
      expect([...entries.keys()]).not.to.include.members(["docs/big.gif"]);
      // The platform would install these with its own Python.
      expect([...entries.keys()].filter((path) => /^(requirements|Pipfile)/.test(path))).to.deep.equal([]);
      expect([...entries.keys()].filter((path) => path.startsWith("static/"))).to.deep.equal([]);
      expect(text(entries, "Procfile")).to.contain("-m gunicorn hat.wsgi:application");
      expect(text(entries, "iaso/static/css/index.css")).to.equal("committed\n");
      expect(text(entries, "pyproject.toml")).to.contain('version = "2026.07.28"');
      expect(properties(entries)).to.deep.equal({ DEPLOYED_BY: "someone" });
      expect(entries.get("manage.py")?.mode).to.equal(0o100755);
      expect(entries.get(".platform/hooks/predeploy/04_prepare_database.sh")?.mode).to.equal(0o100755);
    });

    it("takes nothing from an earlier build of the checkout, and no source maps", async () => {
      const source = makeCheckout({
        ...APPLICATION,
        // Iaso's repository contains one.
        "iaso/static/css/index.css.map": "{}",
        "iaso-deploy.yaml":
          "build: ['mkdir -p hat/assets/webpack && echo 1 > hat/assets/webpack/new.js && echo 1 > hat/assets/webpack/new.js.map']\n" +
          "collectStatic: ['mkdir -p static && echo 1 > static/a.js']\n",
      });
      writeFiles(source, { "hat/assets/webpack/old.js": "old", "static/old.js": "old" });
      const built = await build({ source });
      const all = [...(await entriesOf(built)).keys()];
      const paths = all.filter((path) => path.startsWith("hat/assets/") || path.endsWith(".map"));
      expect(paths).to.deep.equal(["hat/assets/webpack/new.js"]);
      expect(built.staticFiles.map(({ path }) => path)).to.deep.equal(["a.js"]);
    });

    it("keeps periodic tasks of enabled plugins only", async () => {
      const source = makeCheckout(APPLICATION);
      const without = await entriesOf(await build({ source }));
      expect(text(without, "cron.yaml")).to.contain("sandbox").and.not.contain("email");
      writeFiles(source, {
        "plugins/wfp/cron.yaml": CRON.replaceAll("polio", "wfp")
          .replace("sandbox\n", "other\n")
          .replace("email\n", "wfp\n"),
      });
      const withPlugins = await entriesOf(await build({ source, plugins: ["polio", "wfp"] }));
      const { cron } = parse(text(withPlugins, "cron.yaml")) as { cron: { name: string }[] };
      expect(cron.map(({ name }) => name)).to.deep.equal(["email", "sandbox", "wfp", "other"]);
    });

    it("is the same, byte for byte, from two clones with other dates and another umask", async () => {
      const origin = makeCheckout({ ...APPLICATION, link: { link: "hat" } });
      const clones = ["022", "077"].map((umask) => {
        const clone = join(temporaryDirectory(), "clone");
        execFileSync("sh", ["-c", `umask ${umask} && git clone --quiet "$0" "$1"`, origin, clone]);
        return clone;
      });
      const [first, second] = clones as [string, string];
      utimesSync(join(second, "manage.py"), 1, 1);
      const one = await build({ source: first, plugins: ["polio"] });
      const two = await build({ source: second, plugins: ["polio"] });
      expect(two.bundle.sha256).to.equal(one.bundle.sha256);
      expect(readFileSync(two.bundle.path).equals(readFileSync(one.bundle.path))).to.equal(true);
      writeFiles(second, { "hat/settings.py": "DEBUG = True\n" });
      gitIn(second, "commit", "--quiet", "--all", "-m", "Another");
      expect((await build({ source: second, plugins: ["polio"] })).bundle.sha256).not.to.equal(
        one.bundle.sha256,
      );
    });

    it("uses what is built with skipBuild, and says so where nothing is", async () => {
      const source = makeCheckout(APPLICATION);
      const nothing = await rejection(build({ source, skipBuild: true }));
      expect(nothing).to.be.instanceOf(UserError);
      expect(nothing.message).to.contain("no static files");
      expect(nothing.remedy).to.match(/^Deploy without --skip-build, or correct `staticDirectory`/);
      writeFiles(source, { "static/a.js": "a" });
      const notIncluded = await rejection(build({ source, skipBuild: true }));
      expect(notIncluded).to.be.instanceOf(UserError);
      expect(notIncluded.message).to.contain("hat/assets/webpack are missing");
      expect(notIncluded.remedy).to.match(/^Deploy without --skip-build, or correct `include`/);
      writeFiles(source, { "hat/assets/webpack/webpack-stats-prod.json": "built before" });
      const entries = await entriesOf(await build({ source, skipBuild: true }));
      expect(text(entries, "hat/assets/webpack/webpack-stats-prod.json")).to.equal("built before");
    });

    it("does not mention --skip-build to a user who did not skip the build", async () => {
      const empty = "build: ['true']\ncollectStatic: ['true']\n";
      const source = makeCheckout({ ...APPLICATION, "iaso-deploy.yaml": empty });
      const nothing = await rejection(build({ source }));
      expect(nothing.message).to.contain("no static files");
      const collected = "build: ['true']\ncollectStatic: ['mkdir -p static && echo a > static/a.js']\n";
      writeFiles(source, { "iaso-deploy.yaml": collected });
      gitIn(source, "commit", "--quiet", "--all", "-m", "Collect");
      const notIncluded = await rejection(build({ source }));
      expect(notIncluded.message).to.contain("hat/assets/webpack are missing");
      for (const { remedy } of [nothing, notIncluded]) {
        expect(remedy)
          .to.match(/^The build commands did not create them/)
          .and.not.contain("skip-build");
      }
    });

    it("refuses an environment's plugin that is not in the bundle, and takes one that is included", async () => {
      const settings = `${APPLICATION["iaso-deploy.yaml"]}include: [hat/assets/webpack, plugins/snt]\n`;
      const source = makeCheckout({
        ...APPLICATION,
        "iaso-deploy.yaml": settings,
        ".gitignore": "plugins/snt\nstatic\nhat/assets/webpack\n",
      });
      writeFiles(source, { "plugins/snt/apps.py": "snt", "plugins/snt/.git/config": "its own checkout" });
      const entries = await entriesOf(await build({ source, plugins: ["snt"] }));
      expect([...entries.keys()].filter((path) => path.startsWith("plugins/snt"))).to.deep.equal([
        "plugins/snt/apps.py",
      ]);
      const error = await rejection(build({ source, plugins: ["snt", "other"] }));
      expect(error).to.be.instanceOf(UserError);
      expect(error.message).to.contain("no plugins/other");
    });

    it("stops at a command that fails and writes no bundle", async () => {
      const source = makeCheckout({
        ...APPLICATION,
        "iaso-deploy.yaml": "build: [echo why it fails; exit 1]\n",
      });
      const outputDirectory = temporaryDirectory();
      const error = await rejection(build({ source, outputDirectory }));
      expect(error).to.be.instanceOf(UserError);
      expect(error.message).to.contain("why it fails");
      expect(existsSync(join(outputDirectory, "build.json"))).to.equal(false);
    });
  });

  describe("on the docker platform", () => {
    let registry: RegistryDouble;
    let source: string;
    let image: string;
    let digests: { application: string; proxy: string };
    before(async () => {
      registry = await RegistryDouble.start();
      image = `${registry.host}/blsq/iaso:2026.07.28`;
      source = makeCheckout({
        "cron.yaml": CRON,
        "iaso-deploy.yaml": `image: { proxy: "${registry.host}/library/nginx:stable" }\n`,
      });
      digests = {
        application: await registry.push("blsq/iaso", "2026.07.28", [
          [{ name: "opt/app/static/a.js", text: "a" }],
        ]),
        proxy: await registry.push("library/nginx", "stable", [[{ name: "etc/nginx/nginx.conf" }]]),
      };
    });
    after(() => registry.stop());

    it("bundles compose file, hooks and cron with both images pinned, and takes the static files out", async () => {
      const built = await build({
        source,
        platform: "docker",
        image,
        plugins: ["polio"],
        deployedBy: "someone",
      });
      expect(staticText(built, "a.js")).to.equal("a");
      const entries = await entriesOf(built);
      const compose = parse(text(entries, "docker-compose.yml")) as {
        services: Record<string, Record<string, unknown>>;
      };
      const { iaso, nginx } = compose.services;
      // Not the digest of the index, whose other images the repository of the instances lacks.
      const [application, proxy] = built.images;
      expect(iaso?.["image"]).to.equal(`\${IMAGE_REPOSITORY:?}@sha256:${application!.manifest.sha256}`);
      expect(nginx?.["image"]).to.equal(`\${IMAGE_REPOSITORY:?}@sha256:${proxy!.manifest.sha256}`);
      expect(`sha256:${application!.manifest.sha256}`).not.to.equal(digests.application);
      for (const { blobs, manifest } of built.images) {
        for (const { bytes, path, sha256 } of [manifest, ...blobs]) {
          const content = readFileSync(path);
          expect(createHash("sha256").update(content).digest("hex")).to.equal(sha256);
          expect(content.length).to.equal(bytes);
        }
      }
      expect(iaso?.["env_file"]).to.deep.equal([".env", "deployed-on.env"]);
      expect(iaso?.["volumes"]).to.deep.equal(["./iaso-deploy/pyproject.toml:/opt/app/pyproject.toml:ro"]);
      expect(text(entries, "iaso-deploy/pyproject.toml")).to.contain('version = "2026.07.28"');
      expect(text(entries, "cron.yaml")).to.contain("email");
      expect(properties(entries)).to.deep.equal({
        DEPLOYED_BY: "someone",
        PROD_IMAGE_TAG: "2026.07.28",
        PROD_IMAGE_DIGEST: digests.application,
        PROD_IMAGE_CREATION: "2026-07-28T10:00:00Z",
      });
      expect([...entries.keys()].sort()).to.deep.equal(
        [
          ".ebextensions/cloudwatch-agent.config",
          ".ebextensions/environment.config",
          ".platform/hooks/prebuild/01_registry_login.sh",
          ".platform/hooks/predeploy/01_deployed_on.sh",
          ".platform/hooks/predeploy/02_pull.sh",
          ".platform/hooks/predeploy/03_check_environment.sh",
          ".platform/hooks/predeploy/04_prepare_database.sh",
          ".platform/nginx/nginx.conf",
          "cron.yaml",
          "deployed-on.env",
          "docker-compose.yml",
          "iaso-deploy/bridge_defaults.py",
          "iaso-deploy/catalogue.py",
          "iaso-deploy/check_environment.py",
          "iaso-deploy/compare.py",
          "iaso-deploy/model_columns.py",
          "iaso-deploy/prepare_database.py",
          "iaso-deploy/pyproject.toml",
          "iaso-deploy/table_changes.py",
          "iaso-deploy/version.json",
        ].sort(),
      );
    });

    it("gives the same bytes twice", async () => {
      const one = await build({ source, platform: "docker", image });
      const two = await build({ source, platform: "docker", image });
      expect(two.bundle.sha256).to.equal(one.bundle.sha256);
    });

    it("refuses to start without an image, or with one that does not exist", async () => {
      expect((await rejection(build({ source, platform: "docker" }))).message).to.contain("no image");
      const directory = temporaryDirectory();
      const missing = `${registry.host}/blsq/iaso:nope`;
      const error = await rejection(build({ source, platform: "docker", image: missing, directory }));
      expect(error).to.be.instanceOf(UserError);
      expect(existsSync(join(directory, "2026.07.28.zip"))).to.equal(false);
    });
  });
});

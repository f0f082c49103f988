import { existsSync, rmSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { digestOfInputs } from "../../deploy/source/inputs";
import { identifyCommit } from "../../deploy/source/version";
import { EXIT } from "../../deploy/exitCodes";
import { ARTIFACTS, ENV, STATIC } from "./double/aws";
import { runCli } from "./double/cli";
import { mismatches } from "./double/runs";
import { type RunningDouble, serveAccount } from "./double/server";
import {
  gitIn,
  makeCheckout,
  makeMinimalApplication,
  removeTemporaryDirectories,
  temporaryDirectory,
  writeFiles,
} from "./source/checkout";

describe("deploy/earlierBuilds (in a process of its own, over HTTP) @proof", () => {
  let running: RunningDouble;

  after(async () => {
    await running.stop();
    removeTemporaryDirectories();
  });

  it("deploys an earlier build of the same commit, and builds again where that is incomplete", async () => {
    const { double, running: served, time } = await serveAccount(60);
    running = served;
    const source = makeMinimalApplication();
    const args = [ENV, "--source", source, "--migrations-unchecked"];
    const deploy = async (...more: string[]): Promise<string> => {
      const { code, stderr, stdout } = await runCli(running, time, more.length > 0 ? more : args);
      expect(code, stdout + stderr).to.equal(EXIT.done);
      return stdout;
    };
    expect(await deploy()).not.to.include("Nothing is built");
    const [label] = double.s3.keys(ARTIFACTS, "bundles/");
    expect(double.s3.keys(ARTIFACTS, "builds/")).to.have.length(1);
    await deploy("rollback", ENV, "--to", "1.0.0-00000000");

    const again = await deploy();
    expect(again).to.include("was built from the same commit, plugins and deploy tool");
    expect(double.s3.keys(ARTIFACTS, "bundles/")).to.deep.equal([label]);

    await deploy("rollback", ENV, "--to", "1.0.0-00000000");
    const [manifest = ""] = double.s3.keys(STATIC, "manifests/");
    double.s3.remove(STATIC, manifest);
    const rebuilt = await deploy();
    expect(rebuilt).to.include("cannot be used").and.to.include("Collecting the files of the bundle");
    const deployed = label!.slice("bundles/".length, -".zip".length);
    expect(mismatches(double, [deployed])).to.deep.equal([]);
  });

  it("knows a build by commit, files, version, plugins and platform, and only if a commit names all of it", async () => {
    const digest = async (source: string, changes: Partial<Parameters<typeof digestOfInputs>[0]> = {}) =>
      digestOfInputs({
        source,
        version: await identifyCommit(source),
        platform: "python",
        plugins: ["polio", "registry"],
        ...changes,
      });
    const source = makeCheckout({ "manage.py": "", link: { link: "manage.py" }, ".gitignore": "/static\n" });
    const first = await digest(source);
    expect(first).to.match(/^[0-9a-f]{64}$/);
    expect(await digest(source, { plugins: ["registry", "polio"] })).to.equal(first);
    expect(await digest(source, { plugins: [] })).not.to.equal(first);
    expect(await digest(source, { platform: "docker" })).not.to.equal(first);
    expect(await digest(source, { version: await identifyCommit(source, "2") })).not.to.equal(first);
    writeFiles(source, { "static/app.js": "of an earlier build" });
    expect(await digest(source)).to.equal(first);
    const clone = temporaryDirectory();
    gitIn(clone, "clone", "--quiet", source, ".");
    expect(await digest(clone)).to.equal(first);

    writeFiles(source, { "forgotten.py": "" });
    expect(await digest(source), "a file that is not under version control").to.equal(undefined);
    gitIn(source, "add", "forgotten.py");
    expect(await digest(source), "a file that is not committed").to.not.be.oneOf([first, undefined]);
    gitIn(source, "rm", "--quiet", "--force", "forgotten.py");
    expect(await digest(source)).to.equal(first);
    // git believes its index, and does not compare this file.
    gitIn(source, "update-index", "--assume-unchanged", "manage.py");
    writeFiles(source, { "manage.py": "evil" });
    expect(gitIn(source, "status", "--porcelain")).to.equal("");
    expect(await digest(source), "a changed file").not.to.equal(first);
    rmSync(join(source, "manage.py"));
    expect(await digest(source), "a missing file").to.equal(undefined);
    gitIn(source, "commit", "--quiet", "--allow-empty", "-m", "Second");
    expect(await digest(source)).not.to.equal(first);
    const withCheckout = makeCheckout({ "iaso-deploy.yaml": "include: [plugins/private]\n" });
    expect(await digest(withCheckout)).to.equal(undefined);
  });

  it("knows a build by the files of submodules", async () => {
    const application = makeCheckout({ "manage.py": "" });
    const module = makeCheckout({ "module.py": "" });
    gitIn(application, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", module, "module");
    gitIn(application, "commit", "--quiet", "-m", "Module");
    const digest = async () => {
      const version = await identifyCommit(application);
      return digestOfInputs({ source: application, version, platform: "python", plugins: [] });
    };
    const first = await digest();
    expect(first).to.match(/^[0-9a-f]{64}$/);
    writeFiles(application, { "module/module.py": "changed" });
    expect(await digest()).to.not.be.oneOf([first, undefined]);
    writeFiles(application, { "module/new.py": "" });
    expect(await digest()).to.equal(undefined);
    rmSync(join(application, "module"), { recursive: true });
    expect(await digest()).to.equal(undefined);
  });

  it("knows no build in which the checkout's git configuration runs programs, and runs none of them itself", async () => {
    const marker = join(temporaryDirectory(), "ran");
    const program = `touch ${marker}`;
    const settings = {
      "core.fsmonitor": program,
      "filter.attack.clean": program,
      "filter.attack.process": program,
      "remote.origin.promisor": "true",
      "extensions.partialClone": "origin",
    };
    for (const [name, value] of Object.entries(settings)) {
      const source = makeCheckout({ "manage.py": "", ".gitattributes": "* filter=attack\n" });
      gitIn(source, "config", "core.hooksPath", source);
      gitIn(source, "config", "core.pager", program);
      gitIn(source, "config", "core.sshCommand", program);
      const version = await identifyCommit(source);
      const args = { source, version, platform: "python", plugins: [] } as const;
      expect(await digestOfInputs(args)).to.match(/^[0-9a-f]{64}$/);
      const included = temporaryDirectory();
      writeFiles(included, { config: "" });
      gitIn(source, "config", "--file", join(included, "config"), name, value);
      gitIn(source, "config", "include.path", join(included, "config"));
      // git compares the content of a file with another time.
      utimesSync(join(source, "manage.py"), 0, 0);
      expect(await identifyCommit(source)).to.deep.equal(version);
      expect(await digestOfInputs(args), name).to.equal(undefined);
    }
    expect(existsSync(marker)).to.equal(false);
  });
});

import { expect } from "chai";
import { digestOfInputs } from "../../deploy/source/inputs";
import { resolveVersion } from "../../deploy/source/version";
import { EXIT } from "../../deploy/exitCodes";
import { ARTIFACTS, AwsDouble, ENV, STATIC } from "./double/aws";
import { runCli } from "./double/cli";
import { ScaledTime } from "./double/clocks";
import { mismatches } from "./double/runs";
import { type RunningDouble, serve } from "./double/server";
import { gitIn, makeCheckout, makeMinimalApplication, removeTemporaryDirectories } from "./source/checkout";

describe("deploy/earlierBuilds (in a process of its own, over HTTP)", () => {
  let running: RunningDouble;

  after(async () => {
    await running.stop();
    removeTemporaryDirectories();
  });

  it("deploys an earlier build of the same commit, and builds again where that is incomplete", async () => {
    const time = new ScaledTime(60);
    const double = new AwsDouble(1, time);
    double.addPair();
    double.beanstalk.timing.perInstance = () => 20_000;
    running = await serve(double);
    double.describeTarget(running.url);
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
    double.s3.handle({
      method: "DELETE",
      path: `/${STATIC}/${manifest}`,
      query: new URLSearchParams(),
      headers: {},
      body: Buffer.alloc(0),
    });
    const rebuilt = await deploy();
    expect(rebuilt).to.include("cannot be used").and.to.include("Collecting the files of the bundle");
    const deployed = label!.slice("bundles/".length, -".zip".length);
    expect(mismatches(double, [deployed])).to.deep.equal([]);
  });

  it("knows a build by commit, version, plugins and settings, and only if a commit names all of it", async () => {
    const digest = async (source: string, changes: Partial<Parameters<typeof digestOfInputs>[0]> = {}) =>
      digestOfInputs({
        source,
        version: await resolveVersion(source, { allowDirty: true }),
        platform: "python",
        plugins: ["polio", "registry"],
        skipBuild: false,
        ...changes,
      });
    const source = makeCheckout({ "manage.py": "" });
    const first = await digest(source);
    expect(first).to.match(/^[0-9a-f]{64}$/);
    expect(await digest(source, { plugins: ["registry", "polio"] })).to.equal(first);
    expect(await digest(source, { plugins: [] })).not.to.equal(first);
    expect(await digest(source, { skipBuild: true })).to.equal(undefined);
    expect(await digest(source, { platform: "docker" })).to.equal(undefined);
    const version = await resolveVersion(source, { version: "2" });
    expect(await digest(source, { version })).not.to.equal(first);
    gitIn(source, "commit", "--quiet", "--allow-empty", "-m", "Second");
    expect(await digest(source)).not.to.equal(first);
    const withCheckout = makeCheckout({ "iaso-deploy.yaml": "include: [plugins/private]\n" });
    expect(await digest(withCheckout)).to.equal(undefined);
  });
});

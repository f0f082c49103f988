import { expect } from "chai";
import { EXIT } from "../../deploy/exitCodes";
import { ARTIFACTS, ENV } from "./double/aws";
import { runCli } from "./double/cli";
import { type RunningDouble, serveAccount } from "./double/server";
import { gitIn, makeCheckout, removeTemporaryDirectories, unzip, writeFiles } from "./source/checkout";

// Each build of the front end differs from all others, so that the test sees which one a version has.
const APPLICATION = {
  "manage.py": "first",
  "collect.py": "mkdir static && cp dist/app.js static/app.js",
  "front/app.js": "first",
  "requirements.txt": "",
  ".gitignore": "/dist\n/static\n",
  "iaso-deploy.yaml": `build: [mkdir -p dist && cat /proc/sys/kernel/random/uuid front/app.js >dist/app.js]
collectStatic: [sh collect.py]
include: [dist]
`,
};

/** Code of the back end that changes the front end where it finds one. */
const ATTACK = `for file in $(find / -path '*/dist/app.js' 2>/dev/null); do echo evil >$file; done
mkdir static && echo evil >static/app.js
`;

describe("deploy/frontEnd (in a process of its own, over HTTP) @proof", () => {
  let running: RunningDouble;

  after(async () => {
    await running.stop();
    removeTemporaryDirectories();
  });

  it("builds a front end once for the versions with the same one, whatever the back end's code does", async () => {
    const { double, running: served, time } = await serveAccount(60);
    running = served;
    const source = makeCheckout(APPLICATION);
    /** Commits files and deploys them. Returns the output, the front end in the bundle, and the number of records. */
    const deploy = async (files: Record<string, string>) => {
      writeFiles(source, files);
      gitIn(source, "add", "--all");
      gitIn(source, "commit", "--quiet", "--allow-empty", "-m", "Change");
      const args = [ENV, "--source", source, "--migrations-unchecked", "--json"];
      const { code, stderr, stdout } = await runCli(running, time, args);
      expect(code, stdout + stderr).to.equal(EXIT.done);
      const { to } = JSON.parse(stdout) as { to: string };
      const bundle = await unzip(double.s3.get(ARTIFACTS, `bundles/${to}.zip`)!.body);
      const frontEnd = String(bundle.get("dist/app.js")?.content);
      return { label: to, stderr, bundle, frontEnd, records: double.s3.keys(ARTIFACTS, "builds/").length };
    };

    const first = await deploy({});
    expect(first.stderr).to.include(`The front end is built: no version of ${ENV} has one`);
    // One of the version, one of its front end.
    expect(first.records).to.equal(2);

    const backEnd = await deploy({ "manage.py": "second" });
    expect(backEnd.stderr).to.include(`The front end is not built: that of ${first.label} was built`);
    expect(backEnd.stderr).not.to.include("Running mkdir -p dist");
    expect(backEnd.frontEnd).to.equal(first.frontEnd);
    expect(String(backEnd.bundle.get("manage.py")?.content)).to.equal("second");
    expect(backEnd.records).to.equal(4);

    const changed = await deploy({ "front/app.js": "second" });
    expect(changed.stderr).to.include("The front end is built");
    expect(changed.frontEnd).to.match(/second$/);

    const attack = await deploy({ "collect.py": ATTACK });
    expect(attack.frontEnd).to.equal("evil\n");
    expect(attack.records - changed.records, "no record of the changed front end").to.equal(1);
    const later = await deploy({ "collect.py": APPLICATION["collect.py"] });
    expect(later.stderr).to.include(`The front end is not built: that of ${changed.label} was built`);
    expect(later.frontEnd).to.equal(changed.frontEnd);

    // The attack in the deployment that builds the front end.
    const both = await deploy({ "collect.py": ATTACK, "front/app.js": "third" });
    expect(both.frontEnd).to.equal("evil\n");
    const after = await deploy({ "collect.py": APPLICATION["collect.py"] });
    expect(after.stderr).to.include("The front end is built");
    expect(after.frontEnd).to.match(/third$/);
  });
});

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { resolveVersion } from "../../deploy/source/version";
import { UserError } from "../../cli/userError";
import { buildBundle } from "../deploy/source/buildBundle";
import {
  type FileContent,
  makeCheckout,
  rejection,
  removeTemporaryDirectories,
  temporaryDirectory,
  unzip,
  writeFiles,
} from "../deploy/source/checkout";

const COMMANDS = "build: []\ncollectStatic: ['mkdir -p static && echo 1 > static/a.js']\n";

/** Builds a checkout with these files, and returns the paths in its bundle. */
async function pathsOf(
  files: Record<string, FileContent>,
  settings = `${COMMANDS}include: []\n`,
): Promise<string[]> {
  const source = makeCheckout({
    "manage.py": "",
    "requirements.txt": "",
    ".gitignore": "/static\n/built\n",
    "iaso-deploy.yaml": settings,
    ...files,
  });
  const { bundle } = await buildBundle({ source, version: await resolveVersion(source) });
  return [...(await unzip(readFileSync(bundle.path))).keys()];
}

describe("security: an application that adds files to its hosting, which Beanstalk runs as root", () => {
  after(removeTemporaryDirectories);

  const hook: FileContent = { executable: "#!/bin/sh\n" };
  const attacks: Record<string, [Record<string, FileContent>, RegExp]> = {
    "a link as .platform": [
      { ".platform": { link: "own" }, "own/hooks/predeploy/99.sh": hook },
      /\.platform is a link/,
    ],
    "a link as .ebextensions": [
      { ".ebextensions": { link: "own" }, "own/a.config": "" },
      /\.ebextensions is a link/,
    ],
    "a file as .platform": [{ ".platform": "text" }, /\.platform is a link or a file/],
    "a Buildfile": [{ Buildfile: "make: ./evil\n" }, /Buildfile contains commands that Beanstalk runs/],
    "a link out of the checkout": [
      { "a/b": { link: "../../etc/passwd" } },
      /a\/b is a link out of the checkout/,
    ],
    "links that lead out of the checkout together": [
      { top: { link: "." }, parent: { link: "top/.." }, key: { link: "parent/etc/passwd" } },
      /key is a link out of the checkout, to parent\/etc\/passwd/,
    ],
    "links that lead to each other": [
      { a: { link: "b" }, b: { link: "a" } },
      /is a link out of the checkout/,
    ],
    "an absolute link": [
      { key: { link: "/etc/iaso/key" } },
      /key is a link out of the checkout, to \/etc\/iaso\/key/,
    ],
  };
  for (const [name, [files, message]] of Object.entries(attacks)) {
    it(`refuses ${name}`, async () => {
      const error = await rejection(pathsOf(files));
      expect(error).to.be.instanceOf(UserError);
      expect(error.message).to.match(message);
    });
  }

  it("accepts a link inside the checkout, and one that `exclude` omits", async () => {
    expect(await pathsOf({ current: { link: "hat/../manage.py" } })).to.include("current");
    const settings = `${COMMANDS}include: []\nexclude: [Buildfile]\n`;
    expect(await pathsOf({ Buildfile: "" }, settings)).not.to.include("Buildfile");
  });

  it("omits hooks that the build commands write, also below a link", async () => {
    const settings = (command: string, include: string): string =>
      `build: ['${command}']\ncollectStatic: ['mkdir -p static && echo 1 > static/a.js']\ninclude: ['${include}']\n`;
    const own = "mkdir -p .platform/hooks/predeploy && echo evil > .platform/hooks/predeploy/99.sh";
    for (const include of [".platform", "./.platform/hooks"]) {
      const paths = await pathsOf({}, settings(own, include));
      expect(paths).not.to.include(".platform/hooks/predeploy/99.sh");
      expect(paths).to.include(".platform/hooks/predeploy/02_install_packages.sh");
    }
    const linked = "mkdir built && ln -s ../own built/link";
    const error = await rejection(
      pathsOf(
        { "built/link/99.sh": hook, ".gitignore": "/static\n" },
        settings(`rm -r built; ${linked}`, "built"),
      ),
    );
    expect(error.message).to.match(/built\/link\/99\.sh is below the link built\/link/);
  });

  it("takes from a front end of an earlier build only what the front end's commands build", async () => {
    const frontEnd = temporaryDirectory();
    const evil = { "sitecustomize.py": "evil", "app/migrations/9999.py": "evil", "web/tracked.js": "evil" };
    writeFiles(frontEnd, { ...evil, "web/app.js": "genuine", "manage.py": "evil" });
    const source = makeCheckout({
      ...{ "manage.py": "own", "requirements.txt": "", ".gitignore": "/static\n", "web/tracked.js": "own" },
      "iaso-deploy.yaml":
        "build: ['false']\ninclude: [./web/]\ncollectStatic: ['mkdir static && find . -type f | grep -v static > static/list; cat manage.py web/*.js > static/text']\n",
    });
    const { bundle, staticFiles } = await buildBundle({
      source,
      frontEnd,
      version: await resolveVersion(source),
    });
    const entries = await unzip(readFileSync(bundle.path));
    expect([...entries.keys()])
      .to.include("web/app.js")
      .and.not.include("sitecustomize.py");
    expect([...entries.keys()]).not.to.include("app/migrations/9999.py");
    // Code of the back end ran with the files of the commit.
    const collected = (name: string): string =>
      readFileSync(staticFiles.find(({ path }) => path.endsWith(name))!.file, "utf8");
    expect(collected("list")).not.to.match(/sitecustomize|9999/);
    expect(collected("text")).to.equal("owngenuineown");
  });

  it("refuses static files outside the checkout, which would become public", async () => {
    const outside = temporaryDirectory();
    writeFiles(outside, { secret: "key" });
    const cases: [string, RegExp][] = [
      ["staticDirectory: ../..\n", /"\.\.\/\.\." in iaso-deploy\.yaml is not a path inside the checkout/],
      [`staticDirectory: ${outside}\n`, /is not a path inside the checkout/],
      ["staticDirectory: .\n", /is not a path inside the checkout/],
      [
        `collectStatic: ['mkdir static && ln -s ${outside}/secret static/a.js']\n`,
        /a\.js leads out of the checkout/,
      ],
      [`collectStatic: ['ln -s ${outside} static']\n`, /secret leads out of the checkout|no static files/],
    ];
    for (const [settings, message] of cases) {
      const own = settings.startsWith("collectStatic") ? settings : `${settings}collectStatic: []\n`;
      const error = await rejection(pathsOf({}, `build: []\ninclude: []\n${own}`));
      expect(error, settings).to.be.instanceOf(UserError);
      expect(error.message).to.match(message);
    }
    const plugin = await rejection(pathsOf({}, `${COMMANDS}include: [../outside]\n`));
    expect(plugin.message).to.contain("not a path inside the checkout");
    const cron = await rejection(pathsOf({}, `${COMMANDS}include: []\ncron: ${join(outside, "secret")}\n`));
    expect(cron.message).to.contain("not a path inside the checkout");
  });
});

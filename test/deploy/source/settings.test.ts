import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { readSourceSettings } from "../../../deploy/source/settings";
import { UserError } from "../../../cli/userError";
import { rejection, removeTemporaryDirectories, temporaryDirectory, writeFiles } from "./checkout";

describe("deploy/source/settings", () => {
  after(removeTemporaryDirectories);

  async function read(text?: string) {
    const directory = temporaryDirectory();
    if (text !== undefined) writeFiles(directory, { "iaso-deploy.yaml": text });
    return readSourceSettings(directory);
  }

  it("has Iaso's own commands where the checkout has no file, or an empty one", async () => {
    const settings = await read();
    expect(settings.build).to.deep.equal(["npm ci", "npm run webpack-prod"]);
    expect(settings.collectStatic.at(-1)).to.contain("collectstatic --noinput");
    expect(settings.include).to.deep.equal(["hat/assets/webpack"]);
    expect(settings.image).to.deep.equal({
      directory: "/opt/app",
      staticDirectory: "/opt/app/static",
      proxy: "public.ecr.aws/docker/library/nginx:stable-alpine",
    });
    expect(await read("# nothing yet\n")).to.deep.equal(settings);
  });

  it("takes the settings of the file, the others as they are", async () => {
    const settings = await read("build: []\ninclude: [built]\nimage: { staticDirectory: /srv/static }\n");
    expect(settings).to.deep.include({ build: [], include: ["built"], staticDirectory: "static" });
    expect(settings.image).to.include({ directory: "/opt/app", staticDirectory: "/srv/static" });
  });

  it("has the defaults that the documentation shows", async () => {
    const page = readFileSync(join(__dirname, "../../../docs/deploying-from-iaso.md"), "utf8");
    const example = /```yaml\n(# Python platform[^]*?)```/.exec(page)?.[1] ?? "";
    expect(example).to.contain("collectStatic:");
    expect({ ...(await read(example)), exclude: [] }).to.deep.equal(await read());
  });

  it("names a setting that is wrong, and refuses one that does not exist", async () => {
    const texts: [string, RegExp][] = [
      ["build: npm ci", /build: /],
      ["include:\n  - 1", /include\.0: /],
      ["image: { staticDirectory: relative }", /image\.staticDirectory: /],
      ["bulid: []", /bulid/],
      ["- a", /\(top\): /],
      ["build: [", /not valid YAML/],
    ];
    for (const [text, message] of texts) {
      const error = await rejection(read(text));
      expect(error, text).to.be.instanceOf(UserError);
      expect(error.message, text).to.match(message);
    }
  });
});

import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import fc from "fast-check";
import { fileOf } from "../../../deploy/source/artifact";
import { downloadImage, extractDirectory, type PinnedImage, pinImage } from "../../../deploy/source/image";
import { parseImage } from "../../../deploy/source/registry";
import { UserError } from "../../../cli/userError";
import { rejection, removeTemporaryDirectories, temporaryDirectory } from "./checkout";
import { type LayerEntry, RegistryDouble } from "./registryDouble";

const STATIC = "/opt/app/static";

/** The files below a directory, with their text. */
function filesIn(directory: string, prefix = ""): Record<string, string> {
  const found: Record<string, string> = {};
  for (const name of readdirSync(directory)) {
    const path = join(directory, name);
    if (statSync(path).isDirectory()) Object.assign(found, filesIn(path, `${prefix}${name}/`));
    else found[prefix + name] = readFileSync(path, "utf8");
  }
  return found;
}

/** Downloads an image and extracts its static files. */
async function extractFrom(image: PinnedImage, target: string): Promise<void> {
  const files = temporaryDirectory();
  await downloadImage(image, files);
  await extractDirectory(image, files, STATIC, target);
}

describe("deploy/source/image", () => {
  let registry: RegistryDouble;
  let dockerConfig: string | undefined;
  beforeEach(async () => {
    registry = await RegistryDouble.start();
    dockerConfig = process.env["DOCKER_CONFIG"];
    process.env["DOCKER_CONFIG"] = temporaryDirectory();
  });
  afterEach(async () => {
    if (dockerConfig === undefined) delete process.env["DOCKER_CONFIG"];
    else process.env["DOCKER_CONFIG"] = dockerConfig;
    await registry.stop();
  });
  after(removeTemporaryDirectories);

  it("reads names as Docker does", () => {
    const hub = "registry-1.docker.io";
    const digest = `sha256:${"a".repeat(64)}`;
    const names: [string, string, string, string][] = [
      ["blsq/iaso:develop", hub, "blsq/iaso", "develop"],
      ["nginx:stable-alpine", hub, "library/nginx", "stable-alpine"],
      ["docker.io/blsq/iaso:1", hub, "blsq/iaso", "1"],
      ["localhost:5000/iaso:1", "localhost:5000", "iaso", "1"],
      [
        "123456789012.dkr.ecr.eu-central-1.amazonaws.com/a/b:1",
        "123456789012.dkr.ecr.eu-central-1.amazonaws.com",
        "a/b",
        "1",
      ],
      [`ghcr.io/blsq/iaso:1@${digest}`, "ghcr.io", "blsq/iaso", digest],
    ];
    for (const [name, host, repository, reference] of names) {
      expect(parseImage(name), name).to.deep.equal({ registry: host, repository, reference });
    }
    for (const name of ["", "blsq/iaso", "Upper/Case:1", "a b:1", "iaso:", "iaso@sha256:12"]) {
      expect(() => parseImage(name), name).to.throw(UserError);
    }
  });

  it("pins an image to the digest that its tag stands for", async () => {
    const layers = [[{ name: "opt/app/static/a.js", text: "a" }]];
    const digest = await registry.push("blsq/iaso", "2026.07.28", layers);
    const image = await pinImage(`${registry.host}/blsq/iaso:2026.07.28`);
    expect(image).to.include({
      tag: "2026.07.28",
      digest,
      created: "2026-07-28T10:00:00Z",
    });
    const again = await pinImage(`${registry.host}/blsq/iaso:2026.07.28@${digest}`);
    expect(again).to.include({ digest, tag: "2026.07.28" });
    const single = await registry.push("blsq/iaso", "single", layers, { single: true });
    expect((await pinImage(`${registry.host}/blsq/iaso:single`)).digest).to.equal(single);
  });

  it("takes no digest of a manifest for the path of a file", async () => {
    for (const forgedLayer of ["../../../x", `sha256:../${"a".repeat(61)}`]) {
      await registry.push("blsq/iaso", "forged", [[{ name: "a" }]], { forgedLayer });
      expect((await rejection(pinImage(`${registry.host}/blsq/iaso:forged`))).message).to.contain("digest");
    }
    expect(() => fileOf("/work", { sha256: "../../home/user/.profile" })).to.throw();
  });

  it("says so where the image does not exist, may not be read, or is for another processor", async () => {
    await registry.push("blsq/iaso", "arm", [[{ name: "a" }]], { architecture: "arm64" });
    const missing = await rejection(pinImage(`${registry.host}/blsq/iaso:nope`));
    expect(missing).to.be.instanceOf(UserError);
    expect(missing.message).to.contain(":nope does not exist");
    const arm = await rejection(pinImage(`${registry.host}/blsq/iaso:arm`));
    expect(arm).to.be.instanceOf(UserError);
    expect(arm.message).to.contain("linux/amd64");
    registry.credentials = "user:password";
    const refused = await rejection(pinImage(`${registry.host}/blsq/iaso:arm`));
    expect(refused).to.be.instanceOf(UserError);
    expect(refused.remedy).to.equal(`Log in with: docker login ${registry.host}`);
    const limited = { path: "/manifests/", status: 429, times: 9 };
    registry.credentials = undefined;
    registry.failures = [limited];
    expect((await rejection(pinImage(`${registry.host}/blsq/iaso:arm`))).message).to.contain(
      "limit of image pulls",
    );
  });

  it("says so where the registry cannot be reached", async () => {
    const { host } = registry;
    await registry.stop();
    const error = await rejection(pinImage(`${host}/blsq/iaso:1`));
    expect(error).to.be.instanceOf(UserError);
    expect(error.message).to.contain("could not be reached").and.contain("ECONNREFUSED");
  });

  it("uses the login of docker and does not send it on to another host", async () => {
    registry.credentials = "user:password";
    const auth = Buffer.from("user:password").toString("base64");
    const config = { auths: { [registry.host]: { auth } } };
    writeFileSync(join(process.env["DOCKER_CONFIG"]!, "config.json"), JSON.stringify(config));
    await registry.push("blsq/iaso", "1", [[{ name: "opt/app/static/a.js", text: "a" }]]);
    const target = temporaryDirectory();
    await extractFrom(await pinImage(`${registry.host}/blsq/iaso:1`), target);
    expect(filesIn(target)).to.deep.equal({ "a.js": "a" });
    const storage = registry.requests.filter(({ line }) => line.includes("/storage/"));
    expect(storage.length).to.be.greaterThan(0);
    expect(storage.map(({ authorization }) => authorization)).to.deep.equal(storage.map(() => undefined));
  });

  it("tries again after a passing fault", async () => {
    await registry.push("blsq/iaso", "1", [[{ name: "opt/app/static/a.js", text: "a" }]]);
    registry.failures = [
      { path: "/manifests/1", status: 503, times: 1 },
      { path: "/storage/", status: 429, times: 1 },
    ];
    const target = temporaryDirectory();
    await extractFrom(await pinImage(`${registry.host}/blsq/iaso:1`), target);
    expect(filesIn(target)).to.deep.equal({ "a.js": "a" });
  });

  it("applies layers as a container would see them", async () => {
    const layers: LayerEntry[][] = [
      [
        { name: "opt/app/static", type: "directory" },
        { name: "opt/app/static/kept.js", text: "kept" },
        { name: "opt/app/static/replaced.js", text: "old" },
        { name: "opt/app/static/removed.js", text: "removed" },
        { name: "opt/app/static/folder/removed.js", text: "removed" },
        { name: "opt/app/static/opaque/removed.js", text: "removed" },
        { name: "opt/app/static/becomes-folder", text: "file" },
        { name: "opt/app/other.py", text: "not static" },
        { name: "opt/app/static-other/a.js", text: "not static" },
      ],
      [
        { name: "opt/app/static/replaced.js", text: "new" },
        { name: "./opt/app/static/new folder/é.js", text: "new" },
        { name: "opt/app/static/.wh.removed.js" },
        { name: "opt/app/static/.wh.folder" },
        { name: "opt/app/static/opaque/same-layer.js", text: "same layer" },
        { name: "opt/app/static/opaque/.wh..wh..opq" },
        { name: "opt/app/static/becomes-folder", type: "directory" },
        { name: "opt/app/static/becomes-folder/a.js", text: "a" },
        { name: "opt/app/static/linked.js", type: "link", linkname: "opt/app/static/replaced.js" },
        { name: "../../outside.js", text: "outside" },
        { name: "opt/app/static/../../../outside.js", text: "outside" },
        { name: "/opt/app/static/absolute.js", text: "absolute" },
      ],
    ];
    await registry.push("blsq/iaso", "1", layers);
    const target = temporaryDirectory();
    await extractFrom(await pinImage(`${registry.host}/blsq/iaso:1`), target);
    expect(filesIn(target)).to.deep.equal({
      "kept.js": "kept",
      "replaced.js": "new",
      "new folder/é.js": "new",
      "opaque/same-layer.js": "same layer",
      "becomes-folder/a.js": "a",
      "linked.js": "new",
      "absolute.js": "absolute",
    });
    expect(readdirSync(join(target, ".."))).not.to.include("outside.js");
  });

  it("forgets the directory where a layer removes it or a folder above it", async () => {
    for (const name of ["opt/app/.wh.static", "opt/.wh.app", "opt/.wh..wh..opq"]) {
      const layers = [
        [{ name: "opt/app/static/old.js", text: "old" }],
        [{ name }],
        [{ name: "opt/app/static/new.js", text: "new" }],
      ];
      await registry.push("blsq/iaso", "1", layers);
      const target = temporaryDirectory();
      await extractFrom(await pinImage(`${registry.host}/blsq/iaso:1`), target);
      expect(filesIn(target), name).to.deep.equal({ "new.js": "new" });
    }
  });

  it("agrees with a model of layers for any writing and removing @proof", async () => {
    const path = fc.constantFrom("a", "b", "d/a", "d/b", "d/e/a");
    const change = fc.record({ path, text: fc.option(fc.string({ unit: "grapheme" }), { nil: undefined }) });
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.uniqueArray(change, { selector: (item) => item.path, maxLength: 4 }), {
          minLength: 1,
          maxLength: 4,
        }),
        async (layers) => {
          const model: Record<string, string> = { always: "here" };
          for (const layer of layers) {
            for (const item of layer) {
              if (item.text === undefined) Reflect.deleteProperty(model, item.path);
              else model[item.path] = item.text;
            }
          }
          const entries = layers.map((layer) =>
            layer.map((item) =>
              item.text === undefined
                ? { name: `opt/app/static/${item.path.replace(/([^/]+)$/, ".wh.$1")}` }
                : { name: `opt/app/static/${item.path}`, text: item.text },
            ),
          );
          await registry.push("blsq/iaso", "1", [
            [{ name: "opt/app/static/always", text: "here" }],
            ...entries,
          ]);
          const target = join(temporaryDirectory(), "static");
          await extractFrom(await pinImage(`${registry.host}/blsq/iaso:1`), target);
          expect(filesIn(target)).to.deep.equal(model);
        },
      ),
      { numRuns: 40 },
    );
  });

  it("refuses an image without static files, with links out of them, with changed bytes, with zstd", async () => {
    const name = `${registry.host}/blsq/iaso:1`;
    const extract = async (): Promise<Error> => {
      const target = temporaryDirectory();
      mkdirSync(target, { recursive: true });
      return rejection(extractFrom(await pinImage(name), target));
    };
    await registry.push("blsq/iaso", "1", [[{ name: "opt/app/a.py", text: "a" }]]);
    expect((await extract()).message).to.contain(`no files in ${STATIC}`);
    const link: LayerEntry = { name: "opt/app/static/a.js", type: "symlink", linkname: "/etc/passwd" };
    await registry.push("blsq/iaso", "1", [[link]]);
    expect((await extract()).message).to.contain("/etc/passwd");
    const layerType = "application/vnd.oci.image.layer.v1.tar+zstd";
    await registry.push("blsq/iaso", "1", [[{ name: "opt/app/static/a.js" }]], { layerType });
    expect((await extract()).message).to.contain("zstd");
    await registry.push("blsq/iaso", "1", [[{ name: "opt/app/static/a.js" }]]);
    const image = await pinImage(name);
    registry.corrupt = true;
    expect((await rejection(extractFrom(image, temporaryDirectory()))).message).to.match(
      /does not match sha256|tar|end of/i,
    );
  });
});

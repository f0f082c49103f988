import { type ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { expect } from "chai";
import { bundleKey } from "../../deploy/applicationVersions";
import { prune } from "../../deploy/commands/prune";
import { EXIT } from "../../deploy/exitCodes";
import { copyImages, imageTag } from "../../deploy/images";
import { type Report } from "../../deploy/output/report";
import { type Session } from "../../deploy/session";
import { APPLICATION, ARTIFACTS, AwsDouble, ENV, FAULT_KINDS } from "./double/aws";
import { runCli } from "./double/cli";
import { ScaledTime } from "./double/clocks";
import { AwsFault, toForm } from "./double/protocol";
import { builtVersion, deployment, type End, imagesOf, missingImages, runDirect } from "./double/runs";
import { play, prepareDouble } from "./double/scenario";
import { serve } from "./double/server";
import { makeCheckout, removeTemporaryDirectories, temporaryDirectory, unzip } from "./source/checkout";
import { RegistryDouble } from "./source/registryDouble";

const OK = { web: "succeeds", worker: "succeeds" } as const;
const MIB = 1024 * 1024;

const account = (): AwsDouble => prepareDouble(OK, 1, "docker");
const versionOf = (version: string) => builtVersion(version, {}, "docker");

async function deployTo(double: AwsDouble, version: string): Promise<End> {
  const end = await runDirect(double, deployment(versionOf(version).build), {}, "shortcut");
  double.time.now += 3_600_000;
  return end;
}

/** Copies images without a deployment, through the SDK's protocols. */
function copy(double: AwsDouble, label: string, images: ReturnType<typeof imagesOf>): Promise<End> {
  return runDirect(double, async (session: Session): Promise<Report> => {
    await copyImages(session, label, images, () => undefined);
    return { env: ENV, outcome: "shown", summary: "" };
  });
}

const countOf = (double: AwsDouble, operation: string): number =>
  double.calls.filter((call) => call.operation === operation).length;

const summaryOf = (end: End): string => (end === "killed" ? end : `${end.outcome}: ${end.summary}`);

describe("deploy/images", () => {
  after(removeTemporaryDirectories);

  it("copies the images of each version before the version exists, and only layers that are new", async () => {
    const double = account();
    for (const [version, layers] of [
      // Of both images: configuration, base and code of the application, configuration and layer of the proxy.
      ["1.1", 5],
      ["1.2", 1],
    ] as const) {
      const before = countOf(double, "InitiateLayerUpload");
      const end = await deployTo(double, version);
      expect(end, summaryOf(end)).to.include({ outcome: "deployed" });
      expect(countOf(double, "InitiateLayerUpload") - before).to.equal(layers);
      expect(missingImages(double, versionOf(version).label)).to.deep.equal([]);
    }
    const operations = double.calls.map(({ operation }) => operation);
    expect(operations.indexOf("CreateApplicationVersion")).to.be.greaterThan(operations.indexOf("PutImage"));
    expect(operations.indexOf("PutImage")).to.be.greaterThan(operations.indexOf("CompleteLayerUpload"));
    expect(double.ecr.images.size).to.equal(3);
  });

  it("uploads a large layer in parts that ECR takes", async () => {
    const double = account();
    const images = imagesOf("1", temporaryDirectory(), randomBytes(12 * MIB));
    const [, , layer] = images[0]!.blobs;
    expect(await copy(double, "1.0-1", images)).to.include({ outcome: "shown" });
    expect(double.ecr.layers.get(`sha256:${layer!.sha256}`)).to.have.length(layer!.bytes);
    expect(countOf(double, "UploadLayerPart")).to.equal(4 + 3);
  });

  for (const route of ["sdk", "shortcut"] as const)
    it(`leaves no version without its images, whatever happens to any call (${route}) @proof`, async function () {
      this.timeout(300_000);
      const undisturbed = account();
      await play(undisturbed, "repair", route, "docker");
      const places = undisturbed.calls.flatMap(({ service }, place) => (service === "ecr" ? [place] : []));
      expect(places.length).to.equal(1 + 5 * 3 + 2);
      const failures: string[] = [];
      let [runs, killed] = [0, 0];
      for (const place of places) {
        // The whole of the SDK is slow, so each call gets one fault there, and every fault without it.
        const one = FAULT_KINDS[place % FAULT_KINDS.length]!;
        for (const kind of route === "sdk" ? [one] : FAULT_KINDS) {
          for (const recovery of kind.startsWith("kill")
            ? (["repair", "deploy"] as const)
            : (["repair"] as const)) {
            const double = account();
            double.faults.set(place, kind);
            const played = await play(double, recovery, route, "docker");
            runs += 1;
            if (played.end === "killed") killed += 1;
            const { operation } = undisturbed.calls[place]!;
            failures.push(
              ...played.mismatches.map((problem) => `${kind} at ${place} ${operation}: ${problem}`),
            );
            for (const image of double.ecr.images.keys()) {
              if (double.ecr.images.get(image)?.tags.size === 0)
                failures.push(`${operation}: an untagged image`);
            }
          }
        }
      }
      console.log(`      ${runs} runs (${killed} killed and repaired), ${failures.length} mismatches`);
      expect(failures).to.deep.equal([]);
    });

  it("goes on after lost answers, and finds its own image under the tag", async () => {
    for (const operation of ["UploadLayerPart", "CompleteLayerUpload", "PutImage"]) {
      for (const strict of [false, true]) {
        const double = account();
        double.ecr.strictTags = strict;
        double.faultOn = (one, before) => (one === operation && before === 0 ? "timeoutAfter" : undefined);
        const end = await deployTo(double, "1.1");
        expect(end, `${operation}: ${summaryOf(end)}`).to.include({ outcome: "deployed" });
        expect(missingImages(double, versionOf("1.1").label)).to.deep.equal([]);
      }
    }
  });

  it("refuses a version whose tag somebody gave to another image, with the command that deletes it", async () => {
    const double = account();
    const { label } = versionOf("1.1");
    const tag = imageTag("iaso", label);
    expect(await copy(double, label, imagesOf("of a stranger", temporaryDirectory()))).to.include({
      outcome: "shown",
    });
    const end = await deployTo(double, "1.1");
    expect(end).to.include({ outcome: "refused" });
    expect(summaryOf(end)).to.include(
      `The tag ${tag} in the repository ${APPLICATION} belongs to another image.`,
    );
    expect(double.beanstalk.versions.has(label)).to.equal(false);
  });

  it("refuses a layer that changed on this machine, before the version exists", async () => {
    const double = account();
    const images = imagesOf("1", join(temporaryDirectory(), "a"));
    const other = imagesOf("2", join(temporaryDirectory(), "b"));
    images[0]!.blobs[2]!.path = other[0]!.blobs[2]!.path;
    const end = await copy(double, "1.0-1", images);
    expect(summaryOf(end)).to.include("InvalidLayerException");
    expect(double.ecr.images.size).to.equal(0);
  });

  it("stops before the build if the environment has no repository", async () => {
    const double = account();
    const parameter = `/iaso/${ENV}/deployment`;
    const { imageRepository, ...target } = JSON.parse(double.parameters.get(parameter)!) as Record<
      string,
      string
    >;
    expect(imageRepository).to.equal(APPLICATION);
    double.parameters.set(parameter, JSON.stringify(target));
    const end = await deployTo(double, "1.1");
    expect(end).to.include({ outcome: "refused" });
    expect((end as Report).remedy).to.include(`pulumi up --stack ${ENV}`);
    expect(double.calls.map(({ operation }) => operation)).not.to.include("PutObject");
  });

  it("prunes the images of deleted versions, and no image that a version needs", async () => {
    const double = account();
    const versions = ["1.1", "1.2", "1.3", "1.4"];
    for (const version of versions) await deployTo(double, version);
    await copy(double, "stranger", [
      { ...imagesOf("s", temporaryDirectory())[0]!, service: "other" as never },
    ]);
    expect(double.ecr.tags).to.have.length(2 * versions.length + 1);
    const end = await runDirect(double, (session) => prune(session, 1));
    expect(end, summaryOf(end)).to.include({ outcome: "pruned" });
    const kept = ["1.3", "1.4"].map((version) => versionOf(version).label);
    expect(double.ecr.tags).to.deep.equal(
      [
        ...kept.flatMap((label) => [imageTag("iaso", label), imageTag("nginx", label)]),
        "other-stranger",
      ].sort(),
    );
    for (const label of kept) expect(missingImages(double, label), label).to.deep.equal([]);
    // Beanstalk's own first version and the deleted ones have none.
    expect(double.ecr.images.size).to.equal(4);
  });

  it("keeps all images where a deletion is refused", async () => {
    const double = account();
    for (const version of ["1.1", "1.2", "1.3"]) await deployTo(double, version);
    double.faultOn = (operation) => (operation === "BatchDeleteImage" ? "error" : undefined);
    const end = await runDirect(double, (session) => prune(session, 1));
    expect(end).to.include({ outcome: "failed" });
    expect(summaryOf(end)).to.include("The double was told to refuse this call.");
    for (const version of ["1.2", "1.3"])
      expect(missingImages(double, versionOf(version).label)).to.deep.equal([]);
  });
});

describe("The double of ECR", () => {
  const send = (double: AwsDouble, operation: string, input: Record<string, unknown>) =>
    double.ecr.handle(operation, toForm({ repositoryName: APPLICATION, ...input }));
  const base64 = (bytes: number): string => Buffer.alloc(bytes, "a").toString("base64");
  const mediaType = "application/vnd.oci.image.manifest.v1+json";
  const put = (imageManifest: string, more: Record<string, unknown> = {}) => ({
    imageManifest,
    imageManifestMediaType: mediaType,
    ...more,
  });

  it("refuses what ECR refuses", () => {
    const double = account();
    const { uploadId } = send(double, "InitiateLayerUpload", {});
    const part = (partFirstByte: number, bytes: number) => ({
      uploadId,
      partFirstByte,
      partLastByte: partFirstByte + bytes - 1,
      layerPartBlob: base64(bytes),
    });
    const layers = JSON.stringify({ config: { digest: "sha256:1" }, layers: [] });
    const index = JSON.stringify({ manifests: [{ digest: "sha256:1" }] });
    const refused: [code: string, operation: string, input: Record<string, unknown>][] = [
      ["RepositoryNotFoundException", "PutImage", { ...put("{}"), repositoryName: "other" }],
      ["UploadNotFoundException", "UploadLayerPart", { ...part(0, 1), uploadId: "other" }],
      ["EmptyUploadException", "CompleteLayerUpload", { uploadId, layerDigests: ["sha256:1"] }],
      ["InvalidLayerPartException", "UploadLayerPart", part(1, 1)],
      ["InvalidLayerPartException", "UploadLayerPart", part(0, 21 * MIB)],
      ["LayersNotFoundException", "PutImage", put(layers)],
      ["ImageDigestDoesNotMatchException", "PutImage", put(layers, { imageDigest: "sha256:1" })],
      ["InvalidParameterException", "PutImage", put("{}", { imageTag: "1.0+1" })],
      [
        "ReferencedImagesNotFoundException",
        "PutImage",
        { imageManifest: index, imageManifestMediaType: mediaType.replace("manifest", "index") },
      ],
      ["LayersNotFoundException", "GetDownloadUrlForLayer", { layerDigest: "sha256:1" }],
    ];
    for (const [code, operation, input] of refused)
      expect(() => send(double, operation, input), `${operation} ${code}`)
        .to.throw(AwsFault)
        .with.property("code", code);
    send(double, "UploadLayerPart", part(0, 1));
    expect(() => send(double, "UploadLayerPart", part(1, 1)))
      .to.throw(AwsFault)
      .with.property("code", "LayerPartTooSmallException");
    expect(() => send(double, "CompleteLayerUpload", { uploadId, layerDigests: ["sha256:1"] }))
      .to.throw(AwsFault)
      .with.property("code", "InvalidLayerException");
  });
});

describe("npm run deploy on the Docker platform (in a process of its own, over HTTP) @proof", () => {
  let registry: RegistryDouble;
  before(async () => {
    registry = await RegistryDouble.start();
  });
  after(async () => {
    await registry.stop();
    removeTemporaryDirectories();
  });

  it("copies the images of a registry also after it was killed, and the bundle names them by their digests", async () => {
    await registry.push("blsq/iaso", "1", [[{ name: "opt/app/static/a.js", text: "a" }]]);
    await registry.push("library/nginx", "stable", [[{ name: "etc/nginx/nginx.conf" }]]);
    const source = makeCheckout({
      "iaso-deploy.yaml": `image: { proxy: "${registry.host}/library/nginx:stable" }\n`,
    });
    const time = new ScaledTime(60);
    const double = new AwsDouble(1, time);
    const running = await serve(double);
    try {
      double.describeTarget(running.url, "docker");
      double.addPair();
      double.beanstalk.timing.perInstance = () => 40_000;
      const args = [ENV, "--source", source, "--image", `${registry.host}/blsq/iaso:1`, "--version", "2.0"];
      const run = (onStart?: (child: ChildProcess) => void) =>
        runCli(running, time, [...args, "--migrations-unchecked"], { onStart });
      double.faultOn = (operation) => (operation === "PutImage" ? "killBefore" : undefined);
      const killed = await run((child) => {
        running.onKill = () => child.kill("SIGKILL");
      });
      expect(killed.signal, killed.stderr + killed.stdout).to.equal("SIGKILL");
      expect(double.ecr.images.size).to.equal(0);
      double.faultOn = () => undefined;
      const uploads = countOf(double, "InitiateLayerUpload");
      const deployed = await run();
      expect(deployed.code, deployed.stderr + deployed.stdout).to.equal(EXIT.done);
      // The layers were there already.
      expect(countOf(double, "InitiateLayerUpload")).to.equal(uploads);

      const { label } = double.web.truth;
      expect(missingImages(double, label)).to.deep.equal([]);
      const entries = await unzip(double.s3.get(ARTIFACTS, bundleKey(label))!.body);
      const compose = String(entries.get("docker-compose.yml")!.content);
      const named = [...compose.matchAll(/image: \$\{IMAGE_REPOSITORY:\?\}@(\S+)/g)].map(
        ([, digest]) => digest,
      );
      expect(named).to.deep.equal([
        double.ecr.digestOf(imageTag("iaso", label)),
        double.ecr.digestOf(imageTag("nginx", label)),
      ]);
    } finally {
      await running.stop();
    }
  });
});

import { createHash } from "node:crypto";
import { gunzipSync, gzipSync } from "node:zlib";
import { rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  PutObjectCommand,
  type S3Client,
} from "@aws-sdk/client-s3";
import { expect } from "chai";
import fc from "fast-check";
import { listStaticFiles } from "../../../deploy/static/files";
import { pruneStatic, type Published, publishStatic, restoreStatic } from "../../../deploy/static/publish";
import { UserError } from "../../../cli/userError";
import {
  installed,
  rejection,
  removeTemporaryDirectories,
  skip,
  temporaryDirectory,
  writeFiles,
} from "../source/checkout";
import { Moto } from "./moto";

const HASHED = "js/app-0123456789abcdef0123.js";

describe("deploy/static/publish", () => {
  let moto: Moto;
  let s3: S3Client;
  let bucket: string;
  let buckets = 0;

  before(async function () {
    if (!installed("moto_server", "--help"))
      skip(this, "moto_server is not installed (pipx install 'moto[s3,server]')");
    moto = await Moto.start();
  });
  after(() => {
    (moto as Moto | undefined)?.stop();
    removeTemporaryDirectories();
  });
  beforeEach(async () => {
    buckets += 1;
    bucket = `static-${buckets}`;
    s3 = await moto.makeBucket(bucket);
  });

  function directoryOf(files: Readonly<Record<string, string>>): string {
    const directory = temporaryDirectory();
    writeFiles(directory, files);
    return directory;
  }

  async function publishOf(client: S3Client, version: string, directory: string): Promise<Published> {
    const files = await listStaticFiles(directory, directory, 16);
    return publishStatic({ s3: client, bucket, version, files });
  }

  const publish = (version: string, files: Readonly<Record<string, string>>) =>
    publishOf(s3, version, directoryOf(files));

  /** What a browser would see: the text under each key of static/. */
  async function served(): Promise<Record<string, string>> {
    const { Contents } = await s3.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: "static/" }));
    const found: Record<string, string> = {};
    for (const { Key } of Contents ?? []) {
      const { Body, ContentEncoding } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key }));
      const bytes = Buffer.from(await Body!.transformToByteArray());
      found[Key!.slice("static/".length)] = (
        ContentEncoding === "gzip" ? gunzipSync(bytes) : bytes
      ).toString();
    }
    return found;
  }

  async function countVersions(): Promise<number> {
    const { Versions, DeleteMarkers } = await s3.send(new ListObjectVersionsCommand({ Bucket: bucket }));
    return (Versions?.length ?? 0) + (DeleteMarkers?.length ?? 0);
  }

  it("publishes files with the headers that suit them", async () => {
    const text = "text ".repeat(500);
    expect(await publish("1", { [HASHED]: text, "é ü/+&?.css": "a{}", "logo.png": "png" })).to.include({
      files: 3,
      written: 3,
    });
    expect(await served()).to.deep.equal({ [HASHED]: text, "é ü/+&?.css": "a{}", "logo.png": "png" });
    const hashed = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: `static/${HASHED}` }));
    expect(hashed).to.include({
      ContentType: "text/javascript; charset=utf-8",
      CacheControl: "public, max-age=31536000, immutable",
      ContentEncoding: "gzip",
    });
    const image = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: "static/logo.png" }));
    expect(image).to.include({
      ContentType: "image/png",
      CacheControl: "public, max-age=300, must-revalidate",
    });
    expect(image.ContentEncoding).to.equal(undefined);
  });

  it("writes only changed files, and only the manifest if none changed", async () => {
    const files = { "a.js": "a", "b.js": "b", [HASHED]: "hashed" };
    await publish("1", files);
    const before = await countVersions();
    expect(await publish("2", files)).to.deep.equal({ files: 3, written: 0, bytes: 0 });
    expect(await countVersions()).to.equal(before + 1);
    expect(await publish("3", { ...files, "b.js": "changed", "c.js": "new" })).to.include({ written: 2 });
    expect(await served()).to.include({ "b.js": "changed", "c.js": "new" });
  });

  it("restores files that somebody changed or deleted in the bucket", async () => {
    const files = { "a.js": "a", "b.js": "b", "c.js": "c" };
    await publish("1", files);
    await s3.send(new PutObjectCommand({ Bucket: bucket, Key: "static/a.js", Body: "defaced" }));
    await s3.send(new DeleteObjectCommand({ Bucket: bucket, Key: "static/b.js" }));
    expect(await publish("2", files)).to.include({ written: 2 });
    expect(await served()).to.deep.equal(files);
  });

  it("never calls a name immutable once it was seen with other bytes", async () => {
    const cacheControl = async (): Promise<string | undefined> =>
      (await s3.send(new GetObjectCommand({ Bucket: bucket, Key: `static/${HASHED}` }))).CacheControl;
    await publish("1", { [HASHED]: "one" });
    expect(await cacheControl()).to.contain("immutable");
    await publish("2", { [HASHED]: "two" });
    expect(await cacheControl()).not.to.contain("immutable");
    expect(await publish("3", { [HASHED]: "two" })).to.include({ written: 0 });
  });

  it("streams a large file, checked by its digest", async () => {
    const directory = directoryOf({ "video.mp4": "" });
    truncateSync(join(directory, "video.mp4"), 6 * 1024 * 1024);
    await publishOf(s3, "1", directory);
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: "static/video.mp4" }));
    const digest = createHash("sha256").update(await Body!.transformToByteArray());
    expect(digest.digest("hex")).to.equal(
      createHash("sha256")
        .update(Buffer.alloc(6 * 1024 * 1024))
        .digest("hex"),
    );
  });

  it("keeps the files of earlier versions until they are pruned", async () => {
    await publish("1", { "old-0123456789abcdef0123.js": "old", "index.css": "old" });
    await publish("2", { "new-fedcba98765432100123.js": "new", "index.css": "new" });
    expect(Object.keys(await served())).to.include("old-0123456789abcdef0123.js");
    await pruneStatic({ s3, bucket, keepVersions: ["2"] });
    expect(await served()).to.deep.equal({ "new-fedcba98765432100123.js": "new", "index.css": "new" });
    expect((await rejection(restoreStatic({ s3, bucket, version: "1" }))).message).to.contain(
      "version 1 are not",
    );
  });

  it("brings an earlier version's files back for a rollback", async () => {
    const first = { "index.css": "old", "é +.css": "old é", "gone-0123456789abcdef0123.js": "x" };
    await publish("1", first);
    await publish("2", { "index.css": "new", "é +.css": "new é" });
    expect(await restoreStatic({ s3, bucket, version: "1" })).to.deep.equal({ restored: 2 });
    expect(await served()).to.deep.equal(first);
    const { CacheControl } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: "static/index.css" }));
    expect(CacheControl).to.contain("max-age=300");
    expect(await restoreStatic({ s3, bucket, version: "1" })).to.deep.equal({ restored: 0 });
  });

  it("serves each version exactly after any history of publications, rollbacks and prunings @proof", async () => {
    const file = fc.constantFrom("a.css", "b.css", HASHED);
    const files = fc.dictionary(file, fc.constantFrom("1", "2", "3"), { minKeys: 1, noNullPrototype: true });
    const step = fc.oneof(
      { weight: 3, arbitrary: fc.record({ publish: files }) },
      { weight: 2, arbitrary: fc.record({ restore: fc.nat(20) }) },
      { weight: 1, arbitrary: fc.record({ prune: fc.nat(3) }) },
    );
    let run = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 2, maxLength: 7 }), async (steps) => {
        run += 1;
        bucket = `history-${run}`;
        await moto.makeBucket(bucket);
        const versions: { name: string; files: Record<string, string> }[] = [];
        let current: (typeof versions)[number] | undefined;
        let published = 0;
        for (const item of steps) {
          if ("publish" in item) {
            current = { name: `v${(published += 1)}`, files: item.publish };
            await publish(current.name, current.files);
            versions.push(current);
          } else if (current !== undefined && "restore" in item) {
            current = versions[item.restore % versions.length]!;
            await restoreStatic({ s3, bucket, version: current.name });
          } else if (current !== undefined && "prune" in item) {
            const kept = new Set([current, ...versions.slice(versions.length - item.prune)]);
            const keepVersions = [...kept].map(({ name }) => name);
            await pruneStatic({ s3, bucket, keepVersions });
            versions.splice(0, versions.length, ...versions.filter((version) => kept.has(version)));
          }
          expect(await served()).to.include(current?.files ?? {});
        }
      }),
      { numRuns: 12 },
    );
  });

  it("keeps the files of each kept version, also if a newer version uses the same names", async () => {
    await publish("1", { "a.css": "1" });
    await publish("2", { "a.css": "2" });
    await publish("3", { "a.css": "3" });
    await pruneStatic({ s3, bucket, keepVersions: ["1", "3"] });
    await restoreStatic({ s3, bucket, version: "1" });
    expect(await served()).to.deep.equal({ "a.css": "1" });
    expect((await rejection(restoreStatic({ s3, bucket, version: "2" }))).message).to.contain(
      "version 2 are not",
    );
  });

  it("writes a file again if its headers must change", async () => {
    const files = { "a.css": "1", "b.css": "1" };
    await publish("1", files);
    const Key = "manifests/1.json";
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key }));
    const manifest = gunzipSync(await Body!.transformToByteArray()).toString();
    const older = manifest.replace("max-age=300", "max-age=60");
    await s3.send(new PutObjectCommand({ Bucket: bucket, Key, Body: gzipSync(older) }));
    expect(await publish("2", files)).to.include({ written: 1 });
  });

  it("prunes noncurrent objects, delete markers and manifests, and nothing outside static/", async () => {
    await publish("1", { "a.css": "1" });
    await publish("2", { "a.css": "2" });
    await publish("2", { "a.css": "2" });
    await s3.send(new DeleteObjectCommand({ Bucket: bucket, Key: "static/unknown" }));
    await s3.send(new PutObjectCommand({ Bucket: bucket, Key: "robots.txt", Body: "x" }));
    await s3.send(new PutObjectCommand({ Bucket: bucket, Key: "manifests/README", Body: "x" }));
    await pruneStatic({ s3, bucket, keepVersions: ["2", "2"] });
    // a.css, the manifest of version 2, and what is none of ours.
    expect(await countVersions()).to.equal(4);
    expect(await served()).to.deep.equal({ "a.css": "2" });
  });

  it("refuses to prune everything, or for a version it does not know, and deletes nothing then", async () => {
    await publish("1", { "a.css": "1" });
    for (const keepVersions of [[], ["1", "unknown"]]) {
      expect(await rejection(pruneStatic({ s3, bucket, keepVersions }))).to.be.instanceOf(UserError);
    }
    expect(await served()).to.deep.equal({ "a.css": "1" });
  });

  it("refuses an empty directory and a bucket that keeps no versions", async () => {
    expect(await rejection(publish("1", {}))).to.be.instanceOf(UserError);
    await moto.makeBucket(`${bucket}-plain`, false);
    bucket = `${bucket}-plain`;
    const error = await rejection(publish("1", { "a.css": "1" }));
    expect(error).to.be.instanceOf(UserError);
    expect(error.remedy).to.contain("put-bucket-versioning");
    expect(await served()).to.deep.equal({});
  });

  it("publishes the whole version again after a run that died half-way", async () => {
    await publish("1", { "a.css": "1", "b.css": "1", "c.css": "1" });
    const directory = directoryOf({ "a.css": "2", "b.css": "2", "c.css": "2" });
    const dying = moto.client();
    let puts = 0;
    dying.middlewareStack.add(
      (next, { commandName }) =>
        async (args) => {
          if (commandName === "PutObjectCommand" && (puts += 1) > 2) throw new Error("killed");
          return next(args);
        },
      { step: "initialize" },
    );
    expect((await rejection(publishOf(dying, "2", directory))).message).to.equal("killed");
    await publishOf(s3, "2", directory);
    expect(await served()).to.deep.equal({ "a.css": "2", "b.css": "2", "c.css": "2" });
    await restoreStatic({ s3, bucket, version: "1" });
    expect(await served()).to.deep.equal({ "a.css": "1", "b.css": "1", "c.css": "1" });
    rmSync(join(directory, "c.css"));
    writeFileSync(join(directory, "a.css"), "3");
    await publishOf(s3, "3", directory);
    expect(await served()).to.include({ "a.css": "3", "b.css": "2" });
  });
});

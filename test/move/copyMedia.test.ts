import { type ChildProcess, execFile } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  GetObjectAclCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  ListObjectsV2Command,
  PutObjectCommand,
} from "@aws-sdk/client-s3";
import { expect } from "chai";
import fc from "fast-check";
import { previewStack } from "../../preview/preview";
import { readProject } from "../../preview/project";
import { compareBuckets, copyMedia, type CopyRun } from "../../move/media/copyMedia";
import type { Buckets } from "../../move/media/copyObject";
import { stateOf } from "../../move/media/judge";
import { compareKeys } from "../../move/media/listing";
import { createS3 } from "../../move/media/places";
import { principalArn } from "../../move/media/principal";
import { createClients } from "../../doctor/clients";
import { find, statementsOf, writeExampleProject } from "../support";
import { installed, skip } from "../deploy/source/checkout";
import { Moto } from "../deploy/static/moto";
import { ExistingAccount } from "./double/account";
import { MoveLab } from "./double/lab";
import { type Fault, MediaS3 } from "./double/media";
import { GIB, hash } from "./double/mediaStore";

const ACCOUNT = "123456789012";
const OLD = "old-iaso-media";
const NEW = "example-iaso-prod-media";
const ADMIN = `arn:aws:iam::${ACCOUNT}:user/admin`;
/** Long before any copy. */
const BEFORE = { modified: Date.parse("2026-01-01T00:00:00Z") };

interface Outcome {
  status: number | string;
  stdout: string;
  stderr: string;
}

describe("move copy-media", function () {
  this.timeout(600_000);
  const lab = new MoveLab();
  let s3: MediaS3;
  let project: string;

  before(() => lab.start());
  after(() => {
    lab.stop();
  });
  beforeEach(async () => {
    lab.account = new ExistingAccount();
    s3 = new MediaS3();
    await s3.start();
    process.env["AWS_ENDPOINT_URL_S3"] = s3.url;
    s3.addBucket(OLD);
    s3.addBucket(NEW);
    project = mkdtempSync(join(tmpdir(), "copy-media-"));
    writeExampleProject(project, { prod: { "iaso:mediaCopyPrincipal": ADMIN } });
  });
  afterEach(() => {
    s3.stop();
    Reflect.deleteProperty(process.env, "AWS_ENDPOINT_URL_S3");
    rmSync(project, { recursive: true });
  });

  let child: ChildProcess;
  function run(...args: string[]): Promise<Outcome> {
    return new Promise((resolve) => {
      child = execFile(
        process.execPath,
        ["--require", "./cli/loader.cjs", "move/cli.ts", "copy-media", "prod", "--from", OLD, ...args],
        { cwd: project, env: process.env },
        (error, stdout, stderr) => {
          resolve({ status: error?.signal ?? Number(error?.code ?? 0), stdout, stderr });
        },
      );
    });
  }

  function buckets(region = "eu-central-1"): Buckets {
    const place = (bucket: string, where: string) => ({
      s3: createS3(where, () => 0),
      bucket,
      owner: ACCOUNT,
      region: where,
    });
    return { source: place(OLD, region), target: place(NEW, "eu-central-1") };
  }

  const copy = (): Promise<CopyRun> => copyMedia(buckets(), ADMIN, () => undefined);

  const fill = (count: number) => {
    for (let index = 0; index < count; index += 1) s3.put(OLD, `forms/${index}.xml`, `form ${index}`, BEFORE);
  };

  /** Fails unless the new bucket has exactly the media of the existing one, and nothing else was done. */
  function requireSame(): void {
    const content = (bucket: string) => {
      const { objects, sorted } = s3.buckets.get(bucket)!;
      return sorted
        .filter(({ key }) => !key.startsWith("iasostatics/"))
        .map(({ key }) => {
          const { content: text, headers, size, tags } = objects.get(key)!;
          return { key, text, headers, size, tags };
        });
    };
    expect(content(NEW)).to.deep.equal(content(OLD));
    expect(s3.violations).to.deep.equal([]);
  }

  const copies = () => s3.calls.filter((call) => call.startsWith("CopyObject ")).length;

  it("lets the caller in first, then copies media, and again only what changed", async () => {
    rmSync(project, { recursive: true });
    writeExampleProject(project);
    fill(30);
    s3.put(OLD, "iasostatics/css/index.css", "body{}", BEFORE);
    s3.put(OLD, "instances/a b.jpg", "photo", {
      ...BEFORE,
      headers: { "content-type": "image/png", "x-amz-meta-taken": "2025", "cache-control": "max-age=5" },
      tags: { kind: "photo & more" },
    });
    s3.put(NEW, "new/only.jpg", "kept");

    const first = await run("--yes");
    expect(first.status, first.stderr).to.equal(0);
    expect(first.stdout).to.include("Nothing was copied yet. Next: pulumi up --stack prod");
    expect(s3.calls).to.deep.equal([]);
    const { document } = await previewStack(readProject(project), "prod");
    expect(document.policies.violations).to.deep.equal([]);
    const policy = statementsOf(find(document, "aws:s3/bucketPolicy:BucketPolicy", "media").inputs["policy"]);
    expect(JSON.stringify(policy["DenyAllButTheApplication"])).to.include(`"${ADMIN}"]`);

    const second = await run("--yes");
    expect(second.status, second.stderr).to.equal(0);
    expect(second.stdout)
      .to.include("forms/: 30 objects")
      .and.include("Static files, which stay behind: 1 object")
      .and.include("Only in the new bucket, and left as they are: 1 object")
      .and.include("To copy: 31 objects")
      .and.include("Copied 31 objects")
      .and.include("31 by MD5 (ETag)")
      .and.include("The new bucket has all media: 31 objects with the same size and MD5 (ETag).");
    expect(second.stdout + second.stderr).to.not.match(/forms\/\d|a b\.jpg/);
    s3.remove(NEW, "new/only.jpg");
    requireSame();
    expect(copies()).to.equal(31);

    s3.put(OLD, "forms/3.xml", "form 3, edited");
    s3.get(NEW, "forms/3.xml")!.modified -= 1000;
    s3.put(OLD, "forms/new.xml", "new");
    const third = await run("--yes");
    expect(third.stdout, third.stderr).to.include("To copy: 2 objects").and.include("Copied 2 objects");
    requireSame();
    const fourth = await run();
    expect(fourth.stdout, fourth.stderr).to.include("Nothing is to copy.");
    expect(copies()).to.equal(33);
  });

  it("asks before it copies, and refuses what cannot be meant", async () => {
    fill(1);
    const unanswered = await run();
    expect(unanswered.stdout).to.include("To copy: 1 object");
    expect(unanswered.stderr).to.include("Add --yes");
    expect(s3.buckets.get(NEW)!.objects.size).to.equal(0);
    const itself = await run("--from", NEW);
    expect(itself.stderr).to.include(`${NEW} is the new bucket.`);
    const missing = await run("--from", "old-iaso-medai");
    expect(missing.stderr).to.include("There is no bucket old-iaso-medai.");
    s3.buckets.delete(NEW);
    const early = await run();
    expect(early.stderr).to.include(`There is no bucket ${NEW}.`).and.include("pulumi up --stack prod");
    lab.account.caller = "user/other";
    const other = await run();
    expect(other.stderr).to.include(`lets ${ADMIN} copy media, but the AWS credentials are those of`);
    for (const { status } of [unanswered, itself, missing, early, other]) expect(status).to.equal(1);
  });

  it("names the role of a session by its whole ARN", async () => {
    const clients = createClients("eu-central-1", { delay: () => 0 });
    lab.account.caller = "assumed-role/AWSReservedSSO_Admin_1/me";
    const path = "/aws-reserved/sso.amazonaws.com/eu-central-1/";
    lab.account.rolePaths.set("AWSReservedSSO_Admin_1", path);
    expect(await principalArn(clients)).to.equal(`arn:aws:iam::${ACCOUNT}:role${path}AWSReservedSSO_Admin_1`);
    lab.account.caller = "root";
    const refused = await principalArn(clients).catch((error: unknown) => String(error));
    expect(refused).to.include("is no role and no IAM user");
  });

  it("copies from another account and another region", async () => {
    fill(5);
    Object.assign(s3.buckets.get(OLD)!, { owner: "210987654321", region: "eu-west-3" });
    const refused = await run("--yes");
    expect(refused.status).to.equal(1);
    expect(refused.stderr)
      .to.include("--from-account ID")
      .and.include(`"Principal":{"AWS":"${ADMIN}"},"Action":["s3:GetObject"`);
    const { status, stderr, stdout } = await run("--yes", "--from-account", "210987654321");
    expect(status, stderr).to.equal(0);
    expect(stdout).to.include(`${OLD} (eu-west-3)`).and.include("transfer between regions");
    requireSame();
  });

  it("copies every key that S3 accepts, in any order of characters", async () => {
    for (const [one, other] of [
      ["\u{1F600}", "\uFF01"],
      ["a/b", "a!b"],
    ] as const)
      expect(Math.sign(compareKeys(one, other))).to.equal(
        Math.sign(Buffer.compare(Buffer.from(one), Buffer.from(other))),
      );
    s3.pageSize = 7;
    const key = fc
      .array(
        fc.oneof(
          fc.constantFrom("/", "//", "..", ".", "+", " ", "%", "%2F", "?", "#", "&", "<", '"', "é", "\u0001"),
          fc.string({ unit: "binary", minLength: 1, maxLength: 6 }),
        ),
        { minLength: 1, maxLength: 6 },
      )
      .map((parts) => parts.join(""))
      .filter((text) => Buffer.from(text).toString() === text && Buffer.byteLength(text) <= 1024);
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(key, { minLength: 1, maxLength: 40 }), async (keys) => {
        s3.addBucket(OLD);
        s3.addBucket(NEW);
        for (const [index, one] of keys.entries()) {
          s3.put(OLD, one, `object ${index}`, BEFORE);
          if (index % 3 === 0) s3.put(NEW, one, `object ${index}`);
        }
        s3.put(NEW, "~only new", "x");
        await copy();
        s3.remove(NEW, "~only new");
        requireSame();
      }),
      { numRuns: 50 },
    );
  });

  it("copies an object above 5 GB in parts, with its metadata and tags", async () => {
    const own = {
      ...BEFORE,
      size: 6 * GIB + 1,
      etag: '"0123-700"',
      headers: { "content-type": "video/mp4", "x-amz-meta-form": "7", "content-disposition": "inline" },
      tags: { "a b": "c&d" },
    };
    s3.put(OLD, "videos/long.mp4", "long", own);
    const { evidence, failures } = await copy();
    expect(failures.all).to.deep.equal([]);
    expect(evidence).to.deep.equal({ checksum: 0, etag: 0, size: 1 });
    expect(s3.calls.filter((call) => call.startsWith("UploadPartCopy"))).to.have.length(7);
    requireSame();
    expect((await compareBuckets(buckets())).states.sized.objects).to.equal(1);
    await copy();
    expect(s3.calls.filter((call) => call.startsWith("Complete"))).to.have.length(1);
    s3.onCopy = (key) => {
      s3.put(OLD, key, "edited", { size: 6 * GIB });
    };
    s3.put(OLD, "videos/other.mp4", "other", { ...BEFORE, size: 6 * GIB, etag: '"1-2"' });
    expect((await copy()).changed).to.equal(1);
    expect(s3.uploads.open).to.equal(0);
  });

  it("compares checksums of whole objects where ETags say nothing", async () => {
    s3.buckets.get(NEW)!.encryption = "aws:kms";
    const put = (key: string, type: "COMPOSITE" | "FULL_OBJECT", value?: string) => {
      s3.put(OLD, key, key, BEFORE);
      const right = hash(`CRC32 ${key}`);
      s3.get(OLD, key)!.checksum = { algorithm: "CRC32", value: value ?? right, type };
    };
    put("whole", "FULL_OBJECT");
    put("parts", "COMPOSITE", "other");
    s3.put(OLD, "none", "none", BEFORE);
    const { evidence } = await copy();
    expect(evidence).to.deep.equal({ checksum: 1, etag: 0, size: 2 });
    const { states } = await compareBuckets(buckets());
    expect([states.copy.objects, states.sized.objects]).to.deep.equal([0, 3]);
    put("broken", "FULL_OBJECT", "other");
    const { failures } = await copy();
    expect(failures.all[0]?.what).to.include("S3's copy is not the object");
  });

  it("loses nothing that is written during the copy, on either side", async () => {
    fill(10);
    s3.put(OLD, "forms/newer.xml", "old", BEFORE);
    s3.put(NEW, "forms/newer.xml", "written by the new platform");
    let isFirst = true;
    s3.onCopy = (key) => {
      if (!isFirst) return;
      isFirst = false;
      s3.put(OLD, key, "edited meanwhile");
      s3.remove(OLD, "forms/9.xml");
      s3.put(NEW, "forms/8.xml", "uploaded by the new platform");
    };
    const first = await copy();
    expect(first.changed).to.equal(3);
    expect(first.failures.objects).to.equal(0);
    expect(s3.get(NEW, "forms/8.xml")?.content).to.equal("uploaded by the new platform");
    expect(s3.get(NEW, "forms/newer.xml")?.content).to.equal("written by the new platform");
    const { newer, states } = await compareBuckets(buckets());
    expect(states.copy.objects).to.equal(1);
    expect(newer).to.deep.equal(["forms/8.xml", "forms/newer.xml"]);
    const { status, stdout } = await run("--yes");
    expect([status, stdout]).to.match(
      /left as they are: 2 objects, such as forms\/8\.xml, forms\/newer\.xml/,
    );
  });

  it("copies the others where some cannot be copied, and names cause and fix", async () => {
    fill(20);
    s3.put(OLD, "a/frozen.jpg", "frozen", { ...BEFORE, storageClass: "GLACIER" });
    s3.put(OLD, "a/thawed.jpg", "thawed", { ...BEFORE, storageClass: "GLACIER", isRestored: true });
    s3.put(OLD, "a/customer.jpg", "customer", { ...BEFORE, hasCustomerKey: true });
    s3.put(OLD, "a/kms.jpg", "kms", { ...BEFORE, hasForeignKey: true });
    const { status, stderr, stdout } = await run("--yes");
    expect(status).to.equal(1);
    expect(stdout).to.include("Archived in Glacier: 2 objects.").and.include("Copied 21 objects");
    expect(stderr)
      .to.include("3 objects of prod are not copied:")
      .and.match(/1: They are archived in Glacier\.\n\s+Such as "a\/frozen\.jpg"\n.*restore-object/)
      .and.match(/1: They are encrypted with a key that only a customer has \(SSE-C\)/)
      .and.match(/1: KMS refuses the key of an object: .*kms:Decrypt/)
      .and.not.match(/^\s+at /m);
  });

  it("waits where S3 throttles every object for a while @proof", async () => {
    fill(400);
    const attempts = new Map<string, number>();
    s3.fault = (operation, key) => {
      if (operation !== "CopyObject") return undefined;
      attempts.set(key, (attempts.get(key) ?? 0) + 1);
      return attempts.get(key)! <= 4 ? "throttled" : undefined;
    };
    expect((await copy()).failures.all).to.deep.equal([]);
    requireSame();
  });

  it("copies what is not older than its copy, and nothing that is later", () => {
    const object = (modified: number, size: number, etag: string) => ({
      key: "a",
      size,
      etag,
      modified,
      isArchived: false,
    });
    const source = object(1000, 5, "x");
    expect(stateOf(source, undefined)).to.equal("copy");
    expect(stateOf(source, object(1000, 5, "x"))).to.equal("same");
    // Without MD5, an edit in the second of the copy looks like this too.
    expect(stateOf(source, object(1000, 5, "y"))).to.equal("copy");
    expect(stateOf(source, object(0, 5, "y"))).to.equal("copy");
    expect(stateOf(source, object(2000, 5, "y"))).to.equal("sized");
    expect(stateOf(source, object(2000, 6, "y"))).to.equal("newer");
  });

  it("stops after a hundred failures, and says which bucket refuses @proof", async () => {
    fill(300);
    s3.buckets.get(NEW)!.deniesObjects = true;
    const target = await run("--yes");
    expect(target.stderr)
      .to.include("300 objects of prod are not copied")
      .and.include(`The new bucket ${NEW} refuses to write`)
      .and.include("Run pulumi up");
    expect(copies()).to.be.lessThan(200);
    expect(target.stderr.match(/forms\//g)).to.have.length(5);
    s3.buckets.get(NEW)!.deniesObjects = false;
    s3.buckets.get(OLD)!.deniesObjects = true;
    const source = await run("--yes");
    expect(source.stderr)
      .to.include(`The existing bucket ${OLD} refuses to read`)
      .and.include('"Sid":"CopyToTheNewIaso"');
  });

  it("goes on after a kill at half without copying anything twice @proof", async () => {
    fill(400);
    let copied = 0;
    s3.fault = (operation) => {
      if (operation !== "CopyObject") return undefined;
      copied += 1;
      return copied > 200 ? "killed before" : undefined;
    };
    s3.onKill = () => child.kill("SIGKILL");
    expect((await run("--yes")).status).to.equal("SIGKILL");
    const done = s3.buckets.get(NEW)!.objects.size;
    expect(done).to.be.within(150, 200);
    s3.fault = () => undefined;
    s3.calls.length = 0;
    const { status, stderr } = await run("--yes");
    expect(status, stderr).to.equal(0);
    expect(copies()).to.equal(400 - done);
    requireSame();
  });

  it("needs no lock: two runs at once copy everything", async () => {
    fill(300);
    const both = await Promise.all([copy(), copy()]);
    for (const { failures } of both) expect(failures.objects).to.equal(0);
    requireSame();
  });

  const OPERATIONS = [
    "AbortMultipartUpload",
    "CompleteMultipartUpload",
    "CopyObject",
    "CreateMultipartUpload",
    "GetObjectTagging",
    "HeadBucket",
    "HeadObject",
    "ListObjectsV2",
    "UploadPartCopy",
  ];
  const plantAll = () => {
    fill(40);
    s3.pageSize = 20;
    s3.put(OLD, "videos/long.mp4", "long", { ...BEFORE, size: 6 * GIB, etag: '"1-2"', tags: { a: "b" } });
    s3.put(OLD, "videos/parts.mp4", "parts", { ...BEFORE, etag: '"3-4"' });
  };

  for (const fault of ["failed after 200", "lost", "refused", "throttled"] as const) {
    it(`accounts for every object if a call is ${fault}, whichever`, async () => {
      for (const operation of OPERATIONS) {
        s3.addBucket(OLD);
        s3.addBucket(NEW);
        plantAll();
        let isHit = false;
        s3.fault = (called) => {
          if (called !== operation || isHit) return undefined;
          isHit = true;
          return fault;
        };
        await copy().catch(() => undefined);
        s3.fault = () => undefined;
        const { status, stderr } = await copy().then(
          () => ({ status: 0, stderr: "" }),
          (error: unknown) => ({ status: 1, stderr: String(error) }),
        );
        expect(status, `${operation}: ${stderr}`).to.equal(0);
        requireSame();
      }
    });
  }

  it("accounts for every object if the process is killed at any call @proof", async () => {
    for (const fault of ["killed before", "killed after"] as const satisfies Fault[]) {
      for (const operation of OPERATIONS.filter((one) => one !== "AbortMultipartUpload")) {
        s3.addBucket(OLD);
        s3.addBucket(NEW);
        plantAll();
        s3.fault = (called) => (called === operation ? fault : undefined);
        s3.onKill = () => child.kill("SIGKILL");
        expect((await run("--yes")).status, `${operation} ${fault}`).to.equal("SIGKILL");
        s3.fault = () => undefined;
        const { status, stderr } = await run("--yes");
        expect(status, `${operation} ${fault}: ${stderr}`).to.equal(0);
        requireSame();
      }
    }
  });

  it("copies odd keys, metadata and tags against moto's S3, again only what changed", async function () {
    if (!installed("moto_server", "--help"))
      skip(this, "moto_server is not installed (pipx install 'moto[s3,server]')");
    const moto = await Moto.start();
    try {
      const client = await moto.makeBucket(OLD, false);
      await moto.makeBucket(NEW);
      process.env["AWS_ENDPOINT_URL_S3"] = moto.endpoint;
      const keys = ["a b+c%2F.jpg", "é/\u{1F600}.jpg", "dir/", "plain.xml", "q?x=1&y#z", "iasostatics/a.css"];
      for (const Key of keys)
        await client.send(
          new PutObjectCommand({
            Bucket: OLD,
            Key,
            Body: Key,
            ContentType: "image/png",
            Metadata: { form: "7" },
            Tagging: "kind=photo",
            ACL: "public-read",
          }),
        );
      expect((await copy()).failures.all).to.deep.equal([]);
      const listed = await client.send(new ListObjectsV2Command({ Bucket: NEW }));
      const media = keys.filter((key) => !key.startsWith("iasostatics/"));
      expect(listed.Contents?.map(({ Key }) => Key)).to.have.members(media);
      for (const Key of media) {
        const object = { Bucket: NEW, Key };
        const { Body, ContentType, Metadata } = await client.send(new GetObjectCommand(object));
        expect([await Body?.transformToString(), ContentType, Metadata]).to.deep.equal([
          Key,
          "image/png",
          { form: "7" },
        ]);
        const { TagSet } = await client.send(new GetObjectTaggingCommand(object));
        expect(TagSet).to.deep.equal([{ Key: "kind", Value: "photo" }]);
        const { Grants } = await client.send(new GetObjectAclCommand(object));
        expect(JSON.stringify(Grants)).to.not.include("AllUsers");
      }
      expect((await copy()).objects).to.equal(0);
    } finally {
      moto.stop();
    }
  });

  it("has no call that deletes or writes at the existing bucket", () => {
    const folder = join(__dirname, "../../move/media");
    const code = readdirSync(folder).map((name) => readFileSync(join(folder, name), "utf8"));
    const commands = new Set(code.flatMap((text) => text.match(/\b[A-Z]\w+Command\b/g) ?? []));
    expect([...commands].filter((name) => /^(Delete|Put|Write|Rename)/.test(name))).to.deep.equal([]);
    expect(commands).to.include("CopyObjectCommand");
  });
});

import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ListObjectVersionsCommand, type S3Client } from "@aws-sdk/client-s3";
import { installed } from "../deploy/source/checkout";
import { Moto } from "../deploy/static/moto";
import type { Bench, Measurement } from "./bench";

const FILES = 5000;
const CHANGED = 20;
const ROUNDS = 3;

/** Files of a few kilobytes, as a front-end build leaves them. */
function writeFile(directory: string, number: number, text: string): void {
  writeFileSync(
    join(directory, `folder${number % 50}`, `file${number}.js`),
    `${text} ${number}\n`.repeat(200),
  );
}

/** Runs a program to its end and tells the seconds it took. */
async function time(program: string, args: readonly string[]): Promise<number> {
  const started = performance.now();
  const child = spawn(program, args, {
    stdio: ["ignore", "ignore", "inherit"],
    env: {
      ...process.env,
      AWS_ACCESS_KEY_ID: "test",
      AWS_SECRET_ACCESS_KEY: "test",
      AWS_REGION: "eu-central-1",
      NODE_NO_WARNINGS: "1",
    },
  });
  const [code] = (await once(child, "exit")) as [number | null];
  if (code !== 0) throw new Error(`${program} failed`);
  return (performance.now() - started) / 1000;
}

// A process like the other's: the time to start TypeScript and to load the SDK counts.
const PUBLISH = `
  const { S3Client } = require("@aws-sdk/client-s3");
  const { listStaticFiles } = require(${JSON.stringify(join(__dirname, "../../deploy/static/files.ts"))});
  const { publishStatic } = require(${JSON.stringify(join(__dirname, "../../deploy/static/publish.ts"))});
  const [endpoint, bucket, directory, version] = process.argv.slice(1);
  void listStaticFiles(directory, directory, 16).then((files) =>
    publishStatic({ s3: new S3Client({ endpoint, forcePathStyle: true }), bucket, files, version }));`;

async function countObjects(s3: S3Client, bucket: string): Promise<number> {
  let count = 0;
  let markers: { KeyMarker?: string; VersionIdMarker?: string } = {};
  for (;;) {
    const page = await s3.send(new ListObjectVersionsCommand({ Bucket: bucket, ...markers }));
    count += page.Versions?.length ?? 0;
    if (page.IsTruncated !== true) return count;
    markers = { KeyMarker: page.NextKeyMarker, VersionIdMarker: page.NextVersionIdMarker };
  }
}

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1]!;

export const bench: Bench = {
  name: "Static files",
  unavailable() {
    if (!installed("moto_server", "--help"))
      return "moto_server is not installed (pipx install 'moto[s3,server]')";
    return installed("aws", "--version") ? undefined : "the AWS CLI is not installed (pipx install awscli)";
  },
  async run(): Promise<Measurement[]> {
    const directory = mkdtempSync(join(tmpdir(), "iaso-bench-"));
    const moto = await Moto.start();
    try {
      for (let folder = 0; folder < 50; folder += 1) mkdirSync(join(directory, `folder${folder}`));
      for (let i = 0; i < FILES; i += 1) writeFile(directory, i, "first");
      const s3 = await moto.makeBucket("ours");
      await moto.makeBucket("theirs");
      const ours = (version: string): Promise<number> =>
        time("node", [
          "--require",
          "./cli/loader.cjs",
          "-e",
          PUBLISH,
          moto.endpoint,
          "ours",
          directory,
          version,
        ]);
      const theirs = (): Promise<number> =>
        time("aws", [
          "s3",
          "sync",
          directory,
          "s3://theirs/static",
          "--endpoint-url",
          moto.endpoint,
          "--only-show-errors",
        ]);
      await ours("first");
      await theirs();
      const times: { ours: number[]; theirs: number[] } = { ours: [], theirs: [] };
      let writes = 0;
      for (let round = 1; round <= ROUNDS; round += 1) {
        for (let i = 0; i < CHANGED; i += 1)
          writeFile(directory, (i * 241 + round) % FILES, `round ${round}`);
        const before = await countObjects(s3, "ours");
        times.ours.push(await ours(`round${round}`));
        writes = Math.max(writes, (await countObjects(s3, "ours")) - before);
        times.theirs.push(await theirs());
      }
      const version = execFileSync("aws", ["--version"], { encoding: "utf8" }).split(" ")[0]!;
      return [
        {
          name: `object writes of a sync of ${FILES} files with ${CHANGED} changed`,
          value: writes,
          limit: 25,
          unit: "writes",
        },
        {
          name: "sync / aws s3 sync",
          value: median(times.ours) / median(times.theirs),
          limit: 1,
          unit: "x",
          detail: `${median(times.ours).toFixed(2)} s / ${median(times.theirs).toFixed(2)} s with ${version}, median of ${ROUNDS}`,
        },
      ];
    } finally {
      moto.stop();
      rmSync(directory, { recursive: true, force: true });
    }
  },
};

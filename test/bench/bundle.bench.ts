import { execFileSync, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Bench, Measurement } from "./bench";

const ZIP = join(__dirname, "../../deploy/source/zip.ts");
const FILES = join(__dirname, "../../deploy/source/files.ts");
const ROUNDS = 5;
const MEGABYTE = 1024 * 1024;

/**
 * A checkout of the size and shape of Iaso's: 5,000 files, 75 MB, most of them small text, some images. The
 * content is the same in every run.
 */
function makeCheckout(directory: string, files: number, bytesEach: number): void {
  const words = Array.from({ length: 400 }, (_, i) =>
    createHash("md5")
      .update(String(i))
      .digest("hex")
      .slice(0, 2 + (i % 9)),
  );
  let seed = 1;
  const next = (below: number): number => {
    seed = (seed * 48_271) % 2_147_483_647;
    return seed % below;
  };
  for (let i = 0; i < files; i += 1) {
    const folder = join(directory, `app${i % 40}`, `module${i % 7}`);
    mkdirSync(folder, { recursive: true });
    const bytes = Math.round(bytesEach * [0.2, 0.3, 0.5, 1, 3][i % 5]!);
    if (i % 20 === 0) {
      writeFileSync(
        join(folder, `image${i}.png`),
        Buffer.from(Array.from({ length: bytes }, () => next(256))),
      );
      continue;
    }
    let text = "";
    while (text.length < bytes) text += `${words[next(words.length)]!}${next(6) === 0 ? "\n" : " "}`;
    writeFileSync(join(folder, `file${i}.py`), text);
  }
  const git = (...args: string[]): void => {
    execFileSync("git", ["-C", directory, "-c", "user.name=a", "-c", "user.email=a@example.org", ...args], {
      stdio: "ignore",
    });
  };
  git("init", "--quiet");
  git("add", "--all");
  git("commit", "--quiet", "-m", "First");
}

/** Builds a bundle in a process of its own and tells its time in seconds and its highest memory in bytes. */
async function bundle(source: string, output: string): Promise<{ seconds: number; memory: number }> {
  // Timed inside, because starting TypeScript is no part of the work; git archive starts in a few milliseconds.
  const script = `
    const { listTrackedFiles } = require(${JSON.stringify(FILES)});
    const { writeZip } = require(${JSON.stringify(ZIP)});
    void (async () => {
      const started = performance.now();
      await writeZip(${JSON.stringify(output)}, await listTrackedFiles(${JSON.stringify(source)}, false), Infinity);
      const seconds = (performance.now() - started) / 1000;
      console.log(JSON.stringify({ seconds, memory: process.resourceUsage().maxRSS * 1024 }));
    })();`;
  const child = spawn("node", ["--require", "./cli/loader.cjs", "-e", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let text = "";
  for await (const chunk of child.stdout) text += String(chunk);
  return JSON.parse(text) as { seconds: number; memory: number };
}

function archive(source: string, output: string): number {
  const started = performance.now();
  execFileSync("git", ["-C", source, "archive", "--format=zip", "-o", output, "HEAD"]);
  return (performance.now() - started) / 1000;
}

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1]!;

export const bench: Bench = {
  name: "Source bundle",
  async run(): Promise<Measurement[]> {
    const directory = mkdtempSync(join(tmpdir(), "iaso-bench-"));
    try {
      const source = join(directory, "source");
      makeCheckout(source, 5000, 15_000);
      const ours: number[] = [];
      const theirs: number[] = [];
      let small = 0;
      // In turns, so that a busy moment of the machine falls on both.
      for (let round = 0; round < ROUNDS; round += 1) {
        theirs.push(archive(source, join(directory, "archive.zip")));
        const { seconds, memory } = await bundle(source, join(directory, "bundle.zip"));
        ours.push(seconds);
        small = Math.max(small, memory);
      }
      const size = (name: string): string =>
        `${(statSync(join(directory, name)).size / MEGABYTE).toFixed(1)} MB`;
      const large = join(directory, "large");
      makeCheckout(large, 5000, 60_000);
      const { memory } = await bundle(large, join(directory, "large.zip"));
      return [
        {
          name: "bundle / git archive --format=zip",
          value: median(ours) / median(theirs),
          limit: 1.2,
          unit: "x",
          detail: `${median(ours).toFixed(2)} s (${size("bundle.zip")}) / ${median(theirs).toFixed(2)} s (${size("archive.zip")}), median of ${ROUNDS}`,
        },
        {
          name: "memory of a bundle four times as large / memory of a bundle",
          value: memory / small,
          limit: 1.25,
          unit: "x",
          detail: `${Math.round(memory / MEGABYTE)} MB for 300 MB of files / ${Math.round(small / MEGABYTE)} MB for 75 MB`,
        },
      ];
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  },
};

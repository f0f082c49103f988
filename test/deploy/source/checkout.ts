import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Context } from "mocha";
import { type Entry, fromBuffer } from "yauzl";

/** A file's text, or a link's target, or an executable's text. */
export type FileContent = string | { link: string } | { executable: string };

/** Runs git as a known author, without the machine's own settings. */
export function gitIn(directory: string, ...args: string[]): string {
  return execFileSync("git", ["-C", directory, ...args], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
    env: {
      ...process.env,
      GIT_CONFIG_GLOBAL: "/dev/null",
      GIT_CONFIG_SYSTEM: "/dev/null",
      GIT_AUTHOR_NAME: "Author",
      GIT_AUTHOR_EMAIL: "author@example.org",
      GIT_COMMITTER_NAME: "Author",
      GIT_COMMITTER_EMAIL: "author@example.org",
      GIT_AUTHOR_DATE: "2026-01-02T03:04:05Z",
      GIT_COMMITTER_DATE: "2026-01-02T03:04:05Z",
    },
  });
}

export function writeFiles(directory: string, files: Readonly<Record<string, FileContent>>): void {
  for (const [path, content] of Object.entries(files)) {
    const file = join(directory, path);
    mkdirSync(dirname(file), { recursive: true });
    if (typeof content === "string") writeFileSync(file, content);
    else if ("link" in content) symlinkSync(content.link, file);
    else {
      writeFileSync(file, content.executable);
      chmodSync(file, 0o755);
    }
  }
}

const made: string[] = [];

/** A directory that is removed when all tests are through. */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "iaso-deploy-"));
  made.push(directory);
  return directory;
}

/** Removes what `temporaryDirectory` made. */
export function removeTemporaryDirectories(): void {
  for (const directory of made.splice(0)) rmSync(directory, { recursive: true, force: true });
}

/** A git checkout with the files committed. */
export function makeCheckout(files: Readonly<Record<string, FileContent>>): string {
  const directory = temporaryDirectory();
  gitIn(directory, "init", "--quiet", "--initial-branch=main");
  writeFiles(directory, files);
  gitIn(directory, "add", "--all", "--force");
  gitIn(directory, "commit", "--quiet", "--allow-empty", "-m", "First");
  return directory;
}

/** The least that the deploy tool takes for Iaso. */
export function makeMinimalApplication(): string {
  return makeCheckout({
    "manage.py": "",
    "requirements.txt": "",
    "pyproject.toml": '[project]\nname = "Iaso"\nversion = "1"\n',
    "iaso-deploy.yaml":
      "build: []\ncollectStatic: [mkdir -p static && echo 1 > static/app.js]\ninclude: []\n",
    ".gitignore": "/static\n",
  });
}

export interface UnzippedEntry {
  mode: number;
  content: Buffer;
  date: Date;
}

/** Reads a zip file with a reader of its own, not with the library that wrote it. */
export async function unzip(bytes: Buffer): Promise<Map<string, UnzippedEntry>> {
  const entries = new Map<string, UnzippedEntry>();
  await new Promise<void>((resolve, reject) => {
    fromBuffer(bytes, { lazyEntries: true, validateEntrySizes: true }, (error, zip) => {
      if (error !== null) {
        reject(error);
        return;
      }
      zip.on("error", reject).on("end", resolve);
      zip.on("entry", (entry: Entry) => {
        zip.openReadStream(entry, (problem, stream) => {
          if (problem !== null) {
            reject(problem);
            return;
          }
          const chunks: Buffer[] = [];
          stream.on("data", (chunk: Buffer) => chunks.push(chunk)).on("error", reject);
          stream.on("end", () => {
            entries.set(entry.fileName, {
              mode: entry.externalFileAttributes >>> 16,
              content: Buffer.concat(chunks),
              date: entry.getLastModDate(),
            });
            zip.readEntry();
          });
        });
      });
      zip.readEntry();
    });
  });
  return entries;
}

/** Skips a test with a sentence that says what is missing. */
export function skip(context: Context, why: string): never {
  console.log(`      skipped: ${why}`);
  context.skip();
}

/** True if a program runs and succeeds. A shim on the PATH (pyenv's, for one) can exist and fail. */
export function installed(program: string, ...args: string[]): boolean {
  return spawnSync(program, args, { stdio: "ignore" }).status === 0;
}

/** The error that a promise is rejected with. */
export async function rejection(promise: Promise<unknown>): Promise<Error & { remedy?: string }> {
  return promise.then(
    () => {
      throw new Error("expected a rejection");
    },
    (error: unknown) => error as Error & { remedy?: string },
  );
}

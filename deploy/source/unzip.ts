import { createWriteStream } from "node:fs";
import { mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { type Entry, openPromise } from "yauzl";
import { type ZipEntry } from "./zip";

/**
 * Reads one file of a zip file.
 *
 * @returns undefined if the zip file does not contain it
 */
export async function readZipFile(zip: string, name: string): Promise<Buffer | undefined> {
  return (await readZipFiles(zip, new Set([name]))).get(name);
}

/** Reads the files of a zip file that have the given names, as far as it contains them. */
export async function readZipFiles(zip: string, names: ReadonlySet<string>): Promise<Map<string, Buffer>> {
  const contents = new Map<string, Buffer>();
  await eachEntry(zip, async ({ fileName }, open) => {
    if (names.has(fileName)) contents.set(fileName, await buffer(await open()));
  });
  return contents;
}

/**
 * Extracts the files of a zip file for `writeZip`. They get numbers as names, so that their paths in the zip file mean
 * nothing on this machine.
 *
 * @param directory a new or empty directory
 */
export async function extractZip(zip: string, directory: string): Promise<ZipEntry[]> {
  await mkdir(directory, { recursive: true });
  const entries: ZipEntry[] = [];
  await eachEntry(zip, async ({ externalFileAttributes, fileName: path, uncompressedSize: bytes }, open) => {
    const mode = externalFileAttributes >>> 16;
    if ((mode & 0o170000) === 0o120000) {
      entries.push({ path, mode, content: await buffer(await open()) });
      return;
    }
    const file = join(directory, String(entries.length));
    await pipeline(await open(), createWriteStream(file, { flags: "wx" }));
    entries.push({ path, mode, content: { file, bytes } });
  });
  return entries;
}

/** Unpacks a zip file into a directory, for reading: a link becomes a file that contains the link's target. */
export async function unpackZip(zip: string, directory: string): Promise<void> {
  await eachEntry(zip, async ({ fileName }, open) => {
    const path = join(directory, fileName);
    await mkdir(dirname(path), { recursive: true });
    await pipeline(await open(), createWriteStream(path, { flags: "wx" }));
  });
}

/** Calls a function for each file, one after the other. yauzl refuses paths that lead out of a directory. */
async function eachEntry(
  path: string,
  visit: (entry: Entry, open: () => Promise<Readable>) => Promise<void>,
): Promise<void> {
  const zip = await openPromise(path, { lazyEntries: true, validateEntrySizes: true });
  try {
    for await (const entry of zip.eachEntry()) {
      if (!entry.fileName.endsWith("/")) await visit(entry, () => zip.openReadStreamPromise(entry));
    }
  } finally {
    zip.close();
  }
}

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
 * Lists the files of a zip file, with the content of links and of the files that are asked for. The others have no content.
 */
export async function readZipEntries(zip: string, isWanted: (path: string) => boolean): Promise<ZipEntry[]> {
  const entries: ZipEntry[] = [];
  await eachEntry(zip, async ({ externalFileAttributes, fileName: path }, open) => {
    const mode = externalFileAttributes >>> 16;
    const isLink = (mode & 0o170000) === 0o120000;
    const content = isLink || isWanted(path) ? await buffer(await open()) : Buffer.alloc(0);
    entries.push({ path, mode, content });
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

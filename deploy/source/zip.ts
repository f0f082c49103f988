import { createHash } from "node:crypto";
import { once } from "node:events";
import { createReadStream, createWriteStream, readFileSync } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { extname } from "node:path";
import { type PassThrough, Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { ZipFile } from "yazl";
import { UserError } from "../../cli/userError";

/** One file of a source bundle. */
export interface ZipEntry {
  /** Path in the zip file, with forward slashes. */
  path: string;
  /** Unix mode with the file's type, for example 0o100644. */
  mode: number;
  /** The bytes (of a symbolic link: its target), or the file on disk that contains them. */
  content: Buffer | { file: string; bytes: number };
}

export interface WrittenZip {
  path: string;
  /** SHA-256 of the zip file, in hexadecimal. */
  sha256: string;
  bytes: number;
}

type ZipOutput = ZipFile["outputStream"] & Pick<PassThrough, "destroy" | "writableNeedDrain">;

/** https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/applications-sourcebundle.html */
const BEANSTALK_LIMIT_BYTES = 500 * 1024 * 1024;

/** Files up to this size are read whole and compressed in parallel; larger ones are streamed. */
const SMALL_FILE_BYTES = 1024 * 1024;
/** Limits of one batch, which is held in memory: bytes and number of files. */
const BATCH_BYTES = 4 * 1024 * 1024;
const BATCH_FILES = 256;
/** Batches that are read and compressed in advance, while another is written. */
const BATCHES_AHEAD = 2;

// Compressed formats, which are stored as they are.
const COMPRESSED = new Set(
  ".png .jpg .jpeg .gif .webp .mp4 .webm .woff .woff2 .gz .br .zip .xlsx .docx .pdf .gpkg.gz".split(" "),
);

/**
 * Writes a zip file whose bytes depend only on the entries: sorted by path, with a fixed date and no owner. Memory use
 * does not grow with the bundle. The file appears under its name only when it is complete.
 *
 * Node.js compresses with its zlib, so the bytes are the same only with the same version of Node.js.
 *
 * @throws UserError if the zip file is larger than `limitBytes`; it names the ten largest files
 */
export async function writeZip(
  path: string,
  entries: readonly ZipEntry[],
  limitBytes = BEANSTALK_LIMIT_BYTES,
): Promise<WrittenZip> {
  const sorted = [...entries].sort((a, b) => Buffer.compare(Buffer.from(a.path), Buffer.from(b.path)));
  const zip = new ZipFile();
  // yazl's output is a PassThrough, although its types declare only a readable stream.
  const output = zip.outputStream as ZipOutput;
  zip.on("error", (error: Error) => output.destroy(error));
  addBatches(zip, output, makeBatches(sorted));

  const hash = createHash("sha256");
  let bytes = 0;
  const measure = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      bytes += chunk.length;
      if (bytes > limitBytes) done(tooLarge(sorted, limitBytes));
      else done(null, chunk);
    },
  });
  const partial = `${path}.partial`;
  try {
    await pipeline(output, measure, createWriteStream(partial));
    await rename(partial, path);
  } catch (error) {
    zip.emit("error", error);
    await rm(partial, { force: true });
    throw error;
  }
  return { path, sha256: hash.digest("hex"), bytes };
}

function makeBatches(entries: readonly ZipEntry[]): ZipEntry[][] {
  const batches: ZipEntry[][] = [];
  let batch: ZipEntry[] = [];
  let size = 0;
  for (const entry of entries) {
    const bytes = sizeOf(entry);
    const full = batch.length === BATCH_FILES || size + bytes > BATCH_BYTES || bytes > SMALL_FILE_BYTES;
    if (full && batch.length > 0) {
      batches.push(batch);
      batch = [];
      size = 0;
    }
    batch.push(entry);
    size += bytes;
  }
  if (batch.length > 0) batches.push(batch);
  return batches;
}

/**
 * Adds the batches a few at a time, so that memory use does not grow with their number. yazl requests the data of a
 * lazy entry once all entries before it are written. The first entry of each batch is lazy, and its request adds one
 * more batch.
 */
function addBatches(zip: ZipFile, output: ZipOutput, batches: readonly ZipEntry[][]): void {
  let added = Promise.resolve();
  let next = 0;
  const addNext = (): void => {
    const index = next;
    next += 1;
    added = added.then(() => {
      if (index === batches.length) zip.end();
      const [first, ...rest] = batches[index] ?? [];
      if (first === undefined) return;
      zip.addReadStreamLazy(first.path, zipOptions(first), (done) => {
        addNext();
        void open(first, done);
      });
      for (const entry of rest) zip.addBuffer(readContent(entry), entry.path, zipOptions(entry));
    });
    added.catch((error: unknown) => zip.emit("error", error));
  };
  const open = async (entry: ZipEntry, done: (error: unknown, stream: Readable) => void): Promise<void> => {
    try {
      // The disk may be slower than the compression.
      if (output.writableNeedDrain) await once(output, "drain");
      const stream = openContent(entry);
      stream.on("error", (error) => zip.emit("error", error));
      done(null, stream);
    } catch (error) {
      zip.emit("error", error);
    }
  };
  for (let ahead = 0; ahead < BATCHES_AHEAD; ahead += 1) addNext();
}

function zipOptions(entry: ZipEntry) {
  return {
    // yazl writes the parts of the local time, so this gives the same bytes in every time zone.
    mtime: new Date(1980, 0, 1, 12),
    forceDosTimestamp: true,
    mode: entry.mode,
    compress: !COMPRESSED.has(extname(entry.path).toLowerCase()),
  };
}

function openContent({ content }: ZipEntry): Readable {
  return Buffer.isBuffer(content) ? Readable.from([content]) : createReadStream(content.file);
}

/** Reads synchronously: for a small file, an asynchronous read takes longer. */
function readContent({ content }: ZipEntry): Buffer {
  return Buffer.isBuffer(content) ? content : readFileSync(content.file);
}

function sizeOf({ content }: ZipEntry): number {
  return Buffer.isBuffer(content) ? content.length : content.bytes;
}

function tooLarge(entries: readonly ZipEntry[], limitBytes: number): UserError {
  const largest = [...entries].sort((a, b) => sizeOf(b) - sizeOf(a)).slice(0, 10);
  const lines = largest.map((entry) => `  ${megabytes(sizeOf(entry))}  ${entry.path}`);
  return new UserError(
    `The source bundle exceeds Elastic Beanstalk's limit of ${megabytes(limitBytes)}. Its largest files are:\n${lines.join("\n")}`,
    "Add files that the servers do not need to `exclude` in the checkout's iaso-deploy.yaml",
  );
}

function megabytes(bytes: number): string {
  return `${(bytes / 1024 / 1024).toFixed(1)} MB`;
}

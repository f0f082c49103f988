import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readdir, readFile, stat } from "node:fs/promises";
import { join, posix } from "node:path";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { contentType, lookup } from "mime-types";
import { mapParallel } from "../mapParallel";
import { UserError } from "../../cli/userError";

/** How a static file is stored and answered. */
export interface StaticHeaders {
  contentType: string;
  cacheControl: string;
  /** "gzip" where the bytes are stored compressed. */
  contentEncoding?: "gzip";
}

const YEAR_SECONDS = 31_536_000;
const IMMUTABLE = `public, max-age=${YEAR_SECONDS}, immutable`;
/** Five minutes: how long a browser may show a file of the version before. */
export const SHORT = "public, max-age=300, must-revalidate";

/**
 * A digest in the name: at least 12 hexadecimal digits between dots or dashes, as webpack and Django write them
 * (app-0123456789abcdef0123.js, base.27e20196a850.css). Shorter runs may be a date or a word, and a name that
 * is wrongly taken for immutable stays in browsers for a year; the other way round costs a request. So a run
 * without a letter, which may be a time stamp, does not count either.
 */
const HASHED_NAME = /[-.](?=\d*[a-f])[0-9a-f]{12,64}(?:\.[A-Za-z0-9]+)+$/;

export function isHashedName(path: string): boolean {
  return HASHED_NAME.test(posix.basename(path));
}

const COMPRESSIBLE =
  /^(text\/|application\/(javascript|json|xml|geo\+json|manifest\+json|wasm|vnd\.ms-fontobject)|image\/(svg\+xml|bmp|x-icon|vnd\.microsoft\.icon)|font\/(ttf|otf|collection))/;

/** Below this, gzip's own frame outweighs what it saves. */
const COMPRESS_FROM_BYTES = 512;
/** Larger files are not held in memory, so they are stored as they are. */
const COMPRESS_TO_BYTES = 32 * 1024 * 1024;

/**
 * How a file is to be answered.
 *
 * S3 sends what it stores; it does not look at what a client accepts, and neither does CloudFront for an object
 * that has an encoding. So a file is stored once, in the one form that every client can read. For text that is
 * gzip: every browser of the last twenty years accepts it, and Iaso's oldest supported browsers (Chrome 55,
 * Safari 11) do. Brotli would be a fifth smaller, but is not accepted over plain HTTP, by most download tools
 * and by older Android web views. A tool that asks without accepting gzip gets gzip all the same (`curl
 * --compressed` reads it).
 */
export function headersOf(path: string, bytes: number): StaticHeaders {
  const type = lookup(path) || "application/octet-stream";
  const compress = COMPRESSIBLE.test(type) && bytes >= COMPRESS_FROM_BYTES && bytes <= COMPRESS_TO_BYTES;
  return {
    contentType: contentType(type) || type,
    cacheControl: isHashedName(path) ? IMMUTABLE : SHORT,
    ...(compress ? { contentEncoding: "gzip" } : {}),
  };
}

/** A file to publish, with the digest of its bytes before compression. */
export interface StaticFile {
  /** Path below the directory, with forward slashes. */
  path: string;
  file: string;
  bytes: number;
  sha256: string;
}

/**
 * Lists a directory with the digest of each file, `parallel` files at a time.
 * @throws UserError for a link that leads to no file.
 */
export async function listStaticFiles(directory: string, parallel: number): Promise<StaticFile[]> {
  const paths = (await readdir(directory, { recursive: true, withFileTypes: true }))
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name));
  return mapParallel(paths.sort(), parallel, async (file) => {
    const stats = await stat(file).catch(() => undefined);
    if (stats?.isFile() !== true) {
      throw new UserError(
        `${file} is not a file, or a link to one.`,
        "Collect the static files as copies (collectstatic without --link).",
      );
    }
    const { size } = stats;
    return {
      path: file.slice(directory.length).split("\\").join("/").replace(/^\/+/, ""),
      file,
      bytes: size,
      sha256: await digest(file, size),
    };
  });
}

const READ_WHOLE_BYTES = 4 * 1024 * 1024;

async function digest(file: string, bytes: number): Promise<string> {
  const hash = createHash("sha256");
  if (bytes <= READ_WHOLE_BYTES) return hash.update(await readFile(file)).digest("hex");
  for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
  return hash.digest("hex");
}

const compress = promisify(gzip);

/** The bytes to store: compressed where the headers say so, and a stream where the file is large. */
export async function openBody(
  { file, bytes, sha256 }: StaticFile,
  headers: StaticHeaders,
): Promise<{ body: Buffer | ReturnType<typeof createReadStream>; bytes: number; sha256: Buffer }> {
  if (headers.contentEncoding === undefined) {
    const body = bytes <= READ_WHOLE_BYTES ? await readFile(file) : createReadStream(file);
    return { body, bytes, sha256: Buffer.from(sha256, "hex") };
  }
  const body = await compress(await readFile(file), { level: 9 });
  return { body, bytes: body.length, sha256: createHash("sha256").update(body).digest() };
}

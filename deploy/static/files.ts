import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readdir, readFile, realpath, stat } from "node:fs/promises";
import { join, posix } from "node:path";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { contentType, lookup } from "mime-types";
import { mapParallel } from "../mapParallel";
import { UserError } from "../../cli/userError";

/** The headers with which a static file is stored and served. */
export interface StaticHeaders {
  contentType: string;
  cacheControl: string;
  /** "gzip" if the bytes are stored compressed. */
  contentEncoding?: "gzip";
}

const YEAR_SECONDS = 31_536_000;
const IMMUTABLE = `public, max-age=${YEAR_SECONDS}, immutable`;
/** Five minutes: the longest time that a browser shows a file of the previous version. */
export const SHORT = "public, max-age=300, must-revalidate";

/**
 * A digest in a file name: at least 12 hexadecimal digits, one of them a letter, between dots or dashes, as webpack and
 * Django write them (app-0123456789abcdef0123.js, base.27e20196a850.css). The pattern is strict, because fewer digits
 * may be a word, and digits alone a timestamp. A file wrongly served as immutable stays in browsers for a year; a digest
 * that is not recognized costs only a request.
 */
const HASHED_NAME = /[-.](?=\d*[a-f])[0-9a-f]{12,64}(?:\.[A-Za-z0-9]+)+$/;

export function isHashedName(path: string): boolean {
  return HASHED_NAME.test(posix.basename(path));
}

const COMPRESSIBLE =
  /^(text\/|application\/(javascript|json|xml|geo\+json|manifest\+json|wasm|vnd\.ms-fontobject)|image\/(svg\+xml|bmp|x-icon|vnd\.microsoft\.icon)|font\/(ttf|otf|collection))/;

/** Below this size gzip saves nothing. */
const COMPRESS_FROM_BYTES = 512;
/** Larger files are stored uncompressed, because they are not held in memory. */
const COMPRESS_TO_BYTES = 32 * 1024 * 1024;

/**
 * The headers of a static file.
 *
 * S3 sends an object as it is stored, whatever the client accepts, and so does CloudFront for an object with an
 * encoding. So each file is stored once, in a form that every client can read. For text that is gzip, which all
 * browsers accept, including Iaso's oldest supported ones (Chrome 55, Safari 11). Brotli is a fifth smaller, but clients
 * do not accept it over plain HTTP, nor do most download tools and older Android web views. A client that does not
 * accept gzip gets gzip too (`curl --compressed` reads it).
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
 * Lists a directory with the digest of each file, and reads `parallel` files at a time.
 *
 * @param root The directory that a link may not lead out of. Static files are public, so a link could publish any file.
 * @returns an empty list if there is no such directory
 * @throws UserError for a link whose target is not a file in `root`
 */
export async function listStaticFiles(
  directory: string,
  root: string,
  parallel: number,
): Promise<StaticFile[]> {
  const realRoot = await realpath(root);
  const children = await readdir(directory, { recursive: true, withFileTypes: true }).catch(() => []);
  const paths = children
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name));
  return mapParallel(paths.sort(), parallel, async (file) => {
    const stats = await stat(file).catch(() => undefined);
    if (stats?.isFile() !== true) {
      throw new UserError(
        `${file} is neither a file nor a link to one.`,
        "Collect the static files as copies (collectstatic without --link).",
      );
    }
    if (!(await realpath(file)).startsWith(`${realRoot}/`)) {
      throw new UserError(
        `${file} leads out of the checkout, to ${await realpath(file)}.`,
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

/** Opens the bytes to store: compressed if the headers say so, as a stream if the file is large. */
export async function openBody(
  { file, bytes, sha256 }: StaticFile,
  headers: StaticHeaders,
): Promise<{ body: Buffer | ReturnType<typeof createReadStream>; bytes: number; sha256: Buffer }> {
  if (headers.contentEncoding === undefined) {
    const body = bytes <= READ_WHOLE_BYTES ? await readFile(file) : createReadStream(file);
    return { body, bytes, sha256: Buffer.from(sha256, "hex") };
  }
  const content = await readFile(file);
  if (createHash("sha256").update(content).digest("hex") !== sha256)
    throw new Error(`${file} changed after its digest was taken`);
  const body = await compress(content, { level: 9 });
  return { body, bytes: body.length, sha256: createHash("sha256").update(body).digest() };
}

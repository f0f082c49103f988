import { createReadStream, createWriteStream } from "node:fs";
import { copyFile, lstat, mkdir, readdir, rm, rmdir, writeFile } from "node:fs/promises";
import { dirname, join, posix } from "node:path";
import { PassThrough } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { extract, type Header } from "tar-stream";
import { z } from "zod";
import { UserError } from "../../cli/userError";
import { fileOf, FILES, type ImageFile, type LocalImage } from "./artifact";
import { DIGEST, type ImageReference, parseImage, Registry, type RegistryManifest } from "./registry";

/** An image that exists in its registry. */
export interface PinnedImage {
  /** The name that the user gave. */
  name: string;
  reference: ImageReference;
  tag: string;
  /** The digest of the image; of its index if the image is built for several platforms. */
  digest: string;
  /** The time of the image's build, ISO 8601. */
  created: string;
  /** The manifest for linux/amd64. */
  manifest: RegistryManifest;
  /** Digest of the configuration that the manifest names. */
  config: string;
  /** The layers for linux/amd64, lowest first. */
  layers: readonly { digest: string; mediaType: string }[];
}

/** The instances are x86_64: Iaso's images and Python packages exist for no other architecture. */
const PLATFORM = { os: "linux", architecture: "amd64" };

const descriptor = z.object({ digest: z.string().regex(DIGEST), mediaType: z.string() });
const index = z.object({
  manifests: z.array(
    descriptor.extend({ platform: z.object({ os: z.string(), architecture: z.string() }).optional() }),
  ),
});
const manifest = z.object({ config: descriptor, layers: z.array(descriptor) });
const config = z.object({ created: z.string().optional() });

/**
 * Resolves an image name to a digest in its registry.
 *
 * @throws UserError if the image does not exist, access is denied, or it is not built for linux/amd64
 */
export async function pinImage(name: string): Promise<PinnedImage> {
  const reference = parseImage(name);
  const registry = new Registry(reference);
  const top = await registry.manifest(reference.reference);
  let own = top;
  const list = index.safeParse(top.document);
  if (list.success) {
    const child = list.data.manifests.find(
      ({ platform }) => platform?.os === PLATFORM.os && platform.architecture === PLATFORM.architecture,
    );
    if (child === undefined) {
      throw new UserError(
        `The image ${name} is not built for linux/amd64.`,
        "Build it with: docker build --platform linux/amd64",
      );
    }
    own = await registry.manifest(child.digest);
  }
  const { config: configDescriptor, layers } = manifest.parse(own.document);
  const { created } = config.parse(await registry.json(configDescriptor.digest));
  return {
    name,
    reference,
    tag: reference.reference.startsWith("sha256:") ? (tagIn(name) ?? "") : reference.reference,
    digest: top.digest,
    created: created ?? "",
    manifest: own,
    config: configDescriptor.digest,
    layers,
  };
}

function tagIn(name: string): string | undefined {
  return /:([\w][\w.-]*)@/.exec(name)?.[1];
}

/**
 * Downloads the manifest, the configuration and the layers of an image, each into the file that its digest names. The
 * instances get exactly these bytes.
 *
 * @param directory The directory of the files, as `fileOf` names them.
 */
export async function downloadImage(
  image: PinnedImage,
  directory: string,
  onProgress?: (message: string) => void,
): Promise<Omit<LocalImage, "service">> {
  const registry = new Registry(image.reference);
  await mkdir(join(directory, FILES), { recursive: true });
  const { body, digest, mediaType } = image.manifest;
  const located = (name: string): { sha256: string; path: string } => {
    const sha256 = name.replace("sha256:", "");
    return { sha256, path: fileOf(directory, { sha256 }) };
  };
  const manifestFile = { ...located(digest), bytes: body.length };
  await writeFile(manifestFile.path, body);
  const blobs: ImageFile[] = [];
  const names = [...new Set([image.config, ...image.layers.map((layer) => layer.digest)])];
  for (const [number, name] of names.entries()) {
    onProgress?.(`Downloading part ${number + 1} of ${names.length} of ${image.name}`);
    const { path, sha256 } = located(name);
    blobs.push({ sha256, path, bytes: await registry.download(name, path) });
  }
  return { mediaType, manifest: manifestFile, blobs };
}

/**
 * Extracts one directory from a downloaded image without a Docker engine: reads the layers as streams and applies them,
 * with their whiteouts, in order.
 *
 * @param files The directory into which the image was downloaded.
 * @throws UserError if the image has no such directory
 * @see https://github.com/opencontainers/image-spec/blob/main/layer.md
 */
export async function extractDirectory(
  image: PinnedImage,
  files: string,
  directory: string,
  target: string,
  onProgress?: (message: string) => void,
): Promise<void> {
  const prefix = `${posix.normalize(directory).replace(/^\/|\/$/g, "")}/`;
  await mkdir(target, { recursive: true });
  for (const [number, layer] of image.layers.entries()) {
    onProgress?.(`Reading layer ${number + 1} of ${image.layers.length} of ${image.name}`);
    await applyLayer(files, layer, prefix, target);
  }
  if ((await readdir(target)).length === 0) {
    throw new UserError(
      `The image ${image.name} has no files in ${directory}.`,
      "Set `image.staticDirectory` in the checkout's iaso-deploy.yaml to the image's directory of static files.",
    );
  }
}

async function applyLayer(
  files: string,
  layer: { digest: string; mediaType: string },
  prefix: string,
  target: string,
): Promise<void> {
  if (layer.mediaType.endsWith("zstd")) {
    throw new UserError(
      `A layer of the image is compressed with zstd, which this tool does not support.`,
      "Push the image with gzip layers (the default of docker build).",
    );
  }
  const untar = extract();
  // The files of this layer. An opaque whiteout hides only lower layers, wherever it is in the archive.
  const own = new Set<string>();
  const reading = (async () => {
    for await (const entry of untar) {
      const path = entryPath(entry.header);
      if (`${path}/`.startsWith(prefix) || hidesPrefix(path, prefix)) {
        await applyEntry(entry.header, path, { prefix, target, own }, entry);
      }
      entry.resume();
    }
  })();
  const gunzip = /gzip$/.test(layer.mediaType) ? createGunzip() : new PassThrough();
  const file = createReadStream(fileOf(files, { sha256: layer.digest.replace("sha256:", "") }));
  await Promise.all([pipeline(file, gunzip, untar), reading]);
}

/** The path in the image. A path that leaves the image normalizes to one below no directory. */
function entryPath(header: Header): string {
  return posix.normalize(header.name.replace(/^\/+/, "")).replace(/\/$/, "");
}

const WHITEOUT = ".wh.";
const OPAQUE = ".wh..wh..opq";

/** True for a whiteout of the directory itself or of a parent. */
function hidesPrefix(path: string, prefix: string): boolean {
  const name = posix.basename(path);
  if (!name.startsWith(WHITEOUT)) return false;
  const hidden =
    name === OPAQUE ? posix.dirname(path) : posix.join(posix.dirname(path), name.slice(WHITEOUT.length));
  return prefix.startsWith(`${hidden}/`);
}

async function applyEntry(
  header: Header,
  path: string,
  { prefix, target, own }: { prefix: string; target: string; own: Set<string> },
  content: AsyncIterable<unknown>,
): Promise<void> {
  if (hidesPrefix(path, prefix)) {
    await empty(target, own);
    return;
  }
  const file = join(target, path.slice(prefix.length));
  const name = posix.basename(path);
  if (name === OPAQUE) {
    await empty(dirname(file), own);
  } else if (name.startsWith(WHITEOUT)) {
    await rm(join(dirname(file), name.slice(WHITEOUT.length)), { recursive: true, force: true });
  } else if (header.type === "directory") {
    await makeDirectory(file);
  } else if (header.type === "file" || header.type === "contiguous-file") {
    await makeDirectory(dirname(file));
    await rm(file, { recursive: true, force: true });
    await pipeline(content, createWriteStream(file));
    own.add(file);
  } else if (header.type === "link") {
    const linked = posix.normalize(header.linkname.replace(/^\/+/, ""));
    if (!linked.startsWith(prefix)) throw outsideLink(path, linked);
    await makeDirectory(dirname(file));
    await copyFile(join(target, linked.slice(prefix.length)), file);
    own.add(file);
  } else {
    throw outsideLink(path, header.linkname || header.type);
  }
}

/** Creates a directory, and replaces a file of that name in a lower layer. */
async function makeDirectory(path: string): Promise<void> {
  const stats = await lstat(path).catch(() => undefined);
  if (stats?.isFile() === true) await rm(path);
  await mkdir(path, { recursive: true });
}

function outsideLink(path: string, linked: string): UserError {
  return new UserError(
    `/${path} in the image is a link or special file (${linked}), which cannot be published.`,
    "Collect the static files as copies (collectstatic without --link).",
  );
}

async function empty(directory: string, keep: ReadonlySet<string>): Promise<void> {
  for (const child of await readdir(directory, { withFileTypes: true }).catch(() => [])) {
    const path = join(directory, child.name);
    if (child.isDirectory()) {
      await empty(path, keep);
      await rmdir(path).catch(() => undefined);
    } else if (!keep.has(path)) {
      await rm(path);
    }
  }
}

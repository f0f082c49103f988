import { createHash } from "node:crypto";
import { constants, createReadStream } from "node:fs";
import { copyFile, lstat, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { z } from "zod";
import { UserError } from "../../cli/userError";
import { mapParallel } from "../mapParallel";
import { migrationList } from "./migrations";
import { LABEL } from "./version";
import type { ZipEntry } from "./zip";

/** The file that lists all others of an artifact. Its SHA-256 is the artifact's. */
export const LIST = "build.json";
/** The directory of files that are stored under their digests. */
export const FILES = "files";
/** Files that are copied or read at the same time. */
const PARALLEL = 32;

const digest = z.string().regex(/^[0-9a-f]{64}$/);
const path = z
  .string()
  .max(1024)
  .refine((text) => isInside(text), "not a path inside a directory");
const file = z.strictObject({ path, sha256: digest, bytes: z.int().min(0) });

/** A list of files, no two with one path: the second could be written through a link that the first one is. */
const files = <File extends z.ZodType<{ path: string }>>(one: File) =>
  z
    .array(one)
    .refine((all) => new Set(all.map(({ path }) => path)).size === all.length, "names a path twice");

// Code of the application runs in the process that writes the list, so the deployment trusts nothing in it.
const schema = z.strictObject({
  version: z.string().regex(LABEL),
  commit: z.string().regex(/^[0-9a-f]{40,64}$/),
  dirty: z.boolean(),
  platform: z.enum(["python", "docker"]),
  plugins: z.array(z.string().regex(/^[\w-]+$/)),
  /** The application's files in the bundle; a link's content is its target. None on the docker platform. */
  application: files(file.extend({ type: z.enum(["file", "executable", "link"]) })),
  /** The static files to publish. On the docker platform the deployment extracts them from the image. */
  static: files(file),
  wheels: z.array(
    file.omit({ path: true }).extend({ name: z.string().regex(/^[A-Za-z0-9][\w.!+-]*\.whl$/) }),
  ),
  /** The worker's periodic tasks, as the text of cron.yaml. */
  cron: z.optional(z.string()),
  /** The migrations that the version knows. */
  migrations: z.optional(migrationList),
  /** The docker platform's images. */
  image: z.optional(
    z.strictObject({
      name: z.string(),
      proxy: z.string(),
      directory: z.string().startsWith("/"),
      staticDirectory: z.string().startsWith("/"),
    }),
  ),
});

const blob = file.omit({ path: true });

/** The record of a version in its bundle: everything that another environment needs to run the same version. */
export const versionRecord = schema
  .pick({
    version: true,
    commit: true,
    dirty: true,
    platform: true,
    plugins: true,
    static: true,
    wheels: true,
  })
  .extend({
    /** The front end, which a later version with the same inputs takes: its files are in the bundle. */
    frontEnd: z.optional(
      z.strictObject({ inputs: digest, files: files(file.extend({ executable: z.boolean() })) }),
    ),
    /** The images that the compose file names; none on the python platform. */
    images: z
      .array(
        z.strictObject({
          /** The service of the compose file. */
          service: z.enum(["iaso", "nginx"]),
          mediaType: z.string(),
          manifest: blob,
          /** The configuration and the layers. */
          blobs: z.array(blob),
        }),
      )
      .default([]),
  });

export type VersionRecord = z.infer<typeof versionRecord>;
export type ImageRecord = VersionRecord["images"][number];

/** A file of an image on this machine. */
export interface ImageFile {
  sha256: string;
  bytes: number;
  path: string;
}

/** An image on this machine: its manifest, and all that the manifest names. */
export interface LocalImage extends Omit<ImageRecord, "manifest" | "blobs"> {
  manifest: ImageFile;
  blobs: readonly ImageFile[];
}

/** The list in an artifact. */
export type BuildList = z.infer<typeof schema>;

/** A file on this machine whose bytes match its digest. */
export interface BuiltFile {
  path: string;
  file: string;
  sha256: string;
  bytes: number;
}

/** A build as it is read from its directory, each file verified. */
export interface Artifact extends Omit<BuildList, "application" | "static" | "wheels"> {
  application: ZipEntry[];
  static: BuiltFile[];
  wheels: { name: string; path: string; sha256: string; bytes: number }[];
}

const TYPES: Record<number, BuildList["application"][number]["type"]> = {
  0o100644: "file",
  0o100755: "executable",
  0o120777: "link",
};
const MODES = { file: 0o100644, executable: 0o100755, link: 0o120777 };

/** True for the path of a file below a directory, without control characters, and not of git's own data. */
export function isInside(text: string): boolean {
  const parts = text.split("/");
  return !/[\p{Cc}\\]/u.test(text) && parts.every((part) => !/^(|\.|\.\.|\.git)$/i.test(part));
}

/** An artifact that is being written: copies files under their digests, and writes the list last. */
export class ArtifactWriter {
  private constructor(private readonly directory: string) {}

  /** @throws UserError if the directory has files */
  static async create(directory: string): Promise<ArtifactWriter> {
    await mkdir(join(directory, FILES), { recursive: true });
    const present = (await readdir(directory)).filter((name) => name !== FILES);
    if (present.length > 0 || (await readdir(join(directory, FILES))).length > 0) {
      throw new UserError(
        `The directory ${directory} is not empty, so old files could get into the build.`,
        `rm -r ${directory}`,
      );
    }
    return new ArtifactWriter(directory);
  }

  async addApplication(entries: readonly ZipEntry[]): Promise<BuildList["application"]> {
    return mapParallel(entries, PARALLEL, async ({ content, mode, path: name }) => {
      const type = TYPES[mode];
      if (type === undefined) throw new Error(`${name} has the unknown mode ${mode.toString(8)}`);
      return { path: name, type, ...(await this.add(content)) };
    });
  }

  async addFiles<T extends { sha256: string; bytes: number }>(
    files: readonly T[],
    fileOf: (one: T) => string,
  ): Promise<void> {
    await mapParallel(files, PARALLEL, (one) => this.add({ file: fileOf(one), bytes: one.bytes }));
  }

  /** @returns the artifact's SHA-256, in hexadecimal */
  async finish(list: BuildList): Promise<string> {
    const text = Buffer.from(`${JSON.stringify(schema.parse(list))}\n`);
    await writeFile(join(this.directory, LIST), text);
    return hash(text);
  }

  private async add(content: ZipEntry["content"]): Promise<{ sha256: string; bytes: number }> {
    if (Buffer.isBuffer(content)) {
      const sha256 = hash(content);
      await writeFile(fileOf(this.directory, { sha256 }), content);
      return { sha256, bytes: content.length };
    }
    const sha256 = await hashFile(content.file);
    await copyFile(content.file, fileOf(this.directory, { sha256 }), constants.COPYFILE_FICLONE);
    return { sha256, bytes: content.bytes };
  }
}

/**
 * Reads an artifact and verifies each of its files. Follows no link, and reads only files below the directory.
 *
 * @throws UserError if the list's digest is not `sha256`, the list is invalid, or a file is missing or differs
 */
export async function readArtifact(directory: string, sha256: string): Promise<Artifact> {
  const text = await readRegular(join(directory, LIST));
  if (text === undefined) {
    throw new UserError(
      `There is no build in ${directory}: ${LIST} is missing.`,
      "Build it: npm run deploy -- build <env> --source ../iaso --output <directory>",
    );
  }
  if (hash(text) !== sha256) {
    throw new UserError(
      `The build in ${directory} has the SHA-256 ${hash(text)}, not ${sha256}.`,
      "Use the SHA-256 that the build printed; if it is this one, somebody changed the build, so build again",
    );
  }
  const result = schema.safeParse(parseJson(text));
  if (!result.success) {
    const [issue] = result.error.issues;
    throw invalid(directory, `${LIST}: ${issue?.path.join(".") ?? ""}: ${issue?.message ?? ""}`);
  }
  const list = result.data;
  const differs = await findDifference(directory, [...list.application, ...list.static, ...list.wheels]);
  if (differs !== undefined) throw invalid(directory, differs);
  const application = await mapParallel(list.application, PARALLEL, async (one) => ({
    path: one.path,
    mode: MODES[one.type],
    content:
      one.type === "link"
        ? await readFile(fileOf(directory, one))
        : { file: fileOf(directory, one), bytes: one.bytes },
  }));
  return { ...list, ...located(directory, list), application };
}

/**
 * The path of a file that is stored under its digest in a directory.
 *
 * @throws Error for a text that is no digest: a registry could name another file with it
 */
export function fileOf(directory: string, { sha256 }: { sha256: string }): string {
  digest.parse(sha256);
  return join(directory, FILES, sha256);
}

/** The static files and packages of a list, with their paths on this machine. */
export function located(
  directory: string,
  list: Pick<BuildList, "static" | "wheels">,
): Pick<Artifact, "static" | "wheels"> {
  return {
    static: list.static.map((one) => ({ ...one, file: fileOf(directory, one) })),
    wheels: list.wheels.map((one) => ({ ...one, path: fileOf(directory, one) })),
  };
}

/** The images of a record, with the paths of their files on this machine. */
export function locatedImages(directory: string, images: readonly ImageRecord[]): LocalImage[] {
  const locate = (one: ImageRecord["manifest"]): ImageFile => ({ ...one, path: fileOf(directory, one) });
  return images.map((image) => ({
    ...image,
    manifest: locate(image.manifest),
    blobs: image.blobs.map(locate),
  }));
}

/**
 * Verifies files that are stored under their digests in `files/` of a directory. Follows no link.
 *
 * @returns a sentence about the first file that is missing or differs; undefined if there is none
 */
export async function findDifference(
  directory: string,
  files: readonly { sha256: string; bytes: number }[],
): Promise<string | undefined> {
  const distinct = new Map(files.map((one) => [one.sha256, one]));
  const differences = await mapParallel([...distinct.values()], PARALLEL, async ({ bytes, sha256 }) => {
    const name = fileOf(directory, { sha256 });
    const stats = await lstat(name).catch(() => undefined);
    const same = stats?.isFile() === true && stats.size === bytes && (await hashFile(name)) === sha256;
    return same ? [] : [`the file ${FILES}/${sha256} is missing or differs`];
  });
  return differences.flat()[0];
}

async function readRegular(name: string): Promise<Buffer | undefined> {
  const stats = await lstat(name).catch(() => undefined);
  return stats?.isFile() === true ? readFile(name) : undefined;
}

function parseJson(text: Buffer): unknown {
  try {
    return JSON.parse(text.toString("utf8"));
  } catch {
    return undefined;
  }
}

function invalid(directory: string, what: string): UserError {
  return new UserError(
    `The build in ${directory} is invalid (${what}).`,
    "Build again with this version of the deploy tool",
  );
}

/** All files of images. */
export function filesOf<File>(images: readonly { manifest: File; blobs: readonly File[] }[]): File[] {
  return images.flatMap(({ blobs, manifest }) => [manifest, ...blobs]);
}

/** The SHA-256 of the content of an entry, in hexadecimal. */
export async function digestOf(content: ZipEntry["content"]): Promise<string> {
  return Buffer.isBuffer(content) ? hash(content) : hashFile(content.file);
}

function hash(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}

export async function hashFile(name: string): Promise<string> {
  const result = createHash("sha256");
  await pipeline(createReadStream(name), result);
  return result.digest("hex");
}

import { createHash } from "node:crypto";
import { constants, createWriteStream, type Dirent, lstatSync } from "node:fs";
import {
  chmod,
  copyFile,
  lstat,
  mkdir,
  readdir,
  readFile,
  readlink,
  symlink,
  writeFile,
} from "node:fs/promises";
import { join, posix } from "node:path";
import { PassThrough, type Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { mapParallel } from "../mapParallel";
import { UserError } from "../../cli/userError";
import { git, splitZ } from "./git";
import { requireInside } from "./paths";
import type { ZipEntry } from "./zip";

const SYMLINK = 0o120777;
const EXECUTABLE = 0o100755;
const REGULAR = 0o100644;

/** Files that are read at the same time. */
const PARALLEL = 32;

/**
 * Lists the files under version control, including submodules, as entries of the source bundle. Modes come from git
 * and not from the disk, so that they do not depend on the umask of the clone.
 *
 * In a clean checkout, a tracked file that a build command changed is read from the commit: the bundle of a commit
 * contains that commit.
 *
 * @throws UserError for a submodule that is not checked out, a file that is not fetched from Git LFS, or a name that a
 *   zip file cannot contain
 */
export async function listTrackedFiles(repository: string, dirty: boolean, prefix = ""): Promise<ZipEntry[]> {
  const [changed, index, lfs] = await Promise.all([
    git(repository, ["diff", "--name-only", "--no-renames", "-z", "HEAD"]),
    git(repository, ["ls-files", "--stage", "-z"]),
    git(repository, ["ls-files", "-z", "--", ":(attr:filter=lfs)"]),
  ]);
  const rewritten = new Set(splitZ(changed).map(String));
  const inLfs = new Set(splitZ(lfs).map(String));
  const entries = await mapParallel(splitZ(index), PARALLEL, async (record): Promise<ZipEntry[]> => {
    const mode = record.subarray(0, 6).toString();
    const name = decodeName(record.subarray(record.indexOf(9) + 1), prefix);
    const path = prefix + name;
    const file = join(repository, name);
    if (mode === "160000") return listSubmodule(file, path, dirty);
    const committed = async (): Promise<ZipEntry> => ({
      path,
      mode: zipMode(mode),
      content: await git(repository, ["cat-file", "blob", `HEAD:${name}`]),
    });
    const onDisk =
      !dirty && rewritten.has(name)
        ? undefined
        : await readEntry(file, path, mode === "120000" ? undefined : zipMode(mode));
    // Not on disk: deleted if the checkout may be dirty, otherwise omitted by a sparse checkout.
    if (onDisk === undefined && dirty) return [];
    const entry = onDisk ?? (await committed());
    if (inLfs.has(name)) await refusePointer(entry);
    return [entry];
  });
  return entries.flat();
}

function zipMode(gitMode: string): number {
  if (gitMode === "120000") return SYMLINK;
  return gitMode === "100755" ? EXECUTABLE : REGULAR;
}

/** The beginning of the file that stands for one in Git LFS. https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md */
const LFS_POINTER = "version https://git-lfs.github.com/spec/";

async function refusePointer({ content, path }: ZipEntry): Promise<void> {
  if (!Buffer.isBuffer(content) && content.bytes >= 1024) return;
  const bytes = Buffer.isBuffer(content) ? content : await readFile(content.file);
  if (!bytes.toString("latin1", 0, LFS_POINTER.length).startsWith(LFS_POINTER)) return;
  throw new UserError(
    `The content of ${path} is in Git LFS and not in the checkout, so the servers would get a pointer instead.`,
    "git lfs pull",
  );
}

async function listSubmodule(directory: string, path: string, dirty: boolean): Promise<ZipEntry[]> {
  const checkedOut = await lstat(join(directory, ".git")).then(
    () => true,
    () => false,
  );
  if (!checkedOut) {
    throw new UserError(
      `The submodule ${path} is not checked out, so its files would be missing on the servers.`,
      "git submodule update --init --recursive",
    );
  }
  return listTrackedFiles(directory, dirty, `${path}/`);
}

/**
 * Lists a file, or the files of a directory, that the build created and that are not under version control. Omits
 * `.git`, because the directory can be the checkout of a plugin.
 *
 * @returns undefined if the path does not exist
 * @throws UserError if the path is outside the checkout
 */
export async function listBuiltFiles(source: string, path: string): Promise<ZipEntry[] | undefined> {
  const normal = requireInside(path, "include");
  const stats = await lstat(join(source, normal)).catch(() => undefined);
  if (stats === undefined) return undefined;
  if (!stats.isDirectory()) return present([await readEntry(join(source, normal), normal)]);
  return walk(source, normal);
}

/** Lists the files of a directory, with paths relative to it. */
export async function listOverlay(directory: string): Promise<ZipEntry[]> {
  return walk(directory, "");
}

async function walk(root: string, path: string): Promise<ZipEntry[]> {
  const entries: (ZipEntry | undefined)[] = [];
  const children: Dirent<Buffer>[] = await readdir(join(root, path), {
    withFileTypes: true,
    encoding: "buffer",
  });
  for (const child of children) {
    const name = decodeName(child.name, path === "" ? "" : `${path}/`);
    if (name === ".git" || name === "__pycache__") continue;
    const childPath = path === "" ? name : `${path}/${name}`;
    if (child.isDirectory()) entries.push(...(await walk(root, childPath)));
    else entries.push(await readEntry(join(root, childPath), childPath));
  }
  return present(entries);
}

function present(entries: readonly (ZipEntry | undefined)[]): ZipEntry[] {
  return entries.filter((entry) => entry !== undefined);
}

async function readEntry(file: string, path: string, mode?: number): Promise<ZipEntry | undefined> {
  const stats = lstatSync(file, { throwIfNoEntry: false });
  if (stats?.isSymbolicLink() === true) {
    return { path, mode: SYMLINK, content: await readlink(file, "buffer") };
  }
  if (stats?.isFile() !== true) return undefined;
  const ownMode = (stats.mode & 0o100) === 0 ? REGULAR : EXECUTABLE;
  return { path, mode: mode ?? ownMode, content: { file, bytes: stats.size } };
}

function decodeName(bytes: Buffer, prefix: string): string {
  const name = bytes.toString("utf8");
  if (!Buffer.from(name, "utf8").equals(bytes)) {
    throw new UserError(
      `The file name ${prefix}${name} is not UTF-8.`,
      "Rename the file in the application.",
    );
  }
  // Zip readers interpret \ as a separator and C: as a drive, because Windows does.
  if (name.includes("\\") || (prefix === "" && /^[A-Za-z]:/.test(name))) {
    throw new UserError(
      `The file name ${prefix}${name} has a backslash or begins with a drive letter, which a zip file cannot contain.`,
      "Rename the file in the application.",
    );
  }
  return name;
}

/**
 * Writes a stream to a file.
 *
 * @param decode decodes the stream, such as gunzip; by default nothing does
 * @returns the SHA-256 (hexadecimal) and the size of the file
 */
export async function writeStream(
  body: Readable,
  path: string,
  { decode = new PassThrough(), signal }: { decode?: Transform; signal?: AbortSignal } = {},
): Promise<{ sha256: string; bytes: number }> {
  const hash = createHash("sha256");
  const measure = new Transform({
    transform(chunk: Buffer, _, done) {
      hash.update(chunk);
      done(null, chunk);
    },
  });
  const file = createWriteStream(path);
  await pipeline(body, decode, measure, file, { signal });
  return { sha256: hash.digest("hex"), bytes: file.bytesWritten };
}

/** The entries by path; of several with one path, the last. */
export const byPath = (entries: readonly ZipEntry[]): ZipEntry[] => [
  ...new Map(entries.map((entry) => [entry.path, entry])).values(),
];

/**
 * Writes entries as files and links into a new directory. It follows no link and writes over nothing: code of the
 * application chooses the entries of a build, and this may run with the credentials of a deployment.
 *
 * @param entries one for each path
 */
export async function writeEntries(directory: string, entries: readonly ZipEntry[]): Promise<void> {
  const folders = new Set([".", ...entries.map(({ path }) => posix.dirname(path))]);
  for (const folder of folders) await mkdir(join(directory, folder), { recursive: true });
  await mapParallel(entries, PARALLEL, async ({ content, mode, path }) => {
    const target = join(directory, path);
    if (mode === SYMLINK && Buffer.isBuffer(content)) {
      await symlink(content, target);
      return;
    }
    if (Buffer.isBuffer(content)) await writeFile(target, content, { flag: "wx" });
    else await copyFile(content.file, target, constants.COPYFILE_EXCL);
    await chmod(target, mode & 0o777);
  });
}

/** Reads a text file. Returns undefined if it does not exist. */
export async function readIfPresent(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { UserError } from "../../cli/userError";
import { listStaticFiles, type StaticFile } from "../static/files";
import {
  type Artifact,
  type ImageFile,
  type LocalImage,
  type VersionRecord,
  versionRecord,
} from "./artifact";
import { periodicTasks } from "./cron";
import { downloadImage, extractDirectory, pinImage } from "./image";
import {
  composeFile,
  environmentConfig,
  isHostingFile,
  overlayFiles,
  requireNoHostingConflict,
  textEntry,
} from "./overlay";
import { withVersion } from "./pyproject";
import { wheelList } from "./wheels";
import { type WrittenZip, writeZip, type ZipEntry } from "./zip";

/** The bundle's record of its version. */
export const RECORD_FILE = "iaso-deploy/version.json";

/** Static files of an image that are read at the same time. */
const PARALLEL = 16;

export interface BundleArgs {
  /** A directory for the bundle and the image's static files. */
  directory: string;
  /** The user that the application shows at /_health/. Part of the bundle. */
  deployedBy?: string;
  /** The front end in the build, for later versions. */
  frontEnd?: VersionRecord["frontEnd"];
  onProgress?: (message: string) => void;
}

/** The source bundle of a version, and the static files and images to publish. */
export interface SourceBundle {
  bundle: WrittenZip;
  staticFiles: readonly StaticFile[];
  images: readonly LocalImage[];
}

/**
 * Writes the source bundle of a build: the application's files, and the files of deploy/bundle that configure the
 * hosting. Web and worker get the same bundle, and the same arguments give the same bytes. Runs no code of the
 * application.
 *
 * @throws UserError if a file of the application would change the hosting, or the image cannot be read
 */
export async function writeBundle(artifact: Artifact, args: BundleArgs): Promise<SourceBundle> {
  return artifact.platform === "python" ? writePython(artifact, args) : writeDocker(artifact, args);
}

async function writePython(artifact: Artifact, args: BundleArgs): Promise<SourceBundle> {
  const application = artifact.application.filter(({ path }) => !isHostingFile(path));
  requireNoHostingConflict(application);
  args.onProgress?.("Writing the source bundle");
  const entries = layered([
    application,
    await versionFile(artifact),
    await overlayFiles("python"),
    [textEntry("iaso-deploy/wheels.txt", wheelList(artifact.wheels))],
    environmentConfig(deployedBy(args)),
    cronFile(artifact),
    migrationsFile(artifact),
    [recordFile(artifact, artifact.static, [], args.frontEnd)],
  ]);
  const bundle = await writeZip(bundlePath(artifact, args), entries);
  return { bundle, staticFiles: artifact.static, images: [] };
}

async function writeDocker(artifact: Artifact, args: BundleArgs): Promise<SourceBundle> {
  if (artifact.image === undefined) throw new UserError("The build names no image.", "Build it with --image");
  const { directory, name, proxy: proxyName, staticDirectory } = artifact.image;
  args.onProgress?.(`Looking up ${name}`);
  const application = await pinImage(name);
  const proxy = await pinImage(proxyName);
  const files = join(args.directory, "images");
  const images: LocalImage[] = [
    { service: "iaso", ...(await downloadImage(application, files, args.onProgress)) },
    { service: "nginx", ...(await downloadImage(proxy, files, args.onProgress)) },
  ];
  const target = join(args.directory, "static");
  await extractDirectory(application, files, staticDirectory, target, args.onProgress);
  const staticFiles = await listStaticFiles(target, target, PARALLEL);
  args.onProgress?.("Writing the source bundle");
  const project = textEntry(
    "iaso-deploy/pyproject.toml",
    `# Mounted over the image's file, which has the version of the build.\n[project]\nname = "Iaso"\nversion = ${JSON.stringify(artifact.version)}\n`,
  );
  const entries = layered([
    await overlayFiles("docker"),
    [await composeFile(images, directory), project],
    environmentConfig({
      ...deployedBy(args),
      PROD_IMAGE_TAG: application.tag,
      PROD_IMAGE_DIGEST: application.digest,
      PROD_IMAGE_CREATION: application.created,
    }),
    cronFile(artifact),
    migrationsFile(artifact),
    [recordFile(artifact, staticFiles, images)],
  ]);
  return { bundle: await writeZip(bundlePath(artifact, args), entries), staticFiles, images };
}

function bundlePath({ version }: Artifact, { directory }: BundleArgs): string {
  return join(directory, `${version}.zip`);
}

/** Merges lists into one entry for each path. Later lists override earlier ones. */
function layered(lists: readonly (readonly ZipEntry[])[]): ZipEntry[] {
  return [...new Map(lists.flat().map((entry) => [entry.path, entry])).values()];
}

function deployedBy(args: BundleArgs): Record<string, string> {
  return args.deployedBy === undefined ? {} : { DEPLOYED_BY: args.deployedBy };
}

/** pyproject.toml with the deployed version; no entry if the application has none with a version. */
async function versionFile({ application, version }: Artifact): Promise<ZipEntry[]> {
  const content = application.find(({ path }) => path === "pyproject.toml")?.content;
  if (content === undefined || Buffer.isBuffer(content)) return [];
  const changed = withVersion(await readFile(content.file, "utf8"), version);
  return changed === undefined ? [] : [textEntry("pyproject.toml", changed)];
}

/** cron.yaml; checked again, because Beanstalk refuses a version with an invalid one. */
function cronFile({ cron, plugins }: Artifact): ZipEntry[] {
  const tasks = cron === undefined ? undefined : periodicTasks([{ path: "cron.yaml", text: cron }], plugins);
  return tasks === undefined ? [] : [textEntry("cron.yaml", tasks)];
}

/** The migrations that the version knows, which the check of the next version reads. */
function migrationsFile({ migrations }: Artifact): ZipEntry[] {
  return migrations === undefined
    ? []
    : [textEntry("iaso-deploy/migrations.json", JSON.stringify(migrations))];
}

/** The record of the version, from which another environment can take it over. */
function recordFile(
  artifact: Artifact,
  staticFiles: readonly StaticFile[],
  images: readonly LocalImage[],
  frontEnd?: VersionRecord["frontEnd"],
): ZipEntry {
  const recorded = ({ bytes, sha256 }: ImageFile) => ({ sha256, bytes });
  const { commit, dirty, platform, plugins, version } = artifact;
  const record: VersionRecord = versionRecord.parse({
    ...{ version, commit, dirty, platform, plugins },
    static: staticFiles.map(({ path, sha256, bytes }) => ({ path, sha256, bytes })),
    wheels: artifact.wheels.map(({ name, sha256, bytes }) => ({ name, sha256, bytes })),
    images: images.map(({ service, mediaType, manifest, blobs }) => ({
      ...{ service, mediaType },
      manifest: recorded(manifest),
      blobs: blobs.map(recorded),
    })),
    frontEnd,
  });
  return textEntry(RECORD_FILE, JSON.stringify(record));
}

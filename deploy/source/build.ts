import { mkdir, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { UserError } from "../../cli/userError";
import { runCommand } from "./commands";
import { type CronFile, periodicTasks } from "./cron";
import { listBuiltFiles, listTrackedFiles, readIfPresent } from "./files";
import { extractDirectory, pinImage, type PinnedImage } from "./image";
import {
  composeFile,
  environmentConfig,
  isHostingFile,
  overlayFiles,
  type Platform,
  textEntry,
} from "./overlay";
import { withVersion } from "./pyproject";
import { exportRequirements } from "./requirements";
import { readSourceSettings, SETTINGS_FILE, type SourceSettings } from "./settings";
import type { Version } from "./version";
import { type WrittenZip, writeZip, type ZipEntry } from "./zip";

export interface BuildArgs {
  /** The application's checkout. */
  source: string;
  platform: Platform;
  /** From `resolveVersion`. */
  version: Version;
  /** Directory for the bundle and, on the docker platform, the static files. */
  outputDirectory: string;
  /** The application's image, with a tag or digest; needed on the docker platform. */
  image?: string;
  /** Plugins that the environment enables, for static files and periodic tasks. */
  plugins?: readonly string[];
  /** Shown by the application at /_health/. Part of the bundle's bytes. */
  deployedBy?: string;
  /** Uses what the build commands left in the checkout instead of running them. */
  skipBuild?: boolean;
  onProgress?: (message: string) => void;
}

export interface BuiltSource {
  bundle: WrittenZip;
  /** The static files to publish. */
  staticDirectory: string;
  /** The application's image as pinned; only on the docker platform. */
  image?: PinnedImage;
}

/**
 * Builds the source bundle and the static files of a version. The bundle is the same for web and worker, and
 * the same arguments give the same bytes.
 * @throws UserError for all that the checkout, its settings or the image's name have wrong.
 */
export async function buildSource(args: BuildArgs): Promise<BuiltSource> {
  const settings = await readSourceSettings(args.source);
  await mkdir(args.outputDirectory, { recursive: true });
  return args.platform === "python" ? buildPython(args, settings) : buildDocker(args, settings);
}

async function buildPython(args: BuildArgs, settings: SourceSettings): Promise<BuiltSource> {
  const { source, version } = args;
  if (args.skipBuild !== true) await runBuild(args, settings);
  const staticDirectory = join(source, settings.staticDirectory);
  if ((await readdir(staticDirectory).catch(() => [])).length === 0) {
    throw new UserError(
      `There are no static files in ${staticDirectory}.`,
      `Deploy without --skip-build, or set \`staticDirectory\` in the checkout's ${SETTINGS_FILE}.`,
    );
  }
  args.onProgress?.("Writing the source bundle");
  const tracked = await listTrackedFiles(source, version.dirty);
  const built = (await Promise.all(settings.include.map((path) => listBuiltFiles(source, path)))).flat();
  requirePlugins(args, [...tracked, ...built]);
  const requirements = await exportRequirements(source, tracked);
  const entries = layered([
    built,
    tracked.filter(({ path }) => !isHostingFile(path) && !isExcluded(path, settings.exclude)),
    requirements === undefined ? [] : [requirements],
    await versionFile(source, tracked, version),
    await overlayFiles("python"),
    environmentConfig(deployedBy(args)),
    await cronFile(args, settings),
  ]);
  return { bundle: await writeZip(bundlePath(args), entries), staticDirectory };
}

async function runBuild(args: BuildArgs, settings: SourceSettings): Promise<void> {
  for (const command of [...settings.build, ...settings.collectStatic]) {
    args.onProgress?.(`Running ${command}`);
    await runCommand(command, {
      directory: args.source,
      onLine: args.onProgress,
      env: {
        PLUGINS: (args.plugins ?? []).join(","),
        // Static files are collected into a folder: an empty value counts as not set for the application.
        USE_S3: "",
        USE_AZURE_STORAGE: "",
        STATIC_URL: "",
        // Django wants a key to start; nothing is signed with it here.
        SECRET_KEY: "only-for-collecting-static-files",
      },
    });
  }
}

async function buildDocker(args: BuildArgs, settings: SourceSettings): Promise<BuiltSource> {
  if (args.image === undefined) {
    throw new UserError(
      "The environments run on the Docker platform, but no image was named.",
      "Give it with --image, for example --image blsq/iaso:2026.07.28",
    );
  }
  args.onProgress?.(`Looking up ${args.image}`);
  const application = await pinImage(args.image);
  const proxy = await pinImage(settings.image.proxy);
  const staticDirectory = join(args.outputDirectory, `static-${args.version.label}`);
  await rm(staticDirectory, { recursive: true, force: true });
  await extractDirectory(application, settings.image.staticDirectory, staticDirectory, args.onProgress);
  args.onProgress?.("Writing the source bundle");
  const project = textEntry(
    "iaso-deploy/pyproject.toml",
    `# Mounted over the image's own file, which has the version of the build.\n[project]\nname = "Iaso"\nversion = ${JSON.stringify(args.version.label)}\n`,
  );
  const entries = layered([
    await overlayFiles("docker"),
    [await composeFile({ application, proxy, directory: settings.image.directory }), project],
    environmentConfig({
      ...deployedBy(args),
      PROD_IMAGE_TAG: application.tag,
      PROD_IMAGE_DIGEST: application.digest,
      PROD_IMAGE_CREATION: application.created,
    }),
    await cronFile(args, settings),
  ]);
  return { bundle: await writeZip(bundlePath(args), entries), staticDirectory, image: application };
}

function bundlePath(args: BuildArgs): string {
  return join(args.outputDirectory, `${args.version.label}.zip`);
}

/** One entry for each path; later lists win over earlier ones. */
function layered(lists: readonly (readonly ZipEntry[])[]): ZipEntry[] {
  return [...new Map(lists.flat().map((entry) => [entry.path, entry])).values()];
}

function isExcluded(path: string, exclude: readonly string[]): boolean {
  return exclude.some((name) => path === name || path.startsWith(`${name.replace(/\/$/, "")}/`));
}

function deployedBy(args: BuildArgs): Record<string, string> {
  return args.deployedBy === undefined ? {} : { DEPLOYED_BY: args.deployedBy };
}

/** The application does not start where PLUGINS names one that is not there. */
function requirePlugins({ plugins = [], source }: BuildArgs, entries: readonly ZipEntry[]): void {
  for (const plugin of plugins) {
    if (entries.some(({ path }) => path.startsWith(`plugins/${plugin}/`))) continue;
    throw new UserError(
      `The environment enables the plugin "${plugin}" (PLUGINS), but ${source} has no plugins/${plugin}.`,
      `Check it out there and name plugins/${plugin} under \`include\` in the checkout's ${SETTINGS_FILE}, ` +
        "or take it out of the environment's PLUGINS.",
    );
  }
}

/** pyproject.toml with the deployed version, where the checkout has one with a version. */
async function versionFile(
  source: string,
  tracked: readonly ZipEntry[],
  version: Version,
): Promise<ZipEntry[]> {
  const entry = tracked.find(({ path }) => path === "pyproject.toml");
  if (entry === undefined) return [];
  const text = Buffer.isBuffer(entry.content)
    ? entry.content
    : await readFile(join(source, "pyproject.toml"));
  const changed = withVersion(text.toString("utf8"), version.label);
  return changed === undefined ? [] : [textEntry("pyproject.toml", changed)];
}

/** The application's periodic tasks and those that an enabled plugin brings in a file of its own. */
async function cronFile(args: BuildArgs, settings: SourceSettings): Promise<ZipEntry[]> {
  const plugins = args.plugins ?? [];
  const paths = [settings.cron, ...plugins.map((plugin) => `plugins/${plugin}/cron.yaml`)];
  const files: CronFile[] = [];
  for (const path of paths) {
    const text = await readIfPresent(join(args.source, path));
    if (text !== undefined) files.push({ path, text });
  }
  const tasks = periodicTasks(files, plugins);
  return tasks === undefined ? [] : [textEntry("cron.yaml", tasks)];
}

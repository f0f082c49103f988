import { mkdir, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { UserError } from "../../cli/userError";
import { runCommand } from "./commands";
import { type CronFile, periodicTasks } from "./cron";
import { listBuiltFiles, listTrackedFiles, readIfPresent, writeEntries } from "./files";
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
import { lockedRequirements } from "./requirements";
import { readSourceSettings, SETTINGS_FILE, type SourceSettings } from "./settings";
import { provideTools } from "./tools";
import type { Version } from "./version";
import { collectWheels, type Wheel, wheelList } from "./wheels";
import { type WrittenZip, writeZip, type ZipEntry } from "./zip";

/** Browsers' developer tools read source maps from the static files; servers do not read them. */
const SOURCE_MAP = /\.(js|css)\.map$/;

export interface BuildArgs {
  /** The application's checkout. */
  source: string;
  platform: Platform;
  /** The result of `resolveVersion`. */
  version: Version;
  /** The directory for the bundle, the export of the commit, the packages and the static files. */
  outputDirectory: string;
  /** The application's image, with a tag or digest; required on the docker platform. */
  image?: string;
  /** The plugins that the environment enables. They add static files and periodic tasks. */
  plugins?: readonly string[];
  /** The user that the application shows at /_health/. Part of the bundle. */
  deployedBy?: string;
  /** Uses the files that an earlier build left in the checkout, instead of running the build commands. */
  skipBuild?: boolean;
  onProgress?: (message: string) => void;
}

export interface BuiltSource {
  bundle: WrittenZip;
  /** The static files to publish. */
  staticDirectory: string;
  /** The Python packages to upload, which the bundle lists; none on the docker platform. */
  wheels: Wheel[];
  /** The application's image, pinned by digest; only on the docker platform. */
  image?: PinnedImage;
}

/**
 * Builds the source bundle and the static files of a version. Web and worker get the same bundle, and the same
 * arguments give the same bytes.
 *
 * @throws UserError for any mistake in the checkout, its settings or the image's name
 */
export async function buildSource(args: BuildArgs): Promise<BuiltSource> {
  const settings = await readSourceSettings(args.source);
  await mkdir(args.outputDirectory, { recursive: true });
  return args.platform === "python" ? buildPython(args, settings) : buildDocker(args, settings);
}

async function buildPython(args: BuildArgs, settings: SourceSettings): Promise<BuiltSource> {
  const { source, version } = args;
  const locked = await listTrackedFiles(source, version.dirty);
  const tools = await provideTools(source, join(args.outputDirectory, "tools"), {
    frontEnd: args.skipBuild !== true && settings.build.length > 0,
  });
  if (tools.descriptions.length > 0) args.onProgress?.(`Building with ${tools.descriptions.join(", ")}`);
  // Before the build commands, which take minutes: a package without a wheel for the servers is found early.
  args.onProgress?.("Collecting the Python packages");
  const wheels = await collectWheels({
    source,
    requirements: await lockedRequirements(source, locked, tools.env),
    pyproject: await readIfPresent(join(source, "pyproject.toml")),
    directory: join(args.outputDirectory, "packages"),
  });
  const directory = await buildDirectory(args, settings);
  if (args.skipBuild !== true) await runBuild(args, settings, directory, tools.env);
  const staticDirectory = join(directory, settings.staticDirectory);
  if ((await readdir(staticDirectory).catch(() => [])).length === 0) {
    throw new UserError(
      `There are no static files in ${staticDirectory}.`,
      fixMissingFiles(args, "`staticDirectory`"),
    );
  }
  args.onProgress?.("Writing the source bundle");
  const tracked = await listTrackedFiles(source, version.dirty);
  const built: ZipEntry[] = [];
  for (const path of settings.include) {
    const entries = await listBuiltFiles(directory, path);
    if (entries === undefined) {
      throw new UserError(
        `The built files ${path} are missing in ${directory}.`,
        fixMissingFiles(args, "`include`"),
      );
    }
    built.push(...entries.filter((entry) => !SOURCE_MAP.test(entry.path)));
  }
  requirePlugins(args, [...tracked, ...built]);
  const entries = layered([
    built,
    tracked.filter(({ path }) => !isHostingFile(path) && !isExcluded(path, settings.exclude)),
    await versionFile(source, tracked, version),
    await overlayFiles("python"),
    [textEntry("iaso-deploy/wheels.txt", wheelList(wheels))],
    environmentConfig(deployedBy(args)),
    await cronFile(args, settings),
  ]);
  return { bundle: await writeZip(bundlePath(args), entries), staticDirectory, wheels };
}

/** The fix for files that the build should have left in the checkout. */
function fixMissingFiles({ skipBuild }: BuildArgs, setting: string): string {
  const correct = `correct ${setting} in the checkout's ${SETTINGS_FILE}`;
  return skipBuild === true
    ? `Deploy without --skip-build, or ${correct}.`
    : `The build commands did not create them: check \`build\` and \`collectStatic\`, or ${correct}.`;
}

/**
 * The directory in which the build commands run: an export of the commit, so that nothing of an earlier build gets into
 * this one. A checkout with changes is built in place, and so is one whose earlier build is used.
 */
async function buildDirectory(args: BuildArgs, settings: SourceSettings): Promise<string> {
  const { source, version } = args;
  if (version.dirty || args.skipBuild === true) return source;
  const directory = join(args.outputDirectory, "source");
  await rm(directory, { recursive: true, force: true });
  const entries = await listTrackedFiles(source, false);
  // Checkouts of plugins are not under version control, and the build needs them.
  for (const path of settings.include.filter((one) => one.startsWith("plugins/"))) {
    entries.push(...((await listBuiltFiles(source, path)) ?? []));
  }
  await writeEntries(directory, entries);
  return directory;
}

async function runBuild(
  args: BuildArgs,
  settings: SourceSettings,
  directory: string,
  toolsEnv: Readonly<Record<string, string>>,
): Promise<void> {
  for (const command of [...settings.build, ...settings.collectStatic]) {
    args.onProgress?.(`Running ${command}`);
    await runCommand(command, {
      directory,
      onLine: args.onProgress,
      env: {
        ...toolsEnv,
        PLUGINS: (args.plugins ?? []).join(","),
        // For the application an empty value is the same as none, so it collects static files into a folder.
        USE_S3: "",
        USE_AZURE_STORAGE: "",
        STATIC_URL: "",
        // Django needs a key to start. Nothing is signed with it here.
        SECRET_KEY: "only-for-collecting-static-files",
      },
    });
  }
}

async function buildDocker(args: BuildArgs, settings: SourceSettings): Promise<BuiltSource> {
  if (args.image === undefined) {
    throw new UserError(
      "The environments run on the Docker platform, but no image is given.",
      "Add it, for example: --image blsq/iaso:2026.07.28",
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
    `# Mounted over the image's file, which has the version of the build.\n[project]\nname = "Iaso"\nversion = ${JSON.stringify(args.version.label)}\n`,
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
  return {
    bundle: await writeZip(bundlePath(args), entries),
    staticDirectory,
    wheels: [],
    image: application,
  };
}

function bundlePath(args: BuildArgs): string {
  return join(args.outputDirectory, `${args.version.label}.zip`);
}

/** Merges lists into one entry for each path. Later lists override earlier ones. */
function layered(lists: readonly (readonly ZipEntry[])[]): ZipEntry[] {
  return [...new Map(lists.flat().map((entry) => [entry.path, entry])).values()];
}

function isExcluded(path: string, exclude: readonly string[]): boolean {
  return exclude.some((name) => path === name || path.startsWith(`${name.replace(/\/$/, "")}/`));
}

function deployedBy(args: BuildArgs): Record<string, string> {
  return args.deployedBy === undefined ? {} : { DEPLOYED_BY: args.deployedBy };
}

/** Checks that each plugin is in the bundle: the application does not start without one that PLUGINS names. */
function requirePlugins({ plugins = [], source }: BuildArgs, entries: readonly ZipEntry[]): void {
  for (const plugin of plugins) {
    if (entries.some(({ path }) => path.startsWith(`plugins/${plugin}/`))) continue;
    throw new UserError(
      `The environment enables the plugin "${plugin}" (PLUGINS), but ${source} has no plugins/${plugin}.`,
      `Check it out there and add plugins/${plugin} to \`include\` in the checkout's ${SETTINGS_FILE}, ` +
        "or remove it from the environment's PLUGINS.",
    );
  }
}

/** pyproject.toml with the deployed version; no entry if the checkout has none with a version. */
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

/** The periodic tasks of the application and of the enabled plugins, which have a file of their own. */
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

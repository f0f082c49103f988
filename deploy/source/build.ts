import { rm } from "node:fs/promises";
import { join } from "node:path";
import { UserError } from "../../cli/userError";
import { listStaticFiles } from "../static/files";
import { ArtifactWriter, type BuildList } from "./artifact";
import { runCommand } from "./commands";
import { type CronFile, periodicTasks } from "./cron";
import { byPath, listBuiltFiles, listOverlay, listTrackedFiles, readIfPresent, writeEntries } from "./files";
import { buildFrontEnd, filesOfFrontEnd, SOURCE_MAP } from "./frontEnd";
import { listMigrations } from "./migrations";
import { isHostingFile, type Platform, requireNoHostingConflict, requireNothingBelowLinks } from "./overlay";
import { isListed, requireInside } from "./paths";
import { lockedRequirements } from "./requirements";
import { readSourceSettings, SETTINGS_FILE, type SourceSettings } from "./settings";
import { provideTools } from "./tools";
import type { Version } from "./version";
import { collectWheels } from "./wheels";
import type { ZipEntry } from "./zip";

/** Static files that are read at the same time. */
const PARALLEL = 16;

export interface BuildArgs {
  /** The application's checkout. */
  source: string;
  platform: Platform;
  /** The result of `resolveVersion`. */
  version: Version;
  /** The directory for the artifact; new or empty. */
  outputDirectory: string;
  /** A directory for the export of the commit and the packages. Its content is replaced. */
  workDirectory: string;
  /** The application's image, with a tag or digest; required on the docker platform. */
  image?: string;
  /** The plugins that the environment enables. They add static files and periodic tasks. */
  plugins?: readonly string[];
  /** Uses the files that an earlier build left in the checkout, instead of running the build commands. */
  skipBuild?: boolean;
  /** A directory with the built front end, whose commands do not run then. */
  frontEnd?: string;
  onProgress?: (message: string) => void;
  /** Called when a step begins. */
  onStep?: (title: string) => void;
}

/**
 * Builds a version of the application into an artifact, which `readArtifact` reads. Runs code of the application (its
 * build commands, its packages' install scripts, git in its checkout), so its process must have no credentials. Nothing
 * in it is trusted: the deployment adds the files that configure the hosting.
 *
 * @returns the artifact's SHA-256, in hexadecimal
 * @throws UserError for any mistake in the checkout or its settings
 */
export async function buildSource(args: BuildArgs): Promise<string> {
  const settings = await readSourceSettings(args.source);
  const writer = await ArtifactWriter.create(args.outputDirectory);
  const built =
    args.platform === "python" ? await buildPython(args, settings, writer) : buildDocker(args, settings);
  const { commit, dirty, label } = args.version;
  return writer.finish({
    version: label,
    commit,
    dirty,
    platform: args.platform,
    plugins: [...(args.plugins ?? [])],
    cron: await cronFile(args, settings),
    migrations: await listMigrations({
      source: args.source,
      files: await listTrackedFiles(args.source, dirty),
      plugins: args.plugins ?? [],
      workDirectory: args.workDirectory,
      onProgress: args.onProgress,
      onStep: args.onStep,
    }),
    ...built,
  });
}

/**
 * Builds only the front end of a commit into an artifact: nothing but code of the front end and of its packages runs.
 *
 * @returns the artifact's SHA-256, in hexadecimal
 * @throws UserError for any mistake in the checkout or its settings
 */
export async function buildOnlyFrontEnd(args: BuildArgs): Promise<string> {
  const settings = await readSourceSettings(args.source);
  const writer = await ArtifactWriter.create(args.outputDirectory);
  const tools = await provideTools(args.source, join(args.workDirectory, "tools"), { frontEnd: true });
  args.onProgress?.(`Building the front end with ${tools.descriptions.join(", ")}`);
  const entries = await runFrontEnd(args, settings, tools.env, await filesOf(args, settings));
  const { commit, label } = args.version;
  return writer.finish({
    ...{ version: label, commit, dirty: false, platform: "python", plugins: [...(args.plugins ?? [])] },
    application: await writer.addApplication(entries),
    static: [],
    wheels: [],
  });
}

type Built = Pick<BuildList, "application" | "static" | "wheels" | "image">;

async function buildPython(
  args: BuildArgs,
  settings: SourceSettings,
  writer: ArtifactWriter,
): Promise<Built> {
  const { source, version } = args;
  requireInside(settings.staticDirectory, "staticDirectory");
  const locked = await listTrackedFiles(source, version.dirty);
  const isIncluded = ({ path }: ZipEntry): boolean =>
    !isListed(path, settings.exclude) && !SOURCE_MAP.test(path);
  requireNoHostingConflict(locked.filter(isIncluded));
  const tools = await provideTools(source, join(args.workDirectory, "tools"), {
    frontEnd: args.skipBuild !== true && settings.build.length > 0,
  });
  if (tools.descriptions.length > 0) args.onProgress?.(`Building with ${tools.descriptions.join(", ")}`);
  // Before the build commands, which take minutes: a package without a wheel for the servers is found early.
  args.onStep?.("Collecting the Python packages");
  const wheels = await collectWheels({
    source,
    requirements: await lockedRequirements(source, locked, tools.env),
    pyproject: await readIfPresent(join(source, "pyproject.toml")),
    directory: join(args.workDirectory, "packages"),
  });
  const directory = await buildDirectory(args, settings, tools.env);
  if (args.skipBuild !== true) {
    for (const command of settings.collectStatic) await runIn(directory, command, args, tools.env);
  }
  const staticFiles = await listStaticFiles(join(directory, settings.staticDirectory), directory, PARALLEL);
  if (staticFiles.length === 0) {
    throw new UserError(
      `There are no static files in ${join(directory, settings.staticDirectory)}.`,
      fixMissingFiles(args, "`staticDirectory`"),
    );
  }
  args.onStep?.("Collecting the files of the bundle");
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
    built.push(...entries.filter(({ path: name }) => !SOURCE_MAP.test(name)));
  }
  requirePlugins(args, [...tracked, ...built]);
  const application = byPath([...built, ...tracked.filter(isIncluded)]);
  requireNoHostingConflict(application);
  await writer.addFiles(staticFiles, ({ file }) => file);
  await writer.addFiles(wheels, ({ path }) => path);
  return {
    application: await writer.addApplication(application.filter(({ path }) => !isHostingFile(path))),
    static: staticFiles.map(({ path, sha256, bytes }) => ({ path, sha256, bytes })),
    wheels: wheels.map(({ name, sha256, bytes }) => ({ name, sha256, bytes })),
  };
}

/** The fix for files that the build should have left in the checkout. */
function fixMissingFiles({ skipBuild }: BuildArgs, setting: string): string {
  const correct = `correct ${setting} in the checkout's ${SETTINGS_FILE}`;
  return skipBuild === true
    ? `Deploy without --skip-build, or ${correct}.`
    : `The build commands did not create them: check \`build\` and \`collectStatic\`, or ${correct}.`;
}

/**
 * Returns the directory in which the static files are collected: an export of the commit with its front end, so that
 * nothing of an earlier build gets into this one. A checkout with changes is built in place, and so is one whose earlier
 * build is used.
 */
async function buildDirectory(
  args: BuildArgs,
  settings: SourceSettings,
  toolsEnv: Readonly<Record<string, string>>,
): Promise<string> {
  const { frontEnd, source, version } = args;
  if (args.skipBuild === true) return source;
  if (version.dirty) {
    for (const command of settings.build) await runIn(source, command, args, toolsEnv);
    return source;
  }
  const files = await filesOf(args, settings);
  const built =
    frontEnd === undefined
      ? await runFrontEnd(args, settings, toolsEnv, files)
      : filesOfFrontEnd(await listOverlay(frontEnd), files, settings);
  const directory = join(args.workDirectory, "source");
  const entries = byPath([...built, ...files]);
  requireNothingBelowLinks(entries);
  await rm(directory, { recursive: true, force: true });
  await writeEntries(directory, entries);
  return directory;
}

/** The files of the commit, and of the checkouts of plugins, which are not under version control. */
async function filesOf({ source }: BuildArgs, { include }: SourceSettings): Promise<ZipEntry[]> {
  const files = await listTrackedFiles(source, false);
  for (const path of include.filter((one) => one.startsWith("plugins/"))) {
    files.push(...((await listBuiltFiles(source, path)) ?? []));
  }
  return byPath(files);
}

async function runFrontEnd(
  args: BuildArgs,
  settings: SourceSettings,
  toolsEnv: Readonly<Record<string, string>>,
  files: readonly ZipEntry[],
): Promise<ZipEntry[]> {
  if (settings.build.length === 0) return [];
  const directory = join(args.workDirectory, "front-end");
  const run = (command: string): Promise<void> => runIn(directory, command, args, toolsEnv);
  return buildFrontEnd({ files, settings, directory, run });
}

async function runIn(
  directory: string,
  command: string,
  args: BuildArgs,
  toolsEnv: Readonly<Record<string, string>>,
): Promise<void> {
  args.onStep?.(`Running ${command}`);
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

/** The docker platform runs an image that exists, so nothing is built. The deployment, which can log in, reads it. */
function buildDocker(args: BuildArgs, { image }: SourceSettings): Built {
  if (args.image === undefined) {
    throw new UserError(
      "The environments run on the Docker platform, but no image is given.",
      "Add it, for example: --image blsq/iaso:2026.07.28",
    );
  }
  return { application: [], static: [], wheels: [], image: { name: args.image, ...image } };
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

/** The text of cron.yaml: the periodic tasks of the application, and of the enabled plugins, which have own files. */
async function cronFile(args: BuildArgs, settings: SourceSettings): Promise<string | undefined> {
  const plugins = args.plugins ?? [];
  const paths = [settings.cron, ...plugins.map((plugin) => `plugins/${plugin}/cron.yaml`)];
  const files: CronFile[] = [];
  for (const path of paths) {
    requireInside(path, "cron");
    const text = await readIfPresent(join(args.source, path));
    if (text !== undefined) files.push({ path, text });
  }
  return periodicTasks(files, plugins);
}

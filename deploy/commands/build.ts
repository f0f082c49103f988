import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { type StackFile } from "../../settings/stackFile";
import { EXIT } from "../exitCodes";
import { buildOnlyFrontEnd, buildSource } from "../source/build";
import { contentOf, digestOfFrontEnd, digestOfInputs } from "../source/inputs";
import { requireNoCredentials } from "../source/credentials";
import type { Platform } from "../source/overlay";
import { identifyCommit, resolveVersion, type Version } from "../source/version";
import { type StepTime } from "../../cli/progress";
import { print, printError } from "../../cli/output";
import { UserError } from "../../cli/userError";

/** Options that say how a checkout is built. */
export interface SourceOptions {
  version?: string;
  image?: string;
  allowDirty?: true;
  skipBuild?: true;
  buildWithMyCredentials?: true;
}

export interface BuildOptions extends SourceOptions {
  source: string;
  output: string;
  platform?: Platform;
  plugins?: string[];
  json?: true;
  /** Prints what would be built, and builds nothing. */
  identify?: true;
  /** Builds only the front end. */
  onlyFrontEnd?: true;
  /** A directory with the built front end. */
  frontEnd?: string;
}

/** The artifact's SHA-256 (hexadecimal) and the times of the steps. */
export interface Built {
  sha256: string;
  times: StepTime[];
}

/** The commit and label of a checkout, and the digests of what it and its front end are built from, if they are known. */
export interface Identity extends Pick<Version, "commit" | "label"> {
  inputs?: string;
  frontEnd?: string;
}

/** The result of `build --json`. */
export type BuildResult = Built | Identity | { message: string; remedy: string };

/**
 * Builds a checkout into a directory, without AWS: platform and plugins are those of the stack's settings, unless they
 * are given.
 *
 * @param stackFile Reads the settings of the stack.
 * @throws UserError if the build could read credentials, or for a mistake in the checkout
 */
export async function build(env: string, options: BuildOptions, stackFile: () => StackFile): Promise<void> {
  try {
    const built = await (options.identify === true
      ? identify(options, stackFile)
      : buildIn(env, options, stackFile));
    print(
      options.json === true || "commit" in built
        ? JSON.stringify(built satisfies BuildResult)
        : `Built ${options.source} in ${options.output}. To deploy it:\n` +
            `npm run deploy -- ${env} --built ${options.output} --sha256 ${built.sha256}`,
    );
  } catch (error) {
    if (options.json !== true || !(error instanceof UserError)) throw error;
    const { message, remedy } = error;
    print(JSON.stringify({ message, remedy } satisfies BuildResult));
    process.exitCode = EXIT.refused;
  }
}

/** Describes what would be built, without code of the application: its result is not the application's claim. */
async function identify(options: BuildOptions, stackFile: () => StackFile): Promise<Identity> {
  const source = resolve(options.source);
  const version = await identifyCommit(source, options.version);
  const { platform, plugins } = hostingOf(options, stackFile);
  // Images are built elsewhere, and changes and files of an earlier build are not of the commit.
  const isOfCommit = platform === "python" && options.allowDirty !== true && options.skipBuild !== true;
  if (!isOfCommit) return version;
  let content: ReturnType<typeof contentOf> | undefined;
  const readContent = () => (content ??= contentOf(source));
  const inputs = await digestOfInputs({ source, version, platform, plugins }, readContent);
  const frontEnd = await digestOfFrontEnd({ source, platform, plugins }, process.env, readContent);
  return { ...version, inputs, frontEnd };
}

/** The platform and plugins of the options, or else of the stack's settings. */
function hostingOf(options: BuildOptions, stackFile: () => StackFile) {
  const settings = options.platform === undefined || options.plugins === undefined ? stackFile() : undefined;
  const platform: Platform =
    options.platform ?? (settings?.get("platform") === "docker" ? "docker" : "python");
  return { platform, plugins: options.plugins ?? settings?.getList("plugins") ?? [] };
}

async function buildIn(env: string, options: BuildOptions, stackFile: () => StackFile): Promise<Built> {
  if (options.buildWithMyCredentials !== true) await requireNoCredentials(env);
  const source = resolve(options.source);
  const { platform, plugins } = hostingOf(options, stackFile);
  const version = await resolveVersion(source, {
    version: options.version,
    allowDirty: options.allowDirty === true,
  });
  const steps: { title: string; began: number }[] = [];
  const workDirectory = await mkdtemp(join(tmpdir(), "iaso-build-"));
  try {
    const sha256 = await (options.onlyFrontEnd === true ? buildOnlyFrontEnd : buildSource)({
      source,
      platform,
      version,
      outputDirectory: resolve(options.output),
      workDirectory,
      image: options.image,
      plugins,
      skipBuild: options.skipBuild === true,
      frontEnd: options.frontEnd,
      onProgress: printError,
      onStep: (title) => {
        steps.push({ title, began: Date.now() });
        printError(title);
      },
    });
    const ends = [...steps.slice(1).map(({ began }) => began), Date.now()];
    return {
      sha256,
      times: steps.map(({ began, title }, index) => ({
        title,
        milliseconds: (ends[index] ?? began) - began,
      })),
    };
  } finally {
    await rm(workDirectory, { recursive: true, force: true });
  }
}

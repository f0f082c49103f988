import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { type StackFile } from "../../settings/stackFile";
import { EXIT } from "../exitCodes";
import { buildSource } from "../source/build";
import { digestOfInputs } from "../source/inputs";
import { requireNoCredentials } from "../source/credentials";
import type { Platform } from "../source/overlay";
import { resolveVersion } from "../source/version";
import { type StepTime } from "../../cli/progress";
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
  /** The inputs of earlier builds, which are not built again. */
  known?: string[];
}

/** The artifact's SHA-256 (hexadecimal), the times of the steps, and the digest of the inputs, if they determine the build. */
export interface Built {
  sha256: string;
  times: StepTime[];
  inputs?: string;
}

/** The inputs of an earlier build, whose version is deployed instead of a new build. */
export interface Reused {
  reuse: string;
}

/** The result of `build --json`. */
export type BuildResult = Built | Reused | { message: string; remedy: string };

/**
 * Builds a checkout into a directory, without AWS: platform and plugins are those of the stack's settings, unless they
 * are given.
 *
 * @param stackFile Reads the settings of the stack.
 * @throws UserError if the build could read credentials, or for a mistake in the checkout
 */
export async function build(env: string, options: BuildOptions, stackFile: () => StackFile): Promise<void> {
  try {
    const built = await buildIn(env, options, stackFile);
    process.stdout.write(
      options.json === true || "reuse" in built
        ? `${JSON.stringify(built satisfies BuildResult)}\n`
        : `Built ${options.source} in ${options.output}. To deploy it:\n` +
            `npm run deploy -- ${env} --built ${options.output} --sha256 ${built.sha256}\n`,
    );
  } catch (error) {
    if (options.json !== true || !(error instanceof UserError)) throw error;
    const { message, remedy } = error;
    process.stdout.write(`${JSON.stringify({ message, remedy } satisfies BuildResult)}\n`);
    process.exitCode = EXIT.refused;
  }
}

async function buildIn(
  env: string,
  options: BuildOptions,
  stackFile: () => StackFile,
): Promise<Built | Reused> {
  if (options.buildWithMyCredentials !== true) await requireNoCredentials(env);
  const source = resolve(options.source);
  const settings = options.platform === undefined || options.plugins === undefined ? stackFile() : undefined;
  const platform = options.platform ?? (settings?.get("platform") === "docker" ? "docker" : "python");
  const version = await resolveVersion(source, {
    version: options.version,
    allowDirty: options.allowDirty === true,
  });
  const plugins = options.plugins ?? settings?.getList("plugins") ?? [];
  const skipBuild = options.skipBuild === true;
  const inputs = await digestOfInputs({ source, version, platform, plugins, skipBuild });
  if (inputs !== undefined && options.known?.includes(inputs) === true) return { reuse: inputs };
  const print = (line: string): void => void process.stderr.write(`${line}\n`);
  const steps: { title: string; began: number }[] = [];
  const workDirectory = await mkdtemp(join(tmpdir(), "iaso-build-"));
  try {
    const sha256 = await buildSource({
      source,
      platform,
      version,
      outputDirectory: resolve(options.output),
      workDirectory,
      image: options.image,
      plugins,
      skipBuild,
      onProgress: print,
      onStep: (title) => {
        steps.push({ title, began: Date.now() });
        print(title);
      },
    });
    const ends = [...steps.slice(1).map(({ began }) => began), Date.now()];
    return {
      sha256,
      ...(inputs === undefined ? {} : { inputs }),
      times: steps.map(({ began, title }, index) => ({
        title,
        milliseconds: (ends[index] ?? began) - began,
      })),
    };
  } finally {
    await rm(workDirectory, { recursive: true, force: true });
  }
}

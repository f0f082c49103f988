import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { type StackFile } from "../../settings/stackFile";
import { EXIT } from "../exitCodes";
import { buildSource } from "../source/build";
import { requireNoCredentials } from "../source/credentials";
import type { Platform } from "../source/overlay";
import { resolveVersion } from "../source/version";
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
}

/** The result of `build --json`. */
export type BuildResult = { sha256: string } | { message: string; remedy: string };

/**
 * Builds a checkout into a directory, without AWS: platform and plugins are those of the stack's settings, unless they
 * are given.
 *
 * @param stackFile Reads the settings of the stack.
 * @throws UserError if the build could read credentials, or for a mistake in the checkout
 */
export async function build(env: string, options: BuildOptions, stackFile: () => StackFile): Promise<void> {
  try {
    const sha256 = await buildIn(env, options, stackFile);
    process.stdout.write(
      options.json === true
        ? `${JSON.stringify({ sha256 } satisfies BuildResult)}\n`
        : `Built ${options.source} in ${options.output}. To deploy it:\n` +
            `npm run deploy -- ${env} --built ${options.output} --sha256 ${sha256}\n`,
    );
  } catch (error) {
    if (options.json !== true || !(error instanceof UserError)) throw error;
    const { message, remedy } = error;
    process.stdout.write(`${JSON.stringify({ message, remedy } satisfies BuildResult)}\n`);
    process.exitCode = EXIT.refused;
  }
}

async function buildIn(env: string, options: BuildOptions, stackFile: () => StackFile): Promise<string> {
  if (options.buildWithMyCredentials !== true) await requireNoCredentials(env);
  const source = resolve(options.source);
  const settings = options.platform === undefined || options.plugins === undefined ? stackFile() : undefined;
  const platform = options.platform ?? (settings?.get("platform") === "docker" ? "docker" : "python");
  const version = await resolveVersion(source, {
    version: options.version,
    allowDirty: options.allowDirty === true,
  });
  const workDirectory = await mkdtemp(join(tmpdir(), "iaso-build-"));
  try {
    return await buildSource({
      source,
      platform,
      version,
      outputDirectory: resolve(options.output),
      workDirectory,
      image: options.image,
      plugins: options.plugins ?? settings?.getList("plugins"),
      skipBuild: options.skipBuild === true,
      onProgress: (line) => process.stderr.write(`${line}\n`),
    });
  } finally {
    await rm(workDirectory, { recursive: true, force: true });
  }
}

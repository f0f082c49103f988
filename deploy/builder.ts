import { mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { z } from "zod";
import { type Build, type BuiltVersion } from "./commands/deploy";
import { type Identity, type SourceOptions } from "./commands/build";
import { type CheckMigrationsOptions, judgeMigrations } from "./commands/checkMigrations";
import { listEarlierBuilds } from "./earlierBuilds";
import { earlierFrontEnd, type FrontEnd, hasFrontEnd, writeFrontEnd } from "./frontEnd";
import { type Pair } from "./pair/find";
import { readPlugins } from "./pair/plugins";
import { downloadVersion } from "./promotion/download";
import { readDownloaded, versionOf } from "./promotion/downloaded";
import { type Session } from "./session";
import { type Artifact, readArtifact, type VersionRecord } from "./source/artifact";
import { writeBundle } from "./source/bundle";
import { gitDirectories, requireSandbox, runBuild, type SandboxArgs } from "./source/sandbox";
import { labelOfChanges } from "./source/version";
import { plain } from "../cli/output";
import { UserError } from "../cli/userError";

const refusal = z.object({ message: z.string(), remedy: z.string() });

/** The commit of a checkout, printed by a process that runs none of its code. */
const identity = z.object({
  commit: z.string(),
  label: z.string(),
  inputs: z.optional(z.string()),
  frontEnd: z.optional(z.string()),
});

/** The result of a build. Code of the application runs in the process that prints it. */
const result = z.object({
  sha256: z.string(),
  times: z.array(z.object({ title: z.string(), milliseconds: z.number().min(0) })),
});

/** A build that exists: its directory and its SHA-256. */
export interface ExistingBuild {
  directory: string;
  sha256: string;
}

/** Returns the function that makes the bundle of a build that exists, for a pair of environments. */
export function existingBuild(session: Session, { directory, sha256 }: ExistingBuild, work: string): Build {
  return async (pair, log) => {
    const artifact = await readArtifact(resolve(directory), sha256);
    await requireMatch(session, pair, artifact);
    return bundleOf(session, artifact, work, log);
  };
}

/**
 * Returns the function that builds a checkout and makes its bundle. The build runs in a process of its own, in a
 * sandbox without the deployment's credentials.
 *
 * @throws UserError if this machine has no sandbox, unless `--build-with-my-credentials` is given
 */
export function sourceBuild(
  session: Session,
  checkout: string,
  options: SourceOptions & Pick<CheckMigrationsOptions, "databaseUrl">,
  work: string,
): Build {
  const { env, target } = session;
  const source = resolve(checkout);
  /** The sandbox of one part of the build. */
  const sandboxOf = async (name: string, reads: readonly string[] = []): Promise<SandboxArgs> => {
    const workDirectory = join(work, name);
    for (const one of ["home", "tmp"]) await mkdir(join(workDirectory, one), { recursive: true });
    const writesSource = options.allowDirty === true;
    return { source, writesSource, workDirectory, reads: [...gitDirectories(source), ...reads] };
  };
  const sandboxed = options.buildWithMyCredentials !== true;
  return async (pair, log) => {
    if (sandboxed) requireSandbox(await sandboxOf("build"), env);
    else session.progress.warn("The application's code can read your AWS credentials while it is built.");
    const plugins = await readPlugins(session, pair);
    const run = async <T>(
      schema: z.ZodType<T>,
      args: SandboxArgs,
      ...more: readonly string[]
    ): Promise<T> => {
      const printed = await runBuild({
        ...args,
        sandboxed,
        command: [
          ...[process.execPath, "--require", "./cli/loader.cjs", "deploy/deploy.ts", "build", env, "--json"],
          ...["--source", source, "--output", outputOf(args)],
          ...["--platform", target.platform, "--plugins", plugins.join(",")],
          ...flags(options),
          ...more,
        ],
        onLine: log,
      });
      const answer: unknown = JSON.parse(printed);
      const refused = refusal.safeParse(answer).data;
      if (refused !== undefined) throw new UserError(plain(refused.message), plain(refused.remedy));
      return schema.parse(answer);
    };
    /** Runs a part of the build, and reads its result. */
    const runPart = async (args: SandboxArgs, ...more: readonly string[]): Promise<Artifact> => {
      const { sha256, times } = await run(result, args, ...more);
      for (const { milliseconds, title } of times) {
        session.progress.measured({ title: plain(title), milliseconds });
      }
      const artifact = await readArtifact(outputOf(args), sha256);
      requireIdentity(artifact, identified, options.allowDirty === true);
      await requireMatch(session, pair, artifact);
      requireImage(artifact, options.image);
      return artifact;
    };
    // In a process of its own, which ends before code of the application runs.
    const identified = await run(identity, await sandboxOf("build"), "--identify");
    const earlier = await listEarlierBuilds(session);
    let built = await reuse(session, identified, earlier, work, log);
    if (built === undefined) {
      const { frontEnd: inputs } = identified;
      let frontEnd: FrontEnd | undefined;
      if (inputs !== undefined) {
        const directory = join(work, "front-end");
        frontEnd = await earlierFrontEnd(session, earlier.get(inputs), inputs, directory, log);
        // Alone, so that code of the back end and of its packages cannot decide what later versions take.
        frontEnd ??= await writeFrontEnd(
          await runPart(await sandboxOf("build-front-end"), "--only-front-end"),
          inputs,
          directory,
        );
      }
      const { directory, record } = frontEnd ?? {};
      const parts = directory === undefined ? [] : [directory];
      const artifact = await runPart(
        await sandboxOf("build", parts),
        ...parts.flatMap((one) => ["--front-end", one]),
      );
      const kept = record !== undefined && (await hasFrontEnd(artifact, record)) ? record : undefined;
      built = {
        ...(await bundleOf(session, artifact, work, log, kept)),
        inputs: [identified.inputs, kept?.inputs].filter((one) => one !== undefined),
      };
    }
    const { buildWithMyCredentials, databaseUrl } = options;
    // The check runs the code of both versions, and the build has written to its own directory.
    const workDirectory = join(work, "check");
    return {
      ...built,
      judgeMigrations: (running, onLine) =>
        judgeMigrations(session, {
          ...{ source, databaseUrl, buildWithMyCredentials, pair, running, workDirectory },
          log: onLine,
        }),
    };
  };
}

/**
 * Returns the version that an earlier deployment built from the same inputs; undefined if there is none, or it is no
 * longer complete.
 */
async function reuse(
  session: Session,
  { inputs, ...commit }: Identity,
  earlier: ReadonlyMap<string, string>,
  work: string,
  log: (line: string) => void,
): Promise<BuiltVersion | undefined> {
  const label = inputs === undefined ? undefined : earlier.get(inputs);
  if (label === undefined) return undefined;
  const directory = join(work, "earlier");
  try {
    const { sha256 } = await downloadVersion(session, label, directory, log);
    const downloaded = await readDownloaded(directory, sha256, join(work, "earlier-anew"));
    requireIdentity(downloaded.record, commit, false);
    log(`Nothing is built: ${label} was built from the same commit, plugins and deploy tool`);
    return versionOf(downloaded);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    session.progress.warn(`${label} was built from the same commit, but cannot be used: ${error.message}`);
    return undefined;
  }
}

/**
 * Checks what a build says about itself.
 *
 * @throws UserError if the build names another version or commit than the checkout has
 */
function requireIdentity(
  build: Pick<VersionRecord, "commit" | "dirty" | "version">,
  { commit, label }: Identity,
  allowDirty: boolean,
): void {
  const sameLabel =
    build.version === label || (allowDirty && build.version.startsWith(labelOfChanges(label)));
  if (build.commit === commit && sameLabel && (allowDirty || !build.dirty)) return;
  throw new UserError(
    `The build says that it is ${build.version} of the commit ${build.commit}, but the checkout is ${label} of ${commit}.`,
    "Build again. If nobody changed the checkout meanwhile, code of the application wrote this: find out which",
  );
}

/**
 * Checks that a build is for the image that the user named: the deployment pulls it with the user's credentials.
 *
 * @throws UserError if it is for another one
 */
function requireImage({ image }: Pick<Artifact, "image">, name: string | undefined): void {
  if (image === undefined || image.name === name) return;
  throw new UserError(
    `The build is for the image ${image.name}, not for ${name ?? "none"}.`,
    "Code of the application wrote this: find out which",
  );
}

/** The directory of a build's result. */
function outputOf({ workDirectory }: SandboxArgs): string {
  return join(workDirectory, "built");
}

/** The options of `build` that are the same in a deployment. */
function flags(options: SourceOptions): string[] {
  return [
    ...(options.version === undefined ? [] : ["--version", options.version]),
    ...(options.image === undefined ? [] : ["--image", options.image]),
    ...(options.allowDirty === true ? ["--allow-dirty"] : []),
    ...(options.skipBuild === true ? ["--skip-build"] : []),
    ...(options.buildWithMyCredentials === true ? ["--build-with-my-credentials"] : []),
  ];
}

async function bundleOf(
  session: Session,
  artifact: Artifact,
  work: string,
  log: (line: string) => void,
  frontEnd?: VersionRecord["frontEnd"],
) {
  const { bundle, images, staticFiles } = await writeBundle(artifact, {
    directory: work,
    deployedBy: session.by,
    onProgress: log,
    frontEnd,
  });
  return versionOf({ record: artifact, bundle, staticFiles, wheels: artifact.wheels, images });
}

/** @throws UserError if the build is for another platform or other plugins than the environment's */
export async function requireMatch(
  session: Session,
  pair: Pair,
  artifact: Pick<Artifact, "platform" | "plugins">,
): Promise<void> {
  const { env, target } = session;
  const sorted = (names: readonly string[]): string => [...names].sort().join(", ") || "none";
  const [built, plugins] = [sorted(artifact.plugins), sorted(await readPlugins(session, pair))];
  const differs =
    artifact.platform === target.platform
      ? built === plugins
        ? undefined
        : `the plugins ${built}, but ${env} enables ${plugins}`
      : `the platform ${artifact.platform}, but ${env} runs on ${target.platform}`;
  if (differs === undefined) return;
  throw new UserError(
    `The build is for ${differs}.`,
    `Update the environment (pulumi up --stack ${env}), or build with its settings and deploy again`,
  );
}

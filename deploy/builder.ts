import { mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { z } from "zod";
import { type Build, type BuiltVersion } from "./commands/deploy";
import { type SourceOptions } from "./commands/build";
import { type CheckMigrationsOptions, judgeMigrations } from "./commands/checkMigrations";
import { listEarlierBuilds } from "./earlierBuilds";
import { accountOf } from "../coordination/target";
import { type Pair } from "./pair/find";
import { readPlugins } from "./pair/plugins";
import { downloadVersion } from "./promotion/download";
import { readDownloaded, versionOf } from "./promotion/downloaded";
import { type Session } from "./session";
import { type Artifact, readArtifact } from "./source/artifact";
import { writeBundle } from "./source/bundle";
import { plain, requireSandbox, runBuild, type SandboxArgs } from "./source/sandbox";
import { UserError } from "../cli/userError";

const result = z.union([
  z.object({ reuse: z.string() }),
  z.object({
    sha256: z.string(),
    inputs: z.optional(z.string().regex(/^[0-9a-f]{64}$/)),
    times: z.array(z.object({ title: z.string(), milliseconds: z.number().min(0) })),
  }),
  z.object({ message: z.string(), remedy: z.string() }),
]);

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
  const args: SandboxArgs = {
    source: resolve(checkout),
    writesSource: options.allowDirty === true,
    workDirectory: join(work, "build"),
  };
  const sandboxed = options.buildWithMyCredentials !== true;
  return async (pair, log) => {
    for (const name of ["home", "tmp"]) await mkdir(join(args.workDirectory, name), { recursive: true });
    if (sandboxed) requireSandbox(args, env);
    else session.progress.warn("The application's code can read your AWS credentials while it is built.");
    const plugins = await readPlugins(session, pair);
    const output = join(args.workDirectory, "built");
    const run = async (known: readonly string[]) => {
      const printed = await runBuild({
        ...args,
        sandboxed,
        command: [
          ...[process.execPath, "--require", "./cli/loader.cjs", "deploy/deploy.ts", "build", env, "--json"],
          ...["--source", args.source, "--output", output],
          ...["--platform", target.platform, "--plugins", plugins.join(",")],
          ...["--known", known.join(",")],
          ...flags(options),
        ],
        onLine: log,
      });
      const answer = result.parse(JSON.parse(printed));
      if ("message" in answer) throw new UserError(plain(answer.message), plain(answer.remedy));
      return answer;
    };
    const earlier = await listEarlierBuilds(session);
    let answer = await run([...earlier.keys()]);
    let built: BuiltVersion | undefined;
    if ("reuse" in answer) {
      built = await reuse(session, earlier.get(answer.reuse) ?? "", work, log);
      if (built === undefined) answer = await run([]);
    }
    if (built === undefined && "sha256" in answer) {
      for (const { milliseconds, title } of answer.times) {
        session.progress.measured({ title: plain(title), milliseconds });
      }
      const artifact = await readArtifact(output, answer.sha256);
      built = { ...(await bundleOf(session, artifact, work, log)), inputs: answer.inputs };
    }
    if (built === undefined) throw new Error("the build named an earlier one that it was not told of");
    const { buildWithMyCredentials, databaseUrl } = options;
    const { source } = args;
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

/** Returns the version that an earlier deployment built; undefined if it is no longer complete. */
async function reuse(
  session: Session,
  label: string,
  work: string,
  log: (line: string) => void,
): Promise<BuiltVersion | undefined> {
  const directory = join(work, "earlier");
  try {
    const { sha256 } = await downloadVersion(session, label, directory, log);
    log(`Nothing is built: ${label} was built from the same commit, plugins and deploy tool`);
    return versionOf(await readDownloaded(directory, sha256));
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    session.progress.warn(`${label} was built from the same commit, but cannot be used: ${error.message}`);
    return undefined;
  }
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

async function bundleOf(session: Session, artifact: Artifact, work: string, log: (line: string) => void) {
  const { bundle, staticFiles } = await writeBundle(artifact, {
    directory: work,
    deployedBy: session.by,
    ecrRegistry: `${accountOf(session.target)}.dkr.ecr.${session.target.region}.amazonaws.com`,
    onProgress: log,
  });
  return versionOf({ record: artifact, bundle, staticFiles, wheels: artifact.wheels });
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

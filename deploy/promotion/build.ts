import { join } from "node:path";
import { type Build } from "../commands/deploy";
import { judgeMigrations } from "../commands/checkMigrations";
import { notChecked } from "../migrations/verdict";
import { requireMatch } from "../builder";
import { type Session } from "../session";
import { unpackZip } from "../source/unzip";
import { UserError } from "../../cli/userError";
import { downloadRunningVersion } from "./download";
import { readDownloaded, versionOf } from "./downloaded";

/** A version on this machine, or the session in which to download what an environment runs. */
export type Origin = { directory: string; sha256: string } | { session: Session };

export interface PromotionArgs {
  /** The environment whose version is taken over. */
  from: string;
  origin: Origin;
  /** A directory for everything that is written. */
  work: string;
  databaseUrl?: string;
  buildWithMyCredentials?: true;
}

/**
 * Returns the function that takes over the version of another environment: the same bundle, packages and static files,
 * each verified by its digest. Nothing is built.
 */
export function promotedBuild(session: Session, args: PromotionArgs): Build {
  const { buildWithMyCredentials, databaseUrl, from, work } = args;
  return async (pair, log) => {
    const { directory, sha256 } = await provide(args, log);
    const downloaded = await readDownloaded(directory, sha256, join(work, "anew"));
    const { bundle, record } = downloaded;
    await requireMatch(session, pair, record);
    log(`Nothing is built: the bundle, packages and static files are those that ${from} runs`);
    const version = versionOf(downloaded);
    return {
      ...version,
      description: `promoted from ${from}, ${version.description}`,
      judgeMigrations: async (running, onLine) => {
        if (record.platform === "docker") {
          return notChecked(
            "the version is an image, whose code the check cannot run. With a checkout of it: " +
              `npm run deploy -- check-migrations ${session.env} --source <checkout>`,
          );
        }
        const source = join(work, "code");
        await unpackZip(bundle.path, source);
        const workDirectory = join(work, "check");
        const options = { buildWithMyCredentials, databaseUrl };
        return judgeMigrations(session, { ...options, source, pair, running, workDirectory, log: onLine });
      },
    };
  };
}

async function provide(
  { origin, work }: PromotionArgs,
  log: (line: string) => void,
): Promise<{ directory: string; sha256: string }> {
  if (!("session" in origin)) return origin;
  const directory = join(work, "downloaded");
  const { sha256 } = await downloadRunningVersion(origin.session, directory, log);
  return { directory, sha256 };
}

/** @throws UserError if a version would be promoted to the environment that runs it */
export function requireOther(from: string, env: string): void {
  if (from !== env) return;
  throw new UserError(
    `${env} runs its version already.`,
    "Name two environments: npm run deploy -- promote staging prod",
  );
}

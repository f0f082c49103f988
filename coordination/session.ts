import { userInfo } from "node:os";
import { type Progress } from "../cli/progress";
import { UserError } from "../cli/userError";
import { usesPathStyle } from "../cli/s3PathStyle";
import { environmentName } from "../components/common/deployParameter";
import { type Clients, createClients, requireBucketOwner } from "./clients";
import { type Clock } from "./clock";
import { acquireLock, type HeldLock } from "./lock";
import { accountOf, readTarget, type Target } from "./target";

/** The environment, the clients and what else every command that changes an environment works with. */
export interface Session {
  env: string;
  target: Target;
  clients: Clients;
  clock: Clock;
  progress: Progress;
  /** The user who runs the tool, for the lock, the journal and the notifications. */
  by: string;
  /** True once the user or the CI service has asked the command to stop. */
  interrupted: () => boolean;
  /** Sends an HTTP request to Iaso. */
  fetch: (url: URL) => Promise<{ status: number; text: string }>;
}

/** A session that holds the lock of its environment. */
export interface LockedSession extends Session {
  lock: HeldLock;
}

/** Time limit of a request to Iaso, in milliseconds. */
const REQUEST_TIMEOUT = 15_000;

/** Sends an HTTP request over the network. */
export const sendRequest: Session["fetch"] = async (url) => {
  const response = await fetch(url, { signal: AbortSignal.timeout(REQUEST_TIMEOUT) });
  return { status: response.status, text: await response.text() };
};

/** The user: from GitHub Actions, otherwise the user of this machine. */
export function userName(): string {
  return process.env["GITHUB_ACTOR"] ?? userInfo().username;
}

/**
 * Checks the name of an environment.
 *
 * @param remedy The command with a name that is valid.
 * @throws UserError if no environment can have this name
 */
export function requireName(env: string, remedy: string): void {
  if (environmentName.pattern.test(env)) return;
  throw new UserError(
    `"${env}" is not a valid name of an environment. Accepted: ${environmentName.accepted}.`,
    remedy,
  );
}

/**
 * Creates clients for an environment, which send requests to buckets of its own account only, and finds it.
 *
 * @throws UserError if there is no such environment in the region
 */
export async function connect(
  env: string,
  settings: { region: string; profile?: string },
): Promise<Pick<Session, "clients" | "target">> {
  const clients = createClients({ ...settings, pathStyle: usesPathStyle() });
  const target = await readTarget(clients.ssm, env, settings.region);
  requireBucketOwner(clients.s3, accountOf(target));
  return { clients, target };
}

/**
 * Acquires the lock of the environment, and shows it as a step.
 *
 * @throws Locked if another run is alive
 */
export function takeLock(
  { by, clients, clock, env, progress, target }: Session,
  command: string,
): Promise<HeldLock> {
  const bucket = target.artifactsBucket;
  return progress.step("Acquire the lock", (onWait) =>
    acquireLock({ s3: clients.s3, bucket, env, clock, by, command, onWait }),
  );
}

/** Releases the lock, or warns that it could not be released. */
export async function releaseLock(
  { progress }: Session,
  lock: HeldLock,
  changes: Parameters<HeldLock["release"]>[0],
): Promise<void> {
  if (await lock.release(changes)) return;
  progress.warn("Could not release the lock; it expires by itself within 6 minutes.");
}

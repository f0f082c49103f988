import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { UserError } from "../../cli/userError";

/** Variables with credentials, or from which a program gets some. */
const SECRET =
  /^(AWS_(ACCESS_KEY_ID|SECRET_ACCESS_KEY|SESSION_TOKEN|PROFILE|WEB_IDENTITY_TOKEN_FILE|CONTAINER_\w+|SHARED_CREDENTIALS_FILE|CONFIG_FILE)|ACTIONS_ID_TOKEN_REQUEST_\w+|GITHUB_TOKEN|GH_TOKEN|SLACK_WEBHOOK_URL|PULUMI_(ACCESS_TOKEN|CONFIG_PASSPHRASE\w*))$/;

/** Where the AWS CLI keeps credentials in a home directory. */
const AWS_FILES = ["credentials", "sso/cache", "cli/cache", "login/cache"];

/** The addresses of the metadata service of EC2, as in AWS's SDKs. */
const METADATA = process.env["AWS_EC2_METADATA_SERVICE_ENDPOINT"] ?? "http://169.254.169.254";
/** Milliseconds. The service answers within a few; elsewhere, nobody may answer at all. */
const METADATA_TIMEOUT = 1_000;

/**
 * Finds the credentials that the build could read: in the environments of this process and its parents, in the home
 * directory, and in the metadata service of an EC2 instance, which a sandbox with a network does not hide.
 *
 * @returns the names of variables, files and the instance's role
 */
async function findCredentials(): Promise<string[]> {
  const variables = Object.keys(process.env).filter((name) => SECRET.test(name));
  const files = AWS_FILES.map((name) => join(homedir(), ".aws", name)).filter(existsSync);
  return [...variables, ...credentialsOfParents(), ...files, ...(await findInstanceRole())];
}

/**
 * Finds the role of this machine, if it is an EC2 instance with one.
 *
 * @see https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-metadata-security-credentials.html
 */
async function findInstanceRole(): Promise<string[]> {
  const signal = AbortSignal.timeout(METADATA_TIMEOUT);
  try {
    const token = await fetch(`${METADATA}/latest/api/token`, {
      method: "PUT",
      headers: { "x-aws-ec2-metadata-token-ttl-seconds": "60" },
      signal,
    });
    const headers: Record<string, string> = token.ok
      ? { "x-aws-ec2-metadata-token": await token.text() }
      : {};
    const answer = await fetch(`${METADATA}/latest/meta-data/iam/security-credentials/`, { headers, signal });
    const role = answer.ok ? (await answer.text()).trim() : "";
    return /^[\w+=,.@-]+$/.test(role) ? [`the role ${role} of this EC2 instance (${METADATA})`] : [];
  } catch {
    return [];
  }
}

/** The variables that /proc shows of the parents, as far as this user may read it. */
function credentialsOfParents(): string[] {
  const found: string[] = [];
  for (let id = process.ppid; id > 0; id = parentOf(id)) {
    const names = (read(`/proc/${id}/environ`) ?? "").split("\0").map((entry) => entry.split("=")[0] ?? "");
    found.push(...names.filter((name) => SECRET.test(name)).map((name) => `${name} of the process ${id}`));
  }
  return found;
}

function parentOf(id: number): number {
  // The name, in parentheses, may contain anything; the state and the parent follow it.
  return Number(/^.*\) \S (\d+) /s.exec(read(`/proc/${id}/stat`) ?? "")?.[1] ?? 0);
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

/** @throws UserError if code of the application could read credentials */
export async function requireNoCredentials(env: string): Promise<void> {
  refuse(await findCredentials(), env);
}

/** @throws UserError if code in a sandbox, which has the network, could read credentials of this machine */
export async function requireNoInstanceRole(env: string): Promise<void> {
  refuse(await findInstanceRole(), env);
}

function refuse(found: readonly string[], env: string): void {
  if (found.length === 0) return;
  throw new UserError(
    `The build runs code of the application and of its packages, which could read these credentials: ${found.join(", ")}.`,
    "Run it as a user, in a container or in a job that has none. Or let the application's code read them: " +
      `--build-with-my-credentials. To build and deploy with this user: npm run deploy -- ${env} --source <checkout>`,
  );
}

import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { UserError } from "../../cli/userError";

/** Variables with credentials, or from which a program gets some. */
const SECRET =
  /^(AWS_(ACCESS_KEY_ID|SECRET_ACCESS_KEY|SESSION_TOKEN|PROFILE|WEB_IDENTITY_TOKEN_FILE|CONTAINER_\w+|SHARED_CREDENTIALS_FILE|CONFIG_FILE)|ACTIONS_ID_TOKEN_REQUEST_\w+|GITHUB_TOKEN|GH_TOKEN|SLACK_WEBHOOK_URL|PULUMI_(ACCESS_TOKEN|CONFIG_PASSPHRASE\w*))$/;

/** Where the AWS CLI keeps credentials in a home directory. */
const AWS_FILES = ["credentials", "sso/cache", "cli/cache", "login/cache"];

/**
 * Finds the credentials that the build could read: in the environments of this process and its parents, and in the
 * home directory.
 *
 * @returns the names of variables and files
 */
export function findCredentials(): string[] {
  const variables = Object.keys(process.env).filter((name) => SECRET.test(name));
  const files = AWS_FILES.map((name) => join(homedir(), ".aws", name)).filter(existsSync);
  return [...variables, ...credentialsOfParents(), ...files];
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

/** @throws UserError if the build could read credentials */
export function requireNoCredentials(env: string): void {
  const found = findCredentials();
  if (found.length === 0) return;
  throw new UserError(
    `The build runs code of the application and of its packages, which could read these credentials: ${found.join(", ")}.`,
    "Run it as a user, in a container or in a job that has none. Or let the application's code read them: " +
      `--build-with-my-credentials. To build and deploy with this user: npm run deploy -- ${env} --source <checkout>`,
  );
}

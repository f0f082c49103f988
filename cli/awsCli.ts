import { execFileSync } from "node:child_process";
import { UserError } from "./userError";

/**
 * Runs a command of the AWS CLI for a service of which a few commands do not justify an SDK client, such as ElastiCache.
 *
 * @param args Such as `elasticache`, `describe-replication-groups`, `--output`, `json`. No shell interprets them.
 * @param options.input Standard input. Arguments are visible to other users, so a secret belongs here.
 * @param options.profile The AWS profile of the credentials; the one of the environment by default.
 * @returns the standard output
 * @throws UserError if the CLI is not installed, or the command fails
 */
export function awsCli(
  region: string,
  args: readonly string[],
  { input = "", profile }: { input?: string; profile?: string } = {},
): string {
  try {
    // Node.js gives a child a socket as standard input, which cannot be opened as a file: `cat` makes a pipe of it.
    return execFileSync("sh", ["-c", 'cat | aws "$@"', "aws", ...args], {
      input,
      env: { ...process.env, AWS_REGION: region, ...(profile !== undefined && { AWS_PROFILE: profile }) },
      encoding: "utf8",
      stdio: "pipe",
      maxBuffer: 64 * 1024 * 1024,
    });
  } catch (error) {
    const { status, stderr } = error as { status?: number; stderr?: string };
    const isMissing = status === 127;
    throw new UserError(
      isMissing ? "The AWS CLI is not installed." : `aws ${args.join(" ")} failed: ${String(stderr).trim()}`,
      isMissing
        ? "install it from https://docs.aws.amazon.com/cli/latest/userguide/getting-started-install.html"
        : "Fix what the message names, then run the command again.",
    );
  }
}

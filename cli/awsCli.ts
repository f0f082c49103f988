import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { UserError } from "./userError";

/**
 * Runs a command of the AWS CLI for a service of which a few commands do not justify an SDK client, such as ElastiCache.
 *
 * @param args Such as `elasticache`, `describe-replication-groups`, `--output`, `json`. No shell interprets them.
 * @param options.input The parameters by the names of the API, instead of arguments, which other users of the machine can
 *   see. Only this user can read the file in which the CLI gets them. It is no pipe: the CLI reads it twice.
 * @param options.profile The AWS profile of the credentials; the one of the environment by default.
 * @returns the standard output
 * @throws UserError if the CLI is not installed, or the command fails
 */
export function awsCli(
  region: string,
  args: readonly string[],
  { input, profile }: { input?: object; profile?: string } = {},
): string {
  const directory = mkdtempSync(join(tmpdir(), "iaso-aws-"));
  try {
    const file = join(directory, "input.json");
    if (input !== undefined) writeFileSync(file, JSON.stringify(input), { mode: 0o600 });
    const words = input === undefined ? args : [...args, "--cli-input-json", `file://${file}`];
    return execFileSync("aws", words, {
      env: {
        ...process.env,
        // Version 1 of the CLI reads the second name only.
        AWS_REGION: region,
        AWS_DEFAULT_REGION: region,
        ...(profile !== undefined && { AWS_PROFILE: profile }),
      },
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
      maxBuffer: 64 * 1024 * 1024,
    });
  } catch (error) {
    const { code, stderr } = error as { code?: string; stderr?: string };
    const isMissing = code === "ENOENT";
    throw new UserError(
      isMissing ? "The AWS CLI is not installed." : `aws ${args.join(" ")} failed: ${String(stderr).trim()}`,
      isMissing
        ? "install it from https://docs.aws.amazon.com/cli/latest/userguide/getting-started-install.html"
        : "Fix what the message names, then run the command again.",
    );
  } finally {
    rmSync(directory, { recursive: true });
  }
}

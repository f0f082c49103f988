import { type Clients } from "../coordination/clients";
import { formatDuration } from "../coordination/clock";
import { type Limits, type Session } from "./session";
import { UserError } from "../cli/userError";

/**
 * The end of the AWS credentials, in milliseconds since 1970; undefined if they have none or the tool cannot tell.
 *
 * Only credentials in environment variables cannot be renewed. The SDK renews those of a profile, an instance or a token
 * file while the tool runs.
 *
 * @see https://docs.aws.amazon.com/sdkref/latest/guide/feature-static-credentials.html
 */
export async function credentialsEnd({ beanstalk }: Clients): Promise<number | undefined> {
  if ((process.env["AWS_ACCESS_KEY_ID"] ?? "") === "") return undefined;
  const { expiration } = await beanstalk.config.credentials();
  const end = expiration?.getTime();
  if (!Number.isNaN(end)) return end;
  throw new UserError(
    "AWS_CREDENTIAL_EXPIRATION is not a time.",
    "Write it like 2026-01-31T15:00:00Z, or run: unset AWS_CREDENTIAL_EXPIRATION",
  );
}

/** The longest time that a switch takes, with the rollback after a failure, in milliseconds. */
export function longestSwitch({ health, update }: Limits): number {
  return 2 * (update + health);
}

/**
 * Checks that the credentials outlast a switch and its rollback. A session that ends between them would leave web and
 * worker on different versions.
 *
 * @param before milliseconds until the switch begins at the latest
 * @throws UserError if the credentials end earlier
 */
export function requireCredentialsFor(session: Session, before = 0): void {
  const { clock, credentialsEnd: end, env, limits } = session;
  const needed = before + longestSwitch(limits);
  if (end === undefined || clock.now() + needed <= end) return;
  const left = end - clock.now();
  throw new UserError(
    `The AWS credentials ${left > 0 ? `end in ${formatDuration(left)}` : "ended"}, at ${new Date(end).toISOString()}. ` +
      `The deployment to ${env} and its rollback can take ${formatDuration(needed)}. Nothing was changed.`,
    "Sign in for a longer session (in GitHub Actions: role-duration-seconds), or lower the time limits " +
      "(--timeout, --health-timeout, --tasks-timeout); then run the command again",
  );
}

import { UserError } from "./userError";

interface AwsError extends Error {
  $metadata?: { httpStatusCode?: number };
  Code?: string;
}

/** The error's AWS name, such as "AccessDenied" or "InvalidParameterValue". */
export function errorName(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return (error as AwsError).Code ?? error.name;
}

/** The HTTP status AWS answered with; undefined where there was no answer. */
export function httpStatus(error: unknown): number | undefined {
  return error instanceof Error ? (error as AwsError).$metadata?.httpStatusCode : undefined;
}

/**
 * Whether AWS has certainly not acted: it answered, and refused. After a time-out, a broken connection or a
 * server error the call may have taken effect.
 */
export function isRefusal(error: unknown): boolean {
  const status = httpStatus(error);
  return status !== undefined && status >= 400 && status < 500;
}

/** One line for a report: the error's name and message, without a stack. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error instanceof UserError) return error.message;
  const name = errorName(error);
  return name === "Error" || error.message.startsWith(name) ? error.message : `${name}: ${error.message}`;
}

const CREDENTIALS = [
  "CredentialsProviderError",
  "ExpiredToken",
  "ExpiredTokenException",
  "InvalidClientTokenId",
  "UnrecognizedClientException",
  "InvalidAccessKeyId",
  "SignatureDoesNotMatch",
];
const DENIED = [
  "AccessDenied",
  "AccessDeniedException",
  "InsufficientPrivilegesException",
  "UnauthorizedOperation",
];

/** What to do about an AWS error, where that is known. */
export function remedyFor(error: unknown, env: string): string | undefined {
  const name = errorName(error);
  if (CREDENTIALS.includes(name)) {
    return "Sign in to AWS, for example: aws sso login, then: export AWS_PROFILE=<profile>";
  }
  if (DENIED.includes(name)) {
    return `Use the role iaso-${env}-ci-deploy, or a role with the same permissions: export AWS_PROFILE=<profile>`;
  }
  return undefined;
}

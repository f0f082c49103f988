import { UserError } from "./userError";

interface AwsError extends Error {
  $metadata?: { httpStatusCode?: number };
  $response?: { headers?: Record<string, string> };
  /** The name in errors of S3. */
  Code?: string;
  /** The name that Node.js gives to an error of the network. */
  code?: string;
}

/** The error's AWS name, such as "AccessDenied" or "InvalidParameterValue". */
export function errorName(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return (error as AwsError).Code ?? error.name;
}

/** The HTTP status of AWS's answer; undefined if there was no answer. */
export function httpStatus(error: unknown): number | undefined {
  return error instanceof Error ? (error as AwsError).$metadata?.httpStatusCode : undefined;
}

/** A header of AWS's answer, by its name in lower case. */
export function responseHeader(error: unknown, name: string): string | undefined {
  return error instanceof Error ? (error as AwsError).$response?.headers?.[name] : undefined;
}

/**
 * True if AWS certainly did nothing: it answered, and refused. After a time-out, a broken connection or a server
 * error the call may have taken effect.
 */
export function isRefusal(error: unknown): boolean {
  const status = httpStatus(error);
  return status !== undefined && status >= 400 && status < 500;
}

/** The error in one line: its AWS name, if it has one, and its message. No stack trace. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error instanceof UserError) return error.message;
  const name = errorName(error);
  return name === "Error" || error.message.startsWith(name) ? error.message : `${name}: ${error.message}`;
}

const INVALID_CREDENTIALS = [
  "AuthFailure",
  "CredentialsProviderError",
  "ExpiredToken",
  "ExpiredTokenException",
  "InvalidAccessKeyId",
  "InvalidClientTokenId",
  "RequestExpired",
  "SignatureDoesNotMatch",
  "UnrecognizedClientException",
];
const ACCESS_DENIED = [
  "AccessDenied",
  "AccessDeniedException",
  "InsufficientPrivilegesException",
  "UnauthorizedOperation",
];
const UNREACHABLE = ["ECONNREFUSED", "ECONNRESET", "ENOTFOUND", "EAI_AGAIN", "ETIMEDOUT", "EHOSTUNREACH"];

/**
 * Explains an error of AWS, of the connection to it, or of the AWS settings on this machine.
 *
 * @param role the role that has the permissions, for the fix of a denied request
 * @returns a UserError with the fix; undefined for an error that has nothing to do with AWS
 */
export function explainAwsError(error: unknown, role: string): UserError | undefined {
  const name = errorName(error);
  const line = describeError(error);
  if (/Region (is missing|not accepted)/.test(line)) {
    return new UserError(
      "No valid AWS region is set.",
      "Run: export AWS_REGION=REGION, such as eu-central-1",
    );
  }
  if (line === "TypeError: Invalid URL") {
    return new UserError("AWS_ENDPOINT_URL is not a URL.", "Run: unset AWS_ENDPOINT_URL");
  }
  if (INVALID_CREDENTIALS.includes(name)) {
    return new UserError(
      `There are no valid AWS credentials: ${line}`,
      "Sign in to AWS, for example: aws sso login, then: export AWS_PROFILE=<profile>",
    );
  }
  if (ACCESS_DENIED.includes(name)) {
    // EC2 adds hundreds of characters that only "aws sts decode-authorization-message" reads.
    const readable = line.replace(/ Encoded authorization failure message: \S+/, "");
    return new UserError(`AWS denied access: ${readable}`, `Use ${role}: export AWS_PROFILE=<profile>`);
  }
  const { code = "" } = Object(error) as { code?: string };
  if (UNREACHABLE.includes(code) || name === "TimeoutError") {
    // Node.js leaves the message empty if it tried several addresses.
    const readable = line.replace(/^AggregateError: $/, code);
    return new UserError(
      `AWS cannot be reached: ${readable}`,
      "Check the network, the region (AWS_REGION) and AWS_ENDPOINT_URL, then run the command again.",
    );
  }
  if (httpStatus(error) === undefined) return undefined;
  return new UserError(
    `AWS refused the request: ${line}`,
    "Fix what the message names, then run the command again.",
  );
}

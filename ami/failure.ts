import { UserError } from "../cli/userError";

const NO_CREDENTIALS = [
  "AuthFailure",
  "CredentialsProviderError",
  "ExpiredToken",
  "InvalidAccessKeyId",
  "InvalidClientTokenId",
  "RequestExpired",
  "SignatureDoesNotMatch",
  "UnrecognizedClientException",
];
const DENIED = [
  "AccessDenied",
  "AccessDeniedException",
  "InsufficientPrivilegesException",
  "UnauthorizedOperation",
];
const UNREACHABLE = ["ECONNREFUSED", "ECONNRESET", "ENOTFOUND", "EAI_AGAIN", "ETIMEDOUT", "EHOSTUNREACH"];

/** The name AWS gives to an error, such as "UnauthorizedOperation". */
export function errorName(error: unknown): string {
  return error instanceof Error ? error.name : "";
}

/** An error in one line: its name, where it has one, and its message. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return ["Error", "UserError"].includes(error.name) ? error.message : `${error.name}: ${error.message}`;
}

/** What a command prints of an error: what is wrong, and what mends it. Never a stack trace. */
export function describeFailure(error: unknown): string {
  if (error instanceof UserError) return [error.message, error.remedy].filter(Boolean).join("\n");
  const { code = "", $metadata } = Object(error) as {
    code?: string;
    $metadata?: { httpStatusCode?: number };
  };
  const name = errorName(error);
  const line = describeError(error);
  if (/Region (is missing|not accepted)/.test(line)) {
    return "No region is set, or none that could be one.\nRun: export AWS_REGION=eu-central-1";
  }
  if (line === "TypeError: Invalid URL") {
    return "AWS_ENDPOINT_URL is not an address.\nRun: unset AWS_ENDPOINT_URL";
  }
  if (NO_CREDENTIALS.includes(name)) {
    return `AWS does not know who you are: ${line}\nSign in to AWS, for example: aws sso login, then: export AWS_PROFILE=<profile>`;
  }
  if (DENIED.includes(name)) {
    // EC2 adds hundreds of characters that only "aws sts decode-authorization-message" reads.
    const readable = line.replace(/ Encoded authorization failure message: \S+/, "");
    return `AWS refused: ${readable}\nUse a role that has the rights listed in ami/README.md: export AWS_PROFILE=<profile>`;
  }
  if (UNREACHABLE.includes(code) || name === "TimeoutError") {
    // Node leaves the message empty where it tried several addresses.
    const readable = line.replace(/^AggregateError: $/, code);
    return `AWS cannot be reached: ${readable}\nCheck the network, the region (AWS_REGION) and AWS_ENDPOINT_URL, then run again.`;
  }
  if ($metadata?.httpStatusCode === undefined) return `This should not happen: ${line}\nPlease report it.`;
  return `AWS refused: ${line}\nMend what it names and run again; a later run does what this one has not done.`;
}

import { CREDENTIALS, DENIED, describeError, errorName, httpStatus } from "../deploy/aws/errors";
import { UserError } from "../deploy/userError";

const UNREACHABLE = ["ECONNREFUSED", "ECONNRESET", "ENOTFOUND", "EAI_AGAIN", "ETIMEDOUT", "EHOSTUNREACH"];

/** What a command prints of an error: what is wrong, and what mends it. Never a stack trace. */
export function describeFailure(error: unknown): string {
  if (error instanceof UserError) return [error.message, error.remedy].filter(Boolean).join("\n");
  const name = errorName(error);
  const code = (error as { code?: string } | null)?.code ?? "";
  if (/Region (is missing|not accepted)/.test(describeError(error))) {
    return "No region is set, or none that could be one.\nRun: export AWS_REGION=eu-central-1";
  }
  if (describeError(error) === "TypeError: Invalid URL") {
    return "AWS_ENDPOINT_URL is not an address.\nRun: unset AWS_ENDPOINT_URL";
  }
  if (CREDENTIALS.includes(name)) {
    return `AWS does not know who you are: ${describeError(error)}\nSign in to AWS, for example: aws sso login, then: export AWS_PROFILE=<profile>`;
  }
  if (DENIED.includes(name)) {
    // EC2 adds hundreds of characters that only "aws sts decode-authorization-message" reads.
    const message = describeError(error).replace(/ Encoded authorization failure message: \S+/, "");
    return `AWS refused: ${message}\nUse a role that has the rights listed in ami/README.md: export AWS_PROFILE=<profile>`;
  }
  if (UNREACHABLE.includes(code) || name === "TimeoutError") {
    // Node leaves the message empty where it tried several addresses.
    const message = describeError(error).replace(/^AggregateError(: )?$/, code);
    return `AWS cannot be reached: ${message}\nCheck the network, the region (AWS_REGION) and AWS_ENDPOINT_URL, then run again.`;
  }
  if (httpStatus(error) === undefined)
    return `This should not happen: ${describeError(error)}\nPlease report it.`;
  return `AWS refused: ${describeError(error)}\nMend what it names and run again; a later run does what this one has not done.`;
}

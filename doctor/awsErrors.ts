interface AwsError extends Error {
  $metadata?: { httpStatusCode?: number };
  $response?: { headers?: Record<string, string> };
  Code?: string;
}

/** The error's AWS name, such as "AccessDenied" or "InvalidParameterValue". */
export function errorName(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return (error as AwsError).Code ?? error.name;
}

/** The HTTP status AWS answered with; undefined if there was no answer. */
export function httpStatus(error: unknown): number | undefined {
  return error instanceof Error ? (error as AwsError).$metadata?.httpStatusCode : undefined;
}

/** A header of AWS's answer, by its name in lower case. */
export function responseHeader(error: unknown, name: string): string | undefined {
  return error instanceof Error ? (error as AwsError).$response?.headers?.[name] : undefined;
}

/** One line for a report: the error's name and message, without a stack. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const name = errorName(error);
  return name === "Error" || error.message.startsWith(name) ? error.message : `${name}: ${error.message}`;
}

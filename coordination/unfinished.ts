import { describeError } from "../cli/awsErrors";
import { formatRemedy, UserError } from "../cli/userError";

/** Thrown when a run stops before its end. */
export class Unfinished extends Error {
  override readonly name = "Unfinished";

  /** @param command the command of the tool that continues, with its arguments; by default the one that finishes its record */
  constructor(
    message: string,
    options?: ErrorOptions,
    readonly command?: string,
  ) {
    super(message, options);
  }
}

/** The reason of an error in one line, with its fix if it has one. */
export function reasonOf(error: unknown): string {
  if (error instanceof Unfinished) return error.message;
  if (error instanceof UserError) return `${error.message} ${formatRemedy(error.remedy)}.`;
  return describeError(error);
}

/**
 * A mistake or a situation that the user can fix. Commands print it without a stack trace: `message` says what is
 * wrong and where, `remedy` is the command to run or the line to write.
 */
export class UserError extends Error {
  override readonly name = "UserError";
  /** Empty only if the message already names it. */
  readonly remedy: string;

  constructor(message: string, remedy = "", options?: ErrorOptions) {
    super(message, options);
    this.remedy = remedy;
  }
}

/** The line that introduces a fix, the same in every command. */
export function formatRemedy(remedy: string): string {
  return `To fix it: ${remedy}`;
}

/**
 * A mistake or a situation that the user can fix. Commands print it without a stack trace: `message` says what is
 * wrong and where, `remedy` is the command to run or the line to write.
 */
export class UserError extends Error {
  override readonly name = "UserError";
  /** Empty only where the message already names it. */
  readonly remedy: string;

  constructor(message: string, remedy = "", options?: ErrorOptions) {
    super(message, options);
    this.remedy = remedy;
  }
}

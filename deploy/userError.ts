/**
 * A mistake or a situation that the person who deploys can mend. The command line prints it without a stack
 * trace: `message` says what is wrong and where, `remedy` is the command or the line that mends it.
 */
export class UserError extends Error {
  override readonly name = "UserError";
  /** The command to run or the line to write; empty only where the message already holds it. */
  readonly remedy: string;

  constructor(message: string, remedy = "", options?: ErrorOptions) {
    super(message, options);
    this.remedy = remedy;
  }
}

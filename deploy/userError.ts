/** A mistake that the user can mend: printed as message and remedy, without a stack trace. */
export class UserError extends Error {
  constructor(
    message: string,
    readonly remedy: string,
  ) {
    super(message);
    this.name = "UserError";
  }
}

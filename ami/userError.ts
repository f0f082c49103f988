/** A mistake or a situation that the user can mend: `message` says what is wrong, `remedy` what to do about it. */
export class UserError extends Error {
  override readonly name = "UserError";

  constructor(
    message: string,
    readonly remedy = "",
  ) {
    super(message);
  }
}

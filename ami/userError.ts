/** Something the user can mend: printed as its message, without a stack trace. */
export class UserError extends Error {
  override name = "UserError";
}

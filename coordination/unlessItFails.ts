import { describeError } from "../cli/awsErrors";
import { LockLost } from "./lock";
import { type Session } from "./session";

/**
 * Reads what a run can do without.
 *
 * @param warning the warning for the reason of a failure
 * @returns undefined, after the warning, if it cannot be read
 * @throws LockLost, which ends the run
 */
export async function unlessItFails<T>(
  { progress }: Pick<Session, "progress">,
  read: () => Promise<T>,
  warning: (reason: string) => string = (reason) => reason,
): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof LockLost) throw error;
    progress.warn(warning(describeError(error)));
    return undefined;
  }
}

import { describeError } from "../cli/awsErrors";
import { LockLost } from "../coordination/lock";
import { type LockedSession } from "../coordination/session";
import { countWrites, INTERPRETERS } from "./inspection";
import { findByName } from "./instances";
import { findInstance } from "./runCommand";

/** The number of writes to the environment's database; undefined, with a warning, if no instance can count them. */
export async function countOwnWrites(session: LockedSession): Promise<number | undefined> {
  const name = session.target.databaseIdentifier;
  try {
    const host = (await findByName(session, name))?.Endpoint?.Address;
    if (host === undefined) throw new Error(`${name} has no address`);
    return await countWrites(session, await findInstance(session), host, INTERPRETERS.own);
  } catch (error) {
    if (error instanceof LockLost) throw error;
    session.progress.warn(`The writes to the database could not be counted: ${describeError(error)}`);
    return undefined;
  }
}

import { type LockedSession } from "../coordination/session";
import { unlessItFails } from "../coordination/unlessItFails";
import { countWrites, INTERPRETERS } from "./inspection";
import { findByName } from "./instances";
import { findInstance } from "./runCommand";

/** The number of writes to the environment's database; undefined, with a warning, if no instance can count them. */
export function countOwnWrites(session: LockedSession): Promise<number | undefined> {
  const name = session.target.databaseIdentifier;
  const count = async (): Promise<number> => {
    const host = (await findByName(session, name))?.Endpoint?.Address;
    if (host === undefined) throw new Error(`${name} has no address`);
    return countWrites(session, await findInstance(session), host, INTERPRETERS.own);
  };
  return unlessItFails(
    session,
    count,
    (reason) => `The writes to the database could not be counted: ${reason}`,
  );
}

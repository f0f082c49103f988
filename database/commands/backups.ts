import { describeBackups, listBackups } from "../backups";
import { type Result, type Session } from "../session";

/** Lists the backups of the database. Changes nothing. */
export async function backups(session: Session): Promise<Result> {
  return { outcome: "done", lines: describeBackups(await listBackups(session)) };
}

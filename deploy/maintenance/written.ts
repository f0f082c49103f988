import { UserError } from "../../cli/userError";
import { type Journal } from "../../coordination/journal";
import { oldServes } from "../../database/restoreInPlace";
import { type Pair } from "../pair/find";
import { type DeploymentRecord } from "../record";
import { type LockedSession } from "../session";
import { close, isClosed } from "./closure";
import { findListener } from "./listener";

/**
 * True if the database that a restore would replace may have newer data than the snapshot: the site or its queue is open,
 * was open during the maintenance, or another run has closed it since.
 * Once the instances exchange their names, only the restored one can serve.
 */
export async function mayBeWritten(
  session: LockedSession,
  pair: Pair,
  { maintenance, number, opened }: DeploymentRecord,
): Promise<boolean> {
  if (maintenance === undefined) return false;
  if (opened !== true && (await isClosed(session, await findListener(session, pair), number))) return false;
  return oldServes(session, maintenance);
}

/**
 * Closes the site and its queue again. The journal records first that they were open, because nothing else shows it once
 * they are closed.
 */
export async function closeAgain(
  session: LockedSession,
  pair: Pair,
  journal: Journal<DeploymentRecord>,
): Promise<void> {
  const { number, phase } = journal.current;
  await journal.write(phase, { opened: true });
  await close(session, await findListener(session, pair), number);
}

/**
 * Checks that a restore loses nothing that users have written. Otherwise closes the site again.
 *
 * @throws UserError if the restore would lose data, because somebody opened the site or its queue
 */
export async function requireUnwritten(
  session: LockedSession,
  pair: Pair,
  journal: Journal<DeploymentRecord>,
): Promise<void> {
  if (!(await mayBeWritten(session, pair, journal.current))) return;
  await closeAgain(session, pair, journal);
  throw refuseRestore(session.env, journal.current);
}

/**
 * The refusal of a restore that would lose data. The lock, which roles of CI write too, names the record of the
 * maintenance, so the record may be old.
 */
export function refuseRestore(
  env: string,
  { by, number, restorePoint, startedAt }: DeploymentRecord,
): UserError {
  const { snapshot = "", time = "" } = restorePoint ?? {};
  return new UserError(
    `Run ${number} (by ${by}, ${startedAt}) closed the site of ${env}, but somebody opened the site or its queue: users may have ` +
      `written since ${time}, and a restore of ${snapshot} would lose that.`,
    `Keep the data, with a version that works with its tables: npm run deploy -- repair ${env} --to <version>. ` +
      `To restore afterwards: npm run database -- restore ${env} --snapshot ${snapshot}`,
  );
}

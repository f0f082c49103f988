import { UserError } from "../../cli/userError";
import { type RestorePlan } from "../../database/record";
import { abandonRestore } from "../../database/restoreInPlace";
import { announceVersions } from "../knownMigrations";
import { type Pair } from "../pair/find";
import { reconcile } from "../pair/reconcile";
import { type LockedSession } from "../session";
import { verifyClosed } from "./verify";

/**
 * Gives up the restore of a maintenance, and brings both environments to a version that works with the data as they are.
 * The site stays closed.
 *
 * @throws UserError if the database does not exist any more
 */
export async function keepData(
  session: LockedSession,
  pair: Pair,
  restore: RestorePlan,
  version: string,
): Promise<void> {
  const { clock, env, limits, progress } = session;
  if (!(await abandonRestore(session, restore))) {
    throw new UserError(
      `The database of ${env} does not exist any more, so there are no data to keep.`,
      `npm run deploy -- repair ${env}, which restores the snapshot`,
    );
  }
  await progress.step(`Bring web and worker to ${version}`, async () => {
    await announceVersions(session, [version], { versions: { [version]: null } });
    const { problems, verified } = await reconcile(session, pair, version, {
      // An update whose answer was lost may still begin.
      settledAt: clock.now() + limits.consistency,
      abortUpdates: true,
      closed: true,
    });
    const found = verified ? await verifyClosed(session, pair) : problems;
    if (found.length > 0) throw new Error(`${version} does not work with the database: ${found.join(" ")}`);
  });
}

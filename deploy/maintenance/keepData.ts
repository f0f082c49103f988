import { UserError } from "../../cli/userError";
import { type RestorePlan } from "../../database/record";
import { abandonRestore, findOld } from "../../database/restoreInPlace";
import { announceChosen, refusalOfMisfit } from "../knownMigrations";
import { type Pair } from "../pair/find";
import { type LockedSession } from "../session";
import { verifyVersion } from "./verify";

/**
 * Gives up the restore of a maintenance, and brings both environments to a version that works with the data as they are.
 * The site stays closed. Instances refuse the version if it may fail on the tables, unless `migrationsUnchecked` is set.
 *
 * @throws UserError if the database does not exist any more, or cannot serve again
 */
export async function keepData(
  session: LockedSession,
  pair: Pair,
  restore: RestorePlan,
  { migrationsUnchecked, version }: { version: string; migrationsUnchecked: boolean },
): Promise<void> {
  const { env, progress } = session;
  await findOld(session, restore, `npm run deploy -- repair ${env}, which restores the snapshot`);
  if (!(await abandonRestore(session, restore))) {
    throw new UserError(
      `The database of ${env} does not exist any more, so there are no data to keep.`,
      `npm run deploy -- repair ${env}, which restores the snapshot`,
    );
  }
  await progress.step(`Bring web and worker to ${version}`, async () => {
    await announceChosen(session, version, migrationsUnchecked);
    const found = await verifyVersion(session, pair, version);
    if (found.length === 0) return;
    const refusal = migrationsUnchecked ? "" : ` ${refusalOfMisfit(version)}`;
    throw new Error(`${version} does not work with the database: ${found.join(" ")}${refusal}`);
  });
}

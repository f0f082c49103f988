import { UserError } from "../../cli/userError";
import { findByName, listByPrefix } from "../instances";
import { deleteInstance } from "../restoreSteps";
import { type Result } from "../session";
import { type Run } from "../withLock";

/**
 * Deletes the restored instances that earlier runs have left, after the user has confirmed it. No run is unfinished.
 *
 * @throws UserError if there is no database: one of them may be the only one that works
 */
export async function deleteLeft(run: Run): Promise<Result> {
  const { session } = run;
  const { env, target } = session;
  const name = target.databaseIdentifier;
  const left = (await listByPrefix(session, `${name}-restored-`)).map(
    ({ DBInstanceIdentifier = "" }) => DBInstanceIdentifier,
  );
  const none = `No restore of ${env} is unfinished.`;
  if (left.length === 0) return { outcome: "done", lines: [none] };
  if ((await findByName(session, name)) === undefined) {
    throw new UserError(
      `${none} There is no database ${name} either, so ${left.join(", ")} may be the only one that works, and is not deleted.`,
      `npm run database -- restore ${env} --to latest`,
    );
  }
  if (!(await session.confirm(`${none} Delete ${left.join(", ")}, which an earlier one left?`))) {
    return { outcome: "abandoned", lines: ["Nothing was deleted."] };
  }
  run.beginWithout(`abandon ${env}`);
  for (const one of left) {
    await session.progress.step(`Delete ${one}`, () => deleteInstance(session, one));
  }
  return { outcome: "done", lines: [none, `Deleted ${left.join(", ")}.`] };
}

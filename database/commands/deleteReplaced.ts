import { UserError } from "../../cli/userError";
import { awaitHealth } from "../health";
import { findByName, listByPrefix } from "../instances";
import { deleteInstance } from "../restoreSteps";
import { countRows } from "../inspection";
import { findInstance } from "../runCommand";
import { type LockedSession, type Result, type Session } from "../session";
import { isWithoutSnapshot } from "../status";
import { requireFinished, withLock } from "../withLock";

/**
 * Deletes the old databases that restores have replaced, each with a last snapshot, after Iaso works with the new one
 * and the user has seen its rows.
 *
 * @throws UserError if Iaso does not work with its database
 */
export async function deleteReplaced(
  session: Session,
  { withoutRowCount }: { withoutRowCount: boolean },
): Promise<Result> {
  const { env, target } = session;
  const name = target.databaseIdentifier;
  return withLock(session, "database delete-replaced", async (run) => {
    requireFinished(run);
    const locked = run.session;
    const replaced = await listByPrefix(locked, `${name}-replaced-`);
    if (replaced.length === 0) return { outcome: "done", lines: ["No restore has left an old database."] };
    const problem = await awaitHealth(locked);
    if (problem !== undefined) {
      throw new UserError(
        `Iaso does not work with its database: ${problem}. The old database is kept.`,
        "Deploy a version that fits the database, or restore another backup",
      );
    }
    if (!withoutRowCount) session.show(await rowsOf(locked, name));
    const deletions = replaced.map((instance) => {
      const one = instance.DBInstanceIdentifier ?? "";
      return {
        one,
        status: instance.DBInstanceStatus,
        snapshot: isWithoutSnapshot(instance) ? undefined : `${one}-final`,
      };
    });
    session.show(
      deletions.map(({ one, snapshot, status }) =>
        snapshot === undefined
          ? `Delete ${one}, which is ${status ?? ""}, without a last snapshot: RDS takes none of it. Its automated backups stay.`
          : `Delete ${one}, after a snapshot ${snapshot}.`,
      ),
    );
    if (!(await session.confirm("Delete permanently?"))) {
      return { outcome: "abandoned", lines: ["Nothing was deleted."] };
    }
    run.beginWithout(`delete-replaced ${env}`);
    for (const { one, snapshot } of deletions) {
      await locked.progress.step(`Delete ${one}`, () =>
        deleteInstance(locked, one, { snapshot, backups: true }),
      );
    }
    const snapshots = deletions.flatMap(({ snapshot }) => snapshot ?? []);
    const stay = snapshots.length === 0 ? "" : ` The snapshots stay: ${snapshots.join(", ")}.`;
    return { outcome: "done", lines: [`Deleted ${deletions.map(({ one }) => one).join(", ")}.${stay}`] };
  });
}

async function rowsOf(session: LockedSession, name: string): Promise<string[]> {
  return session.progress.step(`Count the rows of ${name}`, async () => {
    const counter = await findInstance(session);
    const instance = await findByName(session, name);
    const rows = await countRows(session, counter, instance?.Endpoint?.Address ?? "");
    return [`Rows of ${name}:`, ...[...rows].map(([table, count]) => `  ${table}: ${count}`)];
  });
}

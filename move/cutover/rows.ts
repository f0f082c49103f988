import { UserError } from "../../cli/userError";
import { unlessItFails } from "../../coordination/unlessItFails";
import { findByName } from "../../database/instances";
import { countRows, inspect, INTERPRETERS } from "../../database/inspection";
import { findInstance } from "../../database/runCommand";
import { type Rows, sumOf } from "../../database/rowCount";
import { type Context } from "./context";
import { type ExistingSide } from "./record";
import { type LockedSession, onExisting } from "./session";
import { existingInstance } from "./writes";

/** The largest tables that are shown. */
const SHOWN = 10;

/**
 * Counts the rows of the restored database, before it is migrated, and compares them with the existing one.
 *
 * @throws UserError if the restored one has fewer rows
 */
export async function compareRows({ journal, session }: Context): Promise<void> {
  const { command, existing, leaveTasks, restore, stack } = journal.current;
  const { before, restored } = await session.progress.step("Count the rows of both databases", async () => {
    const instance = await findByName(session, restore.name);
    const now = await countRows(session, await findInstance(session), instance?.Endpoint?.Address ?? "");
    return { before: await countExisting(session, existing), restored: now };
  });
  session.show(describe(before, restored));
  const lost = [...(before ?? [])].flatMap(([table, count]) =>
    (restored.get(table) ?? 0) < count ? [table] : [],
  );
  // The existing Iaso is in use during a rehearsal, and tasks that were left behind write on.
  const problem =
    sumOf(restored) === 0
      ? "The restored database has no rows."
      : lost.length > 0 && command === "cutover" && leaveTasks !== true
        ? `The restored database has fewer rows than the existing one: ${lost.join(", ")}. Somebody may have written to it past the closed site.`
        : undefined;
  if (problem === undefined) return;
  throw new UserError(problem, `npm run move -- back ${stack}, find out who writes, then begin again`);
}

/** The rows of the existing database; undefined if no instance of the existing Iaso can count them. */
function countExisting(session: LockedSession, existing: ExistingSide): Promise<Rows | undefined> {
  const old = onExisting(session, existing);
  const count = async (): Promise<Rows | undefined> => {
    const instance = await existingInstance(session, existing);
    if (instance === undefined) return undefined;
    const { host } = existing.database;
    return (await inspect(old, instance, host, INTERPRETERS.beanstalk)).rows;
  };
  return unlessItFails(
    session,
    count,
    (reason) => `The rows of the existing database could not be counted: ${reason}`,
  );
}

function describe(before: Rows | undefined, now: Rows): string[] {
  const tables = [...new Set([...now.keys(), ...(before?.keys() ?? [])])];
  const differs = (table: string) => before !== undefined && before.get(table) !== now.get(table);
  const largest = tables.sort((one, other) => (now.get(other) ?? 0) - (now.get(one) ?? 0));
  const shown = largest.filter((table, index) => index < SHOWN || differs(table));
  return [
    before === undefined
      ? "Rows of the restored database (not compared: no instance of the existing Iaso takes commands of Systems Manager):"
      : "Rows, existing -> restored:",
    ...shown.map((table) => {
      const old = before === undefined ? "" : `${before.get(table) ?? "no table"} -> `;
      return `  ${table}: ${old}${now.get(table) ?? "no table"}`;
    }),
    `  all ${now.size} tables: ${before === undefined ? "" : `${sumOf(before)} -> `}${sumOf(now)}`,
  ];
}

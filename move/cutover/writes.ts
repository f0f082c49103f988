import { DescribeInstanceInformationCommand } from "@aws-sdk/client-ssm";
import { UserError } from "../../cli/userError";
import { Unfinished } from "../../coordination/unfinished";
import { unlessItFails } from "../../coordination/unlessItFails";
import { countWrites, INTERPRETERS } from "../../database/inspection";
import { SETTLING } from "../../deploy/maintenance/maintain";
import { type Context } from "./context";
import { type ExistingSide } from "./record";
import { type LockedSession, onExisting, type Session } from "./session";

/**
 * Milliseconds from the closure until the snapshot if nothing shows whether the existing database is still written to. A
 * load balancer goes on with requests that began before: a device that sends photos over a slow line needs minutes, and
 * Iaso stores its submission at the end.
 */
export const UPLOADS = 15 * 60_000;

/** The id of an instance of the existing Iaso that runs commands of Systems Manager; undefined if there is none. */
export async function existingInstance(
  session: Session,
  existing: ExistingSide,
): Promise<string | undefined> {
  const { InstanceInformationList } = await onExisting(session, existing).clients.ssm.send(
    new DescribeInstanceInformationCommand({
      Filters: [{ Key: "tag:elasticbeanstalk:environment-name", Values: [existing.web] }],
    }),
  );
  return InstanceInformationList?.find(({ PingStatus }) => PingStatus === "Online")?.InstanceId;
}

/** The number of writes to the existing database; undefined, with a warning, if no instance can count them. */
function writesOf(session: LockedSession, existing: ExistingSide): Promise<number | undefined> {
  const count = async (): Promise<number> => {
    const instance = await existingInstance(session, existing);
    if (instance === undefined) throw new Unfinished("no instance of it takes commands of Systems Manager");
    const old = onExisting(session, existing);
    return countWrites(old, instance, existing.database.host, INTERPRETERS.beanstalk);
  };
  return unlessItFails(
    session,
    count,
    (reason) => `The writes to the existing database could not be counted: ${reason}`,
  );
}

/**
 * Counts the writes to the existing database after its site was closed, for {@link requireUnwritten}. Waits for slow
 * uploads if nothing can count them.
 */
export async function rememberWrites({ journal, session }: Context): Promise<void> {
  const { existing, withoutRowCount, writes: known } = journal.current;
  // A count by a run that goes on may come after the snapshot.
  if (known !== undefined) return;
  const writes = withoutRowCount === true ? undefined : await writesOf(session, existing);
  if (writes === undefined) await session.clock.sleep(UPLOADS - SETTLING);
  await journal.write("saving", { writes: writes ?? null });
}

/** @throws UserError if somebody wrote to the existing database since the snapshot, or that cannot be seen any more */
export async function requireUnwritten({ journal, session }: Context): Promise<void> {
  const { command, existing, leaveTasks, stack, withoutRowCount, writes: before } = journal.current;
  if (command === "rehearsal" || withoutRowCount === true || typeof before !== "number") return;
  const now = await session.progress.step("Look for late writes to the existing database", () =>
    writesOf(session, existing),
  );
  if (now === before) return;
  if (now === undefined) {
    throw new UserError(
      "Nothing shows whether somebody wrote to the existing database since the snapshot.",
      `Run the same command again; go on without that: npm run move -- cutover ${stack} --without-row-count`,
    );
  }
  const what = `The existing database was written to since it was closed (${now - before} rows): by a slow upload, or past the closed site.`;
  // Tasks that were left behind write on.
  if (leaveTasks === true) session.progress.warn(what);
  else {
    throw new UserError(
      `${what} The new platform lacks that.`,
      `npm run move -- back ${stack}, find out who writes, then begin again`,
    );
  }
}

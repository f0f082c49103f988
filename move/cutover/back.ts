import { UserError } from "../../cli/userError";
import { withRecord } from "../../coordination/withRecord";
import { restoreInPlace } from "../../database/restoreInPlace";
import { appears, deleteInstance } from "../../database/restoreSteps";
import { type Result } from "../../database/session";
import { openUntilSettled } from "../../deploy/maintenance/closure";
import { openSite } from "../../deploy/maintenance/listener";
import { openQueue } from "../../deploy/maintenance/queue";
import { Gone, onPart } from "./gone";
import { CUTOVERS, type CutoverRecord, newestIn, timeOf } from "./record";
import { type LockedSession, onExisting, type Session } from "./session";

/**
 * Goes back to the existing platform, or ends a rehearsal that stopped: opens the existing site first, then completes or
 * deletes the restored database, and lets the worker of the new platform take tasks again.
 *
 * @throws UserError from the phase `pointing` on: users write to the new platform
 */
export async function goBack(session: Session): Promise<Result> {
  return withRecord(session, CUTOVERS, "move back", async (run) => {
    const record = run.unfinished;
    if (record === undefined || record.phase === "rehearsed" || record.phase === "wentBack") {
      const last = await newestIn(session, "pointing");
      if (last !== undefined) throw refusal(last);
      return { outcome: "done", lines: [`No cutover of ${session.env} is unfinished.`] };
    }
    if (timeOf(record, "pointing") !== undefined) throw refusal(record);
    const journal = await run.reopen(record);
    if (record.phase !== "goingBack") await journal.write("goingBack");
    const locked = run.session;
    const isCutover = record.command === "cutover";
    const gone = new Set<string>();
    if (isCutover) {
      await locked.progress.step(
        `Open the site of ${record.existing.web}, and let its worker take tasks`,
        () => openUntilSettled(locked, () => openExisting(locked, record, gone)),
      );
      for (const line of gone) locked.progress.warn(line);
    }
    const isRestored = await finishDatabase(locked, record);
    await locked.progress.step("Let the new worker take tasks", () =>
      openUntilSettled(locked, () => openQueue(locked)),
    );
    await journal.write("wentBack");
    return {
      outcome: "done",
      lines: [
        !isCutover
          ? "The rehearsal is ended."
          : gone.size === 0
            ? `${record.existing.web} is open again, as before the cutover. Nothing of it was deleted or changed.`
            : `What is left of ${record.existing.web} is open again. Somebody has deleted parts of it since the cutover began: ${[...gone].join(" ")} Check that users reach it.`,
        ...(isRestored
          ? [
              `The database of ${session.env} is the restored one; the one before stays as ${record.restore.replaced}. ` +
                `Before you use the new platform, let its instances migrate it: npm run deploy -- ${session.env} --source ../iaso`,
            ]
          : []),
      ],
    };
  });
}

/**
 * Opens the existing site and its queue. Returns false if nothing was closed.
 *
 * @param gone gets the message for each part that does not exist any more, which nobody can open
 */
async function openExisting(
  session: LockedSession,
  record: CutoverRecord,
  gone: Set<string>,
): Promise<boolean> {
  const { listeners, queue } = record.existing;
  const old = onExisting(session, record.existing);
  const open = async (part: string, run: () => Promise<boolean>): Promise<boolean> => {
    try {
      return await onPart(record, part, run);
    } catch (error) {
      if (!(error instanceof Gone)) throw error;
      gone.add(`${part} does not exist any more.`);
      return false;
    }
  };
  let wasClosed = false;
  for (const listener of listeners)
    wasClosed = (await open(listener.arn, () => openSite(old, listener))) || wasClosed;
  if (queue === undefined) return wasClosed;
  return (await open(queue.url, () => openQueue(old, queue.policy))) || wasClosed;
}

/**
 * Completes the replacement of the new database if it has begun, and otherwise deletes the restored instance.
 *
 * @returns true if the new platform has the restored database
 */
async function finishDatabase(session: LockedSession, record: CutoverRecord): Promise<boolean> {
  const { restore } = record;
  if (restore.newId !== undefined) {
    await restoreInPlace(session, session.pulumi, restore, () => Promise.resolve());
    return true;
  }
  if (timeOf(record, "restoring") === undefined) return false;
  await session.progress.step(`Delete ${restore.restored}, if it exists`, async () => {
    if (await appears(session, restore.restored)) await deleteInstance(session, restore.restored);
  });
  return false;
}

function refusal(record: CutoverRecord): UserError {
  const { command, existing, phase, stack } = record;
  const since = timeOf(record, "pointing") ?? "";
  const isUnfinished = phase === "pointing";
  return new UserError(
    isUnfinished
      ? `The records are being changed since ${since}: users may write to the new platform already, so nothing goes back. The site of ${existing.web} is CLOSED until the cutover is complete.`
      : `The records point to the new platform since ${since}: users write to it, and ${existing.web} lacks that, so nothing goes back.`,
    isUnfinished
      ? `Complete the ${command}: npm run move -- cutover ${stack}`
      : `Repair the new platform: npm run doctor -- ${stack}. The existing data are unchanged in ${existing.database.id} and ${existing.bucket.name}, as of the closure`,
  );
}

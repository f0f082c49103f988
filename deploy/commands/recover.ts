import { describeError } from "../../cli/awsErrors";
import { ConditionalObjects } from "../coordination/conditionalObject";
import { type JournalRecord, readJournal } from "../coordination/journal";
import { bringTo, type BroughtTo } from "../pair/reconcile";
import { type Pair, ROLES } from "../pair/find";
import { describeLook, deviations, lookAtPair, type PairLook } from "../pair/state";
import { watchUpdates } from "../pair/update";
import { type LockedSession } from "../session";
import { restoreStatic } from "../static/publish";
import { UserError } from "../../cli/userError";

export interface Finished extends BroughtTo {
  /** The version the pair was to end on. */
  version: string;
  /** The version before it, where the record tells. */
  previous: string | undefined;
}

/**
 * Ends what an earlier run began: brings the pair to one version from whatever state it is in.
 *
 * An update that was under way on both environments is let run, and accepted where it ends well on both;
 * otherwise both go back to the version before it. Where the record never came to a switch, or there is none, a
 * pair on one version is left alone.
 * @param wanted the version a person asks for, which overrides the record
 * @throws UserError where neither a record nor a person says which version is right.
 */
export async function finishOpen(
  session: LockedSession,
  pair: Pair,
  openRecord: number | undefined,
  wanted?: string,
): Promise<Finished> {
  const objects = new ConditionalObjects(session.clients.s3, session.target.artifactsBucket);
  const record = openRecord === undefined ? undefined : await readJournal(objects, session.env, openRecord);
  if (record !== undefined) {
    session.progress.line(
      `Run ${record.number} (${record.command} by ${record.by}, ${record.startedAt}) ended while ${record.phase}.`,
    );
  }
  const version = wanted ?? (await chooseVersion(session, pair, record));
  const result = await bringTo(session, pair, version);
  if (result.verified) await restoreStaticOf(session, version);
  const previous = version === record?.to ? (record.from ?? undefined) : undefined;
  return { ...result, version, previous };
}

async function chooseVersion(
  session: LockedSession,
  pair: Pair,
  record: JournalRecord | undefined,
): Promise<string> {
  const inSwitch =
    record?.phase === "switching" || record?.phase === "returning" || record?.phase === "split";
  const from = record?.from ?? undefined;
  const to = record?.to ?? undefined;
  const look = inSwitch
    ? await lookAtPair(session.clients.beanstalk, pair)
    : await lookWhenReady(session, pair);
  const common = commonVersion(look);
  if (!inSwitch) {
    const known = common ?? from ?? session.lease.current.version ?? undefined;
    if (known !== undefined) return known;
    throw notKnown(session, look);
  }
  // Somebody has brought the pair to a version that this record is not about.
  if (common !== undefined && common !== from && common !== to) return common;
  const onTheWay = ROLES.every((role) => look[role].status !== "Ready" || look[role].version === to);
  if (record.phase === "switching" && to !== undefined && onTheWay) {
    session.progress.line(`Both environments were on their way to ${to}: waiting for the end of that`);
    const args = { version: to, requests: [], healthy: true, interruptible: false };
    const verdict = await watchUpdates(session, pair, args);
    if (verdict.ok) return to;
    for (const cause of verdict.causes) session.progress.warn(cause);
  }
  if (from !== undefined) return from;
  throw notKnown(session, look);
}

async function lookWhenReady(session: LockedSession, pair: Pair): Promise<PairLook> {
  const { clock, limits } = session;
  const deadline = clock.now() + limits.update;
  for (;;) {
    session.lease.requireNotLost();
    const look = await lookAtPair(session.clients.beanstalk, pair);
    if (ROLES.every((role) => look[role].status === "Ready") || clock.now() > deadline) return look;
    await clock.sleep(limits.poll);
  }
}

/** The version that both environments run on every instance. */
export function commonVersion(look: PairLook): string | undefined {
  const { version } = look.web;
  if (version === undefined) return undefined;
  return ROLES.every((role) => deviations(look[role], version).length === 0) ? version : undefined;
}

function notKnown({ env }: LockedSession, look: PairLook): UserError {
  const states = ROLES.map((role) => `${role} ${describeLook(look[role])}`).join("; ");
  return new UserError(
    `The environments of ${env} run different versions, and no record says which one is right: ${states}.`,
    `npm run deploy -- repair ${env} --to ${look.web.version ?? "<version>"}`,
  );
}

/**
 * Makes the static files of the version current that the pair went back to. The code does not wait for them: most
 * names hold a digest and were never replaced.
 */
export async function restoreStaticOf(session: LockedSession, version: string): Promise<void> {
  const { clients, progress, target } = session;
  try {
    await restoreStatic({
      s3: clients.s3,
      bucket: target.staticBucket,
      version,
      onProgress: (line) => {
        progress.line(line);
      },
    });
  } catch (error) {
    progress.warn(`The static files of ${version} were not made current again: ${describeError(error)}`);
  }
}

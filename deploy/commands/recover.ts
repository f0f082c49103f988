import { describeError } from "../../cli/awsErrors";
import { ConditionalObjects } from "../../coordination/conditionalObject";
import { Journal } from "../../coordination/journal";
import { announceChosen } from "../knownMigrations";
import { recoverMaintenance, type RecoverMaintenanceOptions } from "../maintenance/maintain";
import { type DeploymentRecord, isMaintenance } from "../record";
import { type Pair, ROLES } from "../pair/find";
import { reconcile, type Reconciled } from "../pair/reconcile";
import { describePair, deviations, formatState, type PairState } from "../pair/state";
import { watchUpdates } from "../pair/update";
import { type LockedSession } from "../session";
import { restoreStatic } from "../static/publish";
import { UserError } from "../../cli/userError";

export interface Recovered extends Reconciled {
  /** The version to which the pair was brought. */
  version: string;
  /** True if a maintenance was completed, which opened the site. */
  maintenance: boolean;
  /** The version before it, if the journal tells. */
  previous: string | undefined;
}

/**
 * Only a person completes a maintenance, by `repair`: it may restore the database, which no role of CI can.
 *
 * @throws UserError if the record is that of an unfinished maintenance
 */
export function requireNoMaintenance(env: string, record: DeploymentRecord | undefined): void {
  if (record === undefined || !isMaintenance(record)) return;
  throw new UserError(
    `The maintenance of ${env} is unfinished (run ${record.number} by ${record.by}, ${record.startedAt}, phase ${record.phase}): users may see the maintenance page.`,
    `npm run deploy -- repair ${env}`,
  );
}

/**
 * Recovers from an unfinished run: brings both environments to one version, whatever state they are in.
 *
 * An update in progress on both environments may finish; if it succeeds on both, its version stays. Otherwise both
 * are rolled back. If the unfinished run never began its switch, or there is none, a pair on one version stays
 * unchanged.
 *
 * @param record the unfinished run's; undefined if there is none
 * @param options the version that the user asks for, which takes precedence over the journal; instances refuse it if it
 *   may fail on what migrations did that it does not have, unless `migrationsUnchecked` is set
 * @throws UserError if neither the journal nor the user says which version is right
 */
export async function recover(
  session: LockedSession,
  pair: Pair,
  record: DeploymentRecord | undefined,
  { migrationsUnchecked = false, wanted }: { wanted?: string; migrationsUnchecked?: boolean } = {},
): Promise<Recovered> {
  if (record !== undefined) {
    session.progress.line(
      `Run ${record.number} (${record.command} by ${record.by}, ${record.startedAt}) stopped in phase ${record.phase}.`,
    );
  }
  const maintenance = record !== undefined && isMaintenance(record);
  const version = maintenance
    ? await completeMaintenance(session, pair, record, { migrationsUnchecked, wanted })
    : (wanted ?? (await chooseVersion(session, pair, record)));
  if (wanted !== undefined && !maintenance) await announceChosen(session, wanted, migrationsUnchecked);
  const result = await reconcile(session, pair, version);
  if (result.verified) await restoreStaticOf(session, version);
  const previous = version === record?.to ? (record.from ?? undefined) : undefined;
  return { ...result, version, previous, maintenance };
}

async function completeMaintenance(
  session: LockedSession,
  pair: Pair,
  record: DeploymentRecord,
  options: RecoverMaintenanceOptions,
): Promise<string> {
  const objects = new ConditionalObjects(session.clients.s3, session.target.artifactsBucket);
  const journal = await Journal.reopen(objects, "restores", record, () => session.clock.now());
  return recoverMaintenance(session, pair, journal, options);
}

async function chooseVersion(
  session: LockedSession,
  pair: Pair,
  record: DeploymentRecord | undefined,
): Promise<string> {
  const inSwitch =
    record?.phase === "switching" || record?.phase === "rollingBack" || record?.phase === "mixedVersions";
  const from = record?.from ?? undefined;
  const to = record?.to ?? undefined;
  const state = inSwitch
    ? await describePair(session.clients.beanstalk, pair)
    : await waitUntilReady(session, pair);
  const common = commonVersion(state);
  if (!inSwitch) {
    const known = common ?? from ?? session.lock.current.version ?? undefined;
    if (known !== undefined) return known;
    throw unknownVersion(session, state);
  }
  // Somebody has updated both environments to a version that this record does not name.
  if (common !== undefined && common !== from && common !== to) return common;
  const inProgress = ROLES.every((role) => state[role].status !== "Ready" || state[role].version === to);
  if (record.phase === "switching" && to !== undefined && inProgress) {
    session.progress.line(`Both environments were being updated to ${to}: waiting for the updates to finish`);
    const { healthBefore = { web: "Ok", worker: "Ok" } } = record;
    const args = { version: to, requests: [], healthBefore, interruptible: false };
    const result = await watchUpdates(session, pair, args);
    if (result.ok) return to;
    for (const cause of result.causes) session.progress.warn(cause);
  }
  if (from !== undefined) return from;
  throw unknownVersion(session, state);
}

async function waitUntilReady(session: LockedSession, pair: Pair): Promise<PairState> {
  const { clock, limits } = session;
  const deadline = clock.now() + limits.update;
  for (;;) {
    session.lock.requireHeld();
    const state = await describePair(session.clients.beanstalk, pair);
    if (ROLES.every((role) => state[role].status === "Ready") || clock.now() > deadline) return state;
    await clock.sleep(limits.poll);
  }
}

/** The version that both environments run on every instance; undefined if there is none. */
export function commonVersion(state: PairState): string | undefined {
  const { version } = state.web;
  if (version === undefined) return undefined;
  return ROLES.every((role) => deviations(state[role], version).length === 0) ? version : undefined;
}

function unknownVersion({ env }: LockedSession, state: PairState): UserError {
  const states = ROLES.map((role) => `${role} ${formatState(state[role])}`).join("; ");
  return new UserError(
    `The environments of ${env} run different versions, and the journal does not say which one is right: ${states}.`,
    `npm run deploy -- repair ${env} --to ${state.web.version ?? "<version>"}`,
  );
}

/**
 * Makes the static files of a version current again after a rollback to it. A failure is only a warning: most names
 * contain a digest and were never overwritten.
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
    progress.warn(`Could not restore the static files of ${version}: ${describeError(error)}`);
  }
}

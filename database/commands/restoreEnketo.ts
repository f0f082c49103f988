import { UserError } from "../../cli/userError";
import { Unfinished } from "../../coordination/unfinished";
import { formatTime } from "../backups";
import { findRedis, mainRedis, type Snapshot, snapshotsOf, takenAt, until } from "../enketoRedis";
import { type Result, type Session } from "../session";

/**
 * Prepares a restore of Enketo's main Redis: keeps a copy of a snapshot, because ElastiCache deletes the daily ones with the
 * Redis, and deletes the Redis with a last snapshot. `pulumi up` then creates it from the copy. Each step looks first, so the
 * command can be repeated after a kill at any call.
 *
 * @throws UserError if there is no such snapshot of this Redis; nothing is changed
 * @see https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/backups-deleting.html
 */
export async function restoreEnketo(session: Session, { snapshot }: { snapshot?: string }): Promise<Result> {
  const { env, progress } = session;
  const group = mainRedis(env);
  const all = await snapshotsOf(session, { ReplicationGroupId: group });
  if (snapshot === undefined) return { outcome: "done", lines: describe(all, env) };
  const copy = `iaso-${env}-enketo-restore-${snapshot
    .replace(/^automatic\.|[^a-z0-9-]/g, "")
    .slice(-16)
    .replace(/^-+/, "")}`;
  const [existing] = await snapshotsOf(session, { SnapshotName: copy });
  if (existing === undefined && all.find(({ SnapshotName }) => SnapshotName === snapshot) === undefined) {
    throw new UserError(
      [`Enketo's Redis ${group} has no snapshot ${snapshot}.`, ...describe(all, env)].join("\n"),
      `npm run database -- restore-enketo ${env} --snapshot NAME`,
    );
  }
  session.show([
    "Plan:",
    `  1. Keep a copy of the snapshot ${snapshot}, as ${copy}${existing === undefined ? "" : " (it exists)"}.`,
    `  2. Delete the Redis ${group}, with a last snapshot. Enketo is interrupted until Pulumi has created it again.`,
    "  3. Print the commands that create it from the copy.",
  ]);
  if (!(await session.confirm(`Delete ${group}?`))) {
    return { outcome: "abandoned", lines: ["Nothing was changed."] };
  }
  const again = `restore-enketo ${env} --snapshot ${snapshot}`;
  await progress.step(`Copy the snapshot ${snapshot}`, () => copySnapshot(session, snapshot, copy, again));
  await progress.step(`Delete ${group}`, () => deleteGroup(session, group, again));
  return {
    outcome: "done",
    lines: [
      `The Redis is deleted. Name ${copy} in policies/policy-config.${env}.json (docs/settings.md, databaseSnapshot), then:`,
      `  pulumi config set iaso:enketoRedisSnapshot ${copy} --stack ${env}`,
      `  pulumi refresh --stack ${env} --yes`,
      `  pulumi up --stack ${env}`,
    ],
  };
}

function describe(snapshots: readonly Snapshot[], env: string): string[] {
  if (snapshots.length === 0) return [`Enketo's Redis of ${env} has no snapshots.`];
  return [
    "Snapshots of Enketo's Redis, for --snapshot:",
    ...snapshots.map((snapshot) => {
      const at = takenAt(snapshot);
      return [`  ${snapshot.SnapshotName}`, ...(at ? [formatTime(at)] : []), snapshot.SnapshotStatus].join(
        "  ",
      );
    }),
  ];
}

async function copySnapshot(session: Session, source: string, copy: string, again: string): Promise<void> {
  const look = async (): Promise<string | undefined> =>
    (await snapshotsOf(session, { SnapshotName: copy }))[0]?.SnapshotStatus;
  if ((await look()) === undefined) {
    await session.aws(session.target.region, ["elasticache", "copy-snapshot"], {
      SourceSnapshotName: source,
      TargetSnapshotName: copy,
    });
  }
  await until(
    session,
    `The copy ${copy} is not available`,
    again,
    async () => (await look()) === "available",
  );
}

async function deleteGroup(session: Session, group: string, again: string): Promise<void> {
  const { clock, env, target } = session;
  const status = (await findRedis(session, group))?.Status;
  // ElastiCache deletes only a Redis that is not being changed, and takes a last snapshot only of one that works.
  if (status === "available" || status === "create-failed") {
    const at = new Date(clock.now()).toISOString().replace(/\D/g, "").slice(0, 14);
    await session.aws(target.region, ["elasticache", "delete-replication-group"], {
      ReplicationGroupId: group,
      ...(status === "available" && { FinalSnapshotIdentifier: `iaso-${env}-enketo-before-${at}` }),
    });
  } else if (status !== undefined && status !== "deleting") {
    throw new Unfinished(`${group} is ${status}.`, {}, again);
  }
  await until(
    session,
    `${group} is not deleted`,
    again,
    async () => (await findRedis(session, group)) === undefined,
  );
}

import { describeError } from "../cli/awsErrors";
import { Unfinished } from "../coordination/unfinished";
import { formatTime } from "./backups";
import { becomesVisible } from "./becomesVisible";
import { findRedis, listRedis, mainRedis, type Redis, snapshotsOf, takenAt, until } from "./enketoRedis";
import { type LockedSession } from "./session";

/**
 * Rehearses a restore of Enketo's main Redis: restores its newest snapshot into a copy that no connection reaches, and
 * deletes the copy. Copies of killed rehearsals are deleted too.
 *
 * @param securityGroup a group in which no connection is allowed
 * @returns the snapshot that was restored, in words
 * @throws Unfinished if there is no snapshot, or the copy does not become available
 * @see https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_CreateReplicationGroup.html
 */
export async function rehearseEnketo(session: LockedSession, securityGroup: string): Promise<string> {
  const { env } = session;
  const again = `rehearse ${env} --enketo`;
  await deleteCopies(session, again);
  const main = mainRedis(env);
  const redis = await findRedis(session, main);
  const snapshots = await snapshotsOf(session, { ReplicationGroupId: main });
  const snapshot = snapshots.find(({ SnapshotStatus }) => SnapshotStatus === "available");
  if (snapshot === undefined) throw new Unfinished(`${main} has no snapshot.`, {}, again);
  const copy = `${copyPrefix(env)}${session.clock.now().toString(36)}`;
  try {
    await create(session, copy, {
      ReplicationGroupDescription: `Rehearsal of ${main}`,
      SnapshotName: snapshot.SnapshotName,
      Engine: snapshot.Engine ?? "redis",
      // ElastiCache shows 7.1.0, and takes 7.1.
      ...(snapshot.EngineVersion !== undefined && {
        EngineVersion: snapshot.EngineVersion.split(".").slice(0, 2).join("."),
      }),
      CacheNodeType: snapshot.CacheNodeType,
      CacheParameterGroupName: snapshot.CacheParameterGroupName,
      CacheSubnetGroupName: snapshot.CacheSubnetGroupName,
      SecurityGroupIds: [securityGroup],
      NumCacheClusters: 1,
      AutomaticFailoverEnabled: false,
      AtRestEncryptionEnabled: true,
      TransitEncryptionEnabled: true,
      ...(redis?.KmsKeyId !== undefined && { KmsKeyId: redis.KmsKeyId }),
      ...(snapshot.DataTiering === "enabled" && { DataTieringEnabled: true }),
      Tags: [
        { Key: "project", Value: "iaso" },
        { Key: "env", Value: env },
      ],
    });
    await until(session, `${copy} is not available`, again, async () => {
      const status = (await findRedis(session, copy))?.Status;
      if (status === "create-failed") {
        throw new Unfinished(`ElastiCache could not restore ${snapshot.SnapshotName}.`, {}, again);
      }
      return status === "available";
    });
  } finally {
    await deleteCopies(session, again).catch((error: unknown) => {
      const command = `npm run database -- ${again}`;
      throw new Unfinished(
        `${copy} is not deleted: ${describeError(error)}. Run again: ${command}`,
        {},
        again,
      );
    });
  }
  const at = takenAt(snapshot);
  return `${snapshot.SnapshotName}${at === undefined ? "" : ` of ${formatTime(at)}`}`;
}

/** Requests a Redis. A request without an answer may still create it. */
async function create(session: LockedSession, id: string, properties: object): Promise<void> {
  try {
    await session.aws(session.target.region, ["elasticache", "create-replication-group"], {
      ReplicationGroupId: id,
      ...properties,
    });
  } catch (error) {
    if (!(await becomesVisible(session, () => findRedis(session, id)))) throw error;
  }
}

const copyPrefix = (env: string): string => `iaso-${env}-enketo-rehearsal-`;

/** Deletes all copies, without a last snapshot. */
async function deleteCopies(session: LockedSession, again: string): Promise<void> {
  const { env, target } = session;
  const copies = async (): Promise<Redis[]> =>
    (await listRedis(session, {})).filter(({ ReplicationGroupId }) =>
      ReplicationGroupId.startsWith(copyPrefix(env)),
    );
  await until(session, "The copy of Enketo's Redis is not deleted", again, async () => {
    const left = await copies();
    for (const { ReplicationGroupId, Status } of left) {
      // ElastiCache deletes none that is being created or changed.
      if (Status !== "available" && Status !== "create-failed") continue;
      await session.aws(target.region, ["elasticache", "delete-replication-group"], { ReplicationGroupId });
    }
    return left.length === 0;
  });
}

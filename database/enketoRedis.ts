import { z } from "zod";
import { Unfinished } from "../coordination/unfinished";
import { LIMITS, type Session } from "./session";

const time = z.union([z.number().transform((seconds) => new Date(seconds * 1000)), z.coerce.date()]);

const snapshotSchema = z.object({
  SnapshotName: z.string(),
  SnapshotStatus: z.string(),
  ReplicationGroupId: z.string().optional(),
  CacheNodeType: z.string().optional(),
  CacheParameterGroupName: z.string().optional(),
  CacheSubnetGroupName: z.string().optional(),
  DataTiering: z.string().optional(),
  Engine: z.string().optional(),
  EngineVersion: z.string().optional(),
  NodeSnapshots: z.array(z.object({ SnapshotCreateTime: time.optional() })).default([]),
});

/** A snapshot in ElastiCache, with the properties of its Redis. */
export type Snapshot = z.infer<typeof snapshotSchema>;

const redisSchema = z.object({
  ReplicationGroupId: z.string(),
  Status: z.string(),
  KmsKeyId: z.string().optional(),
});

/** A Redis of ElastiCache: a replication group. */
export type Redis = z.infer<typeof redisSchema>;

/** The id of Enketo's main Redis. */
export const mainRedis = (env: string): string => `iaso-${env}-enketo-main`;

/** The time at which a snapshot was taken; undefined while it is created. */
export function takenAt({ NodeSnapshots: [node] }: Snapshot): Date | undefined {
  return node?.SnapshotCreateTime;
}

/** Lists snapshots by the Redis or by the name; newest first. */
export async function snapshotsOf(session: Session, which: object): Promise<Snapshot[]> {
  const answer = await orNothing(
    /SnapshotNotFound|CacheClusterNotFound|ReplicationGroupNotFound/,
    session.aws(session.target.region, ["elasticache", "describe-snapshots"], which),
  );
  const { Snapshots } = z.object({ Snapshots: z.array(snapshotSchema).default([]) }).parse(answer ?? {});
  return Snapshots.sort((one, other) => Number(takenAt(other) ?? 0) - Number(takenAt(one) ?? 0));
}

/** Lists the Redis of the account, or the one of an id. */
export async function listRedis(session: Session, which: object): Promise<Redis[]> {
  const answer = await orNothing(
    /ReplicationGroupNotFound/,
    session.aws(session.target.region, ["elasticache", "describe-replication-groups"], which),
  );
  return z.object({ ReplicationGroups: z.array(redisSchema).default([]) }).parse(answer ?? {})
    .ReplicationGroups;
}

/** The Redis of an id; undefined if it does not exist. */
export async function findRedis(session: Session, id: string): Promise<Redis | undefined> {
  const [found] = await listRedis(session, { ReplicationGroupId: id });
  return found;
}

/** The answer, or undefined if AWS says that there is no such thing. */
async function orNothing(code: RegExp, answer: Promise<unknown>): Promise<unknown> {
  try {
    return await answer;
  } catch (error) {
    if (code.test(String(error))) return undefined;
    throw error;
  }
}

/**
 * Polls ElastiCache until something is done.
 *
 * @param again the command that continues
 * @throws Unfinished after an hour, or if the run was interrupted
 */
export async function until(
  { clock, interrupted }: Session,
  problem: string,
  again: string,
  isDone: () => Promise<boolean>,
): Promise<void> {
  const deadline = clock.now() + LIMITS.change;
  while (!(await isDone())) {
    if (interrupted()) throw new Unfinished("The run was interrupted; ElastiCache goes on.", {}, again);
    if (clock.now() >= deadline) throw new Unfinished(`${problem} after an hour.`, {}, again);
    await clock.sleep(LIMITS.poll);
  }
}

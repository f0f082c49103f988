import { setTimeout as sleep } from "node:timers/promises";
import { awsCli } from "../cli/awsCli";
import { UserError } from "../cli/userError";
import type { ExistingRedis } from "./existing/redis";

/** Milliseconds. A snapshot of a small Redis takes minutes. */
const LIMIT = 3600_000;

export interface RedisSnapshotArgs {
  region: string;
  redis: ExistingRedis;
  /** The name of the new snapshot, of letters, digits and hyphens. */
  name: string;
  /** Milliseconds between two looks. */
  poll: number;
  line: (text: string) => void;
}

/** Takes a snapshot of a Redis and waits for it. Continues with one of this name that exists. */
export async function redisSnapshot({ line, name, poll, redis, region }: RedisSnapshotArgs): Promise<void> {
  if (statusOf(region, name) === undefined) {
    line(`Taking the snapshot ${name} of Enketo's Redis ${redis.id}.`);
    const source = redis.isGroup ? "--replication-group-id" : "--cache-cluster-id";
    awsCli(region, ["elasticache", "create-snapshot", source, redis.id, "--snapshot-name", name]);
  }
  const deadline = Date.now() + LIMIT;
  while (Date.now() < deadline) {
    const status = statusOf(region, name);
    if (status === "available") return;
    if (status === "failed") {
      throw new UserError(
        `The snapshot ${name} of Enketo's Redis failed.`,
        `Delete it, then run the command again: aws elasticache delete-snapshot --snapshot-name ${name}`,
      );
    }
    await sleep(poll);
  }
  throw new UserError(
    `The snapshot ${name} of Enketo's Redis did not become available in time.`,
    "Run the command again: it waits on.",
  );
}

/** The status of a snapshot; undefined if there is none. ElastiCache lists nothing then, and is no error. */
function statusOf(region: string, name: string): string | undefined {
  const named = ["--snapshot-name", name, "--output", "json"];
  const answer = awsCli(region, ["elasticache", "describe-snapshots", ...named]);
  const { Snapshots = [] } = JSON.parse(answer) as { Snapshots?: { SnapshotStatus?: string }[] };
  return Snapshots[0]?.SnapshotStatus;
}

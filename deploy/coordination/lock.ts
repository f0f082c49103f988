import { ListObjectsV2Command, type S3Client } from "@aws-sdk/client-s3";
import { z } from "zod";
import { LONGEST_CALL } from "../aws/clients";
import { type Clock, formatDuration } from "../clock";
import { ConditionalObjects, Conflict } from "./conditionalObject";

const schema = z.object({
  env: z.string(),
  /** Grows by one with every run, so that a run can tell whether it still is the last one. */
  token: z.number().int().positive(),
  holder: z.object({ by: z.string(), command: z.string(), since: z.string() }).nullable(),
  expiresAt: z.string().nullable(),
  /** The number of the journal record that may not have been brought to an end. */
  openJournal: z.number().int().positive().nullable(),
  /** The version label both environments were last verified to run, and the one before it. */
  version: z.string().nullable(),
  previous: z.string().nullable(),
});

export type LockRecord = z.infer<typeof schema>;

/** Milliseconds that a lock outlives the last sign of life of its holder. */
export const LEASE = 300_000;
/** Milliseconds between signs of life. */
const RENEWAL = 60_000;
/** Milliseconds by which the clocks of two machines may differ. */
const SKEW = 30_000;
/** Milliseconds between looks at a lock that is waited for. */
const POLL = 10_000;
const RELEASE_ATTEMPTS = 4;

/** Another run is at work on the environment. */
export class Locked extends Error {
  override readonly name = "Locked";
}

/** Another run has taken the lock over, or it could not be kept: nothing may be changed any more. */
export class LockLost extends Error {
  override readonly name = "LockLost";
}

export function lockKey(env: string): string {
  return `locks/${env}.json`;
}

export async function readLock(objects: ConditionalObjects, env: string): Promise<LockRecord | undefined> {
  const stored = await objects.read(lockKey(env));
  return stored === undefined ? undefined : schema.parse(stored.body);
}

/** Whether a run holds the lock: it has a holder, and the holder's lease is not over. */
export function isHeld(record: LockRecord, now: number): boolean {
  return record.holder !== null && now < Date.parse(record.expiresAt ?? "") + SKEW;
}

export interface AcquireArgs {
  s3: S3Client;
  bucket: string;
  env: string;
  clock: Clock;
  by: string;
  command: string;
  /** Called once where the lock of a run that may have crashed is waited for. */
  onWait?: (line: string) => void;
}

/**
 * Takes the lock of an environment. The lock of a run that died is free once its lease is over, which is waited
 * for; a run that gives a sign of life in the meantime keeps it.
 * @throws Locked where another run is alive.
 */
export async function acquireLock(args: AcquireArgs): Promise<Lease> {
  const { env, clock } = args;
  const objects = new ConditionalObjects(args.s3, args.bucket);
  let seen: LockRecord | undefined;
  for (;;) {
    const stored = await objects.read(lockKey(env));
    const record = stored === undefined ? undefined : schema.parse(stored.body);
    if (record !== undefined && isHeld(record, clock.now())) {
      const alive =
        seen !== undefined && (seen.token !== record.token || seen.expiresAt !== record.expiresAt);
      if (alive) throw new Locked(describeHolder(record));
      if (seen === undefined) {
        const rest = Date.parse(record.expiresAt ?? "") + SKEW - clock.now();
        args.onWait?.(
          `${describeHolder(record)} If that run is dead, its lock ends in ${formatDuration(rest)}.`,
        );
      }
      seen = record;
      await clock.sleep(POLL);
      continue;
    }
    const token = (record?.token ?? (await lastJournalNumber(args))) + 1;
    const next: LockRecord = {
      env,
      token,
      holder: { by: args.by, command: args.command, since: new Date(clock.now()).toISOString() },
      expiresAt: new Date(clock.now() + LEASE).toISOString(),
      // A record that was left open stays the one to look at, however many runs die before it is closed.
      openJournal: record?.openJournal ?? token,
      version: record?.version ?? null,
      previous: record?.previous ?? null,
    };
    try {
      const etag = await objects.write(lockKey(env), next, stored?.etag);
      return new Lease(objects, next, etag, clock);
    } catch (error) {
      if (!(error instanceof Conflict)) throw error;
    }
  }
}

export function describeHolder(record: LockRecord): string {
  const { holder } = record;
  if (holder === null) return "Nobody holds the lock.";
  return `${holder.by} runs "${holder.command}" on ${record.env} since ${holder.since}.`;
}

/** The highest number in use; only asked for where the lock object is missing, so that no number comes twice. */
async function lastJournalNumber({ s3, bucket, env }: AcquireArgs): Promise<number> {
  const prefix = `journal/${env}/`;
  let last = 0;
  let token: string | undefined;
  do {
    const page = await s3.send(
      new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix, ContinuationToken: token }),
    );
    for (const { Key } of page.Contents ?? []) {
      const number = Number(/(\d+)\.json$/.exec(Key ?? "")?.[1] ?? 0);
      last = Math.max(last, number);
    }
    token = page.NextContinuationToken;
  } while (token !== undefined);
  return last;
}

/** A lock that is held. It is kept alive in the background until it is released. */
export class Lease {
  /** Gives no more signs of life. */
  readonly stop: () => void;
  private lost = false;
  /** Writes wait for one another: each needs the ETag of the one before. */
  private queue: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly objects: ConditionalObjects,
    private record: LockRecord,
    private etag: string,
    private readonly clock: Clock,
  ) {
    this.stop = clock.every(RENEWAL, async () => {
      try {
        await this.write({});
      } catch {
        // A renewal that failed is made up for by the next one, or `hold` says that the lock is lost.
      }
    });
  }

  get current(): LockRecord {
    return this.record;
  }

  /** @throws LockLost where another run has been seen to hold the lock. */
  requireNotLost(): void {
    if (this.lost) throw new LockLost(`Another run has taken over the lock of ${this.record.env}.`);
  }

  /**
   * To be called before every change: makes sure that the lock is held for longer than the change can take.
   * @throws LockLost
   */
  async hold(): Promise<void> {
    try {
      await this.write({});
    } catch (error) {
      this.requireNotLost();
      const left = Date.parse(this.record.expiresAt ?? "") - this.clock.now();
      if (left < LONGEST_CALL) {
        throw new LockLost(`The lock of ${this.record.env} could not be renewed.`, { cause: error });
      }
    }
  }

  /** Changes what the lock records. */
  async update(changes: Partial<Pick<LockRecord, "openJournal" | "version" | "previous">>): Promise<void> {
    await this.write(changes);
  }

  /** Frees the lock; false where that was not possible and the lock ends with its lease. */
  async release(
    changes: Partial<Pick<LockRecord, "openJournal" | "version" | "previous">> = {},
  ): Promise<boolean> {
    this.stop();
    for (let attempt = 1; attempt <= RELEASE_ATTEMPTS; attempt += 1) {
      try {
        await this.write({ ...changes, holder: null, expiresAt: null });
        return true;
      } catch {
        if (this.lost) return false;
        await this.clock.sleep(1000 * attempt);
      }
    }
    return false;
  }

  private write(changes: Partial<LockRecord>): Promise<void> {
    const run = this.queue.then(async () => {
      this.requireNotLost();
      const expiresAt = new Date(this.clock.now() + LEASE).toISOString();
      const next: LockRecord = { ...this.record, expiresAt, ...changes };
      try {
        this.etag = await this.objects.write(lockKey(this.record.env), next, this.etag);
        this.record = next;
      } catch (error) {
        if (error instanceof Conflict) this.lost = true;
        throw error;
      }
    });
    this.queue = run.catch(() => undefined);
    return run;
  }
}

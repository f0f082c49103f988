import { paginateListObjectsV2, type S3Client } from "@aws-sdk/client-s3";
import { z } from "zod";
import { LONGEST_CALL } from "./clients";
import { type Clock, formatDuration } from "./clock";
import { ConditionalObjects, Conflict } from "./conditionalObject";
import { journalPrefix } from "./journal";

const schema = z.object({
  env: z.string(),
  /** The fencing token: grows by one with every run, so that a run can tell whether it is the latest. */
  token: z.number().int().positive(),
  holder: z.object({ by: z.string(), command: z.string(), since: z.string() }).nullable(),
  expiresAt: z.string().nullable(),
  /** The number of the journal record of a run that may be unfinished. */
  openJournal: z.number().int().positive().nullable(),
  /** The version label that both environments were last verified to run, and the one before it. */
  version: z.string().nullable(),
  previous: z.string().nullable(),
});

export type LockRecord = z.infer<typeof schema>;

/** Milliseconds after which a lock expires that its holder does not renew. */
export const LEASE = 300_000;
/** Milliseconds between renewals. */
const RENEWAL = 60_000;
/** Milliseconds by which the clocks of two machines may differ. */
const SKEW = 30_000;
/** Milliseconds between polls of a lock that another run holds. */
const POLL = 10_000;
const RELEASE_ATTEMPTS = 4;

/** Thrown when another run holds the lock of the environment. */
export class Locked extends Error {
  override readonly name = "Locked";
}

/** Thrown when another run has taken the lock, or it could not be renewed. The run must not change anything more. */
export class LockLost extends Error {
  override readonly name = "LockLost";
}

function lockKey(env: string): string {
  return `locks/${env}.json`;
}

export async function readLock(objects: ConditionalObjects, env: string): Promise<LockRecord | undefined> {
  const stored = await objects.read(lockKey(env));
  return stored === undefined ? undefined : schema.parse(stored.body);
}

/** True if a run holds the lock: it has a holder, and has not expired. */
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
  /** Called once if another run holds the lock and may have crashed. */
  onWait?: (line: string) => void;
}

/**
 * Acquires the lock of an environment. If another run holds it, polls until that run renews it, which proves that
 * the run is alive, or until the lock expires.
 *
 * @throws Locked if another run is alive
 */
export async function acquireLock(args: AcquireArgs): Promise<HeldLock> {
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
          `${describeHolder(record)} If that run is dead, its lock expires in ${formatDuration(rest)}.`,
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
      // The first unfinished record stays the one to recover from, however many runs die after it.
      openJournal: record?.openJournal ?? token,
      version: record?.version ?? null,
      previous: record?.previous ?? null,
    };
    try {
      const etag = await objects.write(lockKey(env), next, stored?.etag);
      return new HeldLock(objects, next, etag, clock);
    } catch (error) {
      if (!(error instanceof Conflict)) throw error;
    }
  }
}

export function describeHolder(record: LockRecord): string {
  const { holder } = record;
  if (holder === null) return "No run holds the lock.";
  return `${holder.by} has been running "${holder.command}" on ${record.env} since ${holder.since}.`;
}

/** The highest journal number in use. Needed only if the lock object is missing, so that no number is used twice. */
async function lastJournalNumber({ s3, bucket, env }: AcquireArgs): Promise<number> {
  let last = 0;
  for (const folder of ["journal", "restores"] as const) {
    const list = { Bucket: bucket, Prefix: journalPrefix(folder, env) };
    for await (const { Contents = [] } of paginateListObjectsV2({ client: s3 }, list)) {
      for (const { Key } of Contents) last = Math.max(last, Number(/(\d+)\.json$/.exec(Key ?? "")?.[1] ?? 0));
    }
  }
  return last;
}

/** A lock that this run holds. It is renewed in the background until it is released. */
export class HeldLock {
  /** Stops the renewals without a release. */
  readonly stop: () => void;
  private lost = false;
  /** Queues the writes: each needs the ETag of the one before. */
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
        // The next renewal makes up for one that failed, or `renew` finds that the lock is lost.
      }
    });
  }

  get current(): LockRecord {
    return this.record;
  }

  /** @throws LockLost if another run is known to hold the lock */
  requireHeld(): void {
    if (this.lost) throw new LockLost(`Another run has taken the lock of ${this.record.env}.`);
  }

  /**
   * Makes sure that the lock is held for longer than a change can take. Call it before every change.
   *
   * @throws LockLost if another run holds the lock, or it could not be renewed
   */
  async renew(): Promise<void> {
    try {
      await this.write({});
    } catch (error) {
      this.requireHeld();
      const left = Date.parse(this.record.expiresAt ?? "") - this.clock.now();
      if (left < LONGEST_CALL) {
        throw new LockLost(`The lock of ${this.record.env} could not be renewed.`, { cause: error });
      }
    }
  }

  /** Changes the record of versions and journal in the lock. */
  async update(changes: Partial<Pick<LockRecord, "openJournal" | "version" | "previous">>): Promise<void> {
    await this.write(changes);
  }

  /** Releases the lock. Returns false if that failed, in which case the lock expires by itself. */
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
      this.requireHeld();
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

import { z } from "zod";
import { type ConditionalObjects } from "./conditionalObject";

/**
 * - preparing: the environments are unchanged
 * - switching: the environments are being updated from `from` to `to`
 * - rollingBack: they are being rolled back to `from`
 * - succeeded, rolledBack: final; both environments run `to`, or `from`
 * - refused: final; the run ended before it changed the environments
 * - mixedVersions: final; the rollback failed, and the environments run different versions
 */
const PHASES = [
  "preparing",
  "switching",
  "rollingBack",
  "succeeded",
  "rolledBack",
  "refused",
  "mixedVersions",
] as const;

const schema = z.object({
  number: z.number().int().positive(),
  env: z.string(),
  command: z.enum(["deploy", "rollback", "repair"]),
  by: z.string(),
  phase: z.enum(PHASES),
  /** The version label that both environments ran before. */
  from: z.string().nullable(),
  /** The version label that they are updated to. */
  to: z.string().nullable(),
  startedAt: z.string(),
  /** The SHA-256 of the bundle of `to`, in hexadecimal; only a deployment builds one. */
  bundle: z.string().optional(),
  /** Health just before the switch. */
  healthBefore: z.object({ web: z.string(), worker: z.string() }).optional(),
  history: z.array(z.object({ at: z.string(), phase: z.enum(PHASES), detail: z.string().optional() })),
  /** See `RestorePoint`. */
  restorePoint: z.object({ time: z.string(), snapshot: z.string().optional() }).optional(),
});

export type JournalRecord = z.infer<typeof schema>;
export type Phase = (typeof PHASES)[number];

function journalKey(env: string, number: number): string {
  return `journal/${env}/${String(number).padStart(8, "0")}.json`;
}

/** Reads the record with this number. Returns undefined if its run ended before it wrote one. */
export async function readJournal(
  objects: ConditionalObjects,
  env: string,
  number: number,
): Promise<JournalRecord | undefined> {
  const stored = await objects.read(journalKey(env, number));
  return stored === undefined ? undefined : schema.parse(stored.body);
}

/** Records to look through for a digest: more than a year of deployments every second day. */
const SEARCHED = 200;

/**
 * Finds the SHA-256 that the newest deployment of a version recorded for its bundle.
 *
 * @param before The number of the record after the newest one to read.
 */
export async function digestOf(
  objects: ConditionalObjects,
  env: string,
  before: number,
  label: string,
): Promise<string | undefined> {
  for (let number = before - 1; number > Math.max(0, before - SEARCHED); number -= 1) {
    const record = await readJournal(objects, env, number);
    if (record?.to === label && record.bundle !== undefined) return record.bundle;
  }
  return undefined;
}

/**
 * The journal record of one run: a write-ahead log. Each phase is written BEFORE it begins, so that after a crash the
 * record tells between which versions the pair may be.
 */
export class Journal {
  private etag: string | undefined;
  private readonly key: string;

  constructor(
    private readonly objects: ConditionalObjects,
    private record: JournalRecord,
    private readonly now: () => number,
  ) {
    this.key = journalKey(record.env, record.number);
  }

  get current(): JournalRecord {
    return this.record;
  }

  /** @throws Conflict if another run has written a record with the same number */
  async write(phase: Phase, changes: Partial<JournalRecord> = {}, detail?: string): Promise<void> {
    const entry = {
      at: new Date(this.now()).toISOString(),
      phase,
      ...(detail === undefined ? {} : { detail }),
    };
    const next = { ...this.record, ...changes, phase, history: [...this.record.history, entry] };
    this.etag = await this.objects.write(this.key, next, this.etag);
    this.record = next;
  }
}

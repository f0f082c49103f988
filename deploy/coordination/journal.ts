import { z } from "zod";
import { type ConditionalObjects } from "./conditionalObject";

/**
 * - preparing: nothing was changed yet
 * - switching: the environments are being moved from `from` to `to`
 * - returning: they are being brought back to `from`
 * - the others end a record; `refused` ended before anything was changed, `split` could not be mended
 */
const PHASES = ["preparing", "switching", "returning", "succeeded", "returned", "refused", "split"] as const;

const schema = z.object({
  number: z.number().int().positive(),
  env: z.string(),
  command: z.enum(["deploy", "rollback", "repair"]),
  by: z.string(),
  phase: z.enum(PHASES),
  /** The version label both environments ran before. */
  from: z.string().nullable(),
  /** The version label they are to run. */
  to: z.string().nullable(),
  startedAt: z.string(),
  history: z.array(z.object({ at: z.string(), phase: z.enum(PHASES), detail: z.string().optional() })),
  /** The point to which the database can be restored. */
  restorePoint: z.object({ time: z.string(), snapshot: z.string().optional() }).optional(),
});

export type JournalRecord = z.infer<typeof schema>;
export type Phase = (typeof PHASES)[number];

export function journalKey(env: string, number: number): string {
  return `journal/${env}/${String(number).padStart(8, "0")}.json`;
}

/** The record with this number; undefined where its run ended before it wrote one. */
export async function readJournal(
  objects: ConditionalObjects,
  env: string,
  number: number,
): Promise<JournalRecord | undefined> {
  const stored = await objects.read(journalKey(env, number));
  return stored === undefined ? undefined : schema.parse(stored.body);
}

/**
 * The record of one run. What is intended is written BEFORE it is done, so that after a crash at any point the
 * record tells which versions the pair can be between.
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

  /**
   * @throws Conflict where another run has taken the number over.
   */
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

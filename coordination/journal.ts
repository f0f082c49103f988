import { z } from "zod";
import { UserError } from "../cli/userError";
import { type ConditionalObjects } from "./conditionalObject";

/** The fields that the records of all runs have. */
const base = z.object({
  number: z.number().int().positive(),
  env: z.string(),
  /** The command of the run, which tells the tool that owns the record. */
  command: z.string(),
  by: z.string(),
  phase: z.string(),
  startedAt: z.string(),
  /** The stack, in records of `npm run move`; it can have another name than the environment. */
  stack: z.string().optional(),
  /** The version label to which a deployment leads; absent in other runs. */
  to: z.string().nullish(),
  history: z.array(z.object({ at: z.string(), phase: z.string(), detail: z.string().optional() })),
});

/** A record as any tool can read it. */
export type AnyRecord = z.infer<typeof base>;

/**
 * A folder of records in the artifacts bucket: `journal` has those of deployments, `restores` those of restores. The role
 * with which CI deploys cannot write `restores`: `resume` acts on the database as a record says.
 */
export type Folder = "journal" | "restores";

/** Prefix of the keys of an environment's records in a folder. */
export function journalPrefix(folder: Folder, env: string): string {
  return `${folder}/${env}/`;
}

function journalKey(folder: Folder, env: string, number: number): string {
  return `${journalPrefix(folder, env)}${String(number).padStart(8, "0")}.json`;
}

/**
 * Reads the record with this number. Returns undefined if its run ended before it wrote one.
 *
 * @throws UserError if the record is of another run
 */
export async function readJournal(
  objects: ConditionalObjects,
  folder: Folder,
  env: string,
  number: number,
): Promise<AnyRecord | undefined> {
  const stored = await objects.read(journalKey(folder, env, number));
  if (stored === undefined) return undefined;
  // The fields of the tool that owns the record stay, for the schema of that tool.
  const record = z.looseObject(base.shape).parse(stored.body);
  if (record.number === number && record.env === env) return record;
  throw new UserError(
    `The record of run ${number} on ${env} says that it is run ${record.number} on ${record.env}.`,
    `Find out in CloudTrail who wrote ${journalKey(folder, env, number)} of the artifacts bucket, and delete it`,
  );
}

/**
 * Reads the record of an unfinished run, and the folder that it is in. Returns undefined if the run ended before it wrote
 * one. A record that only people write takes precedence.
 */
export async function readUnfinished(
  objects: ConditionalObjects,
  env: string,
  number: number,
): Promise<{ folder: Folder; record: AnyRecord } | undefined> {
  for (const folder of ["restores", "journal"] as const) {
    const record = await readJournal(objects, folder, env, number);
    if (record !== undefined) return { folder, record };
  }
  return undefined;
}

/** The command that finishes an unfinished run: one of the tool that owns its record. */
export function finishingCommand({ folder, record }: { folder: Folder; record: AnyRecord }): string {
  const { command, env, stack = env } = record;
  // The other folder has records of deployments only, whatever somebody wrote there.
  switch (folder === "restores" ? command : "deploy") {
    case "restore":
      return `npm run database -- resume ${env}`;
    case "rehearsal":
      return `npm run move -- rehearse ${stack}, which goes on; or npm run move -- back ${stack}, which ends it`;
    case "cutover":
      return `npm run move -- cutover ${stack}, which goes on; or npm run move -- back ${stack}, which goes back`;
    default:
      return `npm run deploy -- repair ${env}`;
  }
}

/**
 * The journal record of one run: a write-ahead log. Each phase is written BEFORE it begins, so that after a crash the
 * record tells what may have been done.
 */
export class Journal<R extends AnyRecord> {
  private readonly key: string;

  /** @param etag the ETag of the record, if an earlier run has written it */
  constructor(
    private readonly objects: ConditionalObjects,
    folder: Folder,
    private record: R,
    private readonly now: () => number,
    private etag?: string,
  ) {
    this.key = journalKey(folder, record.env, record.number);
  }

  /** Takes over the record of a run that did not finish. */
  static async reopen<R extends AnyRecord>(
    objects: ConditionalObjects,
    folder: Folder,
    record: R,
    now: () => number,
  ): Promise<Journal<R>> {
    const stored = await objects.read(journalKey(folder, record.env, record.number));
    return new Journal(objects, folder, record, now, stored?.etag);
  }

  get current(): R {
    return this.record;
  }

  /** @throws Conflict if another run has written a record with the same number */
  async write(phase: R["phase"], changes: Partial<R> = {}, detail?: string): Promise<void> {
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

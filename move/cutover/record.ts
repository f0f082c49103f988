import { paginateListObjectsV2 } from "@aws-sdk/client-s3";
import { z } from "zod";
import { UserError } from "../../cli/userError";
import { ConditionalObjects } from "../../coordination/conditionalObject";
import { finishingCommand, journalPrefix, readJournal, readUnfinished } from "../../coordination/journal";
import { type Session } from "../../coordination/session";
import { type RecordKind } from "../../coordination/withRecord";
import { requireOwnPlan, restorePlan } from "../../database/record";

/**
 * - closing: the existing site is being closed, and its worker stopped. A rehearsal begins after it
 * - saving: the snapshot of the existing database is being taken
 * - restoring: the snapshot is being restored into the place of the new database
 * - copying: media are being copied
 * - updating: the instances of the new platform deploy their version again, and migrate the database
 * - checking: the new platform is being checked
 * - pointing: the records are being changed. From here a cutover goes forward only: users write to the new platform
 * - ending: a rehearsal lets the worker of the new platform take tasks again
 * - goingBack: the existing site is being opened again, or a rehearsal is being ended
 * - succeeded, rehearsed, wentBack: final
 */
const PHASES = [
  "closing",
  "saving",
  "restoring",
  "copying",
  "updating",
  "checking",
  "pointing",
  "ending",
  "goingBack",
  "succeeded",
  "rehearsed",
  "wentBack",
] as const;
export type Phase = (typeof PHASES)[number];

const existing = z.object({
  region: z.string(),
  /** Names of the environments. */
  web: z.string(),
  worker: z.string().optional(),
  platform: z.enum(["python", "docker"]),
  /** The listeners that serve users. */
  listeners: z.array(z.object({ arn: z.string(), targetGroup: z.string().optional() })),
  /** The queue of background tasks, and the text of its policy before the cutover; absent without a worker. */
  queue: z.object({ url: z.string(), policy: z.string() }).optional(),
  database: z.object({ id: z.string(), host: z.string(), gib: z.number() }),
  bucket: z.object({ name: z.string(), account: z.string().optional() }),
});

/** The parts of the existing platform that a cutover reads or closes. */
export type ExistingSide = z.infer<typeof existing>;

const host = z.object({
  /** The host name of the existing Iaso. */
  host: z.string(),
  /** The host name that the stack has until then. */
  former: z.string(),
  /** The domain of the stack's environment. */
  cname: z.string(),
});

const plan = z.object({
  existing,
  /** The snapshot of the existing database. */
  snapshot: z.string(),
  restore: restorePlan,
  /** The version that web and worker of the new platform run. */
  version: z.string(),
  hosts: z.object({ web: host, enketo: host.optional() }),
  /** The health of the instances of the new platform before. */
  health: z.object({ web: z.string(), worker: z.string() }),
});

/** The plan of a cutover, made before it begins. */
export type Plan = z.infer<typeof plan>;

const schema = z.object({
  ...plan.shape,
  number: z.number().int().positive(),
  env: z.string(),
  stack: z.string(),
  command: z.enum(["cutover", "rehearsal"]),
  by: z.string(),
  phase: z.enum(PHASES),
  startedAt: z.string(),
  history: z.array(z.object({ at: z.string(), phase: z.enum(PHASES), detail: z.string().optional() })),
  /** True if tasks are left behind, and if neither rows nor writes are counted: options of any run. */
  leaveTasks: z.boolean().optional(),
  withoutRowCount: z.boolean().optional(),
  /** The name of the user with whom the new platform is checked. */
  user: z.string().optional(),
  /** The writes to the existing database before the snapshot; null if nothing could count them. */
  writes: z.number().nullable().optional(),
  /** The numbers of the last deployments before the phase `updating`. */
  deployed: z.object({ web: z.number(), worker: z.number() }).optional(),
  /** Seconds by phase, of a rehearsal. */
  seconds: z.record(z.string(), z.number()).optional(),
});

/** The journal record of a cutover or of its rehearsal. */
export type CutoverRecord = z.infer<typeof schema>;

export const CUTOVERS: RecordKind<CutoverRecord> = {
  first: "closing",
  async readUnfinished(objects, env, number) {
    const found = await readUnfinished(objects, env, number);
    if (found === undefined) return undefined;
    const { folder, record } = found;
    if (folder === "journal" || !schema.shape.command.safeParse(record.command).success) {
      throw new UserError(
        `Run ${number} on ${env} (${record.command} by ${record.by}, ${record.startedAt}) is unfinished.`,
        finishingCommand(found),
      );
    }
    return parse(record);
  },
};

/** @throws UserError if the record names databases of others */
function parse(record: unknown): CutoverRecord {
  const parsed = schema.parse(record);
  requireOwnPlan(parsed.restore, parsed.env, parsed.number);
  return parsed;
}

/** Finds the newest cutover or rehearsal that reached a phase. */
export async function newestIn(
  { clients, env, target }: Session,
  phase: Phase,
): Promise<CutoverRecord | undefined> {
  const objects = new ConditionalObjects(clients.s3, target.artifactsBucket);
  const numbers: number[] = [];
  const list = { Bucket: target.artifactsBucket, Prefix: journalPrefix("restores", env) };
  for await (const { Contents = [] } of paginateListObjectsV2({ client: clients.s3 }, list)) {
    for (const { Key = "" } of Contents) numbers.push(Number(/(\d+)\.json$/.exec(Key)?.[1] ?? 0));
  }
  for (const number of numbers.sort((one, other) => other - one)) {
    const { data } = schema.safeParse(await readJournal(objects, "restores", env, number));
    if (data?.history.some((entry) => entry.phase === phase) === true) return data;
  }
  return undefined;
}

/** The time at which a run began a phase; undefined if it did not. */
export function timeOf({ history }: CutoverRecord, phase: Phase): string | undefined {
  return history.find((entry) => entry.phase === phase)?.at;
}

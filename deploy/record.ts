import { z } from "zod";
import { type ConditionalObjects } from "../coordination/conditionalObject";
import { finishingCommand, readJournal, readUnfinished } from "../coordination/journal";
import { UserError } from "../cli/userError";
import { requireOwnPlan, restorePlan } from "../database/record";

/**
 * - preparing: the environments are unchanged
 * - closing: a deployment with `--maintenance` closes the site and takes a snapshot; the environments are unchanged
 * - switching: the environments are being updated from `from` to `to`
 * - rollingBack: they are being rolled back to `from`
 * - restoring: a maintenance failed; the environments are rolled back to `from`, and the snapshot is restored
 * - opening: the site is being opened with the version `opening`. Users may write, so the database is not restored any more
 * - succeeded, rolledBack: final; both environments run `to`, or `from`
 * - refused: final; the run ended before it changed the environments
 * - mixedVersions: final; the rollback failed, and the environments run different versions
 */
const PHASES = [
  "preparing",
  "closing",
  "switching",
  "rollingBack",
  "restoring",
  "opening",
  "succeeded",
  "rolledBack",
  "refused",
  "mixedVersions",
] as const;

const schema = z.object({
  number: z.number().int().positive(),
  env: z.string(),
  command: z.enum(["deploy", "rollback", "redeploy", "repair"]),
  by: z.string(),
  phase: z.enum(PHASES),
  /** The version label that both environments ran before. */
  from: z.string().nullable(),
  /** The version label that they are updated to. */
  to: z.string().nullable(),
  /** The SHA-256 of the bundle of `to`, in hexadecimal; only a deployment builds one. */
  bundle: z.string().optional(),
  startedAt: z.string(),
  /** Health just before the switch. */
  healthBefore: z.object({ web: z.string(), worker: z.string() }).optional(),
  history: z.array(z.object({ at: z.string(), phase: z.enum(PHASES), detail: z.string().optional() })),
  /** See `RestorePoint`. */
  restorePoint: z.object({ time: z.string(), snapshot: z.string().optional() }).optional(),
  /** The restore in case that the maintenance fails; only a deployment with `--maintenance` has it. */
  maintenance: restorePlan.optional(),
  /** True if somebody opened the site or its queue during the maintenance: the snapshot may lack data. */
  opened: z.boolean().optional(),
  /** The version with which the site is opened after a maintenance. */
  opening: z.string().optional(),
});

/** The journal record of a deployment, a rollback, a redeployment or a repair. */
export type DeploymentRecord = z.infer<typeof schema>;
export type Phase = (typeof PHASES)[number];

/**
 * Reads the record of an unfinished run. Returns undefined if the run ended before it wrote one.
 *
 * @throws UserError if it belongs to another tool, which has to finish it first
 */
export async function unfinishedRecord(
  objects: ConditionalObjects,
  env: string,
  number: number,
): Promise<DeploymentRecord | undefined> {
  const found = await readUnfinished(objects, env, number);
  if (found === undefined) return undefined;
  const { folder, record } = found;
  // Only people write the records of maintenances: by its plan, a repair replaces the database.
  if (folder === "journal") return schema.omit({ maintenance: true }).parse(record);
  if (!schema.shape.command.safeParse(record.command).success) {
    throw new UserError(
      `Run ${number} on ${env} (${record.command} by ${record.by}, ${record.startedAt}) is unfinished.`,
      finishingCommand(found),
    );
  }
  const deployment = schema.parse(record);
  if (deployment.maintenance !== undefined) requireOwnPlan(deployment.maintenance, env, number);
  return deployment;
}

/** True if the site is closed, or may be: the record is that of a maintenance which did not end. */
export function isMaintenance({ maintenance, phase }: DeploymentRecord): boolean {
  return maintenance !== undefined && ["closing", "switching", "restoring", "opening"].includes(phase);
}

/** Describes the maintenance of a run that did not end. Returns undefined if the run is none, or has ended. */
export async function describeMaintenance(
  objects: ConditionalObjects,
  env: string,
  number: number,
): Promise<string | undefined> {
  const { data } = schema.safeParse(await readJournal(objects, "restores", env, number));
  if (data === undefined || !isMaintenance(data)) return undefined;
  return `The site is CLOSED for maintenance since ${data.startedAt} (run ${data.number} by ${data.by}, phase ${data.phase}): users see the maintenance page, and the worker takes no tasks.`;
}

/** Records to look through: more than a year of deployments every second day. */
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
  // An older version of this tool recorded no digest. The search then ends too.
  const wanted = ({ command, to }: DeploymentRecord) => command === "deploy" && to === label;
  return (await newest(objects, env, before, wanted))?.bundle;
}

/**
 * Finds the newest run that moved an environment to a version, or tried to.
 *
 * @param before The number of the record after the newest one to read.
 */
export function lastDeployment(
  objects: ConditionalObjects,
  env: string,
  before: number,
): Promise<DeploymentRecord | undefined> {
  return newest(objects, env, before, ({ to }) => to !== null);
}

/** The newest matching record of the deploy tool. Runs of `npm run database` have numbers too, and often no record. */
async function newest(
  objects: ConditionalObjects,
  env: string,
  before: number,
  matches: (record: DeploymentRecord) => boolean,
): Promise<DeploymentRecord | undefined> {
  for (let number = before - 1; number > Math.max(0, before - SEARCHED); number -= 1) {
    const record =
      (await readJournal(objects, "journal", env, number)) ??
      (await readJournal(objects, "restores", env, number));
    const { data } = schema.safeParse(record);
    if (data !== undefined && matches(data)) return data;
  }
  return undefined;
}

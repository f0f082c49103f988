import { z } from "zod";
import { type ConditionalObjects } from "../coordination/conditionalObject";
import { finishingCommand, readUnfinished } from "../coordination/journal";
import { UserError } from "../cli/userError";
import { settingsSchema } from "./settings";

/**
 * - restoring: the new instance is being created beside the old one, which serves
 * - swapping: the user has seen the rows; the instances exchange their names. From here the run goes forward only
 * - succeeded: final; the new instance serves
 * - abandoned: final; the user answered no, the new instance is deleted
 * - refused: final; RDS refused the restore, and there is no new instance
 */
const PHASES = ["restoring", "swapping", "succeeded", "abandoned", "refused"] as const;

/** The plan of a restore, made before it begins, and the new instance from the swap on. */
export const restorePlan = z.object({
  /** The backup: a snapshot, or a time in the automated backups of an instance. */
  source: z.union([
    z.object({ snapshot: z.string() }),
    z.object({ resourceId: z.string(), time: z.union([z.literal("latest"), z.string()]) }),
  ]),
  /** The identifier under which the application finds the database. */
  name: z.string(),
  /** RDS's resource id (db-…) of the instance to replace. It stays when the identifier changes. */
  oldId: z.string(),
  /** The identifier of the new instance until the swap. */
  restored: z.string(),
  /** The identifier of the old instance after the swap. */
  replaced: z.string(),
  /** The resource id of the new instance, from the swap on. */
  newId: z.string().optional(),
  /** The settings of the old instance, which the new one gets. */
  settings: settingsSchema,
  /** The id of the security group that allows no connection; absent if the old instance does not exist any more. */
  isolated: z.string().optional(),
});

export type RestorePlan = z.infer<typeof restorePlan>;
export type Source = RestorePlan["source"];

const schema = z.object({
  ...restorePlan.shape,
  number: z.number().int().positive(),
  env: z.string(),
  command: z.literal("restore"),
  by: z.string(),
  phase: z.enum(PHASES),
  startedAt: z.string(),
  history: z.array(z.object({ at: z.string(), phase: z.enum(PHASES), detail: z.string().optional() })),
  withoutRowCount: z.boolean(),
  /** The migrations in which backup and database differ, from the swap on; absent if they were not compared. */
  difference: z.object({ lacking: z.array(z.string()), more: z.array(z.string()) }).optional(),
});

/** The journal record of a restore. */
export type RestoreRecord = z.infer<typeof schema>;

/** The identifiers that the restore of a run gives to the new and to the old instance. */
export function namesOf(name: string, run: number): Pick<RestorePlan, "replaced" | "restored"> {
  return { restored: `${name}-restored-${run}`, replaced: `${name}-replaced-${run}` };
}

/**
 * Checks that the plan in a record is about the environment's own database, and that its copies have the names of this
 * run: a record that somebody else has written could name other databases to rename or to delete.
 *
 * @throws UserError if it is not
 */
export function requireOwnPlan({ name, replaced, restored }: RestorePlan, env: string, number: number): void {
  const own = namesOf(`iaso-${env}`, number);
  if (name === `iaso-${env}` && replaced === own.replaced && restored === own.restored) return;
  throw new UserError(
    `The record of run ${number} on ${env} names other databases than this run has: ${name}, ${restored}, ${replaced}.`,
    `Find out in CloudTrail who wrote restores/${env}/ of the artifacts bucket, and delete the record`,
  );
}

/**
 * Reads the record of an unfinished run. Returns undefined if the run ended before it wrote one.
 *
 * @throws UserError if it belongs to another tool, or names databases of others
 */
export async function unfinishedRestore(
  objects: ConditionalObjects,
  env: string,
  number: number,
): Promise<RestoreRecord | undefined> {
  const found = await readUnfinished(objects, env, number);
  if (found === undefined) return undefined;
  const { folder, record } = found;
  // Deployments with a maintenance and cutovers have their records in the folder of restores too.
  if (folder === "journal" || record.command !== "restore") {
    throw new UserError(
      `Run ${number} on ${env} (${record.command} by ${record.by}, ${record.startedAt}) is unfinished.`,
      finishingCommand(found),
    );
  }
  const restore = schema.parse(record);
  requireOwnPlan(restore, env, number);
  return restore;
}

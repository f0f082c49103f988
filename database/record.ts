import { z } from "zod";
import { type AnyRecord } from "../coordination/journal";
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

const schema = z.object({
  number: z.number().int().positive(),
  env: z.string(),
  command: z.literal("restore"),
  by: z.string(),
  phase: z.enum(PHASES),
  startedAt: z.string(),
  history: z.array(z.object({ at: z.string(), phase: z.enum(PHASES), detail: z.string().optional() })),
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
  withoutRowCount: z.boolean(),
});

/** The journal record of a restore. */
export type RestoreRecord = z.infer<typeof schema>;
export type Source = RestoreRecord["source"];

/**
 * Reads a record as one of this tool.
 *
 * @throws UserError if it belongs to an unfinished deployment
 */
export function restoreRecord(record: AnyRecord): RestoreRecord {
  if (record.command !== "restore") {
    throw new UserError(
      `Run ${record.number} on ${record.env} (${record.command} by ${record.by}, ${record.startedAt}) is unfinished.`,
      `npm run deploy -- repair ${record.env}`,
    );
  }
  return schema.parse(record);
}

import { z } from "zod";

const finding = z.object({
  /** The kind, for the way out; see verdict.ts. */
  kind: z.string(),
  table: z.string(),
  column: z.string().nullable(),
  text: z.string(),
  /** The migration that causes it, such as iaso.0397_file_size; null if none is known. */
  migration: z.string().nullable(),
});

/** A difference between what the running code knows and the tables after the migrations. */
export type Finding = z.infer<typeof finding>;

const migration = z.object({
  name: z.string(),
  /** The statements that change definitions. */
  sql: z.array(z.string()),
  /** Locks on tables that exist before the migrations, until the end of the migration. */
  locks: z.array(z.object({ table: z.string(), mode: z.string(), stops: z.string() })),
  /** Operations that may change data, such as "RunPython forward". */
  data: z.array(z.string()),
});

/** A migration of the new version that the running version does not have. */
export type NewMigration = z.infer<typeof migration>;

const compared = z.object({
  migrations: z.array(migration),
  /** Differences that make the running code fail. */
  breaks: z.array(finding),
  /** Differences that may make it fail. */
  warnings: z.array(finding),
  /** New columns that keep their default in the database as long as the running code may run. */
  bridged: z.array(
    z.object({
      table: z.string(),
      column: z.string(),
      default: z.string(),
      migration: z.string().nullable(),
    }),
  ),
  seconds: z.number(),
});

/** The comparison of the running version's models with the tables after the migrations. */
export type Compared = z.infer<typeof compared>;

/** The answer of check.py. */
export const answerSchema = z.union([
  compared,
  z.object({ refusals: z.array(z.string()), seconds: z.number() }),
  z.object({ notChecked: z.string(), seconds: z.number() }),
]);

export type Answer = z.infer<typeof answerSchema>;

/** The result of a rehearsal, as a JSON object in the artifacts bucket (components/common/drillKey.ts). */
export interface Drill {
  /** The time at which it began, in ISO 8601. */
  at: string;
  /** The backup that was restored, in words. */
  backup: string;
  /** Seconds by step. */
  steps: Record<string, number>;
  /** The rows of all tables: in the copy, in the database, and in the copy after the migrations. */
  rows?: { copy: number; database: number; migrated?: number };
  /** The label of the version that migrated the copy, and the number of its migrations. */
  migrated?: { version: string; migrations: number };
  /** The result for media, as a sentence. */
  media?: string;
  /** The snapshot of Enketo's Redis that was restored, in words. */
  enketo?: string;
  /** The reason why the rehearsal failed; absent if it succeeded. */
  problem?: string;
}

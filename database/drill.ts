/** The result of a rehearsal, as a JSON object in the artifacts bucket (components/common/drillKey.ts). */
export interface Drill {
  /** The time at which it began, in ISO 8601. */
  at: string;
  /** The backup that was restored, in words. */
  backup: string;
  /** Seconds by step. */
  steps: Record<string, number>;
  /** The rows of all tables. */
  rows?: { copy: number; database: number };
  /** The reason why the rehearsal failed; absent if it succeeded. */
  problem?: string;
}

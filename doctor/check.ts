import type { Context } from "./context";

/** A problem that a check has found. */
export interface Finding {
  /** The problem and its place, in one sentence. */
  wrong: string;
  /** The consequence. */
  why: string;
  /** The command, or the line to write, that fixes it. */
  fix: string;
}

/** The result of a check that got every answer it needs. */
export interface Result {
  /** Empty if all is well. */
  findings: Finding[];
  /** Observed facts, such as the time of the last backup. */
  detail?: string;
}

/**
 * When a check applies: `preflight` before any update, the first one included; `check-up` from the time the stack
 * exists. A preflight problem makes an update fail; a check-up problem does not.
 */
export type Phase = "preflight" | "check-up";

export interface Check {
  /** Subject of the check, such as "DNS delegation". Unique. */
  name: string;
  phase: Phase;
  /** @throws NotChecked (errors.ts) if it cannot check. */
  check: (context: Context) => Promise<Result>;
}

/** The result without a problem. */
export function ok(detail?: string): Result {
  return { findings: [], detail };
}

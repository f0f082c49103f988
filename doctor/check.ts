import type { Context } from "./context";

/** A problem that a check has found. */
export interface Finding {
  /** What is wrong and where, in one sentence. */
  wrong: string;
  /** What it breaks. */
  why: string;
  /** The command, or the line to write, that fixes it. */
  fix: string;
}

/** The result of a check that could look at everything it needs. */
export interface Result {
  /** Empty if all is well. */
  findings: Finding[];
  /** What the check has seen, such as the time of the last backup. */
  detail?: string;
}

/**
 * When a check applies: `preflight` before any update, the first one included; `check-up` from the time the stack
 * exists. A preflight problem makes an update fail; a check-up problem does not.
 */
export type Phase = "preflight" | "check-up";

export interface Check {
  /** What is checked, such as "DNS delegation". Unique. */
  name: string;
  phase: Phase;
  /** @throws NotChecked if it cannot look. */
  check: (context: Context) => Promise<Result>;
}

/** A check could not look, and says so instead of guessing. */
export class NotChecked extends Error {
  override readonly name: string = "NotChecked";
}

/** The credentials lack a permission that the check needs. */
export class MissingPermission extends NotChecked {
  override readonly name = "MissingPermission";

  /** @param action The IAM action, such as `ec2:DescribeVpcs`. */
  constructor(readonly action: string) {
    super(`the permission ${action} is missing`);
  }
}

/** AWS, a DNS server or another host did not answer, or failed. The command exits with 2. */
export class CannotLook extends NotChecked {
  override readonly name = "CannotLook";
}

/** The result without a problem. */
export function ok(detail?: string): Result {
  return { findings: [], detail };
}

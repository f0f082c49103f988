import { formatDuration } from "../clock";
import { EXIT, type ExitCode } from "../exitCodes";
import { ROLES, type Role } from "../pair/find";
import { describeLook, type PairLook } from "../pair/state";
import { type RestorePoint } from "../restorePoint";

export type Outcome =
  | "deployed"
  | "unchanged"
  | "repaired"
  | "returned"
  | "split"
  | "refused"
  | "locked"
  | "unfinished"
  | "failed"
  | "shown"
  | "pruned";

const CODES: Record<Outcome, ExitCode> = {
  deployed: EXIT.done,
  unchanged: EXIT.done,
  repaired: EXIT.done,
  shown: EXIT.done,
  pruned: EXIT.done,
  returned: EXIT.returned,
  split: EXIT.split,
  refused: EXIT.refused,
  locked: EXIT.locked,
  unfinished: EXIT.unfinished,
  failed: EXIT.failed,
};

/** What a command ends with: for people as text, for machines as JSON, for the shell as the exit code. */
export interface Report {
  env: string;
  outcome: Outcome;
  /** One sentence. */
  summary: string;
  from?: string;
  to?: string;
  causes?: string[];
  environments?: Partial<
    Record<Role, { name: string; version: string; status: string; health: string; state: string }>
  >;
  restorePoint?: RestorePoint;
  /** What a person should know or do besides. */
  notes?: string[];
  /** The command or line that mends it. */
  remedy?: string;
  /** Facts of the command's own. */
  details?: Record<string, unknown>;
  milliseconds?: number;
}

export function exitCode(report: Report): ExitCode {
  return CODES[report.outcome];
}

export function describeEnvironments(look: PairLook | undefined): Report["environments"] {
  if (look === undefined) return undefined;
  const describe = (role: Role): [Role, NonNullable<NonNullable<Report["environments"]>[Role]>] => {
    const { health, name, status, version } = look[role];
    return [role, { name, version: version ?? "none", status, health, state: describeLook(look[role]) }];
  };
  return Object.fromEntries(ROLES.map(describe));
}

const FRAME = "!".repeat(78);

/** The report as lines for people. */
export function formatReport(report: Report): string[] {
  const lines = [report.summary];
  for (const cause of report.causes ?? []) lines.push(`  cause: ${cause}`);
  for (const role of ROLES) {
    const environment = report.environments?.[role];
    if (environment !== undefined) lines.push(`  ${role} (${environment.name}): ${environment.state}`);
  }
  if (report.restorePoint !== undefined) lines.push(`  ${describeRestorePoint(report.restorePoint)}`);
  for (const note of report.notes ?? []) lines.push(`  ${note}`);
  if (report.remedy !== undefined && report.remedy !== "") lines.push(`  To mend it: ${report.remedy}`);
  if (report.milliseconds !== undefined) lines.push(`  after ${formatDuration(report.milliseconds)}`);
  return report.outcome === "split" ? [FRAME, ...lines, FRAME] : lines;
}

export function describeRestorePoint({ snapshot, time }: RestorePoint): string {
  const also = snapshot === undefined ? "" : `, snapshot ${snapshot}`;
  return `restore point of the database: ${time}${also}`;
}

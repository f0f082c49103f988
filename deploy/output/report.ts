import { type StepTime } from "../../cli/progress";
import { formatRemedy } from "../../cli/userError";
import { formatDuration } from "../../coordination/clock";
import { EXIT, type ExitCode } from "../exitCodes";
import { ROLES, type Role } from "../pair/find";
import { formatState, type PairState } from "../pair/state";
import { type RestorePoint } from "../restorePoint";
import { formatTimes } from "./timeTable";

export type Outcome =
  | "deployed"
  | "unchanged"
  | "repaired"
  | "rolledBack"
  | "mixedVersions"
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
  rolledBack: EXIT.rolledBack,
  mixedVersions: EXIT.mixedVersions,
  refused: EXIT.refused,
  locked: EXIT.locked,
  unfinished: EXIT.unfinished,
  failed: EXIT.failed,
};

/** The result of a command: printed as text or, with --json, as JSON; the outcome gives the exit code. */
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
  /** Further facts for the user. */
  notes?: string[];
  /** The command or line that fixes it. */
  remedy?: string;
  /** Further facts for programs, specific to the command. */
  details?: Record<string, unknown>;
  milliseconds?: number;
  /** The steps of a deployment, in the order in which they ended. */
  times?: readonly StepTime[];
}

export function exitCode(report: Report): ExitCode {
  return CODES[report.outcome];
}

export function describeEnvironments(state: PairState | undefined): Report["environments"] {
  if (state === undefined) return undefined;
  const describe = (role: Role): [Role, NonNullable<NonNullable<Report["environments"]>[Role]>] => {
    const { health, name, status, version } = state[role];
    return [role, { name, version: version ?? "none", status, health, state: formatState(state[role]) }];
  };
  return Object.fromEntries(ROLES.map(describe));
}

const FRAME = "!".repeat(78);

/** Formats the report as lines of text. */
export function formatReport(report: Report): string[] {
  const lines = [report.summary];
  for (const cause of report.causes ?? []) lines.push(`  cause: ${cause}`);
  for (const role of ROLES) {
    const environment = report.environments?.[role];
    if (environment !== undefined) lines.push(`  ${role} (${environment.name}): ${environment.state}`);
  }
  if (report.restorePoint !== undefined) lines.push(`  ${describeRestorePoint(report.restorePoint)}`);
  for (const note of report.notes ?? []) lines.push(`  ${note}`);
  if (report.remedy !== undefined && report.remedy !== "") {
    lines.push(`  ${formatRemedy(report.remedy)}`);
  }
  if (report.milliseconds !== undefined) {
    lines.push(`  after ${formatDuration(report.milliseconds)}`);
    lines.push(...formatTimes(report.times ?? [], report.milliseconds).map((line) => `  ${line}`));
  }
  return report.outcome === "mixedVersions" ? [FRAME, ...lines, FRAME] : lines;
}

export function describeRestorePoint({ snapshot, time }: RestorePoint): string {
  const also = snapshot === undefined ? "" : `, snapshot ${snapshot}`;
  return `restore point of the database: ${time}${also}`;
}

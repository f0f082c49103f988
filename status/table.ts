import type { StackStatus } from "./stackStatus";

const COLUMNS = ["STACK", "VERSION", "HEALTH", "LAST DEPLOYMENT", "RESTORABLE TO", "USD/MONTH", "PROBLEMS"];

/** One line for each stack, and below them each problem with its fix, and what could not be checked. */
export function formatStatus(statuses: readonly StackStatus[]): string {
  const rows = [COLUMNS, ...statuses.map(row)];
  const widths = COLUMNS.map((_, column) => Math.max(...rows.map((cells) => cells[column]?.length ?? 0)));
  const lines = rows.map((cells) =>
    cells
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
  return [...lines, ...statuses.flatMap(problemLines)].join("\n");
}

function row(status: StackStatus): string[] {
  const problems = status.checks.reduce((sum, { findings }) => sum + findings.length, 0);
  const unknown = status.checks.filter((check) => check.status === "not checked").length;
  const cost = status.monthlyCost === undefined ? "?" : Math.round(status.monthlyCost).toLocaleString("en");
  if (status.state !== "running") {
    return [status.stack, status.state, "", "", "", cost, problems === 0 ? "" : String(problems)];
  }
  return [
    status.stack,
    versions(status),
    health(status),
    deployment(status),
    restorable(status),
    cost,
    [problems === 0 ? "none" : String(problems), ...(unknown === 0 ? [] : [`${unknown} not checked`])].join(
      ", ",
    ),
  ];
}

/** The version of web and worker; both where they differ. */
function versions({ environments: { web, worker } }: StackStatus): string {
  const found = [...new Set([web?.version ?? "none", worker?.version ?? "none"])];
  return found.join(" / ");
}

/** One word if all environments have the same health. */
function health({ environments }: StackStatus): string {
  const entries = Object.entries(environments);
  const all = new Set(entries.map(([, { health }]) => health));
  if (all.size === 1) return [...all].join();
  return entries.map(([role, { health }]) => `${role} ${health}`).join(", ");
}

function deployment({ lastDeployment, runsNow }: StackStatus): string {
  if (runsNow !== undefined) return "running now";
  if (lastDeployment === undefined) return "never";
  const outcome = lastDeployment.phase === "succeeded" ? "" : `, ${lastDeployment.phase}`;
  return `${lastDeployment.startedAt.slice(0, 10)} by ${lastDeployment.by}${outcome}`;
}

/** The end of "restorable from … to …" of the doctor's check. */
function restorable({ checks }: StackStatus): string {
  const detail = checks.find(({ name }) => name === "backups of the database")?.detail ?? "";
  return / to (\S+)$/.exec(detail)?.[1] ?? "?";
}

function problemLines({ stack, state, runsNow, checks }: StackStatus): string[] {
  const problems = checks.flatMap(({ name, findings }) =>
    findings.map(({ wrong, fix }) => `  ${name}: ${wrong}\n    fix: ${fix}`),
  );
  const unknown = checks.flatMap(({ name, status, detail = "" }) =>
    status === "not checked" ? [`  ${name}: not checked: ${detail}`] : [],
  );
  // In another account, no check runs, and the problem says so.
  const lines = [...(runsNow === undefined ? [] : [`  ${runsNow}`]), ...problems];
  if (state === "running" || problems.length === 0) lines.push(...unknown);
  return lines.length === 0 ? [] : ["", `${stack}:`, ...lines];
}

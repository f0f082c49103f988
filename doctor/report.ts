import type { CheckReport } from "./run";
import type { Stack } from "./stack";

const LABELS: Record<CheckReport["status"], string> = {
  problem: "PROBLEM",
  "not checked": "not checked",
  "not yet": "not yet",
  ok: "ok",
};

const WIDTH = 13;

/** The report as lines of text: problems first, each with why it matters and what fixes it. */
export function formatReport({ name, accountId, region }: Stack, reports: readonly CheckReport[]): string {
  const order = Object.keys(LABELS);
  const sorted = [...reports].sort((a, b) => order.indexOf(a.status) - order.indexOf(b.status));
  return [
    `Stack ${name}, account ${accountId}, ${region}`,
    "",
    ...sorted.flatMap(linesOf),
    "",
    summary(reports),
  ].join("\n");
}

function linesOf({ name, status, findings, detail }: CheckReport): string[] {
  const label = LABELS[status].padEnd(WIDTH);
  if (findings.length === 0) return [`${label}${name}${detail === undefined ? "" : `: ${detail}`}`];
  const indent = " ".repeat(WIDTH);
  return findings.flatMap(({ wrong, why, fix }) => [
    `${label}${name}: ${wrong}`,
    `${indent}why: ${why}`,
    `${indent}fix: ${fix}`,
  ]);
}

function summary(reports: readonly CheckReport[]): string {
  const problems = reports.reduce((sum, { findings }) => sum + findings.length, 0);
  const count = (status: CheckReport["status"]) => reports.filter((each) => each.status === status).length;
  const parts = [problems === 1 ? "1 problem" : `${problems} problems`, `${count("ok")} checks ok`];
  if (count("not checked") > 0) parts.push(`${count("not checked")} not checked`);
  if (count("not yet") > 0) parts.push(`${count("not yet")} only after the first pulumi up`);
  return `${parts.join(", ")}.`;
}

/** The report for programs. */
export function jsonReport(
  { name, accountId, region }: Stack,
  reports: readonly CheckReport[],
  exitCode: number,
): string {
  return JSON.stringify({ stack: name, account: accountId, region, exitCode, checks: reports }, undefined, 2);
}

import { Change } from "./diff/changes";
import { isRefused, nameOf, shortType } from "../graph/document";
import { Costs } from "./costs/costs";
import { dollars, moreDollars, StackReport } from "./report";
import { totalsOf } from "./totals";
import { unpricedItems } from "./wording";

/** Maximum number of changes in the list: a comment should be short. */
const LISTED = 20;

/** The report as a comment on a pull request: verdict and totals first, then risks and violations, then changes. */
export function markdown({ document, costs, comparison, warnings }: StackReport): string {
  const { project, stack, resources, policies } = document;
  const verdict = isRefused(document) ? "❌ refused by policy" : "✅ accepted";
  const changes = comparison?.changes ?? [];
  const blocks = [
    `### ${escapeMarkdown(`${project}/${stack}`)}: ${verdict}`,
    totals(resources.length, policies.rules, policies.violations.length),
    ...warnings.map(escapeMarkdown),
    comparison === undefined ? "" : changeTotals(changes),
    costs.parts.length === 0 ? "" : costLine(costs, comparison?.costs.monthly),
    ...(comparison?.costs.notCounted ?? []).map((one) => `Not in the difference, ${escapeMarkdown(one)}`),
    ...(comparison?.warnings ?? []).map(escapeMarkdown),
    risks(changes),
    table(
      ["level", "rule", "resource", "message"],
      policies.violations.map((violation) => {
        const { policy, level, urn, message } = violation;
        const isNew = comparison?.newViolations.includes(violation) === true;
        return [isNew ? `${level}, new` : level, policy, nameOf(urn), message];
      }),
    ),
    changes.length === 0 ? "" : details(changes),
  ];
  return blocks.filter((block) => block !== "").join("\n\n");
}

const totals = (resources: number, rules: number, violations: number) =>
  `${resources} resources, ${rules} policy rules, ${violations} violations.`;

function changeTotals(changes: Change[]): string {
  if (changes.length === 0) return "Nothing changes.";
  const { added, changed, replaced, deleted, risky } = totalsOf(changes);
  return `**${added} added, ${changed} changed, ${replaced} replaced, ${deleted} deleted**; ${risky} risky.`;
}

function costLine({ monthly, unpriced }: Costs, difference: number | undefined): string {
  const change = difference === undefined ? "" : `, ${moreDollars(difference)} by this change`;
  const missing = unpriced === 0 ? "" : `, without ${unpricedItems(unpriced)}`;
  return `About ${dollars(monthly)} a month${change} (list prices, without usage${missing}).`;
}

function risks(changes: Change[]): string {
  const rows = changes.flatMap(({ kind, urn, type, risks: sentences }) =>
    sentences.map((sentence) => [kind, `${nameOf(urn)} (${shortType(type)})`, sentence]),
  );
  return rows.length === 0 ? "" : `⚠️ **Risks**\n\n${table(["change", "resource", "why"], rows)}`;
}

function details(changes: Change[]): string {
  const rows = changes
    .slice(0, LISTED)
    .map(({ kind, urn, type, properties }) => [
      kind,
      nameOf(urn),
      shortType(type),
      properties.map(({ path, replaces }) => (replaces ? `${path} (replaces)` : path)).join(", "),
    ]);
  const more = changes.length > LISTED ? `\n\nand ${changes.length - LISTED} more.` : "";
  return `<details><summary>All changes</summary>\n\n${table(["change", "name", "type", "properties"], rows)}${more}\n\n</details>`;
}

function table(heads: string[], rows: string[][]): string {
  if (rows.length === 0) return "";
  const row = (cells: string[]) => `| ${cells.map(escapeMarkdown).join(" | ")} |`;
  return [row(heads), `| ${heads.map(() => "---").join(" | ")} |`, ...rows.map(row)].join("\n");
}

/** Text that cannot leave its table cell, become markup, or mention a user. */
function escapeMarkdown(text: string): string {
  return text
    .replace(/[\\`*_{}[\]<>()#|!~&]/g, "\\$&")
    .replaceAll("@", "@\u200b")
    .replace(/\s+/g, " ");
}

import { nameOf, PreviewDocument, PreviewResource } from "../graph/document";
import type { StackPreview } from "./preview";
import type { Change } from "../report/changes";
import type { Comparison } from "../report/report";
import { totalsOf } from "../report/totals";
import { renderOutputs, renderTree, shortType, Style } from "../graph/tree";

/** A preview as the terminal shows it: tree, outputs, policy results, changes where it is compared, totals. */
export function renderPreview(
  { document, standIns }: StackPreview,
  comparison: Comparison | undefined,
  paint: Style,
): string {
  const { project, stack, resources } = document;
  const lines = [
    paint.bold(`Previewing ${project}/${stack}`) + paint.dim(" on a simulated AWS: nothing is created"),
    "",
    renderTree(resources, paint, comparison && signsOf(comparison, paint)),
    "",
    paint.bold("Outputs:"),
    renderOutputs(document, paint),
    "",
    paint.bold("Policies:"),
    ...renderPolicies(document, paint),
    ...(comparison === undefined ? [] : renderChanges(comparison, paint)),
    "",
    paint.bold("Resources:"),
    `  ${comparison === undefined ? newTotals(resources, paint) : changeTotals(document, comparison, paint)}`,
  ];
  if (standIns.length > 0) {
    const names = standIns.map((key) => `  ${key.replace(`${project}:`, "")}`);
    lines.push("", `Stand-ins take the place of ${standIns.length} secrets:`, ...names);
    lines.push(`To generate or set them: npm run init-stack -- ${stack}`);
  }
  return lines.join("\n");
}

function newTotals(resources: PreviewResource[], paint: Style): string {
  const components = resources.filter(({ custom }) => !custom).length;
  return `${paint.green(`+ ${resources.length} to create`)}, of which ${components} group the others`;
}

function changeTotals({ resources }: PreviewDocument, { changes }: Comparison, paint: Style): string {
  const { added, changed, replaced, deleted } = totalsOf(changes);
  return [
    paint.green(`+ ${added} to create`),
    paint.yellow(`~ ${changed} to update`),
    paint.red(`± ${replaced} to replace`),
    paint.red(`- ${deleted} to delete`),
    `${resources.length - added - changed - replaced} unchanged`,
  ].join(", ");
}

const SIGNS: Record<Change["kind"], (paint: Style) => string> = {
  added: ({ green }) => green("+"),
  changed: ({ yellow }) => yellow("~"),
  replaced: ({ red }) => red("±"),
  deleted: ({ red }) => red("-"),
};

function signsOf({ changes }: Comparison, paint: Style): (urn: string) => string {
  const signs = new Map(changes.map(({ urn, kind }) => [urn, SIGNS[kind](paint)]));
  return (urn) => signs.get(urn) ?? " ";
}

function renderPolicies({ policies, stack }: PreviewDocument, paint: Style): string[] {
  const { pack, version, rules, violations } = policies;
  if (rules === 0) return ["  There is no policy pack in the folder policies."];
  if (violations.length === 0)
    return [`  ${paint.green("✓")} ${pack} ${version}: all ${rules} rules hold for ${stack}`];
  return violations.flatMap(({ policy, level, urn, message }) => {
    const mark = level === "mandatory" ? paint.red("✗ [mandatory]") : paint.yellow("! [advisory]");
    return [`  ${mark} ${paint.bold(policy)} (${nameOf(urn)})`, `      ${message}`];
  });
}

function renderChanges({ file, changes, warnings }: Comparison, paint: Style): string[] {
  const width = Math.max(0, ...changes.map(({ name }) => name.length));
  return [
    "",
    paint.bold(`Changes against ${file}:`),
    ...warnings.map((warning) => `  ${warning}`),
    ...(changes.length === 0 ? ["  none"] : []),
    ...changes.flatMap(({ kind, type, name, properties, risks }) => [
      `  ${SIGNS[kind](paint)} ${paint.bold(name.padEnd(width))}  ${paint.dim(shortType(type))}`,
      ...risks.map((risk) => `      ${paint.red("!")} ${risk}`),
      ...properties.map(({ path, replaces }) => `      ${path}${replaces ? paint.red(" (replaces)") : ""}`),
    ]),
  ];
}

import { nameOf, PreviewDocument, PreviewResource, shortType, Violation } from "../graph/document";
import type { Change } from "../report/diff/changes";
import type { Comparison } from "../report/report";
import { totalsOf } from "../report/totals";
import { SIGNS } from "../report/wording";
import { renderOutputs, renderParts, renderTree, Style } from "./tree";

/** The content of the terminal output for one stack. */
export interface Shown {
  document: PreviewDocument;
  /** Warnings about the policy pack's config. */
  warnings: string[];
  comparison: Comparison | undefined;
  /** True to show components only. */
  parts: boolean;
}

/** A preview as text: tree, outputs, then at the end policy results, changes and totals. */
export function renderPreview(shown: Shown, paint: Style): string {
  const { document, comparison, parts } = shown;
  const { project, stack, resources } = document;
  const signs = comparison && signsOf(comparison, paint);
  return [
    paint.bold(`Previewing ${project}/${stack}`) + paint.dim(" on a simulated AWS: nothing is created"),
    "",
    parts
      ? renderParts(resources, paint, comparison && kindsOf(comparison))
      : renderTree(resources, paint, signs),
    "",
    paint.bold("Outputs:"),
    renderOutputs(document, paint),
    "",
    paint.bold("Policies:"),
    ...renderPolicies(shown, paint),
    ...(comparison === undefined ? [] : renderChanges(comparison, paint)),
    "",
    paint.bold("Resources:"),
    `  ${comparison === undefined ? newTotals(resources, paint) : changeTotals(document, comparison, paint)}`,
  ].join("\n");
}

function newTotals(resources: PreviewResource[], paint: Style): string {
  const components = resources.filter(({ custom }) => !custom).length;
  const created = resources.length - components;
  return `${paint.green(`+ ${resources.length} to create`)} (${created} in AWS, ${components} components)`;
}

function changeTotals({ resources }: PreviewDocument, { changes }: Comparison, paint: Style): string {
  const { added, changed, replaced, deleted, risky } = totalsOf(changes);
  return [
    paint.green(`${SIGNS.added} ${added} to create`),
    paint.yellow(`${SIGNS.changed} ${changed} to update`),
    paint.red(`${SIGNS.replaced} ${replaced} to replace`),
    paint.red(`${SIGNS.deleted} ${deleted} to delete`),
    `${resources.length - added - changed - replaced} unchanged`,
    ...(risky > 0 ? [paint.red(`! ${risky} risky`)] : []),
  ].join(", ");
}

const COLOURS = { added: "green", changed: "yellow", replaced: "red", deleted: "red" } as const;

const signOf = (kind: Change["kind"], paint: Style): string => paint[COLOURS[kind]](SIGNS[kind]);

function signsOf({ changes }: Comparison, paint: Style): (urn: string) => string {
  const signs = new Map(changes.map(({ urn, kind }) => [urn, signOf(kind, paint)]));
  return (urn) => signs.get(urn) ?? " ";
}

function kindsOf({ changes }: Comparison): (urn: string) => Change["kind"] | undefined {
  const kinds = new Map(changes.map(({ urn, kind }) => [urn, kind]));
  return (urn) => kinds.get(urn);
}

function renderPolicies({ document, warnings, comparison }: Shown, paint: Style): string[] {
  const { pack, version, rules, violations } = document.policies;
  if (rules === 0) return ["  There is no policy pack in the folder policies."];
  const isNew = (violation: Violation) => comparison?.newViolations.includes(violation) === true;
  const advisory = violations.filter(({ level }) => level !== "mandatory").length;
  const isAccepted = advisory === violations.length;
  const verdict =
    advisory === 0
      ? `all ${rules} rules pass for ${document.stack}`
      : `no mandatory violation of ${rules} rules for ${document.stack}, ${advisory} advisory`;
  return [
    ...warnings.map((warning) => `  ${paint.yellow("!")} ${warning}`),
    ...violations.flatMap((violation) => {
      const { policy, level, urn, message } = violation;
      const mark = level === "mandatory" ? paint.red("✗ [mandatory]") : paint.yellow("! [advisory]");
      const since = isNew(violation) ? ", new" : "";
      return [`  ${mark} ${paint.bold(policy)} (${nameOf(urn)}${since})`, `      ${message}`];
    }),
    ...(isAccepted ? [`  ${paint.green("✓")} ${pack} ${version}: ${verdict}`] : []),
  ];
}

function renderChanges({ file, changes, warnings }: Comparison, paint: Style): string[] {
  const width = Math.max(0, ...changes.map(({ name }) => name.length));
  return [
    "",
    paint.bold(`Changes against ${file}:`),
    ...warnings.map((warning) => `  ${warning}`),
    ...(changes.length === 0 ? ["  none"] : []),
    ...changes.flatMap(({ kind, type, name, properties, risks }) => [
      `  ${signOf(kind, paint)} ${paint.bold(name.padEnd(width))}  ${paint.dim(shortType(type))}`,
      ...risks.map((risk) => `      ${paint.red("!")} ${risk}`),
      ...properties.map(({ path, replaces }) => `      ${path}${replaces ? paint.red(" (replaces)") : ""}`),
    ]),
  ];
}

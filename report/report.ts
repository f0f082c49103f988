import { PreviewDocument, PreviewResource } from "../graph/document";
import { Setting } from "../preview/project";
import { Baseline } from "../graph/baseline";
import { Change, changesBetween } from "./changes";
import { CostDifference, Costs, costsOf, difference } from "./costs";

/** A rule as the policy pack describes it to readers. */
export interface RuleDescription {
  name: string;
  area: string;
  /** What it demands. */
  description: string;
  why: string;
  level: "advisory" | "mandatory" | "disabled";
  /** Control of a published framework. */
  reference?: string | undefined;
  /** Why the stack's config relaxes it. */
  reason?: string | undefined;
  /** Resources that may break it until a day. */
  exceptions: { resource: string; reason: string; expires: string }[];
}

/** All that is told of one stack. */
export interface StackReport {
  document: PreviewDocument;
  /** Secrets for which stand-ins were used. */
  standIns: string[];
  settings: Setting[];
  rules: RuleDescription[];
  costs: Costs;
  /** Against what was given with `--against`. */
  comparison?: Comparison | undefined;
}

export interface Comparison {
  /** The file that was given. */
  file: string;
  /** The riskiest first. */
  changes: Change[];
  /** What the reader should know before trusting the comparison. */
  warnings: string[];
  /** What is there no more. */
  deleted: PreviewResource[];
  costs: CostDifference;
}

/** Compares a preview with the same stack as it was. */
export function compare(document: PreviewDocument, baseline: Baseline, file: string): Comparison {
  const { changes } = changesBetween(baseline, document);
  const deleted = new Set(changes.flatMap(({ kind, urn }) => (kind === "deleted" ? [urn] : [])));
  const before = { ...document, resources: baseline.resources };
  return {
    file,
    changes,
    warnings: baseline.warnings,
    deleted: baseline.resources.filter(({ urn }) => deleted.has(urn)),
    costs: difference(costsOf(before), costsOf(document)),
  };
}

/** US dollars, rounded to whole ones. */
export const dollars = (amount: number) => `$${Math.round(amount).toLocaleString("en-US")}`;

/** A difference of US dollars with its sign. */
export const moreDollars = (amount: number) =>
  `${Math.round(amount) < 0 ? "−" : "+"}${dollars(Math.abs(amount))}`;

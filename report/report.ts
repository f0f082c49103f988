import { PolicyResults, PreviewDocument, PreviewResource, Violation } from "../graph/document";
import { Baseline } from "../graph/baseline";
import { Change, changesBetween } from "./diff/changes";
import { CostDifference, Costs, costsOf, difference } from "./costs/costs";

/** A rule of the policy pack, for reports. */
export interface RuleDescription {
  name: string;
  area: string;
  /** The requirement. */
  description: string;
  why: string;
  level: "advisory" | "mandatory" | "disabled";
  /** A control of a published framework. */
  reference?: string | undefined;
  /** Reason for the exception in the stack's config. */
  reason?: string | undefined;
  /** Resources exempt from the rule until a date. */
  exceptions: { resource: string; reason: string; expires: string }[];
}

/** A setting of a stack, for reports. */
export interface SettingDescription {
  /** Without the prefix of the project's own settings. */
  key: string;
  /** `[secret]` for every secret. */
  value: string;
  /** The file that it comes from. */
  source: string;
  isDefault: boolean;
  description: string;
}

/** The content of a report for one stack. */
export interface StackReport {
  document: PreviewDocument;
  /** Warnings about the policy pack's config. */
  warnings: string[];
  settings: SettingDescription[];
  rules: RuleDescription[];
  costs: Costs;
  /** Present with `--against`. */
  comparison?: Comparison | undefined;
}

/** A preview compared with an earlier state of the stack. */
export interface Comparison {
  /** The file that holds the earlier state. */
  file: string;
  /** The riskiest first. */
  changes: Change[];
  /** Reasons not to trust the comparison. */
  warnings: string[];
  /** The resources that will be deleted. */
  deleted: PreviewResource[];
  /** The violations of the preview that the earlier state does not have. */
  newViolations: Violation[];
  costs: CostDifference;
}

/** Evaluates the policy pack with the config of the stack. */
type Evaluate = (resources: PreviewResource[]) => Pick<PolicyResults, "violations">;

/** Compares a preview with an earlier state of the same stack. */
export function compare(
  document: PreviewDocument,
  baseline: Baseline,
  { file, evaluate }: { file: string; evaluate?: Evaluate | undefined },
): Comparison {
  const keyOf = ({ policy, urn }: Violation) => `${policy} ${urn}`;
  const known = new Set(evaluate?.(baseline.resources).violations.map(keyOf));
  const newViolations =
    evaluate === undefined ? [] : document.policies.violations.filter((one) => !known.has(keyOf(one)));
  const { changes } = changesBetween(baseline, document, newViolations);
  const deleted = new Set(changes.flatMap(({ kind, urn }) => (kind === "deleted" ? [urn] : [])));
  const before = { ...document, resources: baseline.resources };
  return {
    file,
    changes,
    warnings: baseline.warnings,
    deleted: baseline.resources.filter(({ urn }) => deleted.has(urn)),
    newViolations,
    costs: difference(costsOf(before), costsOf(document)),
  };
}

/** An amount in US dollars, rounded to whole dollars. */
export const dollars = (amount: number) => `$${Math.round(amount).toLocaleString("en-US")}`;

/** A difference in US dollars with its sign. */
export const moreDollars = (amount: number) =>
  `${Math.round(amount) < 0 ? "−" : "+"}${dollars(Math.abs(amount))}`;

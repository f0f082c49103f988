import { PreviewResource, Properties, PropertyValue, Violation } from "../../graph/document";
import { isReplacing } from "../../policies/facts/replacement";
import type { Baseline } from "../../graph/baseline";
import { IdMapping, mapIds } from "./idMapping";
import { keepIgnored } from "./ignoredChanges";
import { HIDDEN } from "./inputDiff";
import { networkRulesOf } from "../risks/networkRules";
import { ResourceDiff, ResourceDiffer, sources } from "./resourceDiff";
import { ChangeKind, Risk, RiskContext, risksOf } from "../risks";
import { isObject } from "../values";

export type { ChangeKind } from "../risks";

/** A change of one property. */
export interface PropertyChange {
  /** Readable path, such as `settings[aws:autoscaling:asg MinSize].value`, `policy.Statement[DenyPlainHttp].Action`. */
  path: string;
  /** Undefined if the property is new. Secrets are `[secret]`. */
  before?: PropertyValue;
  /** Undefined if the property is removed; `[unknown]` if the value is known only after the replacement. */
  after?: PropertyValue;
  /** True if AWS cannot change the property in place. */
  replaces: boolean;
  /** URN of the replaced resource whose new id or address this will hold. */
  follows?: string;
}

/** A change of one resource. */
export interface Change {
  urn: string;
  type: string;
  name: string;
  kind: ChangeKind;
  /** Empty if the resource is added or deleted. */
  properties: PropertyChange[];
  /** Sentences with the risk and its reason, the worst first. */
  risks: string[];
  /** The reason for a replacement; undefined for other kinds. */
  cause?: string;
}

export interface Changes {
  /** The riskiest first. */
  changes: Change[];
  /** Number of resources that do not change. */
  unchanged: number;
}

/** One state of a stack. */
type State = Pick<Baseline, "resources"> & Partial<Pick<Baseline, "source">>;

/**
 * The changes that an update makes, found by comparing inputs: resources that are added, changed, replaced and deleted;
 * the riskiest first, then by name.
 *
 * The ids of an earlier state in AWS are compared by the resource that they belong to. Two secrets count as equal:
 * their values are not known.
 *
 * @param newViolations violations of the later state that the earlier one does not have
 */
export function changesBetween(
  before: State,
  after: Pick<State, "resources">,
  newViolations: Violation[] = [],
): Changes {
  const fromAws = before.source !== undefined && before.source !== "preview";
  const ids = fromAws ? mapIds(before.resources, after.resources) : undefined;
  const earlier = new Map(
    before.resources.map((resource) => [resource.urn, ids ? withPreviewIds(ids, resource) : resource]),
  );
  const later = new Map(
    after.resources.map((resource) => [resource.urn, keepIgnored(resource, earlier.get(resource.urn))]),
  );
  const differ = new ResourceDiffer(earlier, later, fromAws);
  const diffs = new Map<string, ResourceDiff>();
  // In order of registration: sources of a resource come before it.
  for (const [urn, resource] of later) {
    const diff = differ.diff(resource, earlier.get(urn));
    if (diff !== undefined) diffs.set(urn, diff);
  }
  for (const [urn, resource] of earlier) {
    if (later.has(urn)) continue;
    diffs.set(urn, { kind: "deleted", before: resource, differences: [], disclosed: [], hidden: [] });
  }
  const context: RiskContext = {
    before: earlier,
    after: later,
    rulesBefore: networkRulesOf(earlier.values()),
    rulesAfter: networkRulesOf(later.values()),
    kindOf: (urn) => diffs.get(urn)?.kind,
    newViolations,
  };
  const hide = hider([...diffs.values()].flatMap(({ hidden }) => hidden));
  const toReal = (value: PropertyValue) => hide(ids?.toEarlier(value) ?? value);
  const ranked = [...diffs].map(([urn, diff]) => {
    const risks = sortedRisks(risksOf(diff, context));
    return { rank: rankOf(diff.kind, risks), change: changeOf(urn, diff, risks, toReal) };
  });
  ranked.sort(
    (a, b) => a.rank - b.rank || order(a.change.name, b.change.name) || order(a.change.urn, b.change.urn),
  );
  const unchanged = [...later.keys()].filter((urn) => !diffs.has(urn)).length;
  return { changes: ranked.map(({ change }) => change), unchanged };
}

/** A deployed resource in which ids of other resources are those of the preview. */
function withPreviewIds(ids: IdMapping, resource: PreviewResource): PreviewResource {
  const inputs = Object.entries(resource.inputs).map(([property, value]) => [
    property,
    sources(resource, property) === "" ? value : ids.toLater(value),
  ]);
  const id = ids.toLater(resource.id) as string;
  return { ...resource, id, inputs: Object.fromEntries(inputs) as Properties };
}

function changeOf(
  urn: string,
  diff: ResourceDiff,
  risks: Risk[],
  toReal: (value: PropertyValue) => PropertyValue,
): Change {
  const { kind, before, after, cause } = diff;
  const { type = "", name = "" } = after ?? before ?? {};
  const change: Change = {
    urn,
    type,
    name,
    kind,
    properties: kind === "added" ? [] : propertiesOf(diff, toReal),
    risks: risks.map(({ message }) => toReal(message) as string),
  };
  if (cause !== undefined) change.cause = cause;
  return change;
}

function propertiesOf(
  { before, after, differences }: ResourceDiff,
  toReal: (value: PropertyValue) => PropertyValue,
): PropertyChange[] {
  if (before === undefined || after === undefined) return [];
  const inputs = differences.map((difference) => {
    const change: PropertyChange = {
      path: difference.path,
      replaces: isReplacing(after.type, difference.property, before.inputs, after.inputs),
    };
    if (difference.before !== undefined) change.before = toReal(difference.before);
    if (difference.after !== undefined) change.after = toReal(difference.after);
    if (difference.follows !== undefined) change.follows = difference.follows;
    return change;
  });
  const options = (["protect", "retainOnDelete"] as const)
    .filter((option) => before[option] !== after[option])
    .map((option) => ({ path: option, before: before[option], after: after[option], replaces: false }));
  return [...inputs, ...options];
}

const KINDS: Risk["kind"][] = ["state", "policy", "access", "protection"];
const ORDER: ChangeKind[] = ["replaced", "deleted", "changed", "added"];

function sortedRisks(risks: Risk[]): Risk[] {
  return [...risks].sort((a, b) => riskRank(a) - riskRank(b) || order(a.message, b.message));
}

function riskRank({ kind, severe }: Risk): number {
  return 2 * KINDS.indexOf(kind) + (severe ? 0 : 1);
}

function rankOf(kind: ChangeKind, [worst]: Risk[]): number {
  return worst === undefined ? 2 * KINDS.length + ORDER.indexOf(kind) : riskRank(worst);
}

/** By code unit: a locale must not change the order. */
function order(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/** Shorter texts would match by chance. */
const MIN_SECRET_LENGTH = 4;

/** Returns a function that removes texts that are secret in the other state, everywhere in a value. */
function hider(hidden: string[]): (value: PropertyValue) => PropertyValue {
  const secrets = [...new Set(hidden)]
    .filter((text) => text.length >= MIN_SECRET_LENGTH)
    .sort((a, b) => b.length - a.length || order(a, b));
  if (secrets.length === 0) return (value) => value;
  const hide = (value: PropertyValue): PropertyValue => {
    if (typeof value === "string")
      return secrets.reduce((text, secret) => text.replaceAll(secret, HIDDEN), value);
    if (Array.isArray(value)) return value.map(hide);
    if (!isObject(value)) return value;
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, hide(inner)]));
  };
  return hide;
}

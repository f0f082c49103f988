import { PreviewResource, Properties, PropertyValue } from "../graph/document";
import { isRegional, isReplacing } from "../policies/facts/replacement";
import type { Baseline } from "../graph/baseline";
import { compareInputs, Comparison, Difference, HIDDEN } from "./differences";
import { networkRulesOf } from "./networkRules";
import { ChangeKind, Risk, risksOf, Subject, World } from "./risks";
import { literalsOf, outputTexts, SHORTEST_NAME, Terms, termsBetween } from "./terms";
import { isAbsent, isObject, own, textsOf } from "./values";

export type { ChangeKind } from "./risks";

/** One property of a resource that will be another. */
export interface PropertyChange {
  /** For people: `settings[aws:autoscaling:asg MinSize].value`, `policy.Statement[DenyPlainHttp].Action`. */
  path: string;
  /** Undefined where there was nothing. Secrets are `[secret]`. */
  before?: PropertyValue;
  /** Undefined where nothing is left; `[unknown]` for what is known only after a replacement. */
  after?: PropertyValue;
  /** True where this cannot be changed in place. */
  replaces: boolean;
  /** URN of the resource that is replaced, and whose new id or address this will hold. */
  follows?: string;
}

/** What will happen to one resource. */
export interface Change {
  urn: string;
  type: string;
  name: string;
  kind: ChangeKind;
  /** None where the resource is added or deleted as a whole. */
  properties: PropertyChange[];
  /** Sentences: what to look at, and why it matters; the worst first. */
  risks: string[];
  /** Why it is replaced; undefined for the other kinds. */
  cause?: string;
}

export interface Changes {
  /** The riskiest first. */
  changes: Change[];
  /** How many resources stay as they are. */
  unchanged: number;
}

/** One state of a stack. */
type State = Pick<Baseline, "resources"> & Partial<Pick<Baseline, "source">>;

const AWS_PROVIDER = "pulumi:providers:aws";

/** What the engine adds to the inputs of a provider. */
const ADDED_BY_ENGINE = new Set(["version", "pluginDownloadURL"]);

/**
 * What an update would do to each resource, told from its inputs: what is added, changed, replaced and deleted, the
 * riskiest first, then by name.
 *
 * Where the earlier state is a stack export, what AWS made up is compared by what it is: a subnet's id by the subnet.
 * Secrets are compared with nothing, for their values are not known.
 */
export function changesBetween(before: State, after: Pick<State, "resources">): Changes {
  const terms =
    before.source === "stack export" ? termsBetween(before.resources, after.resources) : undefined;
  const earlier = new Map(
    before.resources.map((resource) => [resource.urn, terms ? inTermsOf(terms, resource) : resource]),
  );
  const later = new Map(
    after.resources.map((resource) => [resource.urn, withIgnored(resource, earlier.get(resource.urn))]),
  );
  const comparer = new Comparer(earlier, later, terms !== undefined);
  const subjects = new Map<string, Compared>();
  // In order of registration, so that what a resource is made from has been looked at before it.
  for (const [urn, resource] of later) {
    const subject = comparer.compare(resource, earlier.get(urn));
    if (subject !== undefined) subjects.set(urn, subject);
  }
  for (const [urn, resource] of earlier) {
    if (later.has(urn)) continue;
    subjects.set(urn, { kind: "deleted", before: resource, differences: [], disclosed: [], hidden: [] });
  }
  const world: World = {
    before: earlier,
    after: later,
    rulesBefore: networkRulesOf(earlier.values()),
    rulesAfter: networkRulesOf(later.values()),
    kindOf: (urn) => subjects.get(urn)?.kind,
  };
  const hide = hider([...subjects.values()].flatMap(({ hidden }) => hidden));
  const toReal = (value: PropertyValue) => hide(terms?.toEarlier(value) ?? value);
  const ranked = [...subjects].map(([urn, subject]) => {
    const risks = sortedRisks(risksOf(subject, world));
    return { rank: rankOf(subject.kind, risks), change: changeOf(urn, subject, risks, toReal) };
  });
  ranked.sort(
    (a, b) => a.rank - b.rank || order(a.change.name, b.change.name) || order(a.change.urn, b.change.urn),
  );
  const unchanged = [...later.keys()].filter((urn) => !subjects.has(urn)).length;
  return { changes: ranked.map(({ change }) => change), unchanged };
}

/** A deployed resource as the preview would tell it: what it has from others has the preview's ids. */
function inTermsOf(terms: Terms, resource: PreviewResource): PreviewResource {
  const inputs = Object.entries(resource.inputs).map(([property, value]) => [
    property,
    sources(resource, property) === "" ? value : terms.toLater(value),
  ]);
  const id = terms.toLater(resource.id) as string;
  return { ...resource, id, inputs: Object.fromEntries(inputs) as Properties };
}

type Compared = Subject & Pick<Comparison, "hidden"> & { cause?: string };

class Comparer {
  /** Texts that a replacement makes others, by resource: text -> URN of what is replaced. */
  private readonly renewed = new Map<string, Map<string, string>>();
  /** What the program itself names, and no replacement renames. */
  private readonly literals: ReadonlySet<string>;
  private readonly movedProviders: boolean;

  constructor(
    private readonly earlier: ReadonlyMap<string, PreviewResource>,
    private readonly later: ReadonlyMap<string, PreviewResource>,
    private readonly fromExport: boolean,
  ) {
    this.literals = new Set([...later.values()].flatMap((resource) => literalsOf(resource)));
    const [was, is] = [regionsOf(earlier), regionsOf(later)];
    this.movedProviders = was.length > 0 && is.length > 0 && was.join() !== is.join();
  }

  /** What changes about a resource; undefined where nothing does. */
  compare(after: PreviewResource, before: PreviewResource | undefined): Compared | undefined {
    if (before === undefined) {
      const { differences } = compareInputs({}, after.inputs, NOTHING_AROUND);
      return { kind: "added", after, differences, disclosed: [], hidden: [] };
    }
    const { differences, disclosed, hidden } = compareInputs(this.inputsOf(before, after), after.inputs, {
      sameSources: (property) => sources(before, property) === sources(after, property),
      renewed: (property) => this.renewedSources(after, property),
      afterReplacements: (property, value) => this.afterReplacements(after, property, value),
      reordered: (property) => this.fromExport && sources(before, property) !== "",
    });
    const cause = this.causeOf(before, after, differences);
    this.renew(after, differences, cause !== undefined);
    const kept = before.protect !== after.protect || before.retainOnDelete !== after.retainOnDelete;
    if (differences.length === 0 && cause === undefined && !kept) return undefined;
    const kind = cause === undefined ? "changed" : "replaced";
    return { kind, before, after, differences, disclosed, hidden, cause };
  }

  /** The inputs before, without what engine and provider add to those of the program. */
  private inputsOf({ type, inputs }: PreviewResource, after: PreviewResource): Properties {
    const isAdded = (key: string): boolean => {
      if (!isAbsent(own(after.inputs, key))) return false;
      if (type.startsWith("pulumi:providers:")) return ADDED_BY_ENGINE.has(key);
      return key === "region" && regionsOf(this.earlier).includes(own(inputs, key) as string);
    };
    return Object.fromEntries(Object.entries(inputs).filter(([key]) => !isAdded(key)));
  }

  private causeOf(
    before: PreviewResource,
    { type, inputs }: PreviewResource,
    differences: Difference[],
  ): string | undefined {
    const replacing = differences.filter(({ property }) =>
      isReplacing(type, property, before.inputs, inputs),
    );
    const [first] = [...replacing.filter((difference) => difference.own), ...replacing];
    if (first !== undefined) {
      if (first.own || first.follows === undefined) return `${first.path} cannot be changed in place`;
      return `${first.path} follows ${first.follows.split("::").at(-1) ?? first.follows}, which is replaced`;
    }
    if (this.movedProviders && isRegional(type) && isAbsent(own(inputs, "region"))) {
      return "the provider's region changes";
    }
    return undefined;
  }

  private renewedSources(resource: PreviewResource, property: string): ReadonlyMap<string, string> {
    const urns = own(resource.propertyDependencies, property) ?? [];
    return new Map(urns.flatMap((urn) => [...(this.renewed.get(urn) ?? [])]));
  }

  private afterReplacements(
    resource: PreviewResource,
    property: string,
    value: PropertyValue,
  ): PropertyValue {
    const replaced = [...new Set(this.renewedSources(resource, property).values())];
    const among = (all: ReadonlyMap<string, PreviewResource>) =>
      replaced.flatMap((urn) => all.get(urn) ?? []);
    return termsBetween(among(this.earlier), among(this.later)).toLater(value);
  }

  /** Notes what others will find changed about a resource: all that AWS makes up, or what it has from others. */
  private renew(resource: PreviewResource, differences: Difference[], replaced: boolean): void {
    const texts = new Map<string, string>();
    for (const { property, follows } of differences) {
      if (follows === undefined) continue;
      const sources = this.renewedSources(resource, property);
      const held = textsOf(own(resource.inputs, property));
      for (const [text, urn] of sources) {
        for (const whole of held) if (whole.includes(text)) texts.set(text, urn);
      }
    }
    if (replaced) {
      for (const text of outputTexts(resource).values()) {
        if (text.length >= SHORTEST_NAME && !this.literals.has(text)) texts.set(text, resource.urn);
      }
      // Nothing else is known of it where nothing is known before something is created.
      if (resource.id === "") texts.set(UNKNOWN_ID, resource.urn);
    }
    if (texts.size > 0) this.renewed.set(resource.urn, texts);
  }
}

/** No text holds this; it stands for the outputs of a replaced resource of which none is known. */
const UNKNOWN_ID = "\u0000";

const NOTHING_AROUND = {
  sameSources: () => false,
  renewed: () => new Map<string, string>(),
  afterReplacements: (_: string, value: PropertyValue) => value,
  reordered: () => false,
};

function sources({ propertyDependencies }: PreviewResource, property: string): string {
  return [...(own(propertyDependencies, property) ?? [])].sort().join("\n");
}

function regionsOf(resources: ReadonlyMap<string, PreviewResource>): string[] {
  return [...resources.values()]
    .flatMap(({ type, inputs }) => (type === AWS_PROVIDER ? [own(inputs, "region")] : []))
    .filter((region) => typeof region === "string")
    .sort();
}

/** A resource with the earlier values of what its changes are ignored of, as the engine does it. */
function withIgnored(after: PreviewResource, before: PreviewResource | undefined): PreviewResource {
  if (before === undefined || after.ignoreChanges.length === 0) return after;
  const inputs = after.ignoreChanges.reduce<PropertyValue | undefined>(
    (value, path) => restore(value, before.inputs, steps(path)),
    after.inputs,
  );
  return { ...after, inputs: isObject(inputs) ? inputs : {} };
}

/** @see https://www.pulumi.com/docs/iac/concepts/options/ignorechanges/ */
function steps(path: string): string[] {
  return [...path.matchAll(/\["((?:[^"\\]|\\.)*)"\]|\[(\d+|\*)\]|([^.[\]]+)/g)].map(
    ([, quoted, index, name]) => quoted?.replace(/\\(.)/g, "$1") ?? index ?? name ?? "",
  );
}

function restore(
  after: PropertyValue | undefined,
  before: PropertyValue | undefined,
  [step, ...rest]: string[],
): PropertyValue | undefined {
  if (step === undefined) return before;
  const [old, now] = [entriesOf(before), entriesOf(after)];
  if (now === undefined) return after;
  for (const key of step === "*" ? new Set([...(old ?? []), ...now].map(([key]) => key)) : [step]) {
    const restored = restore(now.get(key), old?.get(key), rest);
    if (restored === undefined) now.delete(key);
    else now.set(key, restored);
  }
  return Array.isArray(after) ? [...now.values()] : Object.fromEntries(now);
}

function entriesOf(value: PropertyValue | undefined): Map<string, PropertyValue> | undefined {
  return typeof value === "object" && value !== null ? new Map(Object.entries(value)) : undefined;
}

function changeOf(
  urn: string,
  subject: Compared,
  risks: Risk[],
  toReal: (value: PropertyValue) => PropertyValue,
): Change {
  const { kind, before, after, cause } = subject;
  const { type = "", name = "" } = after ?? before ?? {};
  const change: Change = {
    urn,
    type,
    name,
    kind,
    properties: kind === "added" ? [] : propertiesOf(subject, toReal),
    risks: risks.map(({ message }) => toReal(message) as string),
  };
  if (cause !== undefined) change.cause = cause;
  return change;
}

function propertiesOf(
  { before, after, differences }: Compared,
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

const KINDS: Risk["kind"][] = ["state", "access", "protection"];
const ORDER: ChangeKind[] = ["replaced", "deleted", "changed", "added"];

function sortedRisks(risks: Risk[]): Risk[] {
  return [...risks].sort((a, b) => riskRank(a) - riskRank(b) || order(a.message, b.message));
}

function riskRank({ kind, loud }: Risk): number {
  return 2 * KINDS.indexOf(kind) + (loud ? 0 : 1);
}

function rankOf(kind: ChangeKind, [worst]: Risk[]): number {
  return worst === undefined ? 2 * KINDS.length + ORDER.indexOf(kind) : riskRank(worst);
}

/** By code unit: a locale must not change the order. */
function order(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/** Shorter texts are part of too much else. */
const SHORTEST_SECRET = 4;

/** Takes out, wherever it stands, what is a secret on the other side of some property. */
function hider(hidden: string[]): (value: PropertyValue) => PropertyValue {
  const secrets = [...new Set(hidden)]
    .filter((text) => text.length >= SHORTEST_SECRET)
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

import { Properties, PropertyValue, SECRET, UNKNOWN } from "../../graph/document";
import { asList, canonical, isAbsent, isObject, own, parseJson, textsOf } from "../values";

type Value = PropertyValue | undefined;

/** One path at which two sets of inputs differ. */
export interface Difference {
  /** Readable path, such as `settings[aws:autoscaling:asg MinSize].value`, `policy.Statement[DenyPlainHttp].Action`. */
  path: string;
  /** The top-level input. */
  property: string;
  /** Undefined if the value was added. */
  before?: PropertyValue;
  /** Undefined if the value was removed. */
  after?: PropertyValue;
  /** URN of the replaced resource whose new id or address this will hold. */
  follows?: string;
  /** False if the only change is the new ids or addresses of replaced resources. */
  own: boolean;
}

/** The facts about other resources that the comparison of one resource needs. */
export interface DiffContext {
  /** True if a property uses outputs of the same resources before and after. */
  sameSources(property: string): boolean;
  /** The texts in a property that a replacement changes: text -> URN of the replaced resource. */
  changedValues(property: string): ReadonlyMap<string, string>;
  /** The earlier value with the new ids and addresses of replaced resources. */
  afterReplacements(property: string, value: PropertyValue): PropertyValue;
  /** True if the order of a list in a text does not count: AWS sorted it by other ids. */
  reordered(property: string): boolean;
}

export interface InputDiff {
  differences: Difference[];
  /** Paths of values that were secret and are now plain text. */
  disclosed: string[];
  /** Plain texts that are secret in the other state. Reports must not show them. */
  hidden: string[];
}

/** Replaces a plain value that is secret in the other state. */
export const HIDDEN = "[not shown]";

/** Inputs that only providers add. */
const ADDED_BY_PROVIDER = new Set(["tagsAll"]);

/** Keys that identify an object in a list, best first; all objects must have them. */
const IDENTITIES: string[][] = [
  ["namespace", "name"],
  ["Sid"],
  ["id"],
  ["originId"],
  ["name"],
  ["key"],
  ["pathPattern"],
];

/** Compares two sets of inputs by their meaning for AWS. */
export function diffInputs(before: Properties, after: Properties, context: DiffContext): InputDiff {
  const differ = new InputDiffer(context);
  for (const property of comparableKeys(before, after)) {
    if (ADDED_BY_PROVIDER.has(property)) continue;
    differ.compare(own(before, property), own(after, property), { path: property, property, json: false });
  }
  return differ.result;
}

interface Place {
  path: string;
  property: string;
  /** True inside a JSON text, where a list of one item can be written as the item. */
  json: boolean;
}

class InputDiffer {
  readonly result: InputDiff = { differences: [], disclosed: [], hidden: [] };

  constructor(private readonly context: DiffContext) {}

  compare(before: Value, after: Value, place: Place): void {
    if (isAbsent(before) && isAbsent(after)) return;
    if (before === SECRET || after === SECRET) {
      this.compareSecret(before, after, place);
      return;
    }
    if (before === UNKNOWN || after === UNKNOWN) {
      if (!this.context.sameSources(place.property) && before !== after) this.differ(before, after, place);
      else this.follow(before, after, place);
      return;
    }
    const [old, isText] = structure(before);
    const [now, isTextNow] = structure(after);
    const inner = { ...place, json: place.json || isText || isTextNow };
    const items = identityOf(asList(isAbsent(old) ? now : old), []);
    if (items !== undefined && (isAbsent(old) || isAbsent(now)) && Array.isArray(old ?? now))
      this.compareByIdentity(asList(old) as Properties[], asList(now) as Properties[], items, inner);
    else if (Array.isArray(old) && Array.isArray(now)) this.compareLists(old, now, inner);
    else if (isObject(old) && isObject(now)) this.compareObjects(old, now, inner);
    else if (inner.json && Array.isArray(old ?? now) !== Array.isArray(now ?? old))
      this.compareOneOrMany(old, now, before, after, inner);
    else if (this.isSame(before, after, place)) this.follow(before, after, place);
    else this.differ(before, after, place);
  }

  private compareSecret(before: Value, after: Value, place: Place): void {
    const { path } = place;
    // The values of secrets are unknown: two secrets count as equal.
    if (holdsSecret(before) && holdsSecret(after)) return;
    if (before === SECRET && !isAbsent(after) && after !== UNKNOWN) this.result.disclosed.push(path);
    this.differ(this.hide(before, after), this.hide(after, before), place);
  }

  /** The value for reports if it is secret in the other state. */
  private hide(value: Value, other: Value): Value {
    if (isAbsent(value) || value === SECRET || value === UNKNOWN || isAbsent(other)) return value;
    this.result.hidden.push(...textsOf(value), ...textsOf(structure(value)[0]));
    return HIDDEN;
  }

  private compareObjects(before: Properties, after: Properties, place: Place): void {
    for (const key of comparableKeys(before, after)) {
      const step = /^[A-Za-z_][\w-]*$/.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`;
      this.compare(own(before, key), own(after, key), { ...place, path: place.path + step });
    }
  }

  private compareLists(before: PropertyValue[], after: PropertyValue[], place: Place): void {
    if ([...before, ...after].every((item) => typeof item !== "object")) {
      this.compareScalars(before, after, place);
      return;
    }
    const identity = identityOf(before, after);
    if (identity === undefined) this.compareByPosition(before, after, place);
    else this.compareByIdentity(before as Properties[], after as Properties[], identity, place);
  }

  /** Compares a list with a single item that stands for a list of one. */
  private compareOneOrMany(old: Value, now: Value, before: Value, after: Value, place: Place): void {
    const [list, other] = [asList(old), asList(now)];
    if ([...list, ...other].every(isObject)) this.compareLists(list, other, place);
    else if (this.isSameList(list, other, place)) this.follow(before, after, place);
    else this.differ(before, after, place);
  }

  private compareScalars(before: PropertyValue[], after: PropertyValue[], place: Place): void {
    if (this.isSameList(before, after, place)) {
      this.follow(before, after, place);
      return;
    }
    if (!before.includes(SECRET) && !after.includes(SECRET)) {
      this.differ(before, after, place);
      return;
    }
    const count = (list: PropertyValue[]) => list.filter((item) => item === SECRET).length;
    const isPlain = (item: Value) => !isAbsent(item) && item !== SECRET && item !== UNKNOWN;
    const fresh = after.filter((item) => isPlain(item) && !before.includes(item));
    const inPlace = after.some((item, index) => before[index] === SECRET && fresh.includes(item));
    if (inPlace || (fresh.length > 0 && count(after) < count(before))) this.result.disclosed.push(place.path);
    const hide = (list: PropertyValue[], other: PropertyValue[]) =>
      list.map((item) => (other.includes(item) ? item : (this.hide(item, SECRET) ?? item)));
    this.differ(hide(before, after), hide(after, before), place);
  }

  private isSameList(before: PropertyValue[], after: PropertyValue[], place: Place): boolean {
    const order = (list: PropertyValue[]) => (place.json ? [...list].map(String).sort() : list);
    const [old, now] = [order(before), order(after)];
    return old.length === now.length && old.every((item, index) => this.isSame(item, now[index], place));
  }

  private compareByIdentity(
    before: Properties[],
    after: Properties[],
    identity: string[],
    place: Place,
  ): void {
    const old = byLabel(before, identity);
    const now = byLabel(after, identity);
    for (const label of [...new Set([...old.keys(), ...now.keys()])].sort()) {
      const there = { ...place, path: `${place.path}[${label}]` };
      const [was, is] = [old.get(label), now.get(label)];
      if (was !== undefined && is !== undefined) this.compareObjects(was, is, there);
      else this.compareLone(was, is, identity, there);
    }
  }

  /** An option setting that is added or removed differs in its value; another object differs as a whole. */
  private compareLone(
    was: Properties | undefined,
    is: Properties | undefined,
    identity: string[],
    place: Place,
  ) {
    const rest = (item: Properties | undefined) =>
      item && Object.keys(item).filter((key) => ![...identity, "resource", "value"].includes(key));
    const isSetting = [was, is].every((item) => item === undefined || Object.hasOwn(item, "value"));
    if (isSetting && (rest(was ?? is) ?? []).length === 0) {
      const there = { ...place, path: `${place.path}.value` };
      this.compare(was && own(was, "value"), is && own(is, "value"), there);
    } else this.compare(was, is, place);
  }

  /** Pairs equal items at any position, the others in order. */
  private compareByPosition(before: PropertyValue[], after: PropertyValue[], place: Place): void {
    const left = new Map<string, number[]>();
    for (const [index, item] of before.entries()) {
      const text = canonical(item);
      left.set(text, [...(left.get(text) ?? []), index]);
    }
    const partner = after.map((item) => left.get(canonical(item))?.shift());
    const rest = [...left.values()].flat().sort((a, b) => a - b);
    for (const [index, item] of after.entries()) {
      const position = partner[index] ?? rest.shift();
      const was = position === undefined ? undefined : before[position];
      this.compare(was, item, { ...place, path: `${place.path}[${index}]` });
    }
    for (const index of rest) {
      this.compare(before[index], undefined, { ...place, path: `${place.path}[${index}]` });
    }
  }

  private isSame(before: Value, after: Value, { property }: Place): boolean {
    if (before === after || (isAbsent(before) && isAbsent(after))) return true;
    if (isAbsent(before) || isAbsent(after)) return false;
    if (before === UNKNOWN || after === UNKNOWN) return this.context.sameSources(property);
    if (typeof before === "object" || typeof after === "object")
      return canonical(before) === canonical(after);
    // Providers turn the text "true" into a boolean, "5432" into a number.
    const [old, now] = [String(before), String(after)];
    if (old === now) return true;
    return this.context.reordered(property) && unordered(old) === unordered(now);
  }

  /** A text that stays equal still changes if it names a replaced resource. */
  private follow(before: Value, after: Value, place: Place): void {
    const follows = this.followed(after, place.property);
    if (follows !== undefined) this.differ(before, after, place);
  }

  private followed(after: Value, property: string): string | undefined {
    const changed = this.context.changedValues(property);
    if (changed.size === 0 || isAbsent(after)) return undefined;
    for (const text of textsOf(after)) {
      if (text === UNKNOWN) return changed.values().next().value;
      for (const [part, urn] of changed) if (text.includes(part)) return urn;
    }
    return undefined;
  }

  private differ(before: Value, after: Value, { path, property }: Place): void {
    const follows = this.followed(after, property);
    const moved =
      follows === undefined || isAbsent(before) ? before : this.context.afterReplacements(property, before);
    const difference: Difference = {
      path,
      property,
      own: follows === undefined || unordered(moved) !== unordered(after),
    };
    if (!isAbsent(before)) difference.before = before;
    if (!isAbsent(after)) {
      difference.after =
        follows === undefined ? after : withUnknown(after, [...this.context.changedValues(property).keys()]);
    }
    if (follows !== undefined) difference.follows = follows;
    this.result.differences.push(difference);
  }
}

/** The value with `[unknown]` in place of texts that a replacement changes. */
function withUnknown(value: PropertyValue, changed: string[]): PropertyValue {
  if (typeof value === "string") {
    const longestFirst = [...changed].sort((a, b) => b.length - a.length);
    return longestFirst.reduce((text, part) => text.replaceAll(part, UNKNOWN), value);
  }
  if (Array.isArray(value)) return value.map((item) => withUnknown(item, changed));
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, withUnknown(inner, changed)]));
}

/** The value and false; or, for a JSON text, its content and true. */
function structure(value: Value): [Value, boolean] {
  if (typeof value !== "string") return [value, false];
  const parsed = parseJson(value);
  return parsed === undefined ? [value, false] : [parsed, true];
}

function identityOf(before: PropertyValue[], after: PropertyValue[]): string[] | undefined {
  const items = [...before, ...after];
  if (items.length === 0 || !items.every(isObject)) return undefined;
  return IDENTITIES.find((keys) =>
    items.every((item) =>
      keys.every((key) => {
        const value = own(item, key);
        return (
          (typeof value === "string" && value !== SECRET && value !== UNKNOWN) || typeof value === "number"
        );
      }),
    ),
  );
}

/** The items of a list by their identity, numbered if two have the same. */
function byLabel(items: Properties[], identity: string[]): Map<string, Properties> {
  const labelled = new Map<string, Properties>();
  for (const item of items) {
    const keys =
      own(item, "resource") === "" ? identity : [...identity, ...(identity.length > 1 ? ["resource"] : [])];
    const label = keys.flatMap((key) => scalarText(own(item, key)) ?? []).join(" ");
    let numbered = label;
    for (let number = 2; labelled.has(numbered); number++) numbered = `${label} #${number}`;
    labelled.set(numbered, item);
  }
  return labelled;
}

function scalarText(value: Value): string | undefined {
  return typeof value === "string" || typeof value === "number" ? String(value) : undefined;
}

/** Like {@link canonical}, but sorts a comma-separated list: its order depends on the ids in it. */
function unordered(value: Value): string {
  return typeof value === "string" ? value.split(",").sort().join(",") : canonical(value);
}

function holdsSecret(value: Value): boolean {
  return textsOf(value).some((text) => text.includes(SECRET));
}

/** The keys of both objects, without `__` keys of SDK and provider, and without defaults that the provider set. */
function comparableKeys(before: Properties, after: Properties): string[] {
  const defaults = asList(own(before, "__defaults"));
  return [...new Set([...Object.keys(before), ...Object.keys(after)])]
    .filter((key) => !key.startsWith("__") && !(defaults.includes(key) && isAbsent(own(after, key))))
    .sort();
}

import { PropertyValue } from "../../graph/document";
import { isWithin } from "../../policies/facts/ipRanges";
import { asList, isAbsent, isObject, own, parseJson } from "../values";

/** The patterns of an element, or of its Not… form. */
interface Part {
  except: boolean;
  patterns: string[];
}

interface Condition {
  operator: string;
  key: string;
  values: string[];
}

/** One statement of a policy document, in one form for all the ways of writing it. */
export interface Statement {
  sid: string;
  effect: "Allow" | "Deny";
  principal?: Part;
  action?: Part;
  resource?: Part;
  conditions: Condition[];
}

/** Access that one policy document grants and an earlier one did not. */
export interface Opening {
  message: string;
  /** True if any principal, or any action on any resource, is allowed. */
  severe: boolean;
}

/** The statements of a policy document in JSON or as an object. Undefined if the value is not a policy document. */
export function statementsOf(value: PropertyValue | undefined): Statement[] | undefined {
  const document = typeof value === "string" ? parseJson(value) : value;
  if (!isObject(document)) return undefined;
  const statements = own(document, "Statement");
  if (isAbsent(statements)) return undefined;
  return asList(statements).flatMap((statement) => {
    if (!isObject(statement)) return [];
    const effect = own(statement, "Effect");
    if (effect !== "Allow" && effect !== "Deny") return [];
    const sid = own(statement, "Sid");
    return [
      {
        sid: typeof sid === "string" ? sid : "",
        effect,
        principal: part(statement, "Principal", principals),
        action: part(statement, "Action", texts),
        resource: part(statement, "Resource", texts),
        conditions: conditionsOf(own(statement, "Condition")),
      },
    ];
  });
}

/**
 * Returns the access that `after` adds: new Allow statements and removed Deny statements. A narrower statement adds
 * none.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html
 */
export function openings(before: Statement[], after: Statement[]): Opening[] {
  const of = (effect: string, statements: Statement[]) =>
    statements.filter((statement) => statement.effect === effect);
  const allowed = of("Allow", after).flatMap((statement) => {
    const more = uncovered(statement, of("Allow", before));
    if (more === undefined) return [];
    const anyone = statement.principal?.patterns.includes("*") === true;
    const anything =
      more.action?.patterns.some((action) => action === "*") === true &&
      more.resource?.patterns.includes("*") === true;
    return [{ message: `allows ${describe(more)}`, severe: anyone || anything }];
  });
  const denied = of("Deny", before).flatMap((statement) => {
    const less = uncovered(statement, of("Deny", after));
    return less === undefined ? [] : [{ message: `no longer denies ${describe(less)}`, severe: false }];
  });
  return [...allowed, ...denied];
}

/** Maximum number of combinations to compare one by one. */
const MOST_COMBINATIONS = 20_000;

/** The parts of a statement that no other statement covers. */
function uncovered(statement: Statement, others: Statement[]): Statement | undefined {
  if (others.some((other) => covers(other, statement))) return undefined;
  const { principal, action, resource } = statement;
  const size = [principal, action, resource].reduce(
    (product, each) => product * (each?.patterns.length ?? 1),
    1,
  );
  if (size * others.length > MOST_COMBINATIONS) return statement;
  const left = single(principal)
    .flatMap((one) => single(action).map((two) => [one, two]))
    .flatMap(([one, two]) =>
      single(resource).map((three) => ({ principal: one, action: two, resource: three })),
    )
    .filter((combination) => !others.some((other) => covers(other, { ...statement, ...combination })));
  if (left.length === 0) return undefined;
  const join = (parts: (Part | undefined)[]): Part | undefined =>
    parts[0] && {
      except: parts[0].except,
      patterns: [...new Set(parts.flatMap((each) => each?.patterns ?? []))],
    };
  return {
    ...statement,
    principal: join(left.map((each) => each.principal)),
    action: join(left.map((each) => each.action)),
    resource: join(left.map((each) => each.resource)),
  };
}

/** Splits a part by pattern; a Not… part stays whole. */
function single(part: Part | undefined): (Part | undefined)[] {
  if (part === undefined || part.except) return [part];
  return part.patterns.map((pattern) => ({ except: false, patterns: [pattern] }));
}

/** True if `wide` matches all requests that `narrow` matches. */
function covers(wide: Statement, narrow: Statement): boolean {
  return (
    coversPart(wide.principal, narrow.principal) &&
    coversPart(folded(wide.action), folded(narrow.action)) &&
    coversPart(wide.resource, narrow.resource) &&
    wide.conditions.every((condition) =>
      narrow.conditions.some(
        (other) =>
          other.operator.toLowerCase() === condition.operator.toLowerCase() &&
          other.key.toLowerCase() === condition.key.toLowerCase() &&
          narrows(other, condition),
      ),
    )
  );
}

/** The part in lower case: actions are case-insensitive. */
function folded(part: Part | undefined): Part | undefined {
  return part && { ...part, patterns: part.patterns.map((pattern) => pattern.toLowerCase()) };
}

function coversPart(wide: Part | undefined, narrow: Part | undefined): boolean {
  if (wide === undefined || narrow === undefined) return wide === narrow;
  const has = (patterns: string[], text: string) => patterns.some((pattern) => matches(pattern, text));
  if (!wide.except) {
    if (narrow.except) return wide.patterns.includes("*");
    return narrow.patterns.every((text) => has(wide.patterns, text));
  }
  if (narrow.except) return wide.patterns.every((text) => has(narrow.patterns, text));
  return narrow.patterns.every((text) => !/[*?]/.test(text) && !has(wide.patterns, text));
}

/** True if `wide` is met whenever `narrow` is. Both have the same operator and key. */
function narrows(narrow: Condition, wide: Condition): boolean {
  const base = narrow.operator
    .toLowerCase()
    .replace(/^for(allvalues|anyvalue):/, "")
    .replace(/ifexists$/, "");
  const within = (inner: string[], outer: string[]) =>
    inner.every((value) => outer.some((other) => valueWithin(base, value, other)));
  if (/^(numeric|date)(less|greater)/.test(base)) {
    const [inner, outer] = [Number(narrow.values[0]), Number(wide.values[0])];
    if (narrow.values.length !== 1 || wide.values.length !== 1) return false;
    if (Number.isNaN(inner) || Number.isNaN(outer)) return narrow.values[0] === wide.values[0];
    return base.includes("less") ? inner <= outer : inner >= outer;
  }
  // More exceptions are narrower, as more values are wider.
  return base.includes("not") ? within(wide.values, narrow.values) : within(narrow.values, wide.values);
}

function valueWithin(operator: string, value: string, other: string): boolean {
  if (value === other) return true;
  if (operator.includes("like") || operator.startsWith("arn")) return matches(other, value);
  return operator.includes("ipaddress") && isWithin(value, other);
}

/** True if a pattern with `*` and `?` matches a text. In the text, `*` and `?` are literal; only `*` matches them. */
function matches(pattern: string, text: string): boolean {
  let [at, in_, star, mark] = [0, 0, -1, 0];
  while (in_ < text.length) {
    const wanted = pattern[at];
    if (wanted === "*") {
      star = at++;
      mark = in_;
    } else if (wanted !== undefined && (wanted === text[in_] || (wanted === "?" && text[in_] !== "*"))) {
      at++;
      in_++;
    } else if (star >= 0) {
      at = star + 1;
      in_ = ++mark;
    } else return false;
  }
  while (pattern[at] === "*") at++;
  return at === pattern.length;
}

function part(
  statement: Record<string, PropertyValue>,
  name: string,
  read: (value: PropertyValue) => string[],
): Part | undefined {
  const [value, rest] = [own(statement, name), own(statement, `Not${name}`)];
  if (!isAbsent(value)) return { except: false, patterns: read(value) };
  return isAbsent(rest) ? undefined : { except: true, patterns: read(rest) };
}

function texts(value: PropertyValue): string[] {
  return asList(value).map((item) => (typeof item === "object" ? JSON.stringify(item) : String(item)));
}

/** `AWS:arn...`, `Service:...`; any principal is `*`, also if written as `{ AWS: "*" }`. */
function principals(value: PropertyValue): string[] {
  if (!isObject(value)) return texts(value);
  return Object.entries(value).flatMap(([kind, names]) =>
    texts(names).map((name) => {
      if (kind === "AWS" && name === "*") return "*";
      return kind === "AWS" && /^\d{12}$/.test(name) ? `AWS:arn:aws:iam::${name}:root` : `${kind}:${name}`;
    }),
  );
}

function conditionsOf(value: PropertyValue | undefined): Condition[] {
  if (!isObject(value)) return [];
  return Object.entries(value).flatMap(([operator, keys]) =>
    isObject(keys)
      ? Object.entries(keys).map(([key, values]) => ({
          operator,
          key,
          values: texts(values),
        }))
      : [],
  );
}

function describe({ sid, principal, action, resource, conditions }: Statement): string {
  const who = principal === undefined ? "" : ` to ${isAnyone(principal) ? "anyone" : list(principal)}`;
  const what = resource === undefined ? "" : ` on ${list(resource)}`;
  const when = conditions.length === 0 ? "" : `, if ${conditions.map(conditionText).join(" and ")}`;
  const where = sid === "" ? "" : ` (statement ${sid})`;
  return `${action === undefined ? "something" : list(action)}${what}${who}${when}${where}`;
}

function isAnyone({ except, patterns }: Part): boolean {
  return !except && patterns.includes("*");
}

const MOST_NAMED = 4;

function list({ except, patterns }: Part): string {
  const named = patterns.slice(0, MOST_NAMED).join(", ");
  const more = patterns.length > MOST_NAMED ? ` and ${patterns.length - MOST_NAMED} more` : "";
  return `${except ? "all but " : ""}${named}${more}`;
}

function conditionText({ operator, key, values }: Condition): string {
  return `${operator} ${key} ${list({ except: false, patterns: values })}`;
}

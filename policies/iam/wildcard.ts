const ANY = Symbol("*");
const ONE = Symbol("?");
const SPECIAL = /[*?$]/;
type Pattern = (string | typeof ANY | typeof ONE)[];

/** The values of the condition keys of a request, by the key in lower case. */
export type Keys = Map<string, string[]>;

/**
 * Reads a pattern: `*` is any text and `?` any character if `wildcards` is set; `${key}` is the value of a
 * condition key, `${key, 'default'}` has a default, and `${*}`, `${?}`, `${$}` are the characters themselves.
 *
 * @returns undefined if a variable has no single value: such a pattern matches nothing
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
 */
function read(pattern: string, wildcards: boolean, keys: Keys): Pattern | undefined {
  const read: Pattern = [];
  for (const [token] of pattern.matchAll(/\$\{[^}]*\}|[^]/g)) {
    if (token.length > 1) {
      const text = resolve(token.slice(2, -1), keys);
      if (text === undefined) return undefined;
      for (let at = 0; at < text.length; at++) read.push(text.charAt(at));
    } else if (wildcards && token === "*") read.push(ANY);
    else if (wildcards && token === "?") read.push(ONE);
    else read.push(token);
  }
  return read;
}

const plainParts = new Map<string, number>();

/** The length of a pattern before its first wildcard or variable; -1 if it has none. */
function plainOf(pattern: string): number {
  const known = plainParts.get(pattern);
  if (known !== undefined) return known;
  const plain = pattern.search(SPECIAL);
  plainParts.set(pattern, plain);
  return plain;
}

const readPatterns = new Map<string, Pattern | undefined>();

/** Reads a pattern without variables: the documents of a stack repeat a few hundred. */
function readOnce(pattern: string): Pattern | undefined {
  if (!readPatterns.has(pattern)) readPatterns.set(pattern, read(pattern, true, new Map()));
  return readPatterns.get(pattern);
}

function resolve(variable: string, keys: Keys): string | undefined {
  if (variable === "*" || variable === "?" || variable === "$") return variable;
  const [, name = variable, fallback] = /^(.*?)(?:, '(.*)')?$/.exec(variable) ?? [];
  const values = keys.get(name.trim().toLowerCase());
  return values?.length === 1 ? values[0] : fallback;
}

/** True if all variables of a pattern have a value. */
export function isResolvable(pattern: string, keys: Keys): boolean {
  return read(pattern, true, keys) !== undefined;
}

/** True if a pattern without variables matches a value. */
export function matches(pattern: string, value: string, ignoreCase: boolean): boolean {
  // Most pairs differ in length or before the first wildcard, which is faster to compare than lower case.
  const plain = plainOf(pattern);
  if (plain < 0 && pattern.length !== value.length) return false;
  const end = plain < 0 ? pattern.length : plain;
  for (let at = 0; at < end; at++) {
    // The bit in which upper and lower case of ASCII letters differ.
    if ((pattern.charCodeAt(at) | 32) !== (value.charCodeAt(at) | 32)) return false;
  }
  return ignoreCase
    ? covers(pattern.toLowerCase(), value.toLowerCase(), true, new Map())
    : covers(pattern, value, true, new Map());
}

/** True if a pattern matches a value. Takes time proportional to the product of both lengths; does not recurse. */
export function covers(pattern: string, value: string, wildcards: boolean, keys: Keys): boolean {
  // Most pairs differ before the first wildcard or variable, which is faster to compare than to read.
  const plain = plainOf(pattern);
  if (plain < 0) return pattern === value;
  if (!value.startsWith(pattern.slice(0, plain))) return false;
  const glob = wildcards && !pattern.includes("$") ? readOnce(pattern) : read(pattern, wildcards, keys);
  if (glob === undefined) return false;
  let at = 0;
  let star = -1;
  let resume = 0;
  let from = 0;
  while (at < value.length) {
    if (glob[from] === ANY) {
      star = from++;
      resume = at;
    } else if (from < glob.length && (glob[from] === ONE || glob[from] === value[at])) {
      from++;
      at++;
    } else if (star >= 0) {
      from = star + 1;
      at = ++resume;
    } else return false;
  }
  while (glob[from] === ANY) from++;
  return from === glob.length;
}

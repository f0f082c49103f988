import { UNKNOWN } from "./facts/placeholders";

export { SECRET, UNKNOWN } from "./facts/placeholders";

/** The properties of an object; none if the value is not an object. */
export function object(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : {};
}

/** The elements of a list. A single value is a list of one, as in IAM; nothing is an empty list. */
export function array<Element>(value: readonly Element[] | undefined): Element[];
export function array(value: unknown): unknown[];
export function array(value: unknown): unknown[] {
  return Array.isArray(value) ? (value as unknown[]) : value === undefined || value === null ? [] : [value];
}

/** True for a property that has no effect: absent, or empty. */
export const isEmpty = (value: unknown): boolean =>
  value === undefined || value === null || value === "" || (Array.isArray(value) && value.length === 0);

/** A scalar as text; "" for anything else. */
export function text(value: unknown): string {
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean"
    ? String(value)
    : "";
}

/** The first names of a list, and how many more there are. */
export const first = (names: string[]): string =>
  names.length > 4
    ? `${names.slice(0, 3).join(", ")} and ${String(names.length - 3)} more`
    : names.join(", ");

/** Groups values by a key. Leaves out the values whose key is undefined. */
export function groupBy<T>(values: T[], keyOf: (value: T) => string | undefined): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const value of values) {
    const key = keyOf(value);
    if (key === undefined) continue;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [value]);
    else group.push(value);
  }
  return groups;
}

export function isUnknown(value: unknown): boolean {
  return typeof value === "string" && value.includes(UNKNOWN);
}

/** True if a value, or any value inside it, is unknown. */
export function hasUnknown(value: unknown): boolean {
  return typeof value === "object" && value !== null
    ? Object.values(value).some(hasUnknown)
    : isUnknown(value);
}

/** The value of a property; unknown if the object is unknown, undefined if it is not an object. */
export function at<T, Name extends keyof T & string>(value: T | undefined, name: Name): T[Name] | undefined {
  return (isUnknown(value) ? UNKNOWN : object(value)[name]) as T[Name] | undefined;
}

/** Reports a value that cannot be checked yet: a mandatory rule must not pass it silently. */
export function notEvaluated(what: string): string[] {
  return [
    `could not be evaluated: ${what} is unknown until a resource is created. Build it from names that are known.`,
  ];
}

/**
 * Demands that a value is valid.
 *
 * @returns a message that names the value and the one to write; "could not be evaluated" if the value is unknown;
 *   nothing if the value is valid
 */
export function demand(value: unknown, valid: boolean, what: string, instead: string): string[] {
  if (hasUnknown(value)) return notEvaluated(what);
  return valid
    ? []
    : [`${what} is ${value === undefined ? "not set" : JSON.stringify(value)}. Write ${instead}.`];
}

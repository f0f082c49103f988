import { Properties, PropertyValue } from "../graph/document";

type Value = PropertyValue | undefined;

/** A text that is equal for two values only if the values are equal. */
export function canonical(value: Value): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (!isObject(value)) return JSON.stringify(value ?? null);
  const entries = Object.keys(value)
    .filter((key) => !key.startsWith("__") && !isAbsent(own(value, key)))
    .sort()
    .map((key) => `${JSON.stringify(key)}:${canonical(own(value, key))}`);
  return `{${entries.join(",")}}`;
}

/** All texts in a value. */
export function textsOf(value: Value): string[] {
  if (typeof value === "string") return [value];
  if (typeof value !== "object" || value === null) return [];
  return Object.values(value).flatMap(textsOf);
}

export function isAbsent(value: Value): value is null | undefined {
  return value === undefined || value === null;
}

export function isObject(value: Value): value is Properties {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** An own property: documents can use any name, including those of Object.prototype. */
export function own<Value>(object: Record<string, Value>, key: string): Value | undefined {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

export function asList(value: Value): PropertyValue[] {
  if (isAbsent(value)) return [];
  return Array.isArray(value) ? value : [value];
}

/** The object or list in a JSON text, such as a policy document; undefined for other texts. */
export function parseJson(text: string): PropertyValue | undefined {
  if (!/^\s*[[{]/.test(text)) return undefined;
  try {
    return JSON.parse(text) as PropertyValue;
  } catch {
    return undefined;
  }
}

/** True for `true`, also as text: Beanstalk's options are texts. */
export function isTrue(value: Value): boolean {
  return value === true || value === "true";
}

/** True for `false`, also as text. */
export function isFalse(value: Value): boolean {
  return value === false || value === "false";
}

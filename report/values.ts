import { Properties, PropertyValue } from "../graph/document";

type Value = PropertyValue | undefined;

/** A text that two values share exactly when they are equal. */
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

/** A property that an object has itself: documents may use any name, also those of JavaScript's own. */
export function own<Value>(object: Record<string, Value>, key: string): Value | undefined {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

export function asList(value: Value): PropertyValue[] {
  if (isAbsent(value)) return [];
  return Array.isArray(value) ? value : [value];
}

/** The object or list that a text holds as JSON, such as a policy document. */
export function parseJson(text: string): PropertyValue | undefined {
  if (!/^\s*[[{]/.test(text)) return undefined;
  try {
    return JSON.parse(text) as PropertyValue;
  } catch {
    return undefined;
  }
}

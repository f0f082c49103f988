import { PreviewResource, Properties, PropertyValue, SECRET, UNKNOWN } from "../graph/document";
import { own, parseJson, textsOf } from "./values";

/** Between the values that AWS made up for resources as they were, and those of the same resources as they will be. */
export interface Terms {
  /** An earlier value as a later one would be told, where nothing else differs. */
  toLater(value: PropertyValue): PropertyValue;
  toEarlier(value: PropertyValue): PropertyValue;
}

/** Shorter values, such as `true`, `active` or a port, are no names of anything. */
export const SHORTEST_NAME = 8;

/**
 * Pairs what AWS made up (ids, ARNs, addresses) for the same output of the same resource, so that an input made from an
 * output compares by what it is made from, not by its text.
 */
export function termsBetween(earlier: PreviewResource[], later: PreviewResource[]): Terms {
  const byUrn = new Map(later.map((resource) => [resource.urn, resource]));
  const forward = new Map<string, string>();
  const backward = new Map<string, string>();
  const written = new Set(earlier.flatMap((resource) => literalsOf(resource)));
  for (const resource of earlier) {
    const successor = byUrn.get(resource.urn);
    // What a component puts out, the program has made.
    if (successor === undefined || !resource.custom) continue;
    const texts = outputTexts(successor);
    const still = new Set(literalsOf(successor));
    const gone = literalsOf(resource, successor.inputs).filter(
      (text) => text.length >= SHORTEST_NAME && !still.has(text),
    );
    for (const [path, was] of outputTexts(resource)) {
      const is = texts.get(path);
      if (is === undefined || was === is) continue;
      // This one differs because the program has written something else.
      if (written.has(was) || gone.some((text) => was.includes(text))) continue;
      if (was.length < SHORTEST_NAME || is.length < SHORTEST_NAME) continue;
      if (!forward.has(was)) forward.set(was, is);
      if (!backward.has(is)) backward.set(is, was);
    }
  }
  return { toLater: replacer(forward), toEarlier: replacer(backward) };
}

/** Every text among the outputs, and the usual parts of each, by path; inputs that come back are left out. */
export function outputTexts({ id, inputs, outputs }: PreviewResource): Map<string, string> {
  const texts = new Map<string, string>();
  const add = (value: PropertyValue | undefined, path: string): void => {
    if (typeof value === "string") {
      if (value === SECRET || value === UNKNOWN) return;
      for (const [part, text] of partsOf(value)) texts.set(path + part, text);
      const parsed = parseJson(value);
      if (parsed !== undefined) add(parsed, `${path}{}`);
    } else if (typeof value === "object" && value !== null) {
      for (const [key, inner] of Object.entries(value)) add(inner, `${path}.${key}`);
    }
  };
  if (id !== "") add(id, "id");
  for (const [key, value] of Object.entries(outputs)) {
    if (!Object.hasOwn(inputs, key)) add(value, `outputs.${key}`);
  }
  return texts;
}

/** Texts that stand in inputs without coming from another resource; only in some of the inputs where those are given. */
export function literalsOf(
  { inputs, propertyDependencies }: PreviewResource,
  among: Properties = inputs,
): string[] {
  return Object.entries(inputs).flatMap(([property, value]) =>
    Object.hasOwn(among, property) && (own(propertyDependencies, property) ?? []).length === 0
      ? textsOf(value)
      : [],
  );
}

/** What programs usually cut out of an output: the resource of an ARN, the host of an address. */
function partsOf(text: string): [string, string][] {
  const parts: [string, string][] = [["", text]];
  const arn = /^arn:[^:]*:[^:]*:[^:]*:[^:]*:(.+)$/s.exec(text)?.[1];
  if (arn !== undefined) {
    parts.push(["#resource", arn]);
    const path = /^[^/:]+[/:](.+)$/s.exec(arn)?.[1];
    if (path !== undefined) parts.push(["#path", path]);
  }
  const host = /^(?:[a-z]+:\/\/)?([\w.-]+\.[\w-]+)(?:[:/].*)?$/i.exec(text)?.[1];
  if (host !== undefined && host !== text) parts.push(["#host", host]);
  if (text.endsWith(".")) parts.push(["#undotted", text.slice(0, -1)]);
  return parts;
}

/** Replaces all texts of a table in one pass, longer ones first, so that no replacement is replaced again. */
function replacer(table: ReadonlyMap<string, string>): (value: PropertyValue) => PropertyValue {
  if (table.size === 0) return (value) => value;
  const longestFirst = [...table.keys()].sort((a, b) => b.length - a.length || (a < b ? -1 : 1));
  const pattern = new RegExp(longestFirst.map(escape).join("|"), "g");
  const replace = (value: PropertyValue): PropertyValue => {
    if (typeof value === "string") return value.replace(pattern, (found) => table.get(found) ?? found);
    if (Array.isArray(value)) return value.map(replace);
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, replace(inner)]));
  };
  return replace;
}

function escape(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&");
}

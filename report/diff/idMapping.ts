import { PreviewResource, Properties, PropertyValue, SECRET, UNKNOWN } from "../../graph/document";
import { own, parseJson, textsOf } from "../values";

/** A translation between the ids of an earlier state and those of the same resources in a later one. */
export interface IdMapping {
  /** The value with later ids. */
  toLater(value: PropertyValue): PropertyValue;
  /** The value with earlier ids. */
  toEarlier(value: PropertyValue): PropertyValue;
}

/** Values shorter than this, such as `true`, `active` or a port, do not identify a resource. */
export const MIN_ID_LENGTH = 8;

/**
 * Pairs the values that AWS generates (ids, ARNs, addresses) by resource and output, so that an input that uses an
 * output is compared by its source, not by its text.
 */
export function mapIds(earlier: PreviewResource[], later: PreviewResource[]): IdMapping {
  const byUrn = new Map(later.map((resource) => [resource.urn, resource]));
  const forward = new Map<string, string>();
  const backward = new Map<string, string>();
  const written = new Set(earlier.flatMap((resource) => literalsOf(resource)));
  for (const resource of earlier) {
    const successor = byUrn.get(resource.urn);
    // The program itself makes the outputs of a component.
    if (successor === undefined || !resource.custom) continue;
    const texts = outputTexts(successor);
    const still = new Set(literalsOf(successor));
    const gone = literalsOf(resource, successor.inputs).filter(
      (text) => text.length >= MIN_ID_LENGTH && !still.has(text),
    );
    for (const [path, was] of outputTexts(resource)) {
      const is = texts.get(path);
      if (is === undefined || was === is) continue;
      // The program itself changed this value.
      if (written.has(was) || gone.some((text) => was.includes(text))) continue;
      if (was.length < MIN_ID_LENGTH || is.length < MIN_ID_LENGTH) continue;
      if (!forward.has(was)) forward.set(was, is);
      if (!backward.has(is)) backward.set(is, was);
    }
  }
  return { toLater: replacer(forward), toEarlier: replacer(backward) };
}

/** All texts of the outputs and their usual parts, by path; outputs that repeat an input are left out. */
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

/** Texts of the inputs that come from no other resource; `among` limits them to some inputs. */
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

/** Parts that programs take out of an output: the resource of an ARN, the host of a URL. */
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

/** Replaces the texts of a table in one pass, longer ones first: no replacement is replaced again. */
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

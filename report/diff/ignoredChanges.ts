import { PreviewResource, PropertyValue } from "../../graph/document";
import { isObject } from "../values";

/** The resource with the earlier values of the properties in `ignoreChanges`, as the engine would keep them. */
export function keepIgnored(after: PreviewResource, before: PreviewResource | undefined): PreviewResource {
  if (before === undefined || after.ignoreChanges.length === 0) return after;
  const inputs = after.ignoreChanges.reduce<PropertyValue | undefined>(
    (value, path) => keep(value, before.inputs, steps(path)),
    after.inputs,
  );
  return { ...after, inputs: isObject(inputs) ? inputs : {} };
}

/** The steps of a property path. @see https://www.pulumi.com/docs/iac/concepts/options/ignorechanges/ */
function steps(path: string): string[] {
  return [...path.matchAll(/\["((?:[^"\\]|\\.)*)"\]|\[(\d+|\*)\]|([^.[\]]+)/g)].map(
    ([, quoted, index, name]) => quoted?.replace(/\\(.)/g, "$1") ?? index ?? name ?? "",
  );
}

function keep(
  after: PropertyValue | undefined,
  before: PropertyValue | undefined,
  [step, ...rest]: string[],
): PropertyValue | undefined {
  if (step === undefined) return before;
  const [old, now] = [entriesOf(before), entriesOf(after)];
  if (now === undefined) return after;
  for (const key of step === "*" ? new Set([...(old ?? []), ...now].map(([key]) => key)) : [step]) {
    const kept = keep(now.get(key), old?.get(key), rest);
    if (kept === undefined) now.delete(key);
    else now.set(key, kept);
  }
  return Array.isArray(after) ? [...now.values()] : Object.fromEntries(now);
}

function entriesOf(value: PropertyValue | undefined): Map<string, PropertyValue> | undefined {
  return typeof value === "object" && value !== null ? new Map(Object.entries(value)) : undefined;
}

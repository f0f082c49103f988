import { dependenciesOf, Stack } from "./context";
import { Reference, REFERENCES } from "./facts/references";
import { Resource } from "./resource";
import { byIdentity, hasKnownIds } from "./identity";
import { settingsOf } from "./optionSettings";
import { array, at, groupBy, hasUnknown, isUnknown, text } from "./values";

/** One use of a reference: a text by which a resource names another one. */
export interface Use {
  reference: Reference;
  /** The property, or the namespace and name of the option. */
  where: string;
  value: unknown;
}

/** The values at a path of a property. Each element of a list is a value; JSON text on the way is parsed. */
function valuesAt(value: unknown, path: string[]): unknown[] {
  if (Array.isArray(value)) {
    const rest = /^\d+$/.test(path[0] ?? "") ? path.slice(1) : path;
    return value.flatMap((one) => valuesAt(one, rest));
  }
  const [key, ...rest] = path;
  if (key === undefined || isUnknown(value)) return value === undefined || value === null ? [] : [value];
  if (typeof value !== "string") return valuesAt(at(value as Record<string, unknown>, key), rest);
  try {
    return valuesAt(at(JSON.parse(value) as Record<string, unknown>, key), rest);
  } catch {
    return [];
  }
}

/** The uses of all references of a resource of the stack. */
export const usesOf = (resource: Resource, { once }: Stack): Use[] =>
  once(`uses by ${resource.urn}`, () => usesIn(resource));

function usesIn({ type, inputs }: Pick<Resource, "type" | "inputs">): Use[] {
  return (REFERENCES[type] ?? []).flatMap((reference) => {
    const { property, option } = reference;
    if (option === undefined) {
      const [first = "", ...rest] = property.split(".");
      return valuesAt(inputs[first], rest).map((value) => ({ reference, where: property, value }));
    }
    const [namespace, name] = option;
    return settingsOf({ inputs })
      .filter((setting) => setting.namespace === namespace && (name === undefined || setting.name === name))
      .flatMap(({ name: found, value }) => {
        const where = `option ${namespace}/${found}`;
        return (isUnknown(value) ? [value] : text(value).split(",")).map((one) => ({
          reference,
          where,
          value: typeof one === "string" ? one.trim() : one,
        }));
      });
  });
}

/** The type in a URN. */
const typeIn = (urn: string): string => urn.split("::")[2]?.split("$").pop() ?? "";

/** The resources of one type whose outputs a property uses. */
export const used = (resource: Resource, property: string, type: string, stack: Stack): Resource[] =>
  dependenciesOf(resource, property.split(".")[0] ?? "")
    .filter((urn) => typeIn(urn) === type)
    .flatMap((urn) => stack.withUrn(urn) ?? []);

/** The uses of all references of the stack, by the type that they refer to. */
const usesByType = (stack: Stack) =>
  stack.once("uses by type", () =>
    groupBy(
      stack.all.flatMap((resource) => usesOf(resource, stack).map((use) => ({ ...use, urn: resource.urn }))),
      ({ reference }) => reference.to,
    ),
  );

/** The URNs of the resources that name a resource of a type, by the text that names it. */
export const usersOf = (type: string, stack: Stack): Map<string, Set<string>> =>
  stack.once(`users of ${type}`, () => {
    const groups = groupBy(usesByType(stack).get(type) ?? [], ({ value }) => text(value));
    return new Map([...groups].map(([name, all]) => [name, new Set(all.map(({ urn }) => urn))]));
  });

/**
 * The resources of one type that values of a property name: by what they are called, or by the property's dependencies
 * if an id is not known yet.
 */
export function named(
  resource: Resource,
  property: string,
  values: unknown,
  type: string,
  stack: Stack,
): Resource[] {
  const found = array(values).flatMap((value) => byIdentity(type, stack).get(text(value)) ?? []);
  const isOpen = hasUnknown(values) || (array(values).length > found.length && !hasKnownIds(type, stack));
  return isOpen ? used(resource, property, type, stack) : found;
}

/** The resources of one type that a property names. */
export const targetsOf = (resource: Resource, property: string, type: string, stack: Stack): Resource[] =>
  named(resource, property, resource.inputs[property], type, stack);

import type { ResourceType } from "../../args";
import { regionsOfResource, Stack } from "../../context";
import { RESOURCE_TYPES } from "../../facts/resourceTypes";
import { Resource } from "../../resource";
import { defineRule } from "../../rule";
import { groupBy, hasUnknown } from "../../values";

/** The properties that tell apart two resources of a type with one name; the name alone counts for other types. */
const BESIDE_NAME: Record<string, string[]> = {
  "aws:elasticbeanstalk/applicationVersion:ApplicationVersion": ["application"],
  "aws:iam/rolePolicy:RolePolicy": ["role"],
  "aws:s3/bucketObjectv2:BucketObjectv2": ["bucket"],
};

/** The types whose names need not differ. */
const MAY_REPEAT = ["aws:backup/plan:Plan"];

/** The sets of properties that two resources of a type cannot have in common. */
function uniqueIn(type: string): (readonly string[])[] {
  const { name, unique = [] } = RESOURCE_TYPES[type] ?? {};
  const sets = unique.map(({ properties }) => properties);
  return name === undefined ||
    MAY_REPEAT.includes(type) ||
    sets.some((properties) => properties.includes(name.property))
    ? sets
    : [...sets, [name.property, ...(BESIDE_NAME[type] ?? [])]];
}

const TYPES = Object.keys(RESOURCE_TYPES).filter((type) => uniqueIn(type).length > 0) as ResourceType[];

/** The values of a set of properties in one region, as a text; undefined while one of them is unknown. */
function valuesOf(resource: Resource, properties: readonly string[], stack: Stack): string | undefined {
  const values = properties
    .filter((property) => property !== "region")
    .map((property) => resource.inputs[property] ?? null);
  return hasUnknown(values) || values.every((value) => value === null)
    ? undefined
    : JSON.stringify([resource.type, properties, values, regionsOfResource(resource, stack)]);
}

export const namesUnique = defineRule({
  name: "names-unique",
  kind: "values together",
  types: TYPES,
  description:
    "Two resources of a type differ in the name, or in the other properties, by which AWS tells them apart",
  why: "AWS refuses the second one, or lets it overwrite the first one without a word",
  severity: "high",
  neighbours: true,
  check: (resource, stack) =>
    uniqueIn(resource.type).flatMap((properties) => {
      const byValues = stack.once(`${resource.type} by ${properties.join()}`, () =>
        groupBy(stack.ofType(resource.type) as Resource[], (one) => valuesOf(one, properties, stack)),
      );
      const same = (byValues.get(valuesOf(resource, properties, stack) ?? "") ?? []).filter(
        ({ urn }) => urn !== resource.urn,
      );
      return same.length === 0
        ? []
        : [`${properties.join(" and ")} are those of ${same[0]?.name ?? ""} too. Write others.`];
    }),
});

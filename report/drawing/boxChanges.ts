import { allFrames, Architecture } from "../architecture";
import { Change } from "../diff/changes";

/** The kind of change of a box or frame. */
export type BoxChange = Change["kind"];

/**
 * The change of each box and frame, by id: `added` or `deleted` if all its own resources are, `replaced` if one is,
 * otherwise `changed`.
 */
export function boxChangesOf({ boxes, cloud }: Architecture, changes: Change[]): Map<string, BoxChange> {
  const kinds = new Map(changes.map(({ urn, kind }) => [urn, kind]));
  const found = new Map<string, BoxChange>();
  const add = (id: string, own: string[], accessories: string[]) => {
    const of = own.map((urn) => kinds.get(urn));
    const whole = (["added", "deleted"] as const).find(
      (kind) => of.length > 0 && of.every((one) => one === kind),
    );
    if (whole !== undefined) found.set(id, whole);
    else if (of.includes("replaced")) found.set(id, "replaced");
    else if ([...own, ...accessories].some((urn) => kinds.has(urn))) found.set(id, "changed");
  };
  for (const { id, urns, accessories } of boxes) add(id, urns, accessories);
  for (const { id, accessories } of allFrames(cloud)) add(id, [], accessories);
  return found;
}

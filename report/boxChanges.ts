import { allFrames, Architecture } from "./architecture";
import { Change } from "./changes";

/** What an update does to a box or frame. */
export type Mark = Change["kind"];

/**
 * What is drawn on each box and frame: a box is added, replaced or deleted as what makes it a box is, and changed where
 * only something that belongs to it is touched.
 */
export function marksOf({ boxes, cloud }: Architecture, changes: Change[]): Map<string, Mark> {
  const kinds = new Map(changes.map(({ urn, kind }) => [urn, kind]));
  const marks = new Map<string, Mark>();
  const mark = (id: string, own: string[], accessories: string[]) => {
    const of = own.map((urn) => kinds.get(urn));
    const whole = (["added", "deleted"] as const).find(
      (kind) => of.length > 0 && of.every((one) => one === kind),
    );
    if (whole !== undefined) marks.set(id, whole);
    else if (of.includes("replaced")) marks.set(id, "replaced");
    else if ([...own, ...accessories].some((urn) => kinds.has(urn))) marks.set(id, "changed");
  };
  for (const { id, urns, accessories } of boxes) mark(id, urns, accessories);
  for (const { id, accessories } of allFrames(cloud)) mark(id, [], accessories);
  return marks;
}

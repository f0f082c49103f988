import { PreviewDocument } from "../../graph/document";
import { BoxReader, environmentsOf } from "./boxes";
import { framesOf, mergeArrows, pairsOf } from "./frames";
import { assignResources } from "./owners";
import { Architecture } from "./types";

export { allFrames } from "./types";
export type { Architecture, Arrow, Box, Frame, Zone } from "./types";

/** The architecture of a stack, read from its resources. Every resource belongs to one box or frame. */
export function architectureOf(document: PreviewDocument): Architecture {
  const { resources, project, stack } = document;
  const { boxes, arrows } = new BoxReader(resources);
  const network = assignResources(resources, boxes);
  const pairs = pairsOf(environmentsOf(resources));
  return {
    title: `${project}/${stack}`,
    boxes,
    cloud: framesOf(document, boxes, network, pairs),
    arrows: mergeArrows(arrows, pairs),
  };
}

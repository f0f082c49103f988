import type { Properties } from "../graph/document";
import type { Change } from "./changes";

/** What the page's script knows of one stack, for the details of boxes. */
export interface PageData {
  /** By the ids of boxes and frames. */
  parts: Record<string, PagePart>;
  /** By URN. */
  resources: Record<string, PageResource>;
}

export interface PagePart {
  title: string;
  subtitle: string;
  /** In sentences. */
  flows: string[];
  costs: string[];
  urns: string[];
}

export interface PageResource {
  urn: string;
  type: string;
  name: string;
  /** Id of the box or frame that it belongs to. */
  part: string;
  notes: string[];
  inputs: Properties;
  outputs: Properties;
  violations: { policy: string; level: string; message: string }[];
  change?: Pick<Change, "kind" | "properties" | "risks"> | undefined;
}

import type { Properties } from "../../graph/document";
import type { Change } from "../diff/changes";

/** The data of one stack for the page's script, which shows the details of boxes. */
export interface PageData {
  /** By the ids of boxes and frames. */
  parts: Record<string, PagePart>;
  /** By URN. */
  resources: Record<string, PageResource>;
}

export interface PagePart {
  title: string;
  subtitle: string;
  /** One sentence for each flow. */
  flows: string[];
  costs: string[];
  urns: string[];
}

export interface PageResource {
  urn: string;
  type: string;
  name: string;
  /** Id of its box or frame. */
  part: string;
  notes: string[];
  inputs: Properties;
  outputs: Properties;
  violations: { policy: string; level: string; message: string }[];
  /** The properties are pairs of a path and a text such as `1 → 2`. */
  change: (Pick<Change, "kind" | "risks"> & { properties: [path: string, text: string][] }) | undefined;
}

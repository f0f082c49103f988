import { PreviewResource, Violation } from "../../graph/document";
import { Difference } from "../inputDiff";
import { NetworkRule } from "../networkRules";

export type ChangeKind = "added" | "changed" | "replaced" | "deleted";

/** A reason to look at a change before others. */
export interface Risk {
  /** What is at risk: data or the service itself, a policy of the pack, access, or protection against loss. */
  kind: "state" | "policy" | "access" | "protection";
  /** True for the worst of its kind, such as access for the whole internet. */
  loud: boolean;
  /** One sentence: what happens and why it matters. */
  message: string;
}

/** A change of one resource, as the risk rules need it. */
export interface ResourceChange {
  kind: ChangeKind;
  /** The earlier resource, with the ids of the preview. */
  before?: PreviewResource;
  /** The later resource, with the earlier values of ignored properties. */
  after?: PreviewResource;
  /** Against no inputs if the resource is added; empty if it is deleted. */
  differences: Difference[];
  /** Paths of values that were secret and are plain now. */
  disclosed: string[];
}

/** All resources of both states, by URN, and what is known of them. */
export interface RiskContext {
  before: ReadonlyMap<string, PreviewResource>;
  after: ReadonlyMap<string, PreviewResource>;
  rulesBefore: ReadonlyMap<string, NetworkRule[]>;
  rulesAfter: ReadonlyMap<string, NetworkRule[]>;
  kindOf(urn: string): ChangeKind | undefined;
  /** Violations of the later state that the earlier one does not have. */
  newViolations: Violation[];
}

/** Judges one change of one resource. */
export type RiskRule = (change: ResourceChange, context: RiskContext) => Risk[];

import { PreviewResource, Violation } from "../../graph/document";
import { Difference } from "../diff/inputDiff";
import { NetworkRule } from "./networkRules";

export type ChangeKind = "added" | "changed" | "replaced" | "deleted";

/** A reason to look at a change before others. */
export interface Risk {
  /** The kind of risk: loss of data or service, a policy violation, access, or weaker protection against loss. */
  kind: "state" | "policy" | "access" | "protection";
  /** True if severe, such as access for the whole internet. */
  severe: boolean;
  /** One sentence with the event and its effect. */
  message: string;
}

/** A change of one resource, as the risk rules need it. */
export interface ResourceChange {
  kind: ChangeKind;
  /** The earlier resource, with simulated ids. */
  before?: PreviewResource;
  /** The later resource, with the earlier values of ignored properties. */
  after?: PreviewResource;
  /** Against no inputs if the resource is added; empty if it is deleted. */
  differences: Difference[];
  /** Paths of values that were secret and are now plain text. */
  disclosed: string[];
}

/** Facts about all resources of both states, by URN. */
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

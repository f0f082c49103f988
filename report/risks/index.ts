import { disclosedSecrets, newRights, openedBucket, openedPolicies } from "./access";
import { lostSafeguard, lostState, strandedSubnetGroup } from "./lostState";
import { openedNetwork, openedRoute } from "./network";
import { unprotected, weakerOptions, weakerProperties } from "./properties";
import { ResourceChange, Risk, RiskContext, RiskRule } from "./types";

export type { ChangeKind, ResourceChange, Risk, RiskContext } from "./types";

const RULES: RiskRule[] = [
  lostState,
  strandedSubnetGroup,
  newViolations,
  lostSafeguard,
  disclosedSecrets,
  openedBucket,
  openedNetwork,
  openedRoute,
  openedPolicies,
  newRights,
  weakerProperties,
  weakerOptions,
  unprotected,
];

/**
 * The risks of a change: policies that it newly violates, and what no policy of the pack judges because it is allowed:
 * lost state, access that opens, weaker protection against loss. In doubt a change is risky; one that only tightens is
 * not.
 */
export function risksOf(change: ResourceChange, context: RiskContext): Risk[] {
  return RULES.flatMap((rule) => rule(change, context));
}

/** The messages of the violations stand with the policy results. */
function newViolations({ after }: ResourceChange, context: RiskContext): Risk[] {
  return context.newViolations
    .filter(({ urn }) => urn === after?.urn)
    .map(({ policy, level }) => ({
      kind: "policy",
      loud: level === "mandatory",
      message: `Newly violates the ${level} policy ${policy}.`,
    }));
}

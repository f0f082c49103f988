import { disclosedSecrets, newRights, openedBucket, openedPolicies } from "./access";
import { lostSafeguard, lostState, otherPlatform, strandedSubnetGroup } from "./lostState";
import { openedNetwork, openedRoute } from "./network";
import { unprotected, weakerOptions, weakerProperties } from "./properties";
import { ResourceChange, Risk, RiskContext, RiskRule } from "./types";

export type { ChangeKind, ResourceChange, Risk, RiskContext } from "./types";

const RULES: RiskRule[] = [
  lostState,
  strandedSubnetGroup,
  otherPlatform,
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
 * Returns the risks of a change: new policy violations, lost state, new access, and weaker protection against loss.
 * No policy forbids the last three. In doubt, a change counts as a risk, unless it only tightens.
 */
export function risksOf(change: ResourceChange, context: RiskContext): Risk[] {
  return RULES.flatMap((rule) => rule(change, context));
}

/** The messages of the violations are listed with the policy results. */
function newViolations({ after }: ResourceChange, context: RiskContext): Risk[] {
  return context.newViolations
    .filter(({ urn }) => urn === after?.urn)
    .map(({ policy, level }) => ({
      kind: "policy",
      severe: level === "mandatory",
      message: `Newly violates the ${level} policy ${policy}.`,
    }));
}

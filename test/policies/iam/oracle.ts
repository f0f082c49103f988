import { createValidatedPolicy, validateResourcePolicy } from "@cloud-copilot/iam-policy";
import { anonymousPrincipal, runUnsafeSimulation } from "@cloud-copilot/iam-simulate";
import { Decision, Request } from "../../../policies/iam/evaluate";

const DECISIONS: Record<string, Decision> = {
  Allowed: "allow",
  ExplicitlyDenied: "deny",
  ImplicitlyDenied: "implicit-deny",
};

/** Decides a request with an evaluator that others wrote, to hold ours against. */
export function oracle(
  { requester, action, resource, account, context }: Request,
  resourcePolicy: unknown,
  identityPolicy: unknown,
): Decision {
  const principal = requester.arn ?? requester.service ?? requester.federated ?? anonymousPrincipal;
  const result = runUnsafeSimulation(
    {
      request: {
        principal,
        action,
        resource: { resource, accountId: account },
        contextVariables: context,
      },
      // Only users and roles have policies of their own.
      identityPolicies:
        requester.arn === undefined || identityPolicy === undefined
          ? []
          : [{ name: "identity", policy: identityPolicy }],
      serviceControlPolicies: [],
      resourceControlPolicies: [],
      // The oracle throws on a resource policy without a name.
      resourcePolicy: createValidatedPolicy(resourcePolicy, validateResourcePolicy, { name: "resource" }),
    },
    {},
  );
  const decision = DECISIONS[result];
  if (decision === undefined) throw new Error(`the oracle answers ${result}`);
  return decision;
}

import { dependenciesOf, ownAccounts, Stack } from "../../context";
import { Statement, statementsOf, strings } from "../../iam/document";
import { actionMatches, judge, resourceMatches, statementsAbout } from "../../iam/evaluate";
import { defineRule } from "../../rule";
import { first, hasUnknown, isUnknown } from "../../values";
import { arnOfPolicy, ATTACHMENT, attachedPolicies, grantsOf, isGithubs, POLICY, Role, ROLE } from "./grants";

/** The policies of this program that no role has: those that can be boundaries. */
export const unattached = (stack: Stack) =>
  stack.once("policies that no role has", () => {
    const attached = new Set(stack.ofType(ATTACHMENT).flatMap((one) => attachedPolicies(one, stack)));
    return stack.ofType(POLICY).filter((policy) => !attached.has(policy));
  });

/**
 * The permissions boundary of a role; undefined if it has none that the program creates for this. Dependencies count
 * only for an unknown ARN: a program can write any ARN with the dependencies of another output.
 */
const boundaryOf = (role: Role, stack: Stack) => {
  const { permissionsBoundary } = role.inputs;
  return unattached(stack).find((policy) =>
    isUnknown(permissionsBoundary)
      ? dependenciesOf(role, "permissionsBoundary").includes(policy.urn)
      : permissionsBoundary === arnOfPolicy(policy, stack),
  );
};

export const roleUnderBoundary = defineRule({
  name: "role-under-boundary",
  types: [ROLE],
  description: "Every role that GitHub does not use has a permissions boundary of this program",
  why: "whoever may change the role's policies could give it any permission",
  severity: "high",
  neighbours: true,
  check: (role, stack) =>
    isGithubs(role) || boundaryOf(role, stack) !== undefined
      ? []
      : [
          "The role has no permissions boundary of this program. Write the ARN of one as permissionsBoundary.",
        ],
});

export const boundaryFits = defineRule({
  name: "boundary-fits",
  types: [ROLE],
  description: "The permissions boundary of a role allows each action that the role's policies allow",
  why: "the role could not do what it is for, and whoever looks for the reason would widen the boundary",
  severity: "medium",
  neighbours: true,
  check: (role, stack) => {
    const boundary = boundaryOf(role, stack);
    if (boundary === undefined || hasUnknown(boundary.inputs.policy)) return [];
    const limits = statementsOf(boundary.inputs.policy).filter(({ Effect }) => Effect === "Allow");
    // Conditions are left out: a boundary may name the same requests in other words.
    const isWithin = (action: string, pattern: string) =>
      limits.some((one) => actionMatches(one, action) && resourceMatches(one, pattern, new Map()));
    const beyond = grantsOf(role, stack)
      .statements.filter(({ Effect }) => Effect === "Allow")
      .flatMap(({ Action, Resource: resources }) =>
        strings(Action).filter((action) => strings(resources).some((pattern) => !isWithin(action, pattern))),
      );
    return beyond.length === 0
      ? []
      : [
          `Boundary ${boundary.name} does not allow ${first([...new Set(beyond)])}. Write the boundary for this role.`,
        ];
  },
});

/** The permissions of a role, within its boundary. */
export interface Permissions {
  /** Evaluates a request. Conditions count. */
  may: (action: string, resource: string, context?: Record<string, string | string[]>) => boolean;
  /** True if there is a resource on which the role may act, under some condition. */
  mayEver: (action: string) => boolean;
}

export const permissionsOf = (role: Role, stack: Stack): Permissions =>
  stack.once(`permissions of ${role.urn}`, () => readPermissions(role, stack));

export const mayOf = (role: Role, stack: Stack): Permissions["may"] => permissionsOf(role, stack).may;

function readPermissions(role: Role, stack: Stack): Permissions {
  const { statements } = grantsOf(role, stack);
  const boundary = boundaryOf(role, stack);
  const limits =
    boundary === undefined || hasUnknown(boundary.inputs.policy)
      ? undefined
      : statementsOf(boundary.inputs.policy);
  const account = ownAccounts(stack)[0] ?? "";
  const own = { "aws:ResourceAccount": account };
  // Rules ask for one action on many resources: the statements for it are found once.
  const byAction = new Map<string, Statement[][]>();
  const forAction = (action: string) => {
    const known = byAction.get(action);
    if (known !== undefined) return known;
    const found = [statements, ...(limits === undefined ? [] : [limits])].map((all) =>
      statementsAbout(all, action),
    );
    byAction.set(action, found);
    return found;
  };
  const mayEver = (action: string) =>
    forAction(action).every((all) => all.some(({ Effect }) => Effect === "Allow"));
  return {
    mayEver,
    may: (action, resource, context = {}) => {
      if (!mayEver(action)) return false;
      const request = { requester: {}, action, resource, account, context: { ...own, ...context } };
      return forAction(action).every((all) => judge(all, request, false).decision === "allow");
    },
  };
}

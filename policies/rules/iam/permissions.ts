import { accountsIn, ownAccounts } from "../../context";
import { conditionsOf, demandsValue, Statement, strings } from "../../iam/document";
import { actionMatches, judge } from "../../iam/evaluate";
import { matches } from "../../iam/wildcard";
import { defineRule } from "../../rule";
import { demand, first, text } from "../../values";
import {
  arnOfPolicy,
  arnOfRole,
  ATTACHMENT,
  attachedPolicies,
  checkAllows,
  grantsOf,
  isEveryAction,
  isEveryResource,
  POLICY,
  ROLE,
  ROLE_POLICY,
} from "./grants";

const IDENTITY_POLICIES = [
  ROLE_POLICY,
  POLICY,
  "aws:iam/userPolicy:UserPolicy",
  "aws:iam/groupPolicy:GroupPolicy",
] as const;

export const accountNamed = defineRule({
  name: "account-named",
  types: ["pulumi:providers:aws"],
  description: "The AWS provider names the one account that it may change",
  why: "a change would go to the account of whoever is logged in, and no rule could recognise outsiders",
  severity: "high",
  check: ({ inputs }) =>
    demand(
      inputs.allowedAccountIds,
      accountsIn(inputs.allowedAccountIds).length === 1,
      "allowedAccountIds",
      "the number of the account",
    ),
});

export const rolePoliciesApart = defineRule({
  name: "role-policies-apart",
  types: [ROLE],
  description: "The policies of a role are separate resources",
  why: "the provider lets inline policies and separate ones overwrite each other, and no rule judges inline ones",
  severity: "high",
  check: ({ inputs }) =>
    (["inlinePolicies", "managedPolicyArns"] as const)
      .filter((name) => inputs[name] !== undefined)
      .map(
        (name) => `The role sets ${name} itself. Remove it and write a RolePolicy or a RolePolicyAttachment.`,
      ),
});

export const noAdministrator = defineRule({
  name: "no-administrator",
  types: IDENTITY_POLICIES,
  description: "No policy allows every action on every resource",
  why: "whoever gets the role controls the account",
  severity: "critical",
  reference: "CIS AWS 3.0 1.16",
  check: ({ inputs }) =>
    checkAllows(inputs.policy, "policy", (statement) =>
      isEveryAction(statement) && isEveryResource(statement)
        ? [
            `Statement ${text(statement.Sid)} allows every action on every resource. Write the actions and resources that are needed.`,
          ]
        : [],
    ),
});

/** Names of roles, policies and users that no program has: only a pattern for all names matches one. */
const ANY_IDENTITY = ["role/qz-71", "policy/qz-71", "user/qz-71", "instance-profile/qz-71"];

const isAnyIdentity = (statement: Statement): boolean =>
  statement.NotResource !== undefined ||
  strings(statement.Resource).some((pattern) => {
    const account = /:(\d{12}):/.exec(pattern)?.[1] ?? "123456789012";
    return ANY_IDENTITY.some((name) => matches(pattern, `arn:aws:iam::${account}:${name}`, false));
  });

/** @see https://docs.aws.amazon.com/IAM/latest/UserGuide/access-analyzer-reference-policy-checks.html */
const ESCALATIONS = [
  "iam:AddClientIDToOpenIDConnectProvider",
  "iam:AddUserToGroup",
  "iam:AttachGroupPolicy",
  "iam:AttachRolePolicy",
  "iam:AttachUserPolicy",
  "iam:CreateAccessKey",
  "iam:CreateLoginProfile",
  "iam:CreateOpenIDConnectProvider",
  "iam:CreatePolicy",
  "iam:CreatePolicyVersion",
  "iam:CreateRole",
  "iam:CreateSAMLProvider",
  "iam:CreateUser",
  "iam:DeleteRolePermissionsBoundary",
  "iam:DeleteUserPermissionsBoundary",
  "iam:PassRole",
  "iam:PutGroupPolicy",
  "iam:PutRolePermissionsBoundary",
  "iam:PutRolePolicy",
  "iam:PutUserPermissionsBoundary",
  "iam:PutUserPolicy",
  "iam:SetDefaultPolicyVersion",
  "iam:UpdateAssumeRolePolicy",
  "iam:UpdateLoginProfile",
  "iam:UpdateSAMLProvider",
  "ssm:SendCommand",
  "ssm:StartSession",
  "sts:AssumeRole",
];

/** Actions that a statement may allow on a pattern of role names only if this condition key must have a value. */
const LIMITING_KEY: Record<string, string> = {
  "iam:AttachRolePolicy": "iam:PermissionsBoundary",
  "iam:CreateRole": "iam:PermissionsBoundary",
  "iam:PassRole": "iam:PassedToService",
  "iam:PutRolePermissionsBoundary": "iam:PermissionsBoundary",
  "iam:PutRolePolicy": "iam:PermissionsBoundary",
};

const isLimitedBy = (statement: Statement, wanted: string): boolean =>
  conditionsOf(statement).some(
    (condition) =>
      demandsValue(condition) &&
      condition.key === wanted.toLowerCase() &&
      !condition.values.map(String).some((value) => /[*?]/.test(value)),
  );

export const noPrivilegeEscalation = defineRule({
  name: "no-privilege-escalation",
  types: IDENTITY_POLICIES,
  description:
    "A policy allows actions that give more permissions on named resources only; on a pattern of role names only with a permissions boundary or for named services",
  why: "whoever gets one role could become an administrator",
  severity: "critical",
  check: ({ inputs }) =>
    checkAllows(inputs.policy, "policy", (statement) => {
      if (isAnyIdentity(statement)) {
        const allowed = ESCALATIONS.filter((action) => actionMatches(statement, action));
        return allowed.length === 0
          ? []
          : [
              `Statement ${text(statement.Sid)} allows ${first(allowed)} on any resource. Write the roles as Resource.`,
            ];
      }
      if (!strings(statement.Resource).some((pattern) => /:iam:.*:role\/.*[*?]/.test(pattern))) return [];
      return Object.entries(LIMITING_KEY)
        .filter(([action, key]) => actionMatches(statement, action) && !isLimitedBy(statement, key))
        .map(
          ([action, key]) =>
            `Statement ${text(statement.Sid)} allows ${action} on many roles. Write a Condition StringEquals on ${key}, or the name of each role.`,
        );
    }),
});

export const noSelfEscalation = defineRule({
  name: "no-self-escalation",
  types: [ROLE],
  description: "No role may change its own policies or trust, nor any policy of this program",
  why: "whoever gets the role could extend its permissions and remove the limits of other roles",
  severity: "critical",
  neighbours: true,
  check: (role, stack) => {
    const { statements } = grantsOf(role, stack);
    const account = ownAccounts(stack)[0] ?? "";
    // The worst case: the conditions of every Allow hold, those of every Deny do not.
    const worst = statements
      .filter(({ Effect, Condition }) => Effect === "Allow" || Condition === undefined)
      .map((statement) => ({ ...statement, Condition: undefined }));
    const may = (action: string, resource: string) =>
      judge(worst, { requester: {}, action, resource, account, context: {} }, false).decision === "allow";
    const own = arnOfRole(role, stack);
    return [
      ...[
        "iam:AttachRolePolicy",
        "iam:DeleteRolePermissionsBoundary",
        "iam:PutRolePermissionsBoundary",
        "iam:PutRolePolicy",
        "iam:UpdateAssumeRolePolicy",
      ].map((action) => [action, own] as const),
      ...["iam:CreatePolicyVersion", "iam:SetDefaultPolicyVersion"]
        // Few roles have such an Allow. For the others there is no need to evaluate every policy.
        .filter((action) => worst.some((one) => one.Effect === "Allow" && actionMatches(one, action)))
        .flatMap((action) =>
          stack.ofType(POLICY).map((policy) => [action, arnOfPolicy(policy, stack)] as const),
        ),
    ]
      .filter(([action, resource]) => may(action, resource))
      .map(
        ([action, resource]) =>
          `The role may ${action} on ${resource}. Write a Deny of it, without a Condition.`,
      );
  },
});

export const noBroadManagedPolicy = defineRule({
  name: "no-broad-managed-policy",
  types: [ATTACHMENT],
  description: "Only policies of this program, and listed policies of AWS, are attached",
  why: "no rule can see what another policy allows, and most policies of AWS allow more than needed",
  severity: "high",
  neighbours: true,
  parameters: {
    allowed: {
      type: "array",
      default: [
        "service-role/AWSElasticBeanstalkEnhancedHealth",
        "service-role/AmazonRDSEnhancedMonitoringRole",
      ],
      description: "Policies of AWS that may be attached",
    },
  },
  check: (attachment, stack) => {
    if (attachedPolicies(attachment, stack).length > 0) return [];
    const { policyArn } = attachment.inputs;
    return demand(
      policyArn,
      stack.parameters.allowed.some((name) => text(policyArn).endsWith(`:iam::aws:policy/${name}`)),
      "policyArn",
      "a policy of this program with the actions that are needed",
    );
  },
});

import { dependenciesOf, ownAccounts, resourcesUsing, resourcesWith, Stack } from "../../context";
import { conditionsOf, Statement, statementsOf, strings, trusted } from "../../iam/document";
import { actionMatches } from "../../iam/evaluate";
import { matches } from "../../iam/wildcard";
import { ResourceOf } from "../../resource";
import { hasUnknown, isUnknown, notEvaluated, text } from "../../values";

export const ROLE = "aws:iam/role:Role";
export const POLICY = "aws:iam/policy:Policy";
export const ROLE_POLICY = "aws:iam/rolePolicy:RolePolicy";
export const ATTACHMENT = "aws:iam/rolePolicyAttachment:RolePolicyAttachment";

export type Role = ResourceOf<typeof ROLE>;

/** True for a role of GitHub's workflows. */
export const isGithubs = ({ inputs }: Pick<Role, "inputs">): boolean =>
  trusted(inputs.assumeRolePolicy, "Federated").length > 0;

/** True for a role of EC2 instances. */
export const isInstances = ({ inputs }: Pick<Role, "inputs">): boolean =>
  trusted(inputs.assumeRolePolicy, "Service").includes("ec2.amazonaws.com");

/** True if the name of a role has one of these endings. */
export const isNamed = ({ inputs }: Pick<Role, "inputs">, endings: readonly string[]): boolean =>
  endings.some((ending) => text(inputs.name).endsWith(ending));

/** The ARN of a policy of this program. */
export const arnOfPolicy = (policy: ResourceOf<typeof POLICY>, stack: Stack): string =>
  `arn:aws:iam::${ownAccounts(stack)[0] ?? ""}:policy/${text(policy.inputs.name)}`;

/** The ARN of a role of this program. */
export const arnOfRole = ({ inputs }: Pick<Role, "inputs">, stack: Stack): string =>
  `arn:aws:iam::${ownAccounts(stack)[0] ?? ""}:role/${text(inputs.name)}`;

/**
 * The attached policies of this program: by ARN, or by URN if the ARN is unknown. A program can write any ARN with the
 * dependencies of another output.
 */
export function attachedPolicies(
  attachment: ResourceOf<typeof ATTACHMENT>,
  stack: Stack,
): ResourceOf<typeof POLICY>[] {
  const policies = stack.once("policies by URN and ARN", () => {
    const all = stack.ofType(POLICY);
    return new Map(
      all.flatMap((policy) => [
        [policy.urn, policy],
        [arnOfPolicy(policy, stack), policy],
      ]),
    );
  });
  const { policyArn } = attachment.inputs;
  const keys = isUnknown(policyArn) ? dependenciesOf(attachment, "policyArn") : [text(policyArn)];
  return [...new Set(keys.flatMap((key) => policies.get(key) ?? []))];
}

/** The permissions of a role: the statements of its policies, and descriptions of the policies that no rule can see. */
export const grantsOf = (role: Role, stack: Stack) =>
  stack.once(`grants of ${role.urn}`, () => readGrants(role, stack));

function readGrants(role: Role, stack: Stack) {
  const ofRole = <Type extends typeof ROLE_POLICY | typeof ATTACHMENT>(type: Type) => [
    ...new Set([
      ...resourcesUsing(stack, type, "role", role.urn),
      ...resourcesWith(stack, type, "role", role.inputs.name),
    ]),
  ];
  const attached = ofRole(ATTACHMENT).map((attachment) => ({
    arn: text(attachment.inputs.policyArn),
    policies: attachedPolicies(attachment, stack),
  }));
  const documents = [
    ...ofRole(ROLE_POLICY).map(({ inputs }) => inputs.policy),
    ...attached.flatMap(({ policies }) => policies.map(({ inputs }) => inputs.policy)),
  ];
  return {
    statements: documents.filter((document) => !hasUnknown(document)).flatMap(statementsOf),
    unseen: [
      ...documents.filter(hasUnknown).map(() => "a policy that is unknown until a resource is created"),
      ...attached.filter(({ policies }) => policies.length === 0).map(({ arn }) => arn),
    ],
  };
}

/** Checks each Allow of a policy document. */
export function checkAllows(
  document: unknown,
  property: string,
  check: (statement: Statement) => string[],
): string[] {
  if (document === undefined) return [];
  if (hasUnknown(document)) return notEvaluated(property);
  return statementsOf(document)
    .filter(({ Effect }) => Effect === "Allow")
    .flatMap(check);
}

/** True if a statement allows grants of keys to services of AWS only: they end with the resource that the service made. */
export const isForServices = (statement: Statement): boolean =>
  conditionsOf(statement).some(
    ({ operator, key, values }) =>
      /^bool$/i.test(operator) && key === "kms:grantisforawsresource" && values.map(text).join() === "true",
  );

/** Unrelated actions: only a pattern for all actions matches each of them. */
const UNRELATED_ACTIONS = [
  "iam:CreateUser",
  "s3:DeleteBucket",
  "ec2:RunInstances",
  "organizations:LeaveOrganization",
  "qz:Do",
];
/** Unrelated resources: only a pattern for all resources matches each of them. */
const UNRELATED_RESOURCES = [
  "arn:aws:iam::123456789012:user/qz-71",
  "arn:aws:s3:::qz-71",
  "arn:aws:ec2:eu-central-1:123456789012:instance/i-qz71",
];

/** True if a statement applies to every action. */
export const isEveryAction = (statement: Statement): boolean =>
  statement.NotAction !== undefined || UNRELATED_ACTIONS.every((action) => actionMatches(statement, action));

/** True if a statement applies to every resource. */
export const isEveryResource = (statement: Statement): boolean =>
  statement.NotResource !== undefined ||
  UNRELATED_RESOURCES.every((arn) =>
    strings(statement.Resource).some((pattern) => matches(pattern, arn, false)),
  );

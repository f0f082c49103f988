import { actionMatches, judge, list, Statement, statementsOf, strings } from "../iam/evaluate";
import { matches } from "../iam/wildcard";
import { isOf, ownAccounts } from "./storage";
import {
  array,
  at,
  Context,
  demand,
  groupBy,
  hasUnknown,
  isUnknown,
  notEvaluated,
  object,
  Resource,
  Rule,
  rulesOf,
  first,
  text,
} from "../rule";

const inAccess = rulesOf({ area: "access" });
const rule = (
  name: string,
  types: string[],
  description: string,
  why: string,
  check: Rule["check"],
  own: Partial<Rule> = {},
) => inAccess(name, description, why, check, { types, ...own });

const INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule";
const ROLE = ["aws:iam/role:Role"];
const IDENTITY = [
  "aws:iam/rolePolicy:RolePolicy",
  "aws:iam/policy:Policy",
  "aws:iam/userPolicy:UserPolicy",
  "aws:iam/groupPolicy:GroupPolicy",
];
/** Addresses that only a private network has (RFC 1918, RFC 4193): half the internet is open to strangers too. */
const PRIVATE = [
  /^10\.[\d.]+\/(8|9|[12]\d|3[0-2])$/,
  /^172\.(1[6-9]|2\d|3[01])\.[\d.]+\/(1[2-9]|2\d|3[0-2])$/,
  /^192\.168\.[\d.]+\/(1[6-9]|2\d|3[0-2])$/,
  /^f[cd][0-9a-f]{2}:[0-9a-f:]*\/([7-9]|[1-9]\d|1[012]\d)$/i,
];
const isPublic = (cidr: string) => cidr !== "" && !PRIVATE.some((network) => network.test(cidr));

const GROUP = "aws:ec2/securityGroup:SecurityGroup";
const STORES: Record<string, string> = {
  "aws:rds/instance:Instance": "vpcSecurityGroupIds",
  "aws:elasticache/replicationGroup:ReplicationGroup": "securityGroupIds",
};

/** URNs of the resources whose outputs a property is made of: a group's id is unknown at first preview. */
const madeOf = ({ propertyDependencies }: Resource, property: string): string[] =>
  propertyDependencies?.[property] ?? [];

/** Groups of load balancers by their name, if no store and no worker is in them, and one alone is in its environment. */
const loadBalancerGroups = (context: Context): Set<string> =>
  context.once("groups of load balancers", () => {
    const named = context
      .ofType(GROUP)
      .filter(({ inputs }) => text(inputs.name).endsWith("load-balancer"))
      .map(({ urn }) => urn);
    const groups = new Set(named);
    const environments = context
      .ofType("aws:elasticbeanstalk/environment:Environment")
      .map((environment) => ({
        worker: environment.inputs.tier === "Worker",
        balancers: madeOf(environment, "settings").filter((urn) => groups.has(urn)),
      }));
    const stores = Object.entries(STORES).flatMap(([type, property]) =>
      context.ofType(type).flatMap((store) => madeOf(store, property)),
    );
    for (const urn of [
      ...stores,
      ...environments
        .filter(({ worker, balancers }) => worker || balancers.length > 1)
        .flatMap((one) => one.balancers),
    ])
      groups.delete(urn);
    return groups;
  });

const sourcesOf = ({ inputs }: Resource): unknown[] => [
  inputs.cidrIpv4,
  inputs.cidrIpv6,
  ...array(inputs.cidrBlocks),
  ...array(inputs.ipv6CidrBlocks),
];
const isOpen = (rule: Resource) => sourcesOf(rule).map(text).some(isPublic);
const anyPort = ({ inputs }: Resource) => /^(-1|all)$/i.test(text(inputs.ipProtocol ?? inputs.protocol));

export const accountNamed = rule(
  "account-named",
  ["pulumi:providers:aws"],
  "The AWS provider names the one account that it may change",
  "a change would go to whatever account somebody is logged in to, and no rule could tell strangers from friends",
  ({ inputs }) => {
    const accounts = text(inputs.allowedAccountIds).match(/\d{12}/g) ?? array(inputs.allowedAccountIds);
    return demand(
      inputs.allowedAccountIds,
      accounts.length === 1,
      "allowedAccountIds",
      "the account's number",
    );
  },
);

export const noOpenIngress = rule(
  "no-open-ingress",
  [INGRESS, "aws:ec2/securityGroupRule:SecurityGroupRule"],
  "Only a load balancer's ports 443 and 80 are open to the internet",
  "everyone could try what listens there",
  (ingress, context) => {
    const { inputs } = ingress;
    if (inputs.type === "egress") return [];
    const judged = [...sourcesOf(ingress), inputs.fromPort, inputs.toPort, inputs.ipProtocol];
    if (judged.some(isUnknown)) return notEvaluated("the rule's source, protocol or port");
    const [from, to] = [Number(inputs.fromPort ?? -1), Number(inputs.toPort ?? -1)];
    const web = from === to && (from === 443 || from === 80) && !anyPort(ingress);
    const ofLoadBalancer = madeOf(ingress, "securityGroupId").some((urn) =>
      loadBalancerGroups(context).has(urn),
    );
    const open = isOpen(ingress);
    return [
      ...(open && !(web && ofLoadBalancer)
        ? [
            `Ports ${String(from)} to ${String(to)} are open to the internet. Name a security group as source; only a group named *-load-balancer, the one of its environment, has ports 443 and 80 open.`,
          ]
        : []),
      ...(!open && (anyPort(ingress) || to - from > Number(context.parameters.widest))
        ? [`The rule opens ports ${String(from)} to ${String(to)}. Write the one port that is needed.`]
        : []),
      ...((inputs.prefixListId ?? inputs.prefixListIds) === undefined
        ? []
        : [
            "The source is a prefix list, and nobody sees here what is in it. Name a security group as source.",
          ]),
    ];
  },
  {
    severity: "critical",
    neighbours: true,
    reference: "CIS AWS 3.0 5.2",
    parameters: {
      widest: { type: "number", default: 0, description: "Greatest difference between first and last port" },
    },
  },
);

export const noInlineSecurityRules = rule(
  "no-inline-security-rules",
  [GROUP, "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup"],
  "A security group has no rules inside it; the VPC's default group has none at all",
  "the provider lets rules inside a group and rules of their own undo each other, and what is inside is not judged",
  ({ inputs }) =>
    ["ingress", "egress"]
      .filter((name) => array(inputs[name]).length > 0)
      .map(
        (name) =>
          `The group sets ${name} itself. Write a SecurityGroup${name === "ingress" ? "Ingress" : "Egress"}Rule for a group of this program.`,
      ),
  { severity: "critical", reference: "AWS FSBP EC2.2" },
);

export const noWideEgress = rule(
  "no-wide-egress",
  ["aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"],
  "Traffic goes out by the ports that are needed",
  "an instance that was taken over could send data out by any port",
  (egress) => {
    const { fromPort, toPort, ipProtocol } = egress.inputs;
    if ([fromPort, toPort, ipProtocol].some(isUnknown)) return notEvaluated("the rule's protocol or port");
    return !anyPort(egress) && Number(fromPort) === Number(toPort)
      ? []
      : [
          `The rule opens ports ${text(fromPort) || "all"} to ${text(toPort) || "all"}. Write the one port that is needed.`,
        ];
  },
  { severity: "medium" },
);

export const storesBehindInstances = rule(
  "stores-behind-instances",
  Object.keys(STORES),
  "Database and Redis are in groups of this program that only groups without an open port may reach",
  "who gets past the load balancer, or whatever else is open, would stand before the data",
  (store, context) => {
    const own = madeOf(store, STORES[store.type] ?? "");
    const ingress = context.once("ingress rules by group", () =>
      groupBy(
        context
          .ofType(INGRESS)
          .flatMap((one) => madeOf(one, "securityGroupId").map((group) => ({ group, one }))),
        ({ group }) => group,
      ),
    );
    const rulesOf = (group: string) => (ingress.get(group) ?? []).map(({ one }) => one);
    const isReachable = (group: string) => rulesOf(group).some(isOpen);
    return [
      ...(own.length > 0
        ? []
        : [`It names no security group of this program. Write ${STORES[store.type] ?? ""}.`]),
      ...own
        .filter(
          (group) =>
            isReachable(group) ||
            rulesOf(group).some((one) => madeOf(one, "referencedSecurityGroupId").some(isReachable)),
        )
        .map(
          (group) =>
            `Its group ${group.split("::").pop() ?? ""} is open to the internet, or to a group that is. Name the instances' group as the only source.`,
        ),
    ];
  },
  { severity: "critical", neighbours: true },
);

export const addressForNat = rule(
  "address-for-nat-only",
  ["aws:ec2/eip:Eip"],
  "A public address belongs to a NAT gateway",
  "an instance with one would be reachable from outside",
  ({ inputs }) =>
    ["instance", "networkInterface"]
      .filter((name) => inputs[name] !== undefined)
      .map((name) => `The address is given to ${name}. Remove it; NAT gateways take theirs by allocationId.`),
  { reference: "AWS FSBP EC2.9" },
);

/** Judges each Allow of the document that a resource carries. */
const document =
  (check: (statement: Statement) => string[], property = "policy"): Rule["check"] =>
  ({ inputs }) =>
    inputs[property] === undefined
      ? []
      : hasUnknown(inputs[property])
        ? notEvaluated(property)
        : statementsOf(inputs[property])
            .filter(({ Effect }) => Effect === "Allow")
            .flatMap(check);

export const rolePoliciesApart = rule(
  "role-policies-apart",
  ROLE,
  "A role's policies are resources of their own",
  "the provider lets those inside a role undo the others, and what is inside is not judged",
  ({ inputs }) =>
    ["inlinePolicies", "managedPolicyArns"]
      .filter((name) => inputs[name] !== undefined)
      .map(
        (name) => `The role sets ${name} itself. Remove it and write a RolePolicy or a RolePolicyAttachment.`,
      ),
);

/** Nobody needs all of these at once: patterns that cover them all cover everything. */
const ANYTHING = [
  "iam:CreateUser",
  "s3:DeleteBucket",
  "ec2:RunInstances",
  "organizations:LeaveOrganization",
  "qz:Do",
];
const ANYWHERE = [
  "arn:aws:iam::123456789012:user/qz-71",
  "arn:aws:s3:::qz-71",
  "arn:aws:ec2:eu-central-1:123456789012:instance/i-qz71",
];
const everywhere = (statement: Statement) =>
  statement.NotResource !== undefined ||
  ANYWHERE.every((arn) => strings(statement.Resource).some((pattern) => matches(pattern, arn, false)));
const anything = (statement: Statement) =>
  statement.NotAction !== undefined || ANYTHING.every((action) => actionMatches(statement, action));
export const noAdministrator = rule(
  "no-administrator",
  IDENTITY,
  "No document allows everything on everything",
  "whoever takes the role has the account",
  document((statement) =>
    anything(statement) && everywhere(statement)
      ? [
          `Statement ${text(statement.Sid)} allows every action on every resource. Name the actions and resources.`,
        ]
      : [],
  ),
  { severity: "critical", reference: "CIS AWS 3.0 1.16" },
);

/** Roles, policies and users that nobody means: a pattern that covers one of them covers them all. */
const ANY_IDENTITY = ["role/qz-71", "policy/qz-71", "user/qz-71", "instance-profile/qz-71"];
const coversAnyIdentity = (statement: Statement) =>
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

/** What may be done to all roles of a name's pattern only where this condition key has a set value. */
const ONLY_WITH: Record<string, string> = {
  "iam:AttachRolePolicy": "iam:PermissionsBoundary",
  "iam:CreateRole": "iam:PermissionsBoundary",
  "iam:PassRole": "iam:PassedToService",
  "iam:PutRolePermissionsBoundary": "iam:PermissionsBoundary",
  "iam:PutRolePolicy": "iam:PermissionsBoundary",
};

const isLimited = ({ Condition }: Statement, wanted: string) =>
  Object.entries(object(Condition)).some(
    ([operator, block]) =>
      /^(string|arn)(equals|like)$/i.test(operator) &&
      Object.entries(object(block)).some(
        ([key, value]) =>
          key.toLowerCase() === wanted.toLowerCase() && !strings(value).some((one) => /[*?]/.test(one)),
      ),
  );

export const noEscalation = rule(
  "no-privilege-escalation",
  IDENTITY,
  "Nothing lets a role give itself more, except on named resources; on a pattern of names only under a permissions boundary or for named services",
  "one taken role would become an administrator",
  document((statement) => {
    if (coversAnyIdentity(statement)) {
      const allowed = ESCALATIONS.filter((action) => actionMatches(statement, action));
      return allowed.length === 0
        ? []
        : [
            `Statement ${text(statement.Sid)} allows ${first(allowed)} on any resource. Name the roles as Resource.`,
          ];
    }
    if (!strings(statement.Resource).some((pattern) => /:iam:.*:role\/.*[*?]/.test(pattern))) return [];
    return Object.entries(ONLY_WITH)
      .filter(([action, key]) => actionMatches(statement, action) && !isLimited(statement, key))
      .map(
        ([action, key]) =>
          `Statement ${text(statement.Sid)} allows ${action} on many roles. Write a Condition StringEquals on ${key}, or name each role.`,
      );
  }),
  { severity: "critical" },
);

const ROLE_POLICY = "aws:iam/rolePolicy:RolePolicy";
const ATTACHMENT = "aws:iam/rolePolicyAttachment:RolePolicyAttachment";
const POLICY = "aws:iam/policy:Policy";

/** The policies of this program that are attached: by URN too, as an ARN is unknown at first preview. */
function ownPolicies(attachment: Resource, context: Context): Resource[] {
  const policies = context.once("policies by URN and ARN", () => {
    const account = ownAccounts(context)[0] ?? "";
    return groupBy(
      context
        .ofType(POLICY)
        .flatMap((one) =>
          [one.urn, `arn:aws:iam::${account}:policy/${text(one.inputs.name)}`].map((key) => ({ key, one })),
        ),
      ({ key }) => key,
    );
  });
  return [...new Set([...madeOf(attachment, "policyArn"), text(attachment.inputs.policyArn)])]
    .flatMap((key) => policies.get(key) ?? [])
    .map(({ one }) => one);
}

/** Resources that give something to a role, by the role's name or URN. */
const byRole = (type: string, context: Context) =>
  context.once(`${type} by role`, () =>
    groupBy(
      context
        .ofType(type)
        .flatMap((one) => [text(one.inputs.role), ...madeOf(one, "role")].map((role) => ({ role, one }))),
      ({ role }) => role,
    ),
  );

/** What a role may do: statements of all its policies, and what of them cannot be seen. */
function grantsOf(role: Resource, context: Context): { statements: Statement[]; unseen: string[] } {
  const given = (type: string) => [
    ...new Set(
      [role.urn, text(role.inputs.name)]
        .flatMap((key) => byRole(type, context).get(key) ?? [])
        .map(({ one }) => one),
    ),
  ];
  const attachments = given(ATTACHMENT);
  const attached = attachments.map((one) => ({ one, policies: ownPolicies(one, context) }));
  const documents = [
    ...given(ROLE_POLICY).map(({ inputs }) => inputs.policy),
    ...attached.flatMap(({ policies }) => policies.map(({ inputs }) => inputs.policy)),
  ];
  return {
    statements: documents.filter((one) => !hasUnknown(one)).flatMap(statementsOf),
    unseen: [
      ...documents.filter(hasUnknown).map(() => "a policy that is not known before something exists"),
      ...attached
        .filter(({ policies }) => policies.length === 0)
        .map(({ one }) => text(one.inputs.policyArn)),
    ],
  };
}

export const noSelfEscalation = rule(
  "no-self-escalation",
  ROLE,
  "No role may change its own policies or trust, nor any policy of this program",
  "who takes the role would write what it may do, the limits of others among it",
  (role, context) => {
    const { statements } = grantsOf(role, context);
    const account = ownAccounts(context)[0] ?? "";
    const may = (action: string, resource: string) =>
      judge(
        // Conditions hold in the worst case: those of an Allow are met, those of a Deny are not.
        statements
          .filter(({ Effect, Condition }) => Effect === "Allow" || Condition === undefined)
          .map((one) => ({ ...one, Condition: undefined })),
        { requester: {}, action, resource, account, context: {} },
        false,
      ).decision === "allow";
    const own = `arn:aws:iam::${account}:role/${text(role.inputs.name)}`;
    const policies = () =>
      context.ofType(POLICY).map(({ inputs }) => `arn:aws:iam::${account}:policy/${text(inputs.name)}`);
    return [
      ...[
        "iam:AttachRolePolicy",
        "iam:DeleteRolePermissionsBoundary",
        "iam:PutRolePermissionsBoundary",
        "iam:PutRolePolicy",
        "iam:UpdateAssumeRolePolicy",
      ].map((action) => [action, own] as const),
      ...["iam:CreatePolicyVersion", "iam:SetDefaultPolicyVersion"]
        // Few roles may do it to any: only for those all policies are gone through.
        .filter((action) => statements.some((one) => one.Effect === "Allow" && actionMatches(one, action)))
        .flatMap((action) => policies().map((policy) => [action, policy] as const)),
    ]
      .filter(([action, resource]) => may(action, resource))
      .map(
        ([action, resource]) =>
          `The role may ${action} on ${resource}. Write a Deny of it, without a Condition.`,
      );
  },
  { severity: "critical", neighbours: true },
);

const isGithub = (accounts: string[], provider: unknown) =>
  isOf(accounts, provider) && text(provider).endsWith(":oidc-provider/token.actions.githubusercontent.com");

/** Why a statement of a trust policy lets in whom it should not. */
function strangersIn(
  { Principal, NotPrincipal }: Statement,
  accounts: string[],
  services: unknown[],
): string[] {
  if (NotPrincipal !== undefined || typeof Principal !== "object" || Principal === null)
    return ["everyone but some"];
  return Object.entries(Principal).flatMap(([kind, value]) =>
    list(value)
      .filter((one) =>
        kind === "AWS"
          ? text(one).includes("*") || !isOf(accounts, one)
          : kind === "Service"
            ? !services.includes(one)
            : kind !== "Federated" || !isGithub(accounts, one),
      )
      .map((one) => `${kind} ${text(one)}`),
  );
}

export const trustClosed = rule(
  "role-trust-closed",
  ROLE,
  "A role is trusted to services of this platform, to principals of its own account, or to GitHub alone",
  "strangers could take it",
  (role, context) => {
    const accounts = ownAccounts(context);
    const services = array(context.parameters.services);
    const trusts = (kind: string, { inputs }: Resource) =>
      statementsOf(inputs.assumeRolePolicy).some(
        ({ Effect, Principal }) => Effect === "Allow" && kind in object(Principal),
      );
    return [
      ...document(
        (statement) =>
          strangersIn(statement, accounts, services).map(
            (who) =>
              `The trust policy lets ${who} in. Name a service of this platform, a role of this account, or GitHub's provider.`,
          ),
        "assumeRolePolicy",
      )(role, context),
      ...(!hasUnknown(role.inputs.assumeRolePolicy) &&
      trusts("Federated", role) &&
      (trusts("Service", role) || trusts("AWS", role))
        ? ["The role is for GitHub and for others. Write a role for each."]
        : []),
    ];
  },
  {
    severity: "critical",
    neighbours: true,
    parameters: {
      services: {
        type: "array",
        default: [
          "ec2.amazonaws.com",
          "elasticbeanstalk.amazonaws.com",
          "monitoring.rds.amazonaws.com",
          "vpc-flow-logs.amazonaws.com",
        ],
        description: "Services that roles may be trusted to",
      },
    },
  },
);

/** What only reads; all else changes something. */
const READS = /^[a-z0-9-]+:(Check|Describe|Get|List|Lookup|Simulate|View)[\w*?]*$/i;

/** What reads contents and secrets though its name says no more than Get, with resources that nobody means. */
const READS_CONTENTS: Record<string, string> = {
  "dynamodb:GetItem": "arn:aws:dynamodb:eu-central-1:123456789012:table/qz-71",
  "lambda:GetFunction": "arn:aws:lambda:eu-central-1:123456789012:function:qz-71",
  "logs:FilterLogEvents": "arn:aws:logs:eu-central-1:123456789012:log-group:qz-71:*",
  "logs:GetLogEvents": "arn:aws:logs:eu-central-1:123456789012:log-group:qz-71:*",
  "logs:GetQueryResults": "*",
  "s3:GetObject": "arn:aws:s3:::qz-71/qz-71",
  "s3:GetObjectVersion": "arn:aws:s3:::qz-71/qz-71",
  "secretsmanager:GetSecretValue": "arn:aws:secretsmanager:eu-central-1:123456789012:secret:qz-71",
  "ssm:GetParameter": "arn:aws:ssm:eu-central-1:123456789012:parameter/qz-71",
  "ssm:GetParameterHistory": "arn:aws:ssm:eu-central-1:123456789012:parameter/qz-71",
  "ssm:GetParameters": "arn:aws:ssm:eu-central-1:123456789012:parameter/qz-71",
  "ssm:GetParametersByPath": "arn:aws:ssm:eu-central-1:123456789012:parameter/qz-71",
};

/** Objects of buckets that are not this program's: where Pulumi keeps its state, a preview writes a lock. */
const isState = ({ NotResource, Resource: names }: Statement, context: Context) =>
  NotResource === undefined &&
  strings(names).every((arn) => {
    const bucket = /^arn:[\w-]+:s3:::([a-z0-9.-]+)\//.exec(arn)?.[1];
    const own = context.once(
      "names of buckets",
      () => new Set(context.ofType("aws:s3/bucket:Bucket").map(({ inputs }) => text(inputs.bucket))),
    );
    // Beanstalk keeps the versions that it runs in a bucket of its own.
    return bucket !== undefined && !bucket.startsWith("elasticbeanstalk-") && !own.has(bucket);
  });

/** What a role may do beyond looking at how the infrastructure is set up. */
function beyondReading(statements: Statement[], context: Context): string[] {
  const secrets = context.once(
    "names of secret parameters",
    () =>
      new Set(
        context
          .ofType("aws:ssm/parameter:Parameter")
          .filter(({ inputs }) => inputs.type === "SecureString")
          .map(({ inputs }) => text(inputs.name)),
      ),
  );
  /** A pattern of names may cover a secret's, today or later. */
  const namesSecret = ({ Resource: names }: Statement) =>
    strings(names).some((arn) => {
      const parameter = /^arn:[^:]*:ssm:.*:parameter(\/.*)$/.exec(arn)?.[1] ?? "";
      return /[*?]/.test(parameter) || secrets.has(parameter);
    });
  const allows = (action: string, resource: string) =>
    judge(statements, { requester: {}, action, resource, account: "", context: {} }, false).decision ===
      "allow" ||
    (action.startsWith("ssm:") &&
      statements.some((one) => one.Effect === "Allow" && actionMatches(one, action) && namesSecret(one)));
  return [
    ...statements
      .filter(({ Effect }) => Effect === "Allow")
      .flatMap((one) =>
        one.NotAction !== undefined
          ? ["all but some actions"]
          : strings(one.Action).filter(
              (action) =>
                !READS.test(action) && !(/^s3:(Put|Delete)Object$/i.test(action) && isState(one, context)),
            ),
      ),
    ...Object.entries(READS_CONTENTS)
      .filter(([action, resource]) => allows(action, resource))
      .map(([action]) => action),
  ];
}

export const pullRequestsRead = rule(
  "pull-requests-read-only",
  ROLE,
  "A role that a pull request can take changes nothing and reads no secret and no contents",
  "whoever opens a pull request chooses the code that runs with it",
  (role, context) => {
    if (!text(role.inputs.assumeRolePolicy).includes(":pull_request")) return [];
    const { statements, unseen } = grantsOf(role, context);
    const more = beyondReading(statements, context);
    return [
      ...(more.length === 0
        ? []
        : [
            `Pull requests may ${first(more)}. Remove it, or trust this role to a ref or an environment instead.`,
          ]),
      ...unseen.map(
        (what) =>
          `Pull requests have ${what}, and nobody sees here what it allows. Write a RolePolicy instead.`,
      ),
    ];
  },
  { severity: "critical", neighbours: true },
);

const trustsInstances = ({ inputs }: Resource) => text(inputs.assumeRolePolicy).includes("ec2.amazonaws.com");

export const instanceRolesNarrow = rule(
  "instance-roles-narrow",
  ROLE,
  "Roles of instances read named contents and secrets only, and have no service as a whole",
  "whoever gets into an instance would read what belongs to others, and change the code that they run",
  (role, context) => {
    if (!trustsInstances(role)) return [];
    const { statements } = grantsOf(role, context);
    const whole = statements
      .filter((one) => one.Effect === "Allow" && everywhere(one))
      .flatMap(({ Action, NotAction }) =>
        NotAction === undefined
          ? strings(Action).filter((action) => action.endsWith("*"))
          : ["all but some actions"],
      );
    const contents = Object.entries(READS_CONTENTS)
      .filter(([action, resource]) =>
        statements.some(
          (one) =>
            one.Effect === "Allow" &&
            actionMatches(one, action) &&
            (everywhere(one) || strings(one.Resource).some((pattern) => matches(pattern, resource, false))),
        ),
      )
      .map(([action]) => action);
    const allowed = [...new Set([...whole, ...contents])];
    return allowed.length === 0
      ? []
      : [
          `The role may ${first(allowed)} on whatever there is. Name the actions and resources that it needs.`,
        ];
  },
  { neighbours: true },
);

export const noBroadManagedPolicy = rule(
  "no-broad-managed-policy",
  [ATTACHMENT],
  "Only policies of this program, and AWS's own from a list, are attached",
  "nobody sees here what another policy allows, and AWS's own allow much more than is needed",
  (attachment, context) => {
    const arn = attachment.inputs.policyArn;
    const allowed = array(context.parameters.allowed).map((name) => `:iam::aws:policy/${text(name)}`);
    return ownPolicies(attachment, context).length > 0
      ? []
      : demand(
          arn,
          allowed.some((end) => text(arn).endsWith(end)),
          "policyArn",
          "a policy of this program with the actions that are needed",
        );
  },
  {
    neighbours: true,
    parameters: {
      allowed: {
        type: "array",
        default: [
          "AWSElasticBeanstalkManagedUpdatesCustomerRolePolicy",
          "AmazonSSMManagedInstanceCore",
          "service-role/AWSElasticBeanstalkEnhancedHealth",
          "service-role/AmazonRDSEnhancedMonitoringRole",
        ],
        description: "Policies of AWS that may be attached",
      },
    },
  },
);

export const oneOwner = rule(
  "oidc-one-owner",
  ROLE,
  "All roles for GitHub trust repositories of the same owner",
  "somebody else's workflows could change the platform",
  (role, context) => {
    const ownersOf = ({ inputs }: Resource) =>
      [...text(inputs.assumeRolePolicy).matchAll(/repo:([\w.-]+)\//g)].map(([, owner = ""]) => owner);
    const first = context.once(
      "owner on GitHub",
      () => context.ofType("aws:iam/role:Role").flatMap(ownersOf)[0],
    );
    return [...new Set(ownersOf(role))]
      .filter((owner) => owner !== first)
      .map(
        (owner) =>
          `The role trusts ${owner}, another one ${String(first)}. Write repositories of the same owner.`,
      );
  },
  { severity: "critical", neighbours: true },
);

export const oidcTrust = rule(
  "oidc-trust",
  ROLE,
  "GitHub's tokens are accepted for one repository and its named refs or environments, and our audience",
  "any repository on GitHub could take the role",
  document((statement) => {
    if (
      !strings(object(statement.Principal).Federated).some((one) =>
        one.includes("token.actions.githubusercontent.com"),
      )
    )
      return [];
    const values = (key: string) =>
      Object.entries(object(statement.Condition))
        .filter(([operator]) => /^String(Equals|Like)$/i.test(operator))
        .flatMap(([, block]) =>
          Object.entries(object(block)).filter(
            ([name]) => name.toLowerCase() === `token.actions.githubusercontent.com:${key}`,
          ),
        )
        .flatMap(([, value]) => list(value).map(text));
    const subjects = values("sub");
    return [
      ...(subjects.length > 0 &&
      subjects.every((one) =>
        /^repo:[\w.-]+\/[\w.-]+:(pull_request|ref:refs\/(heads|tags)\/[^*?]+|environment:[^*?]+)$/.test(one),
      )
        ? []
        : [
            "The subject is not limited. Write StringEquals on sub with repo:OWNER/NAME:environment:NAME or :ref:refs/heads/NAME.",
          ]),
      ...(values("aud").join() === "sts.amazonaws.com"
        ? []
        : ["The audience is not limited. Write StringEquals on aud with sts.amazonaws.com."]),
    ];
  }, "assumeRolePolicy"),
  { severity: "critical" },
);

const REDIS = ["aws:elasticache/replicationGroup:ReplicationGroup"];
export const redisAtRest = rule(
  "redis-encrypted-at-rest",
  REDIS,
  "Redis is encrypted at rest",
  "a copied disk would be readable",
  ({ inputs }) =>
    demand(
      inputs.atRestEncryptionEnabled,
      inputs.atRestEncryptionEnabled === true,
      "atRestEncryptionEnabled",
      "true",
    ),
  { reference: "AWS FSBP ElastiCache.4" },
);

export const redisInTransit = rule(
  "redis-encrypted-in-transit",
  REDIS,
  "Redis speaks TLS and asks for a token",
  "whoever is in the network could read and write",
  ({ inputs }) => [
    ...demand(
      inputs.transitEncryptionEnabled,
      inputs.transitEncryptionEnabled === true,
      "transitEncryptionEnabled",
      "true",
    ),
    ...demand(
      inputs.transitEncryptionMode,
      inputs.transitEncryptionMode !== "preferred",
      "transitEncryptionMode",
      "required: preferred takes connections without TLS too",
    ),
    ...demand(
      inputs.authToken,
      isUnknown(inputs.authToken) || text(inputs.authToken) !== "",
      "authToken",
      "a secret",
    ),
  ],
  { reference: "AWS FSBP ElastiCache.5" },
);

export const cloudfrontTls = rule(
  "cloudfront-tls",
  ["aws:cloudfront/distribution:Distribution"],
  "CloudFront speaks TLS 1.2 or newer on both sides and sends HTTP to HTTPS",
  "older versions can be broken",
  ({ inputs }) => {
    const version = at(inputs.viewerCertificate, "minimumProtocolVersion");
    const behaviors = [inputs.defaultCacheBehavior, ...array(inputs.orderedCacheBehaviors)].map((one) =>
      at(one, "viewerProtocolPolicy"),
    );
    const origins = array(inputs.origins)
      .map((one) => at(one, "customOriginConfig"))
      .filter((one) => one !== undefined);
    return [
      ...origins.flatMap((origin) => [
        ...demand(
          at(origin, "originProtocolPolicy"),
          at(origin, "originProtocolPolicy") === "https-only",
          "originProtocolPolicy",
          "https-only",
        ),
        ...demand(
          at(origin, "originSslProtocols"),
          array(at(origin, "originSslProtocols")).every((one) => /^TLSv1\.[23]$/.test(text(one))),
          "originSslProtocols",
          '["TLSv1.2"]',
        ),
      ]),
      ...demand(version, /^TLSv1\.[23]_/.test(text(version)), "minimumProtocolVersion", "TLSv1.2_2021"),
      ...behaviors.flatMap((one) =>
        demand(
          one,
          one === "redirect-to-https" || one === "https-only",
          "viewerProtocolPolicy",
          "redirect-to-https",
        ),
      ),
    ];
  },
  { reference: "AWS FSBP CloudFront.3" },
);

export const cloudfrontOrigin = rule(
  "cloudfront-origin",
  ["aws:cloudfront/distribution:Distribution"],
  "CloudFront serves the static bucket of this program and nothing else",
  "pages would run somebody else's scripts, or media be open to everyone",
  (distribution, context) => {
    const statics = context.once("names and URNs of static buckets", () => {
      const buckets = context
        .ofType("aws:s3/bucket:Bucket")
        .filter(({ inputs }) => at(inputs.tags, "class") === "static");
      return new Set(buckets.flatMap(({ urn, inputs }) => [urn, text(inputs.bucket)]));
    });
    const made = madeOf(distribution, "origins");
    const isStatic = (domain: unknown) =>
      isUnknown(domain)
        ? made.length > 0 && made.every((urn) => statics.has(urn))
        : statics.has(/^([a-z0-9.-]+)\.s3\.[a-z0-9-]+\.amazonaws\.com$/.exec(text(domain))?.[1] ?? "");
    return array(distribution.inputs.origins)
      .map((origin) => at(origin, "domainName"))
      .filter((domain) => !isStatic(domain))
      .flatMap((domain) => demand(domain, false, "domainName of an origin", "that of the static bucket"));
  },
  { severity: "critical", neighbours: true },
);

/** Names of inputs that take a key of KMS. */
const KEY = /^kms(Master)?Key(Id|Arn)?$|KmsKeyId$/;
const keysIn = (value: unknown): unknown[] =>
  typeof value !== "object" || value === null
    ? []
    : Object.entries(value as Record<string, unknown>).flatMap(([name, one]) =>
        KEY.test(name) ? [one] : keysIn(one),
      );

export const ownKeys = rule(
  "own-keys",
  [
    "aws:cloudwatch/logGroup:LogGroup",
    "aws:elasticache/replicationGroup:ReplicationGroup",
    "aws:rds/instance:Instance",
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
    "aws:sns/topic:Topic",
    "aws:sqs/queue:Queue",
    "aws:ssm/parameter:Parameter",
  ],
  "Data is encrypted with keys of this account",
  "who owns another key can take it away, and the data with it",
  ({ inputs }, context) =>
    keysIn(inputs)
      // An id or alias without an account is of this one; an ARN that is not known yet is of a key that is made here.
      .filter((key) => text(key).startsWith("arn:") && !isUnknown(key) && !isOf(ownAccounts(context), key))
      .map((key) => `Key ${text(key)} is another account's. Write one of this account, or none.`),
  { severity: "critical", neighbours: true },
);

export const certificateByDns = rule(
  "certificate-by-dns",
  ["aws:acm/certificate:Certificate"],
  "Certificates are validated by DNS",
  "validation by mail fails at each renewal",
  ({ inputs }) =>
    demand(inputs.validationMethod, inputs.validationMethod === "DNS", "validationMethod", "DNS"),
  { severity: "medium" },
);

export const logRetention = rule(
  "log-retention",
  ["aws:cloudwatch/logGroup:LogGroup"],
  "Logs are kept for a set time",
  "logs would be kept forever, and with them what they say about people",
  ({ inputs }) =>
    demand(inputs.retentionInDays, Number(inputs.retentionInDays) > 0, "retentionInDays", "a number of days"),
  { severity: "medium", reference: "AWS FSBP CloudWatch.16" },
);

export const noMappedPublicIp = rule(
  "subnet-without-public-ip",
  ["aws:ec2/subnet:Subnet"],
  "Subnets give no public address by themselves, of neither kind",
  "instances would be reachable from outside",
  ({ inputs }) =>
    ["mapPublicIpOnLaunch", "assignIpv6AddressOnCreation"].flatMap((name) =>
      demand(inputs[name], (inputs[name] ?? false) === false, name, "false"),
    ),
  { reference: "AWS FSBP EC2.15" },
);

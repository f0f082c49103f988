import { actionMatches, list, Statement, statementsOf, strings } from "../iam/evaluate";
import { matches } from "../iam/wildcard";
import { isOf, ownAccounts } from "./storage";
import { array, demand, groupBy, isUnknown, object, Resource, Rule, text } from "../rule";

const rule = (
  name: string,
  types: string[],
  description: string,
  why: string,
  check: Rule["check"],
  more: Partial<Rule> = {},
): Rule => ({
  name,
  area: "access",
  description,
  why,
  severity: "high",
  level: "mandatory",
  types,
  check,
  ...more,
});

const INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule";
const ROLE = ["aws:iam/role:Role"];
const IDENTITY = [
  ...ROLE,
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

export const noOpenIngress = rule(
  "no-open-ingress",
  [INGRESS, "aws:ec2/securityGroupRule:SecurityGroupRule", "aws:ec2/securityGroup:SecurityGroup"],
  "Only a load balancer's ports 443 and 80 are open to the internet",
  "everyone could try what listens there",
  ({ inputs, type, propertyDependencies }, context) => {
    // The group's id is unknown at first preview: what the property is made of is known.
    const owners = propertyDependencies?.securityGroupId ?? [];
    const loadBalancers = context.once(
      "load balancers' groups",
      () =>
        new Set(
          context
            .ofType("aws:ec2/securityGroup:SecurityGroup")
            .filter(({ inputs: group }) => text(group.name).endsWith("load-balancer"))
            .map(({ urn }) => urn),
        ),
    );
    const ofLoadBalancer = owners.some((urn) => loadBalancers.has(urn));
    const rules = type.endsWith(":SecurityGroup")
      ? array(inputs.ingress).map(object)
      : inputs.type === "egress"
        ? []
        : [inputs];
    return rules.flatMap((one) => {
      const open = [one.cidrIpv4, one.cidrIpv6, ...array(one.cidrBlocks), ...array(one.ipv6CidrBlocks)]
        .map(text)
        .some(isPublic);
      const [from, to] = [Number(one.fromPort ?? -1), Number(one.toPort ?? -1)];
      const web = from === to && (from === 443 || from === 80);
      return [
        ...(open && !(web && ofLoadBalancer)
          ? [
              `Ports ${String(from)} to ${String(to)} are open to the internet. Name a security group as source.`,
            ]
          : []),
        ...(!open &&
        (text(one.ipProtocol ?? one.protocol) === "-1" || to - from > Number(context.parameters.widest)) &&
        type !== "aws:ec2/securityGroup:SecurityGroup"
          ? [`The rule opens ports ${String(from)} to ${String(to)}. Write the one port that is needed.`]
          : []),
      ];
    });
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

/** Judges each Allow of the documents that a resource carries: its own, and those inside a role. */
const document =
  (check: (statement: Statement) => string[], property = "policy"): Rule["check"] =>
  ({ inputs }) =>
    [
      inputs[property],
      ...(property === "policy" ? array(inputs.inlinePolicies).map((one) => object(one).policy) : []),
    ]
      .filter((one) => one !== undefined)
      .flatMap((one) =>
        isUnknown(one)
          ? demand(one, false, property, "")
          : statementsOf(one)
              .filter(({ Effect }) => Effect === "Allow")
              .flatMap(check),
      );

const everywhere = (statement: Statement) =>
  statement.NotResource !== undefined || strings(statement.Resource).some((one) => /^[*?]+$/.test(one));
const anything = (statement: Statement) =>
  statement.NotAction !== undefined || strings(statement.Action).some((one) => /^[*?]+(:[*?]+)?$/.test(one));
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

const ESCALATIONS = [
  "iam:CreatePolicy",
  "iam:CreatePolicyVersion",
  "iam:SetDefaultPolicyVersion",
  "iam:PutRolePolicy",
  "iam:AttachRolePolicy",
  "iam:PutUserPolicy",
  "iam:AttachUserPolicy",
  "iam:CreateAccessKey",
  "iam:CreateLoginProfile",
  "iam:UpdateAssumeRolePolicy",
  "iam:PassRole",
  "iam:CreateRole",
  "iam:AddUserToGroup",
  "iam:CreateUser",
  "iam:PutGroupPolicy",
  "iam:AttachGroupPolicy",
  "iam:PutRolePermissionsBoundary",
  "iam:DeleteRolePermissionsBoundary",
  "sts:AssumeRole",
];
export const noEscalation = rule(
  "no-privilege-escalation",
  IDENTITY,
  "Nothing lets a role give itself more, except on named resources",
  "one taken role would become an administrator",
  document((statement) =>
    coversAnyIdentity(statement)
      ? ESCALATIONS.filter((action) => actionMatches(statement, action)).map(
          (action) =>
            `Statement ${text(statement.Sid)} allows ${action} on any resource. Name the roles as Resource.`,
        )
      : [],
  ),
  { severity: "critical" },
);

export const trustClosed = rule(
  "role-trust-closed",
  ROLE,
  "A role is trusted to AWS services, identity providers and principals of its own account only",
  "strangers with an AWS account could take it",
  (role, context) => {
    const accounts = ownAccounts(context);
    return document(
      (statement) =>
        statement.NotPrincipal !== undefined ||
        statement.Principal === "*" ||
        strings(object(statement.Principal).AWS).some((one) => one.includes("*") || !isOf(accounts, one))
          ? ["The trust policy lets principals outside the account in. Name who may take the role."]
          : [],
      "assumeRolePolicy",
    )(role, context);
  },
  { severity: "critical", neighbours: true },
);

/** What reads a secret, unless it is limited to something else by name. */
const READS_SECRETS = ["ssm:GetParameter", "ssm:GetParametersByPath", "secretsmanager:GetSecretValue"];

/** What no role that a pull request can take may do, on any resource. */
const CHANGES = [
  "s3:PutObject",
  "s3:DeleteObject",
  "s3:PutBucketPolicy",
  "iam:PutRolePolicy",
  "iam:CreateRole",
  "iam:PassRole",
  "ec2:RunInstances",
  "ec2:AuthorizeSecurityGroupIngress",
  "rds:ModifyDBInstance",
  "rds:DeleteDBInstance",
  "elasticbeanstalk:UpdateEnvironment",
  "elasticbeanstalk:CreateApplicationVersion",
  "ssm:PutParameter",
  "sqs:SendMessage",
];

export const pullRequestsRead = rule(
  "pull-requests-read-only",
  ROLE,
  "A role that a pull request can take changes nothing and reads no secret",
  "whoever opens a pull request chooses the code that runs with it",
  (role, context) => {
    if (!text(role.inputs.assumeRolePolicy).includes(":pull_request")) return [];
    const policies = context
      .once("policies by role", () =>
        groupBy(context.ofType("aws:iam/rolePolicy:RolePolicy"), ({ inputs }) => text(inputs.role)),
      )
      .get(text(role.inputs.name));
    return (policies ?? []).flatMap(({ inputs: { policy: one } }) => {
      if (isUnknown(one)) return demand(one, false, "policy", "");
      const statements = statementsOf(one).filter(({ Effect }) => Effect === "Allow");
      const secretive = statements.filter(({ Resource: names }) =>
        strings(names).some((name) => /[*?]|secret/.test(name)),
      );
      return [
        ...CHANGES.filter((action) => statements.some((statement) => actionMatches(statement, action))),
        ...READS_SECRETS.filter((action) => secretive.some((statement) => actionMatches(statement, action))),
      ].map((action) => `Pull requests may ${action}. Trust this role to a ref or an environment instead.`);
    });
  },
  { severity: "critical", neighbours: true },
);

const MANAGED = [...ROLE, "aws:iam/rolePolicyAttachment:RolePolicyAttachment"];
export const noBroadManagedPolicy = rule(
  "no-broad-managed-policy",
  MANAGED,
  "No AWS managed policy that gives full access is attached",
  "whoever takes the role could do much more than it needs",
  ({ inputs }) =>
    [inputs.policyArn, ...array(inputs.managedPolicyArns)]
      .map(text)
      .filter((arn) =>
        /^arn:[\w-]+:iam::aws:policy\/.*(FullAccess|AdministratorAccess|PowerUser|Administrator)/i.test(arn),
      )
      .map((arn) => `${arn} is attached. Write a policy with the actions that are needed.`),
);

export const oneOwner = rule(
  "oidc-one-owner",
  ROLE,
  "All roles for GitHub trust repositories of the same owner",
  "somebody else's workflows could change the platform",
  (role, context) => {
    const ownerOf = ({ inputs }: Resource) => /repo:([\w.-]+)\//.exec(text(inputs.assumeRolePolicy))?.[1];
    const own = ownerOf(role);
    const first = context.once("owner on GitHub", () =>
      context
        .ofType("aws:iam/role:Role")
        .map(ownerOf)
        .find((one) => one !== undefined),
    );
    return own === undefined || own === first
      ? []
      : [`The role trusts ${own}, another one ${String(first)}. Write repositories of the same owner.`];
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
  "CloudFront speaks TLS 1.2 or newer and sends HTTP to HTTPS",
  "older versions can be broken",
  ({ inputs }) => {
    const version = object(inputs.viewerCertificate).minimumProtocolVersion;
    const behaviors = [inputs.defaultCacheBehavior, ...array(inputs.orderedCacheBehaviors)].map(
      (one) => object(one).viewerProtocolPolicy,
    );
    return [
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
  "Subnets give no public address by themselves",
  "instances would be reachable from outside",
  ({ inputs }) =>
    demand(
      inputs.mapPublicIpOnLaunch ?? false,
      (inputs.mapPublicIpOnLaunch ?? false) === false,
      "mapPublicIpOnLaunch",
      "false",
    ),
  { reference: "AWS FSBP EC2.15" },
);

import { actionMatches, list, Statement, statementsOf, strings } from "../iam/evaluate";
import { array, demand, isUnknown, object, Rule, text } from "../rule";

const rule = (name: string, types: string[], description: string, why: string, check: Rule["check"], more: Partial<Rule> = {}): Rule => ({
  name, area: "access", description, why, severity: "high", level: "mandatory", types, check, ...more,
}); // prettier-ignore

const INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule";
const IDENTITY = [
  "aws:iam/rolePolicy:RolePolicy",
  "aws:iam/policy:Policy",
  "aws:iam/userPolicy:UserPolicy",
  "aws:iam/groupPolicy:GroupPolicy",
];
const wide = (cidr: string) => /\/0$/.test(cidr);

export const noOpenIngress = rule(
  "no-open-ingress",
  [INGRESS, "aws:ec2/securityGroupRule:SecurityGroupRule", "aws:ec2/securityGroup:SecurityGroup"],
  "Only a load balancer's ports 443 and 80 are open to the internet",
  "everyone could try what listens there",
  ({ inputs, type, propertyDependencies }, context) => {
    // The group's id is unknown at first preview: what the property is made of is known.
    const owners = propertyDependencies?.securityGroupId ?? [];
    const ofLoadBalancer = context
      .ofType("aws:ec2/securityGroup:SecurityGroup")
      .some((group) => owners.includes(group.urn) && text(group.inputs.name).endsWith("load-balancer"));
    const rules = type.endsWith(":SecurityGroup")
      ? array(inputs.ingress).map(object)
      : inputs.type === "egress"
        ? []
        : [inputs];
    return rules.flatMap((one) => {
      const open = [one.cidrIpv4, one.cidrIpv6, ...array(one.cidrBlocks), ...array(one.ipv6CidrBlocks)]
        .map(text)
        .some(wide);
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

const document =
  (check: (statement: Statement) => string[], property = "policy"): Rule["check"] =>
  ({ inputs }) =>
    isUnknown(inputs[property])
      ? demand(inputs[property], false, property, "")
      : statementsOf(inputs[property])
          .filter(({ Effect }) => Effect === "Allow")
          .flatMap(check);

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
  "iam:DeleteRolePermissionsBoundary",
  "sts:AssumeRole",
];
export const noEscalation = rule(
  "no-privilege-escalation",
  IDENTITY,
  "Nothing lets a role give itself more, except on named resources",
  "one taken role would become an administrator",
  document((statement) =>
    everywhere(statement)
      ? ESCALATIONS.filter((action) => actionMatches(statement, action)).map(
          (action) =>
            `Statement ${text(statement.Sid)} allows ${action} on every resource. Name the roles as Resource.`,
        )
      : [],
  ),
  { severity: "critical" },
);

const ROLE = ["aws:iam/role:Role"];
export const trustClosed = rule(
  "role-trust-closed",
  ROLE,
  "A role is trusted to named services, roles or providers only",
  "anyone with an AWS account could take it",
  document(
    (statement) => [
      ...(statement.NotPrincipal !== undefined ||
      statement.Principal === "*" ||
      strings(object(statement.Principal).AWS).some((one) => one.includes("*"))
        ? ["The trust policy has a wildcard principal. Name who may take the role."]
        : []),
    ],
    "assumeRolePolicy",
  ),
  { severity: "critical" },
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

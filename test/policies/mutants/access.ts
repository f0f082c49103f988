import { Mutant, MutableStack } from "../mutant";

const GITHUB = "token.actions.githubusercontent.com";

const ingress = (name: string, change: Record<string, unknown>) => (stack: MutableStack) => {
  Object.assign(stack.get("ingress", name).inputs, change);
};
const allow = (statement: object) => (stack: MutableStack) => {
  return stack.allow("rolePolicy", "web", { Action: "s3:GetObject", Resource: "*", ...statement });
};
const trust = (role: string, change: object) => (stack: MutableStack) => {
  return stack.statements(
    "role",
    role,
    (statements) => statements.map((one) => ({ ...one, ...change })),
    "assumeRolePolicy",
  );
};
const github =
  (condition: Record<string, Record<string, unknown>>, role = "ci-deploy") =>
  (stack: MutableStack) => {
    trust(role, { Condition: condition })(stack);
  };
const subject = (sub: unknown, role = "ci-deploy", operator = "StringEquals") =>
  github(
    {
      StringEquals: { [`${GITHUB}:aud`]: "sts.amazonaws.com" },
      [operator]: {
        ...(operator === "StringEquals" ? { [`${GITHUB}:aud`]: "sts.amazonaws.com" } : {}),
        [`${GITHUB}:sub`]: sub,
      },
    },
    role,
  );

export const access: Mutant[] = [
  // What is open
  ["no-open-ingress", ingress("load-balancer-from-internet-443", { fromPort: 0 })],
  ["no-open-ingress", ingress("load-balancer-from-internet-443", { fromPort: 22, toPort: 22 })],
  [
    "no-open-ingress",
    ingress("load-balancer-from-internet-443", { ipProtocol: "-1", fromPort: undefined, toPort: undefined }),
  ],
  [
    "no-open-ingress",
    ingress("database-from-web-5432", { cidrIpv4: "0.0.0.0/0", referencedSecurityGroupId: undefined }),
  ],
  ["no-open-ingress", ingress("database-from-web-5432", { cidrIpv6: "::/0" })],
  ["no-open-ingress", ingress("database-from-web-5432", { cidrIpv4: "0.0.0.0/1" })],
  ["no-open-ingress", ingress("database-from-web-5432", { cidrIpv4: "128.0.0.0/1" })],
  ["no-open-ingress", ingress("database-from-web-5432", { cidrIpv4: "203.0.113.7/32" })],
  ["no-open-ingress", ingress("database-from-web-5432", { cidrIpv4: "10.0.0.0/7" })],
  ["no-open-ingress", ingress("database-from-web-5432", { cidrIpv6: "2000::/3" })],
  ["no-open-ingress", ingress("web-from-load-balancer-80", { cidrIpv4: "0.0.0.0/0" })],
  ["no-open-ingress", ingress("web-from-load-balancer-80", { toPort: 65535 })],
  ["no-open-ingress", ingress("enketo-redis-from-enketo-6379", { fromPort: 0, toPort: 65535 })],
  [
    "no-open-ingress",
    (stack) =>
      stack.add("aws:ec2/securityGroup:SecurityGroup", "open", {
        name: "open",
        ingress: [{ cidrBlocks: ["0.0.0.0/0"], fromPort: 22, toPort: 22, protocol: "tcp" }],
        tags: {},
      }),
  ],
  ["subnet-without-public-ip", (s) => s.set("subnet", "network-private-0", "mapPublicIpOnLaunch", true)],
  // What roles may
  ["no-administrator", allow({ Action: "*" })],
  ["no-administrator", allow({ Action: ["*:*"], Resource: ["*"] })],
  ["no-administrator", allow({ Action: undefined, NotAction: "iam:CreateUser" })],
  ["no-administrator", allow({ Action: "*", Resource: undefined, NotResource: "arn:aws:s3:::x" })],
  ["no-administrator", allow({ Action: "**", Resource: "**" })],
  [
    "no-administrator",
    (stack) =>
      stack.set("role", "web", "inlinePolicies", [
        {
          name: "all",
          policy: '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}',
        },
      ]),
  ],
  ["no-privilege-escalation", allow({ Action: "iam:PassRole" })],
  ["no-privilege-escalation", allow({ Action: "iam:*" })],
  ["no-privilege-escalation", allow({ Action: "iam:Create*" })],
  [
    "no-privilege-escalation",
    allow({ Action: "iam:PutRolePolicy", Resource: "arn:aws:iam::123456789012:role/*" }),
  ],
  ["no-privilege-escalation", allow({ Action: "iam:PassRole", Resource: "arn:aws:iam::*:role/*" })],
  ["no-privilege-escalation", allow({ Action: "IAM:passrole", Resource: "arn:aws:iam::123456789012:*" })],
  ["no-privilege-escalation", allow({ Action: "sts:AssumeRole" })],
  ["no-privilege-escalation", allow({ Action: "sts:*" })],
  ["no-privilege-escalation", allow({ Action: undefined, NotAction: "s3:*" })],
  [
    "no-privilege-escalation",
    allow({
      Action: "iam:CreateAccessKey",
      Resource: undefined,
      NotResource: "arn:aws:iam::123456789012:user/root",
    }),
  ],
  [
    "no-privilege-escalation",
    allow({
      Action: "iam:PassRole",
      Condition: { StringEquals: { "iam:PassedToService": "ec2.amazonaws.com" } },
    }),
  ],
  [
    "no-broad-managed-policy",
    (s) =>
      s.set(
        "roleAttachment",
        "database-monitoring",
        "policyArn",
        "arn:aws:iam::aws:policy/AdministratorAccess",
      ),
  ],
  [
    "no-broad-managed-policy",
    (s) =>
      s.set("roleAttachment", "database-monitoring", "policyArn", "arn:aws:iam::aws:policy/IAMFullAccess"),
  ],
  [
    "no-broad-managed-policy",
    (s) => s.set("role", "web", "managedPolicyArns", ["arn:aws:iam::aws:policy/PowerUserAccess"]),
  ],
  // Who takes roles
  ["role-trust-closed", trust("web", { Principal: "*" })],
  ["role-trust-closed", trust("web", { Principal: { AWS: "*" } })],
  ["role-trust-closed", trust("web", { Principal: { AWS: ["999999999999"] } })],
  ["role-trust-closed", trust("web", { Principal: { AWS: "arn:aws:iam::999999999999:root" } })],
  ["role-trust-closed", trust("web", { Principal: undefined, NotPrincipal: { AWS: "999999999999" } })],
  [
    "role-trust-closed",
    trust("web", { Principal: { Service: "ec2.amazonaws.com", AWS: "arn:aws:iam::999999999999:user/x" } }),
  ],
  ["oidc-trust", github({})],
  ["oidc-trust", github({ StringEquals: { [`${GITHUB}:sub`]: "repo:example/iaso:environment:prod" } })],
  ["oidc-trust", github({ StringEquals: { [`${GITHUB}:aud`]: "sts.amazonaws.com" } })],
  ["oidc-trust", subject("repo:example/iaso:*", "ci-deploy", "StringLike")],
  ["oidc-trust", subject("repo:example/*:environment:prod", "ci-deploy", "StringLike")],
  ["oidc-trust", subject("repo:*:environment:prod", "ci-deploy", "StringLike")],
  ["oidc-trust", subject(["repo:example/iaso:environment:prod", "*"], "ci-deploy", "StringLike")],
  ["oidc-trust", subject("repo:example/iaso:environment:prod", "ci-deploy", "StringEqualsIfExists")],
  ["oidc-trust", subject("repo:example/iaso:environment:prod", "ci-deploy", "StringNotEquals")],
  ["oidc-trust", subject("repo:example/iaso:ref:refs/heads/*", "ci-up", "StringLike")],
  ["oidc-one-owner", subject("repo:stranger/iaso:environment:prod")],
  ["pull-requests-read-only", subject("repo:example/iaso:pull_request", "ci-up")],
  ["pull-requests-read-only", subject("repo:example/iaso:pull_request")],
  [
    "pull-requests-read-only",
    (stack) => stack.allow("rolePolicy", "ci-preview", { Action: "ssm:Get*", Resource: "*" }),
  ],
  // Redis, CloudFront, certificates, logs
  ["redis-encrypted-at-rest", (stack) => stack.set("redis", "enketo-main", "atRestEncryptionEnabled", false)],
  ["redis-encrypted-at-rest", (s) => s.set("redis", "enketo-cache", "atRestEncryptionEnabled", undefined)],
  [
    "redis-encrypted-in-transit",
    (stack) =>
      stack.add("aws:elasticache/replicationGroup:ReplicationGroup", "other", {
        replicationGroupId: "other",
        atRestEncryptionEnabled: true,
        transitEncryptionEnabled: false,
        tags: { env: "x", project: "iaso", "managed-by": "pulumi" },
      }),
  ],
  [
    "cloudfront-tls",
    (stack) =>
      stack.add("aws:cloudfront/distribution:Distribution", "old", {
        viewerCertificate: { minimumProtocolVersion: "TLSv1_2016" },
        defaultCacheBehavior: { viewerProtocolPolicy: "redirect-to-https" },
      }),
  ],
  [
    "cloudfront-tls",
    (stack) =>
      stack.add("aws:cloudfront/distribution:Distribution", "plain", {
        viewerCertificate: { minimumProtocolVersion: "TLSv1.2_2021" },
        defaultCacheBehavior: { viewerProtocolPolicy: "allow-all" },
      }),
  ],
  [
    "cloudfront-tls",
    (stack) =>
      stack.add("aws:cloudfront/distribution:Distribution", "default", {
        viewerCertificate: { cloudfrontDefaultCertificate: true },
        defaultCacheBehavior: { viewerProtocolPolicy: "https-only" },
        orderedCacheBehaviors: [{ viewerProtocolPolicy: "allow-all" }],
      }),
  ],
  ["certificate-by-dns", (stack) => stack.set("certificate", "web-certificate", "validationMethod", "EMAIL")],
  ["log-retention", (stack) => stack.set("logGroup", "database-postgresql", "retentionInDays", 0)],
  ["log-retention", (stack) => stack.set("logGroup", "network-flow-logs", "retentionInDays", undefined)],
];

import { Mutant, MutableStack, PolicyStatement } from "../mutant";

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

/** Demands another value of one more claim, and nothing else but audience and subject. */
const claim = (role: string, name: string, value: unknown) =>
  github(
    {
      StringLike: { [`${GITHUB}:${name}`]: value },
      StringEquals: {
        [`${GITHUB}:aud`]: "sts.amazonaws.com",
        [`${GITHUB}:sub`]: "repo:example/iaso:environment:infrastructure-prod",
      },
    },
    role,
  );

const STRANGERS_KEY = "arn:aws:kms:eu-central-1:999999999999:key/0a1b2c3d";
const egress = (change: Record<string, unknown>) => (stack: MutableStack) => {
  Object.assign(stack.get("egress", "web-to-internet-443").inputs, change);
};
/** Lets another group in. */
const from = (name: string, group: string) => (stack: MutableStack) => {
  const rule = stack.get("ingress", name);
  rule.propertyDependencies = {
    ...rule.propertyDependencies,
    referencedSecurityGroupId: [stack.get("group", group).urn],
  };
};
const opens = (stack: MutableStack, group: string) =>
  stack.add(
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
    "open",
    { cidrIpv4: "0.0.0.0/0", fromPort: 80, toPort: 80, ipProtocol: "tcp" },
    { propertyDependencies: { securityGroupId: [stack.get("group", group).urn] } },
  );
const ci = (sid: string, change: (statement: PolicyStatement) => object) => (stack: MutableStack) =>
  stack.statement("rolePolicy", "ci-up", sid, (one) => ({ ...one, ...change(one) }));
const preview = (statement: object) => (stack: MutableStack) => {
  return stack.allow("rolePolicy", "ci-preview", statement);
};
const attach = (arn: string) => (stack: MutableStack) => {
  return stack.set("roleAttachment", "database-monitoring", "policyArn", arn);
};

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
    "no-inline-security-rules",
    (stack) =>
      stack.add("aws:ec2/securityGroup:SecurityGroup", "open", {
        name: "open",
        ingress: [{ cidrBlocks: ["0.0.0.0/0"], fromPort: 22, toPort: 22, protocol: "tcp" }],
        tags: {},
      }),
  ],
  ["subnet-without-public-ip", (s) => s.set("subnet", "network-private-0", "mapPublicIpOnLaunch", true)],
  ["no-open-ingress", ingress("database-from-web-5432", { cidrIpv4: "[unknown]" })],
  ["no-open-ingress", ingress("database-from-web-5432", { toPort: "[unknown]" })],
  [
    "no-open-ingress",
    ingress("database-from-web-5432", { ipProtocol: "all", fromPort: undefined, toPort: undefined }),
  ],
  [
    "no-open-ingress",
    ingress("database-from-web-5432", { prefixListId: "pl-1", referencedSecurityGroupId: undefined }),
  ],
  ["no-open-ingress", ingress("load-balancer-from-internet-443", { ipProtocol: "-1" })],
  [
    "no-open-ingress",
    (stack) => {
      stack.set("group", "web", "name", "iaso-web-load-balancer");
      ingress("web-from-load-balancer-80", { cidrIpv4: "0.0.0.0/0" })(stack);
    },
  ],
  [
    "no-open-ingress",
    (stack) => {
      stack.set("group", "worker", "name", "iaso-load-balancer");
      opens(stack, "worker");
    },
  ],
  [
    "no-inline-security-rules",
    (s) =>
      s.set("group", "web", "ingress", [
        { securityGroups: ["sg-1"], fromPort: 0, toPort: 0, protocol: "-1" },
      ]),
  ],
  [
    "no-inline-security-rules",
    (s) => s.set("group", "database", "ingress", [{ prefixListIds: ["pl-1"], fromPort: 5432, toPort: 5432 }]),
  ],
  [
    "no-inline-security-rules",
    (s) => s.set("defaultGroup", "network", "ingress", [{ cidrBlocks: ["0.0.0.0/0"], protocol: "-1" }]),
  ],
  ["no-inline-security-rules", (s) => s.set("group", "worker", "egress", [{ protocol: "-1" }])],
  ["no-wide-egress", egress({ ipProtocol: "-1", fromPort: undefined, toPort: undefined })],
  ["no-wide-egress", egress({ toPort: 65535 })],
  ["stores-behind-instances", from("database-from-web-5432", "load-balancer")],
  ["stores-behind-instances", from("enketo-redis-from-enketo-6379", "enketo-load-balancer")],
  [
    "stores-behind-instances",
    (stack) => {
      const { urn } = stack.get("group", "load-balancer");
      stack.get("database", "database").propertyDependencies = { vpcSecurityGroupIds: [urn] };
    },
  ],
  ["stores-behind-instances", (s) => (s.get("redis", "enketo-main").propertyDependencies = {})],
  [
    "subnet-without-public-ip",
    (s) => s.set("subnet", "network-private-0", "assignIpv6AddressOnCreation", true),
  ],
  ["address-for-nat-only", (stack) => stack.set("eip", "network-nat-0", "instance", "i-0123456789")],
  ["address-for-nat-only", (stack) => stack.set("eip", "network-nat-0", "networkInterface", "[unknown]")],
  ["account-named", (stack) => stack.set("provider", "aws", "allowedAccountIds", undefined)],
  // What roles may
  ["no-administrator", allow({ Action: "*" })],
  ["no-administrator", allow({ Action: ["*:*"], Resource: ["*"] })],
  ["no-administrator", allow({ Action: undefined, NotAction: "iam:CreateUser" })],
  ["no-administrator", allow({ Action: "*", Resource: undefined, NotResource: "arn:aws:s3:::x" })],
  ["no-administrator", allow({ Action: "**", Resource: "**" })],
  [
    "role-policies-apart",
    (stack) =>
      stack.set("role", "web", "inlinePolicies", [
        {
          name: "all",
          policy: '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}',
        },
      ]),
  ],
  ["no-administrator", allow({ Action: "*", Resource: "arn:aws:*" })],
  ["no-administrator", allow({ Action: Array.from("abcdefghijklmnopqrstuvwxyz", (letter) => `${letter}*`) })],
  ["no-privilege-escalation", allow({ Action: "ssm:SendCommand" })],
  ["no-privilege-escalation", allow({ Action: "iam:*", Resource: "arn:*:iam::*" })],
  ["no-privilege-escalation", allow({ Action: "iam:CreateOpenIDConnectProvider" })],
  ["no-privilege-escalation", ci("ManageRolesUnderBoundary", () => ({ Condition: undefined }))],
  ["no-privilege-escalation", ci("PassRolesToTheirServices", () => ({ Condition: undefined }))],
  [
    "no-privilege-escalation",
    ci("ManageRolesUnderBoundary", () => ({
      Condition: { StringLike: { "iam:PermissionsBoundary": "arn:aws:iam::*:policy/*" } },
    })),
  ],
  [
    "no-privilege-escalation",
    ci("PassRolesToTheirServices", ({ Condition }) => ({
      Condition: { StringEqualsIfExists: Condition?.StringEquals },
    })),
  ],
  [
    "no-self-escalation",
    (s) =>
      s.statements("rolePolicy", "ci-up", (all) => all.filter(({ Sid }) => Sid !== "NeverTouchOwnPower")),
  ],
  [
    "no-self-escalation",
    ci("NeverTouchOwnPower", () => ({ Condition: { Bool: { "aws:MultiFactorAuthPresent": "false" } } })),
  ],
  [
    "no-self-escalation",
    (stack) =>
      stack.allow("rolePolicy", "web", {
        Action: "iam:Put*",
        Resource: `arn:aws:iam::123456789012:role/${stack.get("role", "web").inputs.name as string}`,
      }),
  ],
  [
    "no-self-escalation",
    (stack) =>
      stack.allow("rolePolicy", "ci-deploy", {
        Action: "iam:CreatePolicyVersion",
        Resource: `arn:aws:iam::123456789012:policy/${stack.get("policy", "permissions-boundary").inputs.name as string}`,
      }),
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
    "role-policies-apart",
    (s) => s.set("role", "web", "managedPolicyArns", ["arn:aws:iam::aws:policy/PowerUserAccess"]),
  ],
  ["no-broad-managed-policy", attach("arn:aws:iam::aws:policy/ReadOnlyAccess")],
  ["no-broad-managed-policy", attach("arn:aws:iam::aws:policy/SecretsManagerReadWrite")],
  ["no-broad-managed-policy", attach("arn:aws:iam::123456789012:policy/made-by-hand")],
  ["no-broad-managed-policy", attach("arn:aws:iam::999999999999:policy/iaso-prod-boundary")],
  ["no-broad-managed-policy", attach("[unknown]")],
  ["role-policies-apart", (stack) => stack.set("role", "web", "managedPolicyArns", "[unknown]")],
  ["instance-roles-narrow", allow({ Action: "s3:*" })],
  ["instance-roles-narrow", allow({ Action: ["ssm:GetParameter"] })],
  ["instance-roles-narrow", allow({ Action: "ssm:Get*", Resource: "arn:aws:ssm:*:*:parameter/*" })],
  ["instance-roles-narrow", allow({ Action: "secretsmanager:GetSecretValue" })],
  ["instance-roles-narrow", allow({ Action: undefined, NotAction: "iam:*" })],
  ["instance-roles-narrow", allow({ Action: "s3:GetObject", Resource: "arn:aws:s3:::*/*" })],
  // Who takes roles
  ["role-trust-closed", trust("web", { Principal: { Federated: "accounts.google.com" } })],
  ["role-trust-closed", trust("web", { Principal: { Service: "lambda.amazonaws.com" } })],
  [
    "role-trust-closed",
    trust("ci-up", { Principal: { Federated: "arn:aws:iam::123456789012:oidc-provider/gitlab.com" } }),
  ],
  [
    "role-trust-closed",
    trust("ci-up", { Principal: { Federated: `arn:aws:iam::999999999999:oidc-provider/${GITHUB}` } }),
  ],
  [
    "role-trust-closed",
    (stack) =>
      stack.statements(
        "role",
        "ci-up",
        (all) => [
          ...all,
          { Effect: "Allow", Principal: { Service: "ec2.amazonaws.com" }, Action: "sts:AssumeRole" },
        ],
        "assumeRolePolicy",
      ),
  ],
  ["role-trust-closed", (stack) => stack.set("role", "web", "assumeRolePolicy", "[unknown]")],
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
  [
    "oidc-trust",
    github({
      StringEquals: {
        [`${GITHUB}:aud`]: ["sts.amazonaws.com", "https://github.com/example"],
        [`${GITHUB}:sub`]: "repo:example/iaso:environment:prod",
      },
    }),
  ],
  ["oidc-trust", subject("repo:example/iaso:*", "ci-deploy", "StringLike")],
  ["oidc-trust", subject("repo:example/*:environment:prod", "ci-deploy", "StringLike")],
  ["oidc-trust", subject("repo:*:environment:prod", "ci-deploy", "StringLike")],
  ["oidc-trust", subject(["repo:example/iaso:environment:prod", "*"], "ci-deploy", "StringLike")],
  ["oidc-trust", subject("repo:example/iaso:environment:prod", "ci-deploy", "StringEqualsIfExists")],
  ["oidc-trust", subject("repo:example/iaso:environment:prod", "ci-deploy", "StringNotEquals")],
  ["oidc-trust", subject("repo:example/iaso:ref:refs/heads/*", "ci-up", "StringLike")],
  ["oidc-trust", subject("repo:example@12/iaso:environment:prod")],
  ["oidc-trust", subject("repo:example@*/iaso@*:environment:prod", "ci-deploy", "StringLike")],
  ["oidc-ids", subject("repo:example/iaso:environment:prod")],
  ["oidc-ids", subject(["repo:a@1/b@2:environment:prod", "repo:example/iaso:environment:prod"])],
  // A GitHub environment alone, as everyone who can push a branch can name it.
  ["oidc-workflow", subject("repo:example/iaso:environment:prod")],
  ["oidc-workflow", subject("repo:example/iaso-on-aws:environment:infrastructure-prod", "ci-up")],
  ["oidc-workflow", claim("ci-up", "ref", "refs/heads/*")],
  ["oidc-workflow", claim("ci-up", "ref", ["refs/heads/main", "*"])],
  ["oidc-workflow", claim("ci-deploy", "job_workflow_ref", "*")],
  ["oidc-workflow", claim("ci-deploy", "job_workflow_ref", "example/*/.github/workflows/deploy.yml@*")],
  // Whoever can push a branch, or has a fork, writes the workflow.
  ["oidc-workflow", claim("ci-deploy", "job_workflow_ref", "example/iaso/.github/workflows/deploy.yml@*")],
  [
    "oidc-workflow",
    claim("ci-deploy", "job_workflow_ref", "example/iaso/.github/workflows/deploy.yml@refs/heads/*"),
  ],
  [
    "oidc-workflow",
    claim("ci-deploy", "job_workflow_ref", `example/iaso/.github/workflows/deploy.yml@${"0".repeat(40)}`),
  ],
  ["oidc-workflow", claim("ci-deploy", "workflow", "deploy")],
  ["oidc-one-role", subject("repo:example@1234/iaso-on-aws@5678:ref:refs/heads/main", "ci-up")],
  ["oidc-one-role", subject("repo:example@1234/iaso-on-aws@5678:pull_request", "ci-deploy")],
  ["oidc-one-owner", subject("repo:stranger/iaso:environment:prod")],
  ["oidc-one-owner", subject("repo:stranger@12/iaso@34:environment:prod")],
  ["pull-requests-read-only", subject("repo:example/iaso:pull_request", "ci-up")],
  ["pull-requests-read-only", subject("repo:example/iaso:pull_request")],
  [
    "pull-requests-read-only",
    (stack) => stack.allow("rolePolicy", "ci-preview", { Action: "ssm:Get*", Resource: "*" }),
  ],
  ["oidc-one-owner", subject(["repo:example/iaso:environment:prod", "repo:stranger/iaso:environment:prod"])],
  ["pull-requests-read-only", preview({ Action: "s3:GetObject", Resource: "*" })],
  ["pull-requests-read-only", preview({ Action: ["kms:Decrypt", "lambda:InvokeFunction"], Resource: "*" })],
  ["pull-requests-read-only", preview({ Action: "rds:CreateDBSnapshot", Resource: "*" })],
  ["pull-requests-read-only", preview({ NotAction: "iam:*", Resource: "*" })],
  [
    "pull-requests-read-only",
    preview({
      Action: "s3:PutObject",
      Resource: "arn:aws:s3:::elasticbeanstalk-eu-central-1-123456789012/*",
    }),
  ],
  [
    "pull-requests-read-only",
    (s) =>
      s.statements("rolePolicy", "ci-preview", (all) => all.filter(({ Sid }) => Sid !== "NeverReadContents")),
  ],
  [
    "pull-requests-read-only",
    (stack) =>
      stack.allow("rolePolicy", "ci-preview", {
        Action: "ssm:GetParameter",
        Resource: "arn:aws:ssm:eu-central-1:123456789012:parameter/iaso-secrets/prod/SECRET_KEY",
      }),
  ],
  [
    "pull-requests-read-only",
    (stack) =>
      stack.add("aws:iam/rolePolicyAttachment:RolePolicyAttachment", "x", {
        role: stack.get("role", "ci-preview").inputs.name,
        policyArn: "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore",
      }),
  ],
  [
    "pull-requests-read-only",
    (stack) =>
      stack.add(
        "aws:iam/rolePolicy:RolePolicy",
        "x",
        {
          role: "[unknown]",
          policy: '{"Statement":{"Effect":"Allow","Action":"rds:DeleteDBInstance","Resource":"*"}}',
        },
        { propertyDependencies: { role: [stack.get("role", "ci-preview").urn] } },
      ),
  ],
  ["pull-requests-read-only", (stack) => stack.set("rolePolicy", "ci-preview", "policy", "[unknown]")],
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
    "redis-encrypted-in-transit",
    (stack) =>
      stack.add("aws:elasticache/replicationGroup:ReplicationGroup", "other", {
        replicationGroupId: "other",
        atRestEncryptionEnabled: true,
        transitEncryptionEnabled: true,
        transitEncryptionMode: "preferred",
      }),
  ],
  [
    "cloudfront-tls",
    (stack) =>
      stack.add("aws:cloudfront/distribution:Distribution", "plain-origin", {
        viewerCertificate: { minimumProtocolVersion: "TLSv1.2_2021" },
        defaultCacheBehavior: { viewerProtocolPolicy: "https-only" },
        origins: [
          { customOriginConfig: { originProtocolPolicy: "http-only", originSslProtocols: ["TLSv1.2"] } },
        ],
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
  [
    "cloudfront-origin",
    (stack) =>
      stack.add("aws:cloudfront/distribution:Distribution", "elsewhere", {
        origins: [{ domainName: "scripts.s3.eu-central-1.amazonaws.com" }],
      }),
  ],
  [
    "cloudfront-origin",
    (stack) =>
      stack.add("aws:cloudfront/distribution:Distribution", "media", {
        origins: [{ domainName: `${stack.bucket("media")}.s3.eu-central-1.amazonaws.com` }],
      }),
  ],
  [
    "cloudfront-origin",
    (stack) =>
      stack.add(
        "aws:cloudfront/distribution:Distribution",
        "unknown",
        { origins: [{ domainName: "[unknown]" }] },
        { propertyDependencies: { origins: [stack.get("bucket", "media").urn] } },
      ),
  ],
  ["own-keys", (stack) => stack.set("queue", "tasks", "kmsMasterKeyId", STRANGERS_KEY)],
  ["own-keys", (stack) => stack.set("database", "database", "kmsKeyId", STRANGERS_KEY)],
  [
    "own-keys",
    (stack) =>
      stack.set("encryption", "media", "rules", [
        { applyServerSideEncryptionByDefault: { sseAlgorithm: "aws:kms", kmsMasterKeyId: STRANGERS_KEY } },
      ]),
  ],
  ["certificate-by-dns", (stack) => stack.set("certificate", "web-certificate", "validationMethod", "EMAIL")],
  ["log-retention", (stack) => stack.set("logGroup", "database-postgresql", "retentionInDays", 0)],
  ["log-retention", (stack) => stack.set("logGroup", "network-flow-logs", "retentionInDays", undefined)],
];

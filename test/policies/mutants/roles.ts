import type { Mutant, MutableStack, PolicyStatement } from "../mutant";

const ACCOUNT = "123456789012";
const arn = (service: string, resource: string) => `arn:aws:${service}:eu-central-1:${ACCOUNT}:${resource}`;
const grant =
  (role: string, Action: string | string[], Resource: string | string[]) => (stack: MutableStack) =>
    stack.allow("rolePolicy", role, { Sid: "Mutant", Action, Resource });
const bucketOf = (stack: MutableStack, name: string) => `arn:aws:s3:::${stack.bucket(name)}`;
const widen =
  (Action: string, Resource = "*") =>
  (stack: MutableStack) =>
    stack.allow("policy", "permissions-boundary", { Sid: "Mutant", Action, Resource });
const trust = (role: string, Condition: PolicyStatement["Condition"]) => (stack: MutableStack) =>
  stack.statements("role", role, (all) => all.map((one) => ({ ...one, Condition })), "assumeRolePolicy");
const attach = (role: string, policyArn: string) => (stack: MutableStack) =>
  stack.add("aws:iam/rolePolicyAttachment:RolePolicyAttachment", "mutant", {
    role: stack.get("role", role).inputs.name,
    policyArn,
  });
const unscoped = (policy: string, sid: string) => (stack: MutableStack) =>
  stack.statement("policy", policy, sid, (one) => ({ ...one, Condition: undefined }));
const withoutBoundary = (role: string) => (stack: MutableStack) => {
  const { inputs, propertyDependencies = {} } = stack.get("role", role);
  delete inputs.permissionsBoundary;
  delete propertyDependencies.permissionsBoundary;
};
const boundary = (role: string, value: string) => (stack: MutableStack) => {
  withoutBoundary(role)(stack);
  stack.set("role", role, "permissionsBoundary", value);
};

export const roles: Mutant[] = [
  // Boundaries
  ...["web", "worker", "enketo", "beanstalk-service", "database-monitoring"].map((role): Mutant => [
    "role-under-boundary",
    withoutBoundary(role),
  ]),
  ["role-under-boundary", boundary("web", "arn:aws:iam::aws:policy/AdministratorAccess")],
  ["role-under-boundary", boundary("web", `arn:aws:iam::${ACCOUNT}:policy/somebody-elses`)],
  ["boundary-narrow", widen("s3:*")],
  ["boundary-narrow", widen("*")],
  ["boundary-narrow", widen("ssm:Get*")],
  ["boundary-narrow", widen("iam:PassRole")],
  ["boundary-narrow", widen("ec2:RunInstances")],
  ["boundary-narrow", widen("secretsmanager:GetSecretValue")],
  ["boundary-narrow", widen("elasticbeanstalk:UpdateEnvironment")],
  // Code and static files
  [
    "code-by-deployers",
    (s) => grant("web", "s3:PutObject", `${bucketOf(s, "static")}/*`)(widenTo(s, "static")),
  ],
  [
    "code-by-deployers",
    (s) => grant("worker", "s3:DeleteObject", `${bucketOf(s, "artifacts")}/*`)(widenTo(s, "artifacts")),
  ],
  ["code-by-deployers", grant("web", "elasticbeanstalk:CreateApplicationVersion", "*")],
  ["code-by-deployers", (s) => grant("ci-up", "s3:PutObject", `${bucketOf(s, "static")}/*`)(s)],
  [
    "code-by-deployers",
    (s) => grant("ci-deploy", "s3:PutObject", `${bucketOf(s, "artifacts")}/restores/*`)(s),
  ],
  ["code-by-deployers", (s) => grant("ci-up", "s3:PutObject", `${bucketOf(s, "artifacts")}/bundles/*`)(s)],
  ["code-by-deployers", (s) => grant("ci-deploy", "s3:PutObject", `${bucketOf(s, "artifacts")}/*`)(s)],
  // Secrets
  [
    "secrets-of-own-variables",
    grant("enketo", "ssm:GetParameter", arn("ssm", "parameter/iaso-secrets/prod/SECRET_KEY")),
  ],
  ["secrets-of-own-variables", grant("web", "ssm:GetParameter", arn("ssm", "parameter/iaso-secrets/prod/*"))],
  [
    "secrets-of-own-variables",
    grant("web", "ssm:GetParametersByPath", arn("ssm", "parameter/iaso-secrets/prod")),
  ],
  [
    "secrets-of-own-variables",
    grant("web", "ssm:GetParameter", arn("ssm", "parameter/iaso-secrets/other/SECRET_KEY")),
  ],
  [
    "secrets-of-own-variables",
    grant("worker", "secretsmanager:GetSecretValue", arn("secretsmanager", "secret:a")),
  ],
  ["no-broad-managed-policy", attach("web", "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore")],
  [
    "no-broad-managed-policy",
    attach(
      "beanstalk-service",
      "arn:aws:iam::aws:policy/AWSElasticBeanstalkManagedUpdatesCustomerRolePolicy",
    ),
  ],
  // Power
  ...[
    "iam:UpdateAssumeRolePolicy",
    "iam:CreateRole",
    "iam:PutRolePermissionsBoundary",
    "kms:CreateGrant",
    "cloudtrail:StopLogging",
    "organizations:*",
    "lambda:CreateFunction",
    // Retention of no backups, policies that open a bucket or a queue, and what can be another's.
    "rds:ModifyDBInstance",
    "s3:PutBucketPolicy",
    "s3:PutBucketPublicAccessBlock",
    "sqs:SetQueueAttributes",
    "cloudfront:UpdateOriginAccessControl",
    "cloudfront:CreateDistribution",
    "acm:RequestCertificate",
  ].map((action): Mutant => ["administrators-changes", grant("ci-up", action, arn("x", "iaso-prod-a"))]),
  ...["s3:PutBucketPolicy", "rds:ModifyDBInstance", "iam:PutRolePolicy", "route53:*"].map(
    (action): Mutant => ["provisioners-only", grant("ci-deploy", action, arn("x", "iaso-prod-a"))],
  ),
  ["provisioners-only", grant("web", "sqs:SetQueueAttributes", arn("sqs", "iaso-prod-tasks"))],
  // Other environments
  // A rehearsal deletes copies only, and never opens one.
  ["administrators-changes", grant("ci-rehearse", "rds:DeleteDBInstance", arn("rds", "db:iaso-prod"))],
  ["administrators-changes", grant("ci-rehearse", "rds:DeleteDBInstance", arn("rds", "db:iaso-prod-*"))],
  ["administrators-changes", grant("ci-rehearse", "rds:Delete*", arn("rds", "*"))],
  ["provisioners-only", grant("ci-rehearse", "rds:ModifyDBInstance", arn("rds", "db:iaso-prod-rehearsal-*"))],
  [
    "code-by-deployers",
    (s) => grant("ci-rehearse", "s3:PutObject", `${bucketOf(s, "artifacts")}/bundles/*`)(s),
  ],
  ["own-environment-only", grant("ci-deploy", "s3:PutObject", "arn:aws:s3:::example-iaso-*")],
  ["own-environment-only", grant("ci-up", "sqs:DeleteQueue", arn("sqs", "iaso-*"))],
  ["own-environment-only", grant("ci-up", "rds:DeleteDBInstance", arn("rds", "db:*"))],
  [
    "own-environment-only",
    grant(
      "ci-deploy",
      "autoscaling:*",
      arn("autoscaling", "autoScalingGroup:*:autoScalingGroupName/awseb-e-*"),
    ),
  ],
  [
    "own-environment-only",
    grant(
      "ci-deploy",
      "elasticloadbalancing:ModifyListener",
      arn("elasticloadbalancing", "listener/app/awseb-*"),
    ),
  ],
  [
    "own-environment-only",
    grant("ci-deploy", "s3:PutObject", `arn:aws:s3:::elasticbeanstalk-eu-central-1-${ACCOUNT}/*`),
  ],
  ["own-environment-only", unscoped("ci-deploy-beanstalk", "UpdateStacks")],
  ["own-environment-only", unscoped("ci-deploy-beanstalk", "ChangeGroups")],
  ["own-environment-only", unscoped("ci-deploy-instances", "ChangeLaunchTemplates")],
  ["own-environment-only", unscoped("ci-deploy-instances", "StopOwnInstances")],
  ["own-environment-only", unscoped("ci-up-network", "DeleteNetwork")],
  // Strangers
  ["tag-own-only", grant("ci-up", "acm:AddTagsToCertificate", arn("acm", "certificate/*"))],
  ["tag-own-only", grant("ci-up", "ec2:CreateTags", arn("ec2", "*"))],
  ["tag-own-only", grant("ci-deploy", "elasticloadbalancing:AddTags", arn("elasticloadbalancing", "*"))],
  ["tag-own-only", unscoped("ci-up-web", "ManageDistributions")],
  ["tag-own-only", unscoped("ci-deploy-beanstalk", "UpdateStacks")],
  // Documents and trust
  ["valid-sids", (s) => s.statements("rolePolicy", "web", (all) => [...all, ...all.slice(0, 1)])],
  [
    "valid-sids",
    (s) => s.allow("rolePolicy", "web", { Sid: "not valid", Action: "ec2:DescribeTags", Resource: "*" }),
  ],
  ["service-trust-source", trust("database-monitoring", undefined)],
  [
    "service-trust-source",
    trust("database-monitoring", { StringEquals: { "aws:SourceAccount": "999999999999" } }),
  ],
  ["service-trust-source", trust("beanstalk-service", undefined)],
];

/** Lets the boundary allow writing in a bucket, so that only the role limits it. */
function widenTo(stack: MutableStack, bucket: string): MutableStack {
  return stack.allow("policy", "permissions-boundary", {
    Sid: "Mutant",
    Action: ["s3:PutObject", "s3:DeleteObject"],
    Resource: `${bucketOf(stack, bucket)}/*`,
  });
}

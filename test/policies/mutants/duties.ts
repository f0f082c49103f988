import type { Kind, Mutant, MutableStack, PolicyStatement } from "../mutant";

const arn = (service: string, resource: string) => `arn:aws:${service}:eu-central-1:123456789012:${resource}`;
const env = (stack: MutableStack) => (stack.get("role", "web").inputs.tags as { env: string }).env;

/** Grants more to a role. */
const grants = (
  role: string,
  Action: unknown,
  Resource: string | ((stack: MutableStack) => string),
  more: Partial<PolicyStatement> = {},
): Mutant => [
  "role-duties",
  (stack) =>
    stack.allow("rolePolicy", role, {
      Action,
      Resource: typeof Resource === "string" ? Resource : Resource(stack),
      ...more,
    }),
];

/** Edits a statement. */
const edits = (
  rule: string,
  kind: Kind,
  name: string,
  sid: string,
  change: (one: PolicyStatement, stack: MutableStack) => Partial<PolicyStatement>,
): Mutant => [
  rule,
  (stack) => stack.statement(kind, name, sid, (one) => ({ ...one, ...change(one, stack) })),
];
const ofRole = (role: string, sid: string, change: Parameters<typeof edits>[4]) =>
  edits("role-duties", "rolePolicy", role, sid, change);
const ofUp = (part: string, sid: string, change: Parameters<typeof edits>[4]) =>
  edits("role-duties", "policy", `ci-up-${part}`, sid, change);
const ofBoundary = (boundary: string, sid: string, change: Parameters<typeof edits>[4]) =>
  edits("boundary-duties", "policy", boundary, sid, change);

const list = (value: unknown): string[] => (Array.isArray(value) ? (value as string[]) : [String(value)]);
const unconditional = () => ({ Condition: undefined });

/** Lets more in by the policy of a resource. */
const opens = (kind: Kind, name: string, statement: Omit<PolicyStatement, "Effect">): Mutant => [
  "access-duties",
  (stack) => stack.allow(kind, name, statement),
];

const NOBODY = { assumeRolePolicy: `{"Version":"2012-10-17","Statement":[]}` };

/** Permissions beyond the duty of a role, a boundary or a resource's policy. */
export const duties: Mutant[] = [
  // Instances: other actions on what they use, other resources for what they do
  grants("web", "sqs:PurgeQueue", (s) => arn("sqs", `iaso-${env(s)}-tasks`)),
  grants("web", ["SQS:ReceiveMessage"], (s) => arn("sqs", `iaso-${env(s)}-tasks`)),
  grants("web", "rds-db:connect", "*"),
  grants("web", "s3:GetObjec?", (s) => `arn:aws:s3:::${s.bucket("logs")}/*`),
  grants("web", "s3:getobjectversion", (s) => `arn:aws:s3:::${s.bucket("media")}/*`),
  grants("enketo", "s3:GetObject", (s) => `arn:aws:s3:::${s.bucket("media")}/*`),
  grants("enketo", "s3:GetObject", (s) => `arn:aws:s3:::${s.bucket("media").replace("media", "m?dia")}/*`),
  grants("worker", "ssm:GetParameter", (s) => arn("ssm", `parameter/iaso-secrets/${env(s)}*`)),
  grants("worker", "dynamodb:Scan", arn("dynamodb", "table/*")),
  grants("web", "s3:GetObject", "", { Resource: undefined, NotResource: "arn:aws:s3:::x/*" }),
  grants("web", "", "*", { Action: undefined, NotAction: "iam:*" }),
  ofRole("web", "UseMedia", ({ Action }) => ({ Action: [...list(Action), "s3:PutObjectAcl"] })),
  ofRole("web", "UseMedia", ({ Action }) => ({ Action: [...list(Action), "s3:DeleteObjectVersion"] })),
  ofRole("web", "UseMedia", ({ Resource }) => ({
    Resource: [...list(Resource), "arn:aws:s3:::example-iaso-other-media/*"],
  })),
  ofRole("web", "FetchPackages", ({ Action }) => ({ Action: [...list(Action), "s3:PutObject"] })),
  ofRole("worker", "FetchPackages", (_, s) => ({ Resource: `arn:aws:s3:::${s.bucket("artifacts")}/*` })),
  ofRole("web", "PublishMetrics", unconditional),
  ofRole("web", "PublishMetrics", () => ({
    Condition: { StringEquals: { "cloudwatch:namespace": ["CWAgent", "AWS/RDS"] } },
  })),
  ofRole("web", "PublishMetrics", () => ({
    Condition: { StringEqualsIfExists: { "cloudwatch:namespace": "CWAgent" } },
  })),
  ofRole("web", "PublishMetrics", () => ({ Condition: { StringLike: { "cloudwatch:namespace": "*" } } })),
  ofRole("web", "FindManifest", () => ({ Condition: { StringLike: { "s3:prefix": "*" } } })),
  // Roles of services
  ofRole("network-flow-logs", "WriteFlowLogs", () => ({ Resource: "*" })),
  ofRole("network-flow-logs", "WriteFlowLogs", ({ Action }) => ({
    Action: [...list(Action), "logs:DeleteLogStream"],
  })),
  // Roles of workflows
  ofRole("ci-deploy", "PassInstanceRoles", unconditional),
  ofRole("ci-deploy", "PassInstanceRoles", (_, s) => ({
    Resource: `arn:aws:iam::123456789012:role/iaso-${env(s)}-*`,
  })),
  ofRole("ci-deploy", "UpdateEnvironments", ({ Action }) => ({
    Action: [...list(Action), "elasticbeanstalk:TerminateEnvironment"],
  })),
  ofRole("ci-deploy", "UpdateEnvironments", ({ Resource }, s) => ({
    Resource: [...list(Resource), arn("elasticbeanstalk", `environment/iaso-${env(s)}-enketo/*`)],
  })),
  ofRole("ci-deploy", "LookAtRestores", ({ Resource }, s) => ({
    Resource: [...list(Resource), `arn:aws:s3:::${s.bucket("logs")}/*`],
  })),
  ofRole("ci-rehearse", "TagAndDeleteCopies", ({ Action }) => ({
    Action: [...list(Action), "rds:CreateDBSnapshot"],
  })),
  ofUp("network", "StartBuilderFromPublicImage", unconditional),
  ofUp("network", "StartBuilderFromPublicImage", () => ({ Condition: { Bool: { "ec2:Public": "false" } } })),
  ofUp("network", "DeleteNetwork", ({ Condition }) => ({
    Condition: { StringEqualsIfExists: Condition?.StringEquals ?? {} },
  })),
  ofUp("storage", "ManageOtherBuckets", ({ Resource }, s) => ({
    Resource: [...list(Resource), `arn:aws:s3:::${s.bucket("media")}`],
  })),
  ofUp("storage", "ManageQueues", ({ Action }) => ({ Action: [...list(Action), "sqs:ReceiveMessage"] })),
  ofUp("web", "ManageRecords", ({ Condition }) => ({
    Condition: {
      ...Condition,
      "ForAllValues:StringLike": { "route53:ChangeResourceRecordSetsNormalizedRecordNames": "*" },
    },
  })),
  // Roles without a duty
  [
    "role-duties",
    (stack) =>
      stack.add("aws:iam/role:Role", "ops", {
        name: `iaso-${env(stack)}-ops`,
        tags: { env: env(stack) },
        ...NOBODY,
      }),
  ],
  ["role-duties", (stack) => stack.set("role", "web", "name", "web")],
  ["role-duties", (stack) => stack.set("rolePolicy", "web", "role", `iaso-${env(stack)}-enketo`)],
  // Boundaries
  ofBoundary("permissions-boundary", "OwnSecrets", () => ({
    Resource: arn("ssm", "parameter/iaso-secrets/*"),
  })),
  ofBoundary("permissions-boundary", "OwnSecrets", () => ({
    Resource: undefined,
    NotResource: arn("ssm", "parameter/iaso-secrets/other/*"),
  })),
  ofBoundary("permissions-boundary", "DecryptOwnSecrets", unconditional),
  ofBoundary("permissions-boundary", "Media", () => ({ Resource: "arn:aws:s3:::*media/*" })),
  ofBoundary("permissions-boundary", "Tasks", () => ({ Resource: arn("sqs", "*") })),
  ofBoundary("permissions-boundary", "Tasks", ({ Action }) => ({
    Action: [...list(Action), "sqs:PurgeQueue"],
  })),
  ofBoundary("service-permissions-boundary", "WriteLogs", () => ({ Resource: "*" })),
  [
    "boundary-duties",
    (stack) =>
      stack.add("aws:iam/policy:Policy", "spare", {
        name: `iaso-${env(stack)}-spare`,
        policy: '{"Statement":[]}',
      }),
  ],
  [
    "boundary-duties",
    (stack) =>
      stack.set("policy", "permissions-boundary", "policy", {
        Version: "2012-10-17",
        Statement: { Effect: "Allow", Action: "s3:GetObject", Resource: "*" },
      }),
  ],
  // Policies of resources
  opens("bucketPolicy", "media", {
    Principal: { Service: "cloudfront.amazonaws.com" },
    Action: "s3:GetObject",
    Resource: "*",
    Condition: { StringEquals: { "aws:SourceAccount": "123456789012" } },
  }),
  opens("bucketPolicy", "media", {
    Principal: { AWS: "arn:aws:iam::123456789012:role/reports" },
    Action: "s3:GetObject",
    Resource: "*",
  }),
  opens("bucketPolicy", "artifacts", {
    NotPrincipal: { AWS: "arn:aws:iam::123456789012:root" },
    Action: "s3:GetObject",
    Resource: "*",
  }),
  opens("queuePolicy", "tasks", {
    Principal: { Service: ["events.amazonaws.com"] },
    Action: "sqs:SendMessage",
    Resource: "*",
    Condition: { StringEquals: { "aws:SourceAccount": "123456789012" } },
  }),
  edits("access-duties", "bucketPolicy", "logs", "LoadBalancersWriteAccessLogs", () => ({ Action: "s3:*" })),
  edits("access-duties", "bucketPolicy", "logs", "LoadBalancersWriteAccessLogs", unconditional),
  edits("access-duties", "topicPolicy", "alarms", "AlarmsPublish", () => ({
    Principal: { Service: "events.amazonaws.com" },
  })),
  edits("access-duties", "topicPolicy", "alarms", "AlarmsPublish", ({ Action }) => ({
    Action: [...list(Action), "sns:Subscribe"],
  })),
];

/** The same for the KMS key and the backups that only prod has. */
export const dutiesOfProd: Mutant[] = [
  edits("key-policy-narrow", "key", "encryption-key", "StoresEncrypt", ({ Action }) => ({
    Action: [...list(Action), "kms:CreateGrant"],
  })),
  edits("key-policy-narrow", "key", "encryption-key", "AlarmsPublish", () => ({ Action: "kms:*" })),
  [
    "key-policy-narrow",
    (stack) =>
      stack.allow("key", "encryption-key", {
        Principal: { Service: "lambda.amazonaws.com" },
        Action: "kms:Decrypt",
        Resource: "*",
        Condition: { StringEquals: { "aws:SourceAccount": "123456789012" } },
      }),
  ],
  ofRole("backup", "ReadAndRestoreObjects", ({ Action }) => ({
    Action: [...list(Action), "s3:DeleteObjectVersion"],
  })),
  ofRole("backup", "LetServicesUseKeys", () => ({
    Condition: { Bool: { "kms:GrantIsForAWSResource": "false" } },
  })),
  ofBoundary("backup-boundary", "ReadAndRestoreObjects", () => ({ Resource: "arn:aws:s3:::*/*" })),
  ofBoundary("permissions-boundary", "Encryption", ({ Condition }) => ({
    Condition: { "ForAllValues:StringEquals": Condition?.["ForAnyValue:StringEquals"] ?? {} },
  })),
  ofBoundary("permissions-boundary", "Encryption", ({ Condition }) => ({
    Condition: {
      ...Condition,
      StringEquals: {},
      StringEqualsIfExists: Condition?.StringEquals ?? {},
    },
  })),
];

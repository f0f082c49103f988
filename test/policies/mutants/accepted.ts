import { Kind, Mutant, MutableStack, PolicyStatement } from "../mutant";

/*
 * Edits that the pack accepted from engineers who had not read its rules, each with other shapes of the same mistake.
 */

type Condition = PolicyStatement["Condition"];

/** Edits the condition of a statement of a managed policy. */
const condition = (policy: string, sid: string, value: Condition): Mutant => [
  "tags-exact",
  (stack) => stack.statement("policy", policy, sid, (one) => ({ ...one, Condition: value })),
];

const set = (rule: string, kind: Kind, name: string, property: string, value: unknown): Mutant => [
  rule,
  (stack) => stack.set(kind, name, property, value),
];

/** Edits the lifecycle rules of a bucket. */
const lifecycle = (
  rule: string,
  bucket: string,
  edit: (rules: Record<string, unknown>[]) => void,
): Mutant => [
  rule,
  (stack) => {
    edit(stack.get("lifecycle", bucket).inputs.rules as Record<string, unknown>[]);
  },
];

const LIFECYCLE = { serviceRole: "arn:aws:iam::123456789012:role/iaso-beanstalk-service" };
const secret = (stack: MutableStack, name: string): string => {
  const { tags } = stack.get("queue", "tasks").inputs as { tags: { env: string } };
  return `arn:aws:ssm:eu-central-1:123456789012:parameter/iaso-secrets/${tags.env}/${name}`;
};

/** Lets a role read parameters. */
const reads = (role: string, Action: unknown, name: string): Mutant => [
  "secrets-by-instances",
  (stack) => stack.allow("rolePolicy", role, { Sid: "Added", Action, Resource: secret(stack, name) }),
];

/** Lets the version of Enketo name the bundle of the first version of Iaso, or the other way around. */
const bundleOf = (version: string, other: string, linked: boolean): Mutant => [
  "version-own-bundle",
  (stack) => {
    const [one, its] = [stack.get("version", version), stack.get("version", other)];
    one.inputs.key = its.inputs.key;
    if (linked) one.propertyDependencies = its.propertyDependencies;
  },
];

export const accepted: Mutant[] = [
  condition("ci-up-network", "TagOwn", { StringLike: { "aws:ResourceTag/env": "prod*" } }),
  condition("ci-up-network", "TagOwn", { StringLikeIfExists: { "aws:ResourceTag/env": ["staging", "*"] } }),
  condition("ci-up-network", "EndBuild", { "ForAnyValue:StringLike": { "aws:resourcetag/ENV": "?rod" } }),
  condition("ci-up-network", "DeleteNetwork", { StringNotEquals: { "aws:ResourceTag/env": "other" } }),
  condition("ci-up-web", "ManageCertificates", { StringLike: { "aws:ResourceTag/env": "*" } }),
  condition("ci-up-web", "ManageDistributions", { StringLike: { "aws:ResourceTag/project": "?*" } }),
  condition("ci-up-network", "CreateNetwork", { StringNotLikeIfExists: { "aws:RequestTag/env": "a*" } }),
  lifecycle("logs-expire", "logs", ([rule]) => Object.assign(rule ?? {}, { expiration: { days: 30 } })),
  lifecycle("logs-expire", "logs", ([rule]) => Object.assign(rule ?? {}, { expiration: { days: "89" } })),
  lifecycle("logs-expire", "logs", (rules) =>
    rules.push({ id: "a", status: "Enabled", filter: { prefix: "web/" }, expiration: { days: 1 } }),
  ),
  lifecycle("lifecycle-whole", "media", (rules) => {
    for (const rule of rules) rule.id = "rule";
  }),
  lifecycle("lifecycle-whole", "static", (rules) => rules.push({ ...rules[0], status: "Disabled" })),
  lifecycle("lifecycle-whole", "artifacts", (rules) => rules.push({ ...rules[1] })),
  bundleOf("enketo", "first-version", false),
  bundleOf("enketo", "first-version", true),
  bundleOf("first-version", "enketo", true),
  set("versions-kept", "application", "iaso", "appversionLifecycle", {
    ...LIFECYCLE,
    maxCount: 200,
    deleteSourceFromS3: true,
  }),
  set("versions-kept", "application", "iaso", "appversionLifecycle", { ...LIFECYCLE, maxCount: 5 }),
  set("versions-kept", "application", "iaso", "appversionLifecycle", { ...LIFECYCLE, maxAgeInDays: "1" }),
  set("versions-kept", "application", "enketo", "appversionLifecycle", {
    ...LIFECYCLE,
    maxAgeInDays: 365,
    deleteSourceFromS3: "true",
  }),
  set("redis-tls-agrees", "redis", "enketo-main", "transitEncryptionEnabled", true),
  set("redis-tls-agrees", "redis", "enketo-cache", "transitEncryptionEnabled", "true"),
  [
    "redis-tls-agrees",
    (stack) =>
      stack.option(
        "enketo",
        "elasticbeanstalk:application:environmentsecrets/ENKETO_REDIS_AUTH_TOKEN",
        secret(stack, "ENKETO_REDIS_AUTH_TOKEN"),
      ),
  ],
  [
    "redis-tls-agrees",
    (stack) => {
      const address = stack.get("redis", "enketo-main").outputs?.primaryEndpointAddress as string;
      stack.option(
        "enketo",
        "elasticbeanstalk:application:environment/ENKETO_REDIS_MAIN_URL",
        `rediss://${address}:6379`,
      );
    },
  ],
  set("bucket-versioning", "versioning", "media", "versioningConfiguration", {
    status: "Enabled",
    mfaDelete: "Enabled",
  }),
  set("bucket-versioning", "versioning", "artifacts", "versioningConfiguration", {
    status: "Enabled",
    mfaDelete: "enabled",
  }),
  reads("ci-deploy", "ssm:GetParameter", "RDS_PASSWORD"),
  reads("ci-deploy", "ssm:Get*", "*"),
  reads("ci-deploy", ["ssm:GetParameterHistory"], "SECRET_*"),
  reads("ci-up", "ssm:GetParameters", "SECRET_KEY"),
  reads("ci-preview", "ssm:GetParameter*", "ENKETO_API_TOKEN"),
];

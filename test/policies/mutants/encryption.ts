import { Kind, Mutant, MutableStack, PolicyStatement, set, without } from "../mutant";

const KEY = "encryption-key";
const ACCOUNT = "123456789012";

/** Adds a statement to the key policy. */
const keyAllows = (statement: Omit<PolicyStatement, "Effect">): Mutant => [
  "key-policy-narrow",
  (stack) => stack.allow("key", KEY, { Sid: "Added", Resource: "*", ...statement }),
];

/** Edits a statement of the key policy. */
const keyStatement = (
  rule: string,
  sid: string,
  edit: (statement: PolicyStatement) => PolicyStatement,
): Mutant => [rule, (stack) => stack.statement("key", KEY, sid, edit)];

/** Leaves a statement of the key policy out. */
const keyWithout = (rule: string, sid: string): Mutant => [
  rule,
  (stack) => stack.statements("key", KEY, (all) => all.filter(({ Sid }) => Sid !== sid)),
];

/** Sets an option of a resource. */
const option = (kind: Kind, name: string, options: object): Mutant => [
  "key-kept",
  (stack) => Object.assign(stack.get(kind, name), options),
];

const VIA = { "kms:CallerAccount": ACCOUNT, "kms:ViaService": "rds.eu-central-1.amazonaws.com" };
const OTHER_KEY = `arn:aws:kms:eu-central-1:210987654321:key/01234567-89ab-cdef-0123-456789abcdef`;

/** Writes a property as the program would without the key: neither value nor dependency. */
const unlink = (stack: MutableStack, kind: Kind, name: string, property: string, value: unknown): void => {
  const resource = stack.get(kind, name);
  resource.inputs[property] = value;
  delete resource.propertyDependencies?.[property];
};

const unencrypted = (kind: Kind, name: string, property: string, value?: unknown): Mutant => [
  "stores-use-key",
  (stack) => {
    unlink(stack, kind, name, property, value);
  },
];

const keyOfOthers = (kind: Kind, name: string, property: string, value: unknown): Mutant => [
  "references-own",
  (stack) => {
    unlink(stack, kind, name, property, value);
  },
];

/** Changes one value of the condition of a statement of the key policy. */
const via = (sid: string, services: string[]): Mutant =>
  keyStatement("stores-use-key", sid, (one) => ({
    ...one,
    Condition: {
      ...one.Condition,
      StringEquals: {
        ...one.Condition?.StringEquals,
        "kms:ViaService": services.map((service) => `${service}.eu-central-1.amazonaws.com`),
      },
    },
  }));

const s3With = (encryption: object) => [
  { applyServerSideEncryptionByDefault: encryption, blockedEncryptionTypes: ["SSE-C"] },
];

/** Edits the statement with which a role uses the key. */
const use = (role: string, sid: string, edit: (statement: PolicyStatement) => PolicyStatement): Mutant => [
  "keys-of-own-data",
  (stack) => stack.statement("rolePolicy", role, sid, edit),
];

const withCondition = (condition: PolicyStatement["Condition"]) => (one: PolicyStatement) => ({
  ...one,
  Condition: condition,
});

/** Edits of a stack with a KMS key of its own: prod. */
export const encryption: Mutant[] = [
  // The services of stores can use it, and no others in their own name
  via("StoresEncrypt", ["rds"]),
  via("StoresEncrypt", ["elasticache"]),
  via("StoresCreateGrants", ["rds"]),
  via("StoresCreateGrants", []),
  keyWithout("stores-use-key", "StoresEncrypt"),
  keyWithout("stores-use-key", "StoresCreateGrants"),
  keyStatement("stores-use-key", "StoresEncrypt", (one) => ({ ...one, Action: "kms:Decrypt" })),
  set("stores-use-key", "database", "database", "performanceInsightsKmsKeyId", "alias/aws/rds"),
  set("stores-use-key", "database", "database", "performanceInsightsKmsKeyId", OTHER_KEY),
  keyAllows({
    Principal: { Service: ["lambda.amazonaws.com"] },
    Action: "kms:Decrypt",
    Condition: { StringEquals: { "aws:SourceAccount": ACCOUNT } },
  }),
  keyAllows({
    Principal: { Service: "logs.eu-west-1.amazonaws.com" },
    Action: "kms:Decrypt",
    Condition: { StringEquals: { "aws:SourceAccount": ACCOUNT } },
  }),
  set("key-kept", "key", KEY, "enableKeyRotation", false),
  set("key-kept", "key", KEY, "enableKeyRotation", undefined),
  set("key-kept", "key", KEY, "rotationPeriodInDays", 2560),
  set("key-kept", "key", KEY, "deletionWindowInDays", 7),
  set("key-kept", "key", KEY, "deletionWindowInDays", "7"),
  set("key-kept", "key", KEY, "isEnabled", false),
  set("key-kept", "key", KEY, "multiRegion", true),
  set("key-kept", "key", KEY, "bypassPolicyLockoutSafetyCheck", true),
  set("key-kept", "key", KEY, "customerMasterKeySpec", "RSA_4096"),
  set("key-kept", "key", KEY, "keyUsage", "SIGN_VERIFY"),
  option("key", KEY, { protect: false }),
  option("key", KEY, { retainOnDelete: false }),
  option("keyAlias", KEY, { protect: undefined }),
  option("keyAlias", KEY, { retainOnDelete: false }),
  set("key-policy-narrow", "key", KEY, "policy", undefined),
  keyAllows({ Principal: "*", Action: "kms:Decrypt" }),
  keyAllows({
    Principal: { AWS: "*" },
    Action: "kms:Decrypt",
    Condition: { StringEquals: { "kms:CallerAccount": ACCOUNT } },
  }),
  keyAllows({ Principal: { AWS: "*" }, Action: "kms:*", Condition: { StringEquals: VIA } }),
  keyAllows({ Principal: { AWS: ["*"] }, Action: "kms:CreateGrant", Condition: { StringEquals: VIA } }),
  keyAllows({
    Principal: { AWS: "*" },
    Action: "kms:Decrypt",
    Condition: { StringLike: { ...VIA, "kms:ViaService": "*.amazonaws.com" } },
  }),
  keyAllows({
    Principal: { AWS: "*" },
    Action: "kms:Decrypt",
    Condition: { StringEquals: { ...VIA, "kms:ViaService": "lambda.eu-central-1.amazonaws.com" } },
  }),
  keyAllows({
    Principal: { AWS: "*" },
    Action: "kms:Decrypt",
    Condition: {
      StringNotEquals: { "kms:CallerAccount": "210987654321" },
      StringEquals: { "kms:ViaService": VIA["kms:ViaService"] },
    },
  }),
  keyAllows({ Principal: { AWS: "arn:aws:iam::210987654321:root" }, Action: "kms:Decrypt" }),
  keyAllows({
    Principal: { AWS: `arn:aws:iam::${ACCOUNT}:role/iaso-prod-ci-up` },
    Action: "kms:PutKeyPolicy",
  }),
  keyAllows({
    Principal: { AWS: `arn:aws:iam::${ACCOUNT}:role/iaso-prod-web` },
    Action: ["kms:Decrypt", "kms:Schedule*"],
  }),
  keyAllows({ Principal: { Service: "lambda.amazonaws.com" }, Action: "kms:Decrypt" }),
  keyAllows({ NotPrincipal: { AWS: `arn:aws:iam::${ACCOUNT}:root` }, Action: "kms:Decrypt" }),
  keyAllows({
    Principal: { Service: "logs.eu-central-1.amazonaws.com" },
    Action: "kms:*",
    Condition: { StringEquals: { "aws:SourceAccount": ACCOUNT } },
  }),
  keyWithout("key-policy-narrow", "NoRoleOfGitHubAdministers"),
  keyStatement("key-policy-narrow", "NoRoleOfGitHubAdministers", (one) => ({
    ...one,
    Action: "kms:DisableKey",
  })),
  keyStatement(
    "key-policy-narrow",
    "NoRoleOfGitHubAdministers",
    withCondition({ ArnEquals: { "aws:PrincipalArn": `arn:aws:iam::${ACCOUNT}:role/iaso-prod-ci-up` } }),
  ),
  keyWithout("key-policy-narrow", "AccountDelegatesToIam"),
  keyStatement("key-policy-narrow", "AlarmsPublish", (one) => ({ ...one, Condition: undefined })),
  keyStatement("key-policy-narrow", "LogsEncrypt", (one) => ({ ...one, Condition: undefined })),
  keyStatement(
    "key-policy-narrow",
    "LogsEncrypt",
    withCondition({ ArnLike: { "kms:EncryptionContext:aws:logs:arn": "arn:aws:logs:*:*:*" } }),
  ),
  keyWithout("alarms-reach-people", "AlarmsPublish"),
  keyStatement("alarms-reach-people", "AlarmsPublish", (one) => ({ ...one, Action: "kms:GenerateDataKey*" })),
  keyWithout("logs-use-key", "LogsEncrypt"),
  keyStatement(
    "logs-use-key",
    "LogsEncrypt",
    withCondition({
      ArnLike: {
        "kms:EncryptionContext:aws:logs:arn": `arn:aws:logs:eu-central-1:${ACCOUNT}:log-group:/iaso/prod/*`,
      },
    }),
  ),
  unencrypted("database", "database", "kmsKeyId"),
  unencrypted("redis", "enketo-main", "kmsKeyId"),
  unencrypted("redis", "enketo-cache", "kmsKeyId"),
  unencrypted("queue", "tasks", "kmsMasterKeyId", "alias/aws/sqs"),
  unencrypted("queue", "tasks-dead-letters", "kmsMasterKeyId"),
  unencrypted("topic", "alarms", "kmsMasterKeyId"),
  unencrypted("logGroup", "network-flow-logs", "kmsKeyId"),
  unencrypted("logGroup", "database-postgresql", "kmsKeyId"),
  unencrypted("encryption", "media", "rules", s3With({ sseAlgorithm: "AES256" })),
  unencrypted("encryption", "media", "rules", s3With({ sseAlgorithm: "aws:kms" })),
  unencrypted("encryption", "static", "rules", s3With({ sseAlgorithm: "aws:kms" })),
  unencrypted("encryption", "logs", "rules", s3With({ sseAlgorithm: "aws:kms:dsse" })),
  keyOfOthers("database", "database", "kmsKeyId", OTHER_KEY),
  keyOfOthers("database", "database", "performanceInsightsKmsKeyId", OTHER_KEY),
  keyOfOthers("redis", "enketo-main", "kmsKeyId", OTHER_KEY.replace("210987654321", ACCOUNT)),
  keyOfOthers("queue", "tasks", "kmsMasterKeyId", "alias/iaso-staging"),
  keyOfOthers("topic", "alarms", "kmsMasterKeyId", OTHER_KEY),
  keyOfOthers("logGroup", "database-upgrade", "kmsKeyId", OTHER_KEY),
  keyOfOthers("encryption", "media", "rules", s3With({ sseAlgorithm: "aws:kms", kmsMasterKeyId: OTHER_KEY })),
  keyOfOthers("keyAlias", KEY, "targetKeyId", "01234567-89ab-cdef-0123-456789abcdef"),
  without("references-own", "keyAlias", KEY),
  use("web", "EncryptMediaAndTasks", withCondition(undefined)),
  use("web", "EncryptMediaAndTasks", (one) => ({
    ...one,
    Action: "kms:*",
    Condition: { StringEquals: one.Condition?.StringEquals ?? {} },
  })),
  use("worker", "EncryptMediaAndTasks", (one) => ({
    ...one,
    Condition: {
      ...one.Condition,
      "ForAnyValue:StringEquals": { "kms:ResourceAliases": "alias/iaso-staging" },
    },
  })),
  use("worker", "EncryptMediaAndTasks", (one) => ({
    ...one,
    Condition: {
      ...one.Condition,
      "ForAnyValue:StringEquals": undefined,
      "ForAnyValue:StringLike": { "kms:ResourceAliases": "*" },
    } as unknown as Record<string, Record<string, unknown>>,
  })),
  use("enketo", "DecryptOwnSecrets", (one) => ({
    ...one,
    Condition: { "ForAnyValue:StringEquals": { "kms:ResourceAliases": "alias/iaso-prod" } },
  })),
  [
    "administrators-changes",
    (stack) => stack.allow("rolePolicy", "ci-up", { Action: "kms:UpdateAlias", Resource: "*" }),
  ],
  [
    "administrators-changes",
    (stack) => stack.allow("rolePolicy", "ci-up", { Action: "kms:Delete*", Resource: "*" }),
  ],
];

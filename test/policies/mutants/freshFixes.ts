import { Mutant, MutableStack, option, set, without } from "../mutant";

/** The edits that an engineer wrote who had not read the rules, and that the pack accepted at first. */

const parameter = (name: string, value: string): Mutant => [
  "database-parameters",
  (stack) => {
    const { inputs } = stack.get("parameterGroup", "database");
    return stack.set("parameterGroup", "database", "parameters", [
      ...(inputs.parameters as object[]),
      { name, value },
    ]);
  },
];

/** Replaces a text in the Compose file of Enketo's bundle. */
const compose = (rule: string, from: RegExp, to: string): Mutant => [
  rule,
  (stack) => {
    const { source } = stack.get("object", "enketo-bundle").inputs as {
      source: { assets: Record<string, { text: string }> };
    };
    const file = source.assets["docker-compose.yml"];
    if (file !== undefined) file.text = file.text.replace(from, to);
  },
];

const document = (
  kind: "bucketPolicy" | "policy",
  name: string,
  edit: (document: Record<string, unknown>) => object,
): Mutant => [
  "valid-documents",
  (stack) => {
    const { policy } = stack.get(kind, name).inputs as { policy: string };
    return stack.set(
      kind,
      name,
      "policy",
      JSON.stringify(edit(JSON.parse(policy) as Record<string, unknown>)),
    );
  },
];

const setting = (edit: (stack: MutableStack, settings: object[]) => void): Mutant => [
  "environment-values",
  (stack) => {
    edit(stack, stack.get("environment", "web").inputs.settings as object[]);
  },
];

const allow = (
  rule: string,
  kind: "policy" | "rolePolicy",
  name: string,
  Action: string,
  Resource: string,
): Mutant => [rule, (stack) => stack.allow(kind, name, { Action, Resource })];

export const freshFixes: Mutant[] = [
  set("database-values", "database", "database", "iops", 4000),
  set("database-values", "database", "database", "storageThroughput", 600),
  set("database-values", "database", "database", "networkType", "DUAL"),
  set("database-values", "database", "database", "username", "rdsadmin"),
  set("database-values", "database", "database", "dbName", "iaso-db"),
  set("database-version", "database", "database", "autoMinorVersionUpgrade", "false"),
  set("database-logs", "database", "database", "enabledCloudwatchLogsExports", ["postgresql"]),
  set("database-logs", "database", "database", "enabledCloudwatchLogsExports", ["postgresql", "slowquery"]),
  parameter("autovacuum", "0"),
  parameter("fsync", "off"),
  parameter("full_page_writes", "0"),
  parameter("synchronous_commit", "off"),
  set("redis-values", "redis", "enketo-main", "snapshotWindow", "04:00-05:00"),
  [
    "queue-values",
    (stack) =>
      stack
        .set("queue", "tasks", "sqsManagedSseEnabled", true)
        .set("queue", "tasks", "kmsMasterKeyId", "alias/aws/sqs"),
  ],
  set("vpc-whole", "vpc", "network", "enableDnsSupport", "false"),
  set("vpc-whole", "vpc", "network", "instanceTenancy", "dedicated"),
  set("dns-own-names", "record", "web", "ttl", 60),
  set("dns-own-names", "record", "mail-spf", "records", ["v=spf1 include:mailgun.org ~all", "v=spf1 -all"]),
  set("certificates-fit", "certificate", "web-certificate", "options", {
    certificateTransparencyLoggingPreference: "DISABLED",
  }),
  [
    "bucket-cors",
    (stack) =>
      stack.set("cors", "media", "corsRules", [
        { allowedMethods: ["get"], allowedOrigins: ["https://iaso.example.org"] },
      ]),
  ],
  compose("objects-in-artifacts", /image: \S+/, "image: enketo/enketo-express:latest"),
  compose("objects-in-artifacts", /image: \S+/, "image: enketo/enketo-express"),
  compose("objects-in-artifacts", /image: \S+/, "image: example.org:5000/enketo/enketo-express"),
  compose("objects-in-artifacts", /image: \S+/, "image: 'example.org/enketo:4.1.1'"),
  compose("variables-agree", /80:8005/, "8080:8005"),

  // A known ARN with the dependencies of another output, as `arn.apply(() => "...")` has.
  set(
    "role-under-boundary",
    "role",
    "worker",
    "permissionsBoundary",
    "arn:aws:iam::aws:policy/AdministratorAccess",
  ),
  set("role-under-boundary", "role", "web", "permissionsBoundary", undefined),
  set(
    "no-broad-managed-policy",
    "roleAttachment",
    "ci-deploy-beanstalk",
    "policyArn",
    "arn:aws:iam::aws:policy/AdministratorAccess",
  ),
  set("role-values", "role", "ci-up", "maxSessionDuration", 50_000),
  set("role-values", "role", "ci-up", "maxSessionDuration", 900),
  set("role-values", "role", "web", "path", "/admin/"),
  [
    "role-trust-closed",
    (stack) =>
      stack.statements(
        "role",
        "web",
        (all) =>
          all.map((one) => ({ ...one, Principal: { Service: "ec2.amazonaws.com", AWS: "123456789012" } })),
        "assumeRolePolicy",
      ),
  ],
  [
    "pull-requests-read-only",
    (stack) =>
      stack.allow("rolePolicy", "ci-preview", {
        Action: "s3:GetObject",
        Resource: `arn:aws:s3:::${stack.bucket("artifacts")}/*`,
      }),
  ],
  allow("provisioners-only", "rolePolicy", "ci-deploy", "rds:DeleteDBSnapshot", "*"),
  allow("administrators-changes", "policy", "ci-up-storage", "rds:DeleteDBInstance", "*"),
  allow("administrators-changes", "policy", "ci-up-storage", "rds:DeleteDBInstanceAutomatedBackup", "*"),
  allow("administrators-changes", "policy", "ci-up-storage", "rds:ModifyDBSnapshotAttribute", "*"),
  document("bucketPolicy", "media", (one) => ({ ...one, Version: "2012-10-18" })),
  document("policy", "ci-deploy-instances", (one) => ({ ...one, Version: "2008-10-17" })),
  document("policy", "ci-deploy-instances", (one) => ({ ...one, Version: undefined })),
  [
    "valid-documents",
    (stack) => stack.statement("rolePolicy", "web", "SendTasks", (one) => ({ ...one, Resource: undefined })),
  ],
  option("options-decided", "web", "ec2:instances/EnableSpot", "true"),
  setting((_, settings) => {
    settings.push({
      namespace: "aws:ec2:vpc",
      name: "AssociatePublicIpAddress",
      resource: "AWSEBAutoScalingGroup",
      value: "true",
    });
  }),
  setting((stack) => {
    stack.set(
      "environment",
      "web",
      "platformArn",
      "arn:aws:elasticbeanstalk:eu-central-1::platform/Docker/4.13.9",
    );
  }),
  without("references-own", "redisSubnets", "enketo"),
];

export const freshFixesOfProd: Mutant[] = [
  set("database-values", "database", "database", "availabilityZone", "eu-central-1a"),
  [
    "cloudfront-whole",
    (stack) => stack.set("distribution", "static", "loggingConfig", { bucket: "example.s3.amazonaws.com" }),
  ],
];

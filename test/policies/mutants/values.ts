import { Mutant, MutableStack, option, set, without } from "../mutant";

const variable = (rule: string, environment: string, name: string, value: string | undefined): Mutant =>
  option(rule, environment, `elasticbeanstalk:application:environment/${name}`, value);

const database = (property: string, value: unknown): Mutant =>
  set("database-values", "database", "database", property, value);

const redis = (property: string, value: unknown): Mutant =>
  set("redis-values", "redis", "enketo-main", property, value);

/** Sets a parameter of PostgreSQL. */
const parameter = (name: string, value: string): Mutant => [
  "database-parameters",
  (stack) => {
    const { inputs } = stack.get("parameterGroup", "database");
    const others = (inputs.parameters as { name: string }[]).filter((one) => one.name !== name);
    inputs.parameters = [...others, { name, value }];
    return stack;
  },
];

const environment = (name: string, value: string | undefined): Mutant =>
  option("environment-values", "web", name, value);
const decided = (where: string, name: string, value: string | undefined): Mutant =>
  option("options-decided", where, name, value);

/** Adds a record in the zone of the others. */
const record = (inputs: Record<string, unknown>): Mutant => [
  "dns-own-names",
  (stack) =>
    stack.add("aws:route53/record:Record", "added", {
      zoneId: stack.get("record", "web").inputs.zoneId,
      ttl: 300,
      type: "CNAME",
      ...inputs,
    }),
];

/** Edits the alias of a record. */
const alias = (
  name: string,
  edit: (alias: Record<string, unknown>, stack: MutableStack) => object,
): Mutant => [
  "dns-own-names",
  (stack) => {
    const { inputs } = stack.get("record", name);
    const [first = {}] = inputs.aliases as Record<string, unknown>[];
    inputs.aliases = [{ ...first, ...edit(first, stack) }];
    return stack;
  },
];

/** Edits the parameter of the deploy tool. */
const deployment = (field: string, value: unknown): Mutant => [
  "deployment-own",
  (stack) => {
    const { inputs } = stack.get("parameter", "deployment");
    const fields = JSON.parse(inputs.insecureValue as string) as Record<string, unknown>;
    return stack.set(
      "parameter",
      "deployment",
      "insecureValue",
      JSON.stringify({ ...fields, [field]: value }),
    );
  },
];

const redirect = (edit: object): Mutant => [
  "redirects-whole",
  (stack) =>
    stack.set("listener", "web-redirect-to-https", "defaultActions", [
      { type: "redirect", redirect: { port: "443", protocol: "HTTPS", statusCode: "HTTP_301", ...edit } },
    ]),
];

const GIB_TOO_MANY = 100_000;

export const values: Mutant[] = [
  variable("variables-pass-compose", "enketo", "ENKETO_APP_NAME", "Forms $for Iaso"),
  variable("variables-pass-compose", "enketo", "ENKETO_APP_NAME", '"Enketo" for Iaso'),
  variable("variables-pass-compose", "enketo", "ENKETO_APP_NAME", "Enketo #1"),
  database("instanceClass", "db.t4g.large2"),
  database("instanceClass", undefined),
  database("allocatedStorage", 5),
  database("allocatedStorage", GIB_TOO_MANY),
  database("maxAllocatedStorage", 10),
  database("maxAllocatedStorage", undefined),
  database("maxAllocatedStorage", GIB_TOO_MANY),
  database("storageType", "standard"),
  database("backupWindow", "02:30-03:30"),
  database("backupWindow", "01:00-01:10"),
  database("backupWindow", "1am"),
  database("maintenanceWindow", "sun:01:30-sun:03:00"),
  database("maintenanceWindow", "sunday"),
  database("maintenanceWindow", undefined),
  database("engineVersion", "15"),
  database("backupRetentionPeriod", 90),
  database("monitoringInterval", 7),
  database("performanceInsightsRetentionPeriod", 8),
  database("caCertIdentifier", "rds-ca-2019"),
  database("finalSnapshotIdentifier", "iaso--final"),
  database("copyTagsToSnapshot", false),
  set("database-values", "parameterGroup", "database", "family", "postgres15"),
  set("no-foreign-data", "database", "database", "snapshotIdentifier", "somebodys-snapshot"),
  set("no-foreign-data", "database", "database", "replicateSourceDb", "other"),
  set("no-foreign-data", "database", "database", "restoreToPointInTime", {
    sourceDbInstanceIdentifier: "other",
  }),
  set("no-foreign-data", "database", "database", "s3Import", { bucketName: "other" }),
  set("no-foreign-data", "redis", "enketo-main", "snapshotArns", ["arn:aws:s3:::other/dump.rdb"]),
  set("no-foreign-data", "redis", "enketo-main", "snapshotName", "other"),
  set("no-foreign-data", "redis", "enketo-main", "globalReplicationGroupId", "other"),
  parameter("log_statement", "all"),
  parameter("log_min_duration_statement", "0"),
  parameter("password_encryption", "md5"),
  parameter("ssl_min_protocol_version", "TLSv1"),
  parameter("rds.log_retention_period", "1"),
  parameter("rds.accepted_password_auth_method", "md5+scram"),
  parameter("log statement", "none"),
  set("database-parameters", "parameterGroup", "database", "family", "mysql8.0"),
  redis("engine", "memcached"),
  redis("engineVersion", "5.0.6"),
  redis("engineVersion", "6.2"),
  redis("nodeType", "cache.t4g.nano"),
  redis("parameterGroupName", "default.redis6.x"),
  redis("numCacheClusters", 7),
  redis("numCacheClusters", 0),
  redis("maintenanceWindow", "sun:04:30-sun:04:45"),
  redis("autoMinorVersionUpgrade", false),
  redis("autoMinorVersionUpgrade", undefined),
  redis("port", 6380),
  redis("securityGroupNames", ["default"]),
  set("redis-values", "redis", "enketo-cache", "automaticFailoverEnabled", true),
  set("redis-values", "redis", "enketo-cache", "multiAzEnabled", true),
  set("redis-values", "redisParameters", "enketo-cache", "family", "redis6.x"),
  variable("database-variables", "web", "RDS_PORT", "5433"),
  variable("database-variables", "worker", "RDS_DB_NAME", "postgres"),
  variable("database-variables", "web", "RDS_USERNAME", "postgres"),
  option("tls-policy", "web", "elbv2:listener:443/SSLPolicy", "ELBSecurityPolicy-TLS13-1-2-2021-07"),
  ["bucket-parts-apart", (stack) => stack.set("bucket", "media", "accelerationStatus", "Enabled")],
  ["bucket-class-fits", (stack) => stack.variable("ARTIFACTS_BUCKET", "somebody-elses-code")],
  ["bucket-class-fits", (stack) => stack.variable("ARTIFACTS_BUCKET", stack.bucket("static"))],
  decided("web", "autoscaling:launchconfiguration/RootVolumeSize", "8"),
  decided("web", "autoscaling:launchconfiguration/InstanceType", "t4g.large"),
  decided("web", "autoscaling:launchconfiguration/RootVolumeType", "standard"),
  decided("web", "ec2:instances/InstanceTypes", "t4g.large"),
  decided("enketo", "ec2:instances/InstanceTypes", undefined),
  decided("web", "ec2:instances/SupportedArchitectures", "arm64"),
  decided("enketo", "elasticbeanstalk:command/DeploymentPolicy", "AllAtOnce"),
  decided("web", "elasticbeanstalk:command/Timeout", "60"),
  decided("web", "autoscaling:updatepolicy:rollingupdate/RollingUpdateEnabled", "false"),
  decided("web", "autoscaling:updatepolicy:rollingupdate/RollingUpdateType", "Time"),
  decided("web", "autoscaling:asg/MinSize", "0"),
  decided("web", "elasticbeanstalk:managedactions/ManagedActionsEnabled", "true"),
  decided("web", "elasticbeanstalk:healthreporting:system/HealthCheckSuccessThreshold", "Severe"),
  decided("web", "elasticbeanstalk:environment:process:default/Port", "8000"),
  decided("web", "elasticbeanstalk:environment:process:default/Protocol", "HTTPS"),
  decided("web", "elasticbeanstalk:environment:process:default/MatcherHTTPCode", "200-499"),
  decided("enketo", "elasticbeanstalk:environment:process:default/HealthCheckPath", ""),
  decided("web", "elbv2:listener:443/DefaultProcess", "other"),
  decided("web", "elasticbeanstalk:environment:proxy/ProxyServer", "none"),
  decided("worker", "elasticbeanstalk:sqsd/MimeType", "text/plain"),
  decided("worker", "elasticbeanstalk:sqsd/HttpConnections", "0"),
  decided("worker", "elasticbeanstalk:sqsd/ErrorVisibilityTimeout", undefined),
  environment("elasticbeanstalk:environment:process:default/HealthCheckTimeout", "60"),
  environment("elasticbeanstalk:environment:process:default/HealthCheckInterval", "5"),
  environment("elasticbeanstalk:environment:process:default/HealthCheckInterval", "300"),
  environment("autoscaling:trigger/LowerThreshold", "90"),
  environment("elasticbeanstalk:healthreporting:system/ConfigDocument", "*"),
  set("role-fits", "environment", "worker", "version", undefined),
  without("role-fits", "parameter", "deployment"),
  set("role-fits", "parameter", "deployment", "name", "/iaso/other/deployment"),
  environment("autoscaling:trigger/UpperThreshold", "100"),
  environment("autoscaling:trigger/UpperThreshold", "10"),
  environment("autoscaling:trigger/Unit", "Bytes"),
  environment("autoscaling:trigger/MeasureName", "NetworkOut"),
  environment("autoscaling:trigger/Statistic", "Minimum"),
  environment("autoscaling:trigger/UpperBreachScaleIncrement", "-1"),
  environment("autoscaling:trigger/LowerBreachScaleIncrement", "1"),
  environment("autoscaling:trigger/BreachDuration", "600"),
  environment("elasticbeanstalk:command/BatchSize", "200"),
  environment("elasticbeanstalk:container:tomcat:jvmoptions/Xmx", "1g"),
  environment("elasticbeanstalk:environment:proxy:staticfiles//static", "."),
  environment("autoscaling:scheduledaction/MinSize", "1"),
  [
    "environment-values",
    (stack) =>
      stack
        .option("web", "elasticbeanstalk:command/BatchSizeType", "Fixed")
        .option("web", "elasticbeanstalk:command/BatchSize", "50"),
  ],
  [
    "environment-values",
    (stack) => Object.assign(stack.get("environment", "web").inputs.tags as object, { Name: "iaso" }),
  ],
  [
    "environment-values",
    (stack) =>
      Object.assign(stack.get("environment", "web").inputs.tags as object, { "elasticbeanstalk:x": "y" }),
  ],
  set("environment-values", "environment", "worker", "cnamePrefix", "iaso-worker"),
  set("environment-values", "environment", "web", "cnamePrefix", undefined),
  set("environment-values", "environment", "web", "cnamePrefix", "Iaso_Web"),
  set("environment-values", "environment", "web", "waitForReadyTimeout", "1s"),
  [
    "role-fits",
    (stack) =>
      stack.set(
        "environment",
        "enketo",
        "solutionStackName",
        "64bit Amazon Linux 2023 v4.13.9 running Python 3.13",
      ),
  ],
  option("role-fits", "enketo", "autoscaling:launchconfiguration/ImageId", "ami-0123456789abcdef0"),
  [
    "role-fits",
    (stack) =>
      stack.set("environment", "enketo", "application", stack.get("environment", "web").inputs.application),
  ],
  [
    "role-fits",
    (stack) => stack.set("environment", "web", "version", stack.get("environment", "enketo").inputs.version),
  ],
  [
    "role-fits",
    (stack) =>
      stack.set("version", "enketo", "application", stack.get("environment", "web").inputs.application),
  ],
  variable("variables-agree", "web", "DNS_DOMAIN", "example.com"),
  variable("variables-agree", "web", "AWS_S3_REGION_NAME", "us-east-1"),
  variable("variables-agree", "worker", "BEANSTALK_SQS_REGION", "us-east-1"),
  variable("variables-agree", "web", "SENTRY_ENVIRONMENT", "prod/web"),
  variable("variables-agree", "web", "DJANGO_SETTINGS_MODULE", "other.settings"),
  variable("variables-agree", "web", "EMAIL_PORT", "25"),
  variable("variables-agree", "enketo", "PORT", "80"),
  variable("variables-agree", "enketo", "ENKETO_LINKED_FORM_AND_DATA_SERVER_SERVER_URL", "example.com"),
  record({ name: "*.iaso.example.org", records: ["mailgun.org"] }),
  record({ name: "shop.example.org", records: ["shops.example.com"] }),
  record({ name: "example.org", type: "NS", records: ["ns.example.com"] }),
  record({ name: "example.org", type: "TXT", records: ["google-site-verification=x"] }),
  record({ name: "x.example.org", type: "TXT", records: ["v=spf1 +all"] }),
  record({ name: "x.example.org", type: "TXT", records: ["v=spf1 include:mailgun.org ?all"] }),
  record({ name: "x.example.org", type: "TXT", records: ["v=spf1 include:example.com ~all"] }),
  record({ name: "x.example.org", type: "TXT", records: ["v=spf1 a mx ~all"] }),
  record({ name: "x.example.org", type: "MX", records: ["10 mail.example.com"] }),
  record({ name: "x.example.org", type: "A", records: ["203.0.113.7"] }),
  record({ name: "x.example.org", type: "CAA", records: ['0 issue "example.com"'] }),
  record({ name: "x.example.org", records: ["eu.mailgun.org"], allowOverwrite: true }),
  record({ name: "x.example.org", records: ["eu.mailgun.org"], zoneId: "Z0123456789ABCDEF" }),
  record({ name: "x.example.org", records: ["eu.mailgun.org"], ttl: 0 }),
  record({
    name: "x.example.org",
    records: ["eu.mailgun.org"],
    weightedRoutingPolicies: [{ weight: 1 }],
    setIdentifier: "a",
  }),
  record({ name: "x.example.org", records: [] }),
  alias("web", () => ({ name: "evil.eu-central-1.elasticbeanstalk.com" })),
  alias("web", (_, stack) => ({
    name: (stack.get("record", "enketo").inputs.aliases as { name: string }[])[0]?.name,
  })),
  alias("web", () => ({ zoneId: "Z117KPS5GTRQ2G" })),
  set("dns-own-names", "record", "web-certificate-validation", "records", ["example.com"]),
  without("dns-whole", "record", "web"),
  without("dns-whole", "record", "enketo"),
  without("dns-whole", "record", "mail-spf"),
  without("dns-whole", "record", "mail-dkim"),
  without("dns-whole", "record", "mail-mx"),
  set("certificates-fit", "certificate", "web-certificate", "domainName", "*.example.org"),
  set("certificates-fit", "certificate", "web-certificate", "subjectAlternativeNames", ["shop.example.com"]),
  set("certificates-fit", "certificate", "web-certificate", "region", "us-east-1"),
  set("certificates-fit", "certificate", "web-certificate", "keyAlgorithm", "RSA_1024"),
  without("certificates-fit", "validation", "web-certificate"),
  without("certificates-fit", "record", "web-certificate-validation"),
  [
    "certificates-fit",
    (stack) =>
      stack.option(
        "web",
        "elbv2:listener:443/SSLCertificateArns",
        stack.get("certificate", "enketo-certificate").outputs?.arn as string,
      ),
  ],
  set("cors-own-origins", "cors", "static", "corsRules", [
    { allowedMethods: ["GET"], allowedOrigins: ["*"] },
  ]),
  set("cors-own-origins", "cors", "media", "corsRules", [
    { allowedMethods: ["GET"], allowedOrigins: ["https://evil.example.com"] },
  ]),
  set("cors-own-origins", "cors", "media", "corsRules", []),
  without("cors-own-origins", "cors", "static"),
  ["objects-in-artifacts", (stack) => stack.set("object", "enketo-bundle", "bucket", stack.bucket("static"))],
  ["objects-in-artifacts", (stack) => stack.set("version", "enketo", "bucket", stack.bucket("media"))],
  set("objects-in-artifacts", "object", "enketo-bundle", "key", "../x.zip"),
  set("objects-in-artifacts", "object", "enketo-bundle", "key", "bundles/enketo/1.zip"),
  ...["enketo/enketo-express:4.1.1", "enketo/enketo-express:4.1.1@sha256:12"].map((image) =>
    set("images-by-digest", "object", "enketo-bundle", "source", {
      assets: { "docker-compose.yml": { text: `image: ${image}\n` } },
    }),
  ),
  set("objects-in-artifacts", "object", "enketo-bundle", "source", {
    assets: { "docker-compose.yml": { text: "image: evil/enketo:1\\n" } },
  }),
  set("objects-in-artifacts", "object", "enketo-bundle", "source", {
    assets: { "docker-compose.yml": { text: "privileged: true" } },
  }),
  set("tags-agree", "queue", "tasks", "tags", { project: "iaso", env: "other", "managed-by": "pulumi" }),
  set("tags-agree", "bucket", "media", "tags", {
    project: "other",
    env: "prod",
    "managed-by": "pulumi",
    class: "media",
  }),
  set("queue-values", "queue", "tasks", "messageRetentionSeconds", 60),
  set("queue-values", "queue", "tasks", "receiveWaitTimeSeconds", 0),
  set("queue-values", "queue", "tasks", "receiveWaitTimeSeconds", 60),
  set("queue-values", "queue", "tasks", "visibilityTimeoutSeconds", 86_400),
  set("queue-values", "queue", "tasks", "delaySeconds", 3600),
  set("queue-values", "queue", "tasks", "fifoQueue", true),
  set("queue-values", "queue", "tasks", "maxMessageSize", 1024),
  set(
    "queue-values",
    "queue",
    "tasks-dead-letters",
    "redriveAllowPolicy",
    '{"redrivePermission":"allowAll"}',
  ),
  set("queue-values", "queue", "tasks-dead-letters", "redriveAllowPolicy", undefined),
  option("queue-values", "worker", "elasticbeanstalk:sqsd/VisibilityTimeout", "1800"),
  option("queue-values", "worker", "elasticbeanstalk:sqsd/RetentionPeriod", "60"),
  option("queue-values", "worker", "elasticbeanstalk:sqsd/MaxRetries", "100"),
  option("queue-values", "worker", "elasticbeanstalk:sqsd/InactivityTimeout", "60"),
  without("redirects-whole", "listener", "web-redirect-to-https"),
  set("redirects-whole", "listener", "web-redirect-to-https", "port", 8080),
  set("redirects-whole", "listener", "web-redirect-to-https", "protocol", "HTTPS"),
  redirect({ port: "8443" }),
  redirect({ statusCode: "HTTP_303" }),
  redirect({ path: "/other" }),
  deployment("application", "other"),
  deployment("staticBucket", "somebody-elses-files"),
  deployment("artifactsBucket", "somebody-elses-code"),
  deployment("staticUrl", "https://evil.example.com/static/"),
  deployment("queueUrl", "https://sqs.eu-central-1.amazonaws.com/999999999999/x"),
  deployment("databaseIdentifier", "other"),
  deployment("region", "us-east-1"),
  deployment("platform", "ruby"),
  set("deployment-own", "parameter", "deployment", "type", "SecureString"),
];

const distribution = (property: string, value: unknown): Mutant =>
  set("cloudfront-whole", "distribution", "static", property, value);

/** Edits the default behaviour of CloudFront. */
const behavior = (edit: object): Mutant => [
  "cloudfront-whole",
  (stack) => Object.assign(stack.get("distribution", "static").inputs.defaultCacheBehavior as object, edit),
];

/** The edits of CloudFront, which only production has. */
export const valuesOfProd: Mutant[] = [
  distribution("enabled", false),
  distribution("aliases", []),
  distribution("aliases", ["other.example.org"]),
  distribution("priceClass", "PriceClass_0"),
  distribution("httpVersion", "http9"),
  distribution("restrictions", { geoRestriction: { restrictionType: "whitelist", locations: ["BE"] } }),
  distribution("originGroups", [{ originId: "x" }]),
  distribution("viewerCertificate", { cloudfrontDefaultCertificate: true }),
  behavior({ allowedMethods: ["GET", "HEAD", "OPTIONS", "PUT", "POST", "PATCH", "DELETE"] }),
  behavior({ cachedMethods: [] }),
  behavior({ targetOriginId: "other" }),
  behavior({ cachePolicyId: "00000000-0000-0000-0000-000000000000" }),
  behavior({ responseHeadersPolicyId: undefined }),
  behavior({ functionAssociations: [{ eventType: "viewer-response", functionArn: "x" }] }),
  behavior({ lambdaFunctionAssociations: [{ eventType: "viewer-response", lambdaArn: "x" }] }),
  [
    "cloudfront-whole",
    (stack) => {
      const [origin] = stack.get("distribution", "static").inputs.origins as object[];
      return stack.set("distribution", "static", "origins", [{ ...origin, originPath: "/other" }]);
    },
  ],
  without("dns-whole", "record", "static-A"),
  without("dns-whole", "record", "static-AAAA"),
  set("certificates-fit", "certificate", "static-certificate", "region", "eu-central-1"),
  [
    "cloudfront-tls",
    (stack) =>
      Object.assign(stack.get("distribution", "static").inputs.viewerCertificate as object, {
        minimumProtocolVersion: "TLSv1.2_2019",
      }),
  ],
];

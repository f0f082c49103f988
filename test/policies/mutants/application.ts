import { Mutant, MutableStack } from "../mutant";

const variable = (name: string, value: string | undefined) => (stack: MutableStack) => {
  return stack.variable(name, value);
};
const SECRETS = "elasticbeanstalk:application:environmentsecrets";

export const application: Mutant[] = [
  ["variables-present", (stack) => stack.set("environment", "web", "settings", [])],
  ["variables-present", variable("STATIC_URL", undefined)],
  ["variables-present", variable("RDS_HOSTNAME", "")],
  ["variables-present", (stack) => stack.option("worker", `${SECRETS}/SECRET_KEY`, undefined)],
  ["variables-known", variable("STATIC_URI", "https://static.example.org/")],
  ["variables-known", variable("static_url", "https://static.example.org/")],
  ["no-development-switches", variable("DEBUG", "true")],
  ["no-development-switches", variable("DEBUG", "false")],
  ["no-development-switches", variable("AWS_SECRET_ACCESS_KEY", "x")],
  ["worker-switch", (s) => s.option("web", "elasticbeanstalk:application:environment/WORKER", "true")],
  ["worker-switch", (s) => s.option("worker", "elasticbeanstalk:application:environment/WORKER", undefined)],
  ["no-development-switches", variable("DEBUG_SQL", "true")],
  ["no-development-switches", variable("PROD_IMAGE_TAG", "v1")],
  // Values
  ["variables-safe", variable("USE_S3", "false")],
  ["variables-safe", variable("BACKGROUND_TASK_SERVICE", "POSTGRES")],
  ["variables-safe", variable("SESSION_COOKIE_SECURE", "false")],
  ["variables-safe", variable("CSRF_COOKIE_SECURE", "0")],
  ["variables-safe", variable("EMAIL_TLS", "False")],
  ["variables-safe", variable("SERVER_URL", "http://iaso.example.org")],
  ["variables-safe", variable("STATIC_URL", "//static.example.org/")],
  ["variables-safe", variable("ENKETO_URL", "http://enketo.example.org")],
  ["variables-safe", variable("AWS_S3_ENDPOINT_URL", "https://s3.example.net")],
  ["variables-safe", variable("USE_AZURE_STORAGE", "true")],
  [
    "variables-own-resources",
    variable("BEANSTALK_SQS_URL", "https://sqs.eu-central-1.amazonaws.com/123456789012/another"),
  ],
  [
    "variables-own-resources",
    (stack) =>
      stack.variable(
        "BEANSTALK_SQS_URL",
        `https://sqs.eu-central-1.amazonaws.com/999999999999/${stack.get("queue", "tasks").inputs.name as string}`,
      ),
  ],
  ["variables-own-resources", variable("AWS_ENDPOINT_URL_S3", "https://s3.amazonaws.com")],
  ["variables-own-resources", variable("AWS_ENDPOINT_URL_S3", "https://s3.us-west-2.amazonaws.com")],
  ["variables-own-resources", variable("AWS_ENDPOINT_URL_S3", "http://s3.eu-central-1.amazonaws.com")],
  ["variables-own-resources", variable("STATIC_URL", "https://static.example.net/static/")],
  ["variables-own-resources", variable("STATIC_URL", "https://static.iaso.example.org.example.net/")],
  ["variables-own-resources", variable("ENKETO_URL", "https://enketo.example.net")],
  ["variables-own-resources", variable("RDS_HOSTNAME", "database.example.net")],
  ["variables-own-resources", variable("RDS_HOSTNAME", "iaso-prod.example.net")],
  [
    "variables-own-resources",
    (stack) => {
      stack.variable("RDS_HOSTNAME", "[unknown]");
      for (const name of ["web", "worker"]) stack.get("environment", name).propertyDependencies = {};
    },
  ],
  // Secrets
  ["no-plain-secrets", variable("SECRET_KEY", "short")],
  ["no-plain-secrets", variable("MAILGUN_API_KEY", "x")],
  ["no-plain-secrets", variable("db_password", "x")],
  ["no-plain-secrets", variable("DNS_DOMAIN", "AKIAIOSFODNN7EXAMPLE")],
  ["no-plain-secrets", variable("DNS_DOMAIN", "postgres://iaso:hunter2@db.example.org/iaso")],
  ["no-plain-secrets", variable("DNS_DOMAIN", "ghp_0123456789abcdefghijABCDEFGHIJ012345")],
  ["no-plain-secrets", variable("DNS_DOMAIN", "q8ZtR3vX9bN2mK7pL4wY6cJ1")],
  [
    "no-plain-secrets",
    variable("DNS_DOMAIN", "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"),
  ],
  ["no-plain-secrets", variable("DNS_DOMAIN", "[secret]")],
  ["no-plain-secrets", variable("DNS_DOMAIN", "-----BEGIN RSA PRIVATE KEY-----")],
  ...[
    "redis://:hunter2@redis.example.org:6379",
    "https://example.org/?user=iaso&password=hunter2",
    "https://0123456789abcdef0123456789abcdef@o1.ingest.sentry.io/1",
    "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",
    "0123456789abcdef0123456789abcdef-01234567-89abcdef",
    "k3j4h5g6f7d8s9a0q1w2e3r4t5y6",
    "LS0tLS1CRUdJTiBSU0EgUFJJVkFURSBLRVktLS0tLQ==",
    "aHVudGVyMkhVTlRFUjIh",
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N",
    "glpat-abcdefghijklmnopqrst",
    "AIzaSyA1234567890abcdefghijklmnopqrstuv",
    "https://hooks.slack.com/services/T00000000/B00000000/x",
    "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
  ].map((value): Mutant => ["no-plain-secrets", variable("EMAIL_HOST_USER", value)]),
  [
    "no-plain-secrets",
    (s) => s.option("enketo", "elasticbeanstalk:application:environment/DATABASE_PASS", "hunter2"),
  ],
  [
    "no-plain-secrets",
    (stack) => stack.option("web", "elasticbeanstalk:sns:topics/Notification Endpoint", "[secret]"),
  ],
  [
    "no-plain-secrets",
    (stack) =>
      stack.option(
        "web",
        "elasticbeanstalk:sns:topics/Notification Endpoint",
        "https://a:hunter2@example.org",
      ),
  ],
  ["secrets-by-arn", (stack) => stack.option("web", `${SECRETS}/SECRET_KEY`, "arn:aws:ssm:hunter2")],
  ["secrets-by-arn", (stack) => stack.option("web", `${SECRETS}/SECRET_KEY`, "the secret itself")],
  ["secrets-by-arn", (stack) => stack.option("web", `${SECRETS}/SECRET_KEY`, "arn:aws:s3:::bucket/secret")],
  ["no-secret-in-inputs", (stack) => stack.set("role", "web", "description", "key AKIAIOSFODNN7EXAMPLE")],
  [
    "no-secret-in-inputs",
    (stack) =>
      stack.add("command:local:Command", "x", { environment: { URL: "https://iaso:hunter2@example.org/" } }),
  ],
  ...[
    { environment: { DB_PASSWORD: "hunter2" } },
    { environment: { SETTING: "q8ZtR3vX9bN2mK7pL4wY6cJ1" } },
    { create: "PGPASSWORD=hunter2 psql -h database" },
    { stdin: "-----BEGIN PRIVATE KEY-----" },
  ].map((inputs): Mutant => ["no-secret-in-inputs", (s) => s.add("command:local:Command", "x", inputs)]),
  [
    "no-secret-in-inputs",
    (stack) => Object.assign(stack.get("queue", "tasks").inputs.tags as object, { token: "hunter2" }),
  ],
  [
    "no-secret-in-inputs",
    (stack) => stack.set("object", "enketo-bundle", "content", "-----BEGIN EC PRIVATE KEY-----"),
  ],
  ...[
    { name: "/iaso/DB_PASSWORD", type: "String", insecureValue: "x" },
    { name: "/iaso-secrets/prod/anything", type: "String", insecureValue: "x" },
    { name: "/iaso/prod/note", type: "SecureString", value: "[secret]" },
  ].map((inputs): Mutant => [
    "no-secret-parameters",
    (s) => s.add("aws:ssm/parameter:Parameter", "x", inputs),
  ]),
  // The engine passes plain values of secrets to the pack, a preview marks.
  ...["[secret]", "correct horse battery staple"].flatMap((secret): Mutant[] => [
    ["no-secrets-in-state", (stack) => stack.set("database", "database", "password", secret)],
    ["no-secrets-in-state", (stack) => stack.set("database", "database", "passwordWo", secret)],
    ["no-secrets-in-state", (stack) => stack.set("redis", "enketo-main", "authToken", secret)],
    ["no-secrets-in-state", (stack) => stack.set("redis", "enketo-main", "authTokenWo", secret)],
  ]),
  [
    "no-secrets-in-state",
    (stack) => Object.assign(stack.get("queue", "tasks").inputs.tags as object, { owner: "[secret]" }),
  ],
];

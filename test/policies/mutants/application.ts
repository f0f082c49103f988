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
  ["secrets-by-arn", (stack) => stack.option("web", `${SECRETS}/SECRET_KEY`, "the secret itself")],
  ["secrets-by-arn", (stack) => stack.option("web", `${SECRETS}/SECRET_KEY`, "arn:aws:s3:::bucket/secret")],
  ["no-secret-in-inputs", (stack) => stack.set("role", "web", "description", "key AKIAIOSFODNN7EXAMPLE")],
  [
    "no-secret-in-inputs",
    (stack) =>
      stack.add("command:local:Command", "x", { environment: { URL: "https://iaso:hunter2@example.org/" } }),
  ],
  ["secret-parameter-secure", (stack) => stack.set("parameter", "secrets-SECRET_KEY", "type", "String")],
];

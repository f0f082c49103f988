import * as pulumi from "@pulumi/pulumi";

/** What Iaso must be told. The names it reads are in policies/facts/env-contract.json. */
export interface ApplicationEnvironmentArgs {
  /** Short name of the environment; Iaso shows it in `/_health/` and tells Sentry. */
  env: string;
  region: string;
  /** `python` needs variables for the interpreter, which the container image of `docker` sets itself. */
  platform: "python" | "docker";
  /** Host name of the web address, without scheme. */
  webHost: string;
  database: { host: pulumi.Input<string>; port: number; databaseName: string; username: string };
  mediaBucket: pulumi.Input<string>;
  staticBucket: pulumi.Input<string>;
  staticUrl: string;
  queueUrl: string;
  email: EmailArgs;
  enketoUrl: string;
  /** Folders in Iaso's `plugins/`; the same on web and worker, because they bring migrations and tasks. */
  plugins: string[];
}

/** The mail server that Iaso sends through. */
export interface EmailArgs {
  host: string;
  port: number;
  user: string;
  /** Sender, such as `Iaso <no-reply@example.org>`. */
  from: string;
}

export type EnvironmentVariables = Record<string, pulumi.Input<string>>;

/**
 * The plain environment variables of the web and the worker environment; secret ones are
 * {@link SecretParameters}. The two differ in `WORKER` only.
 *
 * `STATIC_URL` is always set: without it Iaso puts its static files into the media bucket with a public ACL.
 */
export function applicationEnvironment(args: ApplicationEnvironmentArgs): {
  web: EnvironmentVariables;
  worker: EnvironmentVariables;
} {
  const both: EnvironmentVariables = {
    ...(args.platform === "python" && pythonVariables),
    // The polio plugin's public documents. Their upload asks for a public ACL, which our buckets refuse: it
    // fails there instead of publishing what it should not.
    AWS_PUBLIC_STORAGE_BUCKET_NAME: args.staticBucket,
    AWS_S3_REGION_NAME: args.region,
    AWS_STORAGE_BUCKET_NAME: args.mediaBucket,
    BACKGROUND_TASK_SERVICE: "SQS",
    BEANSTALK_SQS_REGION: args.region,
    BEANSTALK_SQS_URL: args.queueUrl,
    // The front end reads the CSRF cookie.
    CSRF_COOKIE_HTTPONLY: "false",
    CSRF_COOKIE_SECURE: "true",
    DEFAULT_FROM_EMAIL: args.email.from,
    DNS_DOMAIN: args.webHost,
    EMAIL_HOST: args.email.host,
    EMAIL_HOST_USER: args.email.user,
    EMAIL_PORT: String(args.email.port),
    EMAIL_TLS: "true",
    ENKETO_URL: args.enketoUrl,
    RDS_DB_NAME: args.database.databaseName,
    RDS_HOSTNAME: args.database.host,
    RDS_PORT: String(args.database.port),
    RDS_USERNAME: args.database.username,
    SENTRY_ENVIRONMENT: args.env,
    SERVER_URL: `https://${args.webHost}`,
    SESSION_COOKIE_SECURE: "true",
    STATIC_URL: args.staticUrl,
    USE_S3: "true",
    ...(args.plugins.length > 0 && { PLUGINS: args.plugins.join(",") }),
  };
  return { web: { ...both, WORKER: "false" }, worker: { ...both, WORKER: "true" } };
}

const pythonVariables: EnvironmentVariables = {
  DJANGO_SETTINGS_MODULE: "hat.settings",
  LANG: "en_GB.UTF-8",
  LC_ALL: "en_GB.UTF-8",
  PYTHONPATH: "/var/app/current",
};

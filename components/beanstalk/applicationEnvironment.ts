import * as pulumi from "@pulumi/pulumi";

/** The values that Iaso reads from its environment. The names of its variables are in policies/facts/env-contract.json. */
export interface ApplicationEnvironmentArgs {
  /**
   * Short name of the environment. Iaso shows it in `/_health/` and reports it to Sentry.
   *
   * @example "staging"
   */
  env: string;
  /** AWS region of buckets and queue. */
  region: string;
  /** The Beanstalk platform. `python` needs variables for the interpreter; Iaso's container image sets them itself. */
  platform: "python" | "docker";
  /**
   * Host name of Iaso.
   *
   * @example "iaso.example.org"
   */
  webHost: string;
  /** The connection to the database, without the password. */
  database: { host: pulumi.Input<string>; port: number; databaseName: string; username: string };
  /** Name of the bucket from which instances fetch their Python packages and the list of known migrations. */
  artifactsBucket: pulumi.Input<string>;
  /** Address of the repository from which instances of the Docker platform pull their images. */
  imageRepositoryUrl: string;
  /** Name of the bucket for media. */
  mediaBucket: pulumi.Input<string>;
  /** Name of the bucket for static files. */
  staticBucket: pulumi.Input<string>;
  /** Address of the static files, with a trailing slash. */
  staticUrl: string;
  /** URL of the queue of background tasks. */
  queueUrl: string;
  email: EmailArgs;
  /** Address of Enketo, without a trailing slash. */
  enketoUrl: string;
  /**
   * Names of folders in Iaso's `plugins/`. Web and worker have the same, because plugins have migrations and tasks.
   *
   * @example ["polio"]
   */
  plugins: string[];
}

/** The mail server that Iaso sends through. */
export interface EmailArgs {
  /** @example "smtp.eu.mailgun.org" */
  host: string;
  /** Port that accepts STARTTLS, such as 587. Iaso cannot use 465, which is TLS from the start. */
  port: number;
  /** User at the mail server. */
  user: string;
  /**
   * Sender of all mail.
   *
   * @example "Iaso <no-reply@example.org>"
   */
  from: string;
}

/** Environment variables by name. */
export type EnvironmentVariables = Record<string, pulumi.Input<string>>;

/**
 * Returns the plain environment variables of the web and the worker environment. They differ only in `WORKER`. Secret
 * variables are SSM parameters ({@link Naming.secretParameter}).
 *
 * `STATIC_URL` is always set: without it, Iaso uploads its static files to the media bucket with a public ACL.
 */
export function applicationEnvironment(args: ApplicationEnvironmentArgs): {
  web: EnvironmentVariables;
  worker: EnvironmentVariables;
} {
  const both: EnvironmentVariables = {
    ...(args.platform === "python"
      ? pythonVariables
      : // The bundle's compose file names it, so that one bundle runs in every account.
        { IMAGE_REPOSITORY: args.imageRepositoryUrl }),
    // For the hooks of the bundle.
    ARTIFACTS_BUCKET: args.artifactsBucket,
    // The polio plugin uploads public documents with a public ACL. The bucket refuses ACLs, so the upload fails and
    // publishes nothing.
    AWS_PUBLIC_STORAGE_BUCKET_NAME: args.staticBucket,
    AWS_S3_REGION_NAME: args.region,
    AWS_STORAGE_BUCKET_NAME: args.mediaBucket,
    BACKGROUND_TASK_SERVICE: "SQS",
    BEANSTALK_SQS_REGION: args.region,
    BEANSTALK_SQS_URL: args.queueUrl,
    // Iaso's front end reads the CSRF cookie.
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

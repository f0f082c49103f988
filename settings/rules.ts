import * as z from "zod/mini";
import { MORE_DRIVER_NAMES } from "../ami/recipe";
import { didYouMean } from "../cli/nearest";
import { environmentName } from "../components/common/deployParameter";
import {
  EC2_INSTANCE_TYPES,
  ELASTICACHE_NODE_TYPES,
  INSTANCE_TYPES_READ,
  RDS_INSTANCE_CLASSES,
} from "../policies/facts/instanceTypes";
import { IASO_PLUGINS } from "../policies/facts/plugins";
import { STARTTLS_PORTS } from "../policies/facts/smtp";
import { REGIONS } from "../policies/facts/regions";

// The message of each rule names the accepted values, as it is printed after "accepted:".

/** A text of a pattern. */
function text(pattern: RegExp, accepted: string) {
  return z.string(accepted).check(z.regex(pattern, accepted));
}

/** A text of a pattern, or an empty text if the setting is not used. */
function optional(pattern: RegExp, accepted: string) {
  return text(new RegExp(`^$|${pattern.source}`), `${accepted}, or empty`);
}

function oneOf<const Values extends readonly [string, ...string[]]>(...values: Values) {
  return z.enum(values, values.join(" or "));
}

function integer(minimum: number, maximum: number) {
  const accepted = `a whole number from ${minimum} to ${maximum}`;
  return z
    .pipe(
      text(/^\d+$/, accepted),
      z.transform((digits) => Number(digits)),
    )
    .check(z.gte(minimum, accepted), z.lte(maximum, accepted));
}

/** One of many values; the message suggests the nearest one for a typo. */
function among(values: readonly string[], accepted: string) {
  const known = new Set(values);
  return z.string(accepted).check(
    z.refine((value) => known.has(value), {
      error: ({ input }) => accepted + didYouMean(String(input), values).replace(" Did", ". Did"),
    }),
  );
}

/** An instance type of a family and size that AWS has. */
function instanceTypeAmong(types: readonly string[], kind: string) {
  return among(
    types,
    `${kind} that AWS had on ${INSTANCE_TYPES_READ} (add a newer one to policies/facts/instanceTypes.ts)`,
  );
}

const boolean = z.pipe(
  z.enum(["true", "false"], "true or false"),
  z.transform((word) => word === "true"),
);

function list(pattern: RegExp, accepted: string, minimum = 0) {
  const each = `a list of ${accepted}`;
  return z
    .pipe(
      z.pipe(z.string(each), z.transform(parseJson)),
      z.array(z.string(each).check(z.regex(pattern, each)), each),
    )
    .check(z.minLength(minimum, `${each}, at least ${minimum}`));
}

function parseJson(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}

/** Regions in which the platform runs and S3 refuses Signature Version 2. */
export const SUPPORTED_REGIONS = Object.entries(REGIONS).flatMap(([name, { acceptsSignatureVersion2 }]) =>
  acceptsSignatureVersion2 ? [] : [name],
);

const HOST = /^(?=.{4,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,}$/;
const EMAIL = /^[^\s@<>]+@[^\s@<>]+\.[a-z]{2,}$/;
const REPOSITORY = /^[A-Za-z0-9][A-Za-z0-9-]*(\/[A-Za-z0-9._-]+|@\d+\/[A-Za-z0-9._-]+@\d+)$/;
const SOLUTION_STACK = "64bit Amazon Linux 2023 v";

const host = (example: string) => text(HOST, `a host name in lower case such as ${example}`);
const instanceType = instanceTypeAmong(
  EC2_INSTANCE_TYPES,
  "an EC2 instance type with x86_64 processors, such as t3.large,",
);
const size = integer(1, 100);
const repository = text(
  REPOSITORY,
  "a GitHub repository as owner@id/name@id with numeric ids, or as owner/name if its tokens have no ids",
);

/** A plugin that does not come with Iaso may be in a repository of its own, but not under a misspelt name. */
const plugins = z.pipe(
  list(/^[a-z][a-z0-9_]*$/, "names of folders in Iaso's plugins/, such as polio"),
  z.array(
    z.string().check(
      z.refine((name) => IASO_PLUGINS.includes(name) || didYouMean(name, IASO_PLUGINS) === "", {
        error: ({ input }) =>
          `the plugins ${IASO_PLUGINS.join(", ")}.${didYouMean(String(input), IASO_PLUGINS)}`,
      }),
    ),
  ),
);

/** Days that both CloudWatch and Beanstalk's log streaming accept, as many as the policy `log-retention` demands. */
const LOG_RETENTIONS = ["90", "120", "150", "180", "365", "400", "545", "731", "1827", "3653"] as const;

/** A rule for each setting of Pulumi.yaml that is no secret. Pulumi.yaml has their meaning and their defaults. */
export const plainSettings = z.object({
  organization: text(
    // RDS, ElastiCache and S3 refuse some names with two hyphens in a row.
    /^(?!.*--)[a-z][a-z0-9-]{1,22}[a-z0-9]$/,
    "3 to 24 lower-case letters, digits and single hyphens, starting with a letter",
  ),
  env: text(environmentName.pattern, environmentName.accepted),
  accountId: text(/^\d{12}$/, 'twelve digits, in quotes such as "012345678901"'),
  sharedAccountReason: optional(/^\S.{8,198}\S$/, "the reason in a sentence of 10 to 200 characters"),
  region: among(Object.keys(REGIONS), `one of the regions ${SUPPORTED_REGIONS.join(", ")}`),
  hostedZone: host("example.org"),
  webHost: host("iaso.example.org"),
  enketoHost: host("enketo.example.org"),
  existingWebHost: optional(HOST, "a host name in lower case such as iaso.example.org"),
  existingEnketoHost: optional(HOST, "a host name in lower case such as enketo.example.org"),
  cloudFront: boolean,
  staticHost: optional(HOST, "a host name in lower case such as static.example.org"),
  vpcId: optional(/^vpc-[0-9a-f]{8,17}$/, "the id of a VPC such as vpc-0123456789abcdef0"),
  publicSubnetIds: list(/^subnet-[0-9a-f]{8,17}$/, "subnet ids such as subnet-0123456789abcdef0"),
  privateSubnetIds: list(/^subnet-[0-9a-f]{8,17}$/, "subnet ids such as subnet-0123456789abcdef0"),
  vpcCidr: text(
    /^(\d{1,3}\.){3}\d{1,3}\/(1[6-9]|2[0-2])$/,
    "an IPv4 block from /16 to /22 such as 10.20.0.0/16",
  ),
  availabilityZones: list(/^[a-z]$/, "zone letters such as a", 2),
  natGateways: oneOf("single", "perZone"),
  encryptionKey: oneOf("aws", "customer"),
  logRetentionDays: z.pipe(
    oneOf(...LOG_RETENTIONS),
    z.transform((digits) => Number(digits)),
  ),
  databaseMajorVersion: text(/^(1[6-9]|[2-9]\d)$/, "a major version of PostgreSQL, 16 or later"),
  databaseInstanceClass: instanceTypeAmong(
    RDS_INSTANCE_CLASSES,
    "an RDS instance class, such as db.t4g.medium,",
  ),
  databaseStorage: integer(20, 65_536),
  databaseMaxStorage: integer(22, 65_536),
  databaseMultiAz: boolean,
  databaseBackupDays: integer(7, 35),
  databaseDeletionProtection: boolean,
  databaseName: text(/^[A-Za-z][A-Za-z0-9_]{0,62}$/, "a letter, then letters, digits and underscores"),
  databaseUser: text(
    /^(?!(admin|pg_.*|rds.*)$)[A-Za-z][A-Za-z0-9_]{0,62}$/,
    "a letter, then letters, digits and underscores; not a name of PostgreSQL or RDS such as admin",
  ),
  databaseSnapshot: optional(
    /^(arn:aws:rds:[a-z0-9-]+:\d{12}:snapshot:)?(?!.*--)[A-Za-z]([A-Za-z0-9-]{0,253}[A-Za-z0-9])?$/,
    "the identifier or ARN of a manual snapshot, such as iaso-prod-moving-in-encrypted",
  ),
  databaseConnectionAlarm: integer(10, 100_000),
  backupDays: integer(0, 3650).check(
    z.refine((days) => days === 0 || days >= 7, "0, or a whole number from 7 to 3650"),
  ),
  backupCopyRegion: z.union([
    z.literal(""),
    among(Object.keys(REGIONS), "a region such as eu-west-3, or empty"),
  ]),
  backupLock: oneOf("governance", "compliance"),
  platform: oneOf("python", "docker"),
  pythonSolutionStack: text(
    /^64bit Amazon Linux 2023 v\d+\.\d+\.\d+ running Python \d+\.\d+$/,
    `a platform version such as ${SOLUTION_STACK}4.13.9 running Python 3.13`,
  ),
  dockerSolutionStack: text(
    /^64bit Amazon Linux 2023 v\d+\.\d+\.\d+ running Docker$/,
    `a platform version such as ${SOLUTION_STACK}4.13.9 running Docker`,
  ),
  gdalDrivers: list(
    new RegExp(`^(${MORE_DRIVER_NAMES.join("|")})$`),
    `GDAL drivers out of ${MORE_DRIVER_NAMES.join(", ")}`,
  ),
  gdalImageId: optional(/^ami-[0-9a-f]{8,17}$/, "the id of an image such as ami-0123456789abcdef0"),
  webInstanceType: instanceType,
  webMinSize: size,
  webMaxSize: size,
  workerInstanceType: instanceType,
  workerMinSize: size,
  workerMaxSize: size,
  deploymentPolicy: oneOf("Rolling", "RollingWithAdditionalBatch", "Immutable"),
  shellAccess: boolean,
  webAcl: oneOf("off", "count", "block"),
  plugins,
  mediaOldVersionDays: integer(7, 3650),
  mediaCopyPrincipal: optional(
    /^arn:aws:iam::\d{12}:(role|user)\/[\w+=,.@/-]+$/,
    "the ARN of an IAM role or user such as arn:aws:iam::123456789012:role/Administrator",
  ),
  mediaAccessLogs: boolean,
  enketoImage: text(
    /^[a-z0-9./-]+:(v?\d[\w.-]*|[\w.-]+@sha256:[0-9a-f]{64}|v?\d[\w.-]*@sha256:[0-9a-f]{64})$/,
    "an image with a version in its tag, such as enketo/enketo-express:4.1.1, or with a digest",
  ),
  enketoInstanceType: instanceType,
  enketoMinSize: size,
  enketoMaxSize: size,
  enketoRedisNodeType: instanceTypeAmong(
    ELASTICACHE_NODE_TYPES,
    "an ElastiCache node type, such as cache.t4g.micro,",
  ),
  enketoRedisReplicas: integer(0, 5),
  enketoRedisTls: boolean,
  enketoRedisSnapshot: optional(
    /^(?!.*--)[a-z]([a-z0-9-]{0,253}[a-z0-9])?$/,
    "the name of a manual ElastiCache snapshot, such as iaso-prod-moving-in",
  ),
  emailHost: host("smtp.eu.mailgun.org"),
  emailPort: z.pipe(
    oneOf(...STARTTLS_PORTS),
    z.transform((digits) => Number(digits)),
  ),
  emailUser: text(/^\S+$/, "the user at the mail server"),
  emailFrom: text(
    /^([^<>]+<)?[^\s@<>]+@[^\s@<>]+\.[a-z]{2,}>?$/,
    "a sender such as Iaso <no-reply@mg.example.org>",
  ),
  mailgunDomain: optional(HOST, "a domain such as mg.example.org"),
  mailgunRegion: oneOf("eu", "us"),
  mailgunDkimSelector: text(/^[A-Za-z0-9._-]+$/, "a selector such as mx"),
  mailgunDkimRecord: optional(/^[\w =;+/:.-]+$/, "the record that Mailgun shows, k=rsa; p=..."),
  alarmEmail: text(EMAIL, "an e-mail address"),
  infrastructureRepository: repository,
  applicationRepository: repository,
  createOidcProvider: boolean,
  deployers: list(
    /^arn:aws:iam::\d{12}:(role|user)\/[\w+=,.@/-]+$/,
    "ARNs of IAM roles or users such as arn:aws:iam::123456789012:role/Deployment",
  ),
  stateBucket: optional(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, "the name of a bucket"),
});

export type PlainSettings = z.infer<typeof plainSettings>;

/** Settings that are lists. The engine accepts no JSON text for them: `pulumi config set` sets each element. */
export const listSettings = [
  "publicSubnetIds",
  "privateSubnetIds",
  "availabilityZones",
  "gdalDrivers",
  "plugins",
  "deployers",
] as const satisfies readonly (keyof PlainSettings)[];

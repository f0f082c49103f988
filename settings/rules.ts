import * as pulumi from "@pulumi/pulumi";
import * as z from "zod/mini";
import { MORE_DRIVER_NAMES } from "../ami/recipe";
import { planSubnets } from "../components/common/cidr";

/** A rule for a text: what it must look like, and the words that say so. */
function text(pattern: RegExp, accepted: string) {
  return z.string(accepted).check(z.regex(pattern, accepted));
}

/** The same, or an empty text where the setting is not used. */
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

const HOST = /^(?=.{4,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,}$/;
const EMAIL = /^[^\s@<>]+@[^\s@<>]+\.[a-z]{2,}$/;
const REPOSITORY = /^[A-Za-z0-9][A-Za-z0-9-]*\/[A-Za-z0-9._-]+$/;
const SOLUTION_STACK = "64bit Amazon Linux 2023 v";

const host = (example: string) => text(HOST, `a host name in lower case such as ${example}`);
/** Graviton's types have a g after their generation, but for the first: t4g.large, a1.large. */
const instanceType = text(
  /^(?!a1\.|[a-z]+\d+[a-z]*g)[a-z][a-z0-9-]*\.[a-z0-9-]+$/,
  "an EC2 instance type with x86_64 processors such as t3.large",
);
const size = integer(1, 100);
const repository = text(REPOSITORY, "a GitHub repository as owner/name");

/** Days that both CloudWatch and Beanstalk's log streaming take. */
const LOG_RETENTIONS = [
  "30",
  "60",
  "90",
  "120",
  "150",
  "180",
  "365",
  "400",
  "545",
  "731",
  "1827",
  "3653",
] as const;

/** One rule for each plain setting of Pulumi.yaml, which has their meaning and defaults. */
const plainSettings = z.object({
  organization: text(
    // RDS, ElastiCache and S3 each refuse names with two hyphens in a row somewhere.
    /^(?!.*--)[a-z][a-z0-9-]{1,22}[a-z0-9]$/,
    "3 to 24 lower-case letters, digits and single hyphens, starting with a letter",
  ),
  env: text(
    /^(?!.*--)[a-z]([a-z0-9-]{0,10}[a-z0-9])?$/,
    "up to 12 lower-case letters, digits and single hyphens, starting with a letter",
  ),
  accountId: text(/^\d{12}$/, "twelve digits, in quotes"),
  region: text(
    /^(?!cn-|[a-z]+-(gov|iso[a-z]*)-)[a-z]{2}(-[a-z]+)+-\d$/,
    "an AWS region such as eu-central-1, not of China or GovCloud",
  ),
  hostedZone: host("example.org"),
  webHost: host("iaso.example.org"),
  enketoHost: host("enketo.example.org"),
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
  logRetentionDays: z.pipe(
    oneOf(...LOG_RETENTIONS),
    z.transform((digits) => Number(digits)),
  ),
  databaseMajorVersion: text(/^(1[6-9]|[2-9]\d)$/, "a major version of PostgreSQL, 16 or later"),
  databaseInstanceClass: text(/^db\.[a-z0-9]+\.[a-z0-9]+$/, "an RDS instance class such as db.t4g.medium"),
  databaseStorage: integer(20, 65_536),
  databaseMaxStorage: integer(22, 65_536),
  databaseMultiAz: boolean,
  databaseBackupDays: integer(7, 35),
  databaseDeletionProtection: boolean,
  databaseConnectionAlarm: integer(10, 100_000),
  platform: oneOf("python", "docker"),
  pythonSolutionStack: text(
    /^64bit Amazon Linux 2023 v\d+\.\d+\.\d+ running Python 3\.\d+$/,
    `a platform version such as ${SOLUTION_STACK}4.7.3 running Python 3.9`,
  ),
  dockerSolutionStack: text(
    /^64bit Amazon Linux 2023 v\d+\.\d+\.\d+ running Docker$/,
    `a platform version such as ${SOLUTION_STACK}4.7.3 running Docker`,
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
  plugins: list(/^[a-z][a-z0-9_]*$/, "names of folders in Iaso's plugins/ such as polio"),
  mediaOldVersionDays: integer(7, 3650),
  enketoImage: text(
    /^[a-z0-9./-]+:[A-Za-z0-9._-]+(@sha256:[0-9a-f]{64})?$/,
    "an image with its tag such as enketo/enketo-express:4.1.1",
  ),
  enketoInstanceType: instanceType,
  enketoMinSize: size,
  enketoMaxSize: size,
  enketoRedisNodeType: text(
    /^cache\.[a-z0-9]+\.[a-z0-9]+$/,
    "an ElastiCache node type such as cache.t4g.micro",
  ),
  enketoRedisReplicas: integer(0, 5),
  enketoRedisTls: boolean,
  emailHost: host("smtp.eu.mailgun.org"),
  emailPort: integer(1, 65_535).check(
    z.refine((port) => port !== 465, "a port that takes STARTTLS such as 587; 465 speaks TLS from the start"),
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
  stateBucket: optional(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, "the name of a bucket"),
  secretsKeyArn: optional(
    /^arn:aws:kms:[a-z0-9-]+:\d{12}:key\/[0-9a-f-]{36}$/,
    "the ARN of a key such as arn:aws:kms:eu-central-1:123456789012:key/01234567-89ab-cdef-0123-456789abcdef",
  ),
});

/** The secrets, with what their values must look like where a wrong one would break Iaso later. */
export const secretSettings = {
  databasePassword: { pattern: /^[A-Za-z0-9]{16,128}$/, accepted: "16 to 128 letters and digits" },
  secretKey: { pattern: /^\S{40,}$/, accepted: "40 characters or more, without spaces" },
  secretKeyFallbacks: { pattern: /^\S*$/, accepted: "keys separated by commas, or empty" },
  encryptedTextFieldKey: {
    pattern: /^[A-Za-z0-9_-]{43}=$/,
    accepted: "a Fernet key: 32 bytes in URL-safe base64, 44 characters",
  },
  sentryDsn: {
    pattern: /^https:\/\/[^@\s]+@[^/\s]+\/.+$/,
    accepted: "a Sentry DSN, https://KEY@HOST/PROJECT",
  },
  emailPassword: { pattern: /^\S+$/, accepted: "the password at the mail server" },
  enketoApiToken: { pattern: /^[A-Za-z0-9]{32,}$/, accepted: "32 letters and digits or more" },
  enketoSigningSecret: { pattern: /^\S{32,}$/, accepted: "32 characters or more, without spaces" },
  enketoEncryptionKey: { pattern: /^\S{32,}$/, accepted: "32 characters or more, without spaces" },
  enketoRedisAuthToken: { pattern: /^[A-Za-z0-9]{16,128}$/, accepted: "16 to 128 letters and digits" },
} as const;

export type SecretName = keyof typeof secretSettings;

type PlainSettings = z.infer<typeof plainSettings>;

/** The settings of one stack, checked, and put together as the parts take them. */
export type Settings = ReturnType<typeof arrange> & {
  secrets: Record<SecretName, pulumi.Output<string>>;
  /** Whether earlier signing keys are still accepted. */
  rotatesSecretKey: boolean;
};

function arrange(plain: PlainSettings) {
  const { vpcId, publicSubnetIds, privateSubnetIds } = plain;
  return {
    ...plain,
    network: {
      existing: vpcId === "" ? undefined : { vpcId, publicSubnetIds, privateSubnetIds },
      cidr: plain.vpcCidr,
      availabilityZones: plain.availabilityZones.map((letter) => plain.region + letter),
      natGateways: plain.natGateways,
    },
    database: {
      majorVersion: plain.databaseMajorVersion,
      instanceClass: plain.databaseInstanceClass,
      allocatedStorage: plain.databaseStorage,
      maxAllocatedStorage: plain.databaseMaxStorage,
      multiAz: plain.databaseMultiAz,
      backupRetentionDays: plain.databaseBackupDays,
      deletionProtection: plain.databaseDeletionProtection,
    },
    mail: { host: plain.emailHost, port: plain.emailPort, user: plain.emailUser, from: plain.emailFrom },
    mailgun:
      plain.mailgunDomain === ""
        ? undefined
        : {
            domain: plain.mailgunDomain,
            region: plain.mailgunRegion,
            dkimSelector: plain.mailgunDkimSelector,
            dkimRecord: plain.mailgunDkimRecord,
          },
    web: {
      instanceType: plain.webInstanceType,
      minSize: plain.webMinSize,
      maxSize: plain.webMaxSize,
    },
    worker: {
      instanceType: plain.workerInstanceType,
      minSize: plain.workerMinSize,
      maxSize: plain.workerMaxSize,
    },
    enketo: {
      image: plain.enketoImage,
      capacity: {
        instanceType: plain.enketoInstanceType,
        minSize: plain.enketoMinSize,
        maxSize: plain.enketoMaxSize,
      },
      redis: {
        nodeType: plain.enketoRedisNodeType,
        replicas: plain.enketoRedisReplicas,
        tls: plain.enketoRedisTls,
      },
    },
    github: {
      infrastructureRepository: plain.infrastructureRepository,
      applicationRepository: plain.applicationRepository,
      createOidcProvider: plain.createOidcProvider,
      stateBucket: plain.stateBucket,
      secretsKeyArn: plain.secretsKeyArn,
    },
  };
}

interface Problem {
  key: string;
  wrong: string;
  accepted: string;
  remedy: string;
}

/**
 * Reads and checks all settings of the stack, from configuration into which the engine has put the defaults of
 * Pulumi.yaml.
 *
 * @param config The project's configuration by key, such as `pulumi.runtime.allConfig()`.
 * @throws pulumi.RunError that lists every problem at once, each with the command that mends it. The engine prints
 *   its message without a stack trace, and nothing has been registered yet.
 */
export function readSettings(config: Record<string, string>, project: string, stack: string): Settings {
  const prefix = `${project}:`;
  const own = Object.fromEntries(
    Object.entries(config)
      .filter(([key]) => key.startsWith(prefix))
      .map(([key, value]) => [key.slice(prefix.length), value]),
  );
  const values = { ...own, env: own.env === undefined || own.env === "" ? stack : own.env };
  const parsed = plainSettings.safeParse(values);
  const right = rightSettings(values);
  const problems = [
    ...unknownSettings(own),
    ...(parsed.error?.issues ?? []).map((issue) => plainProblem(String(issue.path[0]), issue.message, own)),
    ...secretProblems(own),
    ...contradictions.flatMap((contradiction) => contradiction(right)),
  ];
  if (!parsed.success || problems.length > 0) throw new pulumi.RunError(report(problems, prefix, stack));
  const secrets = Object.keys(secretSettings).map((key) => [key, pulumi.secret(own[key] ?? "")]);
  return {
    ...arrange(parsed.data),
    secrets: Object.fromEntries(secrets) as Settings["secrets"],
    rotatesSecretKey: own.secretKeyFallbacks !== "",
  };
}

/** The settings that are right by themselves. */
function rightSettings(values: Record<string, string>): Partial<PlainSettings> {
  const right = Object.entries(plainSettings.shape).flatMap(([key, schema]) => {
    const { success, data } = schema.safeParse(values[key]);
    return success ? [[key, data] as const] : [];
  });
  return Object.fromEntries(right);
}

function unknownSettings(own: Record<string, string>): Problem[] {
  const known = new Set([...Object.keys(plainSettings.shape), ...Object.keys(secretSettings)]);
  return Object.keys(own)
    .filter((key) => !known.has(key))
    .map((key) => ({
      key,
      wrong: "is not a setting",
      accepted: "the settings listed in Pulumi.yaml",
      remedy: `pulumi config rm ${key}`,
    }));
}

function plainProblem(key: string, accepted: string, own: Record<string, string>): Problem {
  const value = own[key];
  return {
    key,
    wrong: value === undefined ? "is missing" : `has the value ${JSON.stringify(value)}`,
    accepted,
    remedy: commandThatSets(key),
  };
}

/** Lists, of which the engine takes no JSON text: each element is set by its place. */
export const listSettings = [
  "publicSubnetIds",
  "privateSubnetIds",
  "availabilityZones",
  "gdalDrivers",
  "plugins",
] as const satisfies readonly (keyof PlainSettings)[];

function commandThatSets(key: string): string {
  return (listSettings as readonly string[]).includes(key)
    ? `pulumi config set --path '${key}[0]' VALUE`
    : `pulumi config set ${key} VALUE`;
}

/** Never shows a value: not even a wrong one. */
function secretProblems(own: Record<string, string>): Problem[] {
  return Object.entries(secretSettings).flatMap(([key, { pattern, accepted }]) => {
    const value = own[key];
    if (value === undefined) {
      return [{ key, wrong: "is missing", accepted, remedy: "npm run init-stack -- STACK" }];
    }
    return pattern.test(value)
      ? []
      : [{ key, wrong: "has a wrong form", accepted, remedy: `pulumi config set --secret ${key}` }];
  });
}

const set = (key: string, wrong: string, accepted: string): Problem => ({
  key,
  wrong,
  accepted,
  remedy: commandThatSets(key),
});

/** A rule on several settings, which is asked where each of them is right by itself. */
function together<const Key extends keyof PlainSettings>(
  keys: readonly Key[],
  find: (settings: Pick<PlainSettings, Key>) => Problem | undefined,
): (settings: Partial<PlainSettings>) => Problem[] {
  return (settings) => {
    if (keys.some((key) => settings[key] === undefined)) return [];
    const problem = find(settings as Pick<PlainSettings, Key>);
    return problem === undefined ? [] : [problem];
  };
}

/** What each setting says may be right and what they say together wrong. */
const contradictions = [
  ...(["web", "worker", "enketo"] as const).map((role) =>
    together([`${role}MinSize`, `${role}MaxSize`], (settings) => {
      const minimum = settings[`${role}MinSize`];
      if (settings[`${role}MaxSize`] >= minimum) return undefined;
      return set(`${role}MaxSize`, `is below ${role}MinSize`, `${minimum} or more`);
    }),
  ),
  together(["databaseStorage", "databaseMaxStorage"], ({ databaseStorage, databaseMaxStorage }) => {
    const least = Math.ceil((databaseStorage * 11) / 10);
    if (databaseMaxStorage >= least) return undefined;
    return set(
      "databaseMaxStorage",
      "leaves no room to grow",
      `${least} or more, 10 % above databaseStorage`,
    );
  }),
  together(["cloudFront", "staticHost"], ({ cloudFront, staticHost }) =>
    cloudFront && staticHost === ""
      ? set("staticHost", "is empty while cloudFront is true", "a host name")
      : undefined,
  ),
  together(["mailgunDomain", "mailgunDkimRecord"], ({ mailgunDomain, mailgunDkimRecord }) =>
    mailgunDomain !== "" && mailgunDkimRecord === ""
      ? set(
          "mailgunDkimRecord",
          "is empty while mailgunDomain is set",
          "the record that Mailgun shows, k=rsa; p=...",
        )
      : undefined,
  ),
  ...(["webHost", "enketoHost", "staticHost", "mailgunDomain"] as const).map((key) =>
    together([key, "hostedZone"], (settings) => {
      const { [key]: name, hostedZone: zone } = settings;
      if (name === "" || name === zone || name.endsWith(`.${zone}`)) return undefined;
      return set(key, `is ${name}, which is not in the zone ${zone}`, `a name that ends in .${zone}`);
    }),
  ),
  ...(
    [
      ["enketoHost", "webHost"],
      ["staticHost", "webHost"],
      ["staticHost", "enketoHost"],
    ] as const
  ).map(([key, other]) =>
    together([key, other], (settings) =>
      settings[key] !== "" && settings[key] === settings[other]
        ? set(key, `is ${settings[key]}, as ${other} is`, "a host name of its own")
        : undefined,
    ),
  ),
  together(["availabilityZones"], ({ availabilityZones }) =>
    new Set(availabilityZones).size < availabilityZones.length
      ? set("availabilityZones", "names a zone twice", "a list of different zone letters")
      : undefined,
  ),
  together(["vpcCidr", "availabilityZones"], ({ vpcCidr, availabilityZones }) => {
    try {
      planSubnets(vpcCidr, availabilityZones.length);
      return undefined;
    } catch (error) {
      return set("vpcCidr", `is wrong: ${(error as Error).message}`, "a block such as 10.20.0.0/16");
    }
  }),
  ...(["publicSubnetIds", "privateSubnetIds"] as const).map((key) =>
    together(["vpcId", key], (settings) => {
      const subnets = settings[key];
      if (settings.vpcId === "" && subnets.length > 0) {
        return set("vpcId", `is empty while ${key} names subnets`, "the id of their VPC");
      }
      return settings.vpcId !== "" && new Set(subnets).size < 2
        ? set(key, "names fewer than two subnets of the existing VPC", "one subnet per zone")
        : undefined;
    }),
  ),
];

function report(problems: Problem[], prefix: string, stack: string): string {
  const heading = `The settings of stack ${stack} cannot be used (Pulumi.${stack}.yaml):`;
  const lines = problems.map(({ key, wrong, accepted, remedy }) => {
    const command = remedy.startsWith("npm")
      ? remedy.replace("STACK", stack)
      : `${remedy.replace(key, prefix + key)} --stack ${stack}`;
    return `  ${prefix}${key} ${wrong}.\n    accepted: ${accepted}\n    mend it:  ${command}`;
  });
  return [heading, ...lines].join("\n");
}

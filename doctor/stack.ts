import * as pulumi from "@pulumi/pulumi";
import { INSTANCE_ROLES, type InstanceRole, Naming } from "../components/common/naming";
import { UserError } from "../cli/userError";
import { type Project, readStackConfig } from "../preview/project";
import { secretNames, secretOf } from "../settings/secrets";
import { readSettings } from "../settings/settings";

/** A Beanstalk environment of the stack, as its settings describe it. */
export interface StackEnvironment {
  role: InstanceRole;
  name: string;
  instanceType: string;
  maxSize: number;
  /** The prefix of its domain in elasticbeanstalk.com; a worker has none. */
  cnamePrefix?: string;
}

/** A platform version that the settings pin. */
export interface PinnedPlatform {
  /** The full key of the setting, such as `iaso:dockerSolutionStack`. */
  setting: string;
  /** Such as `64bit Amazon Linux 2023 v4.13.9 running Docker`. */
  solutionStack: string;
}

/** The settings and names of a stack that the checks use. It holds no secret, not even an encrypted one. */
export type Stack = ReturnType<typeof readStack>;

/**
 * Reads the settings of a stack from Pulumi.yaml and Pulumi.<stack>.yaml. Only this file knows how settings and
 * names are spelt.
 * @throws UserError if there is no such stack or a setting is wrong; the message lists every wrong setting.
 */
export function readStack(project: Project, stack: string) {
  const config = readStackConfig(project, stack);
  const s = checked(() => readSettings(config.values, project.name, stack));
  const naming = new Naming(s);
  const setting = (key: string) => `${project.name}:${key}`;
  const capacity = { web: s.web, worker: s.worker, enketo: s.enketo.capacity };
  const environmentNames = {
    web: naming.environment("web"),
    worker: naming.environment("worker"),
    enketo: naming.environment("enketo"),
  };
  const cnamePrefixes = {
    web: naming.cnamePrefix("web"),
    worker: undefined,
    enketo: naming.cnamePrefix("enketo"),
  };
  const docker = { setting: setting("dockerSolutionStack"), solutionStack: s.dockerSolutionStack };
  const python = { setting: setting("pythonSolutionStack"), solutionStack: s.pythonSolutionStack };
  const existingVpc = s.network.existing !== undefined;
  return {
    name: stack,
    env: s.env,
    accountId: s.accountId,
    sharedAccountReason: s.sharedAccountReason,
    region: s.region,
    /** The tags of every resource of the stack. */
    tags: naming.tags(),
    /** Commands that change a setting of this stack begin so. */
    setCommand: (key: string) => `pulumi config set --stack ${stack} ${setting(key)}`,

    hostedZone: s.hostedZone,
    hosts: {
      web: s.webHost,
      enketo: s.enketoHost,
      ...(s.cloudFront && { static: s.staticHost }),
    } as Record<string, string>,
    cloudFront: s.cloudFront,

    environments: INSTANCE_ROLES.map((role): StackEnvironment => ({
      role,
      name: environmentNames[role],
      instanceType: capacity[role].instanceType,
      maxSize: capacity[role].maxSize,
      cnamePrefix: cnamePrefixes[role],
    })),
    /** The Docker platform runs Enketo, whatever runs Iaso. */
    platforms: (s.platform === "python" ? [python, docker] : [docker]) as PinnedPlatform[],
    buildsImage: s.platform === "python" && s.gdalImageId === "",

    createsVpc: !existingVpc,
    /** Full names, such as `eu-central-1a`. An existing VPC has zones of its own. */
    availabilityZones: s.network.availabilityZones,
    elasticIps: existingVpc ? 0 : s.network.natGateways === "single" ? 1 : s.network.availabilityZones.length,

    buckets: (["static", "media", "logs", "artifacts"] as const).map((bucketClass) =>
      naming.bucket(bucketClass),
    ),
    artifactsBucket: naming.bucket("artifacts"),
    mediaBucket: naming.bucket("media"),
    /** The alias of the stack's own KMS key; undefined if the stores use AWS's keys. */
    keyAlias: s.encryptionKey === "customer" ? naming.keyAlias : undefined,
    staticBucket: naming.bucket("static"),
    staticUrl: `https://${s.cloudFront ? s.staticHost : `${naming.bucket("static")}.s3.${s.region}.amazonaws.com`}/`,
    deploymentParameter: naming.deploymentParameter,
    /** Ends in a slash. */
    secretsPath: naming.secretParameter(""),
    /** The last part of the names of the SSM parameters. */
    secrets: secretNames as readonly string[],
    /** The secrets among them that a new value should replace every year. */
    rotatableSecrets: secretNames.filter((name) => {
      const isEarlierKey = name === "SECRET_KEY_FALLBACKS";
      return secretOf(name).irreplaceable === undefined && !isEarlierKey;
    }) as readonly string[],

    databaseIdentifier: naming.name(),
    /** The database that RDS must offer. */
    database: {
      majorVersion: s.database.majorVersion,
      instanceClass: s.database.instanceClass,
      username: s.database.username,
      allocatedStorage: s.database.allocatedStorage,
      /** The snapshot from which RDS creates the database; undefined if it starts empty. */
      snapshot: s.database.snapshot,
      multiAz: s.database.multiAz,
    },
    backupDays: s.databaseBackupDays,
    /** The vaults of AWS Backup with the mode of their locks, if the settings have some. */
    backup: s.backup && {
      lock: s.backup.lock,
      vaults: [
        { name: naming.backupVault, region: s.region },
        ...(s.backup.copyRegion === undefined
          ? []
          : [{ name: naming.backupCopyVault, region: s.backup.copyRegion }]),
      ],
    },
    maxStorage: s.databaseMaxStorage,
    deadLetterQueue: naming.name("tasks-dead-letters"),
    taskQueue: naming.queue,
    alarmTopicArn: naming.arn("sns", naming.name("alarms")),
    alarmEmail: s.alarmEmail,

    mail: {
      host: s.mail.host,
      port: s.mail.port,
      /** The domain of the sender's address. */
      senderDomain: /@([^>]+)>?$/.exec(s.mail.from)?.[1] ?? "",
      mailgun: s.mailgun,
    },
    createOidcProvider: s.github.createOidcProvider,
  };
}

/** The program's own reader reports to the engine; here its message is a user's mistake. */
function checked<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (pulumi.RunError.isInstance(error)) throw new UserError(error.message, "", { cause: error });
    throw error;
  }
}

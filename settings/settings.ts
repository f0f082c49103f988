import { readFileSync } from "node:fs";
import * as pulumi from "@pulumi/pulumi";
import { parse } from "yaml";
import { nearest } from "../cli/nearest";
import { IASO_PLUGINS } from "../policies/facts/plugins";
import { crossCheck } from "./crossChecks";
import { formatProblems, Problem, wrongValue } from "./problem";
import { PlainSettings, plainSettings } from "./rules";
import { secrets } from "./secrets";

/** The settings of one stack, validated and grouped as the components take them. */
export type Settings = ReturnType<typeof arrange>;

function arrange(plain: PlainSettings) {
  const { vpcId, publicSubnetIds, privateSubnetIds } = plain;
  return {
    ...plain,
    webHosts: [plain.webHost, plain.existingWebHost].filter((host) => host !== ""),
    enketoHosts: [plain.enketoHost, plain.existingEnketoHost].filter((host) => host !== ""),
    mediaCopyPrincipal: plain.mediaCopyPrincipal === "" ? undefined : plain.mediaCopyPrincipal,
    network: {
      existing: vpcId === "" ? undefined : { vpcId, publicSubnetIds, privateSubnetIds },
      cidr: plain.vpcCidr,
      availabilityZones: plain.availabilityZones.map((letter) => plain.region + letter),
      natGateways: plain.natGateways,
    },
    database: {
      databaseName: plain.databaseName,
      username: plain.databaseUser,
      snapshot: plain.databaseSnapshot === "" ? undefined : plain.databaseSnapshot,
      majorVersion: plain.databaseMajorVersion,
      instanceClass: plain.databaseInstanceClass,
      allocatedStorage: plain.databaseStorage,
      maxAllocatedStorage: plain.databaseMaxStorage,
      multiAz: plain.databaseMultiAz,
      backupRetentionDays: plain.databaseBackupDays,
      deletionProtection: plain.databaseDeletionProtection,
    },
    backup:
      plain.backupDays === 0
        ? undefined
        : {
            days: plain.backupDays,
            lock: plain.backupLock,
            copyRegion: plain.backupCopyRegion === "" ? undefined : plain.backupCopyRegion,
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
        snapshot: plain.enketoRedisSnapshot === "" ? undefined : plain.enketoRedisSnapshot,
      },
    },
    github: {
      infrastructureRepository: plain.infrastructureRepository,
      applicationRepository: plain.applicationRepository,
      createOidcProvider: plain.createOidcProvider,
      stateBucket: plain.stateBucket,
    },
  };
}

/**
 * Reads and validates all settings of a stack.
 *
 * @param config The stack's configuration by full key, with the defaults of Pulumi.yaml, as
 *   `pulumi.runtime.allConfig()` returns it.
 * @throws pulumi.RunError with every problem and the command that fixes it. The engine prints its message without a
 *   stack trace, before Pulumi creates anything.
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
  const problems = [
    ...unknownSettings(own, project),
    ...providerSettings(config),
    ...(parsed.error?.issues ?? []).map(({ path, message }) => plainProblem(path, message, own)),
    ...crossCheck(validSettings(values)),
  ];
  if (!parsed.success || problems.length > 0) {
    const heading =
      `The settings of stack ${stack} are wrong. Edit Pulumi.${stack}.yaml, ` +
      "or run the commands once `npm run init-stack` has created the stack:";
    throw new pulumi.RunError([heading, ...formatProblems(problems, project, stack)].join("\n"));
  }
  warnOfOtherPlugins(parsed.data.plugins);
  return arrange(parsed.data);
}

/** Returns the settings that are valid alone. */
function validSettings(values: Record<string, string>): Partial<PlainSettings> {
  const valid = Object.entries(plainSettings.shape).flatMap(([key, schema]) => {
    const { success, data } = schema.safeParse(values[key]);
    return success ? [[key, data] as const] : [];
  });
  return Object.fromEntries(valid);
}

/** Settings that held secrets. `npm run init-stack` moves their values. */
const formerSecrets: readonly string[] = Object.values(secrets).map(({ formerSetting }) => formerSetting);

function unknownSettings(own: Record<string, string>, project: string): Problem[] {
  const known = Object.keys(plainSettings.shape);
  const unknown = Object.keys(own).filter((key) => !known.includes(key));
  return unknown.map((key) => {
    if (formerSecrets.includes(key)) {
      return {
        key,
        wrong: "is a secret, and this program takes none",
        accepted: "secrets in SSM's Parameter Store",
        fix: "npm run init-stack -- STACK",
      };
    }
    if (key === "secretsKeyArn") {
      return {
        key,
        wrong: "has no use: Pulumi's state holds no secret, and no role decrypts any",
        accepted: "nothing",
        fix: 'pulumi config rm KEY --stack STACK (docs/operations.md, "Moving secrets out of Pulumi\'s state")',
      };
    }
    if (declaredSettings().includes(key)) {
      return {
        key,
        wrong: "is declared in Pulumi.yaml and has no rule",
        accepted: "settings with a rule in settings/rules.ts",
        fix: `add a rule for ${key} to settings/rules.ts`,
      };
    }
    const meant = nearest(key, known);
    return {
      key,
      wrong: "is not a setting",
      accepted: "the settings of docs/settings.md",
      fix:
        meant === undefined
          ? "replace KEY in Pulumi.STACK.yaml by the setting that you mean"
          : `rename KEY to ${project}:${meant} in Pulumi.STACK.yaml`,
    };
  });
}

/** The names of the settings that Pulumi.yaml declares. The engine and the preview run in its folder. */
function declaredSettings(): string[] {
  const { config = {} } = parse(readFileSync("Pulumi.yaml", "utf8")) as { config?: object };
  return Object.keys(config);
}

/** The program passes all arguments to the AWS provider, so the provider reads no configuration of the stack. */
function providerSettings(config: Record<string, string>): Problem[] {
  return Object.keys(config)
    .filter((key) => key.startsWith("aws:"))
    .map((key) => ({
      key,
      wrong: "has no effect: this program configures the AWS provider itself",
      accepted:
        "the setting `region` for the region, environment variables such as AWS_PROFILE for credentials",
      fix: "pulumi config rm KEY --stack STACK",
    }));
}

/** @param path The setting and, in a list, the index of the element. */
function plainProblem(path: PropertyKey[], accepted: string, own: Record<string, string>): Problem {
  const [setting, index] = path;
  const key = String(setting);
  const value = own[key];
  if (value === undefined) return wrongValue(key, "is missing", accepted);
  if (typeof index !== "number") return wrongValue(key, `has the value ${JSON.stringify(value)}`, accepted);
  const element = (JSON.parse(value) as unknown[])[index];
  // `pulumi config set --path 'KEY[2]'` leaves the elements before it null: a stack's list replaces the default.
  const wrong = element === null ? `has no element ${index}` : `has the element ${JSON.stringify(element)}`;
  return wrongValue(key, wrong, accepted, index);
}

/** Iaso does not start if the code of an enabled plugin is missing. */
function warnOfOtherPlugins(plugins: readonly string[]): void {
  for (const plugin of plugins.filter((name) => !IASO_PLUGINS.includes(name))) {
    void pulumi.log.warn(
      `The plugin ${plugin} does not come with Iaso (${IASO_PLUGINS.join(", ")} do). ` +
        `Deploy a version that contains plugins/${plugin} before you enable it: without the code, Iaso does not start.`,
    );
  }
}

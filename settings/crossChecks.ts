import { INSTANCE_ROLES } from "../components/common/naming";
import { planSubnets } from "../components/common/cidr";
import { PYTHON_WORKERS } from "../components/common/pythonWorkers";
import { PASSES_COMPOSE, passesCompose } from "../policies/facts/composeEnvFile";
import { defaultConnectionsOf } from "../policies/facts/instanceTypes";
import { REGIONS } from "../policies/facts/regions";
import { Problem, wrongValue } from "./problem";
import { PlainSettings, SUPPORTED_REGIONS } from "./rules";

/**
 * Finds settings of one stack that are valid alone and wrong together.
 *
 * @param settings The valid settings. A check runs if each setting that it reads is among them.
 */
export function crossCheck(settings: Partial<PlainSettings>): Problem[] {
  return checks.flatMap((check) => check(settings));
}

function check<const Key extends keyof PlainSettings>(
  keys: readonly Key[],
  find: (settings: Pick<PlainSettings, Key>) => Problem | undefined,
): (settings: Partial<PlainSettings>) => Problem[] {
  return (settings) => {
    if (keys.some((key) => settings[key] === undefined)) return [];
    const problem = find(settings as Pick<PlainSettings, Key>);
    return problem === undefined ? [] : [problem];
  };
}

/**
 * Values under a domain that nobody can own, and the DKIM key of the example stacks.
 *
 * @see https://www.rfc-editor.org/rfc/rfc2606
 */
const EXAMPLE = /\bexample\.(org|com|net)\b|exampleexample/;

/** Enketo's first major version that supports TLS and passwords for Redis. */
const ENKETO_WITH_REDIS_TLS = 7;

const checks = [
  check(["region"], ({ region }) =>
    REGIONS[region]?.acceptsSignatureVersion2 === true
      ? wrongValue(
          "region",
          `is ${region}, where Amazon S3 accepts Signature Version 2: Iaso signs some media links with it there, ` +
            "and the media bucket refuses them",
          `one of the regions ${SUPPORTED_REGIONS.join(", ")}`,
        )
      : undefined,
  ),
  ...INSTANCE_ROLES.map((role) =>
    check([`${role}MinSize`, `${role}MaxSize`], (settings) => {
      const minimum = settings[`${role}MinSize`];
      if (settings[`${role}MaxSize`] >= minimum) return undefined;
      return wrongValue(`${role}MaxSize`, `is below ${role}MinSize`, `${minimum} or more`);
    }),
  ),
  check(
    ["databaseInstanceClass", "platform", "webMaxSize", "workerMaxSize"],
    ({ databaseInstanceClass, platform, webMaxSize, workerMaxSize }) => {
      if (platform !== "python") return undefined;
      const { NumProcesses, NumThreads } = PYTHON_WORKERS;
      const instances = webMaxSize + workerMaxSize;
      const needed = instances * NumProcesses * NumThreads;
      const accepted = defaultConnectionsOf(databaseInstanceClass);
      if (needed <= accepted) return undefined;
      return wrongValue(
        "databaseInstanceClass",
        `is ${databaseInstanceClass}, which accepts ${accepted} connections: ${instances} instances of web and worker open up to ${needed}`,
        "a class with more memory, or a smaller webMaxSize or workerMaxSize",
      );
    },
  ),
  check(["databaseConnectionAlarm", "databaseInstanceClass"], (settings) => {
    const { databaseConnectionAlarm, databaseInstanceClass } = settings;
    const accepted = defaultConnectionsOf(databaseInstanceClass);
    if (databaseConnectionAlarm <= accepted) return undefined;
    return wrongValue(
      "databaseConnectionAlarm",
      `is more than the ${accepted} connections that a ${databaseInstanceClass} accepts`,
      `${Math.floor(accepted * 0.8)}, or another number up to ${accepted}`,
    );
  }),
  check(["databaseStorage", "databaseMaxStorage"], ({ databaseStorage, databaseMaxStorage }) => {
    const least = Math.ceil((databaseStorage * 11) / 10);
    if (databaseMaxStorage >= least) return undefined;
    return wrongValue(
      "databaseMaxStorage",
      "leaves no room to grow",
      `${least} or more, 10 % above databaseStorage`,
    );
  }),
  check(["backupDays", "backupCopyRegion", "region"], ({ backupDays, backupCopyRegion, region }) => {
    if (backupCopyRegion === "") return undefined;
    if (backupDays === 0)
      return wrongValue(
        "backupDays",
        "is 0 although backupCopyRegion is set",
        "a whole number from 7 to 3650",
      );
    return backupCopyRegion === region
      ? wrongValue("backupCopyRegion", `is ${region}, the region of the stack`, "another region, or empty")
      : undefined;
  }),
  check(["cloudFront", "staticHost"], ({ cloudFront, staticHost }) =>
    cloudFront && staticHost === ""
      ? wrongValue("staticHost", "is empty although cloudFront is true", "a host name")
      : undefined,
  ),
  check(["mailgunDomain", "mailgunDkimRecord"], ({ mailgunDomain, mailgunDkimRecord }) =>
    mailgunDomain !== "" && mailgunDkimRecord === ""
      ? wrongValue(
          "mailgunDkimRecord",
          "is empty although mailgunDomain is set",
          "the DKIM record that Mailgun shows, k=rsa; p=...",
        )
      : undefined,
  ),
  ...(
    ["webHost", "enketoHost", "existingWebHost", "existingEnketoHost", "staticHost", "mailgunDomain"] as const
  ).map((key) =>
    check([key, "hostedZone"], (settings) => {
      const { [key]: name, hostedZone: zone } = settings;
      if (name === "" || name === zone || name.endsWith(`.${zone}`)) return undefined;
      return wrongValue(key, `is ${name}, which is not in the zone ${zone}`, `a name that ends in .${zone}`);
    }),
  ),
  ...(["alarmEmail", "emailUser", "emailFrom", "mailgunDkimRecord"] as const).map((key) =>
    check([key, "hostedZone"], (settings) => {
      const { [key]: value, hostedZone: zone } = settings;
      if (EXAMPLE.test(zone) || !EXAMPLE.test(value)) return undefined;
      return wrongValue(key, `is ${value}, a value of the example stacks`, "your own value");
    }),
  ),
  ...(
    [
      ["enketoHost", "webHost"],
      ["staticHost", "webHost"],
      ["staticHost", "enketoHost"],
      ["existingWebHost", "webHost"],
      ["existingWebHost", "enketoHost"],
      ["existingWebHost", "staticHost"],
      ["existingEnketoHost", "webHost"],
      ["existingEnketoHost", "enketoHost"],
      ["existingEnketoHost", "staticHost"],
      ["existingEnketoHost", "existingWebHost"],
    ] as const
  ).map(([key, other]) =>
    check([key, other], (settings) =>
      settings[key] !== "" && settings[key] === settings[other]
        ? wrongValue(key, `is ${settings[key]}, the same as ${other}`, "a host name of its own")
        : undefined,
    ),
  ),
  check(["deployers", "accountId"], ({ deployers, accountId }) => {
    const index = deployers.findIndex((arn) => !arn.startsWith(`arn:aws:iam::${accountId}:`));
    const wrong = `has ${deployers[index] ?? ""}, of another account than accountId`;
    return index < 0 ? undefined : wrongValue("deployers", wrong, `ARNs of the account ${accountId}`, index);
  }),
  check(["mediaCopyPrincipal", "accountId"], ({ accountId, mediaCopyPrincipal }) =>
    mediaCopyPrincipal === "" || mediaCopyPrincipal.startsWith(`arn:aws:iam::${accountId}:`)
      ? undefined
      : wrongValue(
          "mediaCopyPrincipal",
          `is ${mediaCopyPrincipal}, of another account than accountId`,
          `an ARN of the account ${accountId}`,
        ),
  ),
  check(["databaseSnapshot", "accountId", "region"], ({ accountId, databaseSnapshot, region }) => {
    const [, ofRegion, ofAccount] = /^arn:aws:rds:([^:]+):([^:]+):/.exec(databaseSnapshot) ?? [];
    if (ofRegion === undefined || (ofRegion === region && ofAccount === accountId)) return undefined;
    return wrongValue(
      "databaseSnapshot",
      `is ${databaseSnapshot}, of another account or region`,
      `a snapshot of the account ${accountId} in ${region}`,
    );
  }),
  check(["availabilityZones"], ({ availabilityZones }) =>
    new Set(availabilityZones).size < availabilityZones.length
      ? wrongValue("availabilityZones", "has a zone twice", "a list of different zone letters")
      : undefined,
  ),
  check(["vpcCidr", "availabilityZones"], ({ vpcCidr, availabilityZones }) => {
    try {
      planSubnets(vpcCidr, availabilityZones.length);
      return undefined;
    } catch (error) {
      return wrongValue("vpcCidr", `is wrong: ${(error as Error).message}`, "a block such as 10.20.0.0/16");
    }
  }),
  ...(["publicSubnetIds", "privateSubnetIds"] as const).map((key) =>
    check(["vpcId", key], (settings) => {
      const subnets = settings[key];
      if (settings.vpcId === "" && subnets.length > 0) {
        return wrongValue("vpcId", `is empty although ${key} is set`, "the id of the subnets' VPC");
      }
      return settings.vpcId !== "" && new Set(subnets).size < 2
        ? wrongValue(key, "has fewer than two subnets of the existing VPC", "one subnet per zone")
        : undefined;
    }),
  ),
  ...(["emailUser", "emailFrom"] as const).map((key) =>
    check([key, "platform"], ({ [key]: value, platform }) =>
      platform === "docker" && !passesCompose(value)
        ? wrongValue(key, `is ${value}, which the docker platform changes`, `a value ${PASSES_COMPOSE}`)
        : undefined,
    ),
  ),
  check(["enketoRedisTls", "enketoImage"], ({ enketoRedisTls, enketoImage }) => {
    // A tag without a version, such as a custom image's, is not checked.
    const version = Number(/:v?(\d+)\./.exec(enketoImage)?.[1]);
    return enketoRedisTls && version < ENKETO_WITH_REDIS_TLS
      ? wrongValue(
          "enketoImage",
          `is ${enketoImage}, which does not support enketoRedisTls`,
          `Enketo ${ENKETO_WITH_REDIS_TLS} or later, such as enketo/enketo-express:7.5.1; or enketoRedisTls: false`,
        )
      : undefined;
  }),
];

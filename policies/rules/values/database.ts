import { resourcesWith, Stack, tagOf } from "../../context";
import { defaultConnectionsOf, RDS_INSTANCE_CLASSES } from "../../facts/instanceTypes";
import { Resource } from "../../resource";
import { defineRule } from "../../rule";
import { array, at, demand, isUnknown, text } from "../../values";
import { Environment, ENVIRONMENT, optionOf, VARIABLES } from "../../optionSettings";

const DATABASE = "aws:rds/instance:Instance";
const REDIS = "aws:elasticache/replicationGroup:ReplicationGroup";
const RDS_PARAMETERS = "aws:rds/parameterGroup:ParameterGroup";

const DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
const DAY = 24 * 60;

/** The minutes of a window in the week, from its first to its last; undefined if the text is not a window. */
export function window(value: unknown, daily: boolean): [start: number, end: number] | undefined {
  const time = "([01]\\d|2[0-3]):([0-5]\\d)";
  const day = daily ? "()" : `(${DAYS.join("|")}):`;
  const parts = new RegExp(`^${day}${time}-${day}${time}$`, "i").exec(text(value));
  if (parts === null) return undefined;
  const [, day1 = "", hour1, minute1, day2 = "", hour2, minute2] = parts;
  const minutes = (name: string, hour: unknown, minute: unknown) =>
    Math.max(0, DAYS.indexOf(name.toLowerCase())) * DAY + Number(hour) * 60 + Number(minute);
  const week = daily ? DAY : 7 * DAY;
  const start = minutes(day1, hour1, minute1);
  const end = minutes(day2, hour2, minute2);
  return [start, end > start ? end : end + week];
}

/** True if a daily window and a weekly one have a minute in common. */
export function overlap(daily: [number, number], weekly: [number, number]): boolean {
  const days = Array.from({ length: 9 }, (_, day) => (day - 1) * DAY);
  return days.some((day) => day + daily[0] < weekly[1] && weekly[0] < day + daily[1]);
}

const WINDOW = "30 minutes or more";

/** The storage in GiB from which PostgreSQL on gp3 takes IOPS and throughput of its own.
 * @see https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/CHAP_Storage.html#gp3-storage */
const SMALL_GP3 = 400;

const LIFECYCLES = ["open-source-rds-extended-support", "open-source-rds-extended-support-disabled"];

/**
 * The number of connections that a database accepts: the parameter of its group, else RDS's default for its class.
 *
 * @see https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/CHAP_Limits.html#RDS_Limits.MaxConnections
 */
export function maxConnectionsOf({ inputs }: Pick<Resource, "inputs">, stack: Stack): number {
  const [set] = resourcesWith(stack, RDS_PARAMETERS, "name", inputs.parameterGroupName)
    .flatMap((group) => array(group.inputs.parameters))
    .filter((parameter) => at(parameter, "name") === "max_connections")
    .map((parameter) => Number(at(parameter, "value")));
  // A formula of RDS, such as {DBInstanceClassMemory/9531392}, is no number.
  if (set !== undefined && !Number.isNaN(set)) return set;
  return defaultConnectionsOf(text(inputs.instanceClass));
}

/** The most connections that an environment opens: one for each thread, where Beanstalk starts the threads. */
const connectionsOf = (environment: Environment): number =>
  (
    [
      ["aws:autoscaling:asg", "MaxSize"],
      ["aws:elasticbeanstalk:container:python", "NumProcesses"],
      ["aws:elasticbeanstalk:container:python", "NumThreads"],
    ] as const
  )
    .map(([namespace, name]) => Number(optionOf(environment, namespace, name) ?? 0) || 0)
    .reduce((product, one) => product * one);

/** The most connections that Iaso opens to a database: those of the environments with its tag. */
const neededConnections = (database: Resource, stack: Stack): number =>
  stack
    .once("connections by environment", () => {
      const sums = new Map<string, number>();
      for (const one of stack.ofType(ENVIRONMENT))
        sums.set(tagOf(one, "env"), (sums.get(tagOf(one, "env")) ?? 0) + connectionsOf(one));
      return sums;
    })
    .get(tagOf(database, "env")) ?? 0;

/** The properties that join a database to an Active Directory. */
const DIRECTORY = ["domain", "domainFqdn", "domainIamRoleName", "domainOu"] as const;

export const databaseValues = defineRule({
  name: "database-values",
  kind: "values together",
  types: [DATABASE],
  description:
    "The database's class, storage, connections, windows, retention times and parameter family are values that RDS accepts together, and that Iaso's instances need",
  why: "RDS refuses others half-way through a deployment, or the database stops when its storage is full",
  severity: "high",
  neighbours: true,
  check: (database, stack) => {
    const { inputs } = database;
    const connections = maxConnectionsOf(database, stack);
    const needed = neededConnections(database, stack);
    const { allocatedStorage, maxAllocatedStorage, backupWindow, maintenanceWindow, engineVersion } = inputs;
    const backup = window(backupWindow, true);
    const maintenance = window(maintenanceWindow, false);
    const isLong = (one: [number, number] | undefined) => one !== undefined && one[1] - one[0] >= 30;
    const major = text(engineVersion).split(".")[0] ?? "";
    const families = resourcesWith(stack, RDS_PARAMETERS, "name", inputs.parameterGroupName).map(
      ({ inputs: { family } }) => family,
    );
    const period = Number(inputs.performanceInsightsRetentionPeriod);
    const storage = Number(allocatedStorage);
    return [
      ...demand(
        inputs.instanceClass,
        RDS_INSTANCE_CLASSES.includes(text(inputs.instanceClass)),
        "instanceClass",
        "a class of RDS for PostgreSQL that is not of an older generation",
      ),
      ...demand(
        allocatedStorage,
        storage >= 20 && storage <= 65_536,
        "allocatedStorage",
        "a number of GiB from 20 to 65536",
      ),
      ...demand(
        maxAllocatedStorage,
        // In whole numbers: 200 * 1.1 is more than 220.
        Number(maxAllocatedStorage) * 10 >= storage * 11 && Number(maxAllocatedStorage) <= 65_536,
        "maxAllocatedStorage",
        "at least 10 % more than allocatedStorage",
      ),
      ...demand(
        inputs.storageType,
        ["gp3", "gp2", "io1", "io2"].includes(text(inputs.storageType)),
        "storageType",
        "gp3",
      ),
      ...(storage < SMALL_GP3 && inputs.storageType === "gp3"
        ? (["iops", "storageThroughput"] as const)
            .filter((name) => inputs[name] !== undefined)
            .map((name) => `${name} is set, which gp3 takes from ${String(SMALL_GP3)} GiB. Remove it.`)
        : []),
      ...(["gp2", "io1", "io2"].includes(text(inputs.storageType)) && inputs.storageThroughput !== undefined
        ? ["storageThroughput is set, which only gp3 takes. Remove it."]
        : []),
      ...(["io1", "io2"].includes(text(inputs.storageType)) && !(Number(inputs.iops) >= 1000)
        ? ["iops is not set, which io1 and io2 demand. Write 1000 or more."]
        : []),
      ...demand(
        inputs.engineLifecycleSupport,
        ["", ...LIFECYCLES].includes(text(inputs.engineLifecycleSupport)),
        "engineLifecycleSupport",
        LIFECYCLES.join(" or "),
      ),
      ...(connections >= needed
        ? []
        : [
            `The database accepts ${String(connections)} connections, and Iaso opens up to ${String(needed)}. Write a greater instanceClass or max_connections, or fewer instances.`,
          ]),
      ...(inputs.storageType === "gp2" && inputs.iops !== undefined
        ? ["iops is set, which gp2 does not take. Remove it."]
        : []),
      ...DIRECTORY.filter((name) => inputs[name] !== undefined).map(
        (name) => `${name} is set: a directory would decide who logs in. Remove it.`,
      ),
      ...(text(inputs.multiAz) === "true" && text(inputs.availabilityZone) !== ""
        ? ["availabilityZone is set beside multiAz. Remove it: RDS chooses both zones."]
        : []),
      ...demand(
        inputs.dbName,
        /^[a-z][a-z0-9_]{0,62}$/i.test(text(inputs.dbName)),
        "dbName",
        "a letter, then letters, digits and underscores",
      ),
      ...demand(
        inputs.username,
        /^[a-z][a-z0-9_]{0,62}$/i.test(text(inputs.username)) &&
          !/^(admin|pg_.*|rds.*)$/i.test(text(inputs.username)),
        "username",
        "a name that PostgreSQL and RDS do not reserve",
      ),
      ...demand(
        inputs.networkType,
        ["", "IPV4"].includes(text(inputs.networkType)),
        "networkType",
        "IPV4: the subnets have no IPv6 addresses",
      ),
      ...demand(backupWindow, isLong(backup), "backupWindow", `HH:MM-HH:MM of ${WINDOW}`),
      ...demand(
        maintenanceWindow,
        isLong(maintenance),
        "maintenanceWindow",
        `ddd:HH:MM-ddd:HH:MM of ${WINDOW}`,
      ),
      ...(backup !== undefined && maintenance !== undefined && overlap(backup, maintenance)
        ? ["backupWindow and maintenanceWindow overlap. Write times apart."]
        : []),
      ...families.flatMap((family) =>
        demand(family, family === `postgres${major}`, "family of the parameter group", `postgres${major}`),
      ),
      ...demand(
        inputs.backupRetentionPeriod,
        Number(inputs.backupRetentionPeriod) <= 35,
        "backupRetentionPeriod",
        "35 or less",
      ),
      ...demand(
        inputs.monitoringInterval,
        [1, 5, 10, 15, 30, 60].includes(Number(inputs.monitoringInterval)),
        "monitoringInterval",
        "1, 5, 10, 15, 30 or 60",
      ),
      ...demand(
        inputs.performanceInsightsRetentionPeriod,
        inputs.performanceInsightsRetentionPeriod === undefined ||
          period === 7 ||
          period === 731 ||
          (period > 0 && period % 31 === 0 && period <= 713),
        "performanceInsightsRetentionPeriod",
        "7, 731, or a multiple of 31",
      ),
      ...demand(
        inputs.caCertIdentifier,
        ["", "rds-ca-rsa2048-g1", "rds-ca-rsa4096-g1", "rds-ca-ecc384-g1"].includes(
          text(inputs.caCertIdentifier),
        ),
        "caCertIdentifier",
        "rds-ca-rsa2048-g1",
      ),
      ...demand(
        inputs.finalSnapshotIdentifier,
        /^(?!.*--)[a-z]([a-z0-9-]{0,253}[a-z0-9])?$/i.test(text(inputs.finalSnapshotIdentifier)),
        "finalSnapshotIdentifier",
        "letters, digits and single hyphens",
      ),
      ...demand(inputs.copyTagsToSnapshot, inputs.copyTagsToSnapshot === true, "copyTagsToSnapshot", "true"),
    ];
  },
});

/** The properties that fill a new store with data from elsewhere. */
const SOURCES = [
  "globalReplicationGroupId",
  "replicateSourceDb",
  "restoreToPointInTime",
  "s3Import",
  "snapshotArns",
  "snapshotIdentifier",
  "snapshotName",
];

export const noForeignData = defineRule({
  name: "no-foreign-data",
  kind: "closed world",
  types: [DATABASE, REDIS],
  description: "Database and Redis start empty, or from a snapshot that the config names",
  why: "a snapshot of somebody else brings its users and passwords with it, and a replica follows another database",
  severity: "high",
  parameters: {
    alsoAllowed: { type: "array", default: [], description: "Snapshots from which a store may start" },
  },
  check: ({ inputs }, { parameters: { alsoAllowed } }) =>
    SOURCES.filter((name) => {
      const value = (inputs as Record<string, unknown>)[name];
      return (
        value !== undefined &&
        text(value) + JSON.stringify(value) !== '""' &&
        !(Array.isArray(value) && value.length === 0) &&
        !alsoAllowed.includes(text(value))
      );
    }).map((name) => `${name} is set. Remove it, or write the snapshot to alsoAllowed.`),
});

/** The variables of Iaso that repeat a property of the database. */
const REPEATED = { RDS_PORT: "port", RDS_DB_NAME: "dbName", RDS_USERNAME: "username" } as const;

export const databaseVariables = defineRule({
  name: "database-variables",
  kind: "values together",
  types: ["aws:elasticbeanstalk/environment:Environment"],
  description: "The port, name and user in Iaso's variables are those of the database",
  why: "Iaso would not find its data",
  severity: "high",
  neighbours: true,
  check: (environment, stack) => {
    const [database] = stack.ofType(DATABASE);
    if (optionOf(environment, VARIABLES, "RDS_HOSTNAME") === undefined || database === undefined) return [];
    return Object.entries(REPEATED).flatMap(([name, property]) => {
      const value = optionOf(environment, VARIABLES, name);
      const own = database.inputs[property] ?? (property === "port" ? 5432 : undefined);
      return isUnknown(own) ? [] : demand(value, text(value) === text(own), `variable ${name}`, text(own));
    });
  },
});

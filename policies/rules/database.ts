import {
  array,
  demand,
  groupBy,
  hasUnknown,
  notEvaluated,
  object,
  Resource,
  Rule,
  rulesOf,
  text,
} from "../rule";

const INSTANCE = "aws:rds/instance:Instance";

const rule = rulesOf({ area: "database", types: [INSTANCE] });

const equals =
  (property: string, value: unknown): Rule["check"] =>
  ({ inputs }: Resource) =>
    demand(inputs[property], inputs[property] === value, property, JSON.stringify(value));

export const databasePrivate = rule(
  "database-private",
  "The database has no public address",
  "everyone could try passwords",
  equals("publiclyAccessible", false),
  { severity: "critical", reference: "AWS FSBP RDS.2" },
);

export const databaseNetwork = rule(
  "database-network",
  "The database is in named subnets and security groups",
  "without them it is in the account's default network, open to whatever else is there",
  ({ inputs }) => [
    ...demand(
      inputs.dbSubnetGroupName,
      text(inputs.dbSubnetGroupName) !== "",
      "dbSubnetGroupName",
      "its name",
    ),
    // Ids of groups that do not exist yet are groups.
    ...(array(inputs.vpcSecurityGroupIds).length > 0
      ? []
      : demand(inputs.vpcSecurityGroupIds, false, "vpcSecurityGroupIds", "the database's group")),
  ],
  { severity: "critical" },
);

export const databaseEncrypted = rule(
  "database-encrypted",
  "Storage is encrypted",
  "a copied disk or snapshot would be readable",
  equals("storageEncrypted", true),
  { severity: "critical", reference: "AWS FSBP RDS.3" },
);

export const databaseDeletionProtection = rule(
  "database-deletion-protection",
  "Deletion protection is on",
  "one wrong line would delete all data",
  equals("deletionProtection", true),
  { reference: "AWS FSBP RDS.8" },
);

export const databaseMultiAz = rule(
  "database-multi-az",
  "The database has a standby in another zone",
  "one zone's failure would stop the platform",
  equals("multiAz", true),
  { severity: "medium", reference: "AWS FSBP RDS.5" },
);

export const databaseFinalSnapshot = rule(
  "database-final-snapshot",
  "A last snapshot is taken on deletion",
  "the data would be gone with the instance",
  ({ inputs }) => [
    ...demand(
      inputs.skipFinalSnapshot ?? false,
      (inputs.skipFinalSnapshot ?? false) === false,
      "skipFinalSnapshot",
      "false",
    ),
    ...demand(
      inputs.finalSnapshotIdentifier,
      text(inputs.finalSnapshotIdentifier) !== "",
      "finalSnapshotIdentifier",
      "a name",
    ),
  ],
);

export const databaseBackups = rule(
  "database-backups",
  "Backups are kept for enough days, and longer than the instance",
  "a loss that is noticed late could not be mended",
  ({ inputs }, { parameters }) => [
    ...demand(
      inputs.backupRetentionPeriod,
      Number(inputs.backupRetentionPeriod) >= Number(parameters.minDays),
      "backupRetentionPeriod",
      `${text(parameters.minDays)} or more`,
    ),
    ...demand(
      inputs.deleteAutomatedBackups,
      inputs.deleteAutomatedBackups === false,
      "deleteAutomatedBackups",
      "false",
    ),
  ],
  {
    reference: "AWS FSBP RDS.11",
    parameters: {
      minDays: { type: "number", default: 14, description: "Days for which backups are kept at least" },
    },
  },
);

export const databaseVersion = rule(
  "database-version",
  "PostgreSQL in a supported major version, with minor versions by themselves",
  "old versions get no security updates",
  ({ inputs }, { parameters }) => [
    ...demand(inputs.engine, inputs.engine === "postgres", "engine", "postgres"),
    ...demand(
      inputs.engineVersion,
      array(parameters.versions).includes(text(inputs.engineVersion).split(".")[0]),
      "engineVersion",
      `one of ${array(parameters.versions).join(", ")}`,
    ),
    ...demand(
      inputs.autoMinorVersionUpgrade,
      inputs.autoMinorVersionUpgrade !== false,
      "autoMinorVersionUpgrade",
      "true",
    ),
  ],
  {
    parameters: {
      versions: {
        type: "array",
        default: ["14", "15", "16", "17", "18"],
        description: "Major versions that are supported",
      },
    },
  },
);

export const databaseTls = rule(
  "database-tls",
  "The database refuses connections without TLS",
  "passwords and data would travel readable",
  (instance, context) => {
    const name = text(instance.inputs.parameterGroupName);
    const groups =
      context
        .once("parameter groups by name", () =>
          groupBy(context.ofType("aws:rds/parameterGroup:ParameterGroup"), ({ inputs }) => text(inputs.name)),
        )
        .get(name) ?? [];
    if (groups.some(({ inputs }) => hasUnknown(inputs.parameters)))
      return notEvaluated("the parameter group");
    const valuesOf = (wanted: string) =>
      groups
        .flatMap(({ inputs }) => array(inputs.parameters))
        .filter((one) => object(one).name === wanted)
        .map((one) => text(object(one).value));
    if (groups.length === 0)
      return demand(
        instance.inputs.parameterGroupName,
        false,
        "parameterGroupName",
        "the name of a parameter group of this program",
      );
    return [
      ...demand(
        valuesOf("rds.force_ssl").join() || undefined,
        valuesOf("rds.force_ssl").join() === "1",
        "rds.force_ssl",
        '"1" in the parameter group',
      ),
      ...(valuesOf("ssl").every((value) => value === "1")
        ? []
        : ["ssl is turned off. Remove it from the parameter group."]),
    ];
  },
  { neighbours: true },
);

export const databaseLogs = rule(
  "database-logs",
  "Logs are exported",
  "what happened could not be told afterwards",
  ({ inputs }) =>
    demand(
      inputs.enabledCloudwatchLogsExports,
      array(inputs.enabledCloudwatchLogsExports).includes("postgresql"),
      "enabledCloudwatchLogsExports",
      '["postgresql", "upgrade"]',
    ),
  { severity: "medium", reference: "AWS FSBP RDS.9" },
);

export const statefulProtected: Rule = rule(
  "stateful-protected",
  "What holds data is protected from deletion by Pulumi",
  "one removed line would delete it",
  (resource) => {
    const media = resource.type === INSTANCE || object(resource.inputs.tags).class === "media";
    return [
      ...(media && resource.protect !== true
        ? ["The resource is not protected. Write protect: true in its options."]
        : []),
      ...(media && (resource.inputs.forceDestroy ?? false) !== false
        ? ["forceDestroy would delete the objects with the bucket. Remove it."]
        : []),
    ];
  },
  { types: [INSTANCE, "aws:s3/bucket:Bucket"] },
);

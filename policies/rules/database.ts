import { resourcesWith, tagOf } from "../context";
import { defineRule } from "../rule";
import { array, at, demand, hasUnknown, notEvaluated, text } from "../values";

const DATABASE = "aws:rds/instance:Instance";

export const databasePrivate = defineRule({
  name: "database-private",
  types: [DATABASE],
  description: "The database has no public address",
  why: "anyone could try passwords",
  severity: "critical",
  reference: "AWS FSBP RDS.2",
  check: ({ inputs: { publiclyAccessible } }) =>
    demand(publiclyAccessible, publiclyAccessible === false, "publiclyAccessible", "false"),
});

export const databaseNetwork = defineRule({
  name: "database-network",
  types: [DATABASE],
  description: "The database names its subnets and security groups",
  why: "without them it is in the default network of the account, together with unrelated resources",
  severity: "critical",
  check: ({ inputs: { dbSubnetGroupName, vpcSecurityGroupIds } }) => [
    ...demand(dbSubnetGroupName, text(dbSubnetGroupName) !== "", "dbSubnetGroupName", "its name"),
    // An id that is unknown yet is an id of a group.
    ...(array(vpcSecurityGroupIds).length > 0
      ? []
      : demand(vpcSecurityGroupIds, false, "vpcSecurityGroupIds", "the group of the database")),
  ],
});

export const databaseEncrypted = defineRule({
  name: "database-encrypted",
  types: [DATABASE],
  description: "Storage is encrypted",
  why: "a copied disk or snapshot would be readable",
  severity: "critical",
  reference: "AWS FSBP RDS.3",
  check: ({ inputs: { storageEncrypted } }) =>
    demand(storageEncrypted, storageEncrypted === true, "storageEncrypted", "true"),
});

export const databaseDeletionProtection = defineRule({
  name: "database-deletion-protection",
  types: [DATABASE],
  description: "Deletion protection is on",
  why: "one wrong line would delete all data",
  severity: "high",
  reference: "AWS FSBP RDS.8",
  check: ({ inputs: { deletionProtection } }) =>
    demand(deletionProtection, deletionProtection === true, "deletionProtection", "true"),
});

export const databaseMultiAz = defineRule({
  name: "database-multi-az",
  types: [DATABASE],
  description: "The database has a standby in another zone",
  why: "the failure of one zone would stop the platform",
  severity: "medium",
  reference: "AWS FSBP RDS.5",
  check: ({ inputs: { multiAz } }) => demand(multiAz, multiAz === true, "multiAz", "true"),
});

export const databaseFinalSnapshot = defineRule({
  name: "database-final-snapshot",
  types: [DATABASE],
  description: "RDS takes a final snapshot before it deletes the database",
  why: "the data would be lost with the instance",
  severity: "high",
  check: ({ inputs: { skipFinalSnapshot = false, finalSnapshotIdentifier } }) => [
    ...demand(skipFinalSnapshot, skipFinalSnapshot === false, "skipFinalSnapshot", "false"),
    ...demand(
      finalSnapshotIdentifier,
      text(finalSnapshotIdentifier) !== "",
      "finalSnapshotIdentifier",
      "a name",
    ),
  ],
});

export const databaseBackups = defineRule({
  name: "database-backups",
  types: [DATABASE],
  description: "Backups are kept for a minimum number of days, also after the instance is deleted",
  why: "a loss that is noticed late could not be repaired",
  severity: "high",
  reference: "AWS FSBP RDS.11",
  parameters: {
    minDays: {
      type: "number",
      default: 14,
      description: "Minimum number of days for which backups are kept",
    },
  },
  check: ({ inputs: { backupRetentionPeriod, deleteAutomatedBackups } }, { parameters: { minDays } }) => [
    ...demand(
      backupRetentionPeriod,
      Number(backupRetentionPeriod) >= minDays,
      "backupRetentionPeriod",
      `${String(minDays)} or more`,
    ),
    ...demand(deleteAutomatedBackups, deleteAutomatedBackups === false, "deleteAutomatedBackups", "false"),
  ],
});

export const databaseVersion = defineRule({
  name: "database-version",
  types: [DATABASE],
  description: "The database is PostgreSQL in a supported major version, with automatic minor upgrades",
  why: "old versions get no security updates",
  severity: "high",
  parameters: {
    versions: {
      type: "array",
      default: ["14", "15", "16", "17", "18"],
      description: "Major versions that are supported",
    },
  },
  check: ({ inputs: { engine, engineVersion, autoMinorVersionUpgrade } }, { parameters: { versions } }) => [
    ...demand(engine, engine === "postgres", "engine", "postgres"),
    ...demand(
      engineVersion,
      versions.includes(text(engineVersion).split(".")[0] ?? ""),
      "engineVersion",
      `one of ${versions.join(", ")}`,
    ),
    ...demand(
      autoMinorVersionUpgrade,
      text(autoMinorVersionUpgrade ?? true) === "true",
      "autoMinorVersionUpgrade",
      "true",
    ),
  ],
});

export const databaseTls = defineRule({
  name: "database-tls",
  types: [DATABASE],
  description: "The database refuses connections without TLS",
  why: "others on the network could read passwords and data",
  severity: "high",
  neighbours: true,
  check: ({ inputs }, stack) => {
    const groups = resourcesWith(
      stack,
      "aws:rds/parameterGroup:ParameterGroup",
      "name",
      inputs.parameterGroupName,
    );
    if (groups.length === 0)
      return demand(
        inputs.parameterGroupName,
        false,
        "parameterGroupName",
        "the name of a parameter group of this program",
      );
    if (groups.some((group) => hasUnknown(group.inputs.parameters)))
      return notEvaluated("the parameter group");
    const valuesOf = (name: string) =>
      groups
        .flatMap((group) => array(group.inputs.parameters))
        .filter((parameter) => at(parameter, "name") === name)
        .map((parameter) => text(at(parameter, "value")));
    const forced = valuesOf("rds.force_ssl").join();
    return [
      ...demand(forced || undefined, forced === "1", "rds.force_ssl", '"1" in the parameter group'),
      ...(valuesOf("ssl").every((value) => value === "1")
        ? []
        : ["ssl is turned off. Remove it from the parameter group."]),
    ];
  },
});

export const databaseLogs = defineRule({
  name: "database-logs",
  types: [DATABASE],
  description: "Logs are exported to CloudWatch",
  why: "nobody could find out afterwards what happened",
  severity: "medium",
  reference: "AWS FSBP RDS.9",
  check: ({ inputs: { enabledCloudwatchLogsExports } }) =>
    demand(
      enabledCloudwatchLogsExports,
      ["postgresql", "upgrade"].every((log) => array(enabledCloudwatchLogsExports).includes(log)) &&
        array(enabledCloudwatchLogsExports).length === 2,
      "enabledCloudwatchLogsExports",
      '["postgresql", "upgrade"]',
    ),
});

/** The resources without which the media bucket is readable, or loses objects. */
const MEDIA_PARTS = [
  "aws:s3/bucketOwnershipControls:BucketOwnershipControls",
  "aws:s3/bucketPolicy:BucketPolicy",
  "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
  "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
  "aws:s3/bucketVersioning:BucketVersioning",
] as const;

export const statefulProtected = defineRule({
  name: "stateful-protected",
  types: [DATABASE, "aws:s3/bucket:Bucket", ...MEDIA_PARTS],
  description:
    "Pulumi protects the database, and media with its access rules, from deletion; no bucket is emptied",
  why: "one removed line would delete them",
  severity: "high",
  neighbours: true,
  check: (resource, stack) => {
    const isBucket = resource.type === "aws:s3/bucket:Bucket";
    const bucket = resource.type === DATABASE || isBucket ? undefined : resource.inputs.bucket;
    const isMedia =
      resource.type === DATABASE ||
      tagOf(resource, "class") === "media" ||
      resourcesWith(stack, "aws:s3/bucket:Bucket", "bucket", bucket).some(
        (one) => tagOf(one, "class") === "media",
      );
    const forceDestroy = isBucket ? (resource.inputs.forceDestroy ?? false) : false;
    return [
      ...(resource.protect === true || !isMedia
        ? []
        : ["The resource is not protected. Write protect: true in its options."]),
      ...(forceDestroy === false
        ? []
        : ["forceDestroy deletes the objects together with the bucket. Remove it."]),
    ];
  },
});

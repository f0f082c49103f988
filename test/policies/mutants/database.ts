import { Mutant, MutableStack } from "../mutant";

const set = (property: string, value: unknown) => (stack: MutableStack) => {
  return stack.set("database", "database", property, value);
};

export const database: Mutant[] = [
  ["database-private", set("publiclyAccessible", true)],
  ["database-private", set("publiclyAccessible", undefined)],
  ["database-private", set("publiclyAccessible", "[unknown]")],
  ["database-network", set("vpcSecurityGroupIds", undefined)],
  ["database-network", set("vpcSecurityGroupIds", [])],
  ["database-network", set("dbSubnetGroupName", undefined)],
  ["database-encrypted", set("storageEncrypted", false)],
  ["database-encrypted", set("storageEncrypted", undefined)],
  ["database-deletion-protection", set("deletionProtection", false)],
  ["database-deletion-protection", set("deletionProtection", undefined)],
  ["database-final-snapshot", set("skipFinalSnapshot", true)],
  ["database-final-snapshot", set("finalSnapshotIdentifier", undefined)],
  ["database-backups", set("backupRetentionPeriod", 0)],
  ["database-backups", set("backupRetentionPeriod", 6)],
  ["database-backups", set("backupRetentionPeriod", undefined)],
  ["database-backups", set("deleteAutomatedBackups", true)],
  ["database-backups", set("deleteAutomatedBackups", undefined)],
  ["database-version", set("autoMinorVersionUpgrade", false)],
  ["database-version", set("engineVersion", "[unknown]")],
  ["database-version", set("engineVersion", "11.22")],
  ["database-version", set("engineVersion", "9.6")],
  ["database-version", set("engine", "mysql")],
  ["database-tls", (stack) => stack.set("parameterGroup", "database", "parameters", [])],
  [
    "database-tls",
    (s) => s.set("parameterGroup", "database", "parameters", [{ name: "rds.force_ssl", value: "0" }]),
  ],
  [
    "database-tls",
    (s) =>
      s.set("parameterGroup", "database", "parameters", [
        { name: "rds.force_ssl", value: "1" },
        { name: "ssl", value: "0" },
      ]),
  ],
  [
    "database-tls",
    (s) =>
      s.set("parameterGroup", "database", "parameters", [
        { name: "rds.force_ssl", value: "1" },
        { name: "rds.force_ssl", value: "0" },
      ]),
  ],
  ["database-tls", (s) => s.set("parameterGroup", "database", "parameters", "[unknown]")],
  ["database-tls", set("parameterGroupName", "default.postgres16")],
  ["database-tls", (stack) => stack.remove("parameterGroup", "database")],
  ["database-logs", set("enabledCloudwatchLogsExports", ["upgrade"])],
  [
    "database-private",
    (stack) =>
      stack.add("aws:rds/instance:Instance", "replica", {
        identifier: "replica",
        replicateSourceDb: "iaso-prod",
        publiclyAccessible: true,
      }),
  ],
  ["stateful-protected", (stack) => (stack.get("database", "database").protect = false)],
  ["stateful-protected", (stack) => (stack.get("bucket", "media").protect = undefined)],
  ["stateful-protected", (stack) => stack.set("bucket", "media", "forceDestroy", true)],
  ["stateful-protected", (stack) => stack.set("bucket", "logs", "forceDestroy", true)],
  ["stateful-protected", (stack) => (stack.get("bucketPolicy", "media").protect = false)],
  ["stateful-protected", (stack) => (stack.get("block", "media").protect = false)],
];

/** Edits that staging's policy config accepts. */
export const databaseOfProd: Mutant[] = [
  ["database-multi-az", set("multiAz", false)],
  ["database-multi-az", set("multiAz", undefined)],
  ["database-backups", set("backupRetentionPeriod", 13)],
];

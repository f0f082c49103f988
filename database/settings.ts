import {
  type DBInstance,
  type ModifyDBInstanceMessage,
  type RestoreDBInstanceFromDBSnapshotMessage,
} from "@aws-sdk/client-rds";
import { z } from "zod";

/** The settings of an instance that RDS does not take from a backup. */
export const settingsSchema = z.object({
  majorVersion: z.string(),
  instanceClass: z.string(),
  port: z.number(),
  subnetGroup: z.string(),
  parameterGroup: z.string(),
  securityGroups: z.array(z.string()),
  multiAz: z.boolean(),
  autoMinorVersionUpgrade: z.boolean(),
  storageType: z.string(),
  maxAllocatedStorage: z.number().optional(),
  copyTagsToSnapshot: z.boolean(),
  deletionProtection: z.boolean(),
  logExports: z.array(z.string()),
  backupRetentionDays: z.number(),
  backupWindow: z.string(),
  maintenanceWindow: z.string(),
  caCertificate: z.string(),
  monitoringInterval: z.number(),
  monitoringRole: z.string().optional(),
  performanceInsightsDays: z.number().optional(),
  tags: z.array(z.object({ Key: z.string(), Value: z.string() })),
});

export type Settings = z.infer<typeof settingsSchema>;

/** The major version in "16.4". */
export function majorVersion(engineVersion: string | undefined): string {
  return engineVersion?.split(".")[0] ?? "";
}

/**
 * The settings for a backup of a major version. Parameters fit one version only: another one gets RDS's default parameters,
 * which require TLS too, until the program is updated.
 */
export function settingsFor(settings: Settings, major: string): Settings {
  if (major === settings.majorVersion) return settings;
  return { ...settings, majorVersion: major, parameterGroup: `default.postgres${major}` };
}

/** The commands that give a database of another major version the program's parameters, as lines of text. */
export function toProgramParameters(env: string, major: string): string[] {
  return [
    `  pulumi config set iaso:databaseMajorVersion ${major} --stack ${env}`,
    `  pulumi refresh --stack ${env} and pulumi up --stack ${env}`,
    `  npm run database -- upgrade ${env} --to ${major}, which restarts it with the program's parameters`,
  ];
}

/** Reads the settings of an instance. */
export function settingsOf(instance: DBInstance): Settings {
  return {
    majorVersion: majorVersion(instance.EngineVersion),
    instanceClass: instance.DBInstanceClass ?? "",
    port: instance.Endpoint?.Port ?? 5432,
    subnetGroup: instance.DBSubnetGroup?.DBSubnetGroupName ?? "",
    parameterGroup: instance.DBParameterGroups?.[0]?.DBParameterGroupName ?? "",
    securityGroups: (instance.VpcSecurityGroups ?? []).map((group) => group.VpcSecurityGroupId ?? ""),
    multiAz: instance.MultiAZ === true,
    autoMinorVersionUpgrade: instance.AutoMinorVersionUpgrade === true,
    storageType: instance.StorageType ?? "gp3",
    maxAllocatedStorage: instance.MaxAllocatedStorage,
    copyTagsToSnapshot: instance.CopyTagsToSnapshot === true,
    deletionProtection: instance.DeletionProtection === true,
    logExports: instance.EnabledCloudwatchLogsExports ?? [],
    backupRetentionDays: instance.BackupRetentionPeriod ?? 0,
    backupWindow: instance.PreferredBackupWindow ?? "",
    maintenanceWindow: instance.PreferredMaintenanceWindow ?? "",
    caCertificate: instance.CACertificateIdentifier ?? "",
    monitoringInterval: instance.MonitoringInterval ?? 0,
    monitoringRole: instance.MonitoringRoleArn,
    performanceInsightsDays:
      instance.PerformanceInsightsEnabled === true
        ? (instance.PerformanceInsightsRetentionPeriod ?? 7)
        : undefined,
    // AWS refuses tags of its own in requests.
    tags: (instance.TagList ?? [])
      .map(({ Key = "", Value = "" }) => ({ Key, Value }))
      .filter(({ Key }) => !Key.startsWith("aws:")),
  };
}

/**
 * The settings that a restore takes.
 *
 * Logs are not exported yet: RDS would create log groups with the temporary name, which nobody deletes.
 *
 * @see https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_RestoreDBInstanceFromDBSnapshot.html
 */
export function forRestore(
  settings: Settings,
): Omit<RestoreDBInstanceFromDBSnapshotMessage, "DBInstanceIdentifier"> {
  return {
    DBInstanceClass: settings.instanceClass,
    Port: settings.port,
    DBSubnetGroupName: settings.subnetGroup,
    DBParameterGroupName: settings.parameterGroup,
    VpcSecurityGroupIds: settings.securityGroups,
    // RDS would otherwise create the standby in the next maintenance window.
    MultiAZ: settings.multiAz,
    PubliclyAccessible: false,
    AutoMinorVersionUpgrade: settings.autoMinorVersionUpgrade,
    StorageType: settings.storageType,
    CopyTagsToSnapshot: settings.copyTagsToSnapshot,
    BackupRetentionPeriod: settings.backupRetentionDays,
    PreferredBackupWindow: settings.backupWindow,
    CACertificateIdentifier: settings.caCertificate,
    Tags: settings.tags,
  };
}

/**
 * True if RDS accepts the maximum of the storage for an instance, which has to be 10 % more than it has. An instance that has
 * grown up to its maximum is restored without one.
 *
 * @see https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_PIOPS.Autoscaling.html
 */
function canGrow({ AllocatedStorage = 0 }: DBInstance, { maxAllocatedStorage }: Settings): boolean {
  return maxAllocatedStorage !== undefined && maxAllocatedStorage * 10 >= AllocatedStorage * 11;
}

/** The warning that a restored instance would not get the maximum of its storage; undefined if it gets it. */
export function storageWarning(env: string, instance: DBInstance, settings: Settings): string | undefined {
  const { AllocatedStorage = 0 } = instance;
  const { maxAllocatedStorage } = settings;
  if (maxAllocatedStorage === undefined || canGrow(instance, settings)) return undefined;
  return (
    `The storage of the restored database does not grow: it has ${AllocatedStorage} GiB, and RDS accepts no maximum of ` +
    `${maxAllocatedStorage} GiB for it. To give it one: pulumi config set iaso:databaseMaxStorage ` +
    `${Math.ceil(AllocatedStorage * 1.5)} --stack ${env}, then pulumi refresh and pulumi up`
  );
}

/**
 * The settings that no restore takes, as a change of the restored instance. The password is that of the backup.
 *
 * @param instance the restored instance
 */
export function afterRestore(
  settings: Settings,
  instance: DBInstance,
  password: string,
): Omit<ModifyDBInstanceMessage, "DBInstanceIdentifier"> {
  const { maxAllocatedStorage, monitoringInterval, monitoringRole, performanceInsightsDays } = settings;
  return {
    ApplyImmediately: true,
    MasterUserPassword: password,
    PreferredMaintenanceWindow: settings.maintenanceWindow,
    ...(canGrow(instance, settings) && { MaxAllocatedStorage: maxAllocatedStorage }),
    ...(monitoringInterval > 0 && {
      MonitoringInterval: monitoringInterval,
      MonitoringRoleArn: monitoringRole,
    }),
    ...(performanceInsightsDays !== undefined && {
      EnablePerformanceInsights: true,
      PerformanceInsightsRetentionPeriod: performanceInsightsDays,
    }),
  };
}

/** True if an instance has the settings of {@link afterRestore}. RDS hides the password. */
export function hasSettings(instance: DBInstance, settings: Settings): boolean {
  const now = settingsOf(instance);
  return (
    now.maintenanceWindow === settings.maintenanceWindow &&
    (now.maxAllocatedStorage === settings.maxAllocatedStorage || !canGrow(instance, settings)) &&
    now.monitoringInterval === settings.monitoringInterval &&
    now.performanceInsightsDays === settings.performanceInsightsDays
  );
}

import {
  DescribeBackupVaultCommand,
  type DescribeBackupVaultCommandOutput,
  paginateListRecoveryPointsByBackupVault,
} from "@aws-sdk/client-backup";
import { errorName } from "../../cli/awsErrors";
import { LOCK_RETENTION } from "../../components/common/backupLock";
import { MissingPermission, NotChecked } from "../errors";
import { type Check, type Finding, ok } from "../check";
import type { Context } from "../context";

/** Hours within which each vault must have got a daily backup. The first backup of a large bucket takes longer. */
const HOURS = 48;

/** The data that AWS Backup keeps, by its name of the type. */
const BACKED_UP = { RDS: "the database", S3: "media" };

/** A vault of the settings. */
type Vault = NonNullable<Context["stack"]["backup"]>["vaults"][number];

/** Checks that each vault gets the daily backups: the one in another region gets copies. */
export const awsBackups: Check = {
  name: "backups of AWS Backup",
  phase: "check-up",
  async check(context) {
    const { backup } = context.stack;
    if (backup === undefined) return ok("the settings have none");
    const types = Object.keys(BACKED_UP) as (keyof typeof BACKED_UP)[];
    const findings = await Promise.all(
      backup.vaults.flatMap((vault) => types.map((type) => missingBackup(context, vault, type))),
    );
    return { findings: findings.flat(), detail: backup.vaults.map(describe).join(", ") };
  },
};

const describe = ({ name, region }: Vault): string => `vault ${name} in ${region}`;

async function missingBackup(
  { clients, now, stack }: Context,
  vault: Vault,
  type: keyof typeof BACKED_UP,
): Promise<Finding[]> {
  const pages = paginateListRecoveryPointsByBackupVault(
    { client: clients.backup(vault.region) },
    {
      BackupVaultName: vault.name,
      ByResourceType: type,
      // A copy keeps the time of the backup.
      ByCreatedAfter: new Date(now.getTime() - HOURS * 3_600_000),
    },
  );
  try {
    for await (const { RecoveryPoints = [] } of pages) {
      if (RecoveryPoints.some(({ Status }) => Status === "COMPLETED")) return [];
    }
  } catch (error) {
    // The check of the locks names a vault that is missing.
    if (!isMissing(error)) throw error;
    throw noVault(vault, "ListRecoveryPointsByBackupVault");
  }
  const isCopy = vault.region !== stack.region;
  const list = isCopy ? "list-copy-jobs" : "list-backup-jobs";
  return [
    {
      wrong: `The ${describe(vault)} got no ${isCopy ? "copy of a backup" : "backup"} of ${BACKED_UP[type]} in the last ${HOURS} hours.`,
      why: "After the loss of the account's data or of the region, nothing newer can be restored.",
      fix: `See why, if backups were not turned on today: aws backup ${list} --region ${stack.region} --by-resource-type ${type}`,
    },
  ];
}

/** AWS Backup denies access to vaults that do not exist. */
const isMissing = (error: unknown): boolean =>
  error instanceof MissingPermission || errorName(error) === "ResourceNotFoundException";

const noVault = (vault: Vault, operation: string): NotChecked =>
  new NotChecked(`the ${describe(vault)} does not exist, or the permission backup:${operation} is missing`);

/**
 * Checks the lock of each vault: an administrator can remove or replace one in governance mode, and one in compliance mode
 * within its first days.
 *
 * @see https://docs.aws.amazon.com/aws-backup/latest/devguide/vault-lock.html
 */
export const backupLocks: Check = {
  name: "locks of the backup vaults",
  phase: "check-up",
  async check(context) {
    const { backup } = context.stack;
    if (backup === undefined) return ok("the settings have no vault");
    const answers = await Promise.all(
      backup.vaults.map(async (vault) => ({ vault, answer: await describeVault(context, vault) })),
    );
    // Without one answer, the vaults may be missing or the permission.
    const [first] = answers;
    if (first !== undefined && answers.every(({ answer }) => answer === undefined))
      throw noVault(first.vault, "DescribeBackupVault");
    return {
      findings: answers.flatMap(({ vault, answer }) =>
        answer === undefined ? [missingVault(context, vault)] : problemsOfLock(context, vault, answer),
      ),
      detail: answers
        .flatMap(({ vault, answer }) => (answer === undefined ? [] : [modeOf(context, vault, answer)]))
        .join(", "),
    };
  },
};

/** Describes a vault; undefined if it does not exist, or the permission is missing. */
async function describeVault(
  { clients }: Context,
  { name, region }: Vault,
): Promise<DescribeBackupVaultCommandOutput | undefined> {
  try {
    return await clients.backup(region).send(new DescribeBackupVaultCommand({ BackupVaultName: name }));
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

const isFinal = ({ now }: Context, { LockDate }: DescribeBackupVaultCommandOutput): boolean =>
  LockDate !== undefined && LockDate <= now;

/** The mode of a lock, in words. */
function modeOf(context: Context, vault: Vault, answer: DescribeBackupVaultCommandOutput): string {
  const { Locked, LockDate } = answer;
  if (Locked !== true) return `${vault.name}: no lock`;
  if (LockDate === undefined) return `${vault.name}: governance`;
  const from = `${LockDate.toISOString().slice(0, 16)}Z`;
  return isFinal(context, answer)
    ? `${vault.name}: compliance`
    : `${vault.name}: compliance, can be removed until ${from}`;
}

const asAdministrator = (stack: string): string =>
  `With an administrator's credentials: pulumi refresh --stack ${stack} && pulumi up --stack ${stack}`;

const missingVault = ({ stack }: Context, vault: Vault): Finding => ({
  wrong: `The ${describe(vault)} does not exist.`,
  why: "Nothing keeps backups there.",
  fix: asAdministrator(stack.name),
});

function problemsOfLock(context: Context, vault: Vault, answer: DescribeBackupVaultCommandOutput): Finding[] {
  const { name: stack, backup, setCommand } = context.stack;
  const { Locked, LockDate, MaxRetentionDays, MinRetentionDays } = answer;
  const update = asAdministrator(stack);
  if (Locked !== true) {
    return [
      {
        wrong: `The ${describe(vault)} has no lock.`,
        why: "An administrator, or somebody with their credentials, can delete every backup in it.",
        fix: update,
      },
    ];
  }
  const findings: Finding[] = [];
  if (backup?.lock === "compliance" && LockDate === undefined) {
    findings.push({
      wrong: `The lock of the ${describe(vault)} is in governance mode, and backupLock is compliance.`,
      why: "An administrator, or somebody with their credentials, can remove the lock and delete every backup.",
      fix: update,
    });
  }
  if (backup?.lock === "governance" && LockDate !== undefined) {
    findings.push({
      wrong: `The lock of the ${describe(vault)} is in compliance mode, and backupLock is governance.`,
      why: "From its lock date on nobody can remove it, and its backups cost money until they expire.",
      fix: isFinal(context, answer)
        ? `Nobody can change the lock any more. Write what is there: ${setCommand("backupLock")} compliance`
        : `Until ${LockDate.toISOString()}: aws backup delete-backup-vault-lock-configuration --region ${vault.region} --backup-vault-name ${vault.name}; then as follows. ${update}`,
    });
  }
  const { maxRetentionDays, minRetentionDays } = LOCK_RETENTION;
  if (MinRetentionDays !== minRetentionDays || MaxRetentionDays !== maxRetentionDays) {
    const days = (value: number | undefined) => (value === undefined ? "any number of" : String(value));
    findings.push({
      wrong: `The lock of the ${describe(vault)} accepts backups of ${days(MinRetentionDays)} to ${days(MaxRetentionDays)} days, not of ${minRetentionDays} to ${maxRetentionDays}.`,
      why: "It refuses backups outside of its limits, or lets short ones be deleted soon.",
      fix: isFinal(context, answer)
        ? `Nobody can change the lock any more. Set a number of days between its limits: ${setCommand("backupDays")} DAYS`
        : update,
    });
  }
  return findings;
}

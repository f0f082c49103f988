import { Account, AwsError, Properties } from "./account";

const VAULT = "aws:backup/vault:Vault";
const LOCK = "aws:backup/vaultLockConfiguration:VaultLockConfiguration";
const VERSIONING = "aws:s3/bucketVersioning:BucketVersioning";

interface PlanRule {
  targetVaultName: string;
  lifecycle?: { deleteAfter?: number };
  copyActions?: { destinationVaultArn: string; lifecycle?: { deleteAfter?: number } }[];
}

/**
 * Refuses a plan with days that the lock of a vault does not allow. AWS accepts such a plan, and each of its jobs fails.
 *
 * @see https://docs.aws.amazon.com/aws-backup/latest/devguide/vault-lock.html
 */
export function requireVaults(account: Account, { rules }: Properties): void {
  for (const { targetVaultName, lifecycle, copyActions } of Object.values(rules ?? {}) as PlanRule[]) {
    requireRetention(account, targetVaultName, lifecycle?.deleteAfter);
    for (const copy of Object.values(copyActions ?? {})) {
      const vault = account.ofType(VAULT).find(({ state }) => state.arn === copy.destinationVaultArn);
      requireRetention(account, vault?.inputs.name, copy.lifecycle?.deleteAfter);
    }
  }
}

function requireRetention(account: Account, vaultName: unknown, days: number | undefined): void {
  const lock = account.ofType(LOCK).find(({ inputs }) => inputs.backupVaultName === vaultName);
  if (lock === undefined) return;
  const { minRetentionDays = 1, maxRetentionDays = 36_500 } = lock.inputs as Record<string, number>;
  // Without days, a backup would never expire.
  const kept = days ?? Infinity;
  if (kept < minRetentionDays || kept > maxRetentionDays)
    throw new AwsError(
      "InvalidParameterValueException",
      `${String(vaultName)} keeps backups from ${minRetentionDays} to ${maxRetentionDays} days, not ${String(days)}`,
    );
}

/**
 * Refuses a selection whose jobs would fail: with a bucket without versions, or a bucket whose policy does not exclude the
 * role from its Deny.
 *
 * @see https://docs.aws.amazon.com/aws-backup/latest/devguide/s3-backups.html
 */
export function requireBackupAccess(account: Account, { iamRoleArn, resources }: Properties): void {
  for (const arn of (resources ?? []) as string[]) {
    const bucket = /^arn:aws:s3:::([^/]+)$/.exec(arn)?.[1];
    if (bucket === undefined) continue;
    const configuration = account.find(VERSIONING, bucket)?.inputs.versioningConfiguration;
    if ((configuration as { status?: string } | undefined)?.status !== "Enabled")
      throw new AwsError("InvalidParameterValueException", `versioning of ${bucket} is not enabled`);
    const policy = account.find("aws:s3/bucketPolicy:BucketPolicy", bucket)?.inputs.policy;
    const { Statement = [] } = JSON.parse((policy as string | undefined) ?? "{}") as {
      Statement?: { Effect: string; Condition?: { ArnNotEquals?: { "aws:PrincipalArn"?: string[] } } }[];
    };
    const isDenied = Statement.some(({ Effect, Condition }) => {
      const excluded = Condition?.ArnNotEquals?.["aws:PrincipalArn"];
      return Effect === "Deny" && excluded !== undefined && ![excluded].flat().includes(String(iamRoleArn));
    });
    if (isDenied) throw new AwsError("AccessDenied", `the policy of ${bucket} denies ${String(iamRoleArn)}`);
  }
}

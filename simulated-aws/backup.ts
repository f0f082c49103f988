import { arn, Creation, idFromInputs, ResourceTypes, requiredText, uuid } from "./model";

/** The region of a resource: its own, or that of the provider. */
const regionOf = ({ inputs, region }: Creation): string =>
  typeof inputs.region === "string" ? inputs.region : region;

export const resourceTypes: ResourceTypes = {
  "aws:backup/vault:Vault": (creation) => {
    const id = requiredText(creation.inputs, "name");
    const place = { ...creation, region: regionOf(creation) };
    return {
      id,
      outputs: {
        arn: arn(place, "backup", `backup-vault:${id}`),
        kmsKeyArn: arn(place, "kms", `key/${uuid(`aws/backup ${place.accountId} ${place.region}`)}`),
        recoveryPoints: 0,
      },
    };
  },
  "aws:backup/vaultLockConfiguration:VaultLockConfiguration": (creation) => {
    const { inputs } = creation;
    refuseInvalidLock(inputs);
    const place = { ...creation, region: regionOf(creation) };
    return {
      ...idFromInputs("backupVaultName")(creation),
      outputs: {
        backupVaultArn: arn(place, "backup", `backup-vault:${requiredText(inputs, "backupVaultName")}`),
      },
    };
  },
  "aws:backup/plan:Plan": (creation) => {
    refuseCopyToItself(creation);
    const id = uuid(`${creation.accountId} ${creation.region} backup plan ${creation.name}`);
    return {
      id,
      outputs: { arn: arn(creation, "backup", `backup-plan:${id}`), version: uuid(`version ${id}`) },
    };
  },
  "aws:backup/selection:Selection": ({ inputs }) => ({
    id: uuid(`${requiredText(inputs, "planId")} ${requiredText(inputs, "name")}`),
    outputs: {},
  }),
};

/** Refuses a plan that copies backups into the vault that they are in. */
function refuseCopyToItself(creation: Creation): void {
  const { rules } = creation.inputs;
  for (const { targetVaultName, copyActions } of (Array.isArray(rules)
    ? rules
    : []) as unknown as PlanRule[]) {
    const own = arn(creation, "backup", `backup-vault:${targetVaultName}`);
    if ((copyActions ?? []).some(({ destinationVaultArn }) => destinationVaultArn === own))
      throw new Error(
        `InvalidParameterValueException: ${own} is the vault of the backups and of their copies`,
      );
  }
}

interface PlanRule {
  targetVaultName: string;
  copyActions?: { destinationVaultArn: string }[];
}

/** @see https://docs.aws.amazon.com/aws-backup/latest/devguide/API_PutBackupVaultLockConfiguration.html */
function refuseInvalidLock({
  changeableForDays,
  minRetentionDays,
  maxRetentionDays,
}: Creation["inputs"]): void {
  const refuse = (what: string): never => {
    throw new Error(`InvalidParameterValueException: ${what}`);
  };
  if (changeableForDays !== undefined && Number(changeableForDays) < 3)
    refuse("ChangeableForDays must be 3 or greater");
  if (minRetentionDays !== undefined && Number(minRetentionDays) < 1)
    refuse("MinRetentionDays must be 1 or greater");
  if (maxRetentionDays !== undefined && Number(maxRetentionDays) > 36_500)
    refuse("MaxRetentionDays must be 36500 or less");
  if (Number(minRetentionDays ?? 1) > Number(maxRetentionDays ?? 36_500))
    refuse("MinRetentionDays is greater than MaxRetentionDays");
}

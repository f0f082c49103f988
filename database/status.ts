import { type DBInstance } from "@aws-sdk/client-rds";

export const STORAGE_FULL = "storage-full";

/**
 * Statuses that an instance leaves only if somebody acts. RDS itself gives one whose storage is full more, if the maximum
 * allows it.
 *
 * @see https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/accessing-monitoring.html#Overview.DBInstance.Status
 */
export const BROKEN =
  /^(failed|incompatible-|inaccessible-encryption-credentials|insufficient-capacity|restore-error|stopped)/;

/** True if RDS may not rename an instance, which is in the way of a restore then. */
export function isInTheWay({ DBInstanceStatus = "" }: DBInstance): boolean {
  return DBInstanceStatus === STORAGE_FULL || BROKEN.test(DBInstanceStatus);
}

/** True if a restored instance is of no use. A stopped one can be started. */
export function isUnusable(instance: DBInstance): boolean {
  return isInTheWay(instance) && instance.DBInstanceStatus !== "stopped";
}

/**
 * True if RDS deletes an instance only without a last snapshot.
 *
 * @see https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DeleteDBInstance.html
 */
export function isWithoutSnapshot({ DBInstanceStatus = "" }: DBInstance): boolean {
  return /^(failed|incompatible-restore|incompatible-network)$/.test(DBInstanceStatus);
}

/** The commands that make an instance available again, by its status. */
const REPAIRS: readonly [RegExp, (instance: DBInstance) => string][] = [
  [
    /^stopped/,
    ({ DBInstanceIdentifier }) =>
      `aws rds start-db-instance --db-instance-identifier ${DBInstanceIdentifier ?? ""}`,
  ],
  [
    /^inaccessible-encryption-credentials-recoverable/,
    ({ DBInstanceIdentifier, KmsKeyId }) =>
      `enable its key (aws kms enable-key --key-id ${KmsKeyId ?? ""}), then ` +
      `aws rds start-db-instance --db-instance-identifier ${DBInstanceIdentifier ?? ""}`,
  ],
  [
    /^incompatible-parameters/,
    ({ DBInstanceIdentifier, DBParameterGroups }) =>
      "aws rds reset-db-parameter-group --reset-all-parameters " +
      `--db-parameter-group-name ${DBParameterGroups?.[0]?.DBParameterGroupName ?? ""}, then ` +
      `aws rds reboot-db-instance --db-instance-identifier ${DBInstanceIdentifier ?? ""}`,
  ],
  [
    /^storage-full/,
    ({ AllocatedStorage = 0, DBInstanceIdentifier, MaxAllocatedStorage = 0 }) =>
      `aws rds modify-db-instance --db-instance-identifier ${DBInstanceIdentifier ?? ""} ` +
      `--allocated-storage ${Math.ceil(AllocatedStorage * 1.2)} ` +
      `--max-allocated-storage ${Math.max(MaxAllocatedStorage, Math.ceil(AllocatedStorage * 1.5))} --apply-immediately`,
  ],
];

/** The commands that make an instance available again; undefined if RDS has none. */
export function repairOf(instance: DBInstance): string | undefined {
  return REPAIRS.find(([statuses]) => statuses.test(instance.DBInstanceStatus ?? ""))?.[1](instance);
}

/**
 * Describes the status of an instance that RDS does not change, with the commands that help: of some, RDS accepts nothing
 * but the deletion, without a last snapshot.
 *
 * @see https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DeleteDBInstance.html
 */
export function describeStatus(instance: DBInstance): string {
  const { DBInstanceIdentifier = "", DBInstanceStatus = "", DeletionProtection } = instance;
  const status = `${DBInstanceIdentifier} is ${DBInstanceStatus}.`;
  if (!isInTheWay(instance)) return status;
  const repair = repairOf(instance);
  const deletion = [
    ...(DeletionProtection === true
      ? [
          `aws rds modify-db-instance --db-instance-identifier ${DBInstanceIdentifier} --no-deletion-protection`,
        ]
      : []),
    `aws rds delete-db-instance --db-instance-identifier ${DBInstanceIdentifier} --skip-final-snapshot --no-delete-automated-backups`,
  ].join(", then ");
  return repair === undefined
    ? `${status} RDS only deletes it: ${deletion}`
    : `${status} To repair it: ${repair}. If that fails, delete it: ${deletion}`;
}

import { UserError } from "../../cli/userError";
import {
  awaitJob,
  type DataType,
  backupNames,
  isMissingVault,
  type RecoveryPoint,
  recoveryPoints,
  startCopy,
} from "../awsBackup";
import { formatTime } from "../backups";
import { type Result, type Session } from "../session";

const DATA: Record<DataType, string> = { RDS: "the database", S3: "media" };

/**
 * Copies the newest backups of the database and of media from the vault in another region back into the environment's, where
 * `restore` and `restore-media` find them: AWS restores only in the region of a backup. A copy that has begun goes on by
 * itself, and a repeated command waits for it and makes none that exists.
 *
 * @throws UserError if that vault has no backup, or a copy failed
 */
export async function copyBack(session: Session, { from }: { from: string }): Promise<Result> {
  const { env, target } = session;
  if (from === target.region) {
    throw new UserError(
      `${env} is in ${from}, so its backups are there already.`,
      `npm run database -- copy-back ${env} --from REGION, the region of the setting backupCopyRegion`,
    );
  }
  const { copyVault } = backupNames(session);
  const newest: [DataType, RecoveryPoint][] = [];
  for (const type of ["RDS", "S3"] as const) {
    const [point] = await copiesIn(session, from, type);
    if (point !== undefined) newest.push([type, point]);
  }
  if (newest.length === 0) {
    throw new UserError(
      `The vault ${copyVault} in ${from} has no backup.`,
      "Check --from and the credentials",
    );
  }
  session.show([
    "Plan:",
    ...newest.map(
      ([type, { CreationDate }]) =>
        `  Copy the backup of ${DATA[type]} of ${formatTime(CreationDate)} from ${from} to ${target.region}.`,
    ),
    "  This costs the traffic between the regions. Nothing is restored yet.",
  ]);
  if (!(await session.confirm("Copy?"))) return { outcome: "abandoned", lines: ["Nothing was changed."] };
  const lines: string[] = [];
  for (const [type, point] of newest) {
    const copy = await session.progress.step(`Copy the backup of ${DATA[type]}`, () =>
      copyOne(session, from, type, point),
    );
    lines.push(
      `The backup of ${DATA[type]} is in ${target.region}. To restore it:`,
      type === "RDS"
        ? `  npm run database -- restore ${env} --snapshot ${copy.split(":snapshot:")[1] ?? copy}`
        : `  npm run database -- restore-media ${env} --recovery-point ${copy}`,
    );
  }
  return { outcome: "done", lines };
}

/** @throws UserError if the region has no vault for copies */
async function copiesIn(session: Session, from: string, type: DataType): Promise<RecoveryPoint[]> {
  const { copyVault } = backupNames(session);
  try {
    return await recoveryPoints(session, from, copyVault, type);
  } catch (error) {
    if (!isMissingVault(error)) throw error;
    throw new UserError(
      `There is no vault ${copyVault} in ${from}, or your role may not list it.`,
      `npm run database -- copy-back ${session.env} --from REGION, the region of the setting backupCopyRegion, with a role that has the permissions in docs/operations.md`,
      { cause: error },
    );
  }
}

async function copyOne(
  session: Session,
  from: string,
  type: DataType,
  { Lifecycle, RecoveryPointArn }: RecoveryPoint,
): Promise<string> {
  const { copyVault, role, vault, vaultArn } = backupNames(session);
  const copies = await recoveryPoints(session, session.target.region, vault, type);
  const input = {
    RecoveryPointArn,
    SourceBackupVaultName: copyVault,
    DestinationBackupVaultArn: vaultArn,
    IamRoleArn: role,
    // The lock of the vault refuses a copy without an end.
    Lifecycle,
  };
  const existing = copies.map((copy) => copy.RecoveryPointArn);
  const again = `copy-back ${session.env} --from ${from}`;
  const job = await startCopy(session, from, input, existing, again);
  return (await awaitJob(session, job, again)) ?? "";
}

import { backupNames, describePoint, isMissingVault, recoveryPoints } from "../awsBackup";
import { describeBackups, listBackups } from "../backups";
import { type Result, type Session } from "../session";

/** Lists the backups of the database, and those of media in AWS Backup. Changes nothing. */
export async function backups(session: Session): Promise<Result> {
  return {
    outcome: "done",
    lines: [...describeBackups(await listBackups(session)), ...(await describeMedia(session))],
  };
}

async function describeMedia(session: Session): Promise<string[]> {
  const { vault } = backupNames(session);
  try {
    const points = await recoveryPoints(session, session.target.region, vault, "S3");
    return points.length === 0
      ? [`The vault ${vault} has no backup of media.`]
      : ["Backups of media, for restore-media --recovery-point:", ...points.map(describePoint)];
  } catch (error) {
    if (!isMissingVault(error)) throw error;
    return [`There is no vault ${vault} with backups of media (backupDays), or you may not list it.`];
  }
}

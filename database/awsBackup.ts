import {
  type BackupClient,
  type CopyJob,
  DescribeCopyJobCommand,
  DescribeRestoreJobCommand,
  GetRestoreJobMetadataCommand,
  type Lifecycle,
  paginateListCopyJobs,
  paginateListRecoveryPointsByBackupVault,
  paginateListRestoreJobs,
  StartCopyJobCommand,
  type StartCopyJobCommandInput,
  StartRestoreJobCommand,
  type StartRestoreJobCommandInput,
} from "@aws-sdk/client-backup";
import { randomUUID } from "node:crypto";
import { describeError, errorName, isRefusal } from "../cli/awsErrors";
import { accountOf } from "../coordination/target";
import { Unfinished } from "../coordination/unfinished";
import { formatTime } from "./backups";
import { type Session } from "./session";

/** A backup in a vault. */
export interface RecoveryPoint {
  RecoveryPointArn: string;
  /** The ARN of the bucket or the instance. */
  ResourceArn: string;
  CreationDate: Date;
  BackupSizeInBytes: number;
  Lifecycle?: Lifecycle;
}

/** The types of AWS Backup for the data of the platform. */
export type DataType = "RDS" | "S3";

/** The names of the vaults and of the role of AWS Backup, as components/common/naming.ts makes them. */
export function backupNames({ env, target }: Session) {
  const account = accountOf(target);
  return {
    vault: `iaso-${env}`,
    copyVault: `iaso-${env}-copy`,
    vaultArn: `arn:aws:backup:${target.region}:${account}:backup-vault:iaso-${env}`,
    role: `arn:aws:iam::${account}:role/iaso-${env}-backup`,
  };
}

/** Lists the complete backups of a vault, newest first. */
export async function recoveryPoints(
  session: Session,
  region: string,
  vault: string,
  type: DataType,
): Promise<RecoveryPoint[]> {
  const found: RecoveryPoint[] = [];
  const pages = paginateListRecoveryPointsByBackupVault(
    { client: session.backup(region) },
    { BackupVaultName: vault, ByResourceType: type },
  );
  for await (const { RecoveryPoints = [] } of pages) {
    for (const point of RecoveryPoints) {
      const {
        BackupSizeInBytes = 0,
        CreationDate,
        Lifecycle,
        RecoveryPointArn = "",
        ResourceArn = "",
      } = point;
      if (point.Status !== "COMPLETED" || CreationDate === undefined) continue;
      found.push({ RecoveryPointArn, ResourceArn, CreationDate, BackupSizeInBytes, Lifecycle });
    }
  }
  return found.sort((one, other) => Number(other.CreationDate) - Number(one.CreationDate));
}

/** True for the error of AWS Backup for a vault that does not exist: it denies access, as without the permission. */
export const isMissingVault = (error: unknown): boolean =>
  ["AccessDeniedException", "ResourceNotFoundException"].includes(errorName(error));

/** A backup as a line of text. */
export const describePoint = ({ CreationDate, RecoveryPointArn }: RecoveryPoint): string =>
  `  ${formatTime(CreationDate)}  ${RecoveryPointArn}`;

/** The job of a restore or a copy. */
export interface Job {
  region: string;
  kind: "copy" | "restore";
  id: string;
}

/** The states of jobs that have not ended. */
const GOING = ["CREATED", "PENDING", "RUNNING"];

/**
 * Starts a copy, or returns the job that an earlier run started for the same backup and that has not failed.
 *
 * @param copies the ARNs of the copies that exist
 * @param again the command that looks for the job
 * @throws Unfinished if AWS Backup gave no answer
 */
export async function startCopy(
  session: Session,
  region: string,
  input: StartCopyJobCommandInput,
  copies: readonly string[],
  again: string,
): Promise<Job> {
  const client = session.backup(region);
  const isSame = (job: CopyJob): boolean =>
    job.SourceRecoveryPointArn === input.RecoveryPointArn &&
    (GOING.includes(job.State ?? "") || copies.includes(job.DestinationRecoveryPointArn ?? ""));
  for await (const { CopyJobs = [] } of paginateListCopyJobs({ client }, {})) {
    const same = CopyJobs.find(isSame);
    if (same !== undefined) return { region, kind: "copy", id: same.CopyJobId ?? "" };
  }
  // AWS Backup makes one job of all requests with the same token, also if it begins one late.
  const command = new StartCopyJobCommand({ ...input, IdempotencyToken: randomUUID() });
  const { CopyJobId = "" } = await answered(again, () => client.send(command));
  return { region, kind: "copy", id: CopyJobId };
}

/**
 * Starts a restore, or returns the job that an earlier run started for the same backup and files, if it goes on.
 *
 * @param again the command that looks for the job
 * @throws Unfinished if AWS Backup gave no answer
 */
export async function startRestore(
  session: Session,
  region: string,
  input: StartRestoreJobCommandInput,
  again: string,
): Promise<Job> {
  const client = session.backup(region);
  for await (const { RestoreJobs = [] } of paginateListRestoreJobs({ client }, {})) {
    for (const { RecoveryPointArn, RestoreJobId: id = "", Status = "" } of RestoreJobs) {
      if (RecoveryPointArn !== input.RecoveryPointArn || !GOING.includes(Status)) continue;
      if ((await filesOfJob(client, id)) === filesOf(input.Metadata)) return { region, kind: "restore", id };
    }
  }
  const command = new StartRestoreJobCommand({ ...input, IdempotencyToken: randomUUID() });
  const { RestoreJobId = "" } = await answered(again, () => client.send(command));
  return { region, kind: "restore", id: RestoreJobId };
}

/** Sends a request that starts a job. @throws Unfinished if AWS Backup may have started it without an answer */
async function answered<T>(again: string, send: () => Promise<T>): Promise<T> {
  try {
    return await send();
  } catch (error) {
    if (isRefusal(error)) throw error;
    const reason = `AWS Backup gave no answer, and may have started the job: ${describeError(error)}`;
    throw new Unfinished(reason, { cause: error }, again);
  }
}

/** The files that a job restores: a rehearsal restores one from the backup from which a user may restore all. */
async function filesOfJob(client: BackupClient, RestoreJobId: string): Promise<string | undefined> {
  const { Metadata } = await client.send(new GetRestoreJobMetadataCommand({ RestoreJobId }));
  return filesOf(Metadata);
}

/** The files that the metadata of a restore name; undefined for all. AWS Backup ignores the case of the keys. */
const filesOf = (metadata: Record<string, string> = {}): string | undefined =>
  Object.entries(metadata).find(([key]) => key.toLowerCase() === "itemstorestore")?.[1];

/** The progress of a job. */
interface Progress {
  state?: string;
  message?: string;
  /** Such as 12.00%. */
  percent?: string;
  /** The ARN of the copy. */
  copy?: string;
}

async function progressOf(session: Session, { id, kind, region }: Job): Promise<Progress> {
  const client = session.backup(region);
  if (kind === "copy") {
    const { CopyJob = {} } = await client.send(new DescribeCopyJobCommand({ CopyJobId: id }));
    const { DestinationRecoveryPointArn: copy, State: state, StatusMessage: message } = CopyJob;
    return { state, message, copy };
  }
  const job = await client.send(new DescribeRestoreJobCommand({ RestoreJobId: id }));
  return { state: job.Status, message: job.StatusMessage, percent: job.PercentDone };
}

/** Milliseconds between two looks at a job, and until a run no longer waits for it. */
const POLL = 60_000;
const LIMIT = 24 * 3_600_000;

/**
 * Waits until a job is complete.
 *
 * @param again the command that goes on waiting
 * @returns the ARN of the copy; undefined for a restore
 * @throws Unfinished if the job failed, or restored no files or not all; if the user interrupts, or it takes more than a
 *   day, the job goes on
 * @see https://docs.aws.amazon.com/aws-backup/latest/devguide/restoring-s3.html for the messages of complete restores
 */
export async function awaitJob(session: Session, job: Job, again: string): Promise<string | undefined> {
  const { clock, progress } = session;
  const { id, kind } = job;
  const deadline = clock.now() + LIMIT;
  let shown = "";
  for (;;) {
    const {
      copy,
      message,
      percent,
      state = "",
    } = await progressOf(session, job).catch((error: unknown) => {
      const reason = `The job ${id} goes on, but AWS Backup does not tell how far it is: ${describeError(error)}`;
      throw new Unfinished(reason, { cause: error }, again);
    });
    if (state === "COMPLETED" && (kind === "copy" || (message ?? "") === "")) return copy;
    if (!GOING.includes(state)) {
      const reason = message?.replace(/\.$/, "") ?? "AWS Backup names no reason";
      throw new Unfinished(`The ${kind} job ${id} is ${state}: ${reason}.`, {}, again);
    }
    const line = `Job ${id}: ${state}${percent === undefined ? "" : `, ${percent}`}`;
    if (line !== shown) progress.line(line);
    shown = line;
    if (session.interrupted()) throw new Unfinished("The run was interrupted; the job goes on.", {}, again);
    if (clock.now() >= deadline) throw new Unfinished(`The job ${id} takes more than a day.`, {}, again);
    await clock.sleep(POLL);
  }
}

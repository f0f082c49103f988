import { z } from "zod";
import { accountOf } from "../coordination/target";
import { Unfinished } from "../coordination/unfinished";
import { type Session } from "./session";

/** A time as the AWS CLI prints it: seconds since 1970 in version 1, a text in version 2. */
const time = z.union([z.number().transform((seconds) => new Date(seconds * 1000)), z.coerce.date()]);

const recoveryPoint = z.object({
  RecoveryPointArn: z.string(),
  /** The ARN of the bucket or the instance. */
  ResourceArn: z.string(),
  Status: z.string(),
  CreationDate: time,
  BackupSizeInBytes: z.number().default(0),
  Lifecycle: z.object({ DeleteAfterDays: z.number().optional() }).optional(),
});

/** A backup in a vault. */
export type RecoveryPoint = z.infer<typeof recoveryPoint>;

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
  const answer = await session.aws(region, ["backup", "list-recovery-points-by-backup-vault"], {
    BackupVaultName: vault,
    ByResourceType: type,
  });
  const { RecoveryPoints } = z.object({ RecoveryPoints: z.array(recoveryPoint) }).parse(answer);
  return RecoveryPoints.filter(({ Status }) => Status === "COMPLETED").sort(
    (one, other) => Number(other.CreationDate) - Number(one.CreationDate),
  );
}

/** The job of a restore or a copy. */
export interface Job {
  region: string;
  kind: "copy" | "restore";
  id: string;
}

const KINDS = {
  copy: { id: "CopyJobId", state: "State", list: "CopyJobs", source: "SourceRecoveryPointArn" },
  restore: { id: "RestoreJobId", state: "Status", list: "RestoreJobs", source: "RecoveryPointArn" },
} as const;

/** The states of jobs that have not ended. */
const GOING = ["CREATED", "PENDING", "RUNNING"];

/** The input of StartCopyJob or StartRestoreJob. */
interface JobInput extends Record<string, unknown> {
  RecoveryPointArn: string;
  Metadata?: Record<string, string>;
}

/**
 * Starts a job, or returns the one that an earlier run started for the same backup and files, and that has not ended.
 *
 * @param copies the ARNs of copies that exist: a complete job that made one of them counts too
 */
export async function startJob(
  session: Session,
  region: string,
  kind: Job["kind"],
  input: JobInput,
  copies: readonly string[] = [],
): Promise<Job> {
  const names = KINDS[kind];
  const idOf = (job: unknown) => z.object({ [names.id]: z.string() }).parse(job)[names.id] ?? "";
  const jobs = z
    .record(z.string(), z.array(z.record(z.string(), z.unknown())))
    .parse(await session.aws(region, ["backup", `list-${kind}-jobs`], {}));
  const going = (jobs[names.list] ?? []).filter(
    (job) =>
      job[names.source] === input.RecoveryPointArn &&
      (GOING.includes(String(job[names.state])) ||
        copies.includes(String(job["DestinationRecoveryPointArn"]))),
  );
  for (const id of going.map(idOf)) {
    if (kind === "copy" || (await restoresSameFiles(session, region, id, input.Metadata))) {
      return { region, kind, id };
    }
  }
  return { region, kind, id: idOf(await session.aws(region, ["backup", `start-${kind}-job`], input)) };
}

/** The files that a restore names; undefined for all. AWS Backup ignores the case of the keys. */
const filesOf = (metadata: Record<string, string> = {}): string | undefined =>
  Object.entries(metadata).find(([key]) => key.toLowerCase() === "itemstorestore")?.[1];

/** True if a job restores the same files: a rehearsal restores one from the backup from which a user may restore all. */
async function restoresSameFiles(
  session: Session,
  region: string,
  RestoreJobId: string,
  metadata: JobInput["Metadata"],
): Promise<boolean> {
  const answer = await session.aws(region, ["backup", "get-restore-job-metadata"], { RestoreJobId });
  const { Metadata } = z.object({ Metadata: z.record(z.string(), z.string()).optional() }).parse(answer);
  return filesOf(Metadata) === filesOf(metadata);
}

const jobState = z.object({
  State: z.string().optional(),
  Status: z.string().optional(),
  StatusMessage: z.string().optional(),
  PercentDone: z.string().optional(),
  DestinationRecoveryPointArn: z.string().optional(),
});

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
  const { id: name } = KINDS[job.kind];
  const deadline = clock.now() + LIMIT;
  let shown = "";
  for (;;) {
    const { id, kind, region } = job;
    const description = await session.aws(region, ["backup", `describe-${kind}-job`], { [name]: id });
    const answer = jobState.parse(
      kind === "copy" ? (description as { CopyJob: unknown }).CopyJob : description,
    );
    const state = answer.State ?? answer.Status ?? "";
    if (state === "COMPLETED" && (kind === "copy" || answer.StatusMessage === undefined)) {
      return answer.DestinationRecoveryPointArn;
    }
    if (!GOING.includes(state)) {
      const reason = answer.StatusMessage?.replace(/\.$/, "") ?? "AWS Backup names no reason";
      throw new Unfinished(`The ${kind} job ${id} is ${state}: ${reason}.`, {}, again);
    }
    const line = `Job ${id}: ${state}${answer.PercentDone === undefined ? "" : `, ${answer.PercentDone}`}`;
    if (line !== shown) progress.line(line);
    shown = line;
    if (session.interrupted()) throw new Unfinished("The run was interrupted; the job goes on.", {}, again);
    if (clock.now() >= deadline) throw new Unfinished(`The job ${id} takes more than a day.`, {}, again);
    await clock.sleep(POLL);
  }
}

import type { Progress } from "../../cli/progress";
import { UserError } from "../../cli/userError";
import { Naming } from "../../components/common/naming";
import type { StackFile } from "../../settings/stackFile";
import { compareBuckets, copyMedia, type CopyRun } from "./copyMedia";
import type { Buckets } from "./copyObject";
import { type Failure, sourceStatement } from "./failures";
import type { Amount, Comparison } from "./judge";
import { findPlace } from "./places";
import { copiedLine, doneText, newerLines, progressLine } from "./text";

/** Milliseconds between two lines of progress. */
const PROGRESS_INTERVAL = 5_000;

/** The name of the bucket of media of a stack. */
export function mediaBucketOf(file: StackFile): string {
  return new Naming({
    organization: file.get("organization") ?? "",
    env: file.env,
    accountId: file.get("accountId") ?? "",
    region: file.get("region") ?? "",
  }).bucket("media");
}

/**
 * Finds the existing bucket and that of the stack.
 *
 * @param from the existing bucket and its account, by default the stack's
 * @throws UserError if one is missing, or S3 refuses it
 */
export async function findBuckets(
  file: StackFile,
  from: { bucket: string; account?: string },
  principal: string,
): Promise<Buckets> {
  const { stack } = file;
  const region = file.get("region") ?? "";
  const owner = file.get("accountId") ?? "";
  const target = mediaBucketOf(file);
  return {
    source: await findPlace(
      { bucket: from.bucket, owner: from.account ?? owner, region },
      {
        missing: `Name the bucket of AWS_STORAGE_BUCKET_NAME (survey-${stack}.md): --from BUCKET`,
        refused: `Name its account: --from-account ID. If that is another one, its bucket policy needs: ${sourceStatement(from.bucket, principal)}`,
      },
    ),
    target: await findPlace(
      { bucket: target, owner, region },
      {
        missing: `Create it: pulumi up --stack ${stack}`,
        refused: `${principal} needs s3:ListBucket on arn:aws:s3:::${target}`,
      },
    ),
  };
}

/**
 * Copies the media that the new bucket lacks, and compares both buckets again.
 *
 * @param args.total what is to be copied, for the progress
 * @returns the result as lines of text
 * @throws UserError if media are missing in the new bucket at the end
 */
export async function copyAndCheck(
  buckets: Buckets,
  args: { principal: string; progress: Progress; stack: string; total: Amount },
): Promise<string[]> {
  const { principal, progress, stack, total } = args;
  const started = Date.now();
  const seconds = () => Math.max(1, Date.now() - started) / 1000;
  const run = await progress.step("Copy", (log) => {
    let shown = started;
    return copyMedia(buckets, principal, (state) => {
      if (Date.now() - shown < PROGRESS_INTERVAL) return;
      shown = Date.now();
      log(progressLine(state, total, seconds()));
    });
  });
  const copied = run.objects > 0 ? [copiedLine(run, seconds())] : [];
  for (const line of copied) progress.line(line);
  const check = await progress.step("Check: compare the buckets again", () => compareBuckets(buckets));
  requireComplete(run, check, stack);
  return [`The new bucket has all media: ${doneText(check)}.`, ...newerLines(check)];
}

/** Thrown when media were changed or added while the others were copied, as in a bucket that is in use. */
export class ChangedWhileCopied extends UserError {}

/**
 * Copies the media that the new bucket lacks, if there are any.
 *
 * @returns the result as lines of text
 * @throws UserError if media are missing in the new bucket at the end
 */
export async function copyRest(
  buckets: Buckets,
  args: { principal: string; progress: Progress; stack: string },
): Promise<string[]> {
  const comparison = await args.progress.step("Compare the buckets", () => compareBuckets(buckets));
  const total = comparison.states.copy;
  if (total.objects === 0) return ["The new bucket has all media.", ...newerLines(comparison)];
  return copyAndCheck(buckets, { ...args, total });
}

/** @throws UserError if media are missing in the new bucket */
function requireComplete({ failures }: CopyRun, check: Comparison, stack: string): void {
  const { objects } = check.states.copy;
  if (objects === 0) return;
  if (failures.objects === 0) {
    throw new ChangedWhileCopied(
      `${objects} objects were changed or added while the others were copied.`,
      "Run the command again: it copies only those.",
    );
  }
  throw new UserError(
    [
      `${objects} objects of ${stack} are not copied:`,
      ...failures.all.map(
        ({ fix, keys, objects: failed, what }: Failure) =>
          `  ${failed}: ${what}.\n    Such as ${keys.map((key) => JSON.stringify(key)).join(", ")}\n    To fix it: ${fix}.`,
      ),
    ].join("\n"),
  );
}

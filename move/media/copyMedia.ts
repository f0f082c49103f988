import { type Buckets, copyObject, type Evidence } from "./copyObject";
import { causeOf, Failures, hasChanged } from "./failures";
import { forEachParallel } from "./forEachParallel";
import { Comparison, stateOf } from "./judge";
import { isStatic, listObjects, type MediaObject, pairs } from "./listing";

/** Copies that run at a time. S3 accepts 3,500 writes a second for each prefix. */
const PARALLEL = 64;
/** Objects that cannot be copied before a run stops: most likely none can. */
const MOST_FAILURES = 100;

/** Lists both buckets, and compares them. Changes nothing. */
export async function compareBuckets({ source, target }: Buckets): Promise<Comparison> {
  const comparison = new Comparison();
  for await (const pair of pairs(listObjects(source), listObjects(target))) comparison.add(pair);
  return comparison;
}

/** How a run of copies went. */
export class CopyRun {
  readonly evidence: Record<Evidence, number> = { checksum: 0, etag: 0, size: 0 };
  readonly failures = new Failures();
  objects = 0;
  bytes = 0;
  /** Objects that were changed or deleted since they were listed. */
  changed = 0;
}

/**
 * Copies the media that the new bucket lacks, or has in an older state. It keeps no state: both buckets are listed, so a run
 * after a kill goes on where it was, and two runs at a time do the same copies twice at worst. This is why it takes no lock.
 * An object that S3 refuses does not stop the others.
 *
 * @param principal ARN of the role or user that copies, for fixes.
 * @param onCopied Called after each object.
 */
export async function copyMedia(
  buckets: Buckets,
  principal: string,
  onCopied: (run: CopyRun) => void,
): Promise<CopyRun> {
  const run = new CopyRun();
  await forEachParallel(toCopy(buckets, run), PARALLEL, async ({ object, replaced }) => {
    try {
      run.evidence[await copyObject(buckets, object, replaced)] += 1;
    } catch (error) {
      if (hasChanged(error)) run.changed += 1;
      else run.failures.add(await causeOf(error, object.key, buckets, principal), object.key);
      return;
    }
    run.objects += 1;
    run.bytes += object.size;
    onCopied(run);
  });
  return run;
}

/** The objects to copy, until too many have failed. */
async function* toCopy(
  { source: from, target: to }: Buckets,
  { failures }: CopyRun,
): AsyncGenerator<{ object: MediaObject; replaced?: MediaObject }> {
  for await (const { source, target } of pairs(listObjects(from), listObjects(to))) {
    if (failures.objects >= MOST_FAILURES) return;
    if (source !== undefined && !isStatic(source) && stateOf(source, target) === "copy") {
      yield { object: source, replaced: target };
    }
  }
}

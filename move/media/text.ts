import type { Buckets } from "./copyObject";
import type { CopyRun } from "./copyMedia";
import type { Amount, Comparison } from "./judge";

/** Dollars of a request that writes or lists, in eu-central-1: https://aws.amazon.com/s3/pricing/ */
const REQUEST_PRICE = 0.0054 / 1000;
/** Dollars of a gigabyte from one region of Europe to another. */
const TRANSFER_PRICE = 0.02;
/** The pace that the plan assumes: objects and bytes a second. */
const PACE = { objects: 500, bytes: 300 * 1024 ** 2 };

const number = (value: number): string => value.toLocaleString("en-GB");
const plural = (value: number, noun: string): string => `${number(value)} ${noun}${value === 1 ? "" : "s"}`;

export function sizeText(bytes: number): string {
  const units = ["bytes", "KB", "MB", "GB", "TB"];
  const power = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10));
  return `${(bytes / 1024 ** power).toLocaleString("en-GB", { maximumFractionDigits: 1 })} ${units[power] ?? ""}`;
}

const amountText = ({ bytes, objects }: Amount): string => `${plural(objects, "object")}, ${sizeText(bytes)}`;

function durationText(seconds: number): string {
  if (seconds < 90) return `${Math.ceil(seconds)} s`;
  return seconds < 5_400 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`;
}

/** The lines that are shown before the question. */
export function planLines({ source, target }: Buckets, comparison: Comparison): string[] {
  const { additional, archived, folders, states, statics } = comparison;
  const { copy } = states;
  const isAcross = source.region !== target.region;
  const price =
    (copy.objects + (comparison.all.objects / 1000) * 4) * REQUEST_PRICE +
    (isAcross ? (copy.bytes / 1024 ** 3) * TRANSFER_PRICE : 0);
  const seconds = Math.max(copy.objects / PACE.objects, copy.bytes / PACE.bytes);
  const rows = [...folders].sort(([, one], [, other]) => other.objects - one.objects);
  return [
    `Media of ${source.bucket} (${source.region}) for ${target.bucket} (${target.region}):`,
    ...rows.map(([folder, amount]) => `  ${folder}: ${amountText(amount)}`),
    `  Together: ${amountText(comparison.all)}`,
    ...optional(statics.objects, `Static files, which stay behind: ${amountText(statics)}`),
    ...optional(states.same.objects + states.sized.objects, `Copied before: ${doneText(comparison)}`),
    ...newerLines(comparison),
    ...optional(additional, `Only in the new bucket, and left as they are: ${plural(additional, "object")}`),
    ...optional(
      archived,
      `Archived in Glacier: ${plural(archived, "object")}. S3 copies only those that are restored.`,
    ),
    `  To copy: ${amountText(copy)}; about ${durationText(seconds)} at ${PACE.objects} objects or ${sizeText(PACE.bytes)} a second, about $${price.toFixed(2)} for requests${isAcross ? " and transfer between regions" : ""}`,
  ];
}

const optional = (objects: number, line: string): string[] => (objects === 0 ? [] : [`  ${line}`]);

/** The objects that the new platform has written later. */
export function newerLines({ newer, states }: Comparison): string[] {
  const { objects } = states.newer;
  return optional(
    objects,
    `Written later by the new platform, with another size, and left as they are: ${plural(objects, "object")}, such as ${newer.join(", ")}`,
  );
}

/** How the objects that both buckets have were compared. */
export function doneText({ states: { same, sized } }: Comparison): string {
  return [
    ...(same.objects > 0 ? [`${plural(same.objects, "object")} with the same size and MD5 (ETag)`] : []),
    ...(sized.objects > 0
      ? [
          `${plural(sized.objects, "object")} with the same size and a later time (their ETags are no MD5: multipart uploads, KMS)`,
        ]
      : []),
  ].join(", ");
}

/** The progress of a run, with its pace and the time left. */
export function progressLine(run: CopyRun, total: Amount, seconds: number): string {
  const pace = run.objects / seconds;
  const left = Math.max(
    (total.objects - run.objects) / pace,
    run.bytes === 0 ? 0 : ((total.bytes - run.bytes) * seconds) / run.bytes,
  );
  return `${number(run.objects)} of ${plural(total.objects, "object")}, ${sizeText(run.bytes)} of ${sizeText(total.bytes)}; ${pace.toFixed(0)} objects a second, ${durationText(Math.max(0, left))} left`;
}

/** The amount that was copied, and how each copy was checked when S3 answered. */
export function copiedLine({ bytes, evidence, objects }: CopyRun, seconds: number): string {
  const checked = [
    ...(evidence.etag > 0 ? [`${number(evidence.etag)} by MD5 (ETag)`] : []),
    ...(evidence.checksum > 0 ? [`${number(evidence.checksum)} by S3's checksum of the whole object`] : []),
    ...(evidence.size > 0
      ? [`${number(evidence.size)} by size only: S3 has no comparable checksum of them`]
      : []),
  ];
  return `Copied ${amountText({ objects, bytes })} in ${durationText(seconds)}, checked ${checked.join(", ")}.`;
}

import { isStatic, type MediaObject, type Pair } from "./listing";

/**
 * The state of an object of the existing bucket in the new one:
 * - copy: it is missing, or the existing object is not older than the new one
 * - same: size and ETag are equal. The ETag is the MD5 of the content, except for multipart uploads and KMS
 * - sized: the new object is later and of the same size. The ETags differ, as after copies of multipart uploads, and
 *   between encryptions
 * - newer: the new object is later and of another size: the new platform wrote it
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_Object.html#AmazonS3-Type-Object-ETag
 */
export type State = "copy" | "newer" | "same" | "sized";

export function stateOf(source: MediaObject, target: MediaObject | undefined): State {
  if (target === undefined) return "copy";
  if (source.size === target.size && source.etag === target.etag) return "same";
  // S3's times have whole seconds: an object that changed in the second of its copy has the same time.
  if (source.modified >= target.modified) return "copy";
  return source.size === target.size ? "sized" : "newer";
}

/** Numbers of objects and their bytes. */
export interface Amount {
  objects: number;
  bytes: number;
}

/** A comparison of both buckets. It holds no list of objects, except for the first keys that somebody must look at. */
export class Comparison {
  readonly states: Record<State, Amount> = {
    copy: { objects: 0, bytes: 0 },
    newer: { objects: 0, bytes: 0 },
    same: { objects: 0, bytes: 0 },
    sized: { objects: 0, bytes: 0 },
  };
  readonly statics: Amount = { objects: 0, bytes: 0 };
  /** Objects to copy that are archived. */
  archived = 0;
  /** Objects that only the new bucket has. */
  additional = 0;
  /** The media of the existing bucket by the first part of their keys. */
  readonly folders = new Map<string, Amount>();
  /** The first keys that the new platform wrote later. */
  readonly newer: string[] = [];

  add({ source, target }: Pair): void {
    if (source === undefined) {
      this.additional += 1;
      return;
    }
    if (isStatic(source)) {
      count(this.statics, source);
      return;
    }
    const state = stateOf(source, target);
    count(this.states[state], source);
    if (state === "copy" && source.isArchived) this.archived += 1;
    if (state === "newer" && this.newer.length < SHOWN_KEYS) this.newer.push(source.key);
    this.countFolder(source);
  }

  private countFolder(source: MediaObject): void {
    const end = source.key.indexOf("/") + 1;
    const folder = end === 0 ? "(without a folder)" : source.key.slice(0, end);
    const isCounted = this.folders.has(folder) || this.folders.size < MOST_FOLDERS;
    const name = isCounted ? folder : "(other folders)";
    const amount = this.folders.get(name) ?? { objects: 0, bytes: 0 };
    count(amount, source);
    this.folders.set(name, amount);
  }

  /** All media of the existing bucket. */
  get all(): Amount {
    const amounts = Object.values(this.states);
    return {
      objects: amounts.reduce((sum, { objects }) => sum + objects, 0),
      bytes: amounts.reduce((sum, { bytes }) => sum + bytes, 0),
    };
  }
}

/** Keys that a message shows. They can be names of patients' photographs. */
export const SHOWN_KEYS = 5;
const MOST_FOLDERS = 20;

function count(amount: Amount, { size }: MediaObject): void {
  amount.objects += 1;
  amount.bytes += size;
}

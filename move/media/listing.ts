import { ListObjectsV2Command, type S3Client } from "@aws-sdk/client-s3";
import { STATIC_PREFIX } from "../existing/buckets";

/** A bucket and the account that must own it: S3 refuses requests if a stranger has a bucket of the name. */
export interface Place {
  s3: S3Client;
  bucket: string;
  owner: string;
  region: string;
}

/** The current version of an object, as a listing shows it. */
export interface MediaObject {
  key: string;
  size: number;
  /** With quotes, as S3 sends it. */
  etag: string;
  /** Milliseconds since 1970; S3 tells whole seconds. */
  modified: number;
  /** True for the storage classes of Glacier, from which S3 copies only restored objects. */
  isArchived: boolean;
}

export const isStatic = ({ key }: MediaObject): boolean => key.startsWith(STATIC_PREFIX);

/** S3 sends keys with control characters, which XML cannot contain, only if they are encoded. */
const decodeKey = (key: string): string => decodeURIComponent(key.replaceAll("+", " "));

/** The current objects of a bucket in the order of S3: the bytes of their keys. Old versions and delete markers are not in it. */
export async function* listObjects({ bucket, owner, s3 }: Place): AsyncGenerator<MediaObject> {
  let ContinuationToken: string | undefined;
  do {
    const page = await s3.send(
      new ListObjectsV2Command({
        Bucket: bucket,
        ExpectedBucketOwner: owner,
        EncodingType: "url",
        ContinuationToken,
      }),
    );
    for (const { ETag = "", Key = "", LastModified, Size = 0, StorageClass } of page.Contents ?? []) {
      yield {
        key: decodeKey(Key),
        size: Size,
        etag: ETag,
        modified: LastModified?.getTime() ?? 0,
        isArchived: StorageClass === "GLACIER" || StorageClass === "DEEP_ARCHIVE",
      };
    }
    ContinuationToken = page.NextContinuationToken;
  } while (ContinuationToken !== undefined);
}

/** Compares keys as S3 sorts them. JavaScript compares UTF-16, which sorts some characters beyond U+FFFF otherwise. */
export function compareKeys(one: string, other: string): number {
  return one === other ? 0 : Buffer.compare(Buffer.from(one), Buffer.from(other));
}

/** An object and the one of the same key in the other bucket; one of both is missing if only one bucket has the key. */
export interface Pair {
  source?: MediaObject;
  target?: MediaObject;
}

/** Merges two sorted listings page by page, so that memory does not grow with the number of objects. */
export async function* pairs(
  sources: AsyncIterator<MediaObject>,
  targets: AsyncIterator<MediaObject>,
): AsyncGenerator<Pair> {
  const next = async (objects: AsyncIterator<MediaObject>): Promise<MediaObject | undefined> => {
    const result = await objects.next();
    return result.done === true ? undefined : result.value;
  };
  let [source, target] = await Promise.all([next(sources), next(targets)]);
  while (source !== undefined || target !== undefined) {
    const order = source === undefined ? 1 : target === undefined ? -1 : compareKeys(source.key, target.key);
    yield { ...(order <= 0 && { source }), ...(order >= 0 && { target }) };
    if (order <= 0) source = await next(sources);
    if (order >= 0) target = await next(targets);
  }
}

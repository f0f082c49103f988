import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  type HeadObjectCommandOutput,
  UploadPartCopyCommand,
} from "@aws-sdk/client-s3";
import { forEachParallel } from "./forEachParallel";
import type { MediaObject, Place } from "./listing";

/** Both buckets. Only `source` is read, only `target` is written. */
export interface Buckets {
  source: Place;
  target: Place;
}

/**
 * The evidence that a copy is complete: its ETag, a checksum of the whole object that S3 stored with the existing one, or its
 * size only. S3 itself verifies each copy, and shows no more of it.
 */
export type Evidence = "checksum" | "etag" | "size";

/** The largest object that one CopyObject copies, in bytes. */
const LARGEST_COPY = 5 * 1024 ** 3;
/** Bytes of a part of a larger object. 10,000 parts are allowed. */
const PART = 1024 ** 3;
const PARALLEL_PARTS = 4;

const CHECKSUMS = [
  "ChecksumCRC64NVME",
  "ChecksumCRC32",
  "ChecksumCRC32C",
  "ChecksumSHA1",
  "ChecksumSHA256",
] as const;
type Checksums = Partial<Record<(typeof CHECKSUMS)[number] | "ChecksumType", string>>;

/** The copy is not the object: S3 has never done this. */
export class CopyDiffers extends Error {}

/**
 * Copies an object within S3, with content type, metadata and tags, encrypted as the bucket does by default, without ACL.
 * S3 refuses the copy with PreconditionFailed if one of both objects is not the listed one any more: nothing that was
 * written meanwhile gets lost.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html
 */
export async function copyObject(
  buckets: Buckets,
  object: MediaObject,
  replaced: MediaObject | undefined,
): Promise<Evidence> {
  if (object.size > LARGEST_COPY) return copyInParts(buckets, object, replaced);
  const { CopyObjectResult = {} } = await buckets.target.s3.send(
    new CopyObjectCommand({ ...addressOf(buckets, object), ...onlyOver(replaced) }),
  );
  if (CopyObjectResult.ETag === object.etag) return "etag";
  return compare(CopyObjectResult, await readHead(buckets.source, object));
}

/** The parameters of a copy that name both objects. S3 wants the source URL-encoded, and the SDK sends it as it is. */
function addressOf({ source, target }: Buckets, { etag, key }: MediaObject) {
  const path = key.split("/").map(encodeURIComponent).join("/");
  return {
    Bucket: target.bucket,
    Key: key,
    CopySource: `${source.bucket}/${path}`,
    CopySourceIfMatch: etag,
    ExpectedBucketOwner: target.owner,
    ExpectedSourceBucketOwner: source.owner,
  };
}

const onlyOver = (replaced: MediaObject | undefined) =>
  replaced === undefined ? { IfNoneMatch: "*" } : { IfMatch: replaced.etag };

function readHead(
  { bucket, owner, s3 }: Place,
  { etag, key }: MediaObject,
): Promise<HeadObjectCommandOutput> {
  return s3.send(
    new HeadObjectCommand({
      Bucket: bucket,
      Key: key,
      IfMatch: etag,
      ChecksumMode: "ENABLED",
      ExpectedBucketOwner: owner,
    }),
  );
}

/**
 * Compares the checksums of a copy with those of the existing object. A checksum of checksums of parts (COMPOSITE) depends
 * on the parts, and is not compared.
 *
 * @throws CopyDiffers if they differ
 */
function compare(copy: Checksums, existing: Checksums): Evidence {
  if (existing.ChecksumType === "COMPOSITE" || copy.ChecksumType === "COMPOSITE") return "size";
  const name = CHECKSUMS.find((one) => existing[one] !== undefined && copy[one] !== undefined);
  if (name === undefined) return "size";
  if (existing[name] !== copy[name]) throw new CopyDiffers(`${name} of the copy differs`);
  return "checksum";
}

/** Copies an object that is too large for one CopyObject. A kill leaves parts, which the bucket's lifecycle rule deletes. */
async function copyInParts(
  buckets: Buckets,
  object: MediaObject,
  replaced: MediaObject | undefined,
): Promise<Evidence> {
  const { source, target } = buckets;
  const head = await readHead(source, object);
  const from = { Bucket: source.bucket, Key: object.key, ExpectedBucketOwner: source.owner };
  const to = { Bucket: target.bucket, Key: object.key, ExpectedBucketOwner: target.owner };
  const { TagSet = [] } =
    (head.TagCount ?? 0) > 0 ? await source.s3.send(new GetObjectTaggingCommand(from)) : {};
  const { UploadId } = await target.s3.send(
    new CreateMultipartUploadCommand({
      ...to,
      Metadata: head.Metadata,
      ContentType: head.ContentType,
      CacheControl: head.CacheControl,
      ContentDisposition: head.ContentDisposition,
      ContentEncoding: head.ContentEncoding,
      ContentLanguage: head.ContentLanguage,
      ...(head.ExpiresString !== undefined && { Expires: new Date(head.ExpiresString) }),
      ...(TagSet.length > 0 && {
        Tagging: new URLSearchParams(
          TagSet.map(({ Key = "", Value = "" }): [string, string] => [Key, Value]),
        ).toString(),
      }),
      // The algorithm for which S3 combines the checksums of parts to that of the whole object.
      ChecksumAlgorithm: "CRC64NVME",
      ChecksumType: "FULL_OBJECT",
    }),
  );
  try {
    const ranges = Array.from({ length: Math.ceil(object.size / PART) }, (_, index) => index);
    const parts: { ETag?: string; PartNumber: number }[] = [];
    await forEachParallel(ranges[Symbol.iterator](), PARALLEL_PARTS, async (index) => {
      const end = Math.min((index + 1) * PART, object.size) - 1;
      const { CopyPartResult } = await target.s3.send(
        new UploadPartCopyCommand({
          ...addressOf(buckets, object),
          UploadId,
          PartNumber: index + 1,
          CopySourceRange: `bytes=${index * PART}-${end}`,
        }),
      );
      parts[index] = { ...CopyPartResult, PartNumber: index + 1 };
    });
    const done = await target.s3.send(
      new CompleteMultipartUploadCommand({
        ...to,
        ...onlyOver(replaced),
        UploadId,
        MultipartUpload: { Parts: parts },
        ChecksumType: "FULL_OBJECT",
        MpuObjectSize: object.size,
      }),
    );
    return compare(done, head);
  } catch (error) {
    await target.s3.send(new AbortMultipartUploadCommand({ ...to, UploadId })).catch(() => undefined);
    throw error;
  }
}

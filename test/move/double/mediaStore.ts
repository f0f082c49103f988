import { createHash } from "node:crypto";
import { AwsFault } from "../../deploy/double/protocol";

/** The state of an object. Its content is a short text that stands for as many bytes as `size` says. */
export interface StoredObject {
  content: string;
  size: number;
  /** With quotes. */
  etag: string;
  /** Milliseconds since 1970, whole seconds. */
  modified: number;
  /** Content type, metadata and other headers that a copy keeps. */
  headers: Record<string, string>;
  tags: Record<string, string>;
  /** The checksum that S3 keeps, by the name of its algorithm. */
  checksum?: { algorithm: string; value: string; type: "COMPOSITE" | "FULL_OBJECT" };
  storageClass?: string;
  isRestored?: boolean;
  /** Encrypted with a key that only a customer has. */
  hasCustomerKey?: boolean;
  /** Encrypted with a KMS key that the caller may not use. */
  hasForeignKey?: boolean;
}

export interface MediaBucket {
  owner: string;
  region: string;
  objects: Map<string, StoredObject>;
  /** Keys in the order of their bytes. */
  sorted: { bytes: string; key: string }[];
  /** Default encryption: with KMS, an ETag is no MD5. */
  encryption: "AES256" | "aws:kms";
  /** The policy denies objects to the caller. */
  deniesObjects: boolean;
}

export interface S3Request {
  method: string;
  bucket: string;
  key: string;
  query: URLSearchParams;
  headers: Record<string, string>;
  body: string;
}

export interface S3Response {
  status: number;
  headers?: Record<string, string>;
  body?: string;
}

export const GIB = 1024 ** 3;

export const hash = (text: string): string => createHash("md5").update(text).digest("hex");

const bytesOf = (key: string): string => Buffer.from(key).toString("latin1");

export const preconditionFailed = () =>
  new AwsFault("PreconditionFailed", "At least one of the pre-conditions you specified did not hold", 412);

/** Buckets with up to hundreds of thousands of objects without content, and what S3 checks before it touches one. */
export class MediaStore {
  readonly buckets = new Map<string, MediaBucket>();
  /** Requests that would change the existing bucket, or do not name the owner of each bucket. */
  readonly violations: string[] = [];
  /** Called before a copy reads the existing object. */
  onCopy: (key: string) => void = () => undefined;

  addBucket(name: string, own: Partial<MediaBucket> = {}): MediaBucket {
    const bucket: MediaBucket = {
      owner: "123456789012",
      region: "eu-central-1",
      objects: new Map(),
      sorted: [],
      encryption: "AES256",
      deniesObjects: false,
      ...own,
    };
    this.buckets.set(name, bucket);
    return bucket;
  }

  /** Writes an object, as an upload does. */
  put(name: string, key: string, content: string, own: Partial<StoredObject> = {}): StoredObject {
    const bucket = this.bucket(name);
    const object: StoredObject = {
      content,
      size: Buffer.byteLength(content),
      etag: `"${hash(bucket.encryption === "aws:kms" ? `kms of ${name} ${content}` : content)}"`,
      modified: Math.floor(Date.now() / 1000) * 1000,
      headers: { "content-type": "image/jpeg" },
      tags: {},
      ...own,
    };
    if (!bucket.objects.has(key)) {
      const entry = { bytes: bytesOf(key), key };
      bucket.sorted.splice(this.positionOf(bucket, entry.bytes), 0, entry);
    }
    bucket.objects.set(key, object);
    return object;
  }

  remove(name: string, key: string): void {
    const bucket = this.bucket(name);
    bucket.objects.delete(key);
    bucket.sorted = bucket.sorted.filter((one) => one.key !== key);
  }

  get(name: string, key: string): StoredObject | undefined {
    return this.bucket(name).objects.get(key);
  }

  /** The first position in the listing that is not before a key. */
  positionOf({ sorted }: MediaBucket, bytes: string): number {
    let [low, high] = [0, sorted.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (sorted[middle]!.bytes < bytes) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  bucket(name: string): MediaBucket {
    const bucket = this.buckets.get(name);
    if (bucket === undefined) throw new AwsFault("NoSuchBucket", "The specified bucket does not exist", 404);
    return bucket;
  }

  requireOwner(name: string, owner: string | undefined, operation: string): void {
    if (owner === undefined) this.violations.push(`${operation} does not name the owner of ${name}`);
    else if (owner !== this.bucket(name).owner) throw new AwsFault("AccessDenied", "Access Denied", 403);
  }

  object(bucket: MediaBucket, key: string): StoredObject {
    const object = bucket.objects.get(key);
    if (object === undefined) throw new AwsFault("NoSuchKey", "The specified key does not exist.", 404);
    return object;
  }

  /** The object of a request that reads its content. */
  readable(bucket: MediaBucket, key: string): StoredObject {
    const object = this.object(bucket, key);
    if (object.hasCustomerKey === true) {
      throw new AwsFault(
        "InvalidRequest",
        "The object was stored using a form of Server Side Encryption. The correct parameters must be provided to retrieve the object.",
      );
    }
    if (object.hasForeignKey === true) {
      throw new AwsFault(
        "AccessDenied",
        "User is not authorized to perform: kms:Decrypt on this resource",
        403,
      );
    }
    return object;
  }

  /** The existing object of a copy, after the checks of S3. */
  sourceOf({ headers }: S3Request): StoredObject {
    const text = headers["x-amz-copy-source"] ?? "";
    if (!/^[\x21-\x7e]+$/.test(text)) throw new AwsFault("InvalidArgument", "Invalid copy source encoding.");
    const [, name = "", rest = ""] = /^\/?([^/]+)\/(.*)$/s.exec(text) ?? [];
    this.requireOwner(name, headers["x-amz-source-expected-bucket-owner"], "a copy");
    const bucket = this.bucket(name);
    // S3 reads a plus sign as a space here.
    const key = decodeURIComponent(rest.replaceAll("+", " "));
    this.onCopy(key);
    if (bucket.deniesObjects) throw new AwsFault("AccessDenied", "Access Denied", 403);
    const object = this.readable(bucket, key);
    if (object.storageClass === "GLACIER" && object.isRestored !== true) {
      throw new AwsFault(
        "InvalidObjectState",
        "Operation is not valid for the source object's storage class",
        403,
      );
    }
    const expected = headers["x-amz-copy-source-if-match"];
    if (expected !== undefined && expected !== object.etag) throw preconditionFailed();
    return object;
  }

  /** @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html */
  requireTarget({ bucket, headers, key }: S3Request): void {
    const current = this.get(bucket, key);
    if (headers["if-none-match"] === "*" && current !== undefined) throw preconditionFailed();
    const expected = headers["if-match"];
    if (expected === undefined) return;
    if (current === undefined) throw new AwsFault("NoSuchKey", "The specified key does not exist.", 404);
    if (expected !== current.etag) throw preconditionFailed();
  }

  requireNoAcl({ headers }: S3Request): void {
    if (Object.keys(headers).some((name) => /^x-amz-(acl|grant-)/.test(name))) {
      throw new AwsFault("AccessControlListNotSupported", "The bucket does not allow ACLs");
    }
  }
}

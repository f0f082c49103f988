import { createHash } from "node:crypto";
import { type Time } from "./clocks";
import { AwsFault, type DoubleRequest, type DoubleResponse, escapeXml, toXml } from "./protocol";

interface ObjectVersion {
  id: string;
  body: Buffer;
  etag: string;
  headers: Record<string, string>;
  /** The SHA-256 in base64 of an object that was uploaded with one. */
  checksum: string | undefined;
  modified: number;
  deleted: boolean;
}

const KEPT_HEADERS = ["content-type", "cache-control", "content-encoding"];

/** S3 with versioned buckets and conditional writes. */
export class S3 {
  /** The accounts of the buckets that are another account's. */
  readonly strangers = new Map<string, string>();
  /** The ARNs of the KMS keys of buckets that have one. */
  readonly encryptionKeys = new Map<string, string>();
  private readonly buckets = new Map<string, Map<string, ObjectVersion[]>>();
  private versions = 0;

  constructor(
    private readonly time: Time,
    buckets: string[],
  ) {
    for (const name of buckets) this.buckets.set(name, new Map());
  }

  create(bucket: string): void {
    this.buckets.set(bucket, new Map());
  }

  /** The encryption of new objects. */
  encryption(bucket: string): { SSEAlgorithm: string; KMSMasterKeyID?: string } {
    this.bucket(bucket);
    const key = this.encryptionKeys.get(bucket);
    return key === undefined ? { SSEAlgorithm: "AES256" } : { SSEAlgorithm: "aws:kms", KMSMasterKeyID: key };
  }

  /** Gives buckets other names. */
  rename(newName: (name: string) => string): void {
    const buckets = [...this.buckets];
    this.buckets.clear();
    for (const [name, objects] of buckets) this.buckets.set(newName(name), objects);
  }

  /** The current object; undefined where there is none. */
  get(bucket: string, key: string): ObjectVersion | undefined {
    const latest = this.bucket(bucket).get(key)?.at(-1);
    return latest?.deleted === true ? undefined : latest;
  }

  keys(bucket: string, prefix = ""): string[] {
    return [...this.bucket(bucket).keys()]
      .filter((key) => key.startsWith(prefix) && this.get(bucket, key) !== undefined)
      .sort();
  }

  /** The current objects under a prefix, as a listing shows them. */
  contents(
    bucket: string,
    prefix: string,
  ): { Key: string; ETag: string; LastModified: Date; Size: number }[] {
    return this.keys(bucket, prefix).map((Key) => {
      const { body, etag, modified } = this.get(bucket, Key)!;
      return { Key, ETag: etag, LastModified: new Date(modified), Size: body.length };
    });
  }

  json(bucket: string, key: string): Record<string, unknown> | undefined {
    const object = this.get(bucket, key);
    return object === undefined ? undefined : (JSON.parse(object.body.toString()) as Record<string, unknown>);
  }

  /** Writes an object, as a request to PutObject with these headers does. */
  write(bucket: string, key: string, body: Buffer | string, headers: Record<string, string> = {}): void {
    this.request("PUT", bucket, key, Buffer.from(body), headers);
  }

  /** Deletes an object, as a request to DeleteObject does. */
  remove(bucket: string, key: string): void {
    this.request("DELETE", bucket, key);
  }

  private request(
    method: string,
    bucket: string,
    key: string,
    body = Buffer.alloc(0),
    headers: Record<string, string> = {},
  ): void {
    this.handle({ method, path: `/${bucket}/${key}`, query: new URLSearchParams(), headers, body });
  }

  operation({ headers, method, path, query }: DoubleRequest): string {
    const isObject = path.split("/").slice(2).join("/") !== "";
    if (method === "POST" && query.has("delete")) return "DeleteObjects";
    if (!isObject) {
      if (query.has("encryption")) return "GetBucketEncryption";
      if (query.has("versioning")) return "GetBucketVersioning";
      return query.has("versions") ? "ListObjectVersions" : "ListObjectsV2";
    }
    if (method === "PUT") return headers["x-amz-copy-source"] === undefined ? "PutObject" : "CopyObject";
    const names: Record<string, string> = { GET: "GetObject", HEAD: "HeadObject", DELETE: "DeleteObject" };
    return names[method] ?? method;
  }

  handle(request: DoubleRequest): DoubleResponse {
    const [, bucket = "", ...rest] = request.path.split("/");
    const key = rest.join("/");
    this.requireOwner(bucket, request.headers["x-amz-expected-bucket-owner"]);
    const [source = ""] = (request.headers["x-amz-copy-source"] ?? "").replace(/^\//, "").split("/");
    this.requireOwner(source, request.headers["x-amz-source-expected-bucket-owner"]);
    switch (this.operation(request)) {
      case "PutObject":
        return this.put(bucket, key, request);
      case "CopyObject":
        return this.copy(bucket, key, request);
      case "GetObject":
      case "HeadObject":
        return this.read(bucket, key, request);
      case "DeleteObject":
        this.store(bucket, key, Buffer.alloc(0), {}, true);
        return { status: 204, headers: {}, body: "" };
      case "DeleteObjects":
        return this.deleteMany(bucket, request);
      case "GetBucketEncryption": {
        const byDefault = toXml(this.encryption(bucket));
        return xml(
          `<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault>${byDefault}</ApplyServerSideEncryptionByDefault></Rule></ServerSideEncryptionConfiguration>`,
        );
      }
      case "GetBucketVersioning":
        return xml("<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>");
      case "ListObjectsV2":
        return this.list(bucket, request);
      default:
        return this.listVersions(bucket, request);
    }
  }

  /** A request without an expected owner reaches the buckets of strangers too. */
  private requireOwner(bucket: string, expected: string | undefined): void {
    if (expected === undefined || expected === (this.strangers.get(bucket) ?? "123456789012")) return;
    throw new AwsFault("AccessDenied", "Access Denied", 403);
  }

  private put(bucket: string, key: string, request: DoubleRequest): DoubleResponse {
    const { headers } = request;
    const current = this.get(bucket, key);
    if (headers["if-none-match"] === "*" && current !== undefined) throw preconditionFailed();
    const expected = headers["if-match"];
    if (expected !== undefined) {
      if (current === undefined) throw new AwsFault("NoSuchKey", "The specified key does not exist.", 404);
      if (current.etag !== expected) throw preconditionFailed();
    }
    const body = decode(request);
    const digest = headers["x-amz-checksum-sha256"];
    if (digest !== undefined && digest !== createHash("sha256").update(body).digest("base64")) {
      throw new AwsFault("BadDigest", "The SHA256 you specified did not match.");
    }
    const stored = this.store(bucket, key, body, headers, false);
    return { status: 200, headers: { etag: stored.etag, "x-amz-version-id": stored.id }, body: "" };
  }

  /** @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html for a delete marker */
  private version(bucket: string, key: string, version: string): ObjectVersion {
    const found = this.bucket(bucket)
      .get(key)
      ?.find(({ id }) => id === version);
    if (found === undefined)
      throw new AwsFault("NoSuchVersion", "The specified version does not exist.", 404);
    if (found.deleted)
      throw new AwsFault(
        "MethodNotAllowed",
        "The specified method is not allowed against this resource.",
        405,
      );
    return found;
  }

  private copy(bucket: string, key: string, { headers }: DoubleRequest): DoubleResponse {
    const [path = "", query] = decodeURIComponent(headers["x-amz-copy-source"] ?? "").split("?versionId=");
    const [from = "", ...rest] = path.replace(/^\//, "").split("/");
    const source = this.bucket(from)
      .get(rest.join("/"))
      ?.findLast(({ id }) => query === undefined || id === query);
    if (source === undefined)
      throw new AwsFault("NoSuchVersion", "The specified version does not exist.", 404);
    const stored = this.store(bucket, key, source.body, source.headers, false);
    return xml(`<CopyObjectResult><ETag>${escapeXml(stored.etag)}</ETag></CopyObjectResult>`);
  }

  private read(
    bucket: string,
    key: string,
    { headers: request, method, query }: DoubleRequest,
  ): DoubleResponse {
    const version = query.get("versionId");
    const object = version === null ? this.get(bucket, key) : this.version(bucket, key, version);
    if (object === undefined) throw new AwsFault("NoSuchKey", "The specified key does not exist.", 404);
    const range = /^bytes=(\d+)-(\d*)$/.exec(request["range"] ?? "");
    // S3 sends the checksum of an object with the whole object only.
    const isChecked = request["x-amz-checksum-mode"] === "ENABLED" && range === null;
    const checksum = isChecked ? object.checksum : undefined;
    const headers = {
      ...object.headers,
      ...(checksum === undefined ? {} : { "x-amz-checksum-sha256": checksum }),
      etag: object.etag,
      "x-amz-version-id": object.id,
      "last-modified": new Date(object.modified).toUTCString(),
      "content-length": String(object.body.length),
    };
    if (range !== null) {
      // The AWS CLI fetches objects from 8 MB on in parts.
      const [from, to] = [Number(range[1]), Math.min(Number(range[2] || Infinity), object.body.length - 1)];
      const body = object.body.subarray(from, to + 1);
      const part = {
        "content-length": String(body.length),
        "content-range": `bytes ${from}-${to}/${object.body.length}`,
      };
      return { status: 206, headers: { ...headers, ...part }, body };
    }
    return { status: 200, headers, body: method === "HEAD" ? "" : object.body };
  }

  private deleteMany(bucket: string, request: DoubleRequest): DoubleResponse {
    const text = decode(request).toString();
    for (const [, item = ""] of text.matchAll(/<Object>(.*?)<\/Object>/gs)) {
      const key = /<Key>(.*?)<\/Key>/s.exec(item)?.[1] ?? "";
      const id = /<VersionId>(.*?)<\/VersionId>/s.exec(item)?.[1];
      if (id === undefined) this.store(bucket, key, Buffer.alloc(0), {}, true);
      else {
        const left = (this.bucket(bucket).get(key) ?? []).filter((version) => version.id !== id);
        if (left.length === 0) this.bucket(bucket).delete(key);
        else this.bucket(bucket).set(key, left);
      }
    }
    return xml("<DeleteResult></DeleteResult>");
  }

  private list(bucket: string, { query }: DoubleRequest): DoubleResponse {
    const contents = this.contents(bucket, query.get("prefix") ?? "").map(
      ({ ETag, Key, LastModified, Size }) =>
        `<Contents><Key>${escapeXml(Key)}</Key><LastModified>${LastModified.toISOString()}</LastModified><ETag>${escapeXml(ETag)}</ETag><Size>${Size}</Size></Contents>`,
    );
    return xml(`<ListBucketResult><IsTruncated>false</IsTruncated>${contents.join("")}</ListBucketResult>`);
  }

  private listVersions(bucket: string, { query }: DoubleRequest): DoubleResponse {
    const prefix = query.get("prefix") ?? "";
    let text = "";
    for (const [key, versions] of [...this.bucket(bucket)]
      .filter(([name]) => name.startsWith(prefix))
      .sort(([a], [b]) => (a < b ? -1 : 1))) {
      for (const version of versions) {
        const element = version.deleted ? "DeleteMarker" : "Version";
        const latest = version === versions.at(-1);
        text += `<${element}><Key>${escapeXml(key)}</Key><VersionId>${version.id}</VersionId><IsLatest>${String(latest)}</IsLatest></${element}>`;
      }
    }
    return xml(`<ListVersionsResult><IsTruncated>false</IsTruncated>${text}</ListVersionsResult>`);
  }

  private store(
    bucket: string,
    key: string,
    body: Buffer,
    headers: Record<string, string>,
    deleted: boolean,
  ): ObjectVersion {
    this.versions += 1;
    const kept = KEPT_HEADERS.flatMap((name) => {
      const value = headers[name]?.replace(/(^|,)\s*aws-chunked/, "");
      return value === undefined || value === "" ? [] : [[name, value] as const];
    });
    const version: ObjectVersion = {
      id: `v${this.versions}`,
      body,
      etag: `"${createHash("md5").update(body).digest("hex")}"`,
      headers: Object.fromEntries(kept),
      checksum: headers["x-amz-checksum-sha256"],
      modified: this.time.now,
      deleted,
    };
    const objects = this.bucket(bucket);
    objects.set(key, [...(objects.get(key) ?? []), version]);
    return version;
  }

  private bucket(name: string): Map<string, ObjectVersion[]> {
    const bucket = this.buckets.get(name);
    if (bucket === undefined) throw new AwsFault("NoSuchBucket", `There is no bucket ${name}.`, 404);
    return bucket;
  }
}

function preconditionFailed(): AwsFault {
  return new AwsFault(
    "PreconditionFailed",
    "At least one of the pre-conditions you specified did not hold.",
    412,
  );
}

/** The payload of a body that the SDK sent in chunks with a checksum behind it. */
function decode({ body, headers }: DoubleRequest): Buffer {
  if (headers["x-amz-decoded-content-length"] === undefined) return body;
  const parts: Buffer[] = [];
  let position = 0;
  for (;;) {
    const end = body.indexOf("\r\n", position);
    const size = parseInt(body.subarray(position, end).toString(), 16);
    if (!(size > 0)) return Buffer.concat(parts);
    parts.push(body.subarray(end + 2, end + 2 + size));
    position = end + 2 + size + 2;
  }
}

function xml(text: string): DoubleResponse {
  return {
    status: 200,
    headers: { "content-type": "application/xml" },
    body: `<?xml version="1.0"?>${text}`,
  };
}

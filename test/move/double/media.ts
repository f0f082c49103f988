import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { AwsFault, escapeXml } from "../../deploy/double/protocol";
import { listen } from "../../http";
import {
  GIB,
  hash,
  type MediaBucket,
  MediaStore,
  preconditionFailed,
  type S3Request,
  type S3Response,
} from "./mediaStore";
import { MediaUploads } from "./mediaUploads";

/**
 * The fault of a request:
 * - refused, throttled: S3 does not do it, and says so
 * - failed after 200: S3 begins its answer to a copy with 200, and then fails
 * - lost: S3 does it, and the answer is lost
 * - killed before, killed after: the process that sent it ends before or after S3 does it
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html about errors in an answer with 200
 */
export type Fault = "failed after 200" | "killed after" | "killed before" | "lost" | "refused" | "throttled";

/** Like S3, with buckets that hold up to hundreds of thousands of objects without content. It refuses what S3 refuses. */
export class MediaS3 extends MediaStore {
  /** Every request that the double has seen, as "Operation" or, for those of one object, "Operation KEY". */
  readonly calls: string[] = [];
  /** Decides what goes wrong with a request. */
  fault: (operation: string, key: string) => Fault | undefined = () => undefined;
  /** Called where a fault asks for the death of the process. */
  onKill: () => void = () => undefined;
  pageSize = 1000;
  url = "";
  readonly uploads = new MediaUploads(this);
  private close: () => void = () => undefined;

  async start(): Promise<void> {
    const server = createServer((incoming, outgoing) => {
      const chunks: Buffer[] = [];
      incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
      incoming.on("end", () => {
        this.answer(incoming, Buffer.concat(chunks).toString(), outgoing);
      });
    });
    this.url = `http://127.0.0.1:${await listen(server)}`;
    this.close = () => {
      server.close();
      server.closeAllConnections();
    };
  }

  stop(): void {
    this.close();
  }

  private answer(incoming: IncomingMessage, body: string, outgoing: ServerResponse): void {
    const url = incoming.url ?? "/";
    const [path = "/", search = ""] = url.split(/\?(.*)/s);
    // The path is taken as it is sent: a key can have empty parts and dots.
    const [, bucket = "", rest = ""] = /^\/([^/]*)\/?(.*)$/s.exec(path) ?? [];
    const headers: Record<string, string> = {};
    for (const [name, value] of Object.entries(incoming.headers)) headers[name] = String(value);
    const request: S3Request = {
      method: incoming.method ?? "GET",
      bucket,
      key: decodeURIComponent(rest),
      query: new URLSearchParams(search),
      headers,
      body,
    };
    const operation = operationOf(request);
    this.calls.push(request.key === "" ? operation : `${operation} ${request.key}`);
    const fault = this.fault(operation, request.key);
    if (fault === "killed before") {
      this.onKill();
      return;
    }
    if (fault === "failed after 200" && /Copy|Complete/.test(operation)) {
      const error = "<Error><Code>InternalError</Code><Message>Please try again.</Message></Error>";
      outgoing.writeHead(200, { "content-type": "application/xml" }).end(error);
      return;
    }
    const response = this.respond(request, () => {
      if (fault === "refused") throw new AwsFault("AccessDenied", "Access Denied", 403);
      if (fault === "throttled") throw new AwsFault("SlowDown", "Please reduce your request rate.", 503);
    });
    if (fault === "killed after") this.onKill();
    else if (fault === "lost") outgoing.destroy();
    else {
      outgoing
        .writeHead(response.status, { "content-type": "application/xml", ...response.headers })
        .end(request.method === "HEAD" ? "" : (response.body ?? ""));
    }
  }

  /** @param before Called before the request is executed; throws what S3 refuses with. */
  respond(request: S3Request, before: () => void = () => undefined): S3Response {
    try {
      before();
      return this.handle(operationOf(request), request);
    } catch (error) {
      if (!(error instanceof AwsFault)) throw error;
      return {
        status: error.status,
        headers: error instanceof Moved ? { "x-amz-bucket-region": error.region } : {},
        body: `<Error><Code>${error.code}</Code><Message>${escapeXml(error.message)}</Message></Error>`,
      };
    }
  }

  private handle(operation: string, request: S3Request): S3Response {
    const { bucket: name, headers } = request;
    const bucket = this.bucket(name);
    this.requireOwner(name, headers["x-amz-expected-bucket-owner"], operation);
    const [, region = ""] = /Credential=[^/]+\/\d+\/([^/]+)\/s3\//.exec(headers["authorization"] ?? "") ?? [];
    if (region !== bucket.region) throw new Moved(bucket.region);
    if (request.key !== "" && bucket.deniesObjects) {
      throw new AwsFault(
        "AccessDenied",
        "User is not authorized: explicit deny in a resource-based policy",
        403,
      );
    }
    switch (operation) {
      case "HeadBucket":
        return { status: 200, headers: { "x-amz-bucket-region": bucket.region } };
      case "ListObjectsV2":
        return this.list(bucket, request.query);
      case "HeadObject":
        return this.head(bucket, request);
      case "GetObjectTagging": {
        const tags = Object.entries(this.object(bucket, request.key).tags).map(
          ([key, value]) => `<Tag><Key>${escapeXml(key)}</Key><Value>${escapeXml(value)}</Value></Tag>`,
        );
        return { status: 200, body: `<Tagging><TagSet>${tags.join("")}</TagSet></Tagging>` };
      }
      case "CopyObject":
        return this.copy(request);
      case "CreateMultipartUpload":
        return this.uploads.create(request);
      case "UploadPartCopy":
        return this.uploads.copyPart(request);
      case "CompleteMultipartUpload":
        return this.uploads.complete(request);
      case "AbortMultipartUpload":
        return this.uploads.abort(request);
      default:
        this.violations.push(`${operation} on ${name}`);
        throw new AwsFault("MethodNotAllowed", "The double knows no such request.", 405);
    }
  }

  private list(bucket: MediaBucket, query: URLSearchParams): S3Response {
    const isEncoded = query.get("encoding-type") === "url";
    // S3's encoding has a plus sign for a space.
    const keyText = (key: string) =>
      isEncoded ? encodeURIComponent(key).replaceAll("%20", "+").replaceAll("%2F", "/") : escapeXml(key);
    const after = query.get("continuation-token");
    const from =
      after === null ? 0 : this.positionOf(bucket, Buffer.from(after, "base64").toString("latin1") + "\0");
    const page = bucket.sorted.slice(from, from + this.pageSize);
    const last = page.at(-1);
    const isTruncated = from + page.length < bucket.sorted.length;
    const token = Buffer.from(last?.bytes ?? "", "latin1").toString("base64");
    const contents = page.map(({ key }) => {
      const { etag, modified, size, storageClass = "STANDARD" } = bucket.objects.get(key)!;
      return `<Contents><Key>${keyText(key)}</Key><LastModified>${new Date(modified).toISOString()}</LastModified><ETag>${escapeXml(etag)}</ETag><Size>${size}</Size><StorageClass>${storageClass}</StorageClass></Contents>`;
    });
    return {
      status: 200,
      body: `<ListBucketResult>${isEncoded ? "<EncodingType>url</EncodingType>" : ""}<IsTruncated>${isTruncated}</IsTruncated>${isTruncated ? `<NextContinuationToken>${token}</NextContinuationToken>` : ""}<KeyCount>${page.length}</KeyCount>${contents.join("")}</ListBucketResult>`,
    };
  }

  private head(bucket: MediaBucket, { headers, key }: S3Request): S3Response {
    const object = this.readable(bucket, key);
    if (headers["if-match"] !== undefined && headers["if-match"] !== object.etag) throw preconditionFailed();
    const { checksum } = object;
    const tags = Object.keys(object.tags).length;
    return {
      status: 200,
      headers: {
        ...object.headers,
        etag: object.etag,
        "content-length": String(object.size),
        "last-modified": new Date(object.modified).toUTCString(),
        ...(tags > 0 && { "x-amz-tagging-count": String(tags) }),
        ...(checksum !== undefined &&
          headers["x-amz-checksum-mode"] === "ENABLED" && {
            [`x-amz-checksum-${checksum.algorithm.toLowerCase()}`]: checksum.value,
            "x-amz-checksum-type": checksum.type,
          }),
      },
    };
  }

  private copy(request: S3Request): S3Response {
    this.requireNoAcl(request);
    const source = this.sourceOf(request);
    if (source.size > 5 * GIB) {
      throw new AwsFault(
        "InvalidRequest",
        "The specified copy source is larger than the maximum allowable size for a copy source: 5368709120",
      );
    }
    this.requireTarget(request);
    const algorithm = source.checksum?.algorithm ?? "CRC64NVME";
    const checksum = {
      algorithm,
      value: hash(`${algorithm} ${source.content}`),
      type: "FULL_OBJECT",
    } as const;
    const { etag, modified } = this.put(request.bucket, request.key, source.content, {
      size: source.size,
      headers: source.headers,
      tags: source.tags,
      checksum,
    });
    return {
      status: 200,
      body: `<CopyObjectResult><ETag>${escapeXml(etag)}</ETag><LastModified>${new Date(modified).toISOString()}</LastModified><Checksum${algorithm}>${checksum.value}</Checksum${algorithm}><ChecksumType>FULL_OBJECT</ChecksumType></CopyObjectResult>`,
    };
  }
}

/** The answer to a request that was sent to another region than that of the bucket. */
class Moved extends AwsFault {
  constructor(readonly region: string) {
    super("PermanentRedirect", "The bucket is in another region.", 301);
  }
}

function operationOf({ headers, key, method, query }: S3Request): string {
  if (key === "") {
    if (method === "HEAD") return "HeadBucket";
    return method === "GET" && query.has("list-type") ? "ListObjectsV2" : `${method} of a bucket`;
  }
  const isCopy = headers["x-amz-copy-source"] !== undefined;
  switch (method) {
    case "HEAD":
      return "HeadObject";
    case "GET":
      return query.has("tagging") ? "GetObjectTagging" : "GetObject";
    case "PUT":
      if (query.has("uploadId")) return isCopy ? "UploadPartCopy" : "UploadPart";
      return isCopy ? "CopyObject" : "PutObject";
    case "POST":
      return query.has("uploads") ? "CreateMultipartUpload" : "CompleteMultipartUpload";
    default:
      return query.has("uploadId") ? "AbortMultipartUpload" : `${method} of an object`;
  }
}

import { AwsFault, escapeXml } from "../../deploy/double/protocol";
import { GIB, hash, type MediaStore, type S3Request, type S3Response } from "./mediaStore";

interface Upload {
  bucket: string;
  key: string;
  headers: Record<string, string>;
  tags: Record<string, string>;
  parts: Map<number, { content: string; from: number; to: number; etag: string }>;
  algorithm: string;
}

const KEPT =
  /^(content-type|cache-control|content-disposition|content-encoding|content-language|x-amz-meta-.*)$/;

/** The multipart uploads of the double of S3. */
export class MediaUploads {
  private readonly uploads = new Map<string, Upload>();
  private created = 0;

  constructor(private readonly store: MediaStore) {}

  /** The number of uploads that were neither completed nor aborted. */
  get open(): number {
    return this.uploads.size;
  }

  create(request: S3Request): S3Response {
    this.store.requireNoAcl(request);
    const { bucket, headers, key } = request;
    this.created += 1;
    const id = `upload-${this.created}`;
    this.uploads.set(id, {
      bucket,
      key,
      headers: Object.fromEntries(Object.entries(headers).filter(([name]) => KEPT.test(name))),
      tags: Object.fromEntries(new URLSearchParams(headers["x-amz-tagging"] ?? "")),
      parts: new Map(),
      algorithm: headers["x-amz-checksum-algorithm"] ?? "CRC64NVME",
    });
    return {
      status: 200,
      body: `<InitiateMultipartUploadResult><UploadId>${id}</UploadId></InitiateMultipartUploadResult>`,
    };
  }

  private upload({ bucket, key, query }: S3Request): Upload {
    const upload = this.uploads.get(query.get("uploadId") ?? "");
    if (upload === undefined || upload.bucket !== bucket || upload.key !== key) {
      throw new AwsFault("NoSuchUpload", "The specified upload does not exist.", 404);
    }
    return upload;
  }

  copyPart(request: S3Request): S3Response {
    const upload = this.upload(request);
    const source = this.store.sourceOf(request);
    const [, from = "", to = ""] =
      /^bytes=(\d+)-(\d+)$/.exec(request.headers["x-amz-copy-source-range"] ?? "") ?? [];
    if (from === "" || Number(to) >= source.size || Number(from) > Number(to)) {
      throw new AwsFault(
        "InvalidArgument",
        `Range specified is not valid for source object of size: ${source.size}`,
      );
    }
    if (Number(to) - Number(from) + 1 > 5 * GIB) {
      throw new AwsFault(
        "InvalidRequest",
        "The specified copy source is larger than the maximum allowable size",
      );
    }
    const etag = `"${hash(`${source.content} ${from}-${to}`)}"`;
    upload.parts.set(Number(request.query.get("partNumber")), {
      content: source.content,
      from: Number(from),
      to: Number(to),
      etag,
    });
    return {
      status: 200,
      body: `<CopyPartResult><ETag>${escapeXml(etag)}</ETag><ChecksumCRC64NVME>x</ChecksumCRC64NVME></CopyPartResult>`,
    };
  }

  complete(request: S3Request): S3Response {
    const upload = this.upload(request);
    this.store.requireTarget(request);
    const named = [...request.body.matchAll(/<Part>(.*?)<\/Part>/gs)].map(([, part = ""]) => ({
      number: Number(/<PartNumber>(\d+)</.exec(part)?.[1]),
      etag: (/<ETag>(.*?)<\/ETag>/.exec(part)?.[1] ?? "").replaceAll("&quot;", '"'),
    }));
    let end = 0;
    for (const [index, { etag, number }] of named.entries()) {
      const part = upload.parts.get(number);
      if (part?.etag !== etag)
        throw new AwsFault("InvalidPart", "One or more of the parts could not be found.");
      if (number !== index + 1 || part.from !== end)
        throw new AwsFault("InvalidPartOrder", "Parts are not in order.");
      end = part.to + 1;
    }
    const content = upload.parts.get(1)?.content ?? "";
    const size = request.headers["x-amz-mp-object-size"];
    if (size !== undefined && Number(size) !== end)
      throw new AwsFault("InvalidRequest", "Wrong object size.");
    const value = hash(`${upload.algorithm} ${content}`);
    const { etag } = this.store.put(request.bucket, request.key, content, {
      size: end,
      etag: `"${hash(named.map((one) => one.etag).join())}-${named.length}"`,
      headers: upload.headers,
      tags: upload.tags,
      checksum: { algorithm: upload.algorithm, value, type: "FULL_OBJECT" },
    });
    this.uploads.delete(request.query.get("uploadId") ?? "");
    return {
      status: 200,
      body: `<CompleteMultipartUploadResult><ETag>${escapeXml(etag)}</ETag><Checksum${upload.algorithm}>${value}</Checksum${upload.algorithm}><ChecksumType>FULL_OBJECT</ChecksumType></CompleteMultipartUploadResult>`,
    };
  }

  abort(request: S3Request): S3Response {
    this.upload(request);
    this.uploads.delete(request.query.get("uploadId") ?? "");
    return { status: 204 };
  }
}

import { createHash } from "node:crypto";
import { AwsFault, listOf, structuresOf, type Xml } from "./protocol";

interface Upload {
  bytes: Buffer;
  /** The size of the part before. */
  last: number;
}

interface StoredImage {
  manifest: string;
  mediaType: string;
  tags: Set<string>;
}

const IMAGE_TYPES = [
  "application/vnd.oci.image.manifest.v1+json",
  "application/vnd.docker.distribution.manifest.v2+json",
];
const INDEX_TYPES = [
  "application/vnd.oci.image.index.v1+json",
  "application/vnd.docker.distribution.manifest.list.v2+json",
];

const SMALLEST_PART = 5 * 1024 * 1024;
const LARGEST_PART = 20_971_520;
/** Images or layers of one request. */
const PAGE = 100;
/** Tags of one image: https://docs.aws.amazon.com/AmazonECR/latest/userguide/service-quotas.html */
const MOST_TAGS = 1000;

/**
 * One repository of Amazon ECR with immutable tags.
 *
 * @see https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_Operations.html
 */
export class Ecr {
  readonly layers = new Map<string, Buffer>();
  readonly images = new Map<string, StoredImage>();
  /** Refuses an image that has its tag already as one with a taken tag; AWS's reference allows either answer. */
  strictTags = false;
  private readonly uploads = new Map<string, Upload>();
  private started = 0;

  constructor(private readonly repository: string) {}

  /** The digest of the image with a tag. */
  digestOf(tag: string): string | undefined {
    return [...this.images].find(([, { tags }]) => tags.has(tag))?.[0];
  }

  /** All tags, sorted. */
  get tags(): string[] {
    return [...this.images.values()].flatMap(({ tags }) => [...tags]).sort();
  }

  /** @throws AwsFault as ECR does */
  handle(operation: string, form: URLSearchParams): Xml {
    const name = form.get("repositoryName") ?? "";
    if (name !== this.repository) {
      throw new AwsFault("RepositoryNotFoundException", `The repository with name '${name}' does not exist`);
    }
    switch (operation) {
      case "BatchCheckLayerAvailability":
        return this.check(form);
      case "InitiateLayerUpload":
        return this.initiate();
      case "UploadLayerPart":
        return this.upload(form);
      case "CompleteLayerUpload":
        return this.complete(form);
      case "PutImage":
        return this.put(form);
      case "BatchGetImage":
        return this.get(form);
      case "GetDownloadUrlForLayer":
        return this.locate(form);
      case "ListImages":
        return this.list(form);
      case "BatchDeleteImage":
        return this.remove(form);
      default:
        throw new AwsFault("UnknownOperationException", `The double of ECR has no ${operation}.`);
    }
  }

  private check(form: URLSearchParams): Xml {
    const digests = listOf(form, "layerDigests");
    if (digests.length === 0 || digests.length > PAGE) throw invalid("layerDigests");
    return {
      layers: digests.map((layerDigest) => ({
        layerDigest,
        layerAvailability: this.layers.has(layerDigest) ? "AVAILABLE" : "UNAVAILABLE",
      })),
      failures: [],
    };
  }

  private initiate(): Xml {
    this.started += 1;
    const uploadId = `00000000-0000-0000-0000-${String(this.started).padStart(12, "0")}`;
    this.uploads.set(uploadId, { bytes: Buffer.alloc(0), last: SMALLEST_PART });
    return { uploadId, partSize: 10_485_760 };
  }

  private uploadOf(form: URLSearchParams): Upload {
    const upload = this.uploads.get(form.get("uploadId") ?? "");
    if (upload === undefined) throw new AwsFault("UploadNotFoundException", "The upload could not be found");
    return upload;
  }

  private upload(form: URLSearchParams): Xml {
    const upload = this.uploadOf(form);
    const part = Buffer.from(form.get("layerPartBlob") ?? "", "base64");
    const [first, last] = [Number(form.get("partFirstByte")), Number(form.get("partLastByte"))];
    if (part.length !== last - first + 1) throw invalid("the range is not the part's size");
    if (first !== upload.bytes.length || part.length > LARGEST_PART) {
      throw new AwsFault("InvalidLayerPartException", `Layer part is not valid. ${upload.bytes.length}`);
    }
    if (upload.last < SMALLEST_PART) {
      throw new AwsFault("LayerPartTooSmallException", "Layer parts must be at least 5 MiB in size");
    }
    upload.bytes = Buffer.concat([upload.bytes, part]);
    upload.last = part.length;
    return { lastByteReceived: last };
  }

  private complete(form: URLSearchParams): Xml {
    const { bytes } = this.uploadOf(form);
    const [wanted = ""] = listOf(form, "layerDigests");
    if (bytes.length === 0) throw new AwsFault("EmptyUploadException", "The upload has no parts");
    if (digestOf(bytes) !== wanted) {
      throw new AwsFault("InvalidLayerException", `The layer has not the digest ${wanted}`);
    }
    this.uploads.delete(form.get("uploadId") ?? "");
    if (this.layers.has(wanted)) {
      throw new AwsFault("LayerAlreadyExistsException", `Layer with digest '${wanted}' already exists`);
    }
    this.layers.set(wanted, bytes);
    return { layerDigest: wanted };
  }

  private put(form: URLSearchParams): Xml {
    const manifest = form.get("imageManifest") ?? "";
    const digest = digestOf(Buffer.from(manifest));
    const tag = form.get("imageTag") ?? undefined;
    const mediaType = form.get("imageManifestMediaType") ?? "";
    if (tag !== undefined && !/^\w[\w.-]{0,127}$/.test(tag)) throw invalid(`the tag ${tag}`);
    if ((form.get("imageDigest") ?? digest) !== digest) {
      throw new AwsFault("ImageDigestDoesNotMatchException", `The image has the digest ${digest}`);
    }
    this.requireParts(manifest, mediaType);
    const taken = tag === undefined ? undefined : this.digestOf(tag);
    if (taken !== undefined && (taken !== digest || this.strictTags)) {
      throw new AwsFault(
        "ImageTagAlreadyExistsException",
        `The image tag '${tag ?? ""}' already exists in the '${this.repository}' repository and cannot be overwritten because the tag is immutable.`,
      );
    }
    const image = this.images.get(digest) ?? { manifest, mediaType, tags: new Set() };
    if (this.images.has(digest) && (tag === undefined || image.tags.has(tag))) {
      throw new AwsFault("ImageAlreadyExistsException", `Image with digest '${digest}' already exists`);
    }
    if (image.tags.size >= MOST_TAGS) throw new AwsFault("LimitExceededException", "Tags of an image");
    if (tag !== undefined) image.tags.add(tag);
    this.images.set(digest, image);
    return { image: { imageId: { imageDigest: digest, imageTag: tag }, imageManifest: manifest } };
  }

  private requireParts(text: string, mediaType: string): void {
    const manifest = parse(text);
    if (INDEX_TYPES.includes(mediaType)) {
      if ((manifest.manifests ?? []).every(({ digest }) => this.images.has(digest))) return;
      throw new AwsFault("ReferencedImagesNotFoundException", "The index names images that do not exist");
    }
    if (!IMAGE_TYPES.includes(mediaType)) throw invalid(`the media type ${mediaType}`);
    const missing = partsOf(text).filter((digest) => !this.layers.has(digest));
    if (missing.length > 0)
      throw new AwsFault("LayersNotFoundException", `Layers ${missing.join()} do not exist`);
  }

  private get(form: URLSearchParams): Xml {
    const found: Xml[] = [];
    const failures: Xml[] = [];
    for (const id of structuresOf(form, "imageIds")) {
      const digest = id.get("imageDigest") ?? this.digestOf(id.get("imageTag") ?? "") ?? "";
      const image = this.images.get(digest);
      const imageId = { imageDigest: digest, imageTag: id.get("imageTag") ?? undefined };
      if (image === undefined) failures.push({ imageId, failureCode: "ImageNotFound" });
      else {
        const { manifest: imageManifest, mediaType: imageManifestMediaType } = image;
        found.push({ imageId, imageManifest, imageManifestMediaType });
      }
    }
    return { images: found, failures };
  }

  private locate(form: URLSearchParams): Xml {
    const layerDigest = form.get("layerDigest") ?? "";
    const layer = this.layers.get(layerDigest);
    if (layer === undefined) {
      throw new AwsFault("LayersNotFoundException", `The layer ${layerDigest} could not be found`);
    }
    if (!this.isUsed(layerDigest)) {
      throw new AwsFault("LayerInaccessibleException", "The layer is not associated with an image");
    }
    return {
      layerDigest,
      downloadUrl: `data:application/octet-stream;base64,${layer.toString("base64")}`,
    };
  }

  private isUsed(layer: string): boolean {
    return [...this.images.values()].some(({ manifest }) => partsOf(manifest).includes(layer));
  }

  private list(form: URLSearchParams): Xml {
    const status = form.get("filter.tagStatus") ?? "ANY";
    const all = [...this.images].flatMap(([imageDigest, { tags }]): Xml[] =>
      tags.size === 0 ? [{ imageDigest }] : [...tags].map((imageTag) => ({ imageDigest, imageTag })),
    );
    const matching = all.filter(
      ({ imageTag }) => status === "ANY" || (status === "TAGGED") === (imageTag !== undefined),
    );
    const start = Number(form.get("nextToken") ?? 0);
    const end = start + Number(form.get("maxResults") ?? PAGE);
    return {
      imageIds: matching.slice(start, end),
      nextToken: end < matching.length ? String(end) : undefined,
    };
  }

  private remove(form: URLSearchParams): Xml {
    const ids = structuresOf(form, "imageIds");
    if (ids.length === 0 || ids.length > PAGE) throw invalid("imageIds");
    const imageIds: Xml[] = [];
    const failures: Xml[] = [];
    for (const id of ids) {
      const tag = id.get("imageTag");
      const digest = id.get("imageDigest") ?? this.digestOf(tag ?? "") ?? "";
      const image = this.images.get(digest);
      const imageId = { imageDigest: id.get("imageDigest") ?? undefined, imageTag: tag ?? undefined };
      if (image === undefined) {
        failures.push({
          imageId,
          failureCode: "ImageNotFound",
          failureReason: "Requested image not found",
        });
        continue;
      }
      imageIds.push({ ...imageId, imageDigest: digest });
      if (tag !== null) image.tags.delete(tag);
      if (tag === null || image.tags.size === 0) this.images.delete(digest);
      // ECR deletes layers of no image at some time.
      for (const layer of partsOf(image.manifest)) if (!this.isUsed(layer)) this.layers.delete(layer);
    }
    return { imageIds, failures };
  }
}

interface Manifest {
  config?: { digest: string };
  layers?: { digest: string }[];
  manifests?: { digest: string }[];
}

function parse(text: string): Manifest {
  try {
    return JSON.parse(text) as Manifest;
  } catch {
    throw invalid("imageManifest");
  }
}

/** The digests of the configuration and the layers of an image. */
function partsOf(text: string): string[] {
  const { config, layers = [] } = parse(text);
  return [config, ...layers].flatMap((one) => (one === undefined ? [] : [one.digest]));
}

function invalid(what: string): AwsFault {
  return new AwsFault("InvalidParameterException", `Invalid parameter: ${what}`);
}

function digestOf(bytes: Buffer): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}

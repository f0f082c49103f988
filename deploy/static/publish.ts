import {
  CopyObjectCommand,
  DeleteObjectsCommand,
  GetBucketVersioningCommand,
  ListObjectVersionsCommand,
  type ListObjectVersionsCommandOutput,
  type ObjectIdentifier,
  paginateListObjectsV2,
  PutObjectCommand,
  type S3Client,
} from "@aws-sdk/client-s3";
import { mapParallel } from "../mapParallel";
import { UserError } from "../../cli/userError";
import { headersOf, openBody, SHORT, type StaticFile, type StaticHeaders } from "./files";
import {
  type Manifest,
  MANIFEST_PREFIX,
  type ManifestEntry,
  readManifest,
  versionOfKey,
  writeManifest,
} from "./manifest";

/** Iaso's static files have URLs that begin with //<host of STATIC_URL>/static/ (hat/settings.py in BLSQ/iaso). */
const PREFIX = "static/";

/** The key of a static file in the static bucket. */
export function staticKey(path: string): string {
  return PREFIX + path;
}

/** Requests at the same time. */
const PARALLEL = 16;

/** S3's limit for one DeleteObjects request. */
const DELETE_BATCH = 1000;

export interface PublishArgs {
  s3: S3Client;
  /** The static bucket. Its versioning has to be enabled. */
  bucket: string;
  files: readonly StaticFile[];
  version: string;
  onProgress?: (message: string) => void;
}

export interface Published {
  files: number;
  /** New or changed files, which were written. */
  written: number;
  /** Bytes written, as stored. */
  bytes: number;
}

/**
 * Publishes the static files of a version. Writes only files that are new or changed, by the bucket's listing and the
 * latest manifest. Deletes nothing, so the running version keeps its files.
 *
 * A name without a digest can belong to two versions with different bytes; the newer one overwrites it. The older object
 * stays as a noncurrent version, and `restoreStatic` makes it current again.
 *
 * @throws UserError if there are no files, or the bucket's versioning is off
 */
export async function publishStatic(args: PublishArgs): Promise<Published> {
  const { s3, bucket, files, version } = args;
  const [remote, last] = await Promise.all([
    listCurrent(s3, bucket),
    lastManifest(s3, bucket),
    requireVersioning(s3, bucket),
  ]);
  if (files.length === 0) {
    throw new UserError(`The version ${version} has no static files.`, "Build the application first");
  }
  let written = 0;
  let bytes = 0;
  const entries = await mapParallel(files, PARALLEL, async (file): Promise<[string, ManifestEntry]> => {
    const known = last?.files[file.path];
    const current = remote.get(staticKey(file.path));
    const headers = headersFor(file, known);
    if (known !== undefined && current === known.etag && isSame(file, headers, known))
      return [file.path, known];
    const [stored, size] = await store(s3, bucket, file, headers);
    written += 1;
    bytes += size;
    if (written % 100 === 0) args.onProgress?.(`${written} static files written`);
    return [file.path, stored];
  });
  await writeManifest(s3, bucket, { version, files: Object.fromEntries(entries) });
  args.onProgress?.(`${written} of ${files.length} static files were new or changed`);
  return { files: files.length, written, bytes };
}

function isSame(file: StaticFile, headers: StaticHeaders, known: ManifestEntry): boolean {
  return (
    known.sha256 === file.sha256 &&
    known.contentType === headers.contentType &&
    known.cacheControl === headers.cacheControl &&
    known.contentEncoding === headers.contentEncoding
  );
}

/** A name whose bytes once changed contains no digest, whatever it looks like, and is never served as immutable. */
function headersFor(file: StaticFile, known: ManifestEntry | undefined): StaticHeaders {
  const headers = headersOf(file.path, file.bytes);
  const reused = known !== undefined && (known.sha256 !== file.sha256 || known.cacheControl === SHORT);
  return reused ? { ...headers, cacheControl: SHORT } : headers;
}

/** Attempts for a body that is a stream, which the SDK does not retry. */
const STREAM_ATTEMPTS = 3;

async function store(
  s3: S3Client,
  bucket: string,
  file: StaticFile,
  headers: StaticHeaders,
): Promise<[ManifestEntry, number]> {
  for (let attempt = 1; ; attempt += 1) {
    const { body, bytes, sha256 } = await openBody(file, headers);
    const command = new PutObjectCommand({
      Bucket: bucket,
      Key: staticKey(file.path),
      Body: body,
      ContentLength: bytes,
      // S3 refuses the object if the bytes that arrive differ.
      ChecksumSHA256: sha256.toString("base64"),
      ContentType: headers.contentType,
      CacheControl: headers.cacheControl,
      ContentEncoding: headers.contentEncoding,
    });
    try {
      const { ETag, VersionId } = await s3.send(command);
      return [{ sha256: file.sha256, etag: ETag ?? "", versionId: VersionId ?? "", ...headers }, bytes];
    } catch (error) {
      if (Buffer.isBuffer(body) || attempt === STREAM_ATTEMPTS) throw error;
    }
  }
}

export interface RestoreArgs {
  s3: S3Client;
  bucket: string;
  version: string;
  onProgress?: (message: string) => void;
}

/**
 * Makes the static files of an earlier version current again, by copies inside S3. A rollback needs it, because the
 * newer version may have overwritten names without a digest.
 *
 * @throws UserError if the version's files no longer exist
 */
export async function restoreStatic(args: RestoreArgs): Promise<{ restored: number }> {
  const { s3, bucket, version } = args;
  const [manifest, remote] = await Promise.all([readManifest(s3, bucket, version), listCurrent(s3, bucket)]);
  const changed = Object.entries(manifest.files).filter(
    ([path, { etag }]) => remote.get(staticKey(path)) !== etag,
  );
  await mapParallel(changed, PARALLEL, async ([path, { versionId }]) => {
    const key = staticKey(path);
    const source = `${bucket}/${key.split("/").map(encodeURIComponent).join("/")}?versionId=${versionId}`;
    await s3
      .send(new CopyObjectCommand({ Bucket: bucket, Key: key, CopySource: source }))
      .catch((error: unknown) => {
        if (!["NoSuchKey", "NoSuchVersion"].includes((error as Error).name)) throw error;
        throw new UserError(
          `The file ${path} of version ${version} is no longer in the bucket ${bucket}.`,
          "Deploy the version again from its commit, which publishes its files",
        );
      });
  });
  args.onProgress?.(`${changed.length} static files of version ${version} made current again`);
  return { restored: changed.length };
}

export interface PruneArgs {
  s3: S3Client;
  bucket: string;
  /** Versions whose files stay: the running ones, and those that a rollback may need. */
  keepVersions: readonly string[];
  onProgress?: (message: string) => void;
}

/**
 * Deletes files, noncurrent versions and manifests that no kept version uses.
 *
 * @throws UserError before anything is deleted, if no version is kept, or a kept version has no manifest that lists its
 *   files
 */
export async function pruneStatic(args: PruneArgs): Promise<{ deleted: number }> {
  const { s3, bucket, keepVersions } = args;
  if (keepVersions.length === 0) {
    throw new UserError(
      "No version would be kept, so every static file would be deleted.",
      "Keep at least one version",
    );
  }
  const kept = await mapParallel([...new Set(keepVersions)], PARALLEL, (version) =>
    readManifest(s3, bucket, version),
  );
  const toDelete: ObjectIdentifier[] = [];
  for await (const { key, versionId, isLatest, isMarker } of listVersions(s3, bucket)) {
    if (!isUsed(kept, key, versionId, isLatest && !isMarker))
      toDelete.push({ Key: key, VersionId: versionId });
  }
  for (let start = 0; start < toDelete.length; start += DELETE_BATCH) {
    const Objects = toDelete.slice(start, start + DELETE_BATCH);
    const { Errors } = await s3.send(
      new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects, Quiet: true } }),
    );
    const [first] = Errors ?? [];
    if (first !== undefined) {
      throw new Error(
        `S3 did not delete ${String(first.Key)}: ${String(first.Code)} ${String(first.Message)}`,
      );
    }
    args.onProgress?.(`${start + Objects.length} of ${toDelete.length} old objects deleted`);
  }
  return { deleted: toDelete.length };
}

function isUsed(kept: readonly Manifest[], key: string, versionId: string, current: boolean): boolean {
  const version = versionOfKey(key);
  if (version !== undefined) return current && kept.some((manifest) => manifest.version === version);
  if (!key.startsWith(PREFIX)) return true;
  // The current object may be a rollback's copy, whose version is in no manifest.
  return kept.some(({ files }) => {
    const entry = files[key.slice(PREFIX.length)];
    return entry !== undefined && (current || entry.versionId === versionId);
  });
}

async function* listVersions(
  s3: S3Client,
  bucket: string,
): AsyncGenerator<{ key: string; versionId: string; isLatest: boolean; isMarker: boolean }> {
  for (const Prefix of [PREFIX, MANIFEST_PREFIX]) {
    let markers: { KeyMarker?: string; VersionIdMarker?: string } | undefined = {};
    while (markers !== undefined) {
      const page: ListObjectVersionsCommandOutput = await s3.send(
        new ListObjectVersionsCommand({ Bucket: bucket, Prefix, ...markers }),
      );
      for (const { Key = "", VersionId = "", IsLatest = false } of page.Versions ?? []) {
        yield { key: Key, versionId: VersionId, isLatest: IsLatest, isMarker: false };
      }
      for (const { Key = "", VersionId = "", IsLatest = false } of page.DeleteMarkers ?? []) {
        yield { key: Key, versionId: VersionId, isLatest: IsLatest, isMarker: true };
      }
      markers =
        page.IsTruncated === true
          ? { KeyMarker: page.NextKeyMarker, VersionIdMarker: page.NextVersionIdMarker }
          : undefined;
    }
  }
}

/** Lists the key and ETag of each current static file. */
async function listCurrent(s3: S3Client, bucket: string): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for await (const page of paginateListObjectsV2({ client: s3 }, { Bucket: bucket, Prefix: PREFIX })) {
    for (const { Key = "", ETag = "" } of page.Contents ?? []) found.set(Key, ETag);
  }
  return found;
}

/** Reads the latest manifest, which describes most of the bucket's current files. */
async function lastManifest(s3: S3Client, bucket: string): Promise<Manifest | undefined> {
  let newest: { version: string; time: number } | undefined;
  for await (const page of paginateListObjectsV2(
    { client: s3 },
    { Bucket: bucket, Prefix: MANIFEST_PREFIX },
  )) {
    for (const { Key = "", LastModified } of page.Contents ?? []) {
      const version = versionOfKey(Key);
      const time = LastModified?.getTime() ?? 0;
      if (version !== undefined && (newest === undefined || time >= newest.time)) newest = { version, time };
    }
  }
  return newest === undefined ? undefined : readManifest(s3, bucket, newest.version);
}

async function requireVersioning(s3: S3Client, bucket: string): Promise<void> {
  const { Status } = await s3.send(new GetBucketVersioningCommand({ Bucket: bucket }));
  if (Status === "Enabled") return;
  throw new UserError(
    `The versioning of the bucket ${bucket} is off, so a rollback could not restore its static files.`,
    `pulumi up, or: aws s3api put-bucket-versioning --bucket ${bucket} --versioning-configuration Status=Enabled`,
  );
}

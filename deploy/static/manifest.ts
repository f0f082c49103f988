import { GetObjectCommand, PutObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import { promisify } from "node:util";
import { gunzip, gzip } from "node:zlib";
import { z } from "zod";
import { UserError } from "../../cli/userError";

// The manifests are in the same bucket as the files, which anyone can read. They contain only names and digests of
// public files.
export const MANIFEST_PREFIX = "manifests/";

const entry = z.object({
  /** SHA-256 of the file before compression. */
  sha256: z.string(),
  /** S3's ETag of the stored bytes. */
  etag: z.string(),
  /** S3's version of the object. A rollback needs it if a newer file has overwritten the name. */
  versionId: z.string(),
  contentType: z.string(),
  cacheControl: z.string(),
  contentEncoding: z.literal("gzip").optional(),
});

const manifest = z.object({ version: z.string(), files: z.record(z.string(), entry) });

/** One static file of a version in the bucket. */
export type ManifestEntry = z.infer<typeof entry>;

/** The static files of one version. */
export type Manifest = z.infer<typeof manifest>;

function manifestKey(version: string): string {
  return `${MANIFEST_PREFIX}${version}.json`;
}

/** The version in the key of a manifest; undefined for any other key. */
export function versionOfKey(key: string): string | undefined {
  return key.startsWith(MANIFEST_PREFIX) && key.endsWith(".json")
    ? key.slice(MANIFEST_PREFIX.length, -".json".length)
    : undefined;
}

const pack = promisify(gzip);
const unpack = promisify(gunzip);

export async function writeManifest(s3: S3Client, bucket: string, document: Manifest): Promise<void> {
  await s3.send(
    new PutObjectCommand({
      Bucket: bucket,
      Key: manifestKey(document.version),
      Body: await pack(JSON.stringify(document)),
      ContentType: "application/json",
      ContentEncoding: "gzip",
      CacheControl: "no-store",
    }),
  );
}

/** @throws UserError if the version was never published to this bucket, or was pruned */
export async function readManifest(s3: S3Client, bucket: string, version: string): Promise<Manifest> {
  try {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: manifestKey(version) }));
    const bytes = await Body?.transformToByteArray();
    return manifest.parse(JSON.parse((await unpack(bytes ?? Buffer.alloc(0))).toString("utf8")));
  } catch (error) {
    if ((error as Error).name !== "NoSuchKey") throw error;
    throw new UserError(
      `The static files of version ${version} are not in the bucket ${bucket}.`,
      "Deploy the version again from its commit, which publishes them",
    );
  }
}

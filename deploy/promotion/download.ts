import { mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { httpStatus } from "../../cli/awsErrors";
import { UserError } from "../../cli/userError";
import { bundleKey, hasDigest } from "../applicationVersions";
import { downloadObject, type ObjectAddress } from "../aws/download";
import { downloadImages } from "../images";
import { mapParallel } from "../mapParallel";
import { isWithoutApplication } from "../migrations/runningVersion";
import { requireSameVersion } from "../pair/check";
import { findPair } from "../pair/find";
import { describePair } from "../pair/state";
import { type Session } from "../session";
import { fileOf, FILES, filesOf, type VersionRecord } from "../source/artifact";
import { readManifest } from "../static/manifest";
import { staticKey } from "../static/publish";
import { wheelKey } from "../wheels";
import { bundleOf, readRecord } from "./downloaded";

/** Number of parallel downloads. */
const PARALLEL = 16;

export interface DownloadResult {
  label: string;
  /** The SHA-256 of the bundle, in hexadecimal. */
  sha256: string;
  files: number;
  bytes: number;
}

/**
 * Downloads the version that an environment runs: the bundle, whose digest is in the version's label, and the Python
 * packages or images and the static files, whose digests are in the bundle. Reads only.
 *
 * @param directory a new or empty directory
 * @throws UserError if the environment is unhealthy, or its version has no application, is incomplete or differs from
 *   its digests
 */
export async function downloadRunningVersion(
  session: Session,
  directory: string,
  log: (line: string) => void,
): Promise<DownloadResult> {
  const { clients, env, target } = session;
  const pair = await findPair(clients.beanstalk, env, target);
  const label = requireSameVersion(env, await describePair(clients.beanstalk, pair), false);
  if (isWithoutApplication(label)) {
    throw new UserError(
      `${env} runs no version of the application yet.`,
      `Deploy one there: npm run deploy -- ${env} --source ../iaso`,
    );
  }
  return downloadVersion(session, label, directory, log);
}

/**
 * Downloads a version that was deployed to an environment.
 *
 * @param directory a new or empty directory
 * @throws UserError if the version is incomplete or differs from its digests
 */
export async function downloadVersion(
  session: Session,
  label: string,
  directory: string,
  log: (line: string) => void,
): Promise<DownloadResult> {
  await mkdir(join(directory, FILES), { recursive: true });
  if ((await readdir(join(directory, FILES))).length > 0) {
    throw new UserError(`The directory ${directory} is not empty.`, `rm -r ${directory}`);
  }
  log(`Downloading ${label}`);
  const { bytes, sha256 } = await downloadBundle(session, label, bundleOf(directory));
  const record = await readRecord(bundleOf(directory), label);
  const parts = await listParts(session, label, record);
  await mapParallel(parts, PARALLEL, async ({ address, ...part }) => {
    const file = await fetchPart(session, label, address, fileOf(directory, part));
    if (file.sha256 !== part.sha256) throw differs(session, label, address);
  });
  await downloadImages(session, label, record.images, directory);
  const images = filesOf(record.images);
  const total = [...parts, ...images].reduce((sum, part) => sum + part.bytes, bytes);
  const packaged =
    record.platform === "docker" ? `${record.images.length} images` : `${record.wheels.length} packages`;
  log(
    `The bundle, ${packaged} and ${record.static.length} static files (${(total / 1e6).toFixed(1)} MB) have the digests of ${label}`,
  );
  return { label, sha256, files: parts.length + images.length + 1, bytes: total };
}

/**
 * Downloads the bundle of a version that was deployed to an environment.
 *
 * @throws UserError if it is not there, or differs from its digest
 */
export async function downloadBundle(session: Session, label: string, path: string) {
  const address = { bucket: session.target.artifactsBucket, key: bundleKey(label) };
  const bundle = await fetchPart(session, label, address, path);
  if (!hasDigest(label, bundle.sha256)) throw differs(session, label, address);
  return bundle;
}

interface Part {
  address: ObjectAddress;
  sha256: string;
  bytes: number;
}

/** The distinct packages and static files of a version. */
async function listParts(session: Session, label: string, record: VersionRecord): Promise<Part[]> {
  const { clients, target } = session;
  const manifest = await readManifest(clients.s3, target.staticBucket, label);
  const parts = [
    ...record.wheels.map((wheel) => ({
      ...wheel,
      address: { bucket: target.artifactsBucket, key: wheelKey(wheel) },
    })),
    ...record.static.map((file) => ({
      ...file,
      address: {
        bucket: target.staticBucket,
        key: staticKey(file.path),
        // A later version may have overwritten the name.
        versionId: manifest.files[file.path]?.versionId,
      },
    })),
  ];
  return [...new Map(parts.map((part) => [part.sha256, part])).values()];
}

async function fetchPart(session: Session, label: string, address: ObjectAddress, path: string) {
  try {
    return await downloadObject(session, address, path);
  } catch (error) {
    if (httpStatus(error) !== 404) throw error;
    throw new UserError(
      `${address.key} of version ${label} is no longer in the bucket ${address.bucket}.`,
      `Deploy the version to ${session.env} again from its commit, which uploads it`,
    );
  }
}

function differs({ env }: Session, label: string, { bucket, key }: ObjectAddress): UserError {
  return new UserError(
    `The object ${key} of ${bucket} does not have the digest of version ${label}.`,
    `Find out who wrote it (CloudTrail), and deploy to ${env} again from the version's commit`,
  );
}

import { existsSync } from "node:fs";
import { join } from "node:path";
import { UserError } from "../../cli/userError";
import { type Bundle } from "../applicationVersions";
import { type BuiltVersion } from "../commands/deploy";
import {
  filesOf,
  findDifference,
  hashFile,
  type LocalImage,
  located,
  locatedImages,
  type VersionRecord,
  versionRecord,
} from "../source/artifact";
import { RECORD_FILE } from "../source/bundle";
import { extractZip, readZipFile } from "../source/unzip";
import { type Wheel } from "../source/wheels";
import { writeZip } from "../source/zip";
import { type StaticFile } from "../static/files";
import { requireOwnHosting } from "./hosting";

/** The path of the bundle in the directory of a downloaded version. */
export function bundleOf(directory: string): string {
  return join(directory, "bundle.zip");
}

/** A version that an environment runs, on this machine. */
export interface Downloaded {
  record: Omit<VersionRecord, "images">;
  bundle: Bundle;
  staticFiles: readonly StaticFile[];
  wheels: readonly Wheel[];
  images: readonly LocalImage[];
}

/**
 * Reads a bundle's record of its version.
 *
 * @param label for the message
 * @throws UserError if an older version of this tool wrote the bundle
 */
export async function readRecord(bundle: string, label: string): Promise<VersionRecord> {
  const text = await readZipFile(bundle, RECORD_FILE);
  const record = text === undefined ? undefined : versionRecord.parse(JSON.parse(text.toString()));
  if (record !== undefined && (record.platform === "python" || record.images.length > 0)) return record;
  throw new UserError(
    `The bundle of ${label} has no ${record === undefined ? RECORD_FILE : "images in the account"}: an older version of this tool deployed it.`,
    "Deploy its commit again with --source, then promote that version",
  );
}

/**
 * Reads a downloaded version and verifies each of its files: the bundle by its SHA-256, and all others by the digests in
 * the bundle. Writes the bundle anew from the entries that were checked: a zip file can have a second name or header for
 * an entry, or bytes between entries, which Beanstalk may read otherwise than this tool. With the same version of Node.js,
 * a bundle of this tool keeps its bytes.
 *
 * @param work a directory for the entries and the new bundle
 * @throws UserError if a file is missing or differs, or the bundle configures its hosting otherwise than this tool
 */
export async function readDownloaded(directory: string, sha256: string, work: string): Promise<Downloaded> {
  const path = bundleOf(directory);
  const remedy = "Download it again: npm run deploy -- download <env> --output <directory>";
  if (!existsSync(path)) throw new UserError(`There is no version in ${directory}.`, remedy);
  const actual = await hashFile(path);
  if (actual !== sha256) {
    throw new UserError(`The bundle in ${directory} has the SHA-256 ${actual}, not ${sha256}.`, remedy);
  }
  const record = await readRecord(path, directory);
  const entries = await extractZip(path, join(work, "entries"));
  await requireOwnHosting(entries, record);
  const differs = await findDifference(directory, [
    ...record.static,
    ...record.wheels,
    ...filesOf(record.images),
  ]);
  if (differs !== undefined) {
    throw new UserError(`The version in ${directory} is incomplete: ${differs}.`, remedy);
  }
  const { static: staticFiles, wheels } = located(directory, record);
  const images = locatedImages(directory, record.images);
  const bundle = await writeZip(join(work, "bundle.zip"), entries);
  return { record, bundle, staticFiles, wheels, images };
}

/** A downloaded version as a deployment takes it. */
export function versionOf({ bundle, images, record, staticFiles, wheels }: Downloaded): BuiltVersion {
  const { commit, dirty, version } = record;
  const description = `commit ${commit.slice(0, 12)}${dirty ? " with changes" : ""}`;
  return { version, description, bundle, staticFiles, wheels, images };
}

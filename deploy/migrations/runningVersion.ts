import { join } from "node:path";
import { httpStatus } from "../../cli/awsErrors";
import { bundleKey } from "../applicationVersions";
import { downloadObject } from "../aws/download";
import { type Session } from "../session";

/** The versions that `pulumi up` creates, which contain no application. */
const FIRST = /^first-(python|docker)$/;

/** True for a version without an application: there is no running code that migrations could break. */
export function isWithoutApplication(label: string): boolean {
  return FIRST.test(label);
}

/**
 * Downloads the bundle of a version.
 *
 * @returns the file; undefined if this tool did not deploy the version, or `prune` has deleted its bundle
 */
export async function downloadBundle(
  session: Session,
  label: string,
  directory: string,
): Promise<string | undefined> {
  const path = join(directory, "running.zip");
  const bundle = { bucket: session.target.artifactsBucket, key: bundleKey(label) };
  try {
    await downloadObject(session, bundle, path);
    return path;
  } catch (error) {
    // S3 answers 403 for a key that does not exist to a role that may not list the keys.
    if ([403, 404].includes(httpStatus(error) ?? 0)) return undefined;
    throw error;
  }
}

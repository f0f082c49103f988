import {
  type ApplicationVersionDescription,
  CreateApplicationVersionCommand,
  DeleteApplicationVersionCommand,
  DescribeApplicationVersionsCommand,
} from "@aws-sdk/client-elastic-beanstalk";
import { requireSameBytes, uploadObject } from "./aws/upload";
import { type Session } from "./session";
import { UserError } from "../cli/userError";

export interface Bundle {
  path: string;
  sha256: string;
  bytes: number;
}

/** Beanstalk's limit for a version label, in characters. */
const LONGEST_LABEL = 100;
/** Characters of the bundle's digest in a label. They distinguish the builds of one version. */
const DIGEST = 16;
/** Milliseconds between polls of a version that Beanstalk processes. */
const POLL = 3000;

/**
 * The label of an application version: the version and the first digits of its bundle's digest. Bundles with
 * different bytes have different labels, so a label never refers to an old bundle.
 *
 * @throws UserError if the version is too long for a label, or contains a slash
 */
export function versionLabel(version: string, bundle: Bundle): string {
  const label = `${version}-${bundle.sha256.slice(0, DIGEST)}`;
  if (label.length > LONGEST_LABEL || label.includes("/")) {
    throw new UserError(
      `The version ${version} cannot be a label: it may have at most ${LONGEST_LABEL - DIGEST - 1} characters, and no slash.`,
      "Add --version <a shorter name>",
    );
  }
  return label;
}

/** The version of a label. */
export function versionOfLabel(label: string): string {
  return label.slice(0, -(DIGEST + 1));
}

/** True if a label contains the digest of a bundle. */
export function hasDigest(label: string, sha256: string): boolean {
  return label.endsWith(`-${sha256.slice(0, DIGEST)}`);
}

/** The key of a bundle in the artifacts bucket. */
export function bundleKey(label: string): string {
  return `bundles/${label}.zip`;
}

/**
 * Uploads the bundle and creates an application version from it, unless they exist, and polls until Beanstalk has
 * processed the version.
 *
 * @throws UserError if Beanstalk refuses the bundle, or the label or its key belongs to other bytes
 */
export async function createApplicationVersion(
  session: Session,
  label: string,
  bundle: Bundle,
  description: string,
): Promise<void> {
  const { clients, target } = session;
  const earlier = await describe(session, label);
  const { S3Bucket, S3Key } = earlier?.SourceBundle ?? {};
  if (earlier !== undefined && (S3Bucket !== target.artifactsBucket || S3Key !== bundleKey(label))) {
    throw new UserError(
      `The application version ${label} exists with another source bundle: s3://${String(S3Bucket)}/${String(S3Key)}.`,
      `Find out who created it (CloudTrail), delete it, and deploy again: aws elasticbeanstalk delete-application-version ` +
        `--application-name ${target.application} --version-label ${label}`,
    );
  }
  // A failed version keeps its label and its failed bundle, so it is deleted and created again.
  if (hasStatus(earlier, "failed")) await deleteVersion(session, label);
  // Also for a version that exists: this verifies that its bundle has the bytes of the build.
  await uploadObject(session, bundleKey(label), bundle, "application/zip");
  if (earlier === undefined || hasStatus(earlier, "failed")) {
    try {
      await clients.beanstalk.send(
        new CreateApplicationVersionCommand({
          ApplicationName: target.application,
          VersionLabel: label,
          Description: description,
          SourceBundle: { S3Bucket: target.artifactsBucket, S3Key: bundleKey(label) },
          Process: true,
          Tags: [
            { Key: "project", Value: "iaso" },
            { Key: "env", Value: session.env },
          ],
        }),
      );
    } catch (error) {
      // If the answer to a request was lost, the SDK's retry finds the version that the request created.
      if ((await describe(session, label)) === undefined) throw error;
    }
  }
  await waitUntilProcessed(session, label);
}

/**
 * Checks that the source bundle of a version has the digest that its deployment recorded.
 *
 * @throws UserError if it has another one
 */
export function requireSameBundle(session: Session, label: string, sha256: string): Promise<void> {
  return requireSameBytes(session, bundleKey(label), sha256);
}

async function describe(session: Session, label: string): Promise<ApplicationVersionDescription | undefined> {
  const { ApplicationVersions } = await session.clients.beanstalk.send(
    new DescribeApplicationVersionsCommand({
      ApplicationName: session.target.application,
      VersionLabels: [label],
    }),
  );
  return ApplicationVersions?.find(({ VersionLabel }) => VersionLabel === label);
}

/** Compares in any case: the API's reference and its answers differ in it. */
function hasStatus(version: ApplicationVersionDescription | undefined, status: string): boolean {
  return version?.Status?.toLowerCase() === status;
}

async function waitUntilProcessed(session: Session, label: string): Promise<void> {
  const deadline = session.clock.now() + session.limits.version;
  for (;;) {
    const version = await describe(session, label);
    if (hasStatus(version, "processed")) return;
    if (hasStatus(version, "failed")) {
      throw new UserError(
        `Beanstalk cannot process the source bundle of ${label}.`,
        "Correct the YAML files in .ebextensions, cron.yaml and env.yaml of the bundle, then deploy again",
      );
    }
    if (session.clock.now() > deadline) {
      throw new Error(`Beanstalk has not processed the application version ${label} in time`);
    }
    await session.clock.sleep(POLL);
  }
}

/** One application version. */
export interface KnownVersion {
  label: string;
  created: string;
  status: string;
  description: string;
  /** True if this tool created it: its bundle is in the artifacts bucket, under bundles/. */
  own: boolean;
}

/** Lists all versions of the application, newest first. */
export async function listApplicationVersions(session: Session): Promise<KnownVersion[]> {
  const { application, artifactsBucket } = session.target;
  const versions: ApplicationVersionDescription[] = [];
  let token: string | undefined;
  do {
    const page = await session.clients.beanstalk.send(
      new DescribeApplicationVersionsCommand({
        ApplicationName: application,
        MaxRecords: 1000,
        NextToken: token,
      }),
    );
    versions.push(...(page.ApplicationVersions ?? []));
    token = page.NextToken;
  } while (token !== undefined);
  return versions
    .map((version) => ({
      label: version.VersionLabel ?? "",
      created: version.DateCreated?.toISOString() ?? "",
      status: version.Status ?? "",
      description: version.Description ?? "",
      own:
        version.SourceBundle?.S3Bucket === artifactsBucket &&
        version.SourceBundle.S3Key?.startsWith("bundles/") === true,
    }))
    .sort((a, b) => b.created.localeCompare(a.created) || a.label.localeCompare(b.label));
}

/** Deletes a version and its bundle. */
export async function deleteVersion(session: Session, label: string): Promise<void> {
  await session.clients.beanstalk.send(
    new DeleteApplicationVersionCommand({
      ApplicationName: session.target.application,
      VersionLabel: label,
      DeleteSourceBundle: true,
    }),
  );
}

/**
 * Finds the label that a user means: a whole label, or a version that has exactly one build.
 *
 * @throws UserError if there is no such version, or it has several builds
 */
export function findLabel(versions: readonly KnownVersion[], wanted: string, env: string): string {
  const remedy = `npm run deploy -- versions ${env}`;
  if (versions.some(({ label }) => label === wanted)) return wanted;
  const builds = versions.filter(({ label }) => versionOfLabel(label) === wanted).map(({ label }) => label);
  const [only] = builds;
  if (only === undefined) throw new UserError(`There is no application version ${wanted}.`, remedy);
  if (builds.length > 1) {
    throw new UserError(`There are ${builds.length} builds of ${wanted}: ${builds.join(", ")}.`, remedy);
  }
  return only;
}

import { createReadStream } from "node:fs";
import {
  type ApplicationVersionDescription,
  CreateApplicationVersionCommand,
  DeleteApplicationVersionCommand,
  DescribeApplicationVersionsCommand,
} from "@aws-sdk/client-elastic-beanstalk";
import { PutObjectCommand } from "@aws-sdk/client-s3";
import { backoff } from "./aws/clients";
import { describeError, httpStatus, isRefusal } from "../cli/awsErrors";
import { type Session } from "./session";
import { UserError } from "../cli/userError";

export interface Bundle {
  path: string;
  sha256: string;
  bytes: number;
}

/** Characters of a version label at most; Beanstalk's limit. */
const LONGEST_LABEL = 100;
/** Characters of the bundle's digest in a label: enough to tell the builds of one version apart. */
const DIGEST = 8;
const UPLOAD_ATTEMPTS = 4;
/** Milliseconds between looks at a version that is being processed. */
const POLL = 3000;

/**
 * The label of an application version: the version and the beginning of its bundle's digest. The same bytes always
 * have the same label, and other bytes never do, so a label cannot stand for an old bundle.
 * @throws UserError where the version is too long for a label.
 */
export function versionLabel(version: string, bundle: Bundle): string {
  const label = `${version}-${bundle.sha256.slice(0, DIGEST)}`;
  if (label.length > LONGEST_LABEL || label.includes("/")) {
    throw new UserError(
      `The version ${version} cannot be a label: at most ${LONGEST_LABEL - DIGEST - 1} characters, and no slash.`,
      "Add --version <a shorter name>",
    );
  }
  return label;
}

function bundleKey(label: string): string {
  return `bundles/${label}.zip`;
}

/**
 * Uploads the bundle and makes an application version of it, unless both are there already, and waits until
 * Beanstalk has processed it.
 * @throws UserError where Beanstalk refuses the bundle.
 */
export async function createApplicationVersion(
  session: Session,
  label: string,
  bundle: Bundle,
  description: string,
): Promise<void> {
  const { clients, target } = session;
  const earlier = await describe(session, label);
  // A version that failed keeps its label for ever, and with it the bundle that failed.
  if (hasStatus(earlier, "failed")) await deleteVersion(session, label);
  if (earlier === undefined || hasStatus(earlier, "failed")) {
    await upload(session, bundleKey(label), bundle);
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
      // A repeated request finds the version that the first one, whose answer was lost, has made.
      if ((await describe(session, label)) === undefined) throw error;
    }
  }
  await waitUntilProcessed(session, label);
}

async function upload(session: Session, key: string, bundle: Bundle): Promise<void> {
  const Bucket = session.target.artifactsBucket;
  for (let attempt = 1; ; attempt += 1) {
    try {
      await session.clients.s3.send(
        new PutObjectCommand({
          Bucket,
          Key: key,
          // A stream, so that memory does not grow with the bundle; the SDK cannot repeat it, so this loop does.
          Body: createReadStream(bundle.path),
          ContentLength: bundle.bytes,
          ContentType: "application/zip",
          ChecksumSHA256: Buffer.from(bundle.sha256, "hex").toString("base64"),
          IfNoneMatch: "*",
        }),
      );
      return;
    } catch (error) {
      // The key holds the digest: what is there already has the same bytes.
      if (httpStatus(error) === 412) return;
      if (attempt === UPLOAD_ATTEMPTS || (isRefusal(error) && httpStatus(error) !== 409)) throw error;
      session.progress.warn(`The upload is repeated: ${describeError(error)}`);
      await session.clock.sleep(backoff(attempt));
    }
  }
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

/** The API's reference and its answers do not write the status in the same case. */
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
        "Look at the YAML files in .ebextensions, cron.yaml and env.yaml of the bundle, then deploy again",
      );
    }
    if (session.clock.now() > deadline) {
      throw new Error(`Beanstalk has not processed the application version ${label} in time`);
    }
    await session.clock.sleep(POLL);
  }
}

/** One application version as lists show it. */
export interface KnownVersion {
  label: string;
  created: string;
  status: string;
  description: string;
  /** Whether this tool made it: its bundle is among the bundles in the artifacts bucket. */
  own: boolean;
}

/** All versions of the application, newest first. */
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
 * The label a user means: a whole label, or a version of which there is one build only.
 * @throws UserError where there is none, or several.
 */
export function findLabel(versions: readonly KnownVersion[], wanted: string, env: string): string {
  const remedy = `npm run deploy -- versions ${env}`;
  if (versions.some(({ label }) => label === wanted)) return wanted;
  const builds = versions
    .filter(({ label }) => label.slice(0, -(DIGEST + 1)) === wanted)
    .map(({ label }) => label);
  const [only] = builds;
  if (only === undefined) throw new UserError(`There is no application version ${wanted}.`, remedy);
  if (builds.length > 1) {
    throw new UserError(`There are ${builds.length} builds of ${wanted}: ${builds.join(", ")}.`, remedy);
  }
  return only;
}

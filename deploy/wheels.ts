import { DeleteObjectCommand, GetObjectCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import { errorName } from "../cli/awsErrors";
import { listKeys } from "./aws/list";
import { KNOWN_MIGRATIONS } from "../components/common/artifacts";
import { uploadObject } from "./aws/upload";
import { mapParallel } from "./mapParallel";
import { type Session } from "./session";
import { type Wheel, wheelList, wheelPath } from "./source/wheels";

/** Where the instances fetch wheels, in the artifacts bucket. */
const WHEELS = "wheels/";
/** The list of wheels of each version, for `prune`. The bundle contains the same list. */
const LISTS = "wheel-lists/";
/** Uploads at the same time. */
const PARALLEL = 8;

/**
 * Uploads the wheels of a version that the artifacts bucket lacks, and then their list.
 *
 * The application version is created after this, so each version has its list and its wheels. Wheels without a list,
 * of a run that was killed, are deleted by the next `prune`.
 */
export async function uploadWheels(
  session: Session,
  label: string,
  wheels: readonly Wheel[],
  log: (line: string) => void,
): Promise<void> {
  const present = new Set(await listKeys(session, WHEELS));
  const missing = wheels.filter((wheel) => !present.has(wheelKey(wheel)));
  await mapParallel(missing, PARALLEL, (wheel) =>
    uploadObject(session, wheelKey(wheel), wheel, "application/zip"),
  );
  await session.clients.s3.send(
    new PutObjectCommand({
      Bucket: session.target.artifactsBucket,
      Key: listKey(label),
      Body: wheelList(wheels),
      ContentType: "text/plain; charset=utf-8",
    }),
  );
  const bytes = missing.reduce((sum, wheel) => sum + wheel.bytes, 0);
  log(`${missing.length} of ${wheels.length} packages were new (${(bytes / 1e6).toFixed(1)} MB)`);
}

/**
 * Deletes the wheels that no version in `keepVersions` lists, and the lists of other versions. Runs under the lock, so
 * no deployment is between its upload and its version.
 *
 * @returns the number of wheels deleted
 */
export async function pruneWheels(session: Session, keepVersions: readonly string[]): Promise<number> {
  const kept = new Set([KNOWN_MIGRATIONS]);
  // A version without a list, such as one of the docker platform, needs no wheels.
  for (const list of await mapParallel(keepVersions, PARALLEL, (label) => readList(session, label))) {
    for (const line of list.split("\n")) {
      const path = line.split("  ")[1];
      if (path !== undefined) kept.add(WHEELS + path);
    }
  }
  const lists = new Set(keepVersions.map(listKey));
  const wheels = (await listKeys(session, WHEELS)).filter((key) => !kept.has(key));
  const oldLists = (await listKeys(session, LISTS)).filter((key) => !lists.has(key));
  await mapParallel([...oldLists, ...wheels], PARALLEL, (Key) =>
    session.clients.s3.send(new DeleteObjectCommand({ Bucket: session.target.artifactsBucket, Key })),
  );
  return wheels.length;
}

/** The key of a wheel in the artifacts bucket. */
export function wheelKey(wheel: Pick<Wheel, "name" | "sha256">): string {
  return WHEELS + wheelPath(wheel);
}

function listKey(label: string): string {
  return `${LISTS}${label}.txt`;
}

async function readList({ clients, target }: Session, label: string): Promise<string> {
  try {
    const { Body } = await clients.s3.send(
      new GetObjectCommand({ Bucket: target.artifactsBucket, Key: listKey(label) }),
    );
    return (await Body?.transformToString()) ?? "";
  } catch (error) {
    if (errorName(error) === "NoSuchKey") return "";
    throw error;
  }
}

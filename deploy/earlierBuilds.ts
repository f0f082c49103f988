import { DeleteObjectCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import { listKeys } from "./aws/list";
import { mapParallel } from "./mapParallel";
import { type Session } from "./session";

/**
 * Prefix of the records of builds in the artifacts bucket. The key of a record names the inputs and the version that was
 * built from them: `builds/<digest of the inputs>/<label>`. The inputs are those of the whole version or of its front end.
 */
const BUILDS = "builds/";
/** Number of parallel deletions. */
const PARALLEL = 8;

/** Reads the digest of the inputs and the label from the key of a record. */
function partsOf(key: string): [inputs: string, label: string] {
  const [, inputs = "", label = ""] = key.split("/");
  return [inputs, label];
}

/** Lists the versions that the environment's bucket has, by the digest of their inputs. */
export async function listEarlierBuilds(session: Session): Promise<Map<string, string>> {
  return new Map((await listKeys(session, BUILDS)).map(partsOf));
}

/** Records the inputs of a version whose bundle, packages and static files are uploaded. */
export async function recordBuild(
  { clients, target }: Session,
  inputs: string,
  label: string,
): Promise<void> {
  await clients.s3.send(
    new PutObjectCommand({ Bucket: target.artifactsBucket, Key: `${BUILDS}${inputs}/${label}`, Body: label }),
  );
}

/** Deletes the records of versions that are not kept. The same inputs can have several. */
export async function pruneBuilds(session: Session, keepVersions: readonly string[]): Promise<void> {
  const { clients, target } = session;
  const old = (await listKeys(session, BUILDS)).filter((key) => !keepVersions.includes(partsOf(key)[1]));
  await mapParallel(old, PARALLEL, (Key) =>
    clients.s3.send(new DeleteObjectCommand({ Bucket: target.artifactsBucket, Key })),
  );
}

import { DeleteObjectCommand, paginateListObjectsV2, PutObjectCommand } from "@aws-sdk/client-s3";
import { mapParallel } from "./mapParallel";
import { type Session } from "./session";

/**
 * Prefix of the records of builds in the artifacts bucket. The key of a record names the inputs and the version that was
 * built from them: `builds/<digest of the inputs>/<label>`.
 */
const BUILDS = "builds/";
/** Number of parallel deletions. */
const PARALLEL = 8;

/** Lists the versions that the environment's bucket has, by the digest of their inputs. */
export async function listEarlierBuilds({ clients, target }: Session): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  const pages = paginateListObjectsV2(
    { client: clients.s3 },
    { Bucket: target.artifactsBucket, Prefix: BUILDS },
  );
  for await (const page of pages) {
    for (const { Key = "" } of page.Contents ?? []) {
      const [, inputs = "", label = ""] = Key.split("/");
      found.set(inputs, label);
    }
  }
  return found;
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

/** Deletes the records of versions that are not kept. */
export async function pruneBuilds(session: Session, keepVersions: readonly string[]): Promise<void> {
  const { clients, target } = session;
  const old = [...(await listEarlierBuilds(session))].filter(([, label]) => !keepVersions.includes(label));
  await mapParallel(old, PARALLEL, ([inputs, label]) =>
    clients.s3.send(
      new DeleteObjectCommand({ Bucket: target.artifactsBucket, Key: `${BUILDS}${inputs}/${label}` }),
    ),
  );
}

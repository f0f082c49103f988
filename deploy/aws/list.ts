import { paginateListObjectsV2 } from "@aws-sdk/client-s3";
import { type Session } from "../session";

/** Lists the keys of a bucket that begin with a prefix; by default of the artifacts bucket. */
export async function listKeys(
  { clients, target }: Pick<Session, "clients" | "target">,
  prefix: string,
  bucket = target.artifactsBucket,
): Promise<string[]> {
  const keys: string[] = [];
  const pages = paginateListObjectsV2({ client: clients.s3 }, { Bucket: bucket, Prefix: prefix });
  for await (const page of pages) keys.push(...(page.Contents ?? []).map(({ Key = "" }) => Key));
  return keys;
}

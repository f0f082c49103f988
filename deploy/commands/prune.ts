import { paginateListObjectsV2, type S3Client } from "@aws-sdk/client-s3";
import { deleteVersion, listApplicationVersions } from "../applicationVersions";
import { type Report } from "../output/report";
import { findPair, listEnvironments, ROLES } from "../pair/find";
import { lookAtPair } from "../pair/state";
import { type Session } from "../session";
import { MANIFEST_PREFIX, versionOfKey } from "../static/manifest";
import { pruneStatic } from "../static/publish";
import { UserError } from "../../cli/userError";
import { withLock } from "./withLock";

/**
 * Deletes old application versions with their bundles and static files. What an environment runs, the version
 * before it and the newest `keep` versions stay, and so does every version that this tool did not make.
 */
export async function prune(session: Session, keep: number): Promise<Report> {
  const { clients, env, progress, target } = session;
  const pair = await findPair(clients.beanstalk, env, target);
  return withLock<Report>(session, "prune", async (run) => {
    if (run.openRecord !== undefined) {
      throw new UserError(`An earlier run on ${env} was left open.`, `npm run deploy -- repair ${env}`);
    }
    const look = await lookAtPair(clients.beanstalk, pair);
    const { previous, version } = run.session.lease.current;
    const known = await listApplicationVersions(session);
    const environments = await listEnvironments(clients.beanstalk, target.application);
    const instances = ROLES.flatMap((role) => look[role].instances.map((instance) => instance.version));
    const kept = new Set<string | undefined | null>([
      ...environments.map((environment) => environment.VersionLabel),
      ...instances,
      version,
      previous,
      ...known
        .filter(({ own }) => own)
        .slice(0, keep)
        .map(({ label }) => label),
    ]);
    const doomed = known.filter(({ label, own }) => own && !kept.has(label));
    // Versions before their files: one without static files must not be left for a rollback to find.
    await progress.step(`Delete ${doomed.length} application versions`, async (log) => {
      for (const { label } of doomed) {
        await run.session.lease.hold();
        await deleteVersion(session, label);
        log(label);
      }
    });
    const left = known.filter((one) => !doomed.includes(one)).map(({ label }) => label);
    const published = await listPublished(clients.s3, target.staticBucket);
    const keepVersions = left.filter((label) => published.has(label));
    const deleted =
      keepVersions.length === 0
        ? 0
        : await progress.step("Delete static files that no version uses", async (log) => {
            await run.session.lease.hold();
            const args = { s3: clients.s3, bucket: target.staticBucket, keepVersions, onProgress: log };
            return (await pruneStatic(args)).deleted;
          });
    const summary = `${doomed.length} application versions and ${deleted} static objects of ${env} were deleted.`;
    const details = { versions: doomed.map(({ label }) => label), staticObjects: deleted, kept: left };
    return run.close({ env, outcome: "pruned", summary, details }, { open: false });
  });
}

/** The versions whose static files are in the bucket. */
async function listPublished(client: S3Client, bucket: string): Promise<Set<string>> {
  const found = new Set<string>();
  for await (const page of paginateListObjectsV2({ client }, { Bucket: bucket, Prefix: MANIFEST_PREFIX })) {
    for (const { Key = "" } of page.Contents ?? []) {
      const version = versionOfKey(Key);
      if (version !== undefined) found.add(version);
    }
  }
  return found;
}

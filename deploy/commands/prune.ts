import { listKeys } from "../aws/list";
import { deleteVersion, listApplicationVersions } from "../applicationVersions";
import { type Report } from "../output/report";
import { findPair, listEnvironments, ROLES } from "../pair/find";
import { describePair } from "../pair/state";
import { type Session } from "../session";
import { MANIFEST_PREFIX, versionOfKey } from "../static/manifest";
import { pruneStatic } from "../static/publish";
import { UserError } from "../../cli/userError";
import { pruneBuilds } from "../earlierBuilds";
import { pruneImages } from "../images";
import { pruneWheels } from "../wheels";
import { withLock } from "./withLock";

/**
 * Deletes old application versions with their bundles, static files, Python packages and images. Keeps the versions that
 * environments run, the version before the current one, the newest `keep` versions, and every version that this tool did
 * not create.
 */
export async function prune(session: Session, keep: number): Promise<Report> {
  const { clients, env, progress, target } = session;
  const pair = await findPair(clients.beanstalk, env, target);
  return withLock<Report>(session, "prune", async (run) => {
    if (run.unfinishedRun !== undefined) {
      throw new UserError(
        `Run ${run.unfinishedRun} on ${env} is unfinished.`,
        `npm run deploy -- repair ${env}`,
      );
    }
    const state = await describePair(clients.beanstalk, pair);
    const { previous, version } = run.session.lock.current;
    const known = await listApplicationVersions(session);
    const environments = await listEnvironments(clients.beanstalk, target.application);
    const instances = ROLES.flatMap((role) => state[role].instances.map((instance) => instance.version));
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
    const toDelete = known.filter(({ label, own }) => own && !kept.has(label));
    // Versions go before their files, so that no rollback finds a version without static files.
    await progress.step(`Delete ${toDelete.length} application versions`, async (log) => {
      for (const { label } of toDelete) {
        await run.session.lock.renew();
        await deleteVersion(session, label);
        log(label);
      }
    });
    const remaining = known.filter((one) => !toDelete.includes(one)).map(({ label }) => label);
    const published = await listPublished(session);
    const keepVersions = remaining.filter((label) => published.has(label));
    const deleted =
      keepVersions.length === 0
        ? 0
        : await progress.step("Delete unused static files", async (log) => {
            await run.session.lock.renew();
            const args = { s3: clients.s3, bucket: target.staticBucket, keepVersions, onProgress: log };
            return (await pruneStatic(args)).deleted;
          });
    const wheels = await progress.step("Delete unused Python packages", async () => {
      await run.session.lock.renew();
      await pruneBuilds(session, remaining);
      return pruneWheels(session, remaining);
    });
    const images = await progress.step("Delete unused images", async () => {
      await run.session.lock.renew();
      return pruneImages(session, remaining);
    });
    const summary = `${toDelete.length} application versions, ${deleted} static objects, ${wheels} Python packages and ${images} tags of images of ${env} were deleted.`;
    const details = {
      versions: toDelete.map(({ label }) => label),
      staticObjects: deleted,
      packages: wheels,
      imageTags: images,
      kept: remaining,
    };
    return run.close({ env, outcome: "pruned", summary, details }, { unfinished: false });
  });
}

/** Lists the versions whose static files are in the bucket. */
async function listPublished(session: Session): Promise<Set<string>> {
  const keys = await listKeys(session, MANIFEST_PREFIX, session.target.staticBucket);
  return new Set(keys.flatMap((key) => versionOfKey(key) ?? []));
}

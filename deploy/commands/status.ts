import { ConditionalObjects } from "../../coordination/conditionalObject";
import { finishingCommand, readUnfinished } from "../../coordination/journal";
import { describeHolder, isHeld, readLock } from "../../coordination/lock";
import { describeMigrations } from "../knownMigrations";
import { describeMaintenance } from "../record";
import { describeEnvironments, type Report } from "../output/report";
import { findPair, ROLES } from "../pair/find";
import { describePair } from "../pair/state";
import { type Session } from "../session";
import { commonVersion } from "./recover";

/** Reports the versions of web and worker, the holder of the lock and any unfinished run. Changes nothing. */
export async function status(session: Session): Promise<Report> {
  const { clients, clock, env, target } = session;
  const pair = await findPair(clients.beanstalk, env, target);
  const state = await describePair(clients.beanstalk, pair);
  const objects = new ConditionalObjects(clients.s3, target.artifactsBucket);
  const lock = await readLock(objects, env);
  const { openJournal = null } = lock ?? {};
  const maintenance = openJournal === null ? undefined : await describeMaintenance(objects, env, openJournal);
  const environments = describeEnvironments(state);
  const held = lock !== undefined && isHeld(lock, clock.now());
  const details = {
    lock: held ? lock.holder : null,
    unfinishedRun: held ? null : (lock?.openJournal ?? null),
    version: lock?.version ?? null,
    previous: lock?.previous ?? null,
    maintenance: maintenance ?? null,
  };
  const notes = maintenance === undefined ? [] : [maintenance];
  if (held) return { env, outcome: "shown", summary: describeHolder(lock), environments, notes, details };
  const remedy = `npm run deploy -- repair ${env}`;
  const version = commonVersion(state);
  const updating = ROLES.some((role) => state[role].status !== "Ready");
  if (details.unfinishedRun !== null) {
    const summary = `Run ${details.unfinishedRun} on ${env} is unfinished.`;
    const outcome = version === undefined ? "mixedVersions" : "shown";
    const found = await readUnfinished(objects, env, details.unfinishedRun);
    const finish = found === undefined ? remedy : finishingCommand(found);
    return { env, outcome, summary, environments, notes, details, remedy: finish };
  }
  if (version !== undefined) {
    const previous = details.previous === null ? "" : ` The version before: ${details.previous}.`;
    const summary = `${env} runs ${version} on web and worker.${previous}`;
    const migrations = await describeMigrations(objects, version);
    return { env, outcome: "shown", summary, environments, notes: migrations, details };
  }
  if (updating) {
    return { env, outcome: "shown", summary: `${env} is being updated.`, environments, details };
  }
  const summary = `${env} RUNS MIXED VERSIONS.`;
  return { env, outcome: "mixedVersions", summary, environments, details, remedy };
}

import { ConditionalObjects } from "../coordination/conditionalObject";
import { describeHolder, isHeld, readLock } from "../coordination/lock";
import { describeEnvironments, type Report } from "../output/report";
import { findPair, ROLES } from "../pair/find";
import { lookAtPair } from "../pair/state";
import { type Session } from "../session";
import { commonVersion } from "./recover";

/** What web and worker run, who is at work on them, and whether something was left open. Changes nothing. */
export async function status(session: Session): Promise<Report> {
  const { clients, clock, env, target } = session;
  const pair = await findPair(clients.beanstalk, env, target);
  const look = await lookAtPair(clients.beanstalk, pair);
  const lock = await readLock(new ConditionalObjects(clients.s3, target.artifactsBucket), env);
  const environments = describeEnvironments(look);
  const held = lock !== undefined && isHeld(lock, clock.now());
  const details = {
    lock: held ? lock.holder : null,
    openRecord: held ? null : (lock?.openJournal ?? null),
    version: lock?.version ?? null,
    previous: lock?.previous ?? null,
  };
  if (held) return { env, outcome: "shown", summary: describeHolder(lock), environments, details };
  const remedy = `npm run deploy -- repair ${env}`;
  const version = commonVersion(look);
  const moving = ROLES.some((role) => look[role].status !== "Ready");
  if (details.openRecord !== null) {
    const summary = `Run ${details.openRecord} on ${env} was left open.`;
    const outcome = version === undefined ? "split" : "shown";
    return { env, outcome, summary, environments, details, remedy };
  }
  if (version !== undefined) {
    const before = details.previous === null ? "" : ` Before it: ${details.previous}.`;
    const summary = `${env} runs ${version}, web and worker alike.${before}`;
    return { env, outcome: "shown", summary, environments, details };
  }
  if (moving) return { env, outcome: "shown", summary: `${env} is being updated.`, environments, details };
  const summary = `${env} IS NOT ON ONE VERSION.`;
  return { env, outcome: "split", summary, environments, details, remedy };
}

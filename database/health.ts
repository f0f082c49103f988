import { z } from "zod";
import { describeError } from "../cli/awsErrors";
import { type LockedSession, type Session } from "../coordination/session";
import { LIMITS } from "./session";

/** The path of Iaso's health check. It answers 200 without a database too: the body says whether it works. */
export const HEALTH_PATH = "/_health/";

const schema = z.looseObject({ error: z.unknown().optional() });

/** Asks Iaso whether it works with its database. Returns the problem; undefined if there is none. */
export async function problemWithDatabase({ fetch, target }: Session): Promise<string | undefined> {
  try {
    const { status, text } = await fetch(new URL(HEALTH_PATH, target.webUrl));
    if (status !== 200) return `HTTP ${status}`;
    const { error } = schema.parse(JSON.parse(text));
    return error === undefined || error === null ? undefined : JSON.stringify(error);
  } catch (error) {
    return describeError(error);
  }
}

/** Polls Iaso's health check until it works with its database. Returns the last problem; undefined if it works. */
export async function awaitHealth(session: LockedSession): Promise<string | undefined> {
  const { clock } = session;
  const deadline = clock.now() + LIMITS.health;
  for (;;) {
    session.lock.requireHeld();
    const found = await problemWithDatabase(session);
    if (found === undefined || clock.now() >= deadline || session.interrupted()) return found;
    await clock.sleep(LIMITS.poll);
  }
}

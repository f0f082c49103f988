import { describeError } from "../../cli/awsErrors";
import { type Session } from "../session";
import { type Pair, ROLES } from "./find";
import { lookAtPair, type PairLook } from "./state";

/**
 * Gives environments that are Ready time to be healthy again: just after an update they are not yet.
 * @returns the last look, healthy or not; undefined where AWS gave none.
 */
export async function awaitHealth(
  session: Session,
  pair: Pair,
  limit: number,
): Promise<PairLook | undefined> {
  const { clients, clock, limits, progress } = session;
  const deadline = clock.now() + limit;
  let last: PairLook | undefined;
  for (;;) {
    try {
      const look = await lookAtPair(clients.beanstalk, pair);
      last = look;
      const waiting = ROLES.some((role) => look[role].status === "Ready" && look[role].health !== "Ok");
      if (!waiting) return look;
    } catch (error) {
      progress.warn(`The environments could not be looked at: ${describeError(error)}`);
    }
    if (clock.now() >= deadline || session.interrupted()) return last;
    await clock.sleep(limits.poll);
  }
}

import { describeError } from "../../cli/awsErrors";
import { type Session } from "../session";
import { type Pair, ROLES } from "./find";
import { describePair, type PairState } from "./state";

/**
 * Polls until every environment that is Ready is also healthy, or the limit is reached. An environment reports
 * itself unhealthy for a while after an update.
 *
 * @param limit milliseconds
 * @returns the last state, healthy or not; undefined if AWS returned none
 */
export async function awaitHealth(
  session: Session,
  pair: Pair,
  limit: number,
): Promise<PairState | undefined> {
  const { clients, clock, limits, progress } = session;
  const deadline = clock.now() + limit;
  let last: PairState | undefined;
  for (;;) {
    try {
      const state = await describePair(clients.beanstalk, pair);
      last = state;
      const waiting = ROLES.some((role) => state[role].status === "Ready" && state[role].health !== "Ok");
      if (!waiting) return state;
    } catch (error) {
      progress.warn(`Could not describe the environments: ${describeError(error)}`);
    }
    if (clock.now() >= deadline || session.interrupted()) return last;
    await clock.sleep(limits.poll);
  }
}

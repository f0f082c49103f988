import { LIMITS, type Session } from "./session";

/** Polls until something is found, for as long as a request without an answer may still take effect. */
export async function becomesVisible(
  { clock }: Pick<Session, "clock">,
  find: () => Promise<unknown>,
): Promise<boolean> {
  const deadline = clock.now() + LIMITS.consistency;
  for (;;) {
    if ((await find()) !== undefined) return true;
    if (clock.now() >= deadline) return false;
    await clock.sleep(LIMITS.poll);
  }
}

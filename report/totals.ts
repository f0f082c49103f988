import type { Change } from "./changes";

/** How many resources an update does what to. */
export interface Totals extends Record<Change["kind"], number> {
  /** Those that a reviewer should look at, of whichever kind. */
  risky: number;
}

export function totalsOf(changes: Change[]): Totals {
  const totals: Totals = { added: 0, changed: 0, replaced: 0, deleted: 0, risky: 0 };
  for (const { kind, risks } of changes) {
    totals[kind] += 1;
    if (risks.length > 0) totals.risky += 1;
  }
  return totals;
}

import type { Change } from "./diff/changes";

/** Numbers of resources by kind of change. */
export interface Totals extends Record<Change["kind"], number> {
  /** Resources with a risk, of any kind of change. */
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

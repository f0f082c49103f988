/** The number of rows by table. */
export type Rows = ReadonlyMap<string, number>;

/** The rows of all tables. */
export function sumOf(rows: Rows): number {
  return [...rows.values()].reduce((total, one) => total + one, 0);
}

/** The tables whose number of rows differs, and the sum, as lines of text. */
export function compareRows(before: Rows, after: Rows): string[] {
  const differing = [...new Set([...before.keys(), ...after.keys()])]
    .sort()
    .filter((table) => before.get(table) !== after.get(table));
  const show = (rows: number | undefined): string => (rows === undefined ? "no table" : String(rows));
  return [
    "Rows, now -> restored:",
    ...differing.map((table) => `  ${table}: ${show(before.get(table))} -> ${show(after.get(table))}`),
    ...(differing.length === 0 ? ["  no table differs"] : []),
    `  all ${after.size} tables: ${sumOf(before)} -> ${sumOf(after)}`,
  ];
}

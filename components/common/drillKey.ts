/** Prefix of the keys of an environment's rehearsal results in the artifacts bucket. The keys sort by time. */
export function drillPrefix(env: string): string {
  return `drills/${env}/`;
}

/** The key of a result. The doctor reads time and result from the key, because it may list objects, but not read them. */
export function drillKey(env: string, time: Date, succeeded: boolean): string {
  return `${drillPrefix(env)}${time.toISOString()}-${succeeded ? "succeeded" : "failed"}.json`;
}

/** The time and the result in a key; undefined if the key is not that of a result. */
export function parseDrillKey(key: string): { time: Date; succeeded: boolean } | undefined {
  const [, time = "", result] = /\/([^/]+)-(succeeded|failed)\.json$/.exec(key) ?? [];
  if (result === undefined || Number.isNaN(Date.parse(time))) return undefined;
  return { time: new Date(time), succeeded: result === "succeeded" };
}

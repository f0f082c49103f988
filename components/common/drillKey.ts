/** The keys in the artifacts bucket under which the results of an environment's rehearsals are, in the order of time. */
export function drillPrefix(env: string): string {
  return `drills/${env}/`;
}

/** The key of a result. The doctor reads time and result from it, because it may list the bucket, but not read it. */
export function drillKey(env: string, time: Date, succeeded: boolean): string {
  return `${drillPrefix(env)}${time.toISOString()}-${succeeded ? "succeeded" : "failed"}.json`;
}

/** The time and the result in a key; undefined if it is none. */
export function parseDrillKey(key: string): { time: Date; succeeded: boolean } | undefined {
  const [, time = "", result] = /\/([^/]+)-(succeeded|failed)\.json$/.exec(key) ?? [];
  if (result === undefined || Number.isNaN(Date.parse(time))) return undefined;
  return { time: new Date(time), succeeded: result === "succeeded" };
}

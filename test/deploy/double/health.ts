/** The statuses of enhanced health from good to bad. */
const STATUSES = ["Ok", "Info", "Warning", "Degraded", "Severe"];

/** The shares of 4xx answers above which an environment has a status. */
const THRESHOLDS: [share: number, status: string][] = [
  [0.5, "Severe"],
  [0.2, "Degraded"],
  [0.05, "Warning"],
];

interface Rules {
  Rules?: { Environment?: Record<string, Record<string, { Enabled?: boolean }>> };
}

/** Returns the worst of some statuses. Grey ones, which are not in the list, count as the worst. */
export function worstOf(...statuses: string[]): string {
  const severity = (status: string) => (STATUSES.includes(status) ? STATUSES.indexOf(status) : Infinity);
  return statuses.reduce((worst, status) => (severity(status) > severity(worst) ? status : worst));
}

/**
 * Returns the health of an environment of which a share of the answers are 4xx. Beanstalk counts those of the
 * application and those of the load balancer, unless the environment's `ConfigDocument` turns the rule off. The share
 * here is of both.
 *
 * AWS publishes one number: 5% is Ok (health-enhanced-status). Environments with 50% and more are reported as Severe.
 *
 * @see https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/health-enhanced-rules.html
 */
export function healthOfClientErrors(share: number, healthRules = "{}"): string {
  const { Environment = {} } = (JSON.parse(healthRules) as Rules).Rules ?? {};
  const counts = (group: string, rule: string) => Environment[group]?.[rule]?.Enabled !== false;
  if (!counts("Application", "ApplicationRequests4xx") && !counts("ELB", "ELBRequests4xx")) return "Ok";
  return THRESHOLDS.find(([above]) => share > above)?.[1] ?? "Ok";
}

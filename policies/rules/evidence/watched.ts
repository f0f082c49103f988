import { dependenciesOf, every, Stack } from "../../context";
import { METRICS, Metric } from "../../facts/metrics";
import { byIdentity, identitiesOf } from "../../identity";
import { Resource, ResourceOf } from "../../resource";
import { array, at, groupBy, isUnknown, object, text } from "../../values";

export const ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm";
const ENVIRONMENT = "aws:elasticbeanstalk/environment:Environment";

export type Alarm = ResourceOf<typeof ALARM>;

/** One metric that an alarm watches, with how it watches it. */
export interface Watched {
  name: string;
  metric: Metric | undefined;
  dimensions: Record<string, unknown>;
  statistic: string;
  period: unknown;
}

const watched = (value: unknown): Watched => {
  const { namespace, metricName, dimensions, statistic, extendedStatistic, stat, period } = object(value);
  const name = `${text(namespace)} ${text(metricName)}`;
  return {
    name,
    metric: METRICS[name],
    dimensions: object(dimensions),
    statistic: text(statistic ?? extendedStatistic ?? stat),
    period,
  };
};

/** The metrics that an alarm watches: its own, or those of its queries. */
export const watchedBy = ({ inputs }: Pick<Alarm, "inputs">): Watched[] =>
  inputs.metricQueries === undefined
    ? [watched(inputs)]
    : array(inputs.metricQueries)
        .map((query) => at(query, "metric"))
        .filter((metric) => metric !== undefined)
        .map(watched);

/** The load balancer in an ARN, as metrics name it. */
const balancerIn = (arn: unknown): string => text(arn).split(":loadbalancer/")[1] ?? "";

/** The environments by the name of their load balancer. */
const balancers = (stack: Stack): Map<string, Resource> =>
  stack.once("environments by load balancer", () => {
    const pairs = every(stack, ENVIRONMENT).flatMap((one) =>
      array(one.outputs?.loadBalancers).map((arn) => [balancerIn(arn), one] as const),
    );
    return new Map(pairs);
  });

/** The resource of this program that a dimension names. */
export function watchedResource(
  alarm: Resource,
  { metric, dimensions }: Watched,
  stack: Stack,
): Resource | undefined {
  if (metric === undefined) return undefined;
  const value = dimensions[metric.dimension];
  if (isUnknown(value))
    return dependenciesOf(alarm, alarm.inputs.metricQueries === undefined ? "dimensions" : "metricQueries")
      .flatMap((urn) => stack.withUrn(urn) ?? [])
      .find(({ type }) => type === metric.of);
  const name = text(value);
  const found = byIdentity(metric.of, stack).get(name);
  if (found !== undefined) return found;
  const all = every(stack, metric.of);
  if (metric.dimension === "LoadBalancer")
    return (
      balancers(stack).get(name) ??
      // The engine shows the value before it shows the load balancer.
      all.find(
        ({ urn, outputs }) =>
          array(outputs?.loadBalancers).length === 0 && dependenciesOf(alarm, "metricQueries").includes(urn),
      )
    );
  // A node of a replication group: GROUP-001.
  if (metric.dimension === "CacheClusterId")
    return all.find((one) => identitiesOf(one, stack).includes(name.replace(/-\d{3}$/, "")));
  return undefined;
}

/** The alarms by the URN of a resource that they watch. */
export const alarmsOf = (resource: Resource, stack: Stack): { alarm: Resource; watched: Watched }[] =>
  stack
    .once("alarms by resource", () =>
      groupBy(
        every(stack, ALARM).flatMap((alarm) =>
          watchedBy(alarm as Alarm).map((one) => ({
            alarm,
            watched: one,
            urn: watchedResource(alarm, one, stack)?.urn,
          })),
        ),
        ({ urn }) => urn,
      ),
    )
    .get(resource.urn) ?? [];

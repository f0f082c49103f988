import catalog from "./eb-options.json";

/** An environment's tier: it serves requests, or it takes messages from a queue. */
export type Tier = "WebServer" | "Worker";

export type LoadBalancerType = "classic" | "application" | "network";

/** The namespaces of AWS's list with their options, typed, so a misspelt name does not compile. */
export type Namespaces = typeof catalog.namespaces;

/** The facts about one option. */
export interface OptionFacts {
  /** AWS's default; null if there is none, or if it varies. */
  default: string | null;
  defaultVaries?: boolean;
  type: "boolean" | "duration" | "enum" | "integer" | "json" | "list" | "number" | "string";
  values?: string[];
  pattern?: string;
  /** A number, or an ISO 8601 duration. */
  min?: number | string;
  max?: number | string;
  /** The only tier that has the option, if the namespace applies to both. */
  tier?: Tier;
}

/** The facts about one namespace. */
export interface NamespaceFacts {
  /** Options by name; absent if names are free. */
  options?: Record<string, OptionFacts>;
  /** True if the names are the user's own, such as names of environment variables. */
  freeForm?: boolean;
  /** The only tier that has the namespace. */
  tier?: Tier;
  /** The load balancer types that have the namespace. */
  loadBalancers?: LoadBalancerType[];
  /** The only environments that show defaults of the namespace, in words. */
  onlyFor?: string;
}

/** One option setting. */
export interface OptionSetting {
  namespace: string;
  name: string;
  value: string;
}

const NAMESPACES = catalog.namespaces as Record<string, NamespaceFacts>;

/** Returns the facts about a namespace, such as `aws:elbv2:listener:443`, or undefined if Beanstalk has none of it. */
function namespaceFacts(namespace: string): NamespaceFacts | undefined {
  return NAMESPACES[namespace] ?? NAMESPACES[namespace.replace(/:[^:]+$/, ":*")];
}

/** Returns the facts about an option, or undefined if its name is free or unknown. */
export function optionFacts(namespace: string, name: string): OptionFacts | undefined {
  return namespaceFacts(namespace)?.options?.[name];
}

/** Returns the only tier that has the option, or undefined if both have it. AWS drops the options of the other tier. */
export function tierOf(namespace: string, name: string): Tier | undefined {
  return namespaceFacts(namespace)?.tier ?? optionFacts(namespace, name)?.tier;
}

/**
 * Returns a value in the form in which AWS reads it back: lists sorted by code unit, booleans in lower case, the
 * health rules with all their parts.
 *
 * @see https://docs.aws.amazon.com/elasticbeanstalk/latest/api/API_DescribeConfigurationSettings.html
 */
export function canonicalValue({ namespace, name, value }: OptionSetting): string {
  switch (optionFacts(namespace, name)?.type) {
    case "list":
      return value.split(",").sort().join(",");
    case "boolean":
      return value.toLowerCase();
    case "json":
      return canonicalHealthRules(value);
    default:
      return value;
  }
}

interface HealthRules {
  Version?: number;
  CloudWatchMetrics?: { Instance?: object; Environment?: object };
  Rules?: { Environment?: Record<string, Record<string, { Enabled?: boolean }>> };
}

/**
 * Returns the document of `ConfigDocument` as AWS reads it back, such as in
 * https://github.com/turbot/steampipe-plugin-aws/pull/1916: with all parts, in one order, without white space. Text that
 * is not JSON stays: AWS refuses it.
 */
function canonicalHealthRules(value: string): string {
  let document: HealthRules;
  try {
    document = JSON.parse(value) as HealthRules;
  } catch {
    return value;
  }
  const { Version = 1, CloudWatchMetrics = {}, Rules = {} } = document;
  const enabled = (group: string, rule: string) => ({
    [rule]: { Enabled: Rules.Environment?.[group]?.[rule]?.Enabled ?? true },
  });
  return JSON.stringify({
    Version,
    CloudWatchMetrics: {
      Instance: CloudWatchMetrics.Instance ?? {},
      Environment: CloudWatchMetrics.Environment ?? {},
    },
    Rules: {
      Environment: {
        ELB: enabled("ELB", "ELBRequests4xx"),
        Application: enabled("Application", "ApplicationRequests4xx"),
      },
    },
  });
}

import catalog from "../../../policies/facts/eb-options.json";
import {
  canonicalValue,
  LoadBalancerType,
  NamespaceFacts,
  optionFacts,
  OptionSetting,
  Tier,
  tierOf,
} from "../../../policies/facts/beanstalkOptions";

const NAMESPACES = catalog.namespaces as Record<string, NamespaceFacts>;

/** An option setting of a Beanstalk environment, in the provider's form. */
export interface Setting extends OptionSetting {
  /** Name of the scheduled action, if the setting is about one. */
  resource?: string;
}

/**
 * Returns settings as AWS reads them back: sorted by namespace and name, one entry for each option, lists sorted,
 * booleans in lower case, an empty `resource` where none is named, no options of the other tier.
 *
 * @see https://docs.aws.amazon.com/elasticbeanstalk/latest/api/API_DescribeConfigurationSettings.html
 */
export function readBack(settings: Setting[], tier: Tier): Setting[] {
  const byOption = new Map<string, Setting>();
  for (const setting of settings) {
    const { namespace, name, resource = "" } = setting;
    if ((tierOf(namespace, name) ?? tier) !== tier) continue;
    // At a preview, a value can be unknown.
    const value = typeof setting.value === "string" ? canonicalValue(setting) : String(setting.value);
    byOption.set(`${namespace}\n${name}\n${resource}`, { namespace, name, value, resource });
  }
  return [...byOption.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, setting]) => setting);
}

/** Returns the settings that an environment of a tier and a load balancer type has if the user sets none. */
function defaultSettings(tier: Tier, loadBalancer: LoadBalancerType): OptionSetting[] {
  return Object.entries(NAMESPACES).flatMap(([namespace, { options = {}, loadBalancers, onlyFor }]) => {
    if (namespace.endsWith(":*") || onlyFor !== undefined) return [];
    if (loadBalancers !== undefined && (tier === "Worker" || !loadBalancers.includes(loadBalancer)))
      return [];
    return Object.entries(options).flatMap(([name, { default: value }]) =>
      value === null || (tierOf(namespace, name) ?? tier) !== tier ? [] : [{ namespace, name, value }],
    );
  });
}

/** Returns all settings of an environment: its own, and AWS's defaults for the other options. */
export function withDefaults(settings: Setting[], tier: Tier): Setting[] {
  const [namespace, name] = ["aws:elasticbeanstalk:environment", "LoadBalancerType"];
  const type =
    settings.find((setting) => setting.namespace === namespace && setting.name === name)?.value ??
    optionFacts(namespace, name)?.default;
  return readBack([...defaultSettings(tier, type as LoadBalancerType), ...settings], tier);
}

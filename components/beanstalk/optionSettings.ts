import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import catalog from "../../policies/facts/eb-options.json";

type Namespaces = typeof catalog.namespaces;

/** `aws:elbv2:listener:*` of the catalog stands for `aws:elbv2:listener:443` and its like. */
type Expanded<Namespace> = Namespace extends `${infer Prefix}:*` ? `${Prefix}:${string}` : Namespace;

type Options<Facts> = Facts extends { options: infer Known }
  ? Partial<Record<keyof Known, OptionValue>>
  : Record<string, OptionValue>;

/** A value as the program thinks of it; {@link canonicalSettings} writes it as Beanstalk reads it back. */
export type OptionValue = pulumi.Input<string | number | boolean | pulumi.Input<string>[]>;

/**
 * Option settings by namespace. Namespaces and option names are those of AWS's list, so that a misspelt one does
 * not compile.
 *
 * @see https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/command-options-general.html
 */
export type OptionSettings = {
  [Namespace in keyof Namespaces as Expanded<Namespace>]?: Options<Namespaces[Namespace]>;
};

export type Tier = "WebServer" | "Worker";

/** Options of a load balancer in namespaces that apply to both tiers. A worker has none. */
const LOAD_BALANCER_OPTIONS = new Set([
  "aws:ec2:vpc ELBScheme",
  "aws:ec2:vpc ELBSubnets",
  "aws:elasticbeanstalk:environment LoadBalancerIsShared",
  "aws:elasticbeanstalk:environment LoadBalancerType",
]);

/**
 * The settings of an environment in the one form in which AWS reads them back: sorted by namespace and name, one
 * entry per option, `resource` empty, lists sorted and joined by commas, booleans in lower case. In any other form
 * every second `pulumi up` shows a change that is none.
 *
 * @param layers Settings that are put together; two layers may share a namespace, but not an option.
 * @throws Error where a namespace or an option does not apply to the tier: Beanstalk drops it, so it would show as a
 *   change for ever; and where an option is set twice.
 */
export function canonicalSettings(
  tier: Tier,
  ...layers: OptionSettings[]
): aws.types.input.elasticbeanstalk.EnvironmentSetting[] {
  const settings = layers
    .flatMap((layer) => Object.entries(layer))
    .flatMap(([namespace, options]) => {
      const only = tierOf(namespace);
      if (only !== undefined && only !== tier) {
        throw new Error(`${namespace} applies to the ${only} tier, not to ${tier}`);
      }
      const given = Object.entries(options as Record<string, OptionValue | undefined>);
      return given.flatMap(([name, value]) => {
        if (value === undefined) return [];
        if (tier === "Worker" && LOAD_BALANCER_OPTIONS.has(`${namespace} ${name}`)) {
          throw new Error(`${namespace} ${name} applies to the WebServer tier, not to Worker`);
        }
        return [{ namespace, name, value: canonicalValue(value), resource: "" }];
      });
    });
  const sorted = settings.sort((a, b) => compare(a.namespace, b.namespace) || compare(a.name, b.name));
  for (const [index, { namespace, name }] of sorted.entries()) {
    const next = sorted[index + 1];
    if (next?.namespace === namespace && next.name === name)
      throw new Error(`${namespace} ${name} is set twice`);
  }
  return sorted;
}

/** The only tier to which a namespace applies, or undefined where it applies to both. */
function tierOf(namespace: string): Tier | undefined {
  const facts: Record<string, object & { tier?: string }> = catalog.namespaces;
  const wildcard = namespace.replace(/:[^:]*$/, ":*");
  return (facts[namespace] ?? facts[wildcard])?.tier as Tier | undefined;
}

function canonicalValue(value: OptionValue): pulumi.Input<string> {
  return typeof value === "object" ? pulumi.output(value).apply(canonicalText) : String(value);
}

function canonicalText(value: string | number | boolean | string[]): string {
  return Array.isArray(value) ? [...value].sort(compare).join(",") : String(value);
}

/** By code unit: AWS sorts so, and a locale must not change a program's outcome. */
function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { canonicalValue, Namespaces, optionFacts, Tier, tierOf } from "../../policies/facts/beanstalkOptions";

/** The namespace `aws:elbv2:listener:*` of AWS's list stands for `aws:elbv2:listener:443` and similar ones. */
type Expanded<Namespace> = Namespace extends `${infer Prefix}:*` ? `${Prefix}:${string}` : Namespace;

type Options<Facts> = Facts extends { options: infer Known }
  ? Partial<Record<keyof Known, OptionValue>>
  : Record<string, OptionValue>;

/** The value of an option, with its natural type; {@link canonicalSettings} writes it as Beanstalk reads it back. */
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

/**
 * Returns the settings of an environment in the one form in which AWS reads them back: sorted by namespace and name,
 * one entry for each option, `resource` empty, lists sorted and joined by commas, booleans in lower case. In any other
 * form, every `pulumi up` shows a change.
 *
 * @param layers Settings to merge. Two layers may share a namespace, but not an option.
 * @throws Error if an option does not apply to the tier, is set twice, or gets a list but does not take one. Beanstalk
 *   drops an option that does not apply. Every `pulumi up` would show it as a change.
 */
export function canonicalSettings(
  tier: Tier,
  ...layers: OptionSettings[]
): aws.types.input.elasticbeanstalk.EnvironmentSetting[] {
  const settings = layers
    .flatMap((layer) => Object.entries(layer))
    .flatMap(([namespace, options]) => {
      const given = Object.entries(options as Record<string, OptionValue | undefined>);
      return given.flatMap(([name, value]) => {
        if (value === undefined) return [];
        const only = tierOf(namespace, name) ?? tier;
        if (only !== tier)
          throw new Error(`${namespace} ${name} applies to the ${only} tier, not to ${tier}`);
        return [{ namespace, name, value: valueOf(namespace, name, value), resource: "" }];
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

function valueOf(namespace: string, name: string, value: OptionValue): pulumi.Input<string> {
  if (Array.isArray(value) && optionFacts(namespace, name)?.type !== "list")
    throw new Error(`${namespace} ${name} is not a list`);
  const textOf = (plain: string | number | boolean | string[]) =>
    canonicalValue({ namespace, name, value: String(plain) });
  return typeof value === "object" ? pulumi.output(value).apply(textOf) : textOf(value);
}

/** Compares by code unit: AWS sorts so, and a locale must not change what the program creates. */
function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

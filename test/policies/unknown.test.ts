import { isDeepStrictEqual } from "node:util";
import { expect } from "chai";
import { REFERENCES } from "../../policies/facts/references";
import { evaluate } from "../../policies/evaluate";
import { Resource } from "../../policies/resource";
import { UNKNOWN } from "../../policies/values";
import { policyConfigOf, previewOf } from "../support";
import { MutableStack, Mutant } from "./mutant";
import { mutantsOf } from "./mutants";

interface Setting {
  namespace: string;
  name: string;
  value?: unknown;
}

/** True for a reference to another resource whose output the property uses: a first preview does not know its value. */
const isLinked = (
  { type, propertyDependencies }: Resource,
  name: string,
  option?: [string, string],
): boolean =>
  (REFERENCES[type] ?? []).some(
    (reference) =>
      reference.property.split(".")[0] === name &&
      (option === undefined || (reference.option?.[0] === option[0] && reference.option[1] === option[1])) &&
      (propertyDependencies?.[name] ?? []).length > 0,
  );

/** Makes unknown what a mutant changed: an input, or the value of an option. Undefined where it changed no input. */
function unknownWhere(
  original: Resource[],
  edit: Mutant[1],
): { changed: string[]; resources: Resource[] } | undefined {
  const mutant = new MutableStack(original);
  edit(mutant);
  const unknown = original.map((resource) => ({ ...resource, inputs: { ...resource.inputs } }));
  const changed = unknown.flatMap((resource) => {
    const other = mutant.resources.find(({ urn }) => urn === resource.urn);
    if (other === undefined) return [];
    const names = new Set([...Object.keys(resource.inputs), ...Object.keys(other.inputs)]);
    return [...names]
      .filter((name) => !isDeepStrictEqual(resource.inputs[name], other.inputs[name]))
      .filter((name) => name === "settings" || !isLinked(resource, name))
      .flatMap((name) => {
        if (name !== "settings" || !Array.isArray(other.inputs.settings)) {
          resource.inputs[name] = UNKNOWN;
          return [`${resource.name}.${name}`];
        }
        const settings = resource.inputs.settings as Setting[];
        const theirs = other.inputs.settings as Setting[];
        const same = (a: Setting, b: Setting) => a.namespace === b.namespace && a.name === b.name;
        const edited = [
          ...settings.filter((one) => !theirs.some((each) => isDeepStrictEqual(one, each))),
          ...theirs.filter((one) => !settings.some((each) => same(one, each))),
        ];
        resource.inputs.settings = [
          ...settings.filter((one) => !edited.some((each) => same(one, each))),
          ...edited.map((one) => ({ ...one, value: UNKNOWN })),
        ];
        const unlinked = edited.filter(
          ({ namespace, name: option }) => !isLinked(resource, "settings", [namespace, option]),
        );
        return unlinked.map((one) => `${resource.name} ${one.namespace}/${one.name}`);
      });
  });
  return changed.length === 0 ? undefined : { changed, resources: unknown };
}

/**
 * Values that may be unknown at the first preview: ids and addresses of new resources, whose sources rules judge, and the
 * region, which the engine shows as unknown where the program leaves it to the provider.
 */
const OUTPUTS =
  /^[\w-]+(\.region|\.vpcSecurityGroupIds|\.value|\.password|\.records|\.kms\w*KeyId|\.description|\.content| aws:\S+\/(SSLCertificateArns|ImageId|SecurityGroups|Notification Endpoint)| aws:elasticbeanstalk:application:environment\/(STATIC_URL|RDS_HOSTNAME|ENKETO_REDIS_\w+_URL|DNS_DOMAIN|EMAIL_HOST_USER|ENKETO_APP_NAME|X))$/;

describe("what is not known @proof", () => {
  it("is reported where a rule needs it, and never passed", async () => {
    const { resources } = await previewOf("prod");
    const config = policyConfigOf("prod");
    const passed = new Set<string>();
    let judged = 0;
    for (const [rule, edit] of mutantsOf("prod").flatMap(([, mutants]) => mutants)) {
      // An unknown value is the output of a resource of this program, not somebody else's.
      if (rule === "no-strangers") continue;
      const unknown = unknownWhere(resources, edit);
      if (unknown === undefined || unknown.changed.every((one) => OUTPUTS.test(one))) continue;
      judged++;
      const only = { all: "disabled", [rule]: "mandatory" };
      const reported =
        evaluate(unknown.resources, { config: only }).violations.some(({ policy }) => policy === rule) ||
        // Another rule may need the same, or refuse the property.
        evaluate(unknown.resources, { config }).violations.length > 0;
      if (!reported) passed.add(`${rule}: ${unknown.changed.join(", ")}`);
    }
    console.log(`      ${judged} inputs`);
    expect([...passed]).to.deep.equal([]);
  });
});

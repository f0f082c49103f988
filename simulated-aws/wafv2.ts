import { Creation, digest, ResourceTypes, requiredText } from "./model";
import { PropertyValue } from "../graph/document";

export const resourceTypes: ResourceTypes = {
  "aws:wafv2/webAcl:WebAcl": (creation) => {
    const { inputs, accountId, region } = creation;
    const name = requiredText(inputs, "name");
    refuseInvalidRules(inputs.rules);
    const id = uuidOf(creation);
    const arn = `arn:aws:wafv2:${region}:${accountId}:regional/webacl/${name}/${id}`;
    return { id, outputs: { arn, capacity: 0 } };
  },
  "aws:wafv2/webAclAssociation:WebAclAssociation": ({ inputs }) => ({
    id: `${requiredText(inputs, "webAclArn")},${requiredText(inputs, "resourceArn")}`,
    outputs: {},
  }),
};

/** @see https://docs.aws.amazon.com/waf/latest/APIReference/API_Rule.html */
function refuseInvalidRules(rules: PropertyValue | undefined): void {
  const all = (Array.isArray(rules) ? rules : []) as unknown as Record<string, unknown>[];
  for (const property of ["name", "priority"]) {
    const values = all.map((rule) => rule[property]);
    if (new Set(values).size < values.length)
      throw new Error(`WAFInvalidParameterException: two rules have the same ${property}`);
  }
  for (const rule of all) {
    const isGroup = Object.hasOwn(rule.statement as object, "managedRuleGroupStatement");
    if (Object.hasOwn(rule, isGroup ? "action" : "overrideAction"))
      throw new Error(
        `WAFInvalidParameterException: rule ${String(rule.name)} has ${isGroup ? "an action, but is a group" : "an overrideAction, but is no group"}`,
      );
  }
}

function uuidOf({ name, accountId, region }: Creation): string {
  const digits = digest(`${accountId} ${region} webacl ${name}`, 32);
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

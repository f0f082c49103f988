import { arn, ResourceTypes, requiredText, uuid } from "./model";
import { PropertyValue } from "../graph/document";

export const resourceTypes: ResourceTypes = {
  "aws:wafv2/webAcl:WebAcl": (creation) => {
    const { inputs, accountId, region, name } = creation;
    refuseInvalidRules(inputs.rules);
    const id = uuid(`${accountId} ${region} webacl ${name}`);
    const resource = `regional/webacl/${requiredText(inputs, "name")}/${id}`;
    return { id, outputs: { arn: arn(creation, "wafv2", resource), capacity: 0 } };
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

import { targetsOf } from "../../references";
import { ENVIRONMENT } from "../../optionSettings";
import { defineRule } from "../../rule";
import { usersOfResource } from "../../topology";
import { array, at, demand, hasUnknown, notEvaluated, object, text } from "../../values";

const WEB_ACL = "aws:wafv2/webAcl:WebAcl";
const ASSOCIATION = "aws:wafv2/webAclAssociation:WebAclAssociation";

/** Highest number of requests of one address in five minutes that still limits an attack on passwords. */
const HIGHEST_LIMIT = 20_000;

/** The rule group against common attacks, without which a web ACL only limits rates. */
const COMMON = "AWSManagedRulesCommonRuleSet";

/** The statement of a rule: a managed group, a rate limit, or something else. */
const statementOf = (rule: object) => object(at(rule as { statement?: unknown }, "statement"));

function problemsOfRule(rule: object): string[] {
  const { name, action, visibilityConfig } = rule as Record<string, unknown>;
  const { managedRuleGroupStatement: group, rateBasedStatement: rate } = statementOf(rule);
  const { vendorName, ruleActionOverrides } = object(group);
  const overrides = array(ruleActionOverrides).map((one) => Object.keys(object(object(one).actionToUse)));
  const { limit, scopeDownStatement } = object(rate);
  return [
    ...(Object.keys(object(action)).includes("allow") || overrides.some((one) => one.includes("allow"))
      ? [`Rule ${text(name)} has the action allow, which skips the other rules. Write count or block.`]
      : []),
    ...(group === undefined || vendorName === "AWS"
      ? []
      : [`Rule group ${text(name)} is not AWS's. Write vendorName AWS: groups of other vendors cost more.`]),
    ...(rate === undefined || (Number(limit) >= 100 && Number(limit) <= HIGHEST_LIMIT)
      ? []
      : [`Rule ${text(name)} has no effective limit. Write a limit from 100 to ${String(HIGHEST_LIMIT)}.`]),
    ...(scopeDownStatement === undefined
      ? []
      : [`Rule ${text(name)} limits some requests only. Remove scopeDownStatement.`]),
    ...(object(visibilityConfig).cloudwatchMetricsEnabled === true
      ? []
      : [`Rule ${text(name)} has no metric. Write cloudwatchMetricsEnabled: true.`]),
  ];
}

export const webAclWhole = defineRule({
  name: "web-acl-whole",
  types: [WEB_ACL],
  description:
    "A web ACL limits the requests of each address, has AWS's common rules, counts matches, and has no rule with the action allow",
  why: "an incomplete web ACL lets attacks through unnoticed",
  severity: "medium",
  check: ({ inputs }) => {
    const { scope, defaultAction, rules, ruleJson, visibilityConfig } = inputs;
    if (hasUnknown(rules)) return notEvaluated("rules");
    const all = array(rules).map((rule) => object(rule));
    const hasGroup = all.some((rule) => object(statementOf(rule).managedRuleGroupStatement).name === COMMON);
    return [
      ...demand(scope, scope === "REGIONAL", "scope", "REGIONAL: the balancer is in a region"),
      ...demand(
        defaultAction,
        at(defaultAction, "allow") !== undefined && at(defaultAction, "block") === undefined,
        "defaultAction",
        "{ allow: {} }: requests that match no rule come from users",
      ),
      ...(ruleJson === undefined ? [] : ["ruleJson is set. Remove it and write rules."]),
      ...(all.some((rule) => statementOf(rule).rateBasedStatement !== undefined)
        ? []
        : ["No rule limits the requests of an address. Write one with rateBasedStatement."]),
      ...(hasGroup ? [] : [`The web ACL lacks the rule group ${COMMON}. Write it.`]),
      ...demand(
        at(visibilityConfig, "cloudwatchMetricsEnabled"),
        at(visibilityConfig, "cloudwatchMetricsEnabled") === true,
        "cloudwatchMetricsEnabled",
        "true",
      ),
      ...all.flatMap(problemsOfRule),
    ];
  },
});

export const webAclAssociated = defineRule({
  name: "web-acl-associated",
  kind: "closed world",
  types: [WEB_ACL, ASSOCIATION],
  description: "A web ACL is in front of a load balancer of this program, and each association names both",
  why: "it would cost money and protect nothing",
  severity: "medium",
  neighbours: true,
  check: (resource, stack) => {
    if (resource.type === WEB_ACL)
      return usersOfResource(resource, ASSOCIATION, "webAclArn", stack).length > 0
        ? []
        : ["No load balancer has the web ACL. Write a WebAclAssociation with its ARN."];
    return [
      ...(targetsOf(resource, "webAclArn", WEB_ACL, stack).length > 0
        ? []
        : ["webAclArn is no web ACL of this program. Write the ARN of one."]),
      ...(targetsOf(resource, "resourceArn", ENVIRONMENT, stack).length > 0
        ? []
        : ["resourceArn is no load balancer of this program. Write one of an environment's loadBalancers."]),
    ];
  },
});

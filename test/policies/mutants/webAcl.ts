import { Mutant, MutableStack } from "../mutant";

const WEB_ACL = "aws:wafv2/webAcl:WebAcl";
const ASSOCIATION = "aws:wafv2/webAclAssociation:WebAclAssociation";
const ARN = "arn:aws:wafv2:eu-central-1:123456789012:regional/webacl/iaso/0123";

const visibilityConfig = { cloudwatchMetricsEnabled: true, metricName: "rule", sampledRequestsEnabled: true };
const LIMIT = {
  name: "rate-limit",
  priority: 0,
  action: { block: {} },
  statement: { rateBasedStatement: { limit: 5000 } },
  visibilityConfig,
};
const COMMON = {
  name: "common",
  priority: 1,
  overrideAction: { none: {} },
  statement: { managedRuleGroupStatement: { vendorName: "AWS", name: "AWSManagedRulesCommonRuleSet" } },
  visibilityConfig,
};

/** Adds a web ACL in front of Iaso that no rule refuses, but for the inputs given. */
export function addWebAcl(stack: MutableStack, inputs: object = {}, association: object = {}): MutableStack {
  const loadBalancers = stack.get("environment", "web").outputs?.loadBalancers as string[] | undefined;
  return stack
    .add(
      WEB_ACL,
      "added",
      {
        name: "iaso",
        scope: "REGIONAL",
        defaultAction: { allow: {} },
        rules: [LIMIT, COMMON],
        visibilityConfig,
        tags: stack.get("queue", "tasks").inputs.tags,
        ...inputs,
      },
      { outputs: { arn: ARN } },
    )
    .add(ASSOCIATION, "added", { resourceArn: loadBalancers?.[0], webAclArn: ARN, ...association });
}

const whole = (inputs: object): Mutant => ["web-acl-whole", (stack) => addWebAcl(stack, inputs)];
const associated = (inputs: object): Mutant => [
  "web-acl-associated",
  (stack) => addWebAcl(stack, {}, inputs),
];

export const webAcl: Mutant[] = [
  whole({ rules: [] }),
  whole({ rules: [COMMON] }),
  whole({ rules: [LIMIT] }),
  whole({ rules: undefined, ruleJson: "[]" }),
  whole({ scope: "CLOUDFRONT" }),
  whole({ defaultAction: { block: {} } }),
  whole({ visibilityConfig: { ...visibilityConfig, cloudwatchMetricsEnabled: false } }),
  whole({ rules: [{ ...LIMIT, statement: { rateBasedStatement: { limit: 2_000_000_000 } } }, COMMON] }),
  whole({ rules: [{ ...LIMIT, action: { allow: {} } }, COMMON] }),
  whole({
    rules: [
      {
        ...LIMIT,
        statement: { rateBasedStatement: { limit: 5000, scopeDownStatement: { geoMatchStatement: {} } } },
      },
      COMMON,
    ],
  }),
  whole({
    rules: [
      LIMIT,
      COMMON,
      {
        ...COMMON,
        name: "other",
        statement: { managedRuleGroupStatement: { vendorName: "Fortinet", name: "all_rules" } },
      },
    ],
  }),
  whole({
    rules: [
      LIMIT,
      {
        ...COMMON,
        statement: {
          managedRuleGroupStatement: {
            ...COMMON.statement.managedRuleGroupStatement,
            ruleActionOverrides: [{ name: "GenericLFI_BODY", actionToUse: { allow: {} } }],
          },
        },
      },
    ],
  }),
  whole({ rules: [LIMIT, COMMON, { ...LIMIT, name: "everyone", action: { allow: {} }, statement: {} }] }),
  associated({ webAclArn: ARN.replace("123456789012", "210987654321") }),
  associated({
    resourceArn: "arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/app/other/0123",
  }),
];

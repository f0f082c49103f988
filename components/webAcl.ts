import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { Naming } from "./common/naming";

export interface WebAclArgs {
  naming: Naming;
  /**
   * The action on a request that matches a rule. `count` only counts it, so that you can find out first which of your
   * users' requests match.
   */
  mode: "count" | "block";
  /** ARN of the load balancer. */
  loadBalancerArn: pulumi.Input<string>;
}

/** Requests of one address in five minutes. A health centre's devices share an address, and send forms in bursts. */
const MAXIMUM_REQUESTS = 5000;

interface RuleGroup {
  /** Rules that only count in every mode, because Iaso's own requests match them. */
  counted: string[];
}

/**
 * AWS's managed rule groups, in the order of evaluation.
 *
 * @see https://docs.aws.amazon.com/waf/latest/developerguide/aws-managed-rule-groups-list.html
 */
const RULE_GROUPS: Record<string, RuleGroup> = {
  AWSManagedRulesAmazonIpReputationList: { counted: [] },
  AWSManagedRulesKnownBadInputsRuleSet: { counted: [] },
  // Forms, XLSForms and photographs are larger than 8 KB, forms are XML, and searches of org units make long addresses.
  AWSManagedRulesCommonRuleSet: {
    counted: ["SizeRestrictions_BODY", "SizeRestrictions_QUERYSTRING", "CrossSiteScripting_BODY"],
  },
  // Administrators write SQL in Iaso's dashboards.
  AWSManagedRulesSQLiRuleSet: { counted: ["SQLi_BODY", "SQLiExtendedPatterns_BODY"] },
};

type Rule = aws.types.input.wafv2.WebAclRule;

/**
 * A web ACL in front of a load balancer of Beanstalk: a limit on the requests of one address, and AWS's managed rule
 * groups. CloudWatch has the number of matches of each rule, and WAF keeps samples of the requests for three hours.
 *
 * @see https://docs.aws.amazon.com/waf/latest/developerguide/web-acl.html
 */
export class WebAcl extends pulumi.ComponentResource {
  constructor(name: string, args: WebAclArgs, opts?: pulumi.ComponentResourceOptions) {
    super("iaso:index:WebAcl", name, {}, opts);
    const { naming, mode, loadBalancerArn } = args;
    const webAcl = new aws.wafv2.WebAcl(
      name,
      {
        name: naming.name(),
        description: `Requests to ${naming.name()}`,
        scope: "REGIONAL",
        defaultAction: { allow: {} },
        rules: [
          rateLimit(mode),
          ...Object.entries(RULE_GROUPS).map(([group, { counted }], index) =>
            managedRules(group, counted, index + 1, mode),
          ),
        ],
        visibilityConfig: visibility(naming.name()),
        tags: naming.tags(),
      },
      { parent: this },
    );
    new aws.wafv2.WebAclAssociation(
      name,
      { resourceArn: loadBalancerArn, webAclArn: webAcl.arn },
      { parent: webAcl },
    );
    this.registerOutputs({ arn: webAcl.arn });
  }
}

function rateLimit(mode: WebAclArgs["mode"]): Rule {
  return {
    name: "rate-limit",
    priority: 0,
    action: { [mode]: {} },
    statement: { rateBasedStatement: { limit: MAXIMUM_REQUESTS, aggregateKeyType: "IP" } },
    visibilityConfig: visibility("rate-limit"),
  };
}

function managedRules(group: string, counted: string[], priority: number, mode: WebAclArgs["mode"]): Rule {
  return {
    name: group,
    priority,
    // "none" leaves to each rule of the group what it does.
    overrideAction: mode === "count" ? { count: {} } : { none: {} },
    statement: {
      managedRuleGroupStatement: {
        vendorName: "AWS",
        name: group,
        ruleActionOverrides: counted.map((name) => ({ name, actionToUse: { count: {} } })),
      },
    },
    visibilityConfig: visibility(group),
  };
}

function visibility(metricName: string): aws.types.input.wafv2.WebAclVisibilityConfig {
  return { cloudwatchMetricsEnabled: true, metricName, sampledRequestsEnabled: true };
}

import { expect } from "chai";
import { WebAcl, WebAclArgs } from "../../components/webAcl";
import { PreviewDocument } from "../../graph/document";
import { simulate } from "../../preview/simulate";
import { at, find, naming } from "../support";

const BALANCER =
  "arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/app/awseb--AWSEB-1/0123456789abcdef";
const WEB_ACL = "aws:wafv2/webAcl:WebAcl";

const preview = (mode: WebAclArgs["mode"]): Promise<PreviewDocument> =>
  simulate(() => {
    new WebAcl("web-acl", { naming, mode, loadBalancerArn: BALANCER });
  });

/** The action of each rule, by its name. */
function actionsOf(document: PreviewDocument): Record<string, string | undefined> {
  const rules = find(document, WEB_ACL).inputs.rules as unknown as {
    name: string;
    action?: object;
    overrideAction?: object;
  }[];
  return Object.fromEntries(
    rules.map(({ name, action, overrideAction }) => [name, Object.keys(action ?? overrideAction ?? {})[0]]),
  );
}

describe("components/webAcl", () => {
  it("is associated with the load balancer", async () => {
    const document = await preview("count");
    const webAcl = find(document, WEB_ACL);
    expect(find(document, "aws:wafv2/webAclAssociation:WebAclAssociation").inputs).to.deep.include({
      resourceArn: BALANCER,
      webAclArn: webAcl.outputs.arn,
    });
    expect(webAcl.inputs.scope).to.equal("REGIONAL");
  });

  it("only counts in every rule, in the mode count", async () => {
    expect(new Set(Object.values(actionsOf(await preview("count"))))).to.deep.equal(new Set(["count"]));
  });

  it("blocks requests over the limit and matches of managed rules, in the mode block", async () => {
    expect(actionsOf(await preview("block"))).to.deep.equal({
      "rate-limit": "block",
      AWSManagedRulesAmazonIpReputationList: "none",
      AWSManagedRulesKnownBadInputsRuleSet: "none",
      AWSManagedRulesCommonRuleSet: "none",
      AWSManagedRulesSQLiRuleSet: "none",
    });
  });

  it("never blocks large uploads, long searches, forms in XML and SQL of dashboards, which are Iaso's own", async () => {
    const { rules } = find(await preview("block"), WEB_ACL).inputs;
    const counted = (rules as unknown[]).flatMap((_, index) => {
      const group = at(rules, index, "statement", "managedRuleGroupStatement", "ruleActionOverrides");
      return (group ?? []) as unknown as { name: string; actionToUse: object }[];
    });
    const names = [
      "SizeRestrictions_BODY",
      "SizeRestrictions_QUERYSTRING",
      "CrossSiteScripting_BODY",
      "SQLi_BODY",
      "SQLiExtendedPatterns_BODY",
    ];
    expect(counted).to.deep.equal(names.map((name) => ({ name, actionToUse: { count: {} } })));
  });
});

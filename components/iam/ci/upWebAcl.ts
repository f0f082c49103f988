import { Naming } from "../../common/naming";
import { PolicyStatement } from "../policyDocument";

/**
 * Permissions of the `up` role on the web ACL, and on the load balancer of the web environment that it is in front of.
 *
 * @see https://docs.aws.amazon.com/service-authorization/latest/reference/list_awswafv2.html
 */
export function webAclStatements(naming: Naming): PolicyStatement[] {
  const webAcl = naming.arn("wafv2", `regional/webacl/${naming.name()}/*`);
  const balancer = naming.arn(
    "elasticloadbalancing",
    `loadbalancer/\${aws:PrincipalTag/${naming.loadBalancerTag("web")}}`,
  );
  return [
    {
      Sid: "ManageWebAcl",
      Effect: "Allow",
      Action: [
        "wafv2:CreateWebACL",
        "wafv2:DeleteWebACL",
        "wafv2:TagResource",
        "wafv2:UntagResource",
        "wafv2:UpdateWebACL",
      ],
      // WAF also asks for the rule groups that a web ACL uses: AWS's own.
      Resource: [webAcl, naming.arn("wafv2", "regional/managedruleset/*/*")],
    },
    {
      Sid: "AssociateWebAcl",
      Effect: "Allow",
      Action: ["elasticloadbalancing:SetWebACL", "wafv2:AssociateWebACL", "wafv2:DisassociateWebACL"],
      Resource: [webAcl, balancer],
    },
  ];
}

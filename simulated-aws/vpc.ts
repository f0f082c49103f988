import { arn, awsId, Created, Creation, ResourceTypes } from "./model";

const rule = (creation: Creation): Created => {
  const id = awsId("sgr", creation);
  return {
    id,
    outputs: { arn: arn(creation, "ec2", `security-group-rule/${id}`), securityGroupRuleId: id },
  };
};

export const resourceTypes: ResourceTypes = {
  "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": rule,
  "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": rule,
};

import { expect } from "chai";
import { BeanstalkServiceRole } from "../../../components/beanstalk/serviceRole";
import { simulate } from "../../../preview/simulate";
import { find, naming, PERMISSIONS_BOUNDARY, resourcesOf, statementsOf } from "../../support";

describe("components/beanstalk/serviceRole", () => {
  it("is Beanstalk's alone, under the boundary, with AWS's policy for enhanced health and no other", async () => {
    const document = await simulate(() => {
      new BeanstalkServiceRole("beanstalk-service", { naming, permissionsBoundary: PERMISSIONS_BOUNDARY });
    });
    const role = find(document, "aws:iam/role:Role");
    expect(role.inputs).to.include({
      name: "iaso-test-beanstalk-service",
      permissionsBoundary: PERMISSIONS_BOUNDARY,
    });
    expect(statementsOf(role.inputs.assumeRolePolicy).AssumeRole).to.deep.include({
      Principal: { Service: "elasticbeanstalk.amazonaws.com" },
      Condition: { StringEquals: { "sts:ExternalId": "elasticbeanstalk" } },
    });
    const attachments = resourcesOf(document, "aws:iam/rolePolicyAttachment:RolePolicyAttachment");
    expect(attachments.map(({ inputs }) => inputs.policyArn)).to.have.members([
      "arn:aws:iam::aws:policy/service-role/AWSElasticBeanstalkEnhancedHealth",
    ]);
    for (const { propertyDependencies } of attachments) {
      expect(propertyDependencies.role).to.deep.equal([role.urn]);
    }
  });
});

import * as aws from "@pulumi/aws";
import { expect } from "chai";
import { withDependencies } from "../../../components/common/withDependencies";
import { simulate } from "../../../preview/simulate";
import { find } from "../../support";

describe("components/common/withDependencies", () => {
  it("keeps the value, and adds the resources to the dependencies of whatever uses it", async () => {
    const document = await simulate(() => {
      const topic = new aws.sns.Topic("topic");
      const gateway = new aws.ec2.InternetGateway("gateway");
      const subnets = withDependencies(["subnet-1", "subnet-2"], [topic, gateway]);
      new aws.rds.SubnetGroup("subnets", { subnetIds: subnets });
    });
    const group = find(document, "aws:rds/subnetGroup:SubnetGroup");
    expect(group.inputs.subnetIds).to.deep.equal(["subnet-1", "subnet-2"]);
    expect(group.propertyDependencies.subnetIds).to.have.members([
      find(document, "aws:sns/topic:Topic").urn,
      find(document, "aws:ec2/internetGateway:InternetGateway").urn,
    ]);
  });
});

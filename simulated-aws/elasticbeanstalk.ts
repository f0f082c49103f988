import { arn, awsId, digest, nameOrGenerated, requiredText, ResourceTypes } from "./model";

export const resourceTypes: ResourceTypes = {
  "aws:elasticbeanstalk/application:Application": (creation) => {
    const id = nameOrGenerated(creation, "name");
    return { id, outputs: { name: id, arn: arn(creation, "elasticbeanstalk", `application/${id}`) } };
  },
  "aws:elasticbeanstalk/applicationVersion:ApplicationVersion": (creation) => {
    const name = nameOrGenerated(creation, "name");
    const application = requiredText(creation.inputs, "application");
    return {
      // The provider's id is the label alone, which two applications can share.
      id: `${application}/${name}`,
      outputs: {
        name,
        arn: arn(creation, "elasticbeanstalk", `applicationversion/${application}/${name}`),
      },
    };
  },
  "aws:elasticbeanstalk/environment:Environment": (creation) => {
    const { inputs, region } = creation;
    const name = nameOrGenerated(creation, "name");
    const application = requiredText(inputs, "application");
    const balancerName = `awseb--AWSEB-${digest(name, 12).toUpperCase()}`;
    const balancer = arn(
      creation,
      "elasticloadbalancing",
      `loadbalancer/app/${balancerName}/${digest(name, 16)}`,
    );
    const web = inputs.tier !== "Worker";
    const prefix =
      typeof inputs.cnamePrefix === "string" ? inputs.cnamePrefix : `${name}.${digest(name, 10)}`;
    return {
      id: awsId("e", creation).slice(0, 12),
      outputs: {
        name,
        arn: arn(creation, "elasticbeanstalk", `environment/${application}/${name}`),
        cname: web ? `${prefix}.${region}.elasticbeanstalk.com` : "",
        endpointUrl: web ? `${balancerName}-1234567890.${region}.elb.amazonaws.com` : "",
        loadBalancers: web ? [balancer] : [],
        autoscalingGroups: [`awseb-${digest(name, 10)}-stack-AWSEBAutoScalingGroup`],
        instances: [],
        queues: [],
        triggers: [],
        launchConfigurations: [],
        platformArn: `arn:aws:elasticbeanstalk:${region}::platform/simulated`,
        version: inputs.version ?? "Sample Application",
      },
    };
  },
};

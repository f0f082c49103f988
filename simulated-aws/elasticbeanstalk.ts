import { arn, awsId, digest, Functions, nameOr, ResourceTypes, text } from "./model";

/** Zones of Beanstalk's CNAMEs: https://docs.aws.amazon.com/general/latest/gr/elasticbeanstalk.html */
const HOSTED_ZONES: Record<string, string> = {
  "eu-central-1": "Z1FRNW7UH4DEZJ",
  "eu-west-1": "Z2NYPWQ7DFZAZH",
  "eu-west-3": "Z3Q77PNBQS71R4",
  "us-east-1": "Z117KPS5GTRQ2G",
  "us-west-2": "Z38NKT9BP95V3O",
};

export const resourceTypes: ResourceTypes = {
  "aws:elasticbeanstalk/application:Application": (creation) => {
    const id = nameOr(creation, "name");
    return { id, outputs: { name: id, arn: arn(creation, "elasticbeanstalk", `application/${id}`) } };
  },
  "aws:elasticbeanstalk/applicationVersion:ApplicationVersion": (creation) => {
    const name = nameOr(creation, "name");
    const application = text(creation.inputs, "application");
    return {
      // Labels are each application's own; the provider's id is the label alone, which two applications may share.
      id: `${application}/${name}`,
      outputs: {
        name,
        arn: arn(creation, "elasticbeanstalk", `applicationversion/${application}/${name}`),
      },
    };
  },
  "aws:elasticbeanstalk/environment:Environment": (creation) => {
    const { inputs, region } = creation;
    const name = nameOr(creation, "name");
    const application = text(inputs, "application");
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

export const functions: Functions = {
  "aws:elasticbeanstalk/getHostedZone:getHostedZone": (args, account) => {
    const region = typeof args.region === "string" ? args.region : account.region;
    const id = HOSTED_ZONES[region];
    if (id === undefined)
      throw new Error(`simulated-aws/elasticbeanstalk.ts knows no hosted zone of ${region}`);
    return { id, region };
  },
};

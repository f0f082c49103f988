import { arn, awsId, digest, Functions, nameOrGenerated, requiredText, ResourceTypes } from "./model";

/**
 * The solution stacks that the simulated AWS offers, the newest version of a branch first, as of 2026-11-25. v4.13.8 is
 * superseded: the simulated account ran it on Python 3.13 in the last 30 days. Python 3.9 is retired.
 *
 * AWS's page lists the branches (https://docs.aws.amazon.com/elasticbeanstalk/latest/platforms/platforms-supported.html);
 * v4.13.9 is the newest version that public repositories name.
 */
export const SOLUTION_STACKS: readonly string[] = [
  "64bit Amazon Linux 2023 v4.13.9 running Python 3.14",
  "64bit Amazon Linux 2023 v4.13.9 running Python 3.13",
  "64bit Amazon Linux 2023 v4.13.9 running Python 3.12",
  "64bit Amazon Linux 2023 v4.13.9 running Python 3.11",
  "64bit Amazon Linux 2023 v4.13.9 running Docker",
  "64bit Amazon Linux 2023 v4.13.8 running Python 3.13",
];

/**
 * Refuses a platform version that Beanstalk does not offer to the account, as CreateEnvironment and UpdateEnvironment do.
 *
 * @throws Error with AWS's message
 * @see https://docs.aws.amazon.com/elasticbeanstalk/latest/platforms/welcome.html
 */
function requireSolutionStack(name: unknown): void {
  if (typeof name !== "string" || SOLUTION_STACKS.includes(name)) return;
  throw new Error(`No Solution Stack named '${name}' found.`);
}

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
    requireSolutionStack(inputs.solutionStackName);
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

export const functions: Functions = {
  // Refuses no or several results with the provider's messages:
  // https://github.com/hashicorp/terraform-provider-aws/blob/main/internal/service/elasticbeanstalk/solution_stack_data_source.go
  "aws:elasticbeanstalk/getSolutionStack:getSolutionStack": (args, { region }) => {
    const pattern = new RegExp(requiredText(args, "nameRegex"));
    const [name, ...others] = SOLUTION_STACKS.filter((stack) => pattern.test(stack));
    if (name === undefined)
      throw new Error("Your query returned no results. Please change your search criteria and try again.");
    if (others.length > 0 && args.mostRecent !== true)
      throw new Error(
        "Your query returned more than one result. Please try a more specific search criteria, or set `most_recent` attribute to true.",
      );
    return { id: name, name, nameRegex: requiredText(args, "nameRegex"), region };
  },
};

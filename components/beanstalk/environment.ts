import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { InstanceRole, Naming } from "../common/naming";
import { PolicyStatement } from "../iam/policyDocument";
import { EnvironmentVariables } from "./applicationEnvironment";
import { createInstanceProfile } from "./instanceProfile";
import {
  Capacity,
  commonOptions,
  CommonOptionsArgs,
  HostingArgs,
  loadBalancerOptions,
  LoadBalancerOptionsArgs,
  READY_TIMEOUT,
} from "./options";
import { canonicalSettings, OptionSettings } from "./optionSettings";

export interface EnvironmentArgs {
  /** The environment's role. Its name, tags, instance profile and domain follow from it. */
  role: InstanceRole;
  /** The Beanstalk application of the environment. */
  application: aws.elasticbeanstalk.Application;
  /** Name of `application`, known before the application exists: policy documents contain it. */
  applicationName: string;
  /** Shown in the Beanstalk console. */
  description: string;
  /**
   * Full name of a platform version of Beanstalk.
   *
   * @see https://docs.aws.amazon.com/elasticbeanstalk/latest/platforms/platforms-supported.html
   * @example "64bit Amazon Linux 2023 v4.13.9 running Docker"
   */
  solutionStackName: string;
  /**
   * Id of the instances' AMI, for x86_64.
   *
   * @default The AMI of the platform version.
   */
  imageId?: pulumi.Input<string>;
  capacity: Capacity;
  /** Id of the instances' security group. */
  securityGroup: pulumi.Input<string>;
  /** Plain environment variables. */
  variables: EnvironmentVariables;
  /** Names of the secret environment variables. Beanstalk reads their values from SSM when an instance starts. */
  secrets: readonly string[];
  /** Permissions of the instances beyond those that every Beanstalk instance needs. */
  statements: PolicyStatement[];
  /** Lets people with the IAM permission open a shell on the instances through Session Manager. No port opens. */
  shellAccess: boolean;
  /** Label of the application version. */
  version: pulumi.Input<string>;
  /** True if the deploy tool deploys later versions: then Pulumi uses `version` only to create the environment. */
  deployedByTool: boolean;
  /** Option settings of this environment alone. They must not repeat an option that all environments have. */
  optionSettings: OptionSettings[];
  /** Resources that must exist before the first instance starts. */
  dependsOn: pulumi.Resource[];
}

export interface WebEnvironmentArgs extends EnvironmentArgs {
  /** The load balancer. Its access logs have the environment's role as prefix. */
  loadBalancer: Omit<LoadBalancerOptionsArgs, "accessLogsPrefix">;
}

/**
 * Creates an environment of the web server tier: instances behind a load balancer that serves HTTPS and redirects
 * HTTP to it.
 *
 * @see https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/concepts-webserver.html
 */
export function createWebEnvironment(
  parent: pulumi.Resource,
  hosting: HostingArgs,
  { loadBalancer, ...args }: WebEnvironmentArgs,
): { environment: aws.elasticbeanstalk.Environment; loadBalancerArn: pulumi.Output<string> } {
  const { naming } = hosting;
  const environment = createEnvironment(parent, hosting, "WebServer", {
    ...args,
    cnamePrefix: naming.cnamePrefix(args.role),
    optionSettings: [
      loadBalancerOptions(hosting, { ...loadBalancer, accessLogsPrefix: args.role }),
      ...args.optionSettings,
    ],
    // Elastic Load Balancing writes a test object when Beanstalk turns access logs on.
    dependsOn: [hosting.accessLogs.policy, ...args.dependsOn],
  });
  // Beanstalk creates exactly one load balancer.
  const loadBalancerArn = environment.loadBalancers.apply((arns) => arns[0] ?? "");
  redirectToHttps(environment, args.role, naming, loadBalancerArn);
  return { environment, loadBalancerArn };
}

/**
 * Creates an environment of the worker tier: instances on which a daemon of Beanstalk polls a queue and posts the
 * messages to the application.
 *
 * @see https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/using-features-managing-env-tiers.html
 */
export function createWorkerEnvironment(
  parent: pulumi.Resource,
  hosting: HostingArgs,
  args: EnvironmentArgs,
): aws.elasticbeanstalk.Environment {
  return createEnvironment(parent, hosting, "Worker", args);
}

/** Creates an environment that waits for all that its instances need when they start and no setting refers to. */
function createEnvironment(
  parent: pulumi.Resource,
  hosting: HostingArgs,
  tier: CommonOptionsArgs["tier"],
  args: EnvironmentArgs & { cnamePrefix?: string },
): aws.elasticbeanstalk.Environment {
  const { naming, permissionsBoundary, encryptionKey } = hosting;
  const { role, application, secrets, cnamePrefix, version, deployedByTool } = args;
  const name = naming.environment(role);
  const profile = createInstanceProfile(parent, {
    naming,
    role,
    application: args.applicationName,
    environment: name,
    secretVariables: secrets,
    statements: args.statements,
    permissionsBoundary,
    shellAccess: args.shellAccess,
    encrypted: encryptionKey !== undefined,
  });
  const common = commonOptions(hosting, {
    tier,
    capacity: args.capacity,
    imageId: args.imageId,
    instanceProfile: profile.name,
    securityGroup: args.securityGroup,
    variables: args.variables,
    secretArns: Object.fromEntries(
      [...secrets].sort().map((name) => [name, naming.secretParameterArn(name)]),
    ),
  });
  return new aws.elasticbeanstalk.Environment(
    role,
    {
      name,
      application: application.name,
      description: args.description,
      tier,
      solutionStackName: args.solutionStackName,
      cnamePrefix,
      version,
      settings: canonicalSettings(tier, common, ...args.optionSettings),
      waitForReadyTimeout: READY_TIMEOUT,
      tags: naming.tags({ role }),
    },
    {
      parent,
      dependsOn: [...profile.resources, ...hosting.serviceRole.policyAttachments, ...args.dependsOn],
      ignoreChanges: deployedByTool ? ["version"] : [],
    },
  );
}

/**
 * Creates a listener that redirects HTTP to HTTPS. Beanstalk has no option for a redirect.
 *
 * @see https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-listeners.html
 */
function redirectToHttps(
  environment: aws.elasticbeanstalk.Environment,
  role: InstanceRole,
  naming: Naming,
  loadBalancerArn: pulumi.Output<string>,
): void {
  new aws.lb.Listener(
    `${role}-redirect-to-https`,
    {
      loadBalancerArn,
      port: 80,
      protocol: "HTTP",
      defaultActions: [
        { type: "redirect", redirect: { protocol: "HTTPS", port: "443", statusCode: "HTTP_301" } },
      ],
      tags: naming.tags({ role }),
    },
    { parent: environment },
  );
}

import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { EnvironmentVariables } from "./applicationEnvironment";
import { BeanstalkServiceRole } from "./serviceRole";
import { LogsBucket } from "../logsBucket";
import { Naming } from "../common/naming";
import { Tier } from "../../policies/facts/beanstalkOptions";
import { LOAD_BALANCER_TLS_POLICY } from "../../policies/facts/tlsPolicies";
import { OptionSettings } from "./optionSettings";

/** @see https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/using-features.rolling-version-deploy.html */
export type DeploymentPolicy = "Rolling" | "RollingWithAdditionalBatch" | "Immutable";

/** Size and scaling of one environment. */
export interface Capacity {
  /** EC2 instance type of the x86_64 architecture, such as `t3.large`: the machine images are x86_64. */
  instanceType: string;
  minSize: number;
  maxSize: number;
}

/** Settings that all Beanstalk environments of the platform share. */
export interface HostingArgs {
  naming: Naming;
  vpcId: pulumi.Input<string>;
  /** Subnets of the load balancers. */
  publicSubnetIds: pulumi.Input<string[]>;
  /** Private subnets of the instances, with a route to a NAT gateway. */
  instanceSubnetIds: pulumi.Input<string[]>;
  /** The bucket of the load balancers' access logs. */
  accessLogs: LogsBucket;
  serviceRole: BeanstalkServiceRole;
  deploymentPolicy: DeploymentPolicy;
  /** Retention of the logs in CloudWatch, in days. */
  logRetentionDays: number;
  /** ARN of the permissions boundary of the instances' roles. */
  permissionsBoundary: pulumi.Input<string>;
}

export interface CommonOptionsArgs {
  tier: Tier;
  capacity: Capacity;
  /** Id of a custom machine image; Beanstalk's own by default. */
  imageId?: pulumi.Input<string>;
  instanceProfile: pulumi.Input<string>;
  securityGroup: pulumi.Input<string>;
  variables: EnvironmentVariables;
  /** ARNs of SSM parameters or Secrets Manager secrets, by the name of the environment variable of the value. */
  secretArns: Record<string, string>;
}

/** Seconds that Beanstalk waits for a command on an instance, such as Iaso's first start after a migration. */
const COMMAND_TIMEOUT_SECONDS = 3600;

/** Returns the settings of every environment, independent of its tier and platform. */
export function commonOptions(hosting: HostingArgs, args: CommonOptionsArgs): OptionSettings {
  const { deploymentPolicy, logRetentionDays } = hosting;
  const { capacity } = args;
  return {
    "aws:autoscaling:asg": { MinSize: capacity.minSize, MaxSize: capacity.maxSize },
    "aws:autoscaling:launchconfiguration": {
      // Version 2 of the metadata service needs a session token, so a forged request cannot fetch credentials.
      DisableIMDSv1: true,
      DisableDefaultEC2SecurityGroup: true,
      IamInstanceProfile: args.instanceProfile,
      ImageId: args.imageId,
      LaunchTemplateTagPropagationEnabled: true,
      RootVolumeSize: 30,
      RootVolumeType: "gp3",
      SecurityGroups: [args.securityGroup],
    },
    "aws:autoscaling:trigger": {
      MeasureName: "CPUUtilization",
      Statistic: "Average",
      Unit: "Percent",
      UpperThreshold: 70,
      UpperBreachScaleIncrement: 1,
      LowerThreshold: 25,
      LowerBreachScaleIncrement: -1,
      Period: 5,
      BreachDuration: 5,
      EvaluationPeriods: 1,
    },
    "aws:autoscaling:updatepolicy:rollingupdate": {
      RollingUpdateEnabled: true,
      RollingUpdateType: "Immutable",
    },
    "aws:ec2:instances": { InstanceTypes: [capacity.instanceType] },
    "aws:ec2:vpc": {
      VPCId: hosting.vpcId,
      Subnets: hosting.instanceSubnetIds,
      AssociatePublicIpAddress: false,
    },
    "aws:elasticbeanstalk:application:environment": args.variables,
    "aws:elasticbeanstalk:application:environmentsecrets": args.secretArns,
    "aws:elasticbeanstalk:cloudwatch:logs": {
      StreamLogs: true,
      DeleteOnTerminate: false,
      RetentionInDays: logRetentionDays,
    },
    "aws:elasticbeanstalk:cloudwatch:logs:health": {
      HealthStreamingEnabled: true,
      DeleteOnTerminate: false,
      RetentionInDays: logRetentionDays,
    },
    "aws:elasticbeanstalk:command": {
      DeploymentPolicy: deploymentPolicy,
      Timeout: COMMAND_TIMEOUT_SECONDS,
      ...(deploymentPolicy !== "Immutable" && { BatchSizeType: "Fixed", BatchSize: 1 }),
    },
    "aws:elasticbeanstalk:environment": {
      // A worker has no load balancer, but "LoadBalanced" also gives it an Auto Scaling group.
      EnvironmentType: "LoadBalanced",
      ServiceRole: hosting.serviceRole.roleName,
      ...(args.tier === "WebServer" && { LoadBalancerType: "application" }),
    },
    "aws:elasticbeanstalk:healthreporting:system": { SystemType: "enhanced" },
    // Platform updates are reviewed changes of this program, not automatic.
    "aws:elasticbeanstalk:managedactions": { ManagedActionsEnabled: false },
  };
}

export interface LoadBalancerOptionsArgs {
  /** Path that returns 200 over plain HTTP. Django redirects a path without its trailing slash. */
  healthCheckPath: string;
  /** ARN of an issued ACM certificate. */
  certificateArn: pulumi.Input<string>;
  securityGroup: pulumi.Input<string>;
  /** Key prefix of the access logs in their bucket. */
  accessLogsPrefix: string;
}

/** Idle timeout of a request in seconds; the proxy on the instances has the same. */
const REQUEST_TIMEOUT_SECONDS = 900;

/** Returns the settings of a web environment's Application Load Balancer: HTTPS only, Beanstalk's listener on port 80 off. */
export function loadBalancerOptions(hosting: HostingArgs, args: LoadBalancerOptionsArgs): OptionSettings {
  return {
    "aws:ec2:vpc": { ELBScheme: "public", ELBSubnets: hosting.publicSubnetIds },
    "aws:elasticbeanstalk:environment:process:default": {
      DeregistrationDelay: 60,
      HealthCheckInterval: 15,
      HealthCheckPath: args.healthCheckPath,
      HealthCheckTimeout: 10,
      HealthyThresholdCount: 3,
      MatcherHTTPCode: "200",
      Port: 80,
      Protocol: "HTTP",
      UnhealthyThresholdCount: 5,
    },
    "aws:elbv2:listener:443": {
      DefaultProcess: "default",
      ListenerEnabled: true,
      Protocol: "HTTPS",
      SSLCertificateArns: [args.certificateArn],
      SSLPolicy: LOAD_BALANCER_TLS_POLICY,
    },
    "aws:elbv2:listener:default": { ListenerEnabled: false },
    "aws:elbv2:loadbalancer": {
      AccessLogsS3Bucket: hosting.accessLogs.bucketName,
      AccessLogsS3Enabled: true,
      AccessLogsS3Prefix: args.accessLogsPrefix,
      IdleTimeout: REQUEST_TIMEOUT_SECONDS,
      ManagedSecurityGroup: args.securityGroup,
      SecurityGroups: [args.securityGroup],
    },
  };
}

/**
 * Creates a listener that redirects HTTP to HTTPS on the load balancer that Beanstalk created. Beanstalk has no option
 * setting for a redirect.
 */
export function redirectToHttps(
  parent: pulumi.Resource,
  name: string,
  loadBalancerArn: pulumi.Input<string>,
  tags: Record<string, string>,
): void {
  new aws.lb.Listener(
    `${name}-redirect-to-https`,
    {
      loadBalancerArn,
      port: 80,
      protocol: "HTTP",
      defaultActions: [
        { type: "redirect", redirect: { protocol: "HTTPS", port: "443", statusCode: "HTTP_301" } },
      ],
      tags,
    },
    { parent },
  );
}

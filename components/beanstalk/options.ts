import * as pulumi from "@pulumi/pulumi";
import { EnvironmentVariables } from "./applicationEnvironment";
import { BeanstalkServiceRole } from "./serviceRole";
import { LogsBucket } from "../logsBucket";
import { Naming } from "../common/naming";
import { OptionSettings, Tier } from "./optionSettings";

/** @see https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/using-features.rolling-version-deploy.html */
export type DeploymentPolicy = "Rolling" | "RollingWithAdditionalBatch" | "Immutable";

/** Size and scaling of one environment. */
export interface Capacity {
  /** Such as `t3.large`; x86_64, as the GDAL image and the platforms' own are. */
  instanceType: string;
  minSize: number;
  maxSize: number;
}

/** What all Beanstalk environments of the platform have in common. */
export interface HostingArgs {
  naming: Naming;
  vpcId: pulumi.Input<string>;
  /** Subnets of the load balancers. */
  publicSubnetIds: pulumi.Input<string[]>;
  /** Private subnets, with a way to the internet. */
  instanceSubnetIds: pulumi.Input<string[]>;
  /** Takes the access logs of the load balancers. */
  accessLogs: LogsBucket;
  serviceRole: BeanstalkServiceRole;
  deploymentPolicy: DeploymentPolicy;
  /** Days for which logs are kept in CloudWatch. */
  logRetentionDays: number;
  /** ARN of the permissions boundary of the instances' roles. */
  permissionsBoundary: pulumi.Input<string>;
}

export interface CommonOptionsArgs {
  tier: Tier;
  capacity: Capacity;
  /** An image of our own; the platform's where it is absent. */
  imageId?: pulumi.Input<string>;
  instanceProfile: pulumi.Input<string>;
  securityGroup: pulumi.Input<string>;
  variables: EnvironmentVariables;
  /** ARNs of SSM parameters or Secrets Manager secrets by the name of the variable that takes their value. */
  secretArns: Record<string, string>;
}

/** Iaso's first start after a migration can take long: seconds that Beanstalk waits for a command on an instance. */
const COMMAND_TIMEOUT_SECONDS = 3600;

/** The settings that every environment of ours has, whatever its tier and platform. */
export function commonOptions(hosting: HostingArgs, args: CommonOptionsArgs): OptionSettings {
  const { deploymentPolicy, logRetentionDays } = hosting;
  const { capacity } = args;
  return {
    "aws:autoscaling:asg": { MinSize: capacity.minSize, MaxSize: capacity.maxSize },
    "aws:autoscaling:launchconfiguration": {
      // Only session-bound requests reach the instance's credentials: a forged request cannot fetch them.
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
      // A worker is "load balanced" too: the word stands for an auto scaling group of more than one instance.
      EnvironmentType: "LoadBalanced",
      ServiceRole: hosting.serviceRole.roleName,
      ...(args.tier === "WebServer" && { LoadBalancerType: "application" }),
    },
    "aws:elasticbeanstalk:healthreporting:system": { SystemType: "enhanced" },
    // Platform versions move by a reviewed change of the program, never by night.
    "aws:elasticbeanstalk:managedactions": { ManagedActionsEnabled: false },
  };
}

export interface LoadBalancerOptionsArgs {
  /** Path that answers 200 over plain HTTP. Iaso's needs its trailing slash, or Django redirects it. */
  healthCheckPath: string;
  /** ARN of a validated certificate. */
  certificateArn: pulumi.Input<string>;
  securityGroup: pulumi.Input<string>;
  /** Folder of the access logs in their bucket. */
  accessLogsPrefix: string;
}

/** Seconds that a request may take: the same as the proxy on the instances allows. */
const REQUEST_TIMEOUT_SECONDS = 900;

/** TLS 1.2 and 1.3 with forward secrecy: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/describe-ssl-policies.html */
const TLS_POLICY = "ELBSecurityPolicy-TLS13-1-2-2021-06";

/** Settings of a web environment's application load balancer: HTTPS only, Beanstalk's own port 80 listener off. */
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
      SSLPolicy: TLS_POLICY,
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

import * as pulumi from "@pulumi/pulumi";
import { EnvironmentVariables } from "./applicationEnvironment";
import { BeanstalkServiceRole } from "./serviceRole";
import { EncryptionKey } from "../encryptionKey";
import { LogsBucket } from "../logsBucket";
import { Naming } from "../common/naming";
import { Tier } from "../../policies/facts/beanstalkOptions";
import { LOAD_BALANCER_TLS_POLICY } from "../../policies/facts/tlsPolicies";
import { OptionSettings } from "./optionSettings";

/**
 * How Beanstalk deploys a version on the instances of an environment.
 *
 * @see https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/using-features.rolling-version-deploy.html
 */
export type DeploymentPolicy = "Rolling" | "RollingWithAdditionalBatch" | "Immutable";

/** Instance type and number of instances of one environment. A change replaces instances, not the environment. */
export interface Capacity {
  /**
   * EC2 instance type with x86_64 processors. The platforms' AMIs and the GDAL image are for x86_64.
   *
   * @example "t3.large"
   */
  instanceType: string;
  /** Minimum number of instances. */
  minSize: number;
  /** Maximum number of instances. */
  maxSize: number;
}

/** The arguments that all Beanstalk environments of the platform share. */
export interface HostingArgs {
  naming: Naming;
  /** Id of the VPC. */
  vpcId: pulumi.Input<string>;
  /** Ids of the subnets of the load balancers. */
  publicSubnetIds: pulumi.Input<string[]>;
  /** Ids of the subnets of the instances: private ones with a route to a NAT gateway. */
  instanceSubnetIds: pulumi.Input<string[]>;
  /** The bucket for the access logs of the load balancers. */
  accessLogs: LogsBucket;
  /** The role with which Beanstalk monitors and changes the environments. */
  serviceRole: BeanstalkServiceRole;
  /** How Beanstalk deploys a version. */
  deploymentPolicy: DeploymentPolicy;
  /** Days for which CloudWatch keeps the environments' logs. */
  logRetentionDays: number;
  /** ARN of the permissions boundary of the instances' roles. */
  permissionsBoundary: pulumi.Input<string>;
  /** The environment's own KMS key, if it has one. The instances need it for their secrets and for what they store. */
  encryptionKey?: EncryptionKey;
}

export interface CommonOptionsArgs {
  /** Tier of the environment. Some options apply to web servers only. */
  tier: Tier;
  capacity: Capacity;
  /**
   * Id of the instances' AMI.
   *
   * @default The AMI of the platform version.
   */
  imageId?: pulumi.Input<string>;
  /** Name of the instance profile. */
  instanceProfile: pulumi.Input<string>;
  /** Id of the instances' security group. */
  securityGroup: pulumi.Input<string>;
  /** Plain environment variables. */
  variables: EnvironmentVariables;
  /** ARNs of SSM parameters or Secrets Manager secrets, by the environment variable that gets their value. */
  secretArns: Record<string, string>;
}

/** Time that Beanstalk waits for a command on an instance. Iaso's first start after a migration can take long. */
const COMMAND_TIMEOUT_SECONDS = 3600;

/**
 * How long the provider waits for an environment to be Ready: longer than Beanstalk itself waits for a command, which
 * adds up to four minutes, and for the instances before it.
 */
export const READY_TIMEOUT = "2h";

/**
 * Client errors (4xx) do not make an environment unhealthy: scanners and expired logins cause them, and on a quiet site
 * they would be most of the traffic.
 *
 * @see https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/health-enhanced-rules.html
 */
const HEALTH_RULES = JSON.stringify({
  Rules: {
    Environment: {
      Application: { ApplicationRequests4xx: { Enabled: false } },
      ELB: { ELBRequests4xx: { Enabled: false } },
    },
  },
});

/** Returns the option settings of every environment, whatever its role and platform. */
export function commonOptions(hosting: HostingArgs, args: CommonOptionsArgs): OptionSettings {
  const { deploymentPolicy, logRetentionDays } = hosting;
  const { capacity } = args;
  return {
    "aws:autoscaling:asg": { MinSize: capacity.minSize, MaxSize: capacity.maxSize },
    "aws:autoscaling:launchconfiguration": {
      // IMDSv2 needs a session, so a forged request cannot read the instance's credentials.
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
      // A worker is "load balanced" too: the value means an auto scaling group of more than one instance.
      EnvironmentType: "LoadBalanced",
      ServiceRole: hosting.serviceRole.roleName,
      ...(args.tier === "WebServer" && { LoadBalancerType: "application" }),
    },
    "aws:elasticbeanstalk:healthreporting:system": { SystemType: "enhanced", ConfigDocument: HEALTH_RULES },
    // A reviewed change of the program updates the platform version, not Beanstalk at night.
    "aws:elasticbeanstalk:managedactions": { ManagedActionsEnabled: false },
  };
}

export interface LoadBalancerOptionsArgs {
  /**
   * Path that returns 200 over plain HTTP.
   *
   * @example "/_health/"
   */
  healthCheckPath: string;
  /** ARN of an issued certificate, in the region of the load balancer. */
  certificateArn: pulumi.Input<string>;
  /** Id of the load balancer's security group. */
  securityGroup: pulumi.Input<string>;
  /** Prefix of the access logs in their bucket. */
  accessLogsPrefix: string;
}

/** Time limit of a request: the same as that of the proxy on the instances. */
const REQUEST_TIMEOUT_SECONDS = 900;

/** Returns the option settings of an application load balancer with HTTPS only. Beanstalk's listener on port 80 is off. */
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

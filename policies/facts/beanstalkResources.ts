/** The environment that Beanstalk changes. */
export interface ChangedEnvironment {
  region: string;
  accountId: string;
  /** Name of the environment. */
  environment: string;
  environmentId: string;
  /** Name of the environment's application. */
  application: string;
  /** The environment's own tags. Beanstalk gives them, and some of its own, to the resources of the environment. */
  tags: Readonly<Record<string, string>>;
  /** The environment's load balancer, as its ARN names it. */
  loadBalancer?: string;
  /** ARNs of the environment's service role and of its instances' role. */
  roles: readonly string[];
}

/**
 * Condition keys for the tags of an environment's resources. CloudFormation passes the tags of Beanstalk's stack on, and
 * the option LaunchTemplateTagPropagationEnabled tags launch templates too.
 *
 * @see https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/applications-tagging-resources.html
 * @see https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/applications-tagging-resources.launch-templates.html
 */
export function tagKeys(prefix: string, { environment, environmentId, tags }: ChangedEnvironment) {
  const all = {
    ...tags,
    "elasticbeanstalk:environment-name": environment,
    "elasticbeanstalk:environment-id": environmentId,
  };
  return Object.fromEntries(Object.entries(all).map(([tag, value]) => [`${prefix}/${tag}`, value]));
}

/** ARNs of the resources that one environment consists of, with the names that Beanstalk and CloudFormation choose. */
export function resourcesOf({
  accountId,
  environment,
  environmentId,
  loadBalancer = "app/awseb--AWSEB-0123456789AB/0123456789abcdef",
  region,
}: ChangedEnvironment) {
  const stackName = `awseb-${environmentId}-stack`;
  const arn = (service: string, resource: string) => `arn:aws:${service}:${region}:${accountId}:${resource}`;
  const uuid = "01234567-89ab-cdef-0123-456789abcdef";
  return {
    stack: arn("cloudformation", `stack/${stackName}/${uuid}`),
    immutableStack: arn("cloudformation", `stack/awseb-${environmentId}-immutable-stack/${uuid}`),
    group: arn(
      "autoscaling",
      `autoScalingGroup:${uuid}:autoScalingGroupName/${stackName}-AWSEBAutoScalingGroup-0123456789AB`,
    ),
    alarm: arn("cloudwatch", `alarm:${stackName}-AWSEBCloudwatchAlarmHigh-0123456789AB`),
    loadBalancer: arn("elasticloadbalancing", `loadbalancer/${loadBalancer}`),
    targetGroup: arn("elasticloadbalancing", "targetgroup/awseb-AWSEB-0123456789AB/0123456789abcdef"),
    listener: arn("elasticloadbalancing", `listener/${loadBalancer}/0123456789abcdef`),
    launchTemplate: arn("ec2", "launch-template/lt-0123456789abcdef0"),
    instance: arn("ec2", "instance/i-0123456789abcdef0"),
    volume: arn("ec2", "volume/*"),
    networkInterface: arn("ec2", "network-interface/*"),
    securityGroup: arn("ec2", "security-group/sg-0123456789abcdef0"),
    subnet: arn("ec2", "subnet/subnet-0123456789abcdef0"),
    image: `arn:aws:ec2:${region}::image/ami-0123456789abcdef0`,
    logGroup: arn("logs", `log-group:/aws/elasticbeanstalk/${environment}/var/log/nginx/access.log`),
    table: arn("dynamodb", `table/${stackName}-AWSEBWorkerCronLeaderRegistry-0123456789AB`),
    /** The account's own bucket in the region. */
    bucket: `arn:aws:s3:::elasticbeanstalk-${region}-${accountId}`,
    /** AWS's bucket with the templates, scripts and patches of the region. */
    environmentResources: `arn:aws:s3:::elasticbeanstalk-env-resources-${region}`,
  };
}

/**
 * Keys of the objects in Beanstalk's bucket that an update of an environment writes and its instances read: which version
 * to run, the version, and its configuration files.
 *
 * Seen in eb-engine.log of Amazon Linux 2023 instances (2023-12 to 2026-03) and in the IAM errors of people whose roles
 * were too narrow. AWS documents none of it.
 */
export function objectsOf({ application, environmentId }: ChangedEnvironment): string[] {
  const environment = `resources/environments/${environmentId}/_runtime`;
  return [
    `${environment}/versions/manifest_1772541522627`,
    `${environment}/_versions/${application}/1.2-260303`,
    `${environment}/_embedded_extensions/${application}/1.2-260303/extension.config`,
    `resources/_runtime/_embedded_extensions/${application}/1.2-260303/extension.config`,
  ];
}

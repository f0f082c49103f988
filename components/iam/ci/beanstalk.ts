import { ARTIFACTS } from "../../common/artifacts";
import { InstanceRole, Naming } from "../../common/naming";
import { inOwnAccount, PolicyStatement, tagConditions } from "../policyDocument";

/**
 * Permissions that Beanstalk uses on behalf of a caller who deploys another version: it updates the environments'
 * stacks, and through them starts new instances, terminates old ones and registers them with the load balancer.
 * `callsOfUpdate` in policies/facts/beanstalkCalls.ts lists the calls.
 *
 * Beanstalk and CloudFormation choose the names, so tags limit the permissions: Beanstalk gives the environment's tags to
 * the stack, and CloudFormation passes them on. The condition key `aws:CalledVia` would be narrower, but Beanstalk does
 * not set it.
 *
 * @param roles The roles of the environments.
 * @param gdalImageId An image of somebody else that the settings name; empty if there is none.
 * @returns two lists of statements, because AWS limits the size of a policy
 * @see https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AdministratorAccess-AWSElasticBeanstalk.html
 */
export function updateStatements(
  naming: Naming,
  roles: readonly InstanceRole[],
  gdalImageId: string,
): Record<"beanstalk" | "instances", PolicyStatement[]> {
  const loadBalancing = (resource: string) => naming.arn("elasticloadbalancing", resource);
  const environments = roles.map((role) => naming.environment(role));
  const tags = { project: "iaso", env: naming.env, role: [...roles] };
  const ofOwnEnvironment = { StringEquals: tagConditions("aws:ResourceTag", tags) };
  // For what the program creates itself, without Beanstalk's tag for the role.
  const ofProject = {
    StringEquals: tagConditions("aws:ResourceTag", { project: tags.project, env: tags.env }),
  };
  const forOwnEnvironment = { StringEquals: tagConditions("aws:RequestTag", tags) };
  // For resources that may have no tags yet. Every environment of Beanstalk, not only the program's, has its name.
  const known = { ...tags, "elasticbeanstalk:environment-name": environments };
  const notOfOtherEnvironment = {
    StringEqualsIfExists: {
      ...tagConditions("aws:ResourceTag", known),
      ...tagConditions("aws:RequestTag", known),
    },
  };
  const groups = naming.arn("autoscaling", "autoScalingGroup:*:autoScalingGroupName/awseb-e-*");
  const launchTemplates = naming.arn("ec2", "launch-template/*");
  const images = (id: string) => `arn:aws:ec2:${naming.region}::image/${id}`;
  const fromTemplate = { ArnLike: { "ec2:LaunchTemplate": launchTemplates } };
  const beanstalk: PolicyStatement[] = [
    {
      Sid: "LookThroughBeanstalk",
      Effect: "Allow",
      Action: [
        "acm:DescribeCertificate",
        "acm:ListCertificates",
        "autoscaling:Describe*",
        "cloudformation:Describe*",
        "cloudformation:ListStackResources",
        "cloudwatch:DescribeAlarms",
        "ec2:DescribeAccountAttributes",
        "ec2:DescribeAddresses",
        "ec2:DescribeAvailabilityZones",
        "ec2:DescribeImages",
        "ec2:DescribeInstanceAttribute",
        "ec2:DescribeInstances",
        "ec2:DescribeKeyPairs",
        "ec2:DescribeLaunchTemplate*",
        "ec2:DescribeSecurityGroups",
        "ec2:DescribeSnapshots",
        "ec2:DescribeSpotInstanceRequests",
        "ec2:DescribeSubnets",
        "ec2:DescribeVpcs",
        "elasticloadbalancing:Describe*",
        "iam:ListAttachedRolePolicies",
        "iam:ListInstanceProfiles",
        "iam:ListRolePolicies",
        "iam:ListRoles",
        "iam:ListServerCertificates",
        "logs:DescribeLogGroups",
        "rds:DescribeDBEngineVersions",
        "rds:DescribeDBInstances",
        "rds:DescribeOrderableDBInstanceOptions",
        "sns:ListSubscriptionsByTopic",
        "sns:ListTopics",
      ],
      Resource: "*",
    },
    {
      Sid: "UpdateStacks",
      Effect: "Allow",
      Action: [
        "cloudformation:CancelUpdateStack",
        "cloudformation:ContinueUpdateRollback",
        "cloudformation:GetTemplate",
        "cloudformation:SignalResource",
        "cloudformation:TagResource",
        "cloudformation:UntagResource",
        "cloudformation:UpdateStack",
      ],
      Resource: naming.arn("cloudformation", "stack/awseb-e-*"),
      Condition: ofOwnEnvironment,
    },
    {
      // An immutable deployment starts the new version in a temporary stack.
      Sid: "TryInStackOfItsOwn",
      Effect: "Allow",
      Action: ["cloudformation:CreateStack", "cloudformation:DeleteStack", "cloudformation:TagResource"],
      Resource: naming.arn("cloudformation", "stack/awseb-e-*-immutable-stack/*"),
      Condition: notOfOtherEnvironment,
    },
    {
      // With a numbered version of a template, AWS checks that the caller may pass the instance profile in it; with
      // $Latest, and with a launch configuration, it does not:
      // https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-launch-template-permissions.html
      Sid: "CreateGroups",
      Effect: "Allow",
      Action: "autoscaling:CreateAutoScalingGroup",
      Resource: groups,
      Condition: { ...forOwnEnvironment, Bool: { "autoscaling:LaunchTemplateVersionSpecified": "true" } },
    },
    {
      Sid: "TagGroups",
      Effect: "Allow",
      Action: "autoscaling:CreateOrUpdateTags",
      Resource: groups,
      Condition: notOfOtherEnvironment,
    },
    {
      Sid: "ChangeGroups",
      Effect: "Allow",
      Action: [
        "autoscaling:AttachInstances",
        "autoscaling:DeleteAutoScalingGroup",
        "autoscaling:DeletePolicy",
        "autoscaling:DeleteScheduledAction",
        "autoscaling:DetachInstances",
        "autoscaling:PutNotificationConfiguration",
        "autoscaling:PutScalingPolicy",
        "autoscaling:PutScheduledUpdateGroupAction",
        "autoscaling:ResumeProcesses",
        "autoscaling:SetDesiredCapacity",
        "autoscaling:SuspendProcesses",
        "autoscaling:TerminateInstanceInAutoScalingGroup",
        "autoscaling:UpdateAutoScalingGroup",
      ],
      Resource: groups,
      Condition: {
        ...ofOwnEnvironment,
        BoolIfExists: { "autoscaling:LaunchTemplateVersionSpecified": "true" },
        Null: { "autoscaling:LaunchConfigurationName": "true" },
      },
    },
    {
      Sid: "ChangeAlarms",
      Effect: "Allow",
      Action: "cloudwatch:PutMetricAlarm",
      Resource: naming.arn("cloudwatch", "alarm:awseb-e-*"),
      Condition: notOfOtherEnvironment,
    },
    {
      Sid: "RegisterInstances",
      Effect: "Allow",
      Action: [
        "elasticloadbalancing:AddTags",
        "elasticloadbalancing:DeregisterTargets",
        "elasticloadbalancing:RegisterTargets",
      ],
      Resource: [loadBalancing("loadbalancer/app/awseb-*"), loadBalancing("targetgroup/awseb-*")],
      Condition: ofOwnEnvironment,
    },
  ];
  const instances: PolicyStatement[] = [
    {
      Sid: "CreateLaunchTemplates",
      Effect: "Allow",
      Action: "ec2:CreateLaunchTemplate",
      Resource: launchTemplates,
      Condition: forOwnEnvironment,
    },
    {
      Sid: "ChangeLaunchTemplates",
      Effect: "Allow",
      Action: [
        "ec2:CreateLaunchTemplateVersion",
        "ec2:DeleteLaunchTemplate",
        "ec2:DeleteLaunchTemplateVersions",
        "ec2:ModifyLaunchTemplate",
      ],
      Resource: launchTemplates,
      Condition: ofOwnEnvironment,
    },
    {
      Sid: "StartInstances",
      Effect: "Allow",
      Action: "ec2:RunInstances",
      Resource: ["instance/*", "network-interface/*", "subnet/*", "volume/*"].map((id) =>
        naming.arn("ec2", id),
      ),
      Condition: fromTemplate,
    },
    {
      // An image is a disk: an instance of a stranger's private image could read it. Beanstalk's are public.
      Sid: "StartPublicImages",
      Effect: "Allow",
      Action: "ec2:RunInstances",
      Resource: images("*"),
      Condition: { ...fromTemplate, Bool: { "ec2:Public": "true" } },
    },
    {
      Sid: "StartOwnImages",
      Effect: "Allow",
      Action: "ec2:RunInstances",
      Resource: images("*"),
      Condition: { ...fromTemplate, ...ofProject },
    },
    ...(gdalImageId === ""
      ? []
      : [
          {
            Sid: "StartGivenImage",
            Effect: "Allow" as const,
            Action: "ec2:RunInstances",
            Resource: images(gdalImageId),
            Condition: fromTemplate,
          },
        ]),
    {
      Sid: "StartFromOwnTemplates",
      Effect: "Allow",
      Action: "ec2:RunInstances",
      Resource: launchTemplates,
      Condition: { ...fromTemplate, ...ofOwnEnvironment },
    },
    {
      Sid: "StartInOwnSecurityGroups",
      Effect: "Allow",
      Action: "ec2:RunInstances",
      Resource: naming.arn("ec2", "security-group/*"),
      Condition: { ...fromTemplate, ...ofProject },
    },
    {
      Sid: "TagWhatIsCreated",
      Effect: "Allow",
      Action: "ec2:CreateTags",
      Resource: naming.arn("ec2", "*"),
      Condition: {
        ...notOfOtherEnvironment,
        StringEquals: { "ec2:CreateAction": ["CreateLaunchTemplate", "RunInstances"] },
      },
    },
    {
      Sid: "StopOwnInstances",
      Effect: "Allow",
      Action: "ec2:TerminateInstances",
      Resource: naming.arn("ec2", "instance/*"),
      Condition: ofOwnEnvironment,
    },
    {
      Sid: "KeepLogGroups",
      Effect: "Allow",
      Action: ["logs:CreateLogGroup", "logs:PutRetentionPolicy"],
      Resource: environments.map((name) => naming.arn("logs", `log-group:/aws/elasticbeanstalk/${name}/*`)),
    },
    {
      // Beanstalk asks for its bucket at each update, and creates it if it does not exist.
      Sid: "FindBeanstalkBucket",
      Effect: "Allow",
      Action: ["s3:CreateBucket", "s3:GetBucketLocation", "s3:GetBucketPolicy", "s3:ListBucket"],
      Resource: naming.beanstalkBucketArn,
    },
    {
      Sid: "StageVersions",
      Effect: "Allow",
      Action: [
        "s3:DeleteObject",
        "s3:GetObject",
        "s3:GetObjectAcl",
        "s3:GetObjectVersion",
        "s3:GetObjectVersionAcl",
        "s3:PutObject",
        "s3:PutObjectAcl",
        "s3:PutObjectVersionAcl",
      ],
      Resource: stagedVersions(naming, roles),
      Condition: inOwnAccount(naming.accountId),
    },
    {
      // AWS's bucket with the templates of environments' stacks and the patches of instances.
      Sid: "ReadEnvironmentResources",
      Effect: "Allow",
      Action: "s3:GetObject",
      Resource: `${naming.beanstalkResourcesBucketArn}/*`,
    },
    {
      // Beanstalk may read the source bundle of a version again that it has processed.
      Sid: "ReadBundles",
      Effect: "Allow",
      Action: "s3:GetObject",
      Resource: ["bundles", ARTIFACTS.updates].map(
        (folder) => `${naming.bucketArn("artifacts")}/${folder}/*`,
      ),
      Condition: inOwnAccount(naming.accountId),
    },
  ];
  return { beanstalk, instances };
}

/**
 * ARNs of the objects in Beanstalk's bucket that belong to the environments. The account's environments share the
 * bucket, and the keys begin with ids that Beanstalk chooses. The id of an environment is unknown at the first preview,
 * when a policy document must be known, so it is a tag of the role and the document names the tag.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
 */
function stagedVersions(naming: Naming, roles: readonly InstanceRole[]): string[] {
  const applications = new Set(roles.map((role) => naming.applicationOf(role)));
  return [
    ...roles.map((role) => `environments/\${aws:PrincipalTag/${naming.environmentIdTag(role)}}/*`),
    ...[...applications].map((application) => `_runtime/_embedded_extensions/${application}/*`),
  ].map((key) => `${naming.beanstalkBucketArn}/resources/${key}`);
}

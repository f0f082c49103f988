import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { InstanceRole, Naming } from "../common/naming";
import { policyDocument, SESSION_MANAGER_ACTIONS, PolicyStatement, trustPolicy } from "../iam/policyDocument";

export interface InstanceProfileArgs {
  naming: Naming;
  role: InstanceRole;
  /** Names of the Beanstalk application and environment that the instances belong to. */
  application: string;
  environment: string;
  /** Variables whose secret values the instances may read, and no others. */
  secretVariables: string[];
  /** What the instances may do next to what every Beanstalk instance must be able to do. */
  statements: PolicyStatement[];
  permissionsBoundary: pulumi.Input<string>;
  /** Whether a person with the right to can open a shell on the instances through Session Manager; no port opens. */
  shellAccess: boolean;
}

/** An instance profile and all that must exist before an instance can start with it. */
export interface InstanceProfile {
  name: pulumi.Output<string>;
  parts: pulumi.Resource[];
}

/**
 * The rights of one kind of instance, in place of AWS's managed tier policies, which reach every Beanstalk
 * environment of the account.
 *
 * @see https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/iam-instanceprofile.html
 */
export function createInstanceProfile(parent: pulumi.Resource, args: InstanceProfileArgs): InstanceProfile {
  const { naming, role: roleKey, permissionsBoundary } = args;
  const name = naming.instanceRole(roleKey);
  const tags = naming.tags({ role: roleKey });
  const role = new aws.iam.Role(
    roleKey,
    { name, assumeRolePolicy: trustPolicy({ Service: "ec2.amazonaws.com" }), permissionsBoundary, tags },
    { parent },
  );
  const policy = new aws.iam.RolePolicy(
    roleKey,
    {
      name: roleKey,
      role: role.name,
      policy: policyDocument([...beanstalkStatements(args), ...args.statements]),
    },
    { parent: role },
  );
  const profile = new aws.iam.InstanceProfile(roleKey, { name, role: role.name, tags }, { parent: role });
  return { name: profile.name, parts: [profile, policy] };
}

function beanstalkStatements({
  naming,
  application,
  environment,
  secretVariables,
  shellAccess,
}: InstanceProfileArgs): PolicyStatement[] {
  const beanstalkBucket = `arn:aws:s3:::elasticbeanstalk-${naming.region}-${naming.accountId}`;
  return [
    {
      Sid: "ReportHealth",
      Effect: "Allow",
      Action: "elasticbeanstalk:PutInstanceStatistics",
      Resource: [
        naming.arn("elasticbeanstalk", `application/${application}`),
        naming.arn("elasticbeanstalk", `environment/${application}/${environment}`),
      ],
    },
    {
      Sid: "StreamLogs",
      Effect: "Allow",
      Action: [
        "logs:CreateLogGroup",
        "logs:CreateLogStream",
        "logs:DescribeLogGroups",
        "logs:DescribeLogStreams",
        "logs:PutLogEvents",
        "logs:PutRetentionPolicy",
      ],
      Resource: naming.arn("logs", `log-group:/aws/elasticbeanstalk/${environment}/*`),
    },
    {
      Sid: "PublishMetrics",
      Effect: "Allow",
      Action: "cloudwatch:PutMetricData",
      Resource: "*",
      Condition: { StringEquals: { "cloudwatch:namespace": ["AWS/ElasticBeanstalk", "CWAgent"] } },
    },
    {
      // The CloudWatch agent looks up its auto scaling group and volumes; neither call takes a resource.
      Sid: "DescribeOwnInstance",
      Effect: "Allow",
      Action: ["ec2:DescribeTags", "ec2:DescribeVolumes"],
      Resource: "*",
    },
    {
      Sid: "HandOverLogBundles",
      Effect: "Allow",
      Action: "s3:PutObject",
      Resource: `${beanstalkBucket}/resources/environments/logs/*`,
    },
    {
      Sid: "FetchVersions",
      Effect: "Allow",
      Action: "s3:GetObject",
      Resource: [`${beanstalkBucket}/*`, `${naming.bucketArn("artifacts")}/bundles/*`],
    },
    {
      Sid: "ReadOwnSecrets",
      Effect: "Allow",
      Action: ["ssm:GetParameter", "ssm:GetParameters"],
      Resource: [...secretVariables].sort().map((variable) => naming.secretParameterArn(variable)),
    },
    ...(shellAccess
      ? [{ Sid: "TakeSessions", Effect: "Allow", Action: SESSION_MANAGER_ACTIONS, Resource: "*" } as const]
      : []),
  ];
}

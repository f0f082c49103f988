import { ARTIFACTS } from "../../common/artifacts";
import { InstanceRole, Naming } from "../../common/naming";
import { keyUse } from "../keyUse";
import { inOwnAccount, PolicyStatement, tagConditions } from "../policyDocument";

/** The roles of the environments that the deploy tool updates. */
export const PAIR: readonly InstanceRole[] = ["web", "worker"];

/**
 * Permissions of the `deploy` role for the calls that the deploy tool makes. `updateStatements` has those for the calls
 * that Beanstalk then makes in its name.
 *
 * @param encrypted True if the environment's own KMS key encrypts the secrets.
 * @see https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/AWSHowTo.iam.managed-policies.html
 */
export function deployStatements(naming: Naming, encrypted: boolean): PolicyStatement[] {
  const { application } = naming;
  const artifacts = naming.bucketArn("artifacts");
  const staticFiles = naming.bucketArn("static");
  const restorePoints = naming.arn("rds", `snapshot:${naming.name("before-*")}`);
  const token = naming.secretParameterArn("DEPLOY_API_TOKEN");
  return [
    {
      Sid: "FindEnvironments",
      Effect: "Allow",
      Action: [
        "elasticbeanstalk:DescribeApplicationVersions",
        "elasticbeanstalk:DescribeEnvironments",
        "elasticbeanstalk:DescribeEvents",
        "elasticbeanstalk:DescribeInstancesHealth",
        "elasticbeanstalk:ListTagsForResource",
      ],
      Resource: "*",
    },
    {
      // The settings of other applications' environments may hold secrets.
      Sid: "ReadSettings",
      Effect: "Allow",
      Action: "elasticbeanstalk:DescribeConfigurationSettings",
      Resource: naming.arn("elasticbeanstalk", `environment/${application}/*`),
    },
    {
      Sid: "UpdateEnvironments",
      Effect: "Allow",
      Action: [
        "elasticbeanstalk:AbortEnvironmentUpdate",
        "elasticbeanstalk:CreateApplicationVersion",
        "elasticbeanstalk:DeleteApplicationVersion",
        "elasticbeanstalk:UpdateEnvironment",
        "elasticbeanstalk:AddTags",
      ],
      Resource: [
        naming.arn("elasticbeanstalk", `application/${application}`),
        naming.arn("elasticbeanstalk", `applicationversion/${application}/*`),
        naming.arn("elasticbeanstalk", `environment/${application}/*`),
      ],
    },
    {
      Sid: "PassInstanceRoles",
      Effect: "Allow",
      Action: "iam:PassRole",
      Resource: [naming.instanceRole("web"), naming.instanceRole("worker"), naming.beanstalkServiceRole].map(
        (role) => naming.roleArn(role),
      ),
      Condition: {
        StringEquals: { "iam:PassedToService": ["ec2.amazonaws.com", "elasticbeanstalk.amazonaws.com"] },
      },
    },
    {
      Sid: "KeepBundlesLockAndJournal",
      Effect: "Allow",
      Action: ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"],
      Resource: ARTIFACTS.deployments.map((folder) => `${artifacts}/${folder}/*`),
      Condition: inOwnAccount(naming.accountId),
    },
    {
      // A deployment waits until an unfinished restore is finished.
      Sid: "LookAtRestores",
      Effect: "Allow",
      Action: "s3:GetObject",
      Resource: `${artifacts}/${ARTIFACTS.restores}/*`,
      Condition: inOwnAccount(naming.accountId),
    },
    {
      Sid: "PublishStaticFiles",
      Effect: "Allow",
      Action: ["s3:DeleteObjectVersion", "s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"],
      Resource: `${staticFiles}/*`,
      Condition: inOwnAccount(naming.accountId),
    },
    {
      // A rollback restores files that a later version has overwritten.
      Sid: "FindOldStaticFiles",
      Effect: "Allow",
      Action: ["s3:GetBucketVersioning", "s3:ListBucketVersions"],
      Resource: staticFiles,
    },
    {
      // Beanstalk looks where the bucket of a source bundle is.
      Sid: "ListBuckets",
      Effect: "Allow",
      Action: ["s3:GetBucketLocation", "s3:ListBucket"],
      Resource: [artifacts, staticFiles],
    },
    {
      Sid: "LookAtTasks",
      Effect: "Allow",
      Action: ["sqs:GetQueueAttributes", "sqs:GetQueueUrl"],
      Resource: naming.arn("sqs", naming.queue),
    },
    {
      Sid: "ReadDeploymentParameters",
      Effect: "Allow",
      Action: "ssm:GetParameter",
      Resource: [naming.arn("ssm", `parameter${naming.deploymentParameter}`), token],
    },
    ...(encrypted
      ? [
          keyUse(naming, {
            Sid: "DecryptToken",
            Action: "kms:Decrypt",
            services: ["ssm"],
            parameterArns: [token],
          }),
        ]
      : []),
    {
      Sid: "TakeRestorePoint",
      Effect: "Allow",
      Action: "rds:CreateDBSnapshot",
      Resource: [naming.arn("rds", `db:${naming.name()}`), restorePoints],
    },
    {
      // Not of the database: AWS Backup's snapshots copy its tags, and operators may restore by tag.
      Sid: "TagRestorePoint",
      Effect: "Allow",
      Action: "rds:AddTagsToResource",
      Resource: restorePoints,
      Condition: {
        StringEqualsIfExists: tagConditions("aws:RequestTag", { project: "iaso", env: naming.env }),
      },
    },
    {
      Sid: "LookAtSnapshots",
      Effect: "Allow",
      Action: "rds:DescribeDBSnapshots",
      Resource: "*",
    },
  ];
}

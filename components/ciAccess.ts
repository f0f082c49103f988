import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { CiRole, Naming } from "./common/naming";
import { policyDocument, Statement, trustPolicy } from "./iam/policyDocument";

export interface CiAccessArgs {
  naming: Naming;
  /** `owner/name` of the repository that holds this program: it may preview and change the infrastructure. */
  infrastructureRepository: string;
  /** `owner/name` of the application's repository: it may deploy new versions. */
  applicationRepository: string;
  /**
   * Whether this stack makes the account's identity provider for GitHub. AWS takes one per account: one stack of
   * an account makes it, the others use it.
   */
  createOidcProvider: boolean;
  /** Bucket that holds Pulumi's state, where it is kept in S3; empty where Pulumi Cloud keeps it. */
  stateBucket: string;
  /**
   * ARN of the KMS key that encrypts the stack's secrets, which a preview must decrypt too; empty where Pulumi Cloud
   * does that.
   *
   * @see https://www.pulumi.com/docs/iac/concepts/secrets/#changing-the-secrets-provider-for-a-stack
   */
  secretsKeyArn: string;
  /** Name of the Beanstalk application that the deploy role may update. */
  application: string;
}

const GITHUB_ISSUER = "token.actions.githubusercontent.com";
const AUDIENCE = "sts.amazonaws.com";

/** An update that makes a database and an image takes up to two hours. */
const MAXIMUM_SESSION_SECONDS = 3 * 3600;

/**
 * GitHub Actions' way in: short-lived credentials by OpenID Connect, no key that could leak. Three roles, each
 * bound to a repository and to a GitHub environment or to pull requests.
 *
 * @see https://docs.github.com/en/actions/how-tos/secure-your-work/security-harden-deployments/oidc-in-aws
 */
export class CiAccess extends pulumi.ComponentResource {
  readonly roleArns: Record<CiRole, pulumi.Output<string>>;
  private readonly provider?: aws.iam.OpenIdConnectProvider;

  constructor(
    name: string,
    private readonly args: CiAccessArgs,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super("iaso:index:CiAccess", name, {}, opts);
    const { naming, infrastructureRepository, applicationRepository } = args;
    this.provider = args.createOidcProvider ? this.createProvider(name) : undefined;

    this.roleArns = {
      preview: this.role(
        "preview",
        [
          `repo:${infrastructureRepository}:pull_request`,
          `repo:${infrastructureRepository}:ref:refs/heads/main`,
        ],
        [
          ...previewStatements(naming),
          ...stateStatements(args.stateBucket, ["s3:GetObject"]),
          ...secretsStatements(args.secretsKeyArn),
        ],
      ),
      up: this.role(
        "up",
        [`repo:${infrastructureRepository}:environment:${naming.env}`],
        [
          ...upStatements(naming),
          ...stateStatements(args.stateBucket, ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"]),
          ...secretsStatements(args.secretsKeyArn),
        ],
      ),
      deploy: this.role(
        "deploy",
        [applicationRepository, infrastructureRepository].map(
          (repository) => `repo:${repository}:environment:${naming.env}`,
        ),
        deployStatements(naming, args.application),
      ),
    };
    this.registerOutputs(this.roleArns);
  }

  private createProvider(name: string): aws.iam.OpenIdConnectProvider {
    return new aws.iam.OpenIdConnectProvider(
      name,
      { url: `https://${GITHUB_ISSUER}`, clientIdLists: [AUDIENCE], tags: this.args.naming.tags() },
      { parent: this },
    );
  }

  private role(key: CiRole, subjects: string[], statements: Statement[]): pulumi.Output<string> {
    const { naming } = this.args;
    const role = new aws.iam.Role(
      `ci-${key}`,
      {
        name: naming.ciRole(key),
        description: `GitHub Actions, ${key}`,
        // The provider's ARN follows from its address, so that policies can judge the document.
        assumeRolePolicy: trustPolicy(
          { Federated: `arn:aws:iam::${naming.accountId}:oidc-provider/${GITHUB_ISSUER}` },
          { StringEquals: { [`${GITHUB_ISSUER}:aud`]: AUDIENCE, [`${GITHUB_ISSUER}:sub`]: subjects } },
          "sts:AssumeRoleWithWebIdentity",
        ),
        maxSessionDuration: MAXIMUM_SESSION_SECONDS,
        tags: naming.tags(),
      },
      { parent: this, dependsOn: this.provider },
    );
    new aws.iam.RolePolicy(
      `ci-${key}`,
      { name: key, role: role.name, policy: policyDocument(statements) },
      { parent: role },
    );
    return role.arn;
  }
}

/** The services that the program's resources belong to, by their IAM prefix. */
const SERVICES = [
  "acm",
  "autoscaling",
  "cloudformation",
  "cloudfront",
  "cloudwatch",
  "ec2",
  "elasticache",
  "elasticbeanstalk",
  "elasticloadbalancing",
  "logs",
  "rds",
  "route53",
  "s3",
  "sns",
  "sqs",
];

/** Services of this platform that make a role for themselves. */
const SERVICE_LINKED = [
  "autoscaling.amazonaws.com",
  "elasticache.amazonaws.com",
  "*elasticbeanstalk.amazonaws.com",
  "elasticloadbalancing.amazonaws.com",
  "rds.amazonaws.com",
];

/**
 * Reading what exists, but nothing of what is in it: no object, no message, no secret. Preview and refresh need it,
 * and most of these calls take no resource.
 */
function previewStatements(naming: Naming): Statement[] {
  return [
    {
      Sid: "ReadInfrastructure",
      Effect: "Allow",
      Action: [
        ...SERVICES.filter((service) => service !== "s3").flatMap((service) => [
          `${service}:Describe*`,
          `${service}:Get*`,
          `${service}:List*`,
        ]),
        "s3:GetAccelerateConfiguration",
        "s3:GetBucket*",
        "s3:GetEncryptionConfiguration",
        "s3:GetLifecycleConfiguration",
        "s3:GetReplicationConfiguration",
        "s3:ListBucket",
      ],
      Resource: "*",
    },
    {
      Sid: "ReadRoles",
      Effect: "Allow",
      Action: ["iam:Get*", "iam:List*", "ssm:DescribeParameters", "ssm:ListTagsForResource"],
      Resource: "*",
    },
    {
      Sid: "ReadDeploymentParameter",
      Effect: "Allow",
      Action: ["ssm:GetParameter", "ssm:GetParameters"],
      Resource: naming.arn("ssm", `parameter${naming.deploymentParameter}`),
    },
    {
      Sid: "NeverReadContents",
      Effect: "Deny",
      Action: ["logs:FilterLogEvents", "logs:GetLog*", "logs:GetQueryResults"],
      Resource: "*",
    },
  ];
}

/** A preview takes no lock and writes no state: a pull request that could write it would decide on the next update. */
function stateStatements(stateBucket: string, actions: string[]): Statement[] {
  if (stateBucket === "") return [];
  return [{ Sid: "State", Effect: "Allow", Action: actions, Resource: `arn:aws:s3:::${stateBucket}/*` }];
}

function secretsStatements(keyArn: string): Statement[] {
  if (keyArn === "") return [];
  return [{ Sid: "DecryptStackSecrets", Effect: "Allow", Action: "kms:Decrypt", Resource: keyArn }];
}

/**
 * Changing the infrastructure of this environment. Roles may be made and changed only under the permissions
 * boundary, and neither the boundary nor the roles of GitHub itself can be touched: those changes an administrator
 * applies by hand.
 */
function upStatements(naming: Naming): Statement[] {
  const ownRoles = naming.roleArn(naming.name("*"));
  const boundary = `arn:aws:iam::${naming.accountId}:policy/${naming.name("boundary")}`;
  const underBoundary = { StringEquals: { "iam:PermissionsBoundary": boundary } };
  return [
    {
      Sid: "ManageServices",
      Effect: "Allow",
      Action: SERVICES.map((service) => `${service}:*`),
      Resource: "*",
      // CloudFront, Route 53 and IAM answer from us-east-1 whatever the region.
      Condition: { StringEquals: { "aws:RequestedRegion": [naming.region, "us-east-1"] } },
    },
    {
      Sid: "ManageParameters",
      Effect: "Allow",
      Action: "ssm:*",
      Resource: naming.arn("ssm", `parameter/iaso/${naming.env}/*`),
    },
    {
      // The worker environment's stack has a table in which its instances elect who launches periodic tasks.
      Sid: "ManageLeaderTables",
      Effect: "Allow",
      Action: [
        "dynamodb:CreateTable",
        "dynamodb:DeleteTable",
        "dynamodb:DescribeTable",
        "dynamodb:TagResource",
        "dynamodb:UntagResource",
        "dynamodb:UpdateTable",
      ],
      Resource: naming.arn("dynamodb", "table/awseb-e-*"),
    },
    { Sid: "ListParameters", Effect: "Allow", Action: "ssm:DescribeParameters", Resource: "*" },
    { Sid: "ReadRoles", Effect: "Allow", Action: ["iam:Get*", "iam:List*"], Resource: "*" },
    {
      Sid: "ManageRolesUnderBoundary",
      Effect: "Allow",
      Action: [
        "iam:AttachRolePolicy",
        "iam:CreateRole",
        "iam:DeleteRolePolicy",
        "iam:DetachRolePolicy",
        "iam:PutRolePermissionsBoundary",
        "iam:PutRolePolicy",
      ],
      Resource: ownRoles,
      Condition: underBoundary,
    },
    {
      Sid: "ManageProfiles",
      Effect: "Allow",
      Action: [
        "iam:AddRoleToInstanceProfile",
        "iam:CreateInstanceProfile",
        "iam:DeleteInstanceProfile",
        "iam:DeleteRole",
        "iam:RemoveRoleFromInstanceProfile",
        "iam:TagInstanceProfile",
        "iam:TagRole",
        "iam:UntagInstanceProfile",
        "iam:UntagRole",
        "iam:UpdateAssumeRolePolicy",
        "iam:UpdateRole",
      ],
      Resource: [ownRoles, `arn:aws:iam::${naming.accountId}:instance-profile/${naming.name("*")}`],
    },
    {
      Sid: "PassRolesToTheirServices",
      Effect: "Allow",
      Action: "iam:PassRole",
      Resource: ownRoles,
      Condition: {
        StringEquals: {
          "iam:PassedToService": [
            "ec2.amazonaws.com",
            "elasticbeanstalk.amazonaws.com",
            "monitoring.rds.amazonaws.com",
            "vpc-flow-logs.amazonaws.com",
          ],
        },
      },
    },
    {
      // Roles that a service makes for itself when it is first used; they cannot be given any other right.
      Sid: "LetServicesMakeTheirRoles",
      Effect: "Allow",
      Action: "iam:CreateServiceLinkedRole",
      Resource: `arn:aws:iam::${naming.accountId}:role/aws-service-role/*`,
      Condition: { StringLike: { "iam:AWSServiceName": SERVICE_LINKED } },
    },
    {
      Sid: "NeverTouchOwnPower",
      Effect: "Deny",
      Action: [
        "iam:Attach*",
        "iam:Create*",
        "iam:Delete*",
        "iam:Detach*",
        "iam:PassRole",
        "iam:Put*",
        "iam:Update*",
      ],
      Resource: [naming.roleArn(naming.name("ci-*")), boundary],
    },
  ];
}

/**
 * What a deployment of a new version calls. Beanstalk acts on stacks, auto scaling groups and load balancers with
 * the caller's rights, so those are granted on what Beanstalk names. (`aws:CalledVia` would say more, but Beanstalk
 * is not among the services that set it.)
 *
 * @see https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/AWSHowTo.iam.managed-policies.html
 */
function deployStatements(naming: Naming, application: string): Statement[] {
  const beanstalkBucket = `arn:aws:s3:::elasticbeanstalk-${naming.region}-${naming.accountId}`;
  const artifacts = naming.bucketArn("artifacts");
  const staticFiles = naming.bucketArn("static");
  return [
    {
      Sid: "FindEnvironments",
      Effect: "Allow",
      Action: [
        "elasticbeanstalk:Describe*",
        "elasticbeanstalk:List*",
        "elasticbeanstalk:CheckDNSAvailability",
      ],
      Resource: "*",
    },
    {
      Sid: "UpdateEnvironments",
      Effect: "Allow",
      Action: [
        "elasticbeanstalk:AbortEnvironmentUpdate",
        "elasticbeanstalk:CreateApplicationVersion",
        "elasticbeanstalk:DeleteApplicationVersion",
        "elasticbeanstalk:UpdateApplicationVersion",
        "elasticbeanstalk:UpdateEnvironment",
        "elasticbeanstalk:AddTags",
      ],
      Resource: [
        naming.arn("elasticbeanstalk", `application/${application}`),
        naming.arn("elasticbeanstalk", `applicationversion/${application}/*`),
        naming.arn("elasticbeanstalk", `environment/${application}/*`),
      ],
    },
    ...throughBeanstalk(naming),
    {
      Sid: "PassInstanceRoles",
      Effect: "Allow",
      Action: "iam:PassRole",
      Resource: [
        naming.instanceRole("web"),
        naming.instanceRole("worker"),
        naming.name("beanstalk-service"),
      ].map((role) => naming.roleArn(role)),
      Condition: {
        StringEquals: { "iam:PassedToService": ["ec2.amazonaws.com", "elasticbeanstalk.amazonaws.com"] },
      },
    },
    {
      Sid: "KeepBundlesLockAndJournal",
      Effect: "Allow",
      Action: ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"],
      Resource: `${artifacts}/*`,
    },
    {
      Sid: "PublishStaticFiles",
      Effect: "Allow",
      Action: [
        "s3:AbortMultipartUpload",
        "s3:DeleteObject",
        "s3:DeleteObjectVersion",
        "s3:GetObject",
        "s3:GetObjectVersion",
        "s3:PutObject",
      ],
      Resource: `${staticFiles}/*`,
    },
    {
      // A rollback brings back what a later version overwrote.
      Sid: "FindOldStaticFiles",
      Effect: "Allow",
      Action: ["s3:GetBucketVersioning", "s3:ListBucketVersions"],
      Resource: staticFiles,
    },
    {
      Sid: "ListBuckets",
      Effect: "Allow",
      Action: ["s3:GetBucketLocation", "s3:GetBucketPolicy", "s3:ListBucket"],
      Resource: [artifacts, staticFiles, beanstalkBucket],
    },
    {
      Sid: "BeanstalkStagesBundles",
      Effect: "Allow",
      Action: ["s3:DeleteObject", "s3:GetObject*", "s3:PutObject", "s3:PutObjectAcl"],
      Resource: `${beanstalkBucket}/*`,
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
      Resource: [
        naming.arn("ssm", `parameter${naming.deploymentParameter}`),
        naming.secretParameterArn("DEPLOY_API_TOKEN"),
      ],
    },
    {
      Sid: "TakeRestorePoint",
      Effect: "Allow",
      Action: ["rds:AddTagsToResource", "rds:CreateDBSnapshot"],
      Resource: [
        naming.arn("rds", `db:${naming.name()}`),
        naming.arn("rds", `snapshot:${naming.name("before-*")}`),
      ],
    },
    {
      Sid: "LookAtDatabase",
      Effect: "Allow",
      Action: ["rds:DescribeDBInstances", "rds:DescribeDBSnapshots"],
      Resource: "*",
    },
  ];
}

/**
 * What Beanstalk does with the rights of whoever deploys: it updates the environments' stacks, and through them starts
 * new instances, replaces old ones, and moves them behind the load balancer. After AWS's policy for administrators of
 * Beanstalk, without what only creates or deletes environments.
 *
 * @see https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AdministratorAccess-AWSElasticBeanstalk.html
 */
function throughBeanstalk(naming: Naming): Statement[] {
  const balancing = (resource: string) => naming.arn("elasticloadbalancing", resource);
  const environments = [naming.name(), naming.name("worker")];
  return [
    {
      Sid: "LookThroughBeanstalk",
      Effect: "Allow",
      Action: [
        "autoscaling:Describe*",
        "cloudformation:Describe*",
        "cloudformation:List*",
        "cloudwatch:DescribeAlarms",
        "ec2:Describe*",
        "elasticloadbalancing:Describe*",
        "logs:DescribeLogGroups",
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
        "cloudformation:UpdateStack",
      ],
      Resource: naming.arn("cloudformation", "stack/awseb-e-*"),
    },
    {
      // An immutable deployment tries the version in a stack of its own, which it deletes afterwards.
      Sid: "TryInStackOfItsOwn",
      Effect: "Allow",
      Action: ["cloudformation:CreateStack", "cloudformation:DeleteStack"],
      Resource: naming.arn("cloudformation", "stack/awseb-e-*-immutable-stack/*"),
    },
    {
      Sid: "ChangeGroups",
      Effect: "Allow",
      Action: "autoscaling:*",
      Resource: naming.arn("autoscaling", "autoScalingGroup:*:autoScalingGroupName/awseb-e-*"),
    },
    {
      Sid: "ChangeAlarms",
      Effect: "Allow",
      Action: ["cloudwatch:DeleteAlarms", "cloudwatch:PutMetricAlarm"],
      Resource: naming.arn("cloudwatch", "alarm:awseb-e-*"),
    },
    {
      Sid: "ChangeBalancers",
      Effect: "Allow",
      Action: [
        "elasticloadbalancing:AddTags",
        "elasticloadbalancing:DeregisterTargets",
        "elasticloadbalancing:ModifyListener",
        "elasticloadbalancing:ModifyLoadBalancerAttributes",
        "elasticloadbalancing:ModifyTargetGroup",
        "elasticloadbalancing:ModifyTargetGroupAttributes",
        "elasticloadbalancing:RegisterTargets",
      ],
      Resource: [
        balancing("listener/app/awseb-*"),
        balancing("loadbalancer/app/awseb-*"),
        balancing("targetgroup/awseb-*"),
      ],
    },
    {
      // A launch template gets its name from CloudFormation, so it cannot be told from others.
      Sid: "ChangeLaunchTemplates",
      Effect: "Allow",
      Action: [
        "ec2:CreateLaunchTemplate",
        "ec2:CreateLaunchTemplateVersion",
        "ec2:DeleteLaunchTemplate",
        "ec2:DeleteLaunchTemplateVersions",
        "ec2:ModifyLaunchTemplate",
      ],
      Resource: naming.arn("ec2", "launch-template/*"),
    },
    {
      Sid: "StartInstancesFromTemplates",
      Effect: "Allow",
      Action: "ec2:RunInstances",
      Resource: "*",
      Condition: { ArnLike: { "ec2:LaunchTemplate": naming.arn("ec2", "launch-template/*") } },
    },
    {
      Sid: "TagWhatIsCreated",
      Effect: "Allow",
      Action: "ec2:CreateTags",
      Resource: naming.arn("ec2", "*/*"),
      Condition: {
        StringEquals: { "ec2:CreateAction": ["CreateLaunchTemplate", "RunInstances"] },
      },
    },
    {
      Sid: "StopOwnInstances",
      Effect: "Allow",
      Action: ["ec2:RebootInstances", "ec2:TerminateInstances"],
      Resource: naming.arn("ec2", "instance/*"),
      Condition: { StringEquals: { "ec2:ResourceTag/elasticbeanstalk:environment-name": environments } },
    },
    {
      Sid: "KeepLogGroups",
      Effect: "Allow",
      Action: ["logs:CreateLogGroup", "logs:PutRetentionPolicy"],
      Resource: environments.map((name) => naming.arn("logs", `log-group:/aws/elasticbeanstalk/${name}/*`)),
    },
  ];
}

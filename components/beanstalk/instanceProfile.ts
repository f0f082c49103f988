import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { InstanceRole, Naming } from "../common/naming";
import { keyUse } from "../iam/keyUse";
import { beanstalkListing, beanstalkLogs, beanstalkVersions } from "../iam/beanstalkBucket";
import {
  policyDocument,
  LOG_STREAMING_ACTIONS,
  SESSION_MANAGER_ACTIONS,
  PolicyStatement,
  trustPolicy,
} from "../iam/policyDocument";

export interface InstanceProfileArgs {
  naming: Naming;
  /** The role of the instances. **Changing it replaces the IAM role and the instance profile.** */
  role: InstanceRole;
  /** Name of the Beanstalk application. */
  application: string;
  /** Name of the Beanstalk environment. */
  environment: string;
  /** Names of the secret environment variables whose values the instances may read. They may read no others. */
  secretVariables: readonly string[];
  /** Permissions of the instances beyond those that every Beanstalk instance needs. */
  statements: PolicyStatement[];
  /** ARN of the permissions boundary of the IAM role. */
  permissionsBoundary: pulumi.Input<string>;
  /** Lets people with the IAM permission open a shell on the instances through Session Manager. No port opens. */
  shellAccess: boolean;
  /** True if the environment's own KMS key encrypts the secrets. */
  encrypted: boolean;
}

/** An instance profile, and the resources that must exist before an instance can start with it. */
export interface InstanceProfile {
  name: pulumi.Output<string>;
  resources: pulumi.Resource[];
}

/**
 * Creates the instance profile of one environment's instances. AWS's managed policies for the tiers would do, but
 * they reach every Beanstalk environment of the account.
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
      policy: policyDocument([...instanceStatements(args), ...args.statements]),
    },
    { parent: role },
  );
  const profile = new aws.iam.InstanceProfile(roleKey, { name, role: role.name, tags }, { parent: role });
  return { name: profile.name, resources: [profile, policy] };
}

/**
 * Permissions that every Beanstalk instance needs: health, logs, source bundles and its own secrets.
 *
 * @see callsOfInstance in policies/facts/instanceCalls.ts
 */
function instanceStatements({
  naming,
  application,
  environment,
  secretVariables,
  shellAccess,
  encrypted,
}: InstanceProfileArgs): PolicyStatement[] {
  const secretArns = [...secretVariables].sort().map((variable) => naming.secretParameterArn(variable));
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
      Action: LOG_STREAMING_ACTIONS,
      Resource: naming.arn("logs", `log-group:/aws/elasticbeanstalk/${environment}/*`),
    },
    {
      Sid: "HandOverLogBundles",
      Effect: "Allow",
      Action: "s3:PutObject",
      Resource: beanstalkLogs(naming),
    },
    {
      Sid: "FetchVersions",
      Effect: "Allow",
      Action: "s3:GetObject",
      Resource: beanstalkVersions(naming, application),
    },
    beanstalkListing(naming),
    {
      Sid: "ReadOwnSecrets",
      Effect: "Allow",
      Action: "ssm:GetParameter",
      Resource: secretArns,
    },
    ...(encrypted
      ? [
          keyUse(naming, {
            Sid: "DecryptOwnSecrets",
            Action: "kms:Decrypt",
            services: ["ssm"],
            parameterArns: secretArns,
          }),
        ]
      : []),
    ...(shellAccess
      ? [{ Sid: "TakeSessions", Effect: "Allow", Action: SESSION_MANAGER_ACTIONS, Resource: "*" } as const]
      : []),
  ];
}

import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { ARTIFACTS } from "./common/artifacts";
import { createBucket, expireOldVersions } from "./common/bucket";
import { type DeployParameter } from "./common/deployParameter";
import { INSTANCE_ROLES, Naming } from "./common/naming";
import { PolicyStatement } from "./iam/policyDocument";

export interface DeployTargetArgs {
  naming: Naming;
  /** Name of the Beanstalk application. */
  application: string;
  /** The Beanstalk platform. The deploy tool builds source bundles for it. */
  platform: "python" | "docker";
  /** Name of the bucket that takes the static files. */
  staticBucket: string;
  /** Value of `STATIC_URL`: where browsers find the static files, with a trailing slash. */
  staticUrl: string;
  /** Address of Iaso, without a trailing slash. The deploy tool checks its health there. */
  webUrl: string;
  /** Identifier of the RDS instance. The deploy tool can take a snapshot of it. */
  databaseIdentifier: string;
  /** ARNs of the roles that deploy. */
  deployers: string[];
}

/** Days for which S3 keeps overwritten and deleted source bundles. */
const OLD_VERSION_DAYS = 30;

/**
 * Everything that the deploy tool needs: a bucket for source bundles, its lock and its journal, and an SSM parameter
 * with the names of all resources. So a deployment needs only the name of the environment.
 */
export class DeployTarget extends pulumi.ComponentResource {
  /** Name of the bucket. */
  readonly artifactsBucket: pulumi.Output<string>;

  constructor(name: string, args: DeployTargetArgs, opts?: pulumi.ComponentResourceOptions) {
    super("iaso:index:DeployTarget", name, {}, opts);
    const { naming, deployers, ...facts } = args;

    const { bucket } = createBucket(this, "artifacts", {
      naming,
      bucketClass: "artifacts",
      statements: writeStatements(naming, deployers),
      lifecycleRules: [expireOldVersions(OLD_VERSION_DAYS)],
    });
    new aws.ssm.Parameter(
      name,
      {
        name: naming.deploymentParameter,
        type: "String",
        description: `Where the deploy tool deploys ${naming.name()}`,
        // Pulumi would treat `value` as a secret and hide it in previews. Nothing in here is secret.
        insecureValue: JSON.stringify({
          ...facts,
          region: naming.region,
          artifactsBucket: naming.bucket("artifacts"),
          ...(args.platform === "docker" && { imageRepository: naming.imageRepository }),
          queueUrl: naming.queueUrl,
        } satisfies DeployParameter),
        tags: naming.tags(),
      },
      { parent: this },
    );
    this.artifactsBucket = bucket.bucket;
    this.registerOutputs({ artifactsBucket: this.artifactsBucket });
  }
}

/**
 * Denies deployments writes to the folder of updates, everyone else writes to the folders of deployments, and all roles of
 * this program writes to the records of restores. Does not deny deletions, which cannot replace code: the policies of
 * roles limit them.
 */
function writeStatements(naming: Naming, deployers: string[]): PolicyStatement[] {
  const objects = (folder: string) => `${naming.bucketArn("artifacts")}/${folder}/*`;
  const noUpdaters = [
    naming.ciRole("deploy"),
    naming.ciRole("preview"),
    naming.ciRole("rehearse"),
    ...INSTANCE_ROLES.map((role) => naming.instanceRole(role)),
  ];
  return [
    {
      Sid: "OnlyDeployersWriteVersions",
      Effect: "Deny",
      Principal: "*",
      Action: "s3:PutObject",
      Resource: ARTIFACTS.deployments.filter((folder) => folder !== "locks").map(objects),
      Condition: { ArnNotEquals: { "aws:PrincipalArn": deployers } },
    },
    {
      // A rehearsal takes the lock, so that no deployment runs meanwhile.
      Sid: "OnlyDeployersAndRehearsalsLock",
      Effect: "Deny",
      Principal: "*",
      Action: "s3:PutObject",
      Resource: objects("locks"),
      Condition: {
        ArnNotEquals: { "aws:PrincipalArn": [...deployers, naming.roleArn(naming.ciRole("rehearse"))] },
      },
    },
    {
      // The first update is an administrator's, whose role has any name.
      Sid: "DeploymentsWriteNothingOfUpdates",
      Effect: "Deny",
      Principal: "*",
      Action: "s3:PutObject",
      Resource: objects(ARTIFACTS.updates),
      Condition: { ArnEquals: { "aws:PrincipalArn": noUpdaters.map((role) => naming.roleArn(role)) } },
    },
    {
      Sid: "OnlyPeopleRestore",
      Effect: "Deny",
      Principal: "*",
      Action: "s3:PutObject",
      Resource: objects(ARTIFACTS.restores),
      Condition: {
        ArnEquals: {
          "aws:PrincipalArn": [naming.ciRole("up"), ...noUpdaters].map((role) => naming.roleArn(role)),
        },
      },
    },
  ];
}

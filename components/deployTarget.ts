import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { createBucket, expireOldVersions } from "./common/bucket";
import { type DeployParameter } from "./common/deployParameter";
import { Naming } from "./common/naming";

export interface DeployTargetArgs {
  naming: Naming;
  application: string;
  platform: "python" | "docker";
  staticBucket: string;
  staticUrl: string;
  webUrl: string;
  databaseIdentifier: string;
}

/** Days for which overwritten or pruned bundles can be brought back. */
const OLD_VERSION_DAYS = 30;

/**
 * What the deploy tool works with: the bucket for source bundles, its lock and its journal; and a plain parameter
 * that tells it where everything is, so that a deployment needs the environment's name and nothing else.
 */
export class DeployTarget extends pulumi.ComponentResource {
  readonly artifactsBucket: pulumi.Output<string>;

  constructor(name: string, args: DeployTargetArgs, opts?: pulumi.ComponentResourceOptions) {
    super("iaso:index:DeployTarget", name, {}, opts);
    const { naming, ...facts } = args;

    const { bucket } = createBucket(this, "artifacts", {
      naming,
      bucketClass: "artifacts",
      statements: [],
      lifecycleRules: [expireOldVersions(OLD_VERSION_DAYS)],
    });
    new aws.ssm.Parameter(
      name,
      {
        name: naming.deploymentParameter,
        type: "String",
        description: `Where the deploy tool deploys ${naming.name()}`,
        // `value` would be kept as a secret and hidden in previews; there is nothing secret in here.
        insecureValue: JSON.stringify({
          ...facts,
          region: naming.region,
          artifactsBucket: naming.bucket("artifacts"),
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

import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { ARTIFACTS } from "../common/artifacts";

export interface ApplicationVersionArgs {
  /** The Beanstalk application of the version. */
  application: aws.elasticbeanstalk.Application;
  /** Name of the artifacts bucket. */
  artifactsBucket: pulumi.Input<string>;
  /** Prefix of the version's label, and name of the bundle's folder. */
  role: string;
  /** Shown in the Beanstalk console. */
  description: string;
  /** The text of each file of the source bundle, by its path. */
  files: Record<string, string>;
  /** End of the version's label and of the bundle's name. It distinguishes the versions of a role. */
  suffix: string;
  /** Tags of the version and of its source bundle. */
  tags: Record<string, string>;
  /**
   * Writes `files` only once: an environment may run them forever, and Pulumi cannot deploy others. The value is the
   * bundle's name in Pulumi before it had `suffix` in it. Bundles that exist keep their key.
   */
  createdOnce?: { formerName: string };
}

/**
 * Creates an application version and its source bundle.
 *
 * The provider deletes a resource with an explicit name before it creates the replacement, and Pulumi deletes the
 * resources that use it before that. But Beanstalk deletes no version that an environment runs. A new `suffix` gives the
 * new version a name of its own, so the old and the new version can exist at the same time.
 *
 * @see https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/applications-versions.html
 */
export function createApplicationVersion(
  name: string,
  args: ApplicationVersionArgs,
): aws.elasticbeanstalk.ApplicationVersion {
  const { application, artifactsBucket, role, description, files, suffix, tags, createdOnce } = args;
  const createFirst = { parent: application, deleteBeforeReplace: false };
  const assets = Object.entries(files).map(
    ([path, text]) => [path, new pulumi.asset.StringAsset(text)] as const,
  );
  const bundle = new aws.s3.BucketObjectv2(
    createdOnce === undefined ? `${name}-bundle` : `${name}-${suffix}-bundle`,
    {
      bucket: artifactsBucket,
      key: `${ARTIFACTS.updates}/${role}/${suffix}.zip`,
      source: new pulumi.asset.AssetArchive(Object.fromEntries(assets)),
      tags,
    },
    {
      ...createFirst,
      ...(createdOnce && { ignoreChanges: ["key", "source"], aliases: [{ name: createdOnce.formerName }] }),
    },
  );
  return new aws.elasticbeanstalk.ApplicationVersion(
    name,
    {
      name: `${role}-${suffix}`,
      application: application.name,
      description,
      bucket: bundle.bucket,
      key: bundle.key,
      tags,
    },
    createFirst,
  );
}

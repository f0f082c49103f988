import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";

export interface ApplicationVersionArgs {
  /** The Beanstalk application of the version. */
  application: aws.elasticbeanstalk.Application;
  /** Name of the artifacts bucket. */
  artifactsBucket: pulumi.Input<string>;
  /** Prefix of the version's label, and folder of its source bundle. */
  role: string;
  /** Shown in the Beanstalk console. */
  description: string;
  /** The text of each file of the source bundle, by its path. */
  files: Record<string, string>;
  /** Digest of `files`. Each content has a label and a bundle of its own. */
  fingerprint: string;
  /** Tags of the version and of its source bundle. */
  tags: Record<string, string>;
  /** Keeps bundle and version when Pulumi would delete them: an environment may still run them. */
  retainOnDelete?: boolean;
}

/**
 * Creates an application version and its source bundle.
 *
 * The provider deletes a resource with an explicit name before it creates the replacement, and Pulumi deletes the
 * resources that use it before that. But Beanstalk deletes no version that an environment runs. Each content has a name
 * of its own, so the old and the new version can exist at the same time.
 *
 * @see https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/applications-versions.html
 */
export function createApplicationVersion(
  name: string,
  args: ApplicationVersionArgs,
): aws.elasticbeanstalk.ApplicationVersion {
  const { application, artifactsBucket, role, description, files, fingerprint, tags, retainOnDelete } = args;
  const createFirst = { parent: application, deleteBeforeReplace: false, retainOnDelete };
  const assets = Object.entries(files).map(
    ([path, text]) => [path, new pulumi.asset.StringAsset(text)] as const,
  );
  const bundle = new aws.s3.BucketObjectv2(
    `${name}-bundle`,
    {
      bucket: artifactsBucket,
      key: `bundles/${role}/${fingerprint}.zip`,
      source: new pulumi.asset.AssetArchive(Object.fromEntries(assets)),
      tags,
    },
    createFirst,
  );
  return new aws.elasticbeanstalk.ApplicationVersion(
    name,
    {
      name: `${role}-${fingerprint}`,
      application: application.name,
      description,
      bucket: bundle.bucket,
      key: bundle.key,
      tags,
    },
    createFirst,
  );
}

import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { Naming } from "./common/naming";

export interface ImageRepositoryArgs {
  naming: Naming;
}

/** Days after which ECR deletes an image that no version names by a tag. */
const UNTAGGED_DAYS = 7;

/**
 * The repository in Amazon ECR from which the instances of the Docker platform pull their images. The deploy tool copies
 * the images of each version there, so that limits of Docker Hub or a deleted tag cannot stop a new instance.
 *
 * A pull through cache would need less code, but it fetches an image at its first pull by an instance, from outside the
 * account, and instances would need permission to import images.
 *
 * Instances reach ECR through the NAT gateway, and the layers in S3 through the S3 endpoint. An interface endpoint for
 * ECR would cost more than the requests that are left.
 *
 * @see https://docs.aws.amazon.com/AmazonECR/latest/userguide/pull-through-cache.html
 */
export class ImageRepository extends pulumi.ComponentResource {
  constructor(name: string, { naming }: ImageRepositoryArgs, opts?: pulumi.ComponentResourceOptions) {
    super("iaso:index:ImageRepository", name, {}, opts);
    const repository = new aws.ecr.Repository(
      name,
      {
        name: naming.imageRepository,
        // A tag names a version, whose images never change.
        imageTagMutability: "IMMUTABLE",
        imageScanningConfiguration: { scanOnPush: true },
        // Not with the environment's own key: images hold code and no data.
        encryptionConfigurations: [{ encryptionType: "AES256" }],
        tags: naming.tags(),
      },
      { parent: this },
    );
    new aws.ecr.LifecyclePolicy(
      name,
      { repository: repository.name, policy: JSON.stringify({ rules: [expireUntagged(UNTAGGED_DAYS)] }) },
      // The policy has no name of its own: after its replacement, the old one's deletion would delete the new one.
      { parent: repository, deleteBeforeReplace: true },
    );
    this.registerOutputs({});
  }
}

/**
 * Returns a lifecycle rule for images without a tag. Images with a tag belong to a version, so only the deploy tool
 * deletes them, together with the version.
 *
 * @see https://docs.aws.amazon.com/AmazonECR/latest/userguide/lifecycle_policy_parameters.html
 */
function expireUntagged(days: number): object {
  return {
    rulePriority: 1,
    description: "Deletes images that no version names",
    selection: {
      tagStatus: "untagged",
      countType: "sinceImagePushed",
      countUnit: "days",
      countNumber: days,
    },
    action: { type: "expire" },
  };
}

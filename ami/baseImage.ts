import { DescribeImagesCommand, type EC2Client, type Image } from "@aws-sdk/client-ec2";
import {
  DescribePlatformVersionCommand,
  type ElasticBeanstalkClient,
} from "@aws-sdk/client-elastic-beanstalk";
import { errorName } from "./failure";
import { UserError } from "../cli/userError";

/** The image that Beanstalk itself starts for a platform version. */
export interface BaseImage {
  id: string;
  rootDevice: string;
  /** Release of Amazon Linux 2023 in the image's name, where it has one. */
  releaseVersion: string | undefined;
}

const LISTED = "Those there are: aws elasticbeanstalk list-available-solution-stacks";

/**
 * ARN of a platform version, from its solution stack name.
 * See https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/platforms-glossary.html
 */
export function platformArn(solutionStackName: string, region: string): string {
  const match = /^(64bit .+) v(\d+\.\d+\.\d+) running (.+)$/.exec(solutionStackName);
  if (!match) {
    throw new UserError(
      `"${solutionStackName}" does not look like a platform version.`,
      'Give one such as --platform "64bit Amazon Linux 2023 v4.7.3 running Python 3.9". ' + LISTED,
    );
  }
  const [, system, version, branch] = match;
  return `arn:aws:elasticbeanstalk:${region}::platform/${branch ?? ""} running on ${system ?? ""}/${version ?? ""}`;
}

/** The x86_64 image of the platform version. */
export async function findBaseImage(
  ec2: EC2Client,
  beanstalk: ElasticBeanstalkClient,
  solutionStackName: string,
  region: string,
): Promise<BaseImage> {
  const arn = platformArn(solutionStackName, region);
  const ids = await imagesOf(beanstalk, arn, solutionStackName);
  // A platform version lists an image for each processor.
  const { Images = [] } = await ec2.send(new DescribeImagesCommand({ ImageIds: ids }));
  const image = Images.find(({ Architecture }) => Architecture === "x86_64");
  if (!image?.ImageId) {
    throw new UserError(
      `"${solutionStackName}" has no x86_64 image in ${region}, only ${ids.join(", ")}.`,
      `Choose another --platform. ${LISTED}`,
    );
  }
  return {
    id: image.ImageId,
    rootDevice: image.RootDeviceName ?? "/dev/xvda",
    releaseVersion: releaseVersion(image),
  };
}

async function imagesOf(
  beanstalk: ElasticBeanstalkClient,
  PlatformArn: string,
  name: string,
): Promise<string[]> {
  try {
    const { PlatformDescription } = await beanstalk.send(new DescribePlatformVersionCommand({ PlatformArn }));
    const ids = (PlatformDescription?.CustomAmiList ?? []).flatMap(({ ImageId }) => ImageId ?? []);
    if (ids.length > 0) return ids;
  } catch (error) {
    // Both say that there is no such version; which one depends on what of the name is unknown.
    if (!["InvalidParameterValue", "ResourceNotFoundException"].includes(errorName(error))) throw error;
  }
  throw new UserError(
    `Beanstalk offers no "${name}" in this region, or no longer.`,
    `Set a newer one (--platform; pulumi config set pythonSolutionStack). ${LISTED}`,
  );
}

function releaseVersion({ Name = "" }: Image): string | undefined {
  return /\b(2023\.\d+\.\d{8})\b/.exec(Name)?.[1];
}

import { DescribeImagesCommand, type EC2Client, type Image } from "@aws-sdk/client-ec2";
import {
  DescribePlatformVersionCommand,
  type ElasticBeanstalkClient,
} from "@aws-sdk/client-elastic-beanstalk";
import { errorName } from "../cli/awsErrors";
import { UserError } from "../cli/userError";
import { platformVersionOf } from "../policies/facts/platformBranches";

/** The image that Beanstalk starts by default for a platform version. */
export interface BaseImage {
  id: string;
  rootDevice: string;
  /** The release of Amazon Linux 2023, from the image's name; undefined if the name has none. */
  releaseVersion: string | undefined;
}

const LIST = "To list them: aws elasticbeanstalk list-available-solution-stacks";

/**
 * The ARN of a platform version.
 *
 * @param solutionStackName such as "64bit Amazon Linux 2023 v4.13.9 running Python 3.13"
 * @throws UserError if the name is not one of a platform version
 * @see https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/platforms-glossary.html
 */
export function platformArn(solutionStackName: string, region: string): string {
  const version = platformVersionOf(solutionStackName);
  if (version === undefined) {
    throw new UserError(
      `"${solutionStackName}" is not the name of a platform version.`,
      `Use a name such as --platform "64bit Amazon Linux 2023 v4.13.9 running Python 3.13". ${LIST}`,
    );
  }
  return `arn:aws:elasticbeanstalk:${region}::platform/${version.branch}/${version.version}`;
}

/**
 * Finds the x86_64 image of a platform version.
 *
 * @throws UserError if Beanstalk does not offer the version, or it has no such image
 */
export async function findBaseImage(
  ec2: EC2Client,
  beanstalk: ElasticBeanstalkClient,
  solutionStackName: string,
  region: string,
): Promise<BaseImage> {
  const arn = platformArn(solutionStackName, region);
  const ids = await imagesOf(beanstalk, arn, solutionStackName);
  // A platform version has an image for each processor architecture.
  const { Images = [] } = await ec2.send(new DescribeImagesCommand({ ImageIds: ids }));
  const image = Images.find(({ Architecture }) => Architecture === "x86_64");
  if (!image?.ImageId) {
    throw new UserError(
      `"${solutionStackName}" has no x86_64 image in ${region}, only ${ids.join(", ")}.`,
      `Choose another --platform. ${LIST}`,
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
    // Either name means that the version does not exist, depending on the part that is unknown.
    if (!["InvalidParameterValue", "ResourceNotFoundException"].includes(errorName(error))) throw error;
  }
  throw new UserError(
    `Beanstalk does not offer "${name}" in this region.`,
    `Choose a newer version: --platform, or npm run platform -- STACK --update. ${LIST}`,
  );
}

function releaseVersion({ Name = "" }: Image): string | undefined {
  return /\b(2023\.\d+\.\d{8})\b/.exec(Name)?.[1];
}

import {
  CopyImageCommand,
  DescribeSnapshotsCommand,
  type EC2Client,
  type Image,
  ModifyImageAttributeCommand,
  ModifySnapshotAttributeCommand,
} from "@aws-sdk/client-ec2";
import { errorName } from "../cli/awsErrors";
import { UserError } from "../cli/userError";
import { awaitImage, type AwaitArgs, POLLS_UNTIL_VISIBLE, StillCreating } from "./awaitImage";
import {
  type Clients,
  deleteSnapshot,
  FINGERPRINT_TAG,
  findImage,
  findImageNamed,
  imageName,
  imageUses,
  ownImages,
  partFilters,
  partTags,
  removeImage,
  snapshotsOf,
  tagOf,
} from "./images";

export interface PromoteOptions extends Pick<AwaitArgs, "pause" | "report" | "timeoutMinutes"> {
  /** The environment that uses the image. */
  from: string;
  /** The environment that gets a copy. */
  to: string;
  region: string;
  /** The target, if it is in another account. */
  other?: {
    ec2: EC2Client;
    account: string;
    /**
     * ARN of a KMS key in the account of `from` with which the other account may decrypt. EC2 shares no snapshot that
     * its default key encrypts.
     */
    key: string;
  };
}

export interface PromotedImage {
  imageId: string;
  fingerprint: string;
  /** The image that was copied. */
  copyOf: string;
  /** True if the environment had the image already. */
  reused: boolean;
}

/**
 * Copies the image that an environment uses for another one, which then does not compile it: the next build for that
 * environment finds the image by its fingerprint, if recipe and platform version are the same. The copy belongs to the
 * other environment, so deleting either image leaves the other one. A run that stopped is continued by the same call.
 *
 * @throws UserError if the environment uses no image, or EC2 refuses or fails
 * @see https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/CopyingAMIs.html
 */
export async function promoteImage(source: Clients, options: PromoteOptions): Promise<PromotedImage> {
  const { from, other, report, to } = options;
  const image = await imageInUse(source, from);
  const copyOf = image.ImageId ?? "";
  const fingerprint = tagOf(image, FINGERPRINT_TAG);
  report(`${from} uses ${copyOf}, recipe ${fingerprint.slice(0, 12)}`);
  const ec2 = other?.ec2 ?? source.ec2;
  const waiting = { ...options, ec2 };
  let isCopying = false;
  try {
    for (const { ImageId = "" } of await ownImages(ec2, to, fingerprint)) {
      if (await awaitImage(ImageId, waiting)) return { imageId: ImageId, fingerprint, copyOf, reused: true };
    }
    const name = imageName(to, fingerprint);
    const original =
      other === undefined ? image : await share(source.ec2, image, { ...options, fingerprint, other });
    const imageId = await copyImage(original, { ...waiting, env: to, part: "image", name, fingerprint });
    return { imageId, fingerprint, copyOf, reused: false };
  } catch (error) {
    isCopying = error instanceof StillCreating;
    throw error;
  } finally {
    // The other account still reads a shared image that it copies. The next run goes on, and deletes it.
    if (other !== undefined && !isCopying) await removeShared(source.ec2, from, fingerprint);
  }
}

/** The newest image of an environment that something uses: it is proven. */
async function imageInUse(clients: Clients, env: string): Promise<Image> {
  const uses = await imageUses(clients);
  const image = (await ownImages(clients.ec2, env)).find(
    ({ ImageId = "", State }) => State === "available" && uses.has(ImageId),
  );
  if (image !== undefined) return image;
  throw new UserError(
    `${env} uses no image that this tool built in this account and region.`,
    `Build and use one first: pulumi up --stack ${env}; or use credentials of its account: export AWS_PROFILE=PROFILE`,
  );
}

interface CopyArgs extends AwaitArgs {
  region: string;
  env: string;
  part: string;
  name: string;
  fingerprint: string;
  /** ARN of the KMS key of the copy; the default key of EBS by default. */
  key?: string;
}

/** Copies an image, and waits until the copy is available. Returns its id. */
async function copyImage(image: Image, args: CopyArgs): Promise<string> {
  const { name, report } = args;
  report(`copying ${image.ImageId ?? ""} as ${name}`);
  const imageId = await requestCopy(image, args);
  if (imageId !== undefined && (await awaitImage(imageId, args))) return imageId;
  throw new UserError(`EC2 did not create the image ${name}.`, "Run the command again.");
}

async function requestCopy(image: Image, args: CopyArgs): Promise<string | undefined> {
  const { ec2, env, fingerprint, key, name, part, pause, region } = args;
  const snapshotPart = part === "image" ? "snapshot" : `${part}-snapshot`;
  try {
    const { ImageId } = await ec2.send(
      new CopyImageCommand({
        SourceImageId: image.ImageId,
        SourceRegion: region,
        Name: name,
        Description: image.Description,
        Encrypted: true,
        ...(key !== undefined && { KmsKeyId: key }),
        TagSpecifications: [
          { ResourceType: "image", Tags: partTags(part, env, fingerprint) },
          { ResourceType: "snapshot", Tags: partTags(snapshotPart, env, fingerprint) },
        ],
      }),
    );
    return ImageId;
  } catch (error) {
    // An earlier run, or the first attempt of this request, has begun the copy.
    if (!errorName(error).startsWith("InvalidAMIName.Duplicate")) throw error;
  }
  for (let polls = 1; polls <= POLLS_UNTIL_VISIBLE; polls++) {
    const begun = await findImageNamed(ec2, name);
    if (begun !== undefined) return begun.ImageId;
    await pause();
  }
  return undefined;
}

/** The tag of an image that is shared with another account while that account copies it. */
const SHARED = "shared-image";

const sharedName = (env: string, fingerprint: string): string => `${imageName(env, fingerprint)}-shared`;

/** Shares a copy of an image with the other account, encrypted with a key that the account may use. Returns the copy. */
async function share(
  ec2: EC2Client,
  image: Image,
  options: PromoteOptions & { fingerprint: string; other: NonNullable<PromoteOptions["other"]> },
): Promise<Image> {
  const { fingerprint, from, other, report } = options;
  const name = sharedName(from, fingerprint);
  const ImageId = await copyImage(image, { ...options, ec2, env: from, part: SHARED, name, key: other.key });
  const shared = (await findImage(ec2, ImageId)) ?? {};
  report(`sharing ${ImageId} with the account ${other.account} until it is copied`);
  const UserIds = [other.account];
  for (const SnapshotId of snapshotsOf(shared)) {
    const permission = { Attribute: "createVolumePermission", OperationType: "add", UserIds } as const;
    await ec2.send(new ModifySnapshotAttributeCommand({ SnapshotId, ...permission }));
  }
  const LaunchPermission = { Add: UserIds.map((UserId) => ({ UserId })) };
  await ec2.send(new ModifyImageAttributeCommand({ ImageId, LaunchPermission }));
  return shared;
}

/** Deletes what was shared with another account, also by a run that was killed. */
async function removeShared(ec2: EC2Client, env: string, fingerprint: string): Promise<void> {
  const shared = await findImageNamed(ec2, sharedName(env, fingerprint));
  if (shared !== undefined) await removeImage(ec2, shared);
  const Filters = [
    ...partFilters(`${SHARED}-snapshot`, env),
    { Name: `tag:${FINGERPRINT_TAG}`, Values: [fingerprint] },
  ];
  const { Snapshots = [] } = await ec2.send(new DescribeSnapshotsCommand({ OwnerIds: ["self"], Filters }));
  for (const { SnapshotId } of Snapshots) await deleteSnapshot(ec2, SnapshotId);
}

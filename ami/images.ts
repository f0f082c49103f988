import {
  DeleteSnapshotCommand,
  DeregisterImageCommand,
  DescribeImagesCommand,
  type EC2Client,
  type Image,
  paginateDescribeImages,
  paginateDescribeInstances,
  paginateDescribeLaunchTemplateVersions,
  paginateDescribeSnapshots,
  type Snapshot,
} from "@aws-sdk/client-ec2";
import {
  DescribeConfigurationSettingsCommand,
  DescribeEnvironmentsCommand,
  type ElasticBeanstalkClient,
} from "@aws-sdk/client-elastic-beanstalk";
import { errorName } from "./failure";
import { UserError } from "../cli/userError";

/** Tags of everything a build makes: what it is, and from which recipe and base image. */
export const PART_TAG = "iaso:ami";
export const FINGERPRINT_TAG = "iaso:ami-fingerprint";

/** Those of this account; EC2 leaves out disabled ones, whose names are taken all the same, unless it is asked. */
const MINE = { Owners: ["self"], IncludeDisabled: true };

/** The clients of both services that are asked. */
export interface Clients {
  ec2: EC2Client;
  beanstalk: ElasticBeanstalkClient;
}

/** One image as `list` shows it. */
export interface ListedImage {
  imageId: string;
  state: string;
  created: string;
  ageDays: number;
  fingerprint: string;
  /** What uses the image, in words; empty when nothing does. */
  usedBy: string[];
}

/** The value of a tag. */
export function tagOf(tagged: { Tags?: { Key?: string; Value?: string }[] }, key: string): string {
  return tagged.Tags?.find(({ Key }) => Key === key)?.Value ?? "";
}

/** All images that builds made, newest first. */
export async function ownImages(ec2: EC2Client, fingerprint?: string): Promise<Image[]> {
  const images: Image[] = [];
  const filters = [
    { Name: `tag:${PART_TAG}`, Values: ["image"] },
    ...(fingerprint === undefined ? [] : [{ Name: `tag:${FINGERPRINT_TAG}`, Values: [fingerprint] }]),
  ];
  for await (const page of paginateDescribeImages({ client: ec2 }, { ...MINE, Filters: filters })) {
    images.push(...(page.Images ?? []));
  }
  return images.sort((a, b) => (b.CreationDate ?? "").localeCompare(a.CreationDate ?? ""));
}

/** Every image of the builds, with its age and what uses it. */
export async function listImages(clients: Clients): Promise<ListedImage[]> {
  const images = await ownImages(clients.ec2);
  const uses = images.length === 0 ? new Map<string, string[]>() : await imageUses(clients);
  return images.map((image) => ({
    imageId: image.ImageId ?? "",
    state: image.State ?? "",
    created: image.CreationDate ?? "",
    ageDays: Math.floor((Date.now() - Date.parse(image.CreationDate ?? "")) / 86_400_000),
    fingerprint: tagOf(image, FINGERPRINT_TAG),
    usedBy: uses.get(image.ImageId ?? "") ?? [],
  }));
}

/** What uses each image: instances, launch templates (default and latest version) and Beanstalk environments. */
async function imageUses({ ec2, beanstalk }: Clients): Promise<Map<string, string[]>> {
  const uses = new Map<string, string[]>();
  const add = (imageId: string | undefined, user: string) => {
    if (imageId) uses.set(imageId, [...(uses.get(imageId) ?? []), user]);
  };
  const alive = [{ Name: "instance-state-name", Values: ["pending", "running", "stopping", "stopped"] }];
  for await (const page of paginateDescribeInstances({ client: ec2 }, { Filters: alive })) {
    for (const instance of (page.Reservations ?? []).flatMap(({ Instances = [] }) => Instances)) {
      add(instance.ImageId, `instance ${instance.InstanceId ?? ""}`);
    }
  }
  const versions = paginateDescribeLaunchTemplateVersions(
    { client: ec2 },
    { Versions: ["$Latest", "$Default"] },
  );
  for await (const page of versions) {
    for (const version of page.LaunchTemplateVersions ?? []) {
      add(version.LaunchTemplateData?.ImageId, `launch template ${version.LaunchTemplateName ?? ""}`);
    }
  }
  let NextToken: string | undefined;
  do {
    const page = await beanstalk.send(new DescribeEnvironmentsCommand({ IncludeDeleted: false, NextToken }));
    for (const { ApplicationName, EnvironmentName, Status } of page.Environments ?? []) {
      if (Status === "Terminated" || Status === "Terminating") continue;
      const settings = await beanstalk.send(
        new DescribeConfigurationSettingsCommand({ ApplicationName, EnvironmentName }),
      );
      // During an update there are two: the one that runs, and the one that is to be.
      for (const option of (settings.ConfigurationSettings ?? []).flatMap(
        (set) => set.OptionSettings ?? [],
      )) {
        if (option.OptionName === "ImageId") add(option.Value, `environment ${EnvironmentName ?? ""}`);
      }
    }
    NextToken = page.NextToken;
  } while (NextToken);
  return uses;
}

/**
 * Removes an image of the builds with its snapshots. False when there is no such image, so that a deletion that was
 * cut short can be repeated.
 *
 * @throws UserError for an image in use ({@link ImageInUse}), and for one that no build made
 */
export async function deleteImage(clients: Clients, imageId: string): Promise<boolean> {
  const { ec2 } = clients;
  const image = await findImage(ec2, imageId);
  if (image && tagOf(image, PART_TAG) !== "image") {
    throw new UserError(
      `${imageId} was not made by this tool, which deletes its own images only.`,
      "npm run ami -- list shows those.",
    );
  }
  if (image) {
    const users = (await imageUses(clients)).get(imageId) ?? [];
    if (users.length > 0) {
      throw new ImageInUse(
        `${imageId} is used by ${users.join(", ")}.`,
        `Move them to another image (pulumi up), then run: npm run ami -- delete ${imageId}`,
      );
    }
    await removeImage(ec2, image);
  }
  await removeOrphanSnapshots(ec2);
  return image !== undefined;
}

/** Refusal of {@link deleteImage}. */
export class ImageInUse extends UserError {}

/** The account's own image with this id. By filter, as asking for an id that does not exist is an error. */
export async function findImage(ec2: EC2Client, imageId: string): Promise<Image | undefined> {
  const Filters = [{ Name: "image-id", Values: [imageId] }];
  const { Images = [] } = await ec2.send(new DescribeImagesCommand({ ...MINE, Filters }));
  return Images[0];
}

/**
 * Removes all but the `keep` newest images, and never one in use or one that is being made. Returns the ids of those
 * removed.
 */
export async function pruneImages(clients: Clients, keep: number): Promise<string[]> {
  const images = (await listImages(clients)).filter(({ state }) => state !== "pending");
  const unused = images.slice(keep).filter(({ usedBy }) => usedBy.length === 0);
  for (const { imageId } of unused) await deleteImage(clients, imageId);
  await removeOrphanSnapshots(clients.ec2);
  return unused.map(({ imageId }) => imageId);
}

/** Deregisters the image and deletes its snapshots, used or not. */
export async function removeImage(ec2: EC2Client, image: Image): Promise<void> {
  const { ImageId } = image;
  await unlessGone(() => ec2.send(new DeregisterImageCommand({ ImageId })));
  for (const SnapshotId of snapshotsOf(image)) {
    await unlessGone(() => ec2.send(new DeleteSnapshotCommand({ SnapshotId })));
  }
}

function snapshotsOf({ BlockDeviceMappings = [] }: Image): string[] {
  return BlockDeviceMappings.flatMap(({ Ebs }) => Ebs?.SnapshotId ?? []);
}

/**
 * Removes snapshots that builds made and no image has: what is left when a deletion is cut short.
 *
 * An image in the making does not name its snapshots yet, so those with its fingerprint are left alone. The images are
 * looked at after the snapshots, as an image comes before its snapshots.
 */
export async function removeOrphanSnapshots(ec2: EC2Client): Promise<void> {
  const snapshots: Snapshot[] = [];
  const request = { OwnerIds: ["self"], Filters: [{ Name: `tag:${PART_TAG}`, Values: ["snapshot"] }] };
  for await (const page of paginateDescribeSnapshots({ client: ec2 }, request)) {
    snapshots.push(...(page.Snapshots ?? []));
  }
  if (snapshots.length === 0) return;
  const images = await ownImages(ec2);
  const named = new Set(images.flatMap(snapshotsOf));
  const unfinished = new Set(
    images.filter(({ State }) => State === "pending").map((image) => tagOf(image, FINGERPRINT_TAG)),
  );
  for (const snapshot of snapshots) {
    const { SnapshotId = "" } = snapshot;
    if (named.has(SnapshotId) || unfinished.has(tagOf(snapshot, FINGERPRINT_TAG))) continue;
    await unlessGone(() => ec2.send(new DeleteSnapshotCommand({ SnapshotId })));
  }
}

/** Two runs may remove the same thing. */
async function unlessGone(remove: () => Promise<unknown>): Promise<void> {
  const gone = ["InvalidAMIID.NotFound", "InvalidAMIID.Unavailable", "InvalidSnapshot.NotFound"];
  try {
    await remove();
  } catch (error) {
    if (!gone.includes(errorName(error))) throw error;
  }
}

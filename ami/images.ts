import {
  DeleteSnapshotCommand,
  DeregisterImageCommand,
  DescribeSnapshotsCommand,
  type EC2Client,
  type Image,
  paginateDescribeImages,
  paginateDescribeInstances,
  paginateDescribeLaunchTemplateVersions,
} from "@aws-sdk/client-ec2";
import {
  DescribeConfigurationSettingsCommand,
  DescribeEnvironmentsCommand,
  type ElasticBeanstalkClient,
} from "@aws-sdk/client-elastic-beanstalk";
import { UserError } from "./userError";

/** Tags of everything a build makes: what it is, and from which recipe and base image. */
export const PART_TAG = "iaso:ami";
export const FINGERPRINT_TAG = "iaso:ami-fingerprint";

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
  for await (const page of paginateDescribeImages({ client: ec2 }, { Owners: ["self"], Filters: filters })) {
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
      for (const option of settings.ConfigurationSettings?.[0]?.OptionSettings ?? []) {
        if (option.OptionName === "ImageId") add(option.Value, `environment ${EnvironmentName ?? ""}`);
      }
    }
    NextToken = page.NextToken;
  } while (NextToken);
  return uses;
}

/**
 * Removes an image of the builds with its snapshots.
 *
 * Only images that a build tagged, and never one in use: both are refused with a {@link UserError}. An image that is
 * gone already is no error, so that a deletion that was cut short can be repeated.
 */
export async function deleteImage(clients: Clients, imageId: string): Promise<void> {
  const image = (await ownImages(clients.ec2)).find(({ ImageId }) => ImageId === imageId);
  if (image) {
    const users = (await imageUses(clients)).get(imageId) ?? [];
    if (users.length > 0) {
      throw new ImageInUse(
        `${imageId} is used by ${users.join(", ")}. Move them to another image (pulumi up), then run: ` +
          `npm run ami -- delete ${imageId}`,
      );
    }
    await removeImage(clients.ec2, image);
  }
  await removeOrphanSnapshots(clients.ec2);
}

/** Refusal of {@link deleteImage}. */
export class ImageInUse extends UserError {}

/** Removes all but the `keep` newest images, and never one in use. Returns the ids of those removed. */
export async function pruneImages(clients: Clients, keep: number): Promise<string[]> {
  const unused = (await listImages(clients)).slice(keep).filter(({ usedBy }) => usedBy.length === 0);
  for (const { imageId } of unused) await deleteImage(clients, imageId);
  await removeOrphanSnapshots(clients.ec2);
  return unused.map(({ imageId }) => imageId);
}

/** Deregisters the image and deletes its snapshots, used or not. */
export async function removeImage(ec2: EC2Client, image: Image): Promise<void> {
  await ec2.send(new DeregisterImageCommand({ ImageId: image.ImageId }));
  for (const { Ebs } of image.BlockDeviceMappings ?? []) {
    if (Ebs?.SnapshotId) await deleteSnapshot(ec2, Ebs.SnapshotId);
  }
}

/**
 * Removes snapshots that builds made and no image has: what is left when a deletion is killed half-way.
 *
 * An image in the making does not name its snapshots yet, so a snapshot is judged by its fingerprint.
 */
export async function removeOrphanSnapshots(ec2: EC2Client): Promise<void> {
  const { Snapshots = [] } = await ec2.send(
    new DescribeSnapshotsCommand({
      OwnerIds: ["self"],
      Filters: [{ Name: `tag:${PART_TAG}`, Values: ["snapshot"] }],
    }),
  );
  if (Snapshots.length === 0) return;
  const images = await ownImages(ec2);
  const alive = new Set(images.map((image) => tagOf(image, FINGERPRINT_TAG)));
  for (const snapshot of Snapshots) {
    if (!alive.has(tagOf(snapshot, FINGERPRINT_TAG))) await deleteSnapshot(ec2, snapshot.SnapshotId ?? "");
  }
}

async function deleteSnapshot(ec2: EC2Client, SnapshotId: string): Promise<void> {
  try {
    await ec2.send(new DeleteSnapshotCommand({ SnapshotId }));
  } catch (error) {
    if ((error as Error).name !== "InvalidSnapshot.NotFound") throw error;
  }
}

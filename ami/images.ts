import {
  DeleteSnapshotCommand,
  DeregisterImageCommand,
  DescribeImagesCommand,
  type EC2Client,
  type Filter,
  type Image,
  paginateDescribeImages,
  paginateDescribeInstances,
  paginateDescribeLaunchTemplateVersions,
  paginateDescribeSnapshots,
  type Snapshot,
  type Tag,
} from "@aws-sdk/client-ec2";
import {
  DescribeConfigurationSettingsCommand,
  DescribeEnvironmentsCommand,
  type ElasticBeanstalkClient,
} from "@aws-sdk/client-elastic-beanstalk";
import { errorName } from "../cli/awsErrors";
import { UserError } from "../cli/userError";

/** The tags of all resources of a build: the kind of part, and the fingerprint of recipe and base image. */
export const PART_TAG = "iaso:ami";
export const FINGERPRINT_TAG = "iaso:ami-fingerprint";

/** The images of this account, including disabled ones, whose names stay in use. */
const MINE = { Owners: ["self"], IncludeDisabled: true };

/** The clients of the two services that this tool uses. */
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
  /** Names of the instances, launch templates and environments that use the image. */
  usedBy: string[];
}

/**
 * The filters that find the parts of one kind which builds created: for one environment, or for all.
 *
 * A build trusts the parts of its own environment only. IAM stops the other environments of the account from using this
 * environment's tags, so they cannot make an image that it boots.
 */
export function partFilters(part: string, env: string | undefined): Filter[] {
  const tags = [[PART_TAG, part], ["project", "iaso"], ...(env === undefined ? [] : [["env", env]])];
  return tags.map(([key = "", value = ""]) => ({ Name: `tag:${key}`, Values: [value] }));
}

/** The tags of a part that is created for an environment. */
export function partTags(part: string, env: string, fingerprint: string): Tag[] {
  return [
    { Key: "Name", Value: `iaso-gdal-${part}` },
    { Key: "project", Value: "iaso" },
    { Key: "env", Value: env },
    { Key: "managed-by", Value: "pulumi" },
    { Key: PART_TAG, Value: part },
    { Key: FINGERPRINT_TAG, Value: fingerprint },
  ];
}

/** The name of an environment's image. EC2 has one image of a name, so no two runs create one. */
export function imageName(env: string, fingerprint: string): string {
  return `iaso-gdal-${env}-${fingerprint.slice(0, 16)}`;
}

/** The value of a tag; empty if there is none. */
export function tagOf(tagged: { Tags?: { Key?: string; Value?: string }[] }, key: string): string {
  return tagged.Tags?.find(({ Key }) => Key === key)?.Value ?? "";
}

/** Lists the images that builds created for one environment, or for all, newest first. */
export async function ownImages(ec2: EC2Client, env?: string, fingerprint?: string): Promise<Image[]> {
  const images: Image[] = [];
  const filters = [
    ...partFilters("image", env),
    ...(fingerprint === undefined ? [] : [{ Name: `tag:${FINGERPRINT_TAG}`, Values: [fingerprint] }]),
  ];
  for await (const page of paginateDescribeImages({ client: ec2 }, { ...MINE, Filters: filters })) {
    images.push(...(page.Images ?? []));
  }
  return images.sort((a, b) => (b.CreationDate ?? "").localeCompare(a.CreationDate ?? ""));
}

/** Lists the images that builds created, with their age and users. */
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

/** Finds the users of each image: instances, launch templates (default and latest version), Beanstalk environments. */
export async function imageUses({ ec2, beanstalk }: Clients): Promise<Map<string, string[]>> {
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
      // During an update there are two sets: the running one and the pending one.
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
 * Deletes an image that a build created, and its snapshots. Can be repeated after an interruption.
 *
 * @returns false if there is no such image
 * @throws UserError for an image in use ({@link ImageInUse}), or one that no build created
 */
export async function deleteImage(clients: Clients, imageId: string): Promise<boolean> {
  const { ec2 } = clients;
  const image = await findImage(ec2, imageId);
  if (image && tagOf(image, PART_TAG) !== "image") {
    throw new UserError(
      `This tool did not create ${imageId}, and deletes only its own images.`,
      "Choose one of: npm run ami -- list",
    );
  }
  if (image) {
    const users = (await imageUses(clients)).get(imageId) ?? [];
    if (users.length > 0) {
      throw new ImageInUse(
        `${imageId} is used by ${users.join(", ")}.`,
        `Switch them to another image (pulumi up), then run: npm run ami -- delete ${imageId}`,
      );
    }
    await removeImage(ec2, image);
  }
  await removeOrphanSnapshots(ec2);
  return image !== undefined;
}

/** Thrown by {@link deleteImage}. */
export class ImageInUse extends UserError {}

/** Finds the account's image with an id. Uses a filter, because describing an unknown id is an error. */
export const findImage = (ec2: EC2Client, imageId: string) => findImageBy(ec2, "image-id", imageId);

/** Finds the account's image with a name. */
export const findImageNamed = (ec2: EC2Client, name: string) => findImageBy(ec2, "name", name);

async function findImageBy(ec2: EC2Client, Name: string, value: string): Promise<Image | undefined> {
  const Filters = [{ Name, Values: [value] }];
  const { Images = [] } = await ec2.send(new DescribeImagesCommand({ ...MINE, Filters }));
  return Images[0];
}

/**
 * Deletes all images except the `keep` newest ones, those in use and those that EC2 is still creating. Returns the ids
 * of the deleted images.
 */
export async function pruneImages(clients: Clients, keep: number): Promise<string[]> {
  const images = (await listImages(clients)).filter(({ state }) => state !== "pending");
  const unused = images.slice(keep).filter(({ usedBy }) => usedBy.length === 0);
  for (const { imageId } of unused) await deleteImage(clients, imageId);
  await removeOrphanSnapshots(clients.ec2);
  return unused.map(({ imageId }) => imageId);
}

/** Deregisters an image and deletes its snapshots, even if it is in use. */
export async function removeImage(ec2: EC2Client, image: Image): Promise<void> {
  const { ImageId } = image;
  await unlessGone(() => ec2.send(new DeregisterImageCommand({ ImageId })));
  for (const SnapshotId of snapshotsOf(image)) await deleteSnapshot(ec2, SnapshotId);
}

/** Deletes a snapshot; does nothing if it is gone. */
export async function deleteSnapshot(ec2: EC2Client, SnapshotId: string | undefined): Promise<void> {
  await unlessGone(() => ec2.send(new DeleteSnapshotCommand({ SnapshotId })));
}

export function snapshotsOf({ BlockDeviceMappings = [] }: Image): string[] {
  return BlockDeviceMappings.flatMap(({ Ebs }) => Ebs?.SnapshotId ?? []);
}

/**
 * Deletes snapshots of builds for one environment, or for all, that belong to no image, which an interrupted deletion
 * leaves.
 *
 * A pending image does not list its snapshots yet, so snapshots with its fingerprint stay. Images are listed after
 * snapshots, because an image exists before its snapshots.
 */
export async function removeOrphanSnapshots(ec2: EC2Client, env?: string): Promise<void> {
  const snapshots: Snapshot[] = [];
  const request = { OwnerIds: ["self"], Filters: partFilters("snapshot", env) };
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
    await deleteSnapshot(ec2, SnapshotId);
  }
}

/** Ignores that the resource is gone: two runs may delete the same one. */
async function unlessGone(remove: () => Promise<unknown>): Promise<void> {
  const gone = ["InvalidAMIID.NotFound", "InvalidAMIID.Unavailable", "InvalidSnapshot.NotFound"];
  try {
    await remove();
  } catch (error) {
    if (!gone.includes(errorName(error))) throw error;
  }
}

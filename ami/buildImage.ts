import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import {
  CreateImageCommand,
  CreateSecurityGroupCommand,
  DeleteSecurityGroupCommand,
  DescribeImagesCommand,
  DescribeInstancesCommand,
  DescribeSecurityGroupsCommand,
  DescribeSubnetsCommand,
  GetConsoleOutputCommand,
  type Instance,
  RunInstancesCommand,
  type Tag,
  TerminateInstancesCommand,
} from "@aws-sdk/client-ec2";
import { type BaseImage, findBaseImage } from "./baseImage";
import { Progress } from "./console";
import {
  type Clients,
  FINGERPRINT_TAG,
  ownImages,
  PART_TAG,
  removeImage,
  removeOrphanSnapshots,
  tagOf,
} from "./images";
import { installScript } from "./installScript";
import { imageFingerprint, RECIPE } from "./recipe";
import { USER_DATA_LIMIT, userData } from "./userData";
import { UserError } from "./userError";

const ENVIRONMENT_TAG = "env";
const DEADLINE_TAG = "iaso:ami-deadline";

export interface BuildOptions {
  region: string;
  /** The environment the image is for; builders that its earlier builds left are ended. */
  env: string;
  solutionStackName: string;
  instanceType: string;
  /** Where the builder runs; the default subnet of the account without it. It must reach the Internet. */
  subnetId?: string;
  timeoutMinutes: number;
  pollSeconds: number;
  /** One line of progress. */
  report: (line: string) => void;
  /** Aborted when the user interrupts. */
  signal: AbortSignal;
}

export interface BuiltImage {
  imageId: string;
  fingerprint: string;
  baseImageId: string;
  /** True when an image of an earlier build is returned. */
  reused: boolean;
}

/**
 * The image of the recipe upon the platform version's own image: an existing one with the same fingerprint, or a new one.
 *
 * Whatever happens, no builder is left running. A run that is killed leaves at most a builder and what it made,
 * all tagged: the next run takes over those with its own fingerprint and removes the others.
 *
 * @throws UserError when the build fails, is interrupted or runs out of time
 */
export async function buildImage(clients: Clients, options: BuildOptions): Promise<BuiltImage> {
  return new Build(clients, options).run();
}

class Build {
  private fingerprint = "";

  constructor(
    private readonly clients: Clients,
    private readonly options: BuildOptions,
  ) {}

  async run(): Promise<BuiltImage> {
    const { clients, options } = this;
    const base = await findBaseImage(
      clients.ec2,
      clients.beanstalk,
      options.solutionStackName,
      options.region,
    );
    this.fingerprint = imageFingerprint(base.id);
    options.report(`recipe ${this.fingerprint.slice(0, 12)} upon ${base.id}`);
    const image = { fingerprint: this.fingerprint, baseImageId: base.id };
    try {
      const found = await this.existingImage();
      if (found) return { imageId: found, ...image, reused: true };
      await this.endOldBuilders();
      await removeOrphanSnapshots(clients.ec2);
      return { imageId: await this.make(base), ...image, reused: false };
    } catch (error) {
      await this.removeHalfMade();
      throw error;
    } finally {
      await this.cleanUp();
    }
  }

  private async make(base: BaseImage): Promise<string> {
    const builder = (await this.aliveBuilder()) ?? (await this.startBuilder(base));
    const instanceId = builder.InstanceId ?? "";
    this.options.report(`builder ${instanceId}: waiting for its console, which EC2 shows some minutes late`);
    const deadline =
      Date.parse(tagOf(builder, DEADLINE_TAG)) || Date.now() + this.options.timeoutMinutes * 60_000;
    await this.follow(instanceId, deadline);
    const existing = await this.existingImage();
    if (existing) return existing;
    this.options.report("creating the image");
    const { ImageId } = await this.clients.ec2.send(
      new CreateImageCommand({
        InstanceId: instanceId,
        // Names are unique, so a request repeated after a lost answer makes no second image.
        Name: `iaso-gdal-${this.fingerprint.slice(0, 16)}`,
        Description: `GDAL for Iaso upon ${base.id}`,
        TagSpecifications: [
          { ResourceType: "image", Tags: this.tags("image") },
          { ResourceType: "snapshot", Tags: this.tags("snapshot") },
        ],
      }),
    );
    return this.untilAvailable(ImageId ?? "");
  }

  /** An image with this fingerprint, waited for when it is in the making; one that failed is removed. */
  private async existingImage(): Promise<string | undefined> {
    for (const image of await ownImages(this.clients.ec2, this.fingerprint)) {
      if (image.State === "available") return image.ImageId;
      if (image.State === "pending") return this.untilAvailable(image.ImageId ?? "");
      await removeImage(this.clients.ec2, image);
    }
    return undefined;
  }

  private async untilAvailable(imageId: string): Promise<string> {
    const end = Date.now() + this.options.timeoutMinutes * 60_000;
    for (;;) {
      const { Images = [] } = await this.clients.ec2.send(new DescribeImagesCommand({ ImageIds: [imageId] }));
      const image = Images[0];
      if (image?.State === "available") return imageId;
      if (image?.State === "failed") {
        throw new UserError(
          `EC2 failed to make ${imageId}: ${image.StateReason?.Message ?? "no reason given"}. Run again.`,
        );
      }
      if (Date.now() > end)
        throw new UserError(`${imageId} is still ${image?.State ?? "unknown"}. Run again.`);
      await this.pause();
    }
  }

  private async startBuilder(base: BaseImage): Promise<Instance> {
    const { ec2 } = this.clients;
    const { options } = this;
    const script = installScript(RECIPE);
    // cloud-init unpacks gzip; EC2's limit is on what is sent.
    const data = gzipSync(userData(script, base.releaseVersion, options.timeoutMinutes));
    if (data.length > USER_DATA_LIMIT) {
      throw new UserError(
        `The install script is ${data.length} bytes packed; EC2 takes ${USER_DATA_LIMIT}. Shorten ami/recipe.ts.`,
      );
    }
    const { SubnetId, VpcId } = await this.subnet();
    const groupId = await this.securityGroup(VpcId ?? "");
    const deadline = new Date(Date.now() + options.timeoutMinutes * 60_000).toISOString();
    // Two builds that start at once see the same builders, send the same token and get the same instance. A
    // builder that has ended changes the token: with the old one EC2 would return the dead instance.
    const known = (await this.builders()).map(({ InstanceId = "" }) => InstanceId).sort();
    const token = createHash("sha256")
      .update([this.fingerprint, ...known].join(" "))
      .digest("hex");
    const { Instances = [] } = await ec2.send(
      new RunInstancesCommand({
        ClientToken: token,
        ImageId: base.id,
        InstanceType: options.instanceType as Instance["InstanceType"],
        MinCount: 1,
        MaxCount: 1,
        UserData: data.toString("base64"),
        InstanceInitiatedShutdownBehavior: "terminate",
        MetadataOptions: { HttpTokens: "required", HttpPutResponseHopLimit: 1 },
        NetworkInterfaces: [
          {
            DeviceIndex: 0,
            SubnetId,
            Groups: [groupId],
            AssociatePublicIpAddress: options.subnetId === undefined,
          },
        ],
        BlockDeviceMappings: [
          {
            DeviceName: base.rootDevice,
            Ebs: { VolumeType: "gp3", VolumeSize: 20, Encrypted: true, DeleteOnTermination: true },
          },
        ],
        TagSpecifications: [
          {
            ResourceType: "instance",
            Tags: [...this.tags("builder"), { Key: DEADLINE_TAG, Value: deadline }],
          },
          { ResourceType: "volume", Tags: this.tags("builder") },
        ],
      }),
    );
    const builder = Instances[0];
    if (!builder) throw new UserError("EC2 started no builder and gave no reason. Run again.");
    return builder;
  }

  private async subnet() {
    const { subnetId } = this.options;
    const { Subnets = [] } = await this.clients.ec2.send(
      new DescribeSubnetsCommand(
        subnetId === undefined
          ? { Filters: [{ Name: "default-for-az", Values: ["true"] }] }
          : { SubnetIds: [subnetId] },
      ),
    );
    const subnet = Subnets[0];
    if (!subnet)
      throw new UserError(
        "The region has no default subnet. Give one that reaches the Internet: --subnet ID.",
      );
    return subnet;
  }

  /** A group without inbound rules. The default group would let its own members in. */
  private async securityGroup(VpcId: string): Promise<string> {
    const existing = (await this.securityGroups()).find((group) => group.VpcId === VpcId);
    if (existing?.GroupId) return existing.GroupId;
    const { GroupId = "" } = await this.clients.ec2.send(
      new CreateSecurityGroupCommand({
        GroupName: this.groupName,
        Description: "Builder of the GDAL image: nothing comes in",
        VpcId,
        TagSpecifications: [{ ResourceType: "security-group", Tags: this.tags("builder") }],
      }),
    );
    return GroupId;
  }

  private get groupName(): string {
    return `iaso-gdal-builder-${this.fingerprint.slice(0, 16)}`;
  }

  private async securityGroups() {
    const Filters = [{ Name: "group-name", Values: [this.groupName] }];
    const { SecurityGroups = [] } = await this.clients.ec2.send(
      new DescribeSecurityGroupsCommand({ Filters }),
    );
    return SecurityGroups;
  }

  /** Reads the builder's console until the script's own mark. */
  private async follow(instanceId: string, deadline: number): Promise<void> {
    const progress = new Progress(this.options.report);
    for (;;) {
      const { Output = "" } = await this.clients.ec2.send(
        new GetConsoleOutputCommand({ InstanceId: instanceId, Latest: true }),
      );
      progress.read(Buffer.from(Output, "base64").toString("utf8"));
      if (progress.failure) throw new UserError(progress.failure);
      if (progress.ready) return;
      const builder = (await this.builders()).find(({ InstanceId }) => InstanceId === instanceId);
      const state = builder?.State?.Name ?? "gone";
      if (state !== "pending" && state !== "running") {
        // A second build of the same image may have finished with this builder.
        if (await this.existingImage()) return;
        throw new UserError(
          `The builder is ${state} before its self-test passed, at step ${progress.step}. Run again.`,
        );
      }
      if (Date.now() > deadline) {
        throw new UserError(
          `The build took longer than ${this.options.timeoutMinutes} minutes, at step ${progress.step}. ` +
            "Run again with a larger --instance-type or --timeout-minutes.",
        );
      }
      await this.pause();
    }
  }

  private async pause(): Promise<void> {
    const { signal } = this.options;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(done, this.options.pollSeconds * 1000);
      function done() {
        clearTimeout(timer);
        signal.removeEventListener("abort", done);
        resolve();
      }
      if (signal.aborted) done();
      else signal.addEventListener("abort", done);
    });
    if (signal.aborted) throw new UserError("Interrupted; the builder is terminated.");
  }

  private async builders(): Promise<Instance[]> {
    const { Reservations = [] } = await this.clients.ec2.send(
      new DescribeInstancesCommand({ Filters: [{ Name: `tag:${PART_TAG}`, Values: ["builder"] }] }),
    );
    return Reservations.flatMap(({ Instances = [] }) => Instances);
  }

  private async aliveBuilder(): Promise<Instance | undefined> {
    return (await this.builders()).find(
      (builder) => isAlive(builder) && tagOf(builder, FINGERPRINT_TAG) === this.fingerprint,
    );
  }

  /** Ends what killed runs left: builders of this environment with another recipe, and all that are too old. */
  private async endOldBuilders(): Promise<void> {
    const { env } = this.options;
    const old = (await this.builders()).filter((builder) => {
      if (!isAlive(builder)) return false;
      const late = Date.parse(tagOf(builder, DEADLINE_TAG)) < Date.now();
      const another = tagOf(builder, FINGERPRINT_TAG) !== this.fingerprint;
      return late || (another && tagOf(builder, ENVIRONMENT_TAG) === env);
    });
    for (const { InstanceId = "" } of old) {
      this.options.report(`terminating ${InstanceId}, left by an earlier run`);
      await this.clients.ec2.send(new TerminateInstancesCommand({ InstanceIds: [InstanceId] }));
    }
  }

  /** After a failure: an image that is not complete goes; a complete one stays for the next build. */
  private async removeHalfMade(): Promise<void> {
    await this.insist("removing the unfinished image", async () => {
      for (const image of await ownImages(this.clients.ec2, this.fingerprint)) {
        if (image.State !== "available") await removeImage(this.clients.ec2, image);
      }
      await removeOrphanSnapshots(this.clients.ec2);
    });
  }

  /** Terminates the builders of this fingerprint and removes their security group. */
  private async cleanUp(): Promise<void> {
    await this.insist("terminating the builder", async () => {
      const own = async () =>
        (await this.builders()).filter((builder) => tagOf(builder, FINGERPRINT_TAG) === this.fingerprint);
      const InstanceIds = (await own()).filter(isAlive).map(({ InstanceId = "" }) => InstanceId);
      if (InstanceIds.length > 0) await this.clients.ec2.send(new TerminateInstancesCommand({ InstanceIds }));
      const groups = await this.securityGroups();
      if (groups.length === 0) return;
      // A group cannot go while an instance is in it. Interrupted or not, this is worth waiting for.
      for (let looks = 0; looks < 60 && (await own()).some((i) => i.State?.Name !== "terminated"); looks++) {
        await new Promise((resolve) => setTimeout(resolve, this.options.pollSeconds * 1000));
      }
      for (const { GroupId } of groups)
        await this.clients.ec2.send(new DeleteSecurityGroupCommand({ GroupId }));
    });
  }

  /** Cleaning up must neither hide the first error nor give up at the first refusal. */
  private async insist(what: string, action: () => Promise<void>): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        await action();
        return;
      } catch (error) {
        const message = (error as Error).message;
        if (attempt === 3) {
          this.options.report(
            `${what} failed: ${message}. The next build does it; to do it now, run the same command again.`,
          );
          return;
        }
        await new Promise((resolve) => setTimeout(resolve, this.options.pollSeconds * 1000));
      }
    }
  }

  private tags(part: string): Tag[] {
    return [
      { Key: "Name", Value: `iaso-gdal-${part}` },
      { Key: "project", Value: "iaso" },
      { Key: ENVIRONMENT_TAG, Value: this.options.env },
      { Key: "managed-by", Value: "pulumi" },
      { Key: PART_TAG, Value: part },
      { Key: FINGERPRINT_TAG, Value: this.fingerprint },
    ];
  }
}

function isAlive({ State }: Instance): boolean {
  return State?.Name !== "terminated" && State?.Name !== "shutting-down";
}

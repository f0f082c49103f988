import { randomUUID } from "node:crypto";
import {
  CreateImageCommand,
  CreateTagsCommand,
  GetConsoleOutputCommand,
  type Instance,
  type Tag,
} from "@aws-sdk/client-ec2";
import { describeError, errorName } from "./failure";
import { UserError } from "../cli/userError";
import { type BaseImage, findBaseImage } from "./baseImage";
import {
  BUILDER,
  endLeftBehind,
  findBuilders,
  isAlive,
  removeGroups,
  startBuilder,
  terminate,
} from "./builder";
import { Progress } from "./console";
import {
  type Clients,
  FINGERPRINT_TAG,
  findImage,
  ownImages,
  PART_TAG,
  removeImage,
  removeOrphanSnapshots,
  tagOf,
} from "./images";
import { installScript } from "./installScript";
import { isLeftBehind, Lease, RUN_TAG } from "./lease";
import { imageFingerprint, type Recipe } from "./recipe";

/** Looks after which what was just made and cannot be seen is taken to be gone: EC2 shows new things late. */
const PATIENCE = 20;

export interface BuildOptions {
  region: string;
  /** The environment the image is for, on its tags. */
  env: string;
  recipe: Recipe;
  solutionStackName: string;
  instanceType: string;
  /** Where the builder runs; a default subnet of the account without it. It must reach the Internet. */
  subnetId: string | undefined;
  timeoutMinutes: number;
  pollSeconds: number;
  /** How long the builder of a run that is killed is still taken for that run's. Many times `pollSeconds`. */
  leaseSeconds: number;
  /** One line of progress. */
  report: (line: string) => void;
  /** Aborted when the user interrupts. */
  signal: AbortSignal;
}

export interface BuiltImage {
  imageId: string;
  fingerprint: string;
  baseImageId: string;
  /** True when the image of another build is returned. */
  reused: boolean;
}

/**
 * The image of the recipe upon the platform version's own image: an existing one with the same fingerprint, or a new one.
 *
 * Whatever happens, this run leaves no builder. One that a killed run left is taken over where it makes the same
 * image, and terminated otherwise. Of runs that want the same image at the same time, one builds and the others
 * wait for it; where that one ends without an image, another one builds.
 *
 * @throws UserError when the build fails, is interrupted or runs out of time
 */
export async function buildImage(clients: Clients, options: BuildOptions): Promise<BuiltImage> {
  const base = await findBaseImage(clients.ec2, clients.beanstalk, options.solutionStackName, options.region);
  return new Build(clients, options, base).run();
}

class Build {
  private readonly runId = randomUUID();
  private readonly lease: Lease;
  private readonly fingerprint: string;
  /** The builder of this run, started by it or taken over. */
  private builderId: string | undefined;
  private readonly ec2: Clients["ec2"];

  constructor(
    clients: Clients,
    private readonly options: BuildOptions,
    private readonly base: BaseImage,
  ) {
    this.ec2 = clients.ec2;
    this.lease = new Lease(this.runId, options.leaseSeconds);
    this.fingerprint = imageFingerprint(base.id, options.recipe);
  }

  async run(): Promise<BuiltImage> {
    const { fingerprint, base } = this;
    this.options.report(
      `recipe ${fingerprint.slice(0, 12)} upon ${base.id}, ` +
        (base.releaseVersion
          ? `Amazon Linux ${base.releaseVersion}`
          : "whose name tells no release of Amazon Linux"),
    );
    try {
      const existing = await this.existingImage();
      const imageId = existing ?? (await this.make());
      return { imageId, fingerprint, baseImageId: base.id, reused: existing !== undefined };
    } finally {
      await this.cleanUp();
    }
  }

  private async make(): Promise<string> {
    await endLeftBehind(this.ec2, this.options.report, (builder) => this.isUsable(builder));
    for (;;) {
      this.stopIfInterrupted();
      const builder = await this.builder();
      if (await this.follow(builder)) return this.createImage();
      // It was the builder of another run, which has the image now or has ended without one.
      const image = await this.existingImage();
      if (image) return image;
    }
  }

  /** An image with this fingerprint, waited for while it is being made. */
  private async existingImage(): Promise<string | undefined> {
    for (const { ImageId = "" } of await ownImages(this.ec2, this.fingerprint)) {
      if (await this.becomesAvailable(ImageId)) return ImageId;
    }
    return undefined;
  }

  /** Waits while an image is being made. False when there is none in the end; one that failed is removed. */
  private async becomesAvailable(imageId: string): Promise<boolean> {
    const { report, timeoutMinutes } = this.options;
    const end = Date.now() + timeoutMinutes * 60_000;
    let wasSeen = false;
    for (let looks = 1; ; looks++) {
      const image = await findImage(this.ec2, imageId);
      switch (image?.State) {
        case "available":
          return true;
        case "disabled":
          throw new UserError(
            `The image ${imageId} of this recipe is disabled.`,
            `Run: aws ec2 enable-image --image-id ${imageId}`,
          );
        case "failed":
        case "error":
        case "invalid":
          report(`EC2 failed to make ${imageId}: ${image.StateReason?.Message ?? "it gives no reason"}`);
          await removeImage(this.ec2, image);
          return false;
      }
      if (!image && (wasSeen || looks > PATIENCE)) return false;
      if (image && !wasSeen) report(`waiting for ${imageId}, which EC2 is making`);
      wasSeen ||= image !== undefined;
      if (Date.now() > end) {
        throw new UserError(
          `EC2 is still making ${imageId} after ${timeoutMinutes} minutes.`,
          "Run again; npm run ami -- list shows what there is.",
        );
      }
      await this.pause();
    }
  }

  /** The builder of this image: the first of those there are, else a new one. */
  private async builder(): Promise<Instance> {
    const found = await this.firstBuilder();
    if (found) return found;
    this.options.report(`starting a builder, ${this.options.instanceType}`);
    const started = await startBuilder(this.ec2, {
      runId: this.runId,
      base: this.base,
      script: installScript(this.options.recipe),
      instanceType: this.options.instanceType,
      subnetId: this.options.subnetId,
      lifeMinutes: this.options.timeoutMinutes,
      tags: [...this.tags(BUILDER), ...this.lease.tags()],
    });
    this.builderId = started.InstanceId;
    // Two runs that start at once see no builder, and start one each: the later one gives way.
    const first = await this.firstBuilder();
    if (!first || first.InstanceId === this.builderId) return started;
    await this.endOwnBuilder();
    return first;
  }

  private async firstBuilder(): Promise<Instance | undefined> {
    return (await findBuilders(this.ec2)).find(
      (builder) => isAlive(builder) && tagOf(builder, FINGERPRINT_TAG) === this.fingerprint,
    );
  }

  private async endOwnBuilder(): Promise<void> {
    if (this.builderId) await terminate(this.ec2, this.builderId);
    this.builderId = undefined;
  }

  /**
   * Reads the builder's console until the script's own mark.
   *
   * True when the builder is this run's and ready to make an image of. False when it was another run's, which is done
   * with it: it has the image, or it ended without one.
   */
  private async follow({ InstanceId = "" }: Instance): Promise<boolean> {
    const { report, timeoutMinutes } = this.options;
    const isMine = () => this.builderId === InstanceId;
    const startedHere = isMine();
    report(
      `builder ${InstanceId}${startedHere ? "" : " of another run"}: its console comes some minutes late`,
    );
    const progress = new Progress(report);
    const end = Date.now() + timeoutMinutes * 60_000;
    let wasSeen = false;
    for (let looks = 1; ; looks++) {
      progress.read(await this.console(InstanceId));
      const seen = (await findBuilders(this.ec2)).find((builder) => builder.InstanceId === InstanceId);
      const ended = seen ? !isAlive(seen) : wasSeen || looks > PATIENCE;
      wasSeen ||= seen !== undefined;
      if (progress.failure && (isMine() || ended)) throw new UserError(progress.failure);
      if (isMine() && progress.ready) return true;
      if (ended && startedHere && !(await this.hasImage())) {
        throw new UserError(
          `The builder ended before its self-test passed, at step ${progress.step}: ` +
            (seen?.StateReason?.Message ?? "EC2 gives no reason"),
          "Run again.",
        );
      }
      if (ended) return false;
      if (!isMine() && progress.ready && (await this.hasImage())) return false;
      if (Date.now() > end) {
        throw new UserError(
          `The build took longer than ${timeoutMinutes} minutes, at step ${progress.step}.`,
          "Run again with a larger --instance-type or --timeout-minutes.",
        );
      }
      if (!isMine() && seen && isLeftBehind(seen)) await this.takeOver(InstanceId);
      await this.pause();
    }
  }

  private async takeOver(instanceId: string): Promise<void> {
    this.options.report(`taking over ${instanceId}, whose run was killed`);
    await this.ec2.send(new CreateTagsCommand({ Resources: [instanceId], Tags: this.lease.tags() }));
    this.builderId = instanceId;
  }

  private async hasImage(): Promise<boolean> {
    return (await ownImages(this.ec2, this.fingerprint)).length > 0;
  }

  private async console(InstanceId: string): Promise<string> {
    try {
      const command = new GetConsoleOutputCommand({ InstanceId, Latest: true });
      const { Output = "" } = await this.ec2.send(command);
      return Buffer.from(Output, "base64").toString("utf8");
    } catch (error) {
      // Just started, or gone for long.
      if (errorName(error) === "InvalidInstanceID.NotFound") return "";
      throw error;
    }
  }

  private async createImage(): Promise<string> {
    this.options.report("self-test passed; creating the image");
    const imageId = await this.requestImage();
    if (await this.becomesAvailable(imageId)) return imageId;
    throw new UserError(`The image ${imageId} did not come about.`, "Run again.");
  }

  private async requestImage(): Promise<string> {
    const Name = `iaso-gdal-${this.fingerprint.slice(0, 16)}`;
    try {
      const { ImageId = "" } = await this.ec2.send(
        new CreateImageCommand({
          InstanceId: this.builderId,
          // Names are unique, so that neither a repeated request nor another run makes a second image.
          Name,
          Description: `GDAL for Iaso upon ${this.base.id}`,
          TagSpecifications: [
            { ResourceType: "image", Tags: [...this.tags("image"), { Key: RUN_TAG, Value: this.runId }] },
            { ResourceType: "snapshot", Tags: this.tags("snapshot") },
          ],
        }),
      );
      return ImageId;
    } catch (error) {
      if (errorName(error) !== "InvalidAMIName.Duplicate") throw error;
    }
    for (let looks = 1; looks <= PATIENCE; looks++) {
      const [image] = await ownImages(this.ec2, this.fingerprint);
      if (image?.ImageId) return image.ImageId;
      await this.pause();
    }
    throw new UserError(
      `There is an image named ${Name} without this tool's tags.`,
      `Find it with: aws ec2 describe-images --owners self --filters Name=name,Values=${Name}; deregister it and run again.`,
    );
  }

  /** Waits until the next look, and gives a sign of life on the builder where it is time for one. */
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
    this.stopIfInterrupted();
    if (this.builderId && this.lease.isDue) {
      const command = new CreateTagsCommand({ Resources: [this.builderId], Tags: this.lease.tags() });
      await this.ec2.send(command);
    }
  }

  private stopIfInterrupted(): void {
    if (this.options.signal.aborted) throw new UserError("Interrupted.");
  }

  /** Whether a builder that was left behind can still become this image. */
  private async isUsable(builder: Instance): Promise<boolean> {
    if (tagOf(builder, FINGERPRINT_TAG) !== this.fingerprint) return false;
    const progress = new Progress(() => undefined);
    progress.read(await this.console(builder.InstanceId ?? ""));
    return progress.failure === undefined;
  }

  /**
   * Removes what this run made besides a complete image, and what killed runs left. Goes on when a part of it fails,
   * and after an interruption; hides no error that came before.
   */
  private async cleanUp(): Promise<void> {
    await this.insist("removing the unfinished image", async () => {
      for (const image of await ownImages(this.ec2, this.fingerprint)) {
        if (image.State !== "available" && tagOf(image, RUN_TAG) === this.runId)
          await removeImage(this.ec2, image);
      }
    });
    await this.insist("terminating the builder", async () => {
      await this.endOwnBuilder();
      // By its tag too: the answer that names it may have been lost.
      for (const builder of (await findBuilders(this.ec2)).filter(isAlive)) {
        if (tagOf(builder, RUN_TAG) === this.runId) await terminate(this.ec2, builder.InstanceId ?? "");
      }
    });
    await this.insist("terminating builders of killed runs", () =>
      endLeftBehind(this.ec2, this.options.report),
    );
    await this.insist("removing the security group", () =>
      removeGroups(
        this.ec2,
        (group) => tagOf(group, RUN_TAG) === this.runId || isLeftBehind(group),
        () => this.sleep(),
      ),
    );
    await this.insist("removing snapshots without an image", () => removeOrphanSnapshots(this.ec2));
  }

  private async insist(what: string, action: () => Promise<void>): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        await action();
        return;
      } catch (error) {
        if (attempt === 3) {
          this.options.report(
            `${what} failed: ${describeError(error)}. The next build does it; to do it now: npm run ami -- prune --keep 2`,
          );
          return;
        }
        await this.sleep();
      }
    }
  }

  private async sleep(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, this.options.pollSeconds * 1000));
  }

  private tags(part: string): Tag[] {
    return [
      { Key: "Name", Value: `iaso-gdal-${part}` },
      { Key: "project", Value: "iaso" },
      { Key: "env", Value: this.options.env },
      { Key: "managed-by", Value: "pulumi" },
      { Key: PART_TAG, Value: part },
      { Key: FINGERPRINT_TAG, Value: this.fingerprint },
    ];
  }
}

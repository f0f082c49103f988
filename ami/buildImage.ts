import { randomUUID } from "node:crypto";
import {
  CreateImageCommand,
  CreateTagsCommand,
  GetConsoleOutputCommand,
  type Instance,
  type Tag,
} from "@aws-sdk/client-ec2";
import { describeError, errorName } from "../cli/awsErrors";
import { UserError } from "../cli/userError";
import { awaitImage, POLLS_UNTIL_VISIBLE } from "./awaitImage";
import { type BaseImage, findBaseImage } from "./baseImage";
import {
  BUILDER,
  terminateAbandoned,
  findBuilders,
  isAlive,
  removeGroups,
  startBuilder,
  terminate,
} from "./builder";
import { BuilderConsole } from "./console";
import {
  type Clients,
  FINGERPRINT_TAG,
  imageName,
  ownImages,
  partTags,
  removeImage,
  removeOrphanSnapshots,
  tagOf,
} from "./images";
import { installScript } from "./installScript";
import { isAbandoned, Lease, RUN_TAG } from "./lease";
import { imageFingerprint } from "./fingerprint";
import type { Recipe } from "./recipe";

export interface BuildOptions {
  region: string;
  /** The environment that the image is for. A build sees nothing of the others in its account. */
  env: string;
  recipe: Recipe;
  solutionStackName: string;
  instanceType: string;
  /** The builder's subnet, which must reach the Internet; a default subnet of the account if undefined. */
  subnetId: string | undefined;
  timeoutMinutes: number;
  pollSeconds: number;
  /** Seconds after which a builder that its run no longer renews counts as abandoned. Many times `pollSeconds`. */
  leaseSeconds: number;
  /** Called with each line of progress. */
  report: (line: string) => void;
  /** Aborted when the user interrupts. */
  signal: AbortSignal;
}

export interface BuiltImage {
  imageId: string;
  fingerprint: string;
  baseImageId: string;
  /** True if the image of an earlier build is returned. */
  reused: boolean;
}

/**
 * Returns the image of a recipe on a platform version: an existing image of the environment with the same fingerprint, or
 * a new one.
 *
 * This run terminates its builder whatever happens. An abandoned builder, left by a run that was killed, is taken over
 * if it builds the same image, and terminated otherwise. If several runs for the environment need the same image, one builds it and the
 * others wait; if that run ends without an image, another one builds it.
 *
 * @throws UserError if the build fails, is interrupted or exceeds its time limit
 */
export async function buildImage(clients: Clients, options: BuildOptions): Promise<BuiltImage> {
  const base = await findBaseImage(clients.ec2, clients.beanstalk, options.solutionStackName, options.region);
  return new Build(clients, options, base).run();
}

class Build {
  private readonly runId = randomUUID();
  private readonly lease: Lease;
  private readonly fingerprint: string;
  /** The builder of this run, which it started or took over. */
  private builderId: string | undefined;
  private readonly ec2: Clients["ec2"];
  private readonly env: string;

  constructor(
    clients: Clients,
    private readonly options: BuildOptions,
    private readonly base: BaseImage,
  ) {
    this.ec2 = clients.ec2;
    this.env = options.env;
    this.lease = new Lease(this.runId, options.leaseSeconds);
    this.fingerprint = imageFingerprint(base.id, options.recipe);
  }

  async run(): Promise<BuiltImage> {
    const { fingerprint, base } = this;
    this.options.report(
      `recipe ${fingerprint.slice(0, 12)} on ${base.id}, ` +
        (base.releaseVersion
          ? `Amazon Linux ${base.releaseVersion}`
          : "whose name contains no release of Amazon Linux"),
    );
    try {
      const existing = await this.existingImage();
      const imageId = existing ?? (await this.build());
      return { imageId, fingerprint, baseImageId: base.id, reused: existing !== undefined };
    } finally {
      await this.cleanUp();
    }
  }

  private async build(): Promise<string> {
    await terminateAbandoned(this.ec2, this.env, this.options.report, (builder) => this.isReusable(builder));
    for (;;) {
      this.requireNotInterrupted();
      const builder = await this.builder();
      if (await this.watch(builder)) return this.createImage();
      // It was the builder of another run, which has created the image or ended without one.
      const image = await this.existingImage();
      if (image) return image;
    }
  }

  /** Returns an image with this fingerprint, once it is available; undefined if there is none. */
  private async existingImage(): Promise<string | undefined> {
    for (const { ImageId = "" } of await ownImages(this.ec2, this.env, this.fingerprint)) {
      if (await this.becomesAvailable(ImageId)) return ImageId;
    }
    return undefined;
  }

  private becomesAvailable(imageId: string): Promise<boolean> {
    const { report, timeoutMinutes } = this.options;
    return awaitImage(imageId, { ec2: this.ec2, timeoutMinutes, report, pause: () => this.pause() });
  }

  /** Returns the first builder of this image, or starts one. */
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
    // Two runs that begin at the same time both see no builder and start one: the later one is terminated.
    const first = await this.firstBuilder();
    if (!first || first.InstanceId === this.builderId) return started;
    await this.endOwnBuilder();
    return first;
  }

  private async firstBuilder(): Promise<Instance | undefined> {
    return (await findBuilders(this.ec2, this.env)).find(
      (builder) => isAlive(builder) && tagOf(builder, FINGERPRINT_TAG) === this.fingerprint,
    );
  }

  private async endOwnBuilder(): Promise<void> {
    if (this.builderId) await terminate(this.ec2, this.builderId);
    this.builderId = undefined;
  }

  /**
   * Reads the builder's console until the install script has ended.
   *
   * @returns true if this run can create the image; false if another run's builder ended
   * @throws UserError if the build fails, is interrupted or exceeds its time limit
   */
  private async watch({ InstanceId = "" }: Instance): Promise<boolean> {
    const { report, timeoutMinutes } = this.options;
    const isMine = () => this.builderId === InstanceId;
    const startedHere = isMine();
    report(
      `builder ${InstanceId}${startedHere ? "" : " of another run"}: EC2 shows its console some minutes late`,
    );
    const progress = new BuilderConsole(report);
    const end = Date.now() + timeoutMinutes * 60_000;
    let wasSeen = false;
    for (let polls = 1; ; polls++) {
      progress.read(await this.console(InstanceId));
      const seen = (await findBuilders(this.ec2, this.env)).find(
        (builder) => builder.InstanceId === InstanceId,
      );
      const ended = seen ? !isAlive(seen) : wasSeen || polls > POLLS_UNTIL_VISIBLE;
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
      if (!isMine() && seen && isAbandoned(seen)) await this.takeOver(InstanceId);
      await this.pause();
    }
  }

  private async takeOver(instanceId: string): Promise<void> {
    this.options.report(`taking over ${instanceId}, whose run was killed`);
    await this.ec2.send(new CreateTagsCommand({ Resources: [instanceId], Tags: this.lease.tags() }));
    this.builderId = instanceId;
  }

  private async hasImage(): Promise<boolean> {
    return (await ownImages(this.ec2, this.env, this.fingerprint)).length > 0;
  }

  private async console(InstanceId: string): Promise<string> {
    try {
      const command = new GetConsoleOutputCommand({ InstanceId, Latest: true });
      const { Output = "" } = await this.ec2.send(command);
      return Buffer.from(Output, "base64").toString("utf8");
    } catch (error) {
      // The instance has just started, or ended long ago.
      if (errorName(error) === "InvalidInstanceID.NotFound") return "";
      throw error;
    }
  }

  private async createImage(): Promise<string> {
    this.options.report("self-test passed; creating the image");
    const imageId = await this.requestImage();
    if (await this.becomesAvailable(imageId)) return imageId;
    throw new UserError(`EC2 did not create the image ${imageId}.`, "Run again.");
  }

  private async requestImage(): Promise<string> {
    const Name = imageName(this.env, this.fingerprint);
    try {
      const { ImageId = "" } = await this.ec2.send(
        new CreateImageCommand({
          InstanceId: this.builderId,
          // Names are unique, so neither the SDK's retry nor another run creates a second image.
          Name,
          Description: `GDAL for Iaso on ${this.base.id}`,
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
    for (let polls = 1; polls <= POLLS_UNTIL_VISIBLE; polls++) {
      const [image] = await ownImages(this.ec2, this.env, this.fingerprint);
      if (image?.ImageId) return image.ImageId;
      await this.pause();
    }
    throw new UserError(
      `An image named ${Name} exists without this tool's tags.`,
      `Deregister it and run again. To find it: aws ec2 describe-images --owners self --filters Name=name,Values=${Name}`,
    );
  }

  /** Waits until the next poll, and renews the builder's lease if it is due. */
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
    this.requireNotInterrupted();
    if (this.builderId && this.lease.isDue) {
      const command = new CreateTagsCommand({ Resources: [this.builderId], Tags: this.lease.tags() });
      await this.ec2.send(command);
    }
  }

  private requireNotInterrupted(): void {
    if (this.options.signal.aborted) throw new UserError("The build was interrupted.");
  }

  /** True if an abandoned builder can still become this image. */
  private async isReusable(builder: Instance): Promise<boolean> {
    if (tagOf(builder, FINGERPRINT_TAG) !== this.fingerprint) return false;
    const progress = new BuilderConsole(() => undefined);
    progress.read(await this.console(builder.InstanceId ?? ""));
    return progress.failure === undefined;
  }

  /**
   * Removes all that this run created except a complete image, and all that killed runs left. Continues if a part
   * fails, and after an interruption, and never replaces an earlier error.
   */
  private async cleanUp(): Promise<void> {
    await this.retry("removing the unfinished image", async () => {
      for (const image of await ownImages(this.ec2, this.env, this.fingerprint)) {
        if (image.State !== "available" && tagOf(image, RUN_TAG) === this.runId)
          await removeImage(this.ec2, image);
      }
    });
    await this.retry("terminating the builder", async () => {
      await this.endOwnBuilder();
      // Also by its tag: the answer with its id may have been lost.
      for (const builder of (await findBuilders(this.ec2, this.env)).filter(isAlive)) {
        if (tagOf(builder, RUN_TAG) === this.runId) await terminate(this.ec2, builder.InstanceId ?? "");
      }
    });
    await this.retry("terminating builders of killed runs", () =>
      terminateAbandoned(this.ec2, this.env, this.options.report),
    );
    await this.retry("removing the security group", () =>
      removeGroups(
        this.ec2,
        this.env,
        (group) => tagOf(group, RUN_TAG) === this.runId || isAbandoned(group),
        () => this.sleep(),
      ),
    );
    await this.retry("removing snapshots without an image", () => removeOrphanSnapshots(this.ec2, this.env));
  }

  /** Tries an action three times; a failure is reported and does not throw. */
  private async retry(what: string, action: () => Promise<void>): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        await action();
        return;
      } catch (error) {
        if (attempt === 3) {
          this.options.report(
            `${what} failed: ${describeError(error)}. The next build repeats it; to do it now: npm run ami -- prune --keep 2`,
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
    return partTags(part, this.env, this.fingerprint);
  }
}

import { EC2Client } from "@aws-sdk/client-ec2";
import { ElasticBeanstalkClient } from "@aws-sdk/client-elastic-beanstalk";
import { NodeHttpHandler } from "@smithy/node-http-handler";
import { Command, InvalidArgumentError, Option } from "commander";
import { UserError } from "../cli/userError";
import { endLeftBehind, removeGroups } from "./builder";
import { buildImage } from "./buildImage";
import { describeFailure } from "./failure";
import { type Clients, deleteImage, ImageInUse, listImages, pruneImages } from "./images";
import { isLeftBehind } from "./lease";
import { MORE_DRIVER_NAMES, recipeWith } from "./recipe";

/** A builder counts as left behind when its run gave no sign of life for so many of its looks. */
const LOOKS_OF_A_LEASE = 20;

// It names the Node that later SDKs need. That is for who updates package.json, not for who builds an image.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= "true";

const program = new Command("npm run ami --")
  .description("Builds, lists and removes the image with GDAL for Beanstalk's Python platform.")
  .showHelpAfterError("Add --help to see what it takes: npm run ami -- --help")
  .addHelpText(
    "after",
    "\nThe region is that of AWS_REGION or of the profile, the credentials are those of the AWS CLI.\n" +
      "Progress goes to stderr; the last line of stdout is the result as JSON. More in ami/README.md.",
  );
// A terminal that was closed must not end a run that still has a builder to remove.
for (const stream of [process.stdout, process.stderr]) stream.on("error", () => undefined);
const report = (line: string) => process.stderr.write(`${line}\n`);
/** The last line of stdout is the result, for programs to read. */
const result = (value: unknown) => process.stdout.write(`${JSON.stringify(value)}\n`);

program
  .command("build")
  .description("returns the image of the recipe, and makes it where it does not exist")
  .requiredOption(
    "--platform <name>",
    'Beanstalk platform version such as "64bit Amazon Linux 2023 v4.7.3 running Python 3.9"',
  )
  .requiredOption("--env <name>", "environment the image is for, such as staging")
  .addOption(
    new Option("--drivers <names>", `more GDAL drivers, out of ${MORE_DRIVER_NAMES.join(",")}`)
      .argParser(names)
      .default([], "none"),
  )
  .option("--instance-type <type>", "type of the builder, x86_64", "c7i.2xlarge")
  .option("--subnet <id>", "subnet of the builder, with a way to the Internet; a default subnet without it")
  .option("--timeout-minutes <n>", "when to give up", atLeastOne, 90)
  .option("--poll-seconds <n>", "time between two looks", positive, 15)
  .action(async (options: BuildFlags) => {
    const recipe = recipeWith(options.drivers);
    const { ec2, beanstalk } = clients();
    const interrupt = new AbortController();
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
      process.on(signal, () => {
        if (!interrupt.signal.aborted)
          report("Interrupted: removing the builder, which takes a minute or so.");
        interrupt.abort();
      });
    }
    const image = await buildImage(
      { ec2, beanstalk },
      {
        region: await ec2.config.region(),
        env: options.env,
        recipe,
        solutionStackName: options.platform,
        instanceType: options.instanceType,
        subnetId: options.subnet,
        timeoutMinutes: options.timeoutMinutes,
        pollSeconds: options.pollSeconds,
        leaseSeconds: options.pollSeconds * LOOKS_OF_A_LEASE,
        report,
        signal: interrupt.signal,
      },
    );
    report(image.reused ? "The image exists already." : "The image is ready.");
    result(image);
  });

interface BuildFlags {
  platform: string;
  env: string;
  drivers: string[];
  instanceType: string;
  subnet?: string;
  timeoutMinutes: number;
  pollSeconds: number;
}

program
  .command("delete")
  .description("deregisters an image and deletes its snapshots; refuses while anything uses it")
  .argument("[image-id]")
  .option("--from-build-output", "take the id from the build's output in PULUMI_COMMAND_STDOUT")
  .option("--keep-if-used", "keep an image in use for a later prune, and succeed")
  .action(async (given: string | undefined, options: { fromBuildOutput?: true; keepIfUsed?: true }) => {
    const imageId = options.fromBuildOutput ? idFromBuildOutput() : given;
    if (!imageId || !/^ami-[0-9a-f]{8,17}$/.test(imageId)) {
      throw new UserError(
        imageId ? `"${imageId}" is not the id of an image.` : "Which image?",
        "Run: npm run ami -- delete ami-0123456789abcdef0 (npm run ami -- list shows them).",
      );
    }
    try {
      if (await deleteImage(clients(), imageId)) result({ deleted: imageId });
      // Pulumi repeats a deletion that was cut short, so it must succeed then; a person has mistyped the id.
      else if (options.fromBuildOutput) result({ absent: imageId });
      else {
        throw new UserError(
          `There is no image ${imageId} in this account and region.`,
          "npm run ami -- list shows those there are.",
        );
      }
    } catch (error) {
      if (!(error instanceof ImageInUse) || !options.keepIfUsed) throw error;
      report(`Kept: ${error.message}`);
      result({ kept: imageId });
    }
  });

program
  .command("list")
  .description("shows the images with age, recipe and what uses them")
  .action(async () => {
    const images = await listImages(clients());
    if (images.length === 0) report("There are no images.");
    for (const { imageId, state, ageDays, fingerprint, usedBy } of images) {
      const use = usedBy.length === 0 ? "not in use" : `used by ${usedBy.join(", ")}`;
      report(`${imageId}  ${state}  ${ageDays} days  recipe ${fingerprint.slice(0, 12)}  ${use}`);
    }
    result({ images });
  });

program
  .command("prune")
  .description("removes old images that nothing uses, and what builds that were killed left")
  .requiredOption("--keep <n>", "how many of the newest to keep", whole)
  .action(async ({ keep }: { keep: number }) => {
    const { ec2, beanstalk } = clients();
    const deleted = await pruneImages({ ec2, beanstalk }, keep);
    await endLeftBehind(ec2, report);
    await removeGroups(ec2, isLeftBehind, () => new Promise((resolve) => setTimeout(resolve, 5_000)));
    result({ deleted });
  });

function clients(): Clients {
  const settings = {
    maxAttempts: 5,
    // A request without an answer would otherwise hang for ever, with the builder running. All attempts of one
    // together are shorter than a lease.
    requestHandler: new NodeHttpHandler({
      connectionTimeout: 5_000,
      requestTimeout: 20_000,
      throwOnRequestTimeout: true,
    }),
  };
  return { ec2: new EC2Client(settings), beanstalk: new ElasticBeanstalkClient(settings) };
}

function idFromBuildOutput(): string {
  const lastLine = (process.env.PULUMI_COMMAND_STDOUT ?? "").trim().split("\n").at(-1) ?? "";
  try {
    return (JSON.parse(lastLine) as { imageId: string }).imageId;
  } catch {
    throw new UserError(
      "PULUMI_COMMAND_STDOUT does not end with the output of a build.",
      "Give the id instead: npm run ami -- delete ami-0123456789abcdef0",
    );
  }
}

function names(text: string): string[] {
  return text.split(",").flatMap((name) => name.trim() || []);
}

function positive(text: string): number {
  const value = Number(text);
  if (!(value > 0 && Number.isFinite(value))) throw new InvalidArgumentError("A number above 0 is needed.");
  return value;
}

function whole(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError("A whole number is needed.");
  return Number(text);
}

function atLeastOne(text: string): number {
  const value = whole(text);
  if (value === 0) throw new InvalidArgumentError("A whole number above 0 is needed.");
  return value;
}

program.parseAsync().catch((error: unknown) => {
  report(describeFailure(error));
  process.exitCode = 1;
});

import { EC2Client } from "@aws-sdk/client-ec2";
import { ElasticBeanstalkClient } from "@aws-sdk/client-elastic-beanstalk";
import { NodeHttpHandler } from "@smithy/node-http-handler";
import { Command, InvalidArgumentError } from "commander";
import { buildImage } from "./buildImage";
import { type Clients, deleteImage, ImageInUse, listImages, pruneImages } from "./images";
import { UserError } from "./userError";

const program = new Command("ami").description("Builds, lists and removes the image with GDAL for Beanstalk");
const report = (line: string) => process.stderr.write(`${line}\n`);
/** The last line of stdout is the result, for programs to read. */
const result = (value: unknown) => process.stdout.write(`${JSON.stringify(value)}\n`);

program
  .command("build")
  .description("returns the image of the recipe, and makes it where it does not exist")
  .requiredOption(
    "--platform <name>",
    'Beanstalk platform version, "64bit Amazon Linux 2023 v4.7.3 running Python 3.9"',
  )
  .requiredOption("--env <name>", "environment the image is for")
  .option("--instance-type <type>", "type of the builder", "c7i.2xlarge")
  .option("--subnet <id>", "subnet of the builder; a default subnet without it")
  .option("--timeout-minutes <n>", "when to give up", positive, 90)
  .option("--poll-seconds <n>", "time between two looks", positive, 15)
  .action(async (options: BuildFlags) => {
    const interrupt = new AbortController();
    for (const signal of ["SIGINT", "SIGTERM"] as const) {
      process.on(signal, () => {
        interrupt.abort();
      });
    }
    const image = await buildImage(clients(), {
      region: region(),
      env: options.env,
      solutionStackName: options.platform,
      instanceType: options.instanceType,
      subnetId: options.subnet,
      timeoutMinutes: options.timeoutMinutes,
      pollSeconds: options.pollSeconds,
      report,
      signal: interrupt.signal,
    });
    report(image.reused ? "the image exists already" : "the image is ready");
    result(image);
  });

interface BuildFlags {
  platform: string;
  env: string;
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
        "Which image? Run: npm run ami -- delete ami-0123456789abcdef0 (npm run ami -- list shows them).",
      );
    }
    try {
      await deleteImage(clients(), imageId);
      result({ deleted: imageId });
    } catch (error) {
      if (!(error instanceof ImageInUse) || !options.keepIfUsed) throw error;
      report(`kept: ${error.message}`);
      result({ kept: imageId });
    }
  });

program
  .command("list")
  .description("shows the images with age, recipe and what uses them")
  .action(async () => {
    const images = await listImages(clients());
    for (const { imageId, state, ageDays, fingerprint, usedBy } of images) {
      const use = usedBy.length === 0 ? "not in use" : `used by ${usedBy.join(", ")}`;
      report(`${imageId}  ${state}  ${ageDays} days  recipe ${fingerprint.slice(0, 12)}  ${use}`);
    }
    result({ images });
  });

program
  .command("prune")
  .description("removes old images that nothing uses")
  .requiredOption("--keep <n>", "how many of the newest to keep", whole)
  .action(async ({ keep }: { keep: number }) => {
    result({ deleted: await pruneImages(clients(), keep) });
  });

function clients(): Clients {
  const settings = {
    region: region(),
    maxAttempts: 5,
    // A request without an answer would otherwise hang for ever, with the builder running.
    requestHandler: new NodeHttpHandler({
      connectionTimeout: 10_000,
      requestTimeout: 60_000,
      throwOnRequestTimeout: true,
    }),
  };
  return { ec2: new EC2Client(settings), beanstalk: new ElasticBeanstalkClient(settings) };
}

function region(): string {
  const region = process.env.AWS_REGION ?? process.env.AWS_DEFAULT_REGION;
  if (!region) throw new UserError("No region is set. Run: export AWS_REGION=eu-central-1");
  return region;
}

function idFromBuildOutput(): string {
  const lastLine = (process.env.PULUMI_COMMAND_STDOUT ?? "").trim().split("\n").at(-1) ?? "";
  try {
    return (JSON.parse(lastLine) as { imageId: string }).imageId;
  } catch {
    throw new UserError(
      "PULUMI_COMMAND_STDOUT does not end with the output of a build. Give the image id instead.",
    );
  }
}

function positive(text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new InvalidArgumentError("A number above 0 is needed.");
  return value;
}

function whole(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError("A whole number is needed.");
  return Number(text);
}

program.parseAsync().catch((error: unknown) => {
  const { name, message } = error as Error;
  report(error instanceof UserError ? message : `AWS refused or did not answer: ${name}: ${message}`);
  if (!(error instanceof UserError))
    report("Check the credentials and their rights (ami/README.md), then run again.");
  process.exitCode = 1;
});

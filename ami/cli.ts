import { EC2Client } from "@aws-sdk/client-ec2";
import { ElasticBeanstalkClient } from "@aws-sdk/client-elastic-beanstalk";
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { NodeHttpHandler } from "@smithy/node-http-handler";
import { Command, InvalidArgumentError, Option } from "commander";
import { runProgram } from "../cli/main";
import { print, printError } from "../cli/output";
import { createProgress } from "../cli/progress";
import { UserError } from "../cli/userError";
import { terminateAbandoned, removeGroups } from "./builder";
import { buildImage } from "./buildImage";
import { type Clients, deleteImage, ImageInUse, listImages, pruneImages } from "./images";
import { isAbandoned } from "./lease";
import { promoteImage } from "./promoteImage";
import { MORE_DRIVER_NAMES, recipeWith } from "./recipe";

/** The duration of a builder's lease, in polls. */
const LEASE_POLLS = 20;

const program = new Command("npm run ami --")
  .description("Builds, lists, copies and deletes images with GDAL for Beanstalk's Python platform.")
  .showHelpAfterError("See: npm run ami -- --help")
  .addHelpText(
    "after",
    "\nThe region comes from AWS_REGION or the AWS profile. AWS credentials are those of the AWS CLI.\n" +
      "Progress goes to stderr. The last line of stdout is the result as JSON. More in ami/README.md.",
  );
// A closed terminal must not end a run that still has to terminate its builder.
for (const stream of [process.stdout, process.stderr]) stream.on("error", () => undefined);
const progress = createProgress({
  terminal: false,
  write: printError,
  now: Date.now,
});
const report = (line: string) => {
  progress.line(line);
};
/** Prints the result for programs, as the last line of stdout. */
const result = (value: unknown) => {
  print(JSON.stringify(value));
};

program
  .command("build")
  .description("build the image of the recipe for an environment, or return the one that exists")
  .requiredOption(
    "--platform <name>",
    'Beanstalk platform version, such as "64bit Amazon Linux 2023 v4.13.9 running Python 3.13"',
  )
  .requiredOption("--env <name>", "environment that the image is for, such as staging")
  .addOption(
    new Option("--drivers <names>", `more GDAL drivers, from ${MORE_DRIVER_NAMES.join(",")}`)
      .argParser(names)
      .default([], "none"),
  )
  .option("--instance-type <type>", "instance type of the builder, x86_64", "c7i.2xlarge")
  .option("--subnet <id>", "subnet of the builder, with Internet access (default: a default subnet)")
  .option("--timeout-minutes <n>", "time limit", atLeastOne, 90)
  .option("--poll-seconds <n>", "interval between two polls", positive, 15)
  .action(async (options: BuildFlags) => {
    const recipe = recipeWith(options.drivers);
    const { ec2, beanstalk } = clients();
    const interrupt = new AbortController();
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
      process.on(signal, () => {
        if (!interrupt.signal.aborted)
          report("Interrupted: terminating the builder, which takes about a minute.");
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
        leaseSeconds: options.pollSeconds * LEASE_POLLS,
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
  .description("deregister an image that is not in use, and delete its snapshots")
  .argument("[image-id]")
  .option("--from-build-output", "read the id from the build's output in PULUMI_COMMAND_STDOUT")
  .option("--keep-if-used", "succeed without deleting if the image is in use; a later prune deletes it")
  .action(async (given: string | undefined, options: { fromBuildOutput?: true; keepIfUsed?: true }) => {
    const imageId = options.fromBuildOutput ? idFromBuildOutput() : given;
    if (!imageId || !/^ami-[0-9a-f]{8,17}$/.test(imageId)) {
      throw new UserError(
        imageId ? `"${imageId}" is not the id of an image.` : "The id of the image is missing.",
        "npm run ami -- delete ami-0123456789abcdef0; the images: npm run ami -- list",
      );
    }
    try {
      if (await deleteImage(clients(), imageId)) result({ deleted: imageId });
      // Pulumi repeats an interrupted deletion, which must succeed. A person has mistyped the id.
      else if (options.fromBuildOutput) result({ absent: imageId });
      else {
        throw new UserError(
          `There is no image ${imageId} in this account and region.`,
          "Choose one of: npm run ami -- list",
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
  .description("list the images with their age, recipe and users")
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
  .command("promote")
  .description("copy the image that an environment uses for another one, which then does not compile it")
  .argument("<from>", "environment that uses the image, such as staging")
  .argument("<to>", "environment that gets a copy, such as prod")
  .option("--from-profile <profile>", "the AWS CLI's profile for <from> (default: the same account)")
  .option("--key <arn>", "KMS key of <from> with which the account of <to> may decrypt; with --from-profile")
  .option("--timeout-minutes <n>", "time limit of each copy", atLeastOne, 90)
  .option("--poll-seconds <n>", "interval between two polls", positive, 15)
  .action(async (from: string, to: string, options: PromoteFlags) => {
    const { fromProfile, key, pollSeconds, timeoutMinutes } = options;
    if ((fromProfile === undefined) !== (key === undefined)) {
      throw new UserError(
        "From another account, --from-profile and --key are both needed: EC2 shares no snapshot that its default key encrypts.",
        'Create a key as ami/README.md says ("From one environment to the next")',
      );
    }
    const own = clients();
    const promoted = await promoteImage(fromProfile === undefined ? own : clients(fromProfile), {
      from,
      to,
      region: await own.ec2.config.region(),
      ...(key !== undefined && { other: { ec2: own.ec2, account: await accountId(), key } }),
      timeoutMinutes,
      report,
      pause: () => new Promise((resolve) => setTimeout(resolve, pollSeconds * 1000)),
    });
    report(promoted.reused ? `${to} has the image already.` : "The image is ready.");
    result(promoted);
  });

interface PromoteFlags {
  fromProfile?: string;
  key?: string;
  timeoutMinutes: number;
  pollSeconds: number;
}

async function accountId(): Promise<string> {
  const { Account = "" } = await new STSClient({}).send(new GetCallerIdentityCommand({}));
  return Account;
}

program
  .command("prune")
  .description("delete old images that are not in use, and resources of killed builds")
  .requiredOption("--keep <n>", "number of newest images to keep", whole)
  .action(async ({ keep }: { keep: number }) => {
    const { ec2, beanstalk } = clients();
    const deleted = await pruneImages({ ec2, beanstalk }, keep);
    await terminateAbandoned(ec2, undefined, report);
    await removeGroups(
      ec2,
      undefined,
      isAbandoned,
      () => new Promise((resolve) => setTimeout(resolve, 5_000)),
    );
    result({ deleted });
  });

function clients(profile?: string): Clients {
  const settings = {
    ...(profile !== undefined && { profile }),
    maxAttempts: 5,
    // Without a time limit a request could hang forever while the builder runs. All attempts of a request together
    // take less time than a lease.
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
  if (!(value > 0 && Number.isFinite(value))) throw new InvalidArgumentError("Use a number above 0.");
  return value;
}

function whole(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError("Use a whole number.");
  return Number(text);
}

function atLeastOne(text: string): number {
  const value = whole(text);
  if (value === 0) throw new InvalidArgumentError("Use a whole number above 0.");
  return value;
}

void runProgram(program, { role: "a role that has the permissions listed in ami/README.md" });

import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { Naming } from "./common/naming";

export interface GdalAmiArgs {
  /** Gives the region the image is made in and the environment it is made for. */
  naming: Naming;
  /**
   * Full name of the Beanstalk platform version (solution stack) whose image is built upon, such as
   * `64bit Amazon Linux 2023 v4.7.3 running Python 3.9`. Another one builds another image.
   */
  solutionStackName: string;
  /** Names of GDAL drivers beyond those that the recipe always has. */
  drivers: string[];
  /** Fingerprint of the recipe with these drivers; another one builds another image, and nothing else but the platform version does. */
  recipeFingerprint: string;
}

/**
 * The image with GDAL for Beanstalk's Python platform, made by `npm run ami -- build` (see ami/README.md).
 *
 * A preview never builds: commands run in `pulumi up` only. When the recipe or the platform version changes, the
 * triggers make Pulumi replace the command: it builds the new image, moves the environments to it, and deletes
 * the old image last. An image that is still in use then is kept for `npm run ami -- prune`: failing here would
 * make every later `pulumi up` fail on the same deletion.
 */
export class GdalAmi extends pulumi.ComponentResource {
  /** Id of the image, such as `ami-0123456789abcdef0`. */
  readonly imageId: pulumi.Output<string>;

  constructor(name: string, args: GdalAmiArgs, opts?: pulumi.ComponentResourceOptions) {
    super("iaso:index:GdalAmi", name, {}, opts);
    const { naming, solutionStackName, drivers, recipeFingerprint } = args;

    // The same command for create and update: it returns an image that exists already at once.
    const buildCommand =
      'npm run --silent ami -- build --platform "$PLATFORM" --env "$IASO_ENV" --drivers "$DRIVERS"';
    const build = new command.local.Command(
      name,
      {
        create: buildCommand,
        update: buildCommand,
        // Pulumi hands the output of the build to the delete command, in PULUMI_COMMAND_STDOUT.
        delete: "npm run --silent ami -- delete --from-build-output --keep-if-used",
        environment: {
          AWS_REGION: naming.region,
          DRIVERS: drivers.join(","),
          IASO_ENV: naming.env,
          PLATFORM: solutionStackName,
        },
        triggers: [recipeFingerprint, solutionStackName],
      },
      // Two hours, as the build gives up by itself after 90 minutes and then cleans up.
      { parent: this, customTimeouts: { create: "2h", update: "2h" } },
    );
    this.imageId = build.stdout.apply(imageIdOf);
    this.registerOutputs({ imageId: this.imageId });
  }
}

/** The image id in the last line of the tool's output. */
export function imageIdOf(stdout: string): string {
  const lastLine = stdout.trim().split("\n").at(-1) ?? "";
  const { imageId } = JSON.parse(lastLine) as { imageId: string };
  return imageId;
}

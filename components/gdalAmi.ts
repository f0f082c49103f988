import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { DELETE_IMAGE, type IMAGE_VARIABLES } from "./common/imageCommand";
import { Naming } from "./common/naming";

export interface GdalAmiArgs {
  /** Its region is where the image is built, its environment becomes a tag of the image. */
  naming: Naming;
  /**
   * Full name of the version of Beanstalk's Python platform whose AMI the build starts from. **Changing it replaces
   * the image.**
   *
   * @example "64bit Amazon Linux 2023 v4.13.9 running Python 3.13"
   */
  solutionStackName: string;
  /**
   * GDAL drivers to build in addition to those that the recipe always has.
   *
   * @example ["GPX"]
   */
  drivers: string[];
  /** Hash of the recipe with these drivers. **Changing it replaces the image.** */
  recipeFingerprint: string;
}

/**
 * The AMI with GDAL for Beanstalk's Python platform. `npm run ami -- build` builds it: see ami/README.md.
 *
 * Commands run only in `pulumi up`, so a preview never builds. When the recipe or the platform version changes, the
 * triggers replace the command: Pulumi builds the new image, moves the environments to it, and deletes the old image
 * last. An image that is still in use is kept, and `npm run ami -- prune` deletes it later: an error here would make
 * every later `pulumi up` fail at the same deletion.
 *
 * @see https://www.pulumi.com/registry/packages/command/api-docs/local/command/
 */
export class GdalAmi extends pulumi.ComponentResource {
  /** Id of the image, such as `ami-0123456789abcdef0`. */
  readonly imageId: pulumi.Output<string>;

  constructor(name: string, args: GdalAmiArgs, opts?: pulumi.ComponentResourceOptions) {
    super("iaso:index:GdalAmi", name, {}, opts);
    const { naming, solutionStackName, drivers, recipeFingerprint } = args;

    // One command for create and update: if the image exists, it prints its id at once.
    const buildCommand =
      'npm run --silent ami -- build --platform "$PLATFORM" --env "$IASO_ENV" --drivers "$DRIVERS"';
    const build = new command.local.Command(
      name,
      {
        create: buildCommand,
        update: buildCommand,
        // The delete command reads the output of the build from PULUMI_COMMAND_STDOUT.
        delete: DELETE_IMAGE,
        environment: {
          AWS_REGION: naming.region,
          DRIVERS: drivers.join(","),
          IASO_ENV: naming.env,
          PLATFORM: solutionStackName,
        } satisfies Record<(typeof IMAGE_VARIABLES)[number], string>,
        triggers: [recipeFingerprint, solutionStackName],
      },
      // The build stops after 90 minutes and then cleans up.
      { parent: this, customTimeouts: { create: "2h", update: "2h" } },
    );
    this.imageId = build.stdout.apply(imageIdOf);
    this.registerOutputs({ imageId: this.imageId });
  }
}

/** Returns the image id from the last line of the build's output. */
export function imageIdOf(stdout: string): string {
  const lastLine = stdout.trim().split("\n").at(-1) ?? "";
  const { imageId } = JSON.parse(lastLine) as { imageId: string };
  return imageId;
}

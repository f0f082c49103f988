import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { Naming } from "./naming";

export interface GdalAmiArgs {
  naming: Naming;
  /** Full name of the Beanstalk platform version whose image is built upon. */
  solutionStackName: string;
  /** What the image is made of; a change of it, and nothing else, builds a new image. */
  recipeFingerprint: string;
}

/**
 * The image with GDAL for Beanstalk's Python platform, made by `npm run ami -- build` (see ami/README.md).
 *
 * A preview never builds. When the recipe or the platform version changes, Pulumi replaces the command: it builds
 * the new image, moves the environments to it, and only then deletes the old one, which the tool refuses while
 * anything still uses it.
 */
export class GdalAmi extends pulumi.ComponentResource {
  readonly imageId: pulumi.Output<string>;

  constructor(name: string, args: GdalAmiArgs, opts?: pulumi.ComponentResourceOptions) {
    super("iaso:index:GdalAmi", name, {}, opts);
    const { naming, solutionStackName, recipeFingerprint } = args;

    const build = new command.local.Command(
      name,
      {
        create: 'npm run --silent ami -- build --platform "$PLATFORM" --env "$IASO_ENV"',
        delete: "npm run --silent ami -- delete --from-build-output",
        environment: { AWS_REGION: naming.region, IASO_ENV: naming.env, PLATFORM: solutionStackName },
        triggers: [recipeFingerprint, solutionStackName],
        logging: command.local.Logging.Stderr,
      },
      { parent: this },
    );
    this.imageId = build.stdout.apply(imageIdOf);
    this.registerOutputs({ imageId: this.imageId });
  }
}

/** The image id in the last line of the tool's output. */
function imageIdOf(stdout: string): string {
  const lastLine = stdout.trim().split("\n").at(-1) ?? "";
  const { imageId } = JSON.parse(lastLine) as { imageId: string };
  return imageId;
}

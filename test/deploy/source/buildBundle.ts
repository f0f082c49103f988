import { join } from "node:path";
import { type Artifact, readArtifact } from "../../../deploy/source/artifact";
import { type BuildArgs, buildSource } from "../../../deploy/source/build";
import { type BundleArgs, type SourceBundle, writeBundle } from "../../../deploy/source/bundle";
import { temporaryDirectory } from "./checkout";

export type BuildBundleArgs = Omit<BuildArgs, "outputDirectory" | "workDirectory" | "platform"> &
  Partial<BuildArgs> &
  Partial<Omit<BundleArgs, "frontEnd">>;

/** Builds a checkout, reads the build and writes its bundle, as a deployment does in two processes. */
export async function buildBundle(
  args: BuildBundleArgs,
): Promise<SourceBundle & { wheels: Artifact["wheels"] }> {
  const outputDirectory = args.outputDirectory ?? join(temporaryDirectory(), "built");
  const sha256 = await buildSource({
    platform: "python",
    workDirectory: temporaryDirectory(),
    ...args,
    outputDirectory,
  });
  const artifact = await readArtifact(outputDirectory, sha256);
  const bundle = await writeBundle(artifact, {
    directory: args.directory ?? temporaryDirectory(),
    deployedBy: args.deployedBy,
  });
  return { ...bundle, wheels: artifact.wheels };
}

import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { platformVersionOf } from "../policies/facts/platformBranches";

export interface PlatformVersionsArgs {
  /**
   * Names of solution stacks.
   *
   * @example ["64bit Amazon Linux 2023 v4.13.9 running Docker"]
   */
  solutionStackNames: readonly string[];
  /** The AWS region, for the error. */
  region: string;
  /** The command that pins the newest versions, for the error. */
  updateCommand: string;
}

/**
 * Asks AWS whether Beanstalk offers each platform version to this account. A resource that depends on the result is
 * registered only if it offers all. Beanstalk offers superseded versions only to accounts that ran them in the last 30
 * days (https://docs.aws.amazon.com/elasticbeanstalk/latest/platforms/welcome.html).
 *
 * @returns An empty list for `dependsOn`. It fails with a pulumi.RunError, whose message the engine prints without a
 *   stack trace, if a version is not offered or AWS cannot be asked.
 */
export async function offeredPlatformVersions(
  { solutionStackNames, region, updateCommand }: PlatformVersionsArgs,
  opts: pulumi.InvokeOptions,
): Promise<pulumi.Resource[]> {
  const problems = await Promise.all(
    solutionStackNames.map(async (name) => {
      if ((await newest(escape(name), opts)) !== undefined) return [];
      const { branch = name } = platformVersionOf(name) ?? {};
      const other = await newest(escape(name).replace(/ v\d.*? running /, " v[0-9.]+ running "), opts);
      return [
        `Elastic Beanstalk does not offer the platform version "${name}" to this account in ${region}.`,
        other === undefined
          ? `It offers no version of ${branch}: the branch is retired.`
          : `The newest version of its branch is "${other}".`,
      ];
    }),
  );
  if (problems.flat().length === 0) return [];
  throw new pulumi.RunError([...problems.flat(), `To fix it: ${updateCommand}`].join("\n"));
}

/** The newest solution stack whose name matches; undefined if there is none. */
async function newest(pattern: string, opts: pulumi.InvokeOptions): Promise<string | undefined> {
  try {
    const args = { nameRegex: `^${pattern}$`, mostRecent: true };
    return (await aws.elasticbeanstalk.getSolutionStack(args, opts)).name;
  } catch (error) {
    const { message } = error as Error;
    if (message.includes("returned no results")) return undefined;
    throw new pulumi.RunError(
      `AWS did not say which platform versions it offers: ${message}\n` +
        "Fix what the message names. The call is elasticbeanstalk:ListAvailableSolutionStacks.",
    );
  }
}

function escape(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}

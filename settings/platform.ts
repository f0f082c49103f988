import {
  type ElasticBeanstalkClient,
  ListAvailableSolutionStacksCommand,
  ListPlatformBranchesCommand,
} from "@aws-sdk/client-elastic-beanstalk";
import { newestVersion, platformVersionOf } from "../policies/facts/platformBranches";
import type { PlainSettings } from "./rules";

/** The settings that pin a platform version, each with the branch for a stack that pins none. */
export const PLATFORM_SETTINGS = {
  pythonSolutionStack: "Python 3.13 running on 64bit Amazon Linux 2023",
  dockerSolutionStack: "Docker running on 64bit Amazon Linux 2023",
} as const satisfies { [Setting in keyof PlainSettings]?: string };

export type PlatformSetting = keyof typeof PLATFORM_SETTINGS;

/** A pinned platform version, and what AWS offers instead. */
export interface Platform {
  setting: PlatformSetting;
  /** The solution stack in the settings; undefined if there is none. */
  pinned: string | undefined;
  /** False if Beanstalk refuses the pinned version for a new environment of this account. */
  isOffered: boolean;
  /** The branch of the pinned version. */
  branch: string;
  /** The branch's state in lower case, such as "supported", "deprecated" or "retired"; "unknown" if AWS lists none. */
  state: string;
  /** The newest version of the branch, or of the default branch if this one retires; undefined if there is none. */
  recommended: string | undefined;
}

/**
 * The names of all solution stacks that this account can use, in one region. Beanstalk lists a superseded version only
 * for accounts that ran it in the last 30 days.
 *
 * @see https://docs.aws.amazon.com/elasticbeanstalk/latest/api/API_ListAvailableSolutionStacks.html
 */
export async function offeredSolutionStacks(client: ElasticBeanstalkClient): Promise<string[]> {
  const { SolutionStacks = [] } = await client.send(new ListAvailableSolutionStacksCommand({}));
  return SolutionStacks;
}

/**
 * The state of a platform branch, in lower case; "unknown" if AWS does not list the branch.
 *
 * @see https://docs.aws.amazon.com/elasticbeanstalk/latest/api/API_ListPlatformBranches.html
 */
export async function branchState(client: ElasticBeanstalkClient, branch: string): Promise<string> {
  const { PlatformBranchSummaryList = [] } = await client.send(
    new ListPlatformBranchesCommand({
      Filters: [{ Attribute: "BranchName", Operator: "=", Values: [branch] }],
    }),
  );
  return PlatformBranchSummaryList[0]?.LifecycleState?.toLowerCase() ?? "unknown";
}

/** True for a state in which a branch gets no more updates, or soon will not. */
export function isEnding(state: string): boolean {
  return state === "deprecated" || state === "retired";
}

/** Compares the pinned platform versions with those that AWS offers. */
export async function readPlatforms(
  client: ElasticBeanstalkClient,
  pinned: Readonly<Partial<Record<PlatformSetting, string>>>,
): Promise<Platform[]> {
  const offered = await offeredSolutionStacks(client);
  const settings = Object.keys(PLATFORM_SETTINGS) as PlatformSetting[];
  return Promise.all(
    settings.map(async (setting): Promise<Platform> => {
      const fallback = PLATFORM_SETTINGS[setting];
      const name = pinned[setting];
      const branch = platformVersionOf(name ?? "")?.branch ?? fallback;
      const state = await branchState(client, branch);
      const newest = isEnding(state) ? undefined : newestVersion(offered, branch);
      return {
        setting,
        pinned: name,
        isOffered: name !== undefined && offered.includes(name),
        branch,
        state,
        recommended: newest ?? newestVersion(offered, fallback),
      };
    }),
  );
}

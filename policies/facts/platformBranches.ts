/** A platform branch of Elastic Beanstalk, such as "Docker running on 64bit Amazon Linux 2023". */
export interface PlatformBranch {
  /**
   * The retirement date that AWS announced, as YYYY-MM-DD; undefined for a supported branch without one. From that day
   * on the branch gets no security updates, and accounts without an environment on it cannot create one.
   */
  retires?: string;
}

/** The day on which the table below was read from AWS's pages. */
export const PLATFORM_BRANCHES_READ = "2026-11-25";

/**
 * The platform branches that can run Iaso, by name.
 *
 * Iaso's own version of Python does not matter: each application version brings a virtual environment on the system's
 * Python 3.9, which Amazon Linux 2023 keeps until its end of life in June 2029
 * (https://docs.aws.amazon.com/linux/al2023/ug/python.html).
 *
 * @see https://docs.aws.amazon.com/elasticbeanstalk/latest/platforms/platforms-supported.html
 * @see https://docs.aws.amazon.com/elasticbeanstalk/latest/platforms/platforms-retiring.html
 */
export const PLATFORM_BRANCHES: Readonly<Record<string, PlatformBranch>> = {
  "Docker running on 64bit Amazon Linux 2023": {},
  "Python 3.14 running on 64bit Amazon Linux 2023": {},
  "Python 3.13 running on 64bit Amazon Linux 2023": {},
  "Python 3.12 running on 64bit Amazon Linux 2023": {},
  "Python 3.11 running on 64bit Amazon Linux 2023": {},
  "Python 3.9 running on 64bit Amazon Linux 2023": { retires: "2026-07-31" },
};

/** A version of a platform branch. */
export interface PlatformVersion {
  branch: string;
  /** Such as "4.13.9". */
  version: string;
}

/**
 * Reads the name of a solution stack, such as "64bit Amazon Linux 2023 v4.13.9 running Docker", or the ARN of a
 * platform version.
 *
 * @returns undefined for any other text
 * @see https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/platforms-glossary.html
 */
export function platformVersionOf(name: string): PlatformVersion | undefined {
  const stack = /^(?<system>64bit .+) v(?<version>\d+\.\d+\.\d+) running (?<runtime>.+)$/.exec(name);
  const { system, runtime } = stack?.groups ?? {};
  const arn = /:platform\/(?<branch>[^/]+)\/(?<version>[\d.]+)$/.exec(name);
  const branch = stack === null ? arn?.groups?.branch : `${runtime} running on ${system}`;
  const version = (stack ?? arn)?.groups?.version;
  return branch === undefined || version === undefined ? undefined : { branch, version };
}

/** The newest version of a branch among names of solution stacks; undefined if the branch has none. */
export function newestVersion(solutionStacks: readonly string[], branch: string): string | undefined {
  const numbers = (name: string) => (platformVersionOf(name)?.version ?? "").split(".").map(Number);
  return solutionStacks
    .filter((name) => platformVersionOf(name)?.branch === branch)
    .sort((one, other) => {
      const [left, right] = [numbers(one), numbers(other)];
      const index = left.findIndex((number, place) => number !== right[place]);
      return index === -1 ? 0 : (right[index] ?? 0) - (left[index] ?? 0);
    })[0];
}

const DAY = 24 * 3600 * 1000;

/** Days before the retirement of a branch from which on the policy pack refuses it: time to move to another one. */
const NOTICE_DAYS = 90;

/** Days after which the table may lack branches or dates that AWS has announced since. */
const CURRENT_DAYS = 183;

/** True if the branch is retired on a day, or will be within the notice. */
export function isRetiring({ retires }: PlatformBranch, today: Date): boolean {
  return retires !== undefined && new Date(retires).getTime() - today.getTime() < NOTICE_DAYS * DAY;
}

/** A sentence with the date of the table if it is old on a day; empty otherwise. */
export function outdatedTable(today: Date): string {
  const age = today.getTime() - new Date(PLATFORM_BRANCHES_READ).getTime();
  return age <= CURRENT_DAYS * DAY
    ? ""
    : `The table of platform branches (policies/facts/platformBranches.ts) is of ${PLATFORM_BRANCHES_READ}: ` +
        "compare it with `aws elasticbeanstalk list-platform-branches`.";
}

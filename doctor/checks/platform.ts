import { DescribeSubnetsCommand } from "@aws-sdk/client-ec2";
import {
  CheckDNSAvailabilityCommand,
  ListAvailableSolutionStacksCommand,
  ListPlatformBranchesCommand,
} from "@aws-sdk/client-elastic-beanstalk";
import { type Check, type Finding, ok } from "../check";
import type { Context } from "../context";
import type { PinnedPlatform } from "../stack";

/** "64bit Amazon Linux 2023 v4.7.3 running Docker" in its parts. */
const SOLUTION_STACK = /^(.+) v(\d+)\.(\d+)\.(\d+) running (.+)$/;

/** @see https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/platforms-support-policy.html */
export const platformVersions: Check = {
  name: "platform versions",
  phase: "preflight",
  async check(context) {
    const available = await solutionStacks(context);
    const findings = await Promise.all(
      context.stack.platforms.map((platform) => judgePlatform(context, platform, available)),
    );
    return { findings: findings.flat() };
  },
};

/** Beanstalk lists exactly the versions that this account can use: it hides superseded ones from new customers. */
async function solutionStacks({ clients }: Context): Promise<string[]> {
  const { SolutionStacks = [] } = await clients.beanstalk.send(new ListAvailableSolutionStacksCommand({}));
  return SolutionStacks;
}

async function judgePlatform(
  { clients, stack }: Context,
  { setting, solutionStack }: PinnedPlatform,
  available: string[],
): Promise<Finding[]> {
  const fix = (version: string) => `pulumi config set --stack ${stack.name} ${setting} "${version}"`;
  const newest = newestOf(available, solutionStack);
  if (!available.includes(solutionStack)) {
    return [
      {
        wrong: `This account cannot use the platform version "${solutionStack}" (${setting}) in ${stack.region}.`,
        why: "Beanstalk offers superseded versions only to accounts that ran them in the last 30 days; creating an environment fails.",
        fix:
          newest === undefined
            ? `Choose a version that there is: ${fix("VERSION")}. List them: aws elasticbeanstalk list-available-solution-stacks`
            : fix(newest),
      },
    ];
  }
  const branch = branchOf(solutionStack);
  const { PlatformBranchSummaryList = [] } = await clients.beanstalk.send(
    new ListPlatformBranchesCommand({
      Filters: [{ Attribute: "BranchName", Operator: "=", Values: [branch] }],
    }),
  );
  const state = PlatformBranchSummaryList[0]?.LifecycleState?.toLowerCase();
  if (state !== "deprecated" && state !== "retired") return [];
  return [
    {
      wrong: `The platform branch "${branch}" (${setting}) is ${state}.`,
      why: "A retired branch gets no security updates, and accounts that have not run it cannot create environments on it.",
      fix: `Choose a version of a supported branch: ${fix("VERSION")}. List the branches: aws elasticbeanstalk list-platform-branches`,
    },
  ];
}

export const platformUpdates: Check = {
  name: "platform updates",
  phase: "check-up",
  async check(context) {
    const available = await solutionStacks(context);
    const environments = await context.environments();
    const behind = new Map<string, { newest: string; names: string[] }>();
    for (const [name, { SolutionStackName = "" }] of environments) {
      const newest = newestOf(available, SolutionStackName);
      if (newest === undefined || newest === SolutionStackName) continue;
      const { names } = behind.get(SolutionStackName) ?? { names: [] };
      behind.set(SolutionStackName, { newest, names: [...names, name] });
    }
    return {
      findings: [...behind].map(([current, { newest, names }]) => ({
        wrong: `${names.join(", ")} runs "${current}"; the newest version is "${newest}".`,
        why: "Security fixes of the operating system and of nginx come with platform versions.",
        fix: `pulumi config set --stack ${context.stack.name} ${settingOf(context, current)} "${newest}"; pulumi up --stack ${context.stack.name}`,
      })),
    };
  },
};

function settingOf({ stack }: Context, solutionStack: string): string {
  const sameBranch = stack.platforms.find((each) => branchOf(each.solutionStack) === branchOf(solutionStack));
  return sameBranch?.setting ?? stack.platforms[0]?.setting ?? "";
}

/** "Python 3.9 running on 64bit Amazon Linux 2023". */
function branchOf(solutionStack: string): string {
  const [, system = "", , , , runtime = ""] = SOLUTION_STACK.exec(solutionStack) ?? [];
  return `${runtime} running on ${system}`;
}

/** The newest version of a version's branch; undefined if the branch has none. */
function newestOf(available: string[], solutionStack: string): string | undefined {
  const branch = branchOf(solutionStack);
  const numbers = (name: string): number[] => (SOLUTION_STACK.exec(name) ?? []).slice(2, 5).map(Number);
  return available
    .filter((name) => branchOf(name) === branch)
    .sort((a, b) => {
      const [left, right] = [numbers(a), numbers(b)];
      const index = left.findIndex((number, place) => number !== right[place]);
      return index === -1 ? 0 : (right[index] ?? 0) - (left[index] ?? 0);
    })[0];
}

/** The image builder has no subnet of its own: it is built before the stack's network. */
export const builderSubnet: Check = {
  name: "subnet of the image builder",
  phase: "preflight",
  async check({ clients, stack }) {
    if (!stack.buildsImage) return ok("no image is built");
    const { Subnets = [] } = await clients.ec2.send(
      new DescribeSubnetsCommand({ Filters: [{ Name: "default-for-az", Values: ["true"] }] }),
    );
    if (Subnets.length > 0) return ok();
    return {
      findings: [
        {
          wrong: `${stack.region} has no default subnet.`,
          why: "The instance that builds the GDAL image starts in a default subnet.",
          fix: `aws ec2 create-default-vpc --region ${stack.region}`,
        },
      ],
    };
  },
};

/** Domains in elasticbeanstalk.com are shared by all AWS customers of a region. */
export const beanstalkDomains: Check = {
  name: "Beanstalk domains",
  phase: "preflight",
  async check(context) {
    const { clients, stack } = context;
    const existing = await context.environments();
    const findings = await Promise.all(
      stack.environments.map(async ({ name, cnamePrefix }): Promise<Finding[]> => {
        if (cnamePrefix === undefined) return [];
        const { Available, FullyQualifiedCNAME = "" } = await clients.beanstalk.send(
          new CheckDNSAvailabilityCommand({ CNAMEPrefix: cnamePrefix }),
        );
        if (Available === true || existing.get(name)?.CNAME === FullyQualifiedCNAME) return [];
        return [
          {
            wrong: `The Beanstalk domain ${FullyQualifiedCNAME} is taken.`,
            why: "Another environment, perhaps of another account, has it; creating ours fails.",
            fix: `Choose another organization: ${stack.setCommand("organization")} NAME`,
          },
        ];
      }),
    );
    return { findings: findings.flat() };
  },
};

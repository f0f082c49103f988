import { DescribeSubnetsCommand } from "@aws-sdk/client-ec2";
import { CheckDNSAvailabilityCommand } from "@aws-sdk/client-elastic-beanstalk";
import { newestVersion, platformVersionOf } from "../../policies/facts/platformBranches";
import { branchState, isEnding, offeredSolutionStacks } from "../../settings/platform";
import { type Check, type Finding, ok } from "../check";
import type { Context } from "../context";
import type { PinnedPlatform } from "../stack";

/** @see https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/platforms-support-policy.html */
export const platformVersions: Check = {
  name: "platform versions",
  phase: "preflight",
  async check(context) {
    const available = await offeredSolutionStacks(context.clients.beanstalk);
    const findings = await Promise.all(
      context.stack.platforms.map((platform) => judgePlatform(context, platform, available)),
    );
    return { findings: findings.flat() };
  },
};

async function judgePlatform(
  { clients, stack }: Context,
  { setting, solutionStack }: PinnedPlatform,
  available: string[],
): Promise<Finding[]> {
  const update = `npm run platform -- ${stack.name} --update`;
  const branch = branchOf(solutionStack);
  if (!available.includes(solutionStack)) {
    const newest = newestVersion(available, branch);
    const instead =
      newest === undefined ? "it offers no version of the branch" : `the newest one is "${newest}"`;
    return [
      {
        wrong: `This account cannot use the platform version "${solutionStack}" (${setting}) in ${stack.region}; ${instead}.`,
        why: "Beanstalk offers superseded versions only to accounts that ran them in the last 30 days; creating an environment fails.",
        fix: update,
      },
    ];
  }
  const state = await branchState(clients.beanstalk, branch);
  if (!isEnding(state)) return [];
  return [
    {
      wrong: `The platform branch "${branch}" (${setting}) is ${state}.`,
      why: "A retired branch gets no security updates, and accounts that have not run it cannot create environments on it.",
      fix: update,
    },
  ];
}

export const platformUpdates: Check = {
  name: "platform updates",
  phase: "check-up",
  async check(context) {
    const available = await offeredSolutionStacks(context.clients.beanstalk);
    const environments = await context.environments();
    const behind = new Map<string, { newest: string; names: string[] }>();
    for (const [name, { SolutionStackName = "" }] of environments) {
      const newest = newestVersion(available, branchOf(SolutionStackName));
      if (newest === undefined || newest === SolutionStackName) continue;
      const { names } = behind.get(SolutionStackName) ?? { names: [] };
      behind.set(SolutionStackName, { newest, names: [...names, name] });
    }
    return {
      findings: [...behind].map(([current, { newest, names }]) => ({
        wrong: `${names.join(", ")} runs "${current}"; the newest version is "${newest}".`,
        why: "Security fixes of the operating system and of nginx come with platform versions.",
        fix: `npm run platform -- ${context.stack.name} --update; pulumi up --stack ${context.stack.name}`,
      })),
    };
  },
};

function branchOf(solutionStack: string): string {
  return platformVersionOf(solutionStack)?.branch ?? "";
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

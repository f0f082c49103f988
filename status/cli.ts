import { Command } from "commander";
import { runProgram } from "../cli/main";
import { didYouMean } from "../cli/nearest";
import { print } from "../cli/output";
import { UserError } from "../cli/userError";
import { createClients } from "../doctor/clients";
import { Context } from "../doctor/context";
import { Dns } from "../doctor/dns";
import { readStack } from "../doctor/stack";
import { previewStack } from "../preview/preview";
import { listStacks, type Project, readProject, requireStacks } from "../preview/project";
import { costsOf } from "../report/costs/costs";
import { type StackStatus, statusOf } from "./stackStatus";
import { formatStatus } from "./table";

const EXAMPLES = `
Examples:
  npm run status                                            all stacks of this folder, a line each, and their problems
  npm run status -- staging prod                            some of them
  npm run status -- --profile staging=dev --profile prod=live   with an AWS profile for each account
  npm run --silent status -- --json                         for programs, with the result of each check

Exit codes:
  0 no problem found   1 problems   2 a stack could not be read

Nothing is changed, and no secret is read. The checks are those of npm run doctor. What differs between AWS and
Pulumi's state is not shown: pulumi preview --refresh shows it.
`;

/** Stacks that are read at the same time, each with several calls. AWS would throttle the calls of more. */
const PARALLEL = 4;

interface Options {
  json?: true;
  dnsServer?: string;
  profile: Record<string, string>;
}

async function status(names: string[], { dnsServer, json, profile }: Options): Promise<number> {
  const project = readProject(".");
  const known = listStacks(project);
  for (const name of Object.keys(profile)) {
    if (known.includes(name)) continue;
    throw new UserError(
      `There is no stack ${name} for the profile ${profile[name] ?? ""}.${didYouMean(name, known)}`,
      "Name a stack and a profile: --profile STACK=PROFILE",
    );
  }
  const chosen = names.length > 0 ? names : requireStacks(project);
  const stacks = chosen.map((name) => readStack(project, name));
  const costs = await costsByStack(project, chosen);
  const statuses: StackStatus[] = [];
  const queue = stacks.entries();
  const work = async (): Promise<void> => {
    for (const [index, stack] of queue) {
      const clients = createClients(stack.region, { profile: profile[stack.name] });
      const context = new Context({ stack, clients, dns: new Dns(dnsServer), fetch, now: new Date() });
      statuses[index] = await statusOf(context, costs.get(stack.name));
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, work));
  print(json === true ? JSON.stringify(statuses, undefined, 2) : formatStatus(statuses));
  if (statuses.some(({ state }) => state === "unknown")) return 2;
  return statuses.some(({ checks }) => checks.some(({ findings }) => findings.length > 0)) ? 1 : 0;
}

/** Minimum costs in US dollars a month, of the stacks in regions with prices. Pulumi's SDK previews one at a time. */
async function costsByStack(project: Project, stacks: readonly string[]): Promise<Map<string, number>> {
  const costs = new Map<string, number>();
  for (const stack of stacks) {
    const { document } = await previewStack(project, stack, { policies: false });
    const { monthly, parts } = costsOf(document);
    if (parts.length > 0) costs.set(stack, monthly);
  }
  return costs;
}

function withProfile(value: string, profiles: Record<string, string>): Record<string, string> {
  const [, stack, profile] = /^([^=]+)=(.+)$/.exec(value) ?? [];
  if (stack === undefined || profile === undefined) {
    throw new UserError(
      `${value} names no stack and profile.`,
      "For example: npm run status -- --profile prod=live",
    );
  }
  return { ...profiles, [stack]: profile };
}

const program = new Command("npm run status --")
  .description(
    "Shows how all stacks run: versions, health, last deployment, backups, costs, problems. Read-only.",
  )
  .argument("[stacks...]", "stacks, by default all of this folder")
  .option("--profile <stack=profile>", "the AWS profile for a stack; can be repeated", withProfile, {})
  .option("--json", "print everything as JSON")
  .option("--dns-server <address>", "ask this DNS server instead of the system's")
  .addHelpText("after", EXAMPLES)
  .showHelpAfterError("See: npm run status -- --help")
  .action(async (names: string[], options: Options) => {
    process.exitCode = await status(names, options);
  });

// A bug exits with 2 too, because 1 means problems.
void runProgram(program, { userErrorCode: 2, bugCode: 2, role: "a role with AWS's policy ReadOnlyAccess" });

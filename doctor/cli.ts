import { Command } from "commander";
import { runProgram } from "../cli/main";
import { print } from "../cli/output";
import { readProject } from "../preview/project";
import { checks } from "./checks";
import { createClients } from "./clients";
import { Context } from "./context";
import { Dns } from "./dns";
import { formatReport, jsonReport } from "./report";
import { exitCodeOf, runChecks } from "./run";
import { readStack } from "./stack";

const EXAMPLES = `
Examples:
  npm run doctor -- staging                       everything, before the first pulumi up and later
  npm run doctor -- staging --preflight           only what can make pulumi up fail
  npm run doctor -- staging --dns-server 1.1.1.1  as the Internet sees the domain
  npm run --silent doctor -- staging --json       for programs

Exit codes:
  0 no problem found   1 problems   2 could not check (no credentials, no network, a wrong setting)
  A check that lacks a permission is "not checked", names the permission, and does not change the exit code.

Nothing is changed, and no secret is read. AWS credentials come from where the AWS CLI has them.
`;

interface Options {
  preflight?: true;
  json?: true;
  dnsServer?: string;
}

async function doctor(stackName: string, options: Options): Promise<number> {
  const stack = readStack(readProject("."), stackName);
  const context = new Context({
    stack,
    clients: createClients(stack.region),
    dns: new Dns(options.dnsServer),
    fetch,
    now: new Date(),
  });
  const wanted = checks.filter(({ phase }) => options.preflight !== true || phase === "preflight");
  const reports = await runChecks(context, wanted);
  const exitCode = exitCodeOf(reports);
  print(options.json === true ? jsonReport(stack, reports, exitCode) : formatReport(stack, reports));
  return exitCode;
}

const program = new Command("npm run doctor --")
  .description("Checks for problems that make an update fail, and the health of a running stack. Read-only.")
  .argument("<stack>", "the stack, such as staging")
  .option("--preflight", "only what can make pulumi up fail")
  .option("--json", "print the report as JSON")
  .option("--dns-server <address>", "ask this DNS server instead of the system's")
  .addHelpText("after", EXAMPLES)
  .showHelpAfterError("See: npm run doctor -- --help")
  .action(async (stackName: string, options: Options) => {
    process.exitCode = await doctor(stackName, options);
  });

// A bug exits with 2 too, because 1 means problems.
void runProgram(program, { userErrorCode: 2, bugCode: 2, role: "a role with AWS's policy ReadOnlyAccess" });

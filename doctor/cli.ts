import { Command, CommanderError } from "commander";
import { UserError } from "../cli/userError";
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
  0 no problem found   1 problems   2 could not look (no credentials, no network, a wrong setting)
  A check that lacks a permission is "not checked", names the permission, and does not change the exit code.

Nothing is changed, and no secret is read. AWS credentials come from where the AWS CLI has them.
`;

interface Options {
  preflight?: true;
  json?: true;
  dnsServer?: string;
}

async function doctor(stackName: string, options: Options): Promise<number> {
  const stack = readStack(".", stackName);
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
  process.stdout.write(
    options.json === true ? jsonReport(stack, reports, exitCode) : formatReport(stack, reports),
  );
  return exitCode;
}

async function main(argv: readonly string[]): Promise<void> {
  const program = new Command("npm run doctor --")
    .description("Looks for what can make an update fail, and at how a running stack is. Read-only.")
    .argument("<stack>", "the stack, such as staging")
    .option("--preflight", "only what can make pulumi up fail")
    .option("--json", "print the report as JSON")
    .option("--dns-server <address>", "ask this DNS server instead of the system's")
    .addHelpText("after", EXAMPLES)
    .showHelpAfterError("See: npm run doctor -- --help")
    .exitOverride()
    .action(async (stackName: string, options: Options) => {
      process.exitCode = await doctor(stackName, options);
    });
  try {
    await program.parseAsync(argv);
  } catch (error) {
    process.exitCode = 2;
    if (error instanceof CommanderError) {
      // Commander has printed what is wrong, or the help that was asked for.
      if (error.exitCode === 0) process.exitCode = 0;
      return;
    }
    if (!(error instanceof UserError)) {
      // A bug of this tool. Thrown on, it would end with 1, which means problems.
      console.error(error);
      return;
    }
    process.stderr.write(`${error.message}\n${error.remedy === "" ? "" : `fix: ${error.remedy}\n`}`);
  }
}

void main(process.argv);

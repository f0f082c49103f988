import { password as askPassword } from "@inquirer/prompts";
import { Command, InvalidArgumentError } from "commander";
import { UserError } from "../../cli/userError";
import { Naming } from "../../components/common/naming";
import { parseDuration } from "../../coordination/clock";
import type { StackFile } from "../../settings/stackFile";
import { goBack } from "../cutover/back";
import { cutover } from "../cutover/cutover";
import { execute, type Surroundings } from "../cutover/execute";
import type { PlanArgs } from "../cutover/plan";
import { collect, regionOf } from "./options";

const EXAMPLES = `
Examples:
  npm run move -- rehearse prod --application Iaso       restore, migrate and check, while the existing Iaso stays in use
  npm run move -- cutover prod --application Iaso        close the existing site, and move to the new platform
  npm run move -- cutover prod                           go on after a stop
  npm run move -- back prod                              go back, until the records are changed

Exit codes:
  0  success
  1  failed; nothing was changed
  2  refused; nothing was changed
  3  answered no; nothing was changed
  5  another run holds the lock
  6  the run stopped; run the same command again, or back
`;

/** The variable with the password of --user. */
const PASSWORD = "IASO_PASSWORD";

const NAMES = { cutover: "cutover", rehearsal: "rehearse" } as const;

interface Options {
  application?: string;
  environment: string[];
  region?: string;
  fromAccount?: string;
  yes?: true;
  user?: string;
  leaveTasks?: true;
  withoutRowCount?: true;
  tasksTimeout?: number;
  timeout?: number;
}

async function run(
  command: PlanArgs["command"],
  stack: string,
  options: Options,
  surroundings: Surroundings,
): Promise<void> {
  const user =
    options.user === undefined ? undefined : { name: options.user, password: await passwordOf(options.user) };
  const withoutRowCount = options.withoutRowCount === true;
  await execute(NAMES[command], stack, { ...options, user }, surroundings, (session, file) =>
    cutover(session, {
      command,
      leaveTasks: options.leaveTasks === true,
      withoutRowCount,
      planArgs: () => ({
        command,
        withoutRowCount,
        region: regionOf(options),
        choice: {
          application: requireApplication(command, stack, options),
          environments: options.environment,
        },
        hosts: hostsOf(file),
        mediaAccount: options.fromAccount,
        database: {
          databaseName: file.get("databaseName") ?? "",
          databaseUser: file.get("databaseUser") ?? "",
        },
      }),
    }),
  );
}

function requireApplication(command: PlanArgs["command"], stack: string, { application }: Options): string {
  if (application !== undefined) return application;
  throw new UserError(
    "No run is unfinished, so the option --application, the Beanstalk application of the existing Iaso, is missing.",
    `npm run move -- ${NAMES[command]} ${stack} --application NAME`,
  );
}

/** The hosts of the existing Iaso, and the domains of the environments to which their records will point. */
function hostsOf(file: StackFile): PlanArgs["hosts"] {
  const naming = new Naming({
    organization: file.get("organization") ?? "",
    env: file.env,
    accountId: file.get("accountId") ?? "",
    region: file.get("region") ?? "",
  });
  const moved = (existing: string, setting: string, role: "enketo" | "web") => ({
    host: file.get(existing) ?? "",
    former: file.get(setting) ?? "",
    cname: `${naming.cnamePrefix(role)}.${file.get("region") ?? ""}.elasticbeanstalk.com`,
  });
  const web = moved("existingWebHost", "webHost", "web");
  const enketo = moved("existingEnketoHost", "enketoHost", "enketo");
  if (web.host === "") {
    throw new UserError(
      `${file.file} does not have the host name of the existing Iaso (existingWebHost).`,
      `pulumi config set ${file.key("existingWebHost")} HOST --stack ${file.stack}, and pulumi up --stack ${file.stack}`,
    );
  }
  return { web, ...(enketo.host !== "" && { enketo }) };
}

/** The password of the user, from the environment or typed. It is neither stored nor printed. */
async function passwordOf(user: string): Promise<string> {
  const given = process.env[PASSWORD] ?? "";
  if (given !== "") return given;
  if (process.stdin.isTTY) return askPassword({ message: `Password of ${user} in Iaso:` });
  throw new UserError(`Nobody can type the password of ${user}: this is no terminal.`, `export ${PASSWORD}`);
}

function duration(text: string): number {
  const milliseconds = parseDuration(text);
  if (milliseconds === undefined) throw new InvalidArgumentError("Write it like 90s, 15m or 1h.");
  return milliseconds;
}

/** The commands `rehearse`, `cutover` and `back`. */
export function cutoverCommands(surroundings: Surroundings): Command[] {
  const common = (name: string, description: string): Command =>
    new Command(name)
      .description(description)
      .argument("<stack>", "the stack, such as prod")
      .option("--application <name>", "the Beanstalk application of the existing Iaso; not needed to go on")
      .option(
        "--environment <name>",
        "an environment of the existing Iaso; can be repeated (default: all of the application)",
        collect,
        [],
      )
      .option("--region <region>", "the region of the existing Iaso (default: AWS_REGION, else eu-central-1)")
      .option("--from-account <id>", "the AWS account of its bucket of media (default: the stack's account)")
      .option("--user <name>", `a user of Iaso, to check a login, a form and a file (password: ${PASSWORD})`)
      .option(
        "--without-row-count",
        "count neither rows nor late writes; the count needs the setting shellAccess",
      )
      .option("--timeout <duration>", "time limit of the update that migrates (default: 75m)", duration)
      .option("--yes", "answer every question with yes")
      .addHelpText("after", EXAMPLES);
  return [
    common("rehearse", "rehearses the cutover while the existing Iaso stays in use, and measures it").action(
      (stack: string, options: Options) => run("rehearsal", stack, options, surroundings),
    ),
    common("cutover", "closes the existing Iaso, and moves its data and host names to the stack")
      .option(
        "--tasks-timeout <duration>",
        "time limit for its background tasks to end (default: 15m)",
        duration,
      )
      .option("--leave-tasks", "go on although background tasks are left")
      .action((stack: string, options: Options) => run("cutover", stack, options, surroundings)),
    new Command("back")
      .description("goes back to the existing Iaso, until the DNS records are changed; ends a rehearsal")
      .argument("<stack>", "the stack, such as prod")
      .addHelpText("after", EXAMPLES)
      .action((stack: string) => execute("back", stack, {}, surroundings, (session) => goBack(session))),
  ];
}

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir, userInfo } from "node:os";
import { join, resolve } from "node:path";
import { Command, CommanderError, InvalidArgumentError, Option } from "commander";
import { createClients } from "./aws/clients";
import { readTarget } from "./aws/target";
import { type Clock, parseDuration, systemClock } from "./clock";
import { type Build, deploy } from "./commands/deploy";
import { prune } from "./commands/prune";
import { repair } from "./commands/repair";
import { rollback } from "./commands/rollback";
import { runCommand } from "./commands/run";
import { status } from "./commands/status";
import { versions } from "./commands/versions";
import { EXIT } from "./exitCodes";
import { createProgress } from "../cli/progress";
import { exitCode, formatReport, type Report } from "./output/report";
import { createNotifier } from "./output/slack";
import { readPlugins } from "./pair/plugins";
import { TASK_POLICIES, type TaskPolicy } from "./runningTasks";
import { DEFAULT_LIMITS, type Limits, type Session } from "./session";
import { buildSource } from "./source/build";
import { resolveVersion } from "./source/version";
import { UserError } from "../cli/userError";

interface CommonOptions {
  region: string;
  json?: true;
}

interface LimitOptions {
  timeout?: number;
  healthTimeout?: number;
  tasksTimeout?: number;
}

interface DeployCliOptions extends CommonOptions, LimitOptions {
  source: string;
  version?: string;
  image?: string;
  allowDirty?: true;
  skipBuild?: true;
  allowUnhealthy?: true;
  snapshot?: true;
  runningTasks: TaskPolicy;
}

const EXAMPLES = `
Examples:
  npm run deploy -- staging --source ../iaso                  deploy what is checked out there
  npm run deploy -- prod --source ../iaso --snapshot          with a snapshot of the database before it
  npm run deploy -- staging --source ../iaso --image blsq/iaso:1.2.3
                                                              on the docker platform
  npm run deploy -- status prod                               what web and worker run
  npm run deploy -- rollback prod                             back to the version before
  npm run deploy -- rollback prod --to 1.2.2                  back to a given version
  npm run deploy -- repair prod                               after a run that died: web and worker on one version
  npm run deploy -- prune prod --keep 20                      delete old versions

Exit codes:
  0 done   1 failed, nothing touched   2 refused, nothing touched   3 failed, both on the previous version
  4 NOT ON ONE VERSION: act now        5 another run holds the lock  6 ended in the middle: run repair

SLACK_WEBHOOK_URL in the environment turns on notifications. AWS credentials come from where the AWS CLI has them.
`;

function duration(text: string): number {
  const milliseconds = parseDuration(text);
  if (milliseconds === undefined) throw new InvalidArgumentError("Write it like 90s, 15m or 1h.");
  return milliseconds;
}

function wholeNumber(text: string): number {
  if (!/^[1-9]\d*$/.test(text)) throw new InvalidArgumentError("Write a whole number above 0.");
  return Number(text);
}

/** Counts requests to stop: the first is heeded at the next safe moment, the second at once. */
class Interruption {
  private requests = 0;

  constructor(private readonly env: string) {}

  readonly onSignal = (): void => {
    this.requests += 1;
    if (this.requests === 1) {
      process.stderr.write("Stopping: what was begun is taken back first. Ask again to stop at once.\n");
      return;
    }
    process.stderr.write(`Stopped in the middle. To end it: npm run deploy -- repair ${this.env}\n`);
    process.exit(EXIT.unfinished);
  };

  readonly requested = (): boolean => this.requests > 0;
}

function limitsOf(options: LimitOptions): Limits {
  return {
    ...DEFAULT_LIMITS,
    update: options.timeout ?? DEFAULT_LIMITS.update,
    health: options.healthTimeout ?? DEFAULT_LIMITS.health,
    tasks: options.tasksTimeout ?? DEFAULT_LIMITS.tasks,
  };
}

/** Who deploys, and where the run can be looked at: GitHub Actions tells, otherwise the machine's user. */
function origin(): { by: string; link: string | undefined } {
  const { GITHUB_ACTOR, GITHUB_REPOSITORY, GITHUB_RUN_ID, GITHUB_SERVER_URL } = process.env;
  if (GITHUB_ACTOR === undefined) return { by: userInfo().username, link: undefined };
  const known =
    GITHUB_SERVER_URL !== undefined && GITHUB_REPOSITORY !== undefined && GITHUB_RUN_ID !== undefined;
  const link = known ? `${GITHUB_SERVER_URL}/${GITHUB_REPOSITORY}/actions/runs/${GITHUB_RUN_ID}` : undefined;
  return { by: GITHUB_ACTOR, link };
}

interface Invocation {
  env: string;
  clock: Clock;
  options: CommonOptions & LimitOptions;
  announce?: string;
}

/** Columns below which lines would be cut into pieces; some pseudo-terminals say that they have none. */
const NARROWEST = 40;

function isDrawable(stream: NodeJS.WriteStream): boolean {
  return stream.isTTY && stream.columns >= NARROWEST && process.env["CI"] === undefined;
}

/** Runs a command, prints its report and sets the exit code. */
async function execute(
  { announce, clock, env, options }: Invocation,
  command: (session: Session) => Promise<Report>,
): Promise<void> {
  const json = options.json === true;
  const progress = createProgress({
    terminal: !json && isDrawable(process.stdout),
    // With --json the report is all there is on stdout.
    write: (line) => (json ? process.stderr : process.stdout).write(`${line}\n`),
    now: () => clock.now(),
  });
  const notify = createNotifier(process.env["SLACK_WEBHOOK_URL"], progress);
  const interruption = new Interruption(env);
  process.on("SIGINT", interruption.onSignal);
  process.on("SIGTERM", interruption.onSignal);
  const { by, link } = origin();
  const report = await runCommand({ env, clock, announce, notify, by, link }, async () => {
    requireName(env);
    const pathStyle = (process.env["AWS_ENDPOINT_URL_S3"] ?? process.env["AWS_ENDPOINT_URL"]) !== undefined;
    const clients = createClients({ region: options.region, pathStyle });
    const target = await readTarget(clients.ssm, env, options.region);
    return command({
      env,
      target,
      clients,
      clock,
      progress,
      limits: limitsOf(options),
      by,
      interrupted: interruption.requested,
    });
  });
  const code = exitCode(report);
  if (json) {
    process.stdout.write(`${progress.redact(JSON.stringify({ ...report, exitCode: code }, undefined, 2))}\n`);
  } else {
    const out = code === EXIT.done ? process.stdout : process.stderr;
    out.write(`${progress.redact(formatReport(report).join("\n"))}\n`);
  }
  process.exitCode = code;
  process.off("SIGINT", interruption.onSignal);
  process.off("SIGTERM", interruption.onSignal);
}

function requireName(env: string): void {
  if (/^[a-z][a-z0-9-]{0,22}$/.test(env)) return;
  throw new UserError(
    `"${env}" is not the name of an environment: small letters, digits and hyphens, at most 23 characters.`,
    "npm run deploy -- <env> --source <checkout>, for example: npm run deploy -- staging --source ../iaso",
  );
}

/** Builds the version of a checkout into a directory that is gone when the command ends. */
function builder(session: Session, options: DeployCliOptions, outputDirectory: string): Build {
  const { target } = session;
  const source = resolve(options.source);
  return async (pair, log) => {
    const version = await resolveVersion(source, {
      version: options.version,
      allowDirty: options.allowDirty === true,
    });
    const plugins = await readPlugins(session, pair);
    const built = await buildSource({
      source,
      platform: target.platform,
      version,
      outputDirectory,
      image: options.image,
      plugins,
      deployedBy: session.by,
      skipBuild: options.skipBuild === true,
      onProgress: log,
    });
    const description = `commit ${version.commit.slice(0, 12)}${version.dirty ? " with changes" : ""}`;
    return {
      version: version.label,
      description,
      bundle: built.bundle,
      staticDirectory: built.staticDirectory,
    };
  };
}

async function deployCommand(env: string, options: DeployCliOptions, clock: Clock): Promise<void> {
  const announce = `deployment of ${options.version ?? options.image ?? options.source}`;
  await execute({ env, clock, options, announce }, async (session) => {
    const directory = await mkdtemp(join(tmpdir(), "iaso-deploy-"));
    try {
      const deployOptions = {
        runningTasks: options.runningTasks,
        snapshot: options.snapshot === true,
        allowUnhealthy: options.allowUnhealthy === true,
      };
      return await deploy(session, deployOptions, builder(session, options, directory));
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  });
}

function createProgram(clock: Clock): Command {
  const program = new Command("npm run deploy --")
    .description("Deploys versions of Iaso: web and worker move together, or not at all.")
    .addHelpText("after", EXAMPLES)
    .showHelpAfterError("See: npm run deploy -- --help")
    .exitOverride();
  const command = (name: string, description: string, isDefault = false): Command =>
    program
      .command(name, { isDefault })
      .description(description)
      .argument("<env>", "the environment, such as staging")
      .addOption(new Option("--region <region>", "the AWS region").env("AWS_REGION").default("eu-central-1"))
      .option("--json", "print the report as JSON, and progress on stderr");
  const tasks = (): Option =>
    new Option(
      "--running-tasks <policy>",
      "background tasks that run: wait for them, refuse, or cut them off",
    )
      .choices(TASK_POLICIES)
      .default("wait");
  const limits = (to: Command): Command =>
    to
      .option("--timeout <duration>", "how long one update may take (default: 45m)", duration)
      .option(
        "--health-timeout <duration>",
        "how long the environments may take to be healthy (default: 10m)",
        duration,
      )
      .option("--tasks-timeout <duration>", "how long to wait for background tasks (default: 15m)", duration);

  limits(
    command("deploy", "deploy a checkout of the application (this is what runs without a command)", true),
  )
    .requiredOption("--source <directory>", "the checkout of the application")
    .option("--version <version>", "the version's name (default: its git tag, or its commit)")
    .option("--image <image>", "the application's image, on the docker platform")
    .option("--allow-dirty", "deploy changes that are not committed")
    .option("--skip-build", "take what earlier build commands left in the checkout")
    .option("--allow-unhealthy", "deploy to environments that are not healthy, to mend them")
    .option("--snapshot", "take a snapshot of the database before the switch")
    .addOption(tasks())
    .action((env: string, options: DeployCliOptions) => deployCommand(env, options, clock));

  command("status", "show what web and worker run, and who is at work on them").action(
    (env: string, options: CommonOptions) => execute({ env, clock, options }, status),
  );

  limits(command("rollback", "bring web and worker back to an earlier version"))
    .option("--to <version>", "the version (default: the one before the current one)")
    .addOption(tasks())
    .action(
      (env: string, options: CommonOptions & LimitOptions & { to?: string; runningTasks: TaskPolicy }) =>
        execute(
          { env, clock, options, announce: `rollback to ${options.to ?? "the version before"}` },
          (session) => rollback(session, { to: options.to, runningTasks: options.runningTasks }),
        ),
    );

  limits(command("repair", "bring web and worker to one version, after a run that died"))
    .option("--to <version>", "the version, where the tool cannot know it")
    .action((env: string, options: CommonOptions & LimitOptions & { to?: string }) =>
      execute({ env, clock, options, announce: "repair" }, (session) => repair(session, options.to)),
    );

  command("versions", "list the application's versions").action((env: string, options: CommonOptions) =>
    execute({ env, clock, options }, versions),
  );

  command("prune", "delete old versions, their bundles and static files")
    .option("--keep <number>", "how many of the newest versions stay", wholeNumber, 10)
    .action((env: string, options: CommonOptions & { keep: number }) =>
      execute({ env, clock, options }, (session) => prune(session, options.keep)),
    );
  return program;
}

/** Runs the command line; the exit code is left in `process.exitCode`. */
export async function main(argv: readonly string[], clock: Clock = systemClock): Promise<void> {
  try {
    await createProgram(clock).parseAsync(argv);
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // Commander has printed what is wrong, or the help that was asked for.
    process.exitCode = error.exitCode === 0 ? EXIT.done : EXIT.refused;
  }
}

if (require.main === module) void main(process.argv);

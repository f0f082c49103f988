import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { Command, InvalidArgumentError, Option } from "commander";
import { existingBuild, type ExistingBuild, sourceBuild } from "./builder";
import { type Clock, parseDuration, systemClock } from "../coordination/clock";
import { build, type BuildOptions, type SourceOptions } from "./commands/build";
import { type Build, deploy } from "./commands/deploy";
import { download } from "./commands/download";
import { type CheckMigrationsOptions, reportMigrations } from "./commands/checkMigrations";
import { checkWithoutAws, type PublicCheckOptions } from "./commands/checkWithoutAws";
import { prune } from "./commands/prune";
import { redeploy } from "./commands/redeploy";
import { repair, type RepairOptions } from "./commands/repair";
import { rollback } from "./commands/rollback";
import { status } from "./commands/status";
import { versions } from "./commands/versions";
import { EXIT } from "./exitCodes";
import { TASK_POLICIES, type TaskPolicy } from "./runningTasks";
import { type CommonOptions, execute, type LimitOptions, sessionOf } from "./execute";
import { exitCode, formatReport, type Report } from "./output/report";
import { promotedBuild, requireOther } from "./promotion/build";
import { type Session } from "./session";
import { runProgram } from "../cli/main";
import { print } from "../cli/output";
import { nearest } from "../cli/nearest";
import { UserError } from "../cli/userError";
import { StackFile } from "../settings/stackFile";

interface SwitchOptions extends CommonOptions, LimitOptions {
  allowUnhealthy?: true;
  buildWithMyCredentials?: true;
  databaseUrl?: string;
  maintenance?: true;
  migrationsChecked?: string;
  migrationsUnchecked?: true;
  runningTasks: TaskPolicy;
  sha256?: string;
  snapshot?: true;
}

interface DeployCliOptions extends SwitchOptions, SourceOptions {
  source?: string;
  built?: string;
}

interface CheckCliOptions extends PublicCheckOptions {
  withoutAws?: true;
}

interface PromoteOptions extends SwitchOptions {
  downloaded?: string;
  fromProfile?: string;
  fromRegion?: string;
}

interface RollbackCliOptions extends CommonOptions, LimitOptions {
  migrationsUnchecked?: true;
  to?: string;
  runningTasks: TaskPolicy;
}

const EXAMPLES = `
Examples:
  npm run deploy -- staging --source ../iaso                  deploy the checkout
  npm run deploy -- prod --source ../iaso --snapshot          take a snapshot of the database first
  npm run deploy -- staging --source ../iaso --image blsq/iaso:1.2.3
                                                              deploy an image on the docker platform
  npm run deploy -- prod --source ../iaso --maintenance       close the site meanwhile, for incompatible migrations
  npm run deploy -- build staging --source ../iaso --output ../built
  npm run deploy -- staging --built ../built --sha256 …       build without credentials, then deploy
  npm run deploy -- promote staging prod                      deploy to prod exactly what staging runs
  npm run deploy -- status prod                               show the versions of web and worker
  npm run deploy -- rollback prod                             roll back to the version before
  npm run deploy -- rollback prod --to 1.2.2                  roll back to a given version
  npm run deploy -- redeploy prod                             prepare a restored database for the running version
  npm run deploy -- repair prod                               bring web and worker to one version after a crash
  npm run deploy -- prune prod --keep 20                      delete old versions
  npm run deploy -- check-migrations prod --source ../iaso    check whether migrations break the running version

Exit codes:
  0  success
  1  failed; web and worker are unchanged
  2  refused; web and worker are unchanged
  3  the new version failed; web and worker are rolled back
  4  MIXED VERSIONS: web and worker run different versions, act now
  5  another run holds the lock
  6  the run stopped during the switch; run repair

SLACK_WEBHOOK_URL in the environment turns on notifications. AWS credentials are those of the AWS CLI.
`;

function duration(text: string): number {
  const milliseconds = parseDuration(text);
  if (milliseconds === undefined) throw new InvalidArgumentError("Write it like 90s, 15m or 1h.");
  return milliseconds;
}

function list(text: string): string[] {
  return text.split(",").filter((item) => item !== "");
}

function wholeNumber(text: string): number {
  if (!/^[1-9]\d*$/.test(text)) throw new InvalidArgumentError("Write a whole number above 0.");
  return Number(text);
}

/**
 * Checks the arguments of `deploy`. Commander runs it for every first word that is not a command, so a misspelt
 * command arrives here as the environment.
 *
 * @returns the checkout, or the build that exists
 * @throws UserError that suggests the command, or names the option that is missing
 */
function requireSource(env: string, options: DeployCliOptions, command: Command): string | ExistingBuild {
  const [, ...more] = command.args;
  const { built, sha256, source } = options;
  if (source === undefined && built === undefined) throw missingSource(env, more, command);
  if (more.length > 0) {
    throw new UserError(
      `deploy takes one environment, but got more arguments: ${more.join(" ")}.`,
      `npm run deploy -- ${env} ${source === undefined ? `--built ${String(built)}` : `--source ${source}`}`,
    );
  }
  if (built === undefined && source !== undefined) return source;
  const conflicting = (
    ["source", "version", "image", "allowDirty", "skipBuild", "buildWithMyCredentials"] as const
  ).filter((name) => options[name] !== undefined);
  if (built === undefined || sha256 === undefined || conflicting.length > 0) {
    throw new UserError(
      conflicting.length > 0
        ? `The build in ${String(built)} is done, so ${conflicting.map(flagOf).join(", ")} cannot change it.`
        : "The option --sha256 <SHA-256>, which the build printed, is missing.",
      `npm run deploy -- ${env} --built ${String(built)} --sha256 ${sha256 ?? "<SHA-256>"}`,
    );
  }
  return { directory: built, sha256 };
}

function flagOf(name: string): string {
  return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

function missingSource(env: string, more: readonly string[], command: Command): UserError {
  const names = command.parent?.commands.map((one) => one.name()) ?? [];
  const suggestion = nearest(env, names);
  if (suggestion !== undefined || more.length > 0) {
    return new UserError(
      `"${env}" is not a command. The commands are ${names.join(", ")}.`,
      suggestion === undefined
        ? "npm run deploy -- --help"
        : `npm run deploy -- ${[suggestion, ...(more.length > 0 ? more : ["<env>"])].join(" ")}`,
    );
  }
  return new UserError(
    "The option --source <directory>, the checkout of the application, is missing.",
    `npm run deploy -- ${env} --source ../iaso`,
  );
}

async function deployCommand(
  env: string,
  source: string | ExistingBuild,
  options: DeployCliOptions,
  clock: Clock,
): Promise<void> {
  const from = typeof source === "string" ? source : source.directory;
  const announce = `deployment of ${options.version ?? options.image ?? from}`;
  await executeDeployment({ env, announce, options, clock }, (session, directory) =>
    typeof source === "string"
      ? sourceBuild(session, source, options, directory)
      : existingBuild(session, source, directory),
  );
}

async function promoteCommand(
  from: string,
  env: string,
  options: PromoteOptions,
  clock: Clock,
): Promise<void> {
  const { downloaded, fromProfile, fromRegion, sha256 } = options;
  requireOther(from, env);
  if ((downloaded === undefined) !== (sha256 === undefined)) {
    throw new UserError(
      "--downloaded and --sha256 belong together.",
      `npm run deploy -- promote ${from} ${env} --downloaded ${downloaded ?? "<directory>"} --sha256 ${sha256 ?? "<SHA-256>"}`,
    );
  }
  await executeDeployment(
    { env, announce: `promotion of ${from}`, options, clock },
    async (session, work) => {
      const origin =
        downloaded !== undefined && sha256 !== undefined
          ? { directory: resolve(downloaded), sha256 }
          : { session: await sessionOf(session, from, { profile: fromProfile, region: fromRegion }) };
      return promotedBuild(session, { ...options, from, origin, work });
    },
  );
}

/** Deploys a version, in a session that has a temporary directory. */
async function executeDeployment(
  { options, ...invocation }: { env: string; announce: string; options: SwitchOptions; clock: Clock },
  buildIn: (session: Session, directory: string) => Build | Promise<Build>,
): Promise<void> {
  await execute({ ...invocation, options }, async (session) => {
    const directory = await mkdtemp(join(tmpdir(), "iaso-deploy-"));
    try {
      const deployOptions = {
        runningTasks: options.runningTasks,
        snapshot: options.snapshot === true,
        maintenance: options.maintenance === true,
        allowUnhealthy: options.allowUnhealthy === true,
        migrationsChecked: options.migrationsChecked,
        migrationsUnchecked: options.migrationsUnchecked === true,
      };
      return await deploy(session, deployOptions, await buildIn(session, directory));
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  });
}

/** Prints a report of a command without AWS, and sets the exit code. */
async function printReport(made: Promise<Report>, { json }: { json?: true }): Promise<void> {
  const report = await made;
  print(json === true ? JSON.stringify(report) : formatReport(report).join("\n"));
  process.exitCode = exitCode(report);
}

function createProgram(clock: Clock): Command {
  const program = new Command("npm run deploy --")
    .description("Deploys versions of Iaso to web and worker together: both get the new version, or neither.")
    .addHelpText("after", EXAMPLES)
    .showHelpAfterError("See: npm run deploy -- --help");
  const common = (to: Command): Command =>
    to
      .option("--region <region>", "the AWS region (default: the one of Pulumi.<env>.yaml, else AWS_REGION)")
      .option("--json", "print the report as JSON on stdout, and progress on stderr");
  const command = (name: string, description: string, isDefault = false): Command =>
    common(
      program
        .command(name, { isDefault })
        .description(description)
        .argument("<env>", "the environment, such as staging"),
    );
  const tasks = (): Option =>
    new Option(
      "--running-tasks <policy>",
      "if background tasks run: wait for them, refuse to deploy, or interrupt them",
    )
      .choices(TASK_POLICIES)
      .default("wait");
  const withMyCredentials = (): Option =>
    new Option(
      "--build-with-my-credentials",
      "let the application's code read your credentials during the build",
    );
  const databaseUrl = (): Option =>
    new Option(
      "--database-url <url>",
      "a PostgreSQL server for a temporary database (default: a server that the tool starts)",
    );
  const stack = (): Option =>
    new Option("--stack <stack>", "the Pulumi stack, for --maintenance (default: the environment's name)");
  const limits = (to: Command): Command =>
    to
      .option("--timeout <duration>", "time limit of one update (default: 45m)", duration)
      .option(
        "--health-timeout <duration>",
        "time limit for web and worker to become healthy after it (default: 10m)",
        duration,
      )
      .option(
        "--tasks-timeout <duration>",
        "time limit for background tasks to end (default: 15m)",
        duration,
      );

  const fromSource = (to: Command): Command =>
    to
      .option("--version <version>", "the name of the version (default: its git tag, or its commit)")
      .option("--image <image>", "the image of the application, on the docker platform")
      .option("--allow-dirty", "build changes that are not committed, in the checkout")
      .option("--skip-build", "use the files that an earlier build left in the checkout")
      .addOption(withMyCredentials());

  const switching = (to: Command): Command =>
    limits(to)
      .option("--allow-unhealthy", "deploy to Severe environments, to make them better")
      .option(
        "--migrations-unchecked",
        "deploy although the running or the new version may fail on the tables",
      )
      .option(
        "--migrations-checked <version>",
        "the running version for which check-migrations found no problem; refused if another one runs",
      )
      .addOption(databaseUrl())
      .option(
        "--maintenance",
        "close the site while the database is migrated, and restore a snapshot if that fails",
      )
      .addOption(stack())
      .option("--snapshot", "take a snapshot of the database before the switch")
      .addOption(tasks());

  fromSource(switching(command("deploy", "deploy a checkout of the application (the default command)", true)))
    .allowExcessArguments()
    .option("--source <directory>", "the checkout of the application")
    .option("--built <directory>", "deploy the output of the command build instead")
    .option("--sha256 <digest>", "the SHA-256 that the command build printed")
    .action((env: string, options: DeployCliOptions, cmd: Command) =>
      deployCommand(env, requireSource(env, options, cmd), options, clock),
    );

  fromSource(
    program
      .command("build")
      .description("build a checkout where there are no credentials, to deploy it with --built; needs no AWS")
      .argument("<env>", "the environment, whose settings Pulumi.<env>.yaml has"),
  )
    .requiredOption("--source <directory>", "the checkout of the application")
    .requiredOption("--output <directory>", "the directory for the build, new or empty")
    .addOption(
      new Option("--platform <platform>", "the platform (default: the stack's)").choices([
        "python",
        "docker",
      ]),
    )
    .option("--plugins <plugins>", "the enabled plugins, with commas (default: the stack's)", list)
    .option("--json", "print the SHA-256 as JSON on stdout, and progress on stderr")
    // A deployment asks what it will build, before code of the application runs.
    .addOption(new Option("--identify").hideHelp())
    // It builds the front end alone, so that it can be used again, and then the rest with it.
    .addOption(new Option("--only-front-end").hideHelp())
    .addOption(new Option("--front-end <directory>").hideHelp())
    .action((env: string, options: BuildOptions) => build(env, options, () => new StackFile(env)));

  switching(
    common(
      program
        .command("promote")
        .description("deploy exactly what another environment runs; nothing is built")
        .argument("<from>", "the environment whose version is deployed, such as staging")
        .argument("<env>", "the environment to deploy to, such as prod"),
    ),
  )
    .option("--from-profile <profile>", "the AWS CLI's profile for <from> (default: the same credentials)")
    .option(
      "--from-region <region>",
      "the region of <from> (default: the one of Pulumi.<from>.yaml, else AWS_REGION)",
    )
    .option("--downloaded <directory>", "deploy the output of the command download")
    .option("--sha256 <digest>", "the SHA-256 that the command download printed")
    .addOption(withMyCredentials())
    .action((from: string, env: string, options: PromoteOptions) =>
      promoteCommand(from, env, options, clock),
    );

  command("download", "download the version that an environment runs, to promote it with other credentials")
    .requiredOption("--output <directory>", "the directory for the version, new or empty")
    .action((env: string, options: CommonOptions & { output: string }) =>
      execute({ env, clock, options }, (session) => download(session, resolve(options.output))),
    );

  command("status", "show the versions of web and worker, and the run in progress").action(
    (env: string, options: CommonOptions) => execute({ env, clock, options }, status),
  );

  limits(command("rollback", "roll web and worker back to an earlier version"))
    .option("--to <version>", "the version (default: the one before the current one)")
    .option("--migrations-unchecked", "start the version although it may fail on the database's tables")
    .addOption(tasks())
    .action((env: string, options: RollbackCliOptions) =>
      execute(
        { env, clock, options, announce: `rollback to ${options.to ?? "the version before"}` },
        (session) =>
          rollback(session, {
            to: options.to,
            runningTasks: options.runningTasks,
            migrationsUnchecked: options.migrationsUnchecked === true,
          }),
      ),
    );

  limits(command("redeploy", "deploy the running version again, such as after a restore of the database"))
    .option("--migrations-unchecked", "start the version although it may fail on the database's tables")
    .addOption(tasks())
    .action((env: string, options: RollbackCliOptions) =>
      execute({ env, clock, options, announce: "redeployment" }, (session) =>
        redeploy(session, {
          runningTasks: options.runningTasks,
          migrationsUnchecked: options.migrationsUnchecked === true,
        }),
      ),
    );

  limits(command("repair", "bring web and worker to one version after an unfinished run"))
    .option("--to <version>", "the version, if the tool does not know it")
    .option("--migrations-unchecked", "start this version although it may fail on the database's tables")
    .addOption(stack())
    .action((env: string, options: CommonOptions & LimitOptions & RepairOptions) =>
      execute({ env, clock, options, announce: "repair" }, (session) => repair(session, options)),
    );

  command("check-migrations", "check whether the running version works on the tables of a checkout")
    .requiredOption("--source <directory>", "the checkout of the new version")
    .option("--running-source <directory>", "a checkout of the running version, instead of its bundle")
    .option("--without-aws", "find the running version by Iaso's health check and the checkout's history")
    .option("--promote-from <env>", "with --without-aws: check the version that this environment runs")
    .addOption(withMyCredentials())
    .addOption(databaseUrl())
    .action((env: string, options: CommonOptions & CheckMigrationsOptions & CheckCliOptions) =>
      options.withoutAws === true
        ? printReport(checkWithoutAws(env, options, { stackFile: (stack) => new StackFile(stack) }), options)
        : execute({ env, clock, options }, (session) => reportMigrations(session, options)),
    );

  command("versions", "list the application's versions").action((env: string, options: CommonOptions) =>
    execute({ env, clock, options }, versions),
  );

  command("prune", "delete old versions, their bundles and static files")
    .option("--keep <number>", "number of newest versions to keep", wholeNumber, 10)
    .action((env: string, options: CommonOptions & { keep: number }) =>
      execute({ env, clock, options }, (session) => prune(session, options.keep)),
    );
  return program;
}

/** Runs the command line and sets `process.exitCode`. */
export function main(argv: readonly string[], clock: Clock = systemClock): Promise<void> {
  return runProgram(createProgram(clock), { argv, userErrorCode: EXIT.refused });
}

if (require.main === module) void main(process.argv);

import { Command } from "commander";
import { runProgram } from "../cli/main";
import { type Clock, systemClock } from "../coordination/clock";
import { backups } from "./commands/backups";
import { copyBack } from "./commands/copyBack";
import { deleteReplaced } from "./commands/deleteReplaced";
import { deleteRehearsals, rehearse, type RehearseOptions } from "./commands/rehearse";
import { abandon, restore, type RestoreOptions, resume } from "./commands/restore";
import { restoreEnketo } from "./commands/restoreEnketo";
import { restoreMedia, type RestoreMediaOptions } from "./commands/restoreMedia";
import { upgrade } from "./commands/upgrade";
import { execute, EXIT, type Options } from "./run";

const EXAMPLES = `
Examples:
  npm run database -- backups prod                             list the backups
  npm run database -- restore prod --to 2026-01-31T12:00:00Z   restore the state of a time
  npm run database -- restore prod --to latest                 restore the latest restorable time
  npm run database -- restore prod --snapshot iaso-prod-…      restore a snapshot
  npm run database -- restore-media prod                       restore missing files of media from AWS Backup
  npm run database -- restore-enketo prod                      list the snapshots of Enketo's Redis
  npm run database -- copy-back prod --from eu-west-3          copy backups back from another region
  npm run database -- rehearse prod                            restore into a copy, measure the time, delete the copy
  npm run database -- rehearse prod --migrate 1.2.3            also migrate the copy with that version
  npm run database -- rehearse prod --media                    also restore a file of media from AWS Backup
  npm run database -- rehearse prod --enketo                   also restore Enketo's Redis into a copy
  npm run database -- upgrade prod --to 17                     upgrade PostgreSQL, first in a copy
  npm run database -- resume prod                              complete a restore that stopped
  npm run database -- abandon prod                             end a restore that stopped, and keep the old database
  npm run database -- delete-replaced prod                     delete the old database after a restore

Exit codes:
  0  success
  1  failed, or a rehearsal failed; nothing was changed
  2  refused; nothing was changed
  3  answered no; the database is unchanged
  4  the database is replaced, but Iaso does not work with it
  5  another run holds the lock
  6  the run stopped; run resume
`;

function createProgram(clock: Clock): Command {
  const program = new Command("npm run database --")
    .description("Restores the data of an environment, and upgrades its database.")
    .addHelpText("after", EXAMPLES)
    .showHelpAfterError("See: npm run database -- --help");
  const command = (name: string, description: string): Command =>
    program
      .command(name)
      .description(description)
      .argument("<env>", "the environment, such as staging")
      .option("--stack <stack>", "the Pulumi stack (default: the environment's name)")
      .option("--region <region>", "the AWS region (default: the one of Pulumi.<env>.yaml, else AWS_REGION)");
  const changing = (to: Command): Command => to.option("--yes", "answer every question with yes");
  const counting = (to: Command): Command =>
    changing(to).option("--without-row-count", "skip the count of rows, which needs the setting shellAccess");

  command("backups", "list the backups").action((env: string, options: Options) =>
    execute(env, options, clock, backups),
  );

  counting(command("restore", "replace the database by a restored backup"))
    .option("--to <time>", "the time to restore, such as 2026-01-31T12:00:00Z, or latest")
    .option("--from <instance>", "the instance whose automated backups have the time, if several do")
    .option("--snapshot <id>", "the snapshot to restore")
    .action((env: string, options: Options & Partial<RestoreOptions>) =>
      execute(env, options, clock, (session) =>
        restore(session, { ...options, withoutRowCount: options.withoutRowCount === true }),
      ),
    );

  counting(command("rehearse", "restore a backup into a copy, measure the time, and delete the copy"))
    .option("--to <time>", "the time to restore, such as 2026-01-31T12:00:00Z", "latest")
    .option("--from <instance>", "the instance whose automated backups have the time, if several do")
    .option("--migrate <version>", "migrate the copy with this version of Iaso, on an instance")
    .option("--media", "also restore a file of media from AWS Backup")
    .option("--enketo", "also restore Enketo's Redis into a copy, and delete the copy")
    .option("--delete-copies", "only delete the copies that killed rehearsals left")
    .action((env: string, options: Options & Partial<RehearseOptions> & { deleteCopies?: true }) =>
      execute(env, options, clock, (session) =>
        options.deleteCopies === true
          ? deleteRehearsals(session)
          : rehearse(session, { ...options, withoutRowCount: options.withoutRowCount === true }),
      ),
    );

  counting(command("upgrade", "upgrade PostgreSQL to another major version, first in a copy"))
    .requiredOption("--to <version>", "the major version, such as 17")
    .action((env: string, options: Options & { to: string; withoutRowCount?: true }) =>
      execute(env, options, clock, (session) =>
        upgrade(session, { to: options.to, withoutRowCount: options.withoutRowCount === true }),
      ),
    );

  changing(command("restore-media", "restore the files that the media bucket lacks from AWS Backup"))
    .option("--recovery-point <arn>", "the backup (default: the newest)")
    .action((env: string, options: Options & RestoreMediaOptions) =>
      execute(env, options, clock, (session) => restoreMedia(session, options)),
    );

  changing(command("restore-enketo", "list the snapshots of Enketo's Redis, or prepare the restore of one"))
    .option("--snapshot <name>", "the snapshot to restore")
    .action((env: string, options: Options & { snapshot?: string }) =>
      execute(env, options, clock, (session) => restoreEnketo(session, options)),
    );

  changing(command("copy-back", "copy the newest backups from the vault in another region back"))
    .requiredOption("--from <region>", "the region of the copies")
    .action((env: string, options: Options & { from: string }) =>
      execute(env, options, clock, (session) => copyBack(session, options)),
    );

  changing(command("resume", "complete a restore that stopped, or delete what a rehearsal left")).action(
    (env: string, options: Options) => execute(env, options, clock, resume),
  );

  changing(command("abandon", "end a restore that stopped, and keep the old database")).action(
    (env: string, options: Options) => execute(env, options, clock, abandon),
  );

  counting(command("delete-replaced", "delete the old databases that restores have replaced")).action(
    (env: string, options: Options & { withoutRowCount?: true }) =>
      execute(env, options, clock, (session) =>
        deleteReplaced(session, { withoutRowCount: options.withoutRowCount === true }),
      ),
  );
  return program;
}

/** Runs the command line and sets `process.exitCode`. */
export function main(argv: readonly string[], clock: Clock = systemClock): Promise<void> {
  return runProgram(createProgram(clock), { argv, userErrorCode: EXIT.refused });
}

if (require.main === module) void main(process.argv);

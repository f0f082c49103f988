import { Command } from "commander";
import { ask } from "../../cli/ask";
import { print } from "../../cli/output";
import { createProgress, isDrawable } from "../../cli/progress";
import { UserError } from "../../cli/userError";
import { createClients } from "../../doctor/clients";
import { requireAccount } from "../../settings/requireAccount";
import { StackFile } from "../../settings/stackFile";
import { compareBuckets } from "../media/copyMedia";
import { copyAndCheck, findBuckets, mediaBucketOf } from "../media/run";
import { principalArn } from "../media/principal";
import { planLines } from "../media/text";
import { exceptMedia } from "../policyConfig";
import { explained } from "./options";

const EXAMPLES = `
Examples:
  npm run move -- copy-media prod --from old-iaso-media
  npm run move -- copy-media prod --from old-iaso-media --from-account 210987654321    a bucket of another account

Copies the media of an existing Iaso into the stack's bucket, within S3. Static files stay behind. Deletes nothing. Run it
again after a stop, and before the cutover: it copies only what the new bucket lacks, or has in an older state.
`;

/** Days for which the policy of the new bucket may let the copying role in. */
const EXCEPTION_DAYS = 30;

interface Options {
  from: string;
  fromAccount?: string;
  yes?: true;
}

async function copy(stack: string, { from, fromAccount, yes }: Options): Promise<void> {
  const file = new StackFile(stack);
  await requireAccount(file);
  const region = file.get("region") ?? "";
  if (from === mediaBucketOf(file)) {
    throw new UserError(`${from} is the new bucket.`, "Name the existing one: --from BUCKET");
  }
  const principal = await explained(() => principalArn(createClients(region)));
  if (!isLetIn(file, principal)) return;
  const buckets = await findBuckets(file, { bucket: from, account: fromAccount }, principal);
  const progress = createProgress({ terminal: isDrawable(process.stdout), write: print, now: Date.now });
  const plan = await progress.step("Compare the buckets", () => compareBuckets(buckets));
  print(planLines(buckets, plan).join("\n"));
  const total = plan.states.copy;
  if (total.objects === 0) {
    print("Nothing is to copy.");
    return;
  }
  const isWanted = await ask("Copy them?", yes, (line) => {
    progress.line(line);
  });
  if (!isWanted) return;
  print((await copyAndCheck(buckets, { principal, progress, stack, total })).join("\n"));
}

/** True if the settings let the principal copy; otherwise changes them so that they do, and says what to do. */
function isLetIn(file: StackFile, principal: string): boolean {
  const setting = file.get("mediaCopyPrincipal") ?? "";
  if (setting === principal) return true;
  if (setting !== "") {
    throw new UserError(
      `${file.file} lets ${setting} copy media, but the AWS credentials are those of ${principal}.`,
      `Use the credentials of ${setting}, or change the setting: pulumi config set ${file.key("mediaCopyPrincipal")} ${principal} --stack ${file.stack}`,
    );
  }
  const expires = new Date(Date.now() + EXCEPTION_DAYS * 86_400_000).toISOString().slice(0, 10);
  exceptMedia(file.stack, `${principal} copies the media of the existing Iaso`, expires);
  file.set({ mediaCopyPrincipal: principal });
  print(
    [
      `Only Iaso's roles reach the bucket of media. ${file.file} now lets ${principal} in too, and the policy config excepts`,
      `that until ${expires}. Nothing was copied yet. Next: pulumi up --stack ${file.stack}, then run this command again.`,
    ].join("\n"),
  );
  return false;
}

export function copyMediaCommand(): Command {
  return new Command("copy-media")
    .description("copies the media of an existing Iaso into the bucket of the stack")
    .argument("<stack>", "the stack, such as prod")
    .requiredOption("--from <bucket>", "the bucket of the existing Iaso (AWS_STORAGE_BUCKET_NAME)")
    .option("--from-account <id>", "the AWS account of that bucket (default: the stack's account)")
    .option("--yes", "answer every question with yes")
    .addHelpText("after", EXAMPLES)
    .action(copy);
}

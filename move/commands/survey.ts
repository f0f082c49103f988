import { Command } from "commander";
import { print } from "../../cli/output";
import { UserError } from "../../cli/userError";
import { environmentName } from "../../components/common/deployParameter";
import { createClients } from "../../doctor/clients";
import { readStack } from "../../doctor/stack";
import { listStacks, type Project, readProject, settingsOf } from "../../preview/project";
import { contradictionsBetween } from "../../settings/contradictions";
import { newStackFile } from "../../settings/stackFile";
import { readExisting } from "../existing";
import type { Note } from "../note";
import { createFiles, requireNew } from "../newFiles";
import { markdownReport, terminalReport } from "../report";
import { surveyOf } from "../survey";
import { existingOptions, type ExistingOptions, explained, regionOf } from "./options";

const EXAMPLES = `
Examples:
  npm run move -- survey --application Iaso --stack prod
  npm run move -- survey --application Iaso --environment iaso-staging2 --environment iaso-staging2-worker --stack staging

Writes Pulumi.STACK.yaml, policies/policy-config.STACK.json and survey-STACK.md. Never overwrites a file.
Nothing in AWS is changed. The values of secrets are neither printed nor written.
AWS credentials are those of the AWS CLI; the AWS CLI itself reads Enketo's Redis.
`;

interface Options extends ExistingOptions {
  stack: string;
}

async function survey({ application, environment, stack, ...options }: Options): Promise<void> {
  if (!environmentName.pattern.test(stack)) {
    throw new UserError(
      `${stack} cannot be the name of a stack.`,
      `Use ${environmentName.accepted}: --stack NAME`,
    );
  }
  const files = {
    settings: `Pulumi.${stack}.yaml`,
    policies: `policies/policy-config.${stack}.json`,
    report: `survey-${stack}.md`,
  };
  requireNew(Object.values(files));
  const project = readProject(".");
  const region = regionOf(options);
  const choice = { application, environments: environment };
  const existing = await explained(() => readExisting(createClients(region), region, choice));
  const { notes, policyConfig, settings } = surveyOf(existing, {
    now: new Date(),
    setting: (name) => `${project.name}:${name}`,
    stack,
  });
  const { web } = existing;
  const title = `Survey of ${web.name} (${application}) for the stack ${stack}`;
  const comment = `Written by npm run move -- survey from ${web.name} of the account ${existing.accountId}. ${files.report} says what must be decided.`;
  const all = [...notes];
  createFiles(
    {
      [files.policies]: `${JSON.stringify(policyConfig, undefined, 2)}\n`,
      [files.settings]: newStackFile(comment, settings),
    },
    (directory) => {
      const waiting = { ...project, stackConfigDir: directory };
      readStack(waiting, stack);
      all.push(...contradictions(project, waiting, stack));
      return { [files.report]: markdownReport(title, all) };
    },
  );
  print(
    [
      title,
      "",
      terminalReport(all),
      "",
      `Wrote ${Object.values(files).join(", ")}. Next:`,
      `  npm run preview -- ${stack}`,
      `  npm run move -- secrets ${stack} --application ${application}`,
    ].join("\n"),
  );
}

/** Notes about settings that the new file and those of other stacks cannot both have. */
function contradictions(project: Project, waiting: Project, stack: string): Note[] {
  const others = listStacks(project).map((name) => settingsOf(project, name));
  return contradictionsBetween(project.name, [settingsOf(waiting, stack)], others).map((what) => ({
    kind: "decide",
    what: what.replaceAll(/\s+/g, " "),
  }));
}

export function surveyCommand(): Command {
  return existingOptions(new Command("survey"))
    .description(
      "reads an existing Iaso, and writes the settings of a stack and a report; changes nothing in AWS",
    )
    .requiredOption("--stack <stack>", "the new stack, such as prod")
    .addHelpText("after", EXAMPLES)
    .action(survey);
}

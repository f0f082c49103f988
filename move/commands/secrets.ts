import { SSMClient } from "@aws-sdk/client-ssm";
import { Command } from "commander";
import { describeError } from "../../cli/awsErrors";
import { didYouMean } from "../../cli/nearest";
import { print } from "../../cli/output";
import { UserError } from "../../cli/userError";
import { createClients } from "../../doctor/clients";
import { requireAccount } from "../../settings/requireAccount";
import { SecretStore } from "../../settings/secretStore";
import { StackFile } from "../../settings/stackFile";
import { type Carriage, carry, planCarriage } from "../carry";
import { readIaso } from "../existing/iaso";
import { CARRIED_SECRETS } from "../secretVariables";
import { collect, existingOptions, type ExistingOptions, explained, regionOf } from "./options";

const EXAMPLES = `
Examples:
  npm run move -- secrets prod --application Iaso
  npm run move -- secrets prod --application Iaso --profile old-account     from another AWS account
  npm run move -- secrets prod --application Iaso --overwrite SECRET_KEY    replace the one in Parameter Store

Reads the secrets of the existing Iaso and writes them to Parameter Store, encrypted. Prints none. Writes all or none, and
never replaces another value without --overwrite.
`;

interface Options extends ExistingOptions {
  profile?: string;
  overwrite: string[];
}

async function secrets(
  stack: string,
  { application, environment, overwrite, profile, ...options }: Options,
): Promise<void> {
  const names = CARRIED_SECRETS.map(({ name }) => name as string);
  for (const name of overwrite) {
    if (names.includes(name)) continue;
    throw new UserError(
      `There is no secret ${name} to carry.${didYouMean(name, names)}`,
      `Name one of ${names.join(", ")}.`,
    );
  }
  const file = new StackFile(stack);
  await requireAccount(file);
  const region = regionOf(options);
  const clients = createClients(region, { profile });
  const store = new SecretStore(new SSMClient({ region: file.get("region") }), file.env);
  const choice = { application, environments: environment };
  const iaso = await explained(() => readIaso(clients, choice));
  const target = { store, platform: file.get("platform"), overwrite };
  const plan = await explained(() => planCarriage({ clients, region, profile, env: file.env }, iaso, target));
  const refused = plan.flatMap((one) =>
    one.kind === "refuse" ? [`  ${one.secret.name}: ${one.why}${lossOf(one)}.\n    ${one.fix}`] : [],
  );
  if (refused.length > 0) {
    throw new UserError(["These secrets cannot be carried, so none was written:", ...refused].join("\n"));
  }
  await withoutValues(plan, () => carry(store, plan));
  print(
    [
      ...plan.map((one) => `${one.secret.name} ${textOf(one)}`),
      "",
      `The secrets are in Parameter Store. Create the others: npm run init-stack -- ${stack}`,
    ].join("\n"),
  );
}

function lossOf({ secret: { loss } }: Carriage): string {
  return loss === undefined ? "" : `; without it, ${loss}`;
}

function textOf(carriage: Carriage): string {
  switch (carriage.kind) {
    case "carry":
      return `carried from ${carriage.from}.`;
    case "overwrite":
      return `replaced by the existing Iaso's, from ${carriage.from}.`;
    case "present":
      return "is there already.";
    case "leave":
      return `not carried: ${carriage.why}. npm run init-stack creates it, or asks for it.`;
    case "refuse":
      return "refused.";
  }
}

/** Runs, and keeps the secrets out of the message of an error. */
async function withoutValues<T>(plan: readonly Carriage[], run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    const values = plan.flatMap((one) => ("value" in one ? [one.value] : []));
    const message = values.reduce((text, value) => text.replaceAll(value, "[secret]"), describeError(error));
    throw new UserError(
      `Not all secrets were written: ${message}`,
      "Fix what the message names, then run the command again: it writes those that are missing.",
    );
  }
}

export function secretsCommand(): Command {
  return existingOptions(new Command("secrets"))
    .description("carries the secrets of an existing Iaso to Parameter Store")
    .argument("<stack>", "the stack, such as prod")
    .option(
      "--profile <profile>",
      "the AWS profile of the existing Iaso's account (default: the stack's account)",
    )
    .option("--overwrite <secret>", "replace another value in Parameter Store; can be repeated", collect, [])
    .addHelpText("after", EXAMPLES)
    .action(secrets);
}

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { Command } from "commander";
import { parse, stringify } from "yaml";
import { environmentName } from "../components/common/deployParameter";
import { runProgram } from "../cli/main";
import { didYouMean } from "../cli/nearest";
import { isSecure, listStackFiles } from "../cli/stackFiles";
import { print } from "../cli/output";
import { UserError } from "../cli/userError";
import { plainSettings } from "./rules";

const EXAMPLES = `
Examples:
  npm run add-environment -- qa --from staging --account 210987654321
  npm run add-environment -- qa --from staging --shared-account-reason "Holds test data only, as staging does"

Writes Pulumi.qa.yaml and policies/policy-config.qa.json. Needs neither AWS nor Pulumi, and changes nothing else.
`;

/** Settings that are host names: each name can be used once. */
const HOSTS = ["webHost", "enketoHost", "staticHost"];

/**
 * Settings that stay behind. `env` is the stack's name by default. Mailgun's domain and its key belong to one stack,
 * which creates their DNS records. An image and IAM roles belong to an account. An existing Iaso moves into one stack, and
 * nobody but Iaso reaches the media of the others.
 */
const LEFT_OUT = [
  "env",
  "existingWebHost",
  "existingEnketoHost",
  "mailgunDomain",
  "mailgunDkimRecord",
  "mediaCopyPrincipal",
];
const LEFT_OUT_IN_ANOTHER_ACCOUNT = ["deployers", "gdalImageId", "sharedAccountReason"];

type Values = Record<string, unknown>;

/** The files of a new environment, and sentences about the values that somebody must look at. */
interface NewEnvironment {
  stackFile: string;
  policyConfig: string;
  notes: string[];
}

/**
 * Makes the files of a new environment from those of another one. Secrets stay behind: they are encrypted for the other
 * stack only.
 *
 * @throws UserError if there are no settings to start from, or they are of the same account
 */
function copyOf(name: string, { from, account, sharedAccountReason }: Options): NewEnvironment {
  const { name: project } = parse(readFileSync("Pulumi.yaml", "utf8")) as { name: string };
  const key = (setting: string) => `${project}:${setting}`;
  const { config } = (parse(readFileSync(`Pulumi.${from}.yaml`, "utf8")) ?? {}) as { config?: Values };
  const plain = Object.entries(config ?? {}).filter(([, value]) => !isSecure(value));
  if (plain.length === 0) {
    throw new UserError(
      `Pulumi.${from}.yaml has no settings to start from.`,
      `Name another stack: npm run add-environment -- ${name} --from STACK`,
    );
  }
  const values = Object.fromEntries(plain);
  const notes: string[] = [];
  const shared = String(values[key("accountId")]);
  if (account === shared) {
    throw new UserError(
      `${account} is the account of ${from}.`,
      `Give the environment an account of its own, or a reason: npm run add-environment -- ${name} --from ${from} --shared-account-reason REASON`,
    );
  }
  const zone = String(values[key("hostedZone")]);
  if (account !== undefined) {
    values[key("accountId")] = account;
    values[key("hostedZone")] = replaced(zone, from, name);
    notes.push(
      `${key("hostedZone")} is now ${replaced(zone, from, name)}, a hosted zone of the account ${account}.`,
    );
  }
  for (const host of HOSTS.map(key)) {
    const value = values[host];
    if (typeof value !== "string" || value === "") continue;
    values[host] = newHost(value, zone, String(values[key("hostedZone")]), from, name);
    notes.push(`${host} is now ${String(values[host])}.`);
  }
  if (values[key("mailgunDomain")] !== undefined) {
    notes.push(
      `Mail is sent through Mailgun's domain of ${from}. For a domain of its own, set ${key("mailgunDomain")}, ` +
        `${key("mailgunDkimRecord")}, ${key("emailUser")} and ${key("emailFrom")}.`,
    );
  }
  // One stack of an account creates the identity provider for GitHub.
  values[key("createOidcProvider")] = account !== undefined;
  for (const setting of [...LEFT_OUT, ...(account === undefined ? [] : LEFT_OUT_IN_ANOTHER_ACCOUNT)]) {
    Reflect.deleteProperty(values, key(setting));
  }
  if (account === undefined) {
    const reason = key("sharedAccountReason");
    if ((values[reason] ?? "") === "") {
      notes.push(`${from} needs a reason too: pulumi config set ${reason} REASON --stack ${from}`);
    }
    values[reason] = sharedAccountReason;
  }
  const policyConfig = `policies/policy-config.${from}.json`;
  const hasPolicyConfig = existsSync(policyConfig);
  if (hasPolicyConfig)
    notes.push(`The exceptions of the policy pack and their reasons are those of ${from}.`);
  return {
    stackFile: stringify({ config: values }, { lineWidth: 0 }),
    policyConfig: hasPolicyConfig ? readFileSync(policyConfig, "utf8") : "{}\n",
    notes,
  };
}

/**
 * A host name for the new environment. In the zones of staging and qa, `iaso.staging.example.org` becomes
 * `iaso.qa.example.org`; in the zone of staging, `iaso-qa.staging.example.org`.
 */
function newHost(host: string, oldZone: string, newZone: string, from: string, name: string): string {
  const below = host.endsWith(`.${oldZone}`) ? host.slice(0, -oldZone.length - 1) : host;
  const zone = below === host ? "" : `.${newZone}`;
  const renamed = replaced(below, from, name);
  if (renamed !== below || newZone !== oldZone) return renamed + zone;
  const [label = "", ...labels] = below.split(".");
  return [`${label}-${name}`, ...labels].join(".") + zone;
}

/** A domain name with another environment in it: `mg-staging.example.org` becomes `mg-qa.example.org`. */
function replaced(domain: string, from: string, name: string): string {
  return domain
    .split(/([.-])/)
    .map((part) => (part === from ? name : part))
    .join("");
}

function check(name: string, { from, account, sharedAccountReason }: Options): void {
  const stacks = listStackFiles(".");
  const usage = `npm run add-environment -- ${name} --from`;
  if (!stacks.includes(from)) {
    throw new UserError(
      `There is no stack ${from}: Pulumi.${from}.yaml is missing.${didYouMean(from, stacks)}`,
      `Start from one of these: ${stacks.map((stack) => `${usage} ${stack}`).join("; ")}`,
    );
  }
  if (!environmentName.pattern.test(name)) {
    throw new UserError(
      `${name} cannot be the name of an environment.`,
      `Use ${environmentName.accepted}: npm run add-environment -- NAME --from ${from}`,
    );
  }
  if ((account === undefined) === (sharedAccountReason === undefined)) {
    throw new UserError(
      `${name} needs an AWS account of its own, or a reason to share that of ${from}.`,
      `${usage} ${from} --account ID, or --shared-account-reason REASON (docs/operations.md, "One account for each environment")`,
    );
  }
  const { accountId, sharedAccountReason: reason } = plainSettings.shape;
  if (account !== undefined && !accountId.safeParse(account).success) {
    throw new UserError(
      `${account} is not the id of an AWS account.`,
      `Give its 12 digits: ${usage} ${from} --account ID`,
    );
  }
  // The setting may be empty, the reason may not.
  if (sharedAccountReason === "" || !reason.safeParse(sharedAccountReason ?? "").success) {
    throw new UserError(
      `"${sharedAccountReason}" is not a reason of 10 to 200 characters.`,
      `Give a sentence: ${usage} ${from} --shared-account-reason REASON`,
    );
  }
}

interface Options {
  from: string;
  account?: string;
  sharedAccountReason?: string;
}

function addEnvironment(name: string, options: Options): void {
  check(name, options);
  const files = [`Pulumi.${name}.yaml`, `policies/policy-config.${name}.json`] as const;
  for (const file of files) {
    if (existsSync(file)) {
      throw new UserError(
        `There is already a file ${file}.`,
        `Choose another name, or delete the file: rm ${file}`,
      );
    }
  }
  const { stackFile, policyConfig, notes } = copyOf(name, options);
  writeFileSync(files[0], stackFile);
  writeFileSync(files[1], policyConfig);
  print(
    [
      `Wrote ${files.join(" and ")} with the settings of ${options.from}, without its secrets.`,
      "",
      "Look at:",
      ...notes.map((note) => `  - ${note}`),
      "",
      "Then:",
      `  npm run preview -- ${name}`,
      `  npm run init-stack -- ${name}`,
      `  Create the GitHub environments ${name}, infrastructure-${name} and rehearsal-${name} with their protection: docs/deploying-from-iaso.md`,
    ].join("\n"),
  );
}

if (require.main === module) {
  const program = new Command("npm run add-environment --")
    .description("Writes the settings of a new environment, from those of another one.")
    .argument("<name>", "the name of the new environment and of its stack, such as qa")
    .requiredOption("--from <stack>", "the stack to copy the settings from")
    .option("--account <id>", "the AWS account of the new environment")
    .option("--shared-account-reason <reason>", "why it is in the account of the other one, in a sentence")
    .addHelpText("after", EXAMPLES)
    .showHelpAfterError("See: npm run add-environment -- --help")
    .action(addEnvironment);
  void runProgram(program);
}

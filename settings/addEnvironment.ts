import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { Command } from "commander";
import { parse, stringify } from "yaml";
import { environmentName } from "../components/common/deployParameter";
import { runProgram } from "../cli/main";
import { didYouMean } from "../cli/nearest";
import { listStackFiles } from "../cli/stackFiles";
import { UserError } from "../cli/userError";

const EXAMPLES = `
Examples:
  npm run add-environment -- qa --from staging                           in the account of staging
  npm run add-environment -- qa --from staging --account 210987654321    in an account of its own

Writes Pulumi.qa.yaml and policies/policy-config.qa.json. Needs neither AWS nor Pulumi, and changes nothing else.
`;

/** Settings that are host names: each name can be used once. */
const HOSTS = ["webHost", "enketoHost", "staticHost"];

/**
 * Settings that stay behind. `env` is the stack's name by default. Mailgun's domain and its key belong to one stack,
 * which creates their DNS records. An image belongs to an account.
 */
const LEFT_OUT = ["env", "mailgunDomain", "mailgunDkimRecord"];
const LEFT_OUT_IN_ANOTHER_ACCOUNT = [
  "deployers",
  "gdalImageId",
  "secretsKeyArn",
  "sharedAccountReason",
  "stateBucket",
];

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
 * @param account The AWS account of the new environment; by default that of the other one.
 * @throws UserError if there are no settings to start from
 */
function copyOf(from: string, name: string, account?: string): NewEnvironment {
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
  for (const host of HOSTS.map(key)) {
    const value = values[host];
    if (typeof value !== "string" || value === "") continue;
    values[host] = renamedHost(value, from, name);
    notes.push(`${host} is now ${String(values[host])}.`);
  }
  const isOtherAccount = account !== undefined && account !== values[key("accountId")];
  if (account !== undefined) values[key("accountId")] = account;
  if (values[key("mailgunDomain")] !== undefined) {
    notes.push(
      `Mail is sent through Mailgun's domain of ${from}. For a domain of its own, set ${key("mailgunDomain")}, ` +
        `${key("mailgunDkimRecord")}, ${key("emailUser")} and ${key("emailFrom")}.`,
    );
  }
  // One stack of an account creates the identity provider for GitHub.
  values[key("createOidcProvider")] = isOtherAccount;
  if (isOtherAccount) {
    notes.push(`${key("hostedZone")} must be a hosted zone of the account ${account}.`);
  } else if (values[key("sharedAccountReason")] === undefined) {
    notes.push(
      `${name} and ${from} are in one AWS account. Give ${name} one of its own (--account), or say in both stacks why: ` +
        `${key("sharedAccountReason")} (docs/operations.md, One account for each environment).`,
    );
  }
  for (const setting of [...LEFT_OUT, ...(isOtherAccount ? LEFT_OUT_IN_ANOTHER_ACCOUNT : [])]) {
    Reflect.deleteProperty(values, key(setting));
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

/** A host name for the new environment: `iaso-staging.example.org` becomes `iaso-qa.example.org`. */
function renamedHost(host: string, from: string, name: string): string {
  const [label = "", ...domain] = host.split(".");
  const parts = label.split("-");
  const renamed = parts.includes(from)
    ? parts.map((part) => (part === from ? name : part))
    : [...parts, name];
  return [renamed.join("-"), ...domain].join(".");
}

function isSecure(value: unknown): boolean {
  return typeof value === "object" && value !== null && "secure" in value;
}

function check(name: string, { from, account }: Options): void {
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
  if (account !== undefined && !/^\d{12}$/.test(account)) {
    throw new UserError(
      `${account} is not the id of an AWS account.`,
      `Give its 12 digits: ${usage} ${from} --account ID`,
    );
  }
}

interface Options {
  from: string;
  account?: string;
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
  const { stackFile, policyConfig, notes } = copyOf(options.from, name, options.account);
  writeFileSync(files[0], stackFile);
  writeFileSync(files[1], policyConfig);
  console.log(
    [
      `Wrote ${files.join(" and ")} with the settings of ${options.from}, without its secrets.`,
      "",
      "Look at:",
      ...notes.map((note) => `  - ${note}`),
      "",
      "Then:",
      `  npm run preview -- ${name}`,
      `  npm run init-stack -- ${name}`,
      `  Create the GitHub environments ${name} and infrastructure-${name} with their protection: docs/deploying-from-iaso.md`,
    ].join("\n"),
  );
}

if (require.main === module) {
  const program = new Command("npm run add-environment --")
    .description("Writes the settings of a new environment, from those of another one.")
    .argument("<name>", "the name of the new environment and of its stack, such as qa")
    .requiredOption("--from <stack>", "the stack to copy the settings from")
    .option("--account <id>", "the AWS account of the new environment, by default that of the other one")
    .addHelpText("after", EXAMPLES)
    .showHelpAfterError("See: npm run add-environment -- --help")
    .action(addEnvironment);
  void runProgram(program);
}

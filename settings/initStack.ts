import { execFileSync, spawnSync } from "node:child_process";
import { randomBytes, randomInt } from "node:crypto";
import { password as ask } from "@inquirer/prompts";
import { Command } from "commander";
import { explainAwsError } from "../cli/awsErrors";
import { runProgram } from "../cli/main";
import { UserError } from "../cli/userError";
import { pin, platformsOf, ROLE } from "./platformCli";
import { refusedSecret, SecretName, secretSettings } from "./secrets";
import { StackFile } from "./stackFile";

/** Generators of secrets with random values. The command asks for the other secrets. */
export const generators: Partial<Record<SecretName, () => string>> = {
  databasePassword: () => alphanumeric(40),
  secretKey: () => alphanumeric(64),
  secretKeyFallbacks: () => "",
  encryptedTextFieldKey: () => randomBytes(32).toString("base64url") + "=",
  enketoApiToken: () => alphanumeric(48),
  enketoSigningSecret: () => alphanumeric(48),
  enketoEncryptionKey: () => alphanumeric(64),
  enketoRedisAuthToken: () => alphanumeric(64),
};

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

function alphanumeric(length: number): string {
  return Array.from({ length }, () => ALPHABET[randomInt(ALPHABET.length)]).join("");
}

/** Fixes for the Pulumi CLI's errors about missing prerequisites. */
const REMEDIES: [message: RegExp, remedy: string][] = [
  [
    /PULUMI_ACCESS_TOKEN/,
    "Log in to the backend of the state: `pulumi login s3://BUCKET`, or `pulumi login` for Pulumi Cloud.",
  ],
  [
    /passphrase must be set/,
    "Choose a passphrase and keep it: read -rs PULUMI_CONFIG_PASSPHRASE; export PULUMI_CONFIG_PASSPHRASE. " +
      'Or create the stack with a KMS key: pulumi stack init STACK --secrets-provider "awskms://alias/KEY?region=REGION"',
  ],
  [
    /incorrect passphrase/,
    "Set the passphrase of this stack: read -rs PULUMI_CONFIG_PASSPHRASE; export PULUMI_CONFIG_PASSPHRASE",
  ],
];

/**
 * Returns the secrets of a stack that are not set.
 *
 * @throws UserError if a secret is in the file in plain text
 */
function missingSecrets(stack: string): SecretName[] {
  const config = JSON.parse(pulumi(["config", "--json", "--stack", stack])) as Record<
    string,
    { value?: string; secret?: boolean } | undefined
  >;
  const names = Object.keys(secretSettings) as SecretName[];
  const plain = names.filter((name) => {
    const { value = "", secret } = config[`iaso:${name}`] ?? {};
    return value !== "" && secret !== true;
  });
  if (plain.length > 0) {
    const keys = plain.map((name) => `iaso:${name}`);
    throw new UserError(
      `Pulumi.${stack}.yaml has secrets in plain text: ${keys.join(", ")}. If you have committed it, replace them at their provider.`,
      keys.map((key) => `pulumi config set --secret ${key} --stack ${stack}`).join("; "),
    );
  }
  return names.filter((name) => {
    const entry = config[`iaso:${name}`];
    return entry === undefined || (entry.secret !== true && (entry.value ?? "") === "");
  });
}

/** Runs the Pulumi CLI and returns its output. Values are passed by standard input: other users can see arguments. */
function pulumi(args: string[], input?: string): string {
  try {
    return execFileSync("pulumi", args, { input, encoding: "utf8", stdio: ["pipe", "pipe", "pipe"] });
  } catch (error) {
    const { code, stderr } = error as NodeJS.ErrnoException & { stderr?: string };
    if (code === "ENOENT") {
      throw new UserError(
        "The Pulumi CLI is not installed.",
        "install it from https://www.pulumi.com/docs/iac/download-install/",
      );
    }
    const message = String(stderr).trim();
    const remedy = REMEDIES.find(([pattern]) => pattern.test(message))?.[1];
    throw new UserError(`pulumi ${args.join(" ")} failed: ${message}`, remedy);
  }
}

/**
 * Creates the stack if it does not exist, pins its platform versions, generates the secrets that can be generated, asks
 * for the others, and lets Pulumi encrypt each. Secrets that are set stay as they are, so the command can be run again at any time.
 */
async function initStack(stack: string): Promise<void> {
  const file = new StackFile(stack);
  if (spawnSync("pulumi", ["stack", "select", stack], { stdio: "ignore" }).status !== 0) {
    pulumi(["stack", "init", stack]);
    console.log(`Created the stack ${stack}.`);
  }
  await pinPlatforms(stack, file);
  const missing = missingSecrets(stack);
  refuseWithoutTerminal(stack, missing);
  for (const name of missing) {
    const generate = generators[name];
    const value = generate === undefined ? await askFor(name, file.get("platform")) : generate();
    pulumi(["config", "set", "--secret", `iaso:${name}`, "--stack", stack], value);
    console.log(`${generate === undefined ? "Set" : "Generated"} ${name}.`);
  }
  const kept = Object.keys(secretSettings).length - missing.length;
  if (kept > 0) console.log(`${kept} secrets were set before and are unchanged.`);
  console.log(
    `All secrets are set, encrypted, in Pulumi.${stack}.yaml. See what Pulumi would create: npm run preview -- ${stack}`,
  );
}

/**
 * Pins the recommended platform versions where the stack pins none, or one that AWS does not offer to this account. The
 * command goes on without AWS, because it also works for people without credentials.
 */
async function pinPlatforms(stack: string, file: StackFile): Promise<void> {
  try {
    const unusable = (await platformsOf(file)).filter(({ isOffered }) => !isOffered);
    for (const line of pin(file, unusable)) console.log(line);
  } catch (error) {
    const known = error instanceof UserError ? error : explainAwsError(error, ROLE);
    if (known === undefined) throw error;
    console.log(
      `The platform versions are unchanged, because AWS did not say which ones it offers: ${known.message}\n` +
        `Once it can be asked, run: npm run platform -- ${stack} --update`,
    );
  }
}

/** Refuses to set anything if a secret must be typed and there is no terminal. */
function refuseWithoutTerminal(stack: string, missing: SecretName[]): void {
  const toType = missing.filter((name) => generators[name] === undefined);
  if (process.stdin.isTTY || toType.length === 0) return;
  const lines = toType.map(
    (name) =>
      `  ${name}, ${secretSettings[name].accepted}\n    pulumi config set --secret iaso:${name} --stack ${stack}`,
  );
  throw new UserError(
    ["There is no terminal to ask for these secrets. Set them, then run this command again:", ...lines].join(
      "\n",
    ),
  );
}

async function askFor(name: SecretName, platform: string | undefined): Promise<string> {
  return ask({
    message: `${name} (${secretSettings[name].accepted}):`,
    validate: (value) => {
      const accepted = refusedSecret(name, platform, value);
      return accepted === undefined || `Accepted: ${accepted}`;
    },
  });
}

if (require.main === module) {
  const program = new Command("npm run init-stack --")
    .description(
      "Pins the platform versions of a stack and sets its secrets: generates random ones, asks for the others, prints none.",
    )
    .argument("<stack>", "the stack, such as staging; created if it does not exist")
    .showHelpAfterError("See: npm run init-stack -- --help")
    .action(initStack);
  void runProgram(program, { role: ROLE });
}

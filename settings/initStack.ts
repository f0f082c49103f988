import { execFileSync, spawnSync } from "node:child_process";
import { randomBytes, randomInt } from "node:crypto";
import { password as ask } from "@inquirer/prompts";
import { Command } from "commander";
import { SecretName, secretSettings } from "./secrets";

/** How each secret that can be made up is made up. The others are asked for. */
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

/** What can go wrong for the person who calls, told without a stack trace. */
class InitStackError extends Error {}

/** What Pulumi says where it cannot work yet, and what to do about it. */
const REMEDIES: [said: RegExp, remedy: string][] = [
  [
    /PULUMI_ACCESS_TOKEN/,
    "Log in to where the state is kept: pulumi login s3://BUCKET, or pulumi login for Pulumi Cloud.",
  ],
  [
    /passphrase must be set/,
    "Choose a passphrase and keep it: read -rs PULUMI_CONFIG_PASSPHRASE; export PULUMI_CONFIG_PASSPHRASE. " +
      'Or make the stack with a key of KMS: pulumi stack init STACK --secrets-provider "awskms://alias/KEY?region=REGION"',
  ],
  [
    /incorrect passphrase/,
    "Give the stack's own passphrase: read -rs PULUMI_CONFIG_PASSPHRASE; export PULUMI_CONFIG_PASSPHRASE",
  ],
];

/** The secrets of a stack that are not set yet. */
function missingSecrets(stack: string): SecretName[] {
  const config = JSON.parse(pulumi(["config", "--json", "--stack", stack])) as Record<string, unknown>;
  return (Object.keys(secretSettings) as SecretName[]).filter((name) => !(`iaso:${name}` in config));
}

/** Runs the Pulumi CLI and gives what it prints; a value goes in by standard input, never as an argument. */
function pulumi(args: string[], input?: string): string {
  try {
    return execFileSync("pulumi", args, { input, encoding: "utf8", stdio: ["pipe", "pipe", "pipe"] });
  } catch (error) {
    const { code, stderr } = error as NodeJS.ErrnoException & { stderr?: string };
    if (code === "ENOENT") {
      throw new InitStackError(
        "The Pulumi CLI is not installed. Install it: https://www.pulumi.com/docs/iac/download-install/",
      );
    }
    const said = String(stderr).trim();
    const remedy = REMEDIES.find(([pattern]) => pattern.test(said))?.[1];
    throw new InitStackError(
      [`pulumi ${args.join(" ")} failed: ${said}`, ...(remedy === undefined ? [] : [remedy])].join("\n"),
    );
  }
}

/**
 * Makes the stack where it does not exist yet, generates the secrets that can be generated, asks for the others, and
 * hands each to Pulumi encrypted. What is set already stays as it is, so that it can be run again at any time.
 */
async function initStack(stack: string): Promise<void> {
  if (spawnSync("pulumi", ["stack", "select", stack], { stdio: "ignore" }).status !== 0) {
    pulumi(["stack", "init", stack]);
    console.log(`Made the stack ${stack}.`);
  }
  const missing = missingSecrets(stack);
  refuseToAskNobody(stack, missing);
  for (const name of missing) {
    const generate = generators[name];
    const value = generate === undefined ? await askFor(name) : generate();
    pulumi(["config", "set", "--secret", `iaso:${name}`, "--stack", stack], value);
    console.log(`${generate === undefined ? "Set" : "Generated"} ${name}.`);
  }
  const kept = Object.keys(secretSettings).length - missing.length;
  if (kept > 0) console.log(`${kept} secrets were set before and stay as they are.`);
  console.log(
    `All secrets are set, encrypted, in Pulumi.${stack}.yaml. See what would be created: npm run preview -- ${stack}`,
  );
}

/** Before anything is set: where nobody can be asked, all secrets that must be typed in have to be there already. */
function refuseToAskNobody(stack: string, missing: SecretName[]): void {
  const toType = missing.filter((name) => generators[name] === undefined);
  if (process.stdin.isTTY || toType.length === 0) return;
  const lines = toType.map(
    (name) =>
      `  ${name}, ${secretSettings[name].accepted}\n    pulumi config set --secret iaso:${name} --stack ${stack}`,
  );
  throw new InitStackError(
    ["There is no terminal to ask for these secrets in. Set them, then run this again:", ...lines].join("\n"),
  );
}

async function askFor(name: SecretName): Promise<string> {
  const { pattern, accepted } = secretSettings[name];
  return ask({
    message: `${name} (${accepted}):`,
    validate: (value) => pattern.test(value) || `Accepted: ${accepted}`,
  });
}

if (require.main === module) {
  new Command("npm run init-stack --")
    .description("Sets the secrets of a stack: generates those that can be, asks for the rest, prints none.")
    .argument("<stack>", "the stack, such as staging; it is made where it does not exist")
    .action(initStack)
    .parseAsync()
    .catch((error: unknown) => {
      process.exitCode = 1;
      console.error(error instanceof InitStackError ? error.message : error);
    });
}

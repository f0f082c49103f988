import { execFileSync, spawnSync } from "node:child_process";
import { RDSClient } from "@aws-sdk/client-rds";
import { SSMClient } from "@aws-sdk/client-ssm";
import { password as ask } from "@inquirer/prompts";
import { Command } from "commander";
import { didYouMean } from "../cli/nearest";
import { runProgram } from "../cli/main";
import { print } from "../cli/output";
import { UserError } from "../cli/userError";
import { Naming } from "../components/common/naming";
import { pin, platformsOf } from "./platformCli";
import { requireAccount } from "./requireAccount";
import { optionalSecrets, refusedSecret, SecretName, secretNames, secretOf, secrets } from "./secrets";
import { SecretStore } from "./secretStore";
import {
  databaseNeedsPassword,
  redisWithoutToken,
  setDatabasePassword,
  setRedisToken,
} from "./servicePasswords";
import { StackFile } from "./stackFile";

const EXAMPLES = `
Examples:
  npm run init-stack -- staging                       create what is missing
  SENTRY_URL=... npm run init-stack -- staging        take a secret from the environment instead of asking
  npm run init-stack -- staging --rotate SECRET_KEY   replace a secret (docs/operations.md, "Rotating a secret")

Run it before the first \`pulumi up\`, and once more after it: then it sets the password of the new database.
`;

/** Fixes for the Pulumi CLI's errors about missing prerequisites. */
const REMEDIES: [message: RegExp, remedy: string][] = [
  [
    /PULUMI_ACCESS_TOKEN/,
    "Log in to the backend of the state: `pulumi login s3://BUCKET`, or `pulumi login` for Pulumi Cloud.",
  ],
  [
    /incorrect passphrase/,
    "Set the passphrase of this stack: read -rs PULUMI_CONFIG_PASSPHRASE; export PULUMI_CONFIG_PASSPHRASE",
  ],
];

/** Runs the Pulumi CLI and returns its output. */
function pulumi(args: string[]): string {
  try {
    return execFileSync("pulumi", args, { env: pulumiEnvironment(), encoding: "utf8", stdio: "pipe" });
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

/** A stack without secrets needs no passphrase. Pulumi demands one anyway with an S3 backend, so it is empty. */
function pulumiEnvironment(): NodeJS.ProcessEnv {
  const { PULUMI_CONFIG_PASSPHRASE_FILE: file } = process.env;
  return { ...(file === undefined && { PULUMI_CONFIG_PASSPHRASE: "" }), ...process.env };
}

/** The names and settings of a stack that this command uses, with clients for its account and region. */
interface Target {
  stack: string;
  file: StackFile;
  region: string;
  store: SecretStore;
  rds: RDSClient;
  databaseIdentifier: string;
  /** Ids of Enketo's Redis that need a token: with TLS only. */
  redis: string[];
}

function targetOf(stack: string): Target {
  const file = new StackFile(stack);
  const setting = (key: string) => file.get(key) ?? "";
  const region = setting("region");
  const naming = new Naming({
    env: file.env,
    region,
    organization: setting("organization"),
    accountId: setting("accountId"),
  });
  return {
    stack,
    file,
    region,
    store: new SecretStore(new SSMClient({ region }), file.env),
    rds: new RDSClient({ region }),
    databaseIdentifier: naming.name(),
    redis: file.isTrue("enketoRedisTls") ? [naming.name("enketo-main"), naming.name("enketo-cache")] : [],
  };
}

/**
 * Creates the stack if it does not exist, pins its platform versions, and brings its secrets to Parameter Store: moves
 * those that an earlier version of this project kept in the stack's file, generates those that can be generated, and asks
 * for the others. Secrets that exist stay as they are, so the command can be run again at any time.
 */
async function initStack(stack: string, { rotate }: { rotate?: string }): Promise<void> {
  const name = rotate === undefined ? undefined : rotatable(rotate);
  const target = targetOf(stack);
  await requireAccount(target.file);
  if (name !== undefined) return replace(target, name);
  if (
    spawnSync("pulumi", ["stack", "select", stack], { stdio: "ignore", env: pulumiEnvironment() }).status !==
    0
  ) {
    pulumi(["stack", "init", stack]);
    print(`Created the stack ${stack}.`);
  }
  const unusable = (await platformsOf(target.file)).filter(({ isOffered }) => !isOffered);
  for (const line of pin(target.file, unusable)) print(line);
  await moveFormerSecrets(target);
  await createMissing(target);
  await setPasswords(target);
  print(`All secrets are in Parameter Store. See what Pulumi would create: npm run preview -- ${stack}`);
}

/** Moves the secrets that are settings to Parameter Store. A setting is removed once its value is there. */
async function moveFormerSecrets({ stack, file, store }: Target): Promise<void> {
  for (const name of secretNames) {
    const setting = secrets[name].formerSetting;
    if (!file.has(setting)) continue;
    const value = pulumi(["config", "get", file.key(setting), "--stack", stack]).replace(/\n$/, "");
    if (value !== "" && !(await store.create(name, value)) && (await store.read(name)) !== value) {
      throw new UserError(
        `The secret ${name} exists in Parameter Store with another value than in ${file.file}.`,
        `If the one in Parameter Store is right: pulumi config rm ${file.key(setting)} --stack ${stack}`,
      );
    }
    pulumi(["config", "rm", file.key(setting), "--stack", stack]);
    print(`Moved ${setting} from ${file.file} to ${name}.`);
  }
}

async function createMissing({ file, store }: Target): Promise<void> {
  const existing = await store.names();
  const missing = secretNames.filter((name) => !existing.has(name));
  refuseWithoutTerminal(missing, file.get("platform"));
  for (const name of missing) {
    const { generate } = secretOf(name);
    const isNew = await store.create(name, await valueOf(name, file.get("platform")));
    if (isNew) print(`${generate === undefined ? "Set" : "Generated"} ${name}.`);
  }
  const kept = secretNames.length - missing.length;
  if (kept > 0) print(`${kept} secrets exist and are unchanged.`);
}

/** Sets the passwords of a new database and of a new Redis, once they exist. */
async function setPasswords({ store, rds, databaseIdentifier, redis, region }: Target): Promise<void> {
  if (await databaseNeedsPassword(rds, databaseIdentifier)) {
    await setDatabasePassword(rds, databaseIdentifier, await store.read("RDS_PASSWORD"));
    print(`Set the password of the database ${databaseIdentifier}.`);
  }
  for (const group of redisWithoutToken(region, redis)) {
    setRedisToken(region, group, await store.read("ENKETO_REDIS_AUTH_TOKEN"), "SET");
    print(`Set the token of the Redis ${group}.`);
  }
}

/** @throws UserError if there is no such secret, or it must keep its value */
function rotatable(name: string): SecretName {
  const names: string[] = [...secretNames, ...Object.keys(optionalSecrets)];
  if (!names.includes(name)) {
    throw new UserError(
      `There is no secret ${name}.${didYouMean(name, names)}`,
      `Name one of ${names.join(", ")}.`,
    );
  }
  const { irreplaceable } = secretOf(name as SecretName);
  if (irreplaceable !== undefined) {
    throw new UserError(`${name} cannot be replaced: ${irreplaceable}.`, "Keep it.");
  }
  return name as SecretName;
}

/** Replaces a secret, and the password that it is. Iaso accepts what an earlier SECRET_KEY signed. */
async function replace(
  { file, store, rds, databaseIdentifier, redis, region }: Target,
  name: SecretName,
): Promise<void> {
  refuseWithoutTerminal([name], file.get("platform"));
  const value = await valueOf(name, file.get("platform"));
  if (name === "SECRET_KEY") await store.replace("SECRET_KEY_FALLBACKS", await store.read(name));
  await store.replace(name, value);
  if (name === "RDS_PASSWORD") await setDatabasePassword(rds, databaseIdentifier, value);
  if (name === "ENKETO_REDIS_AUTH_TOKEN")
    for (const group of redis) setRedisToken(region, group, value, "ROTATE");
  print(
    `Replaced ${name}. Instances read secrets when they start: restart them (docs/operations.md, "Rotating a secret").`,
  );
}

/** Refuses to set anything if a secret must be typed and there is no terminal. */
function refuseWithoutTerminal(names: readonly SecretName[], platform: string | undefined): void {
  const toType = names.filter(
    (name) => secretOf(name).generate === undefined && fromEnvironment(name, platform) === undefined,
  );
  if (process.stdin.isTTY || toType.length === 0) return;
  const lines = toType.map((name) => `  read -rs ${name}; export ${name}   # ${secretOf(name).accepted}`);
  throw new UserError(
    ["There is no terminal to ask for these secrets. Set them, then run this command again:", ...lines].join(
      "\n",
    ),
  );
}

/** Returns a random value, the one in the environment, or one that the user types. */
async function valueOf(name: SecretName, platform: string | undefined): Promise<string> {
  const { generate, accepted } = secretOf(name);
  const given = generate?.() ?? fromEnvironment(name, platform);
  if (given !== undefined) return given;
  return ask({
    message: `${name} (${accepted}):`,
    validate: (value) => {
      const refused = refusedSecret(name, platform, value);
      return refused === undefined || `Accepted: ${refused}`;
    },
  });
}

/** @throws UserError if the environment has a value of a wrong form */
function fromEnvironment(name: SecretName, platform: string | undefined): string | undefined {
  const value = process.env[name];
  if (value === undefined || value === "") return undefined;
  const refused = refusedSecret(name, platform, value);
  // The message must not show the value.
  if (refused !== undefined) throw new UserError(`The variable ${name} has a wrong form.`, `Set ${refused}.`);
  return value;
}

if (require.main === module) {
  const program = new Command("npm run init-stack --")
    .description(
      "Creates a stack, pins its platform versions and creates its secrets in SSM's Parameter Store: generates random ones, asks for the others, prints none.",
    )
    .argument("<stack>", "the stack, such as staging; created if it does not exist")
    .option("--rotate <secret>", "replace one secret, such as SECRET_KEY, and do nothing else")
    .addHelpText("after", EXAMPLES)
    .showHelpAfterError("See: npm run init-stack -- --help")
    .action(initStack);
  void runProgram(program, { role: "an administrator's credentials" });
}

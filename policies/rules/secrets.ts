import { ownAccounts, regionsOf, tagOf } from "../context";
import { isOf } from "../iam/principals";
import { RESOURCE_TYPES } from "../facts/resourceTypes";
import { SECRETS_PATH } from "../facts/secretsPath";
import { defineRule } from "../rule";
import { isCommit, isCommitName, isRandom, isSecretName, isToken } from "../secretText";
import { isUnknown, notEvaluated, SECRET, text } from "../values";
import { CONTRACT } from "./application";
import { ENVIRONMENT, SECRET_VARIABLES, settingsOf, VARIABLES } from "../optionSettings";

const PARAMETER = "aws:ssm/parameter:Parameter";

/** True if a variable is secret: as Iaso's contract says, else by its name. */
const isSecretVariable = (name: string): boolean =>
  CONTRACT.variables.find((variable) => variable.name === name)?.secret ?? isSecretName(name);

/** True for a user of SES's mail server: the id of an access key, whose password is another variable. */
const isMailUser = (name: string, value: string): boolean =>
  name === "EMAIL_HOST_USER" && /^AKIA[0-9A-Z]{16}$/.test(value);

/** True if the plain value of a variable is a secret. */
const isSecretValue = (name: string, value: string): boolean =>
  (isToken(value) && !isMailUser(name, value)) ||
  (isRandom(value) && !(isCommit(value) && isCommitName(name)));

export const noPlainSecrets = defineRule({
  name: "no-plain-secrets",
  types: [ENVIRONMENT],
  description: "No secret is a plain option or variable",
  why: "the console, the API and logs show options",
  severity: "critical",
  check: (environment) =>
    settingsOf(environment)
      .filter(({ namespace, name, value }) => {
        const isVariable = namespace === VARIABLES;
        if (isVariable && isSecretVariable(name)) return value !== "";
        // An unknown value is the output of a resource, such as the address of the database.
        if (text(value) === "" || isUnknown(value)) return false;
        return value === SECRET || (isVariable ? isSecretValue(name, text(value)) : isToken(text(value)));
      })
      .map(({ namespace, name }) =>
        namespace === VARIABLES
          ? `Variable ${name} is a secret. Write it to SSM Parameter Store and its ARN to namespace ${SECRET_VARIABLES}.`
          : `Option ${namespace}/${name} holds a secret. Remove it.`,
      ),
});

/** An ARN of an SSM parameter or a Secrets Manager secret. */
const SECRET_ARN =
  /^arn:[\w-]+:(ssm:[a-z0-9-]+:\d{12}:parameter\/.|secretsmanager:[a-z0-9-]+:\d{12}:secret:.)/;

export const secretsOwnName = defineRule({
  name: "secrets-own-name",
  kind: "closed world",
  types: [ENVIRONMENT],
  description:
    "A secret variable names the parameter of its own name, of its own environment, account and region",
  why: "a variable would get another secret, or one of another environment",
  severity: "critical",
  neighbours: true,
  check: (environment, stack) =>
    settingsOf(environment)
      .filter(({ namespace }) => namespace === SECRET_VARIABLES)
      .flatMap(({ name, value }) => {
        if (isUnknown(value)) return notEvaluated(`secret variable ${name}`);
        const own = ownAccounts(stack).flatMap((account) =>
          regionsOf(stack).map(
            (region) =>
              `arn:aws:ssm:${region}:${account}:parameter${SECRETS_PATH}${tagOf(environment, "env")}/${name}`,
          ),
        );
        return own.includes(text(value))
          ? []
          : [`Secret variable ${name} does not name its own parameter. Write ${own.join(" or ")}.`];
      }),
});

export const secretsByArn = defineRule({
  name: "secrets-by-arn",
  types: [ENVIRONMENT],
  description: "A secret variable names its parameter or secret by ARN",
  why: "any other value is the secret itself",
  severity: "critical",
  check: (environment) =>
    settingsOf(environment)
      .filter(({ namespace }) => namespace === SECRET_VARIABLES)
      .flatMap(({ name, value }) => {
        if (isUnknown(value)) return notEvaluated(`secret variable ${name}`);
        return SECRET_ARN.test(text(value))
          ? []
          : // The message must not show the value: it may be the secret.
            [`Secret variable ${name} is not an ARN. Write the ARN of its parameter.`];
      }),
});

/** Names of inputs that hold hashes and ids, which are random but not secret. */
const HASH_NAME = /(triggers|hash|ids?|fingerprint|etag|digest|checksum|records|arns?|dimensions)$/i;

/** Random values that are not secrets and that a property is expected to hold. */
interface Expected {
  hashes: boolean;
  commits: boolean;
}

/** The object in a JSON text; undefined for other texts, and for policies, whose names are not those of secrets. */
function jsonIn(value: string): object | undefined {
  if (!value.startsWith("{") || value.includes('"Statement"')) return undefined;
  try {
    return JSON.parse(value) as object;
  } catch {
    return undefined;
  }
}

/** The names of the inputs, at any depth, that hold a secret in plain text. */
function secretsIn(name: string, value: unknown, outer: Expected): string[] {
  const expected = {
    hashes: outer.hashes || HASH_NAME.test(name),
    // People tag resources with the commit that they come from.
    commits: outer.commits || /^tags(All)?$/.test(name) || isCommitName(name),
  };
  if (Array.isArray(value)) return value.flatMap((one) => secretsIn(name, one, expected));
  if (typeof value === "object" && value !== null)
    return Object.entries(value).flatMap(([key, one]) => secretsIn(key, one, expected));
  if (typeof value !== "string" || value === "" || value === SECRET || isUnknown(value)) return [];
  const inner = jsonIn(value);
  if (inner !== undefined) return secretsIn(name, inner, expected);
  if (isSecretName(name) && !value.startsWith("arn:")) return [name];
  // Most inputs are short words.
  if (value.length < 10) return [];
  const isExpected = expected.hashes || (expected.commits && isCommit(value));
  return isToken(value) || (!isExpected && isRandom(value)) ? [name] : [];
}

export const noSecretInInputs = defineRule({
  name: "no-secret-in-inputs",
  types: "all",
  description:
    "No input of any resource holds a secret in plain text, by its name, its shape or its randomness",
  why: "the state contains all inputs, and previews show them",
  severity: "critical",
  check: ({ type, inputs }) =>
    Object.entries(inputs)
      // `no-secrets-in-state` judges these.
      .filter(([name]) => RESOURCE_TYPES[type]?.secrets?.includes(name) !== true)
      // `no-plain-secrets` judges the settings of an environment.
      .filter(([name]) => type !== ENVIRONMENT || name !== "settings")
      .flatMap(([name, value]) =>
        secretsIn(name, value, { hashes: false, commits: false }).map((inner) =>
          inner === name ? name : `${name}: ${inner}`,
        ),
      )
      .map(
        (where) => `Input ${where} looks like a secret. Keep it in SSM Parameter Store, and name it by ARN.`,
      ),
});

export const noSecretParameters = defineRule({
  name: "no-secret-parameters",
  types: [PARAMETER],
  description: "The program creates no SecureString parameter, and none with the name of a secret",
  why: "Pulumi's state would hold the secret, encrypted by a key that others have; and everyone who may list parameters can read plain ones",
  severity: "critical",
  check: ({ inputs: { name, type } }) => {
    if (isUnknown(name)) return notEvaluated("name");
    const isSecret =
      type === "SecureString" ||
      /[/-]secrets\//.test(text(name)) ||
      isSecretVariable(text(name).split("/").pop() ?? "");
    return isSecret
      ? [
          `Parameter ${text(name)} is a secret. Remove it from the program: npm run init-stack creates secrets, and the program names them by ARN.`,
        ]
      : [];
  },
});

/** Write-only inputs. Pulumi keeps their values in the state nevertheless. */
const WRITE_ONLY = /(password|token|secret|value|key)\w*Wo$/i;

/** The paths of the Pulumi secrets in a value. The engine passes their plain values instead. */
const markedIn = (path: string, value: unknown): string[] =>
  value === SECRET
    ? [path]
    : typeof value === "object" && value !== null
      ? Object.entries(value).flatMap(([key, one]) => markedIn(`${path}.${key}`, one))
      : [];

export const noSecretsInState = defineRule({
  name: "no-secrets-in-state",
  types: "all",
  description: "No secret is an input of a resource, not even encrypted or write-only",
  why: "Pulumi's state holds all inputs, and whoever previews a pull request can read and decrypt the state",
  severity: "critical",
  check: ({ type, inputs }) => {
    // The engine shows the output `value` of a parameter together with the inputs; `no-secret-parameters` judges these.
    const secret = type === PARAMETER ? [] : (RESOURCE_TYPES[type]?.secrets ?? []);
    return Object.entries(inputs)
      .filter(([, value]) => value !== undefined && value !== "")
      .flatMap(([name, value]) =>
        secret.includes(name) || WRITE_ONLY.test(name)
          ? [name]
          : type === ENVIRONMENT && name === "settings"
            ? // `no-plain-secrets` judges the settings of an environment.
              []
            : markedIn(name, value),
      )
      .map(
        (where) =>
          `Input ${where} is a secret. Remove it: secrets do not pass through the program (settings/servicePasswords.ts sets passwords).`,
      );
  },
});

/** Names of inputs that name a KMS key. */
const KEY_NAME = /^kms(Master)?Key(Id|Arn)?$|KmsKeyId$/;

const keysIn = (value: unknown): unknown[] =>
  typeof value !== "object" || value === null
    ? []
    : Object.entries(value as Record<string, unknown>).flatMap(([name, one]) =>
        KEY_NAME.test(name) ? [one] : keysIn(one),
      );

export const ownKeys = defineRule({
  name: "own-keys",
  types: [
    "aws:cloudwatch/logGroup:LogGroup",
    "aws:elasticache/replicationGroup:ReplicationGroup",
    "aws:rds/instance:Instance",
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
    "aws:sns/topic:Topic",
    "aws:sqs/queue:Queue",
    PARAMETER,
  ],
  description: "Data is encrypted with keys of this account",
  why: "the owner of another key can withdraw it, and the data is lost",
  severity: "critical",
  neighbours: true,
  check: ({ inputs }, stack) =>
    keysIn(inputs)
      .map(text)
      // An id or alias without an account is of this account. An unknown ARN is of a key that this program creates.
      .filter((key) => key.startsWith("arn:") && !isUnknown(key) && !isOf(ownAccounts(stack), key))
      .map((key) => `Key ${key} is in another account. Write one of this account, or none.`),
});

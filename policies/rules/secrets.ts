import { ownAccounts } from "../context";
import { byIdentity, nameOf } from "../identity";
import { isOf } from "../iam/principals";
import { RESOURCE_TYPES } from "../facts/resourceTypes";
import { defineRule } from "../rule";
import { isCommit, isCommitName, isRandom, isSecretName, isToken } from "../secretText";
import { demand, isUnknown, notEvaluated, SECRET, text } from "../values";
import { CONTRACT } from "./application";
import { ENVIRONMENT, SECRET_VARIABLES, settingsOf, VARIABLES } from "../optionSettings";

const PARAMETER = "aws:ssm/parameter:Parameter";

/** True if a variable is secret: as Iaso's contract says, else by its name. */
const isSecretVariable = (name: string): boolean =>
  CONTRACT.variables.find((variable) => variable.name === name)?.secret ?? isSecretName(name);

/** True if the plain value of a variable is a secret. */
const isSecretValue = (name: string, value: string): boolean =>
  isToken(value) || (isRandom(value) && !(isCommit(value) && isCommitName(name)));

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
  description: "A secret variable names the SecureString parameter of its own name, of this program",
  why: "a variable would get another secret, or one of another environment",
  severity: "critical",
  neighbours: true,
  check: (environment, stack) =>
    settingsOf(environment)
      .filter(({ namespace }) => namespace === SECRET_VARIABLES)
      .flatMap(({ name, value }) => {
        if (isUnknown(value)) return notEvaluated(`secret variable ${name}`);
        const parameter = byIdentity(PARAMETER, stack).get(text(value));
        return parameter?.inputs.type === "SecureString" && nameOf(parameter).endsWith(`/secrets/${name}`)
          ? []
          : [
              `Secret variable ${name} does not name its own parameter. Write the ARN of the SecureString parameter /.../secrets/${name} of this program.`,
            ];
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
      // The provider keeps these encrypted. The engine passes their plain values to the pack.
      .filter(([name]) => RESOURCE_TYPES[type]?.secrets?.includes(name) !== true)
      // `no-plain-secrets` judges the settings of an environment.
      .filter(([name]) => type !== ENVIRONMENT || name !== "settings")
      .flatMap(([name, value]) =>
        secretsIn(name, value, { hashes: false, commits: false }).map((inner) =>
          inner === name ? name : `${name}: ${inner}`,
        ),
      )
      .map(
        (where) =>
          `Input ${where} looks like a secret. Write a Pulumi secret, and keep it in SSM Parameter Store.`,
      ),
});

export const secretParameterSecure = defineRule({
  name: "secret-parameter-secure",
  types: [PARAMETER],
  description: "Parameters under secrets/, or with the name of a secret, are SecureString",
  why: "everyone who may list parameters can read plain ones",
  severity: "high",
  check: ({ inputs: { name, type } }) => {
    if (isUnknown(name)) return notEvaluated("name");
    const isSecret = text(name).includes("/secrets/") || isSecretVariable(text(name).split("/").pop() ?? "");
    return isSecret ? demand(type, type === "SecureString", "type", "SecureString") : [];
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

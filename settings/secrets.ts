import { randomBytes, randomInt } from "node:crypto";
import { PASSES_COMPOSE, passesCompose } from "../policies/facts/composeEnvFile";

/** A secret of a stack. */
export interface Secret {
  /** Required form of a value: another one would break Iaso later. */
  pattern: RegExp;
  /** The form in words. */
  accepted: string;
  /** Returns a random value. Absent if somebody else has chosen the value. */
  generate?: () => string;
  /** Why no value can replace the first one. Absent if one can. */
  irreplaceable?: string;
  /** The setting that held the value in Pulumi.STACK.yaml, encrypted, before secrets moved to Parameter Store. */
  formerSetting?: string;
}

/**
 * The secrets of a stack, by the last part of the name of their SSM parameter, which is also the name of the environment
 * variable that gets the value. Only `npm run init-stack` writes them.
 *
 * The password and the token of a database have only letters and digits, because they become part of addresses and
 * connection strings without quotes.
 */
export const secrets = {
  EMAIL_HOST_PASSWORD: {
    pattern: /^\S+$/,
    accepted: "the password of the SMTP user, without spaces",
    formerSetting: "emailPassword",
  },
  ENCRYPTED_TEXT_FIELD_KEY: {
    pattern: /^[A-Za-z0-9_-]{43}=$/,
    accepted: "a Fernet key: 32 bytes in URL-safe base64, 44 characters",
    generate: () => `${randomBytes(32).toString("base64url")}=`,
    irreplaceable: "the columns that it encrypted could not be read any more",
    formerSetting: "encryptedTextFieldKey",
  },
  ENKETO_API_TOKEN: {
    pattern: /^[A-Za-z0-9]{32,}$/,
    accepted: "32 letters and digits or more",
    generate: () => alphanumeric(48),
    formerSetting: "enketoApiToken",
  },
  ENKETO_ENCRYPTION_KEY: {
    pattern: /^\S{32,}$/,
    accepted: "32 characters or more, without spaces",
    generate: () => alphanumeric(64),
    irreplaceable: "Enketo's data about forms could not be read any more",
    formerSetting: "enketoEncryptionKey",
  },
  ENKETO_REDIS_AUTH_TOKEN: {
    pattern: /^[A-Za-z0-9]{16,128}$/,
    accepted: "16 to 128 letters and digits",
    generate: () => alphanumeric(64),
    formerSetting: "enketoRedisAuthToken",
  },
  ENKETO_SIGNING_SECRET: {
    pattern: /^\S{32,}$/,
    accepted: "32 characters or more, without spaces",
    generate: () => alphanumeric(48),
    formerSetting: "enketoSigningSecret",
  },
  RDS_PASSWORD: {
    pattern: /^[A-Za-z0-9]{16,128}$/,
    accepted: "16 to 128 letters and digits",
    generate: () => alphanumeric(40),
    formerSetting: "databasePassword",
  },
  SECRET_KEY: {
    pattern: /^\S{40,}$/,
    accepted: "40 characters or more, without spaces",
    generate: () => alphanumeric(64),
    formerSetting: "secretKey",
  },
  // The earlier key. At first a random key that signs nothing: SSM accepts no empty value.
  SECRET_KEY_FALLBACKS: {
    pattern: /^\S+$/,
    accepted: "keys separated by commas",
    generate: () => alphanumeric(64),
    formerSetting: "secretKeyFallbacks",
  },
  SENTRY_URL: {
    pattern: /^https:\/\/[^@\s]+@[^/\s]+\/.+$/,
    accepted: "a Sentry DSN, https://KEY@HOST/PROJECT",
    formerSetting: "sentryDsn",
  },
} as const satisfies Record<string, Secret>;

/** A secret of Iaso's API that only the deploy tool reads. A stack works without it. */
export const optionalSecrets = {
  DEPLOY_API_TOKEN: { pattern: /^\S+$/, accepted: "a token of Iaso's API, without spaces" },
} as const satisfies Record<string, Secret>;

export type SecretName = keyof typeof secrets | keyof typeof optionalSecrets;

export const secretNames = Object.keys(secrets) as (keyof typeof secrets)[];

/** Returns the description of a secret. */
export const secretOf = (name: SecretName): Secret => ({ ...secrets, ...optionalSecrets })[name];

/** Secrets that only Enketo gets, which runs on the Docker platform whatever the platform of Iaso is. */
const ENKETO_ONLY: readonly SecretName[] = ["ENKETO_ENCRYPTION_KEY", "ENKETO_REDIS_AUTH_TOKEN"];

/**
 * Returns the values that a secret can have on a platform of Iaso, as text for messages.
 *
 * @returns Undefined if the value is accepted.
 */
export function refusedSecret(
  name: SecretName,
  platform: string | undefined,
  value: string,
): string | undefined {
  const { pattern, accepted } = secretOf(name);
  const inContainer = platform === "docker" || ENKETO_ONLY.includes(name);
  if (!pattern.test(value)) return accepted;
  return inContainer && !passesCompose(value) ? `${accepted}, and ${PASSES_COMPOSE}` : undefined;
}

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

function alphanumeric(length: number): string {
  return Array.from({ length }, () => ALPHABET[randomInt(ALPHABET.length)]).join("");
}

import { PASSES_COMPOSE, passesCompose } from "../policies/facts/composeEnvFile";

/** Required form of each secret setting, where a wrong value would break Iaso later. */
export const secretSettings = {
  databasePassword: { pattern: /^[A-Za-z0-9]{16,128}$/, accepted: "16 to 128 letters and digits" },
  secretKey: { pattern: /^\S{40,}$/, accepted: "40 characters or more, without spaces" },
  secretKeyFallbacks: { pattern: /^\S*$/, accepted: "keys separated by commas, or empty" },
  encryptedTextFieldKey: {
    pattern: /^[A-Za-z0-9_-]{43}=$/,
    accepted: "a Fernet key: 32 bytes in URL-safe base64, 44 characters",
  },
  sentryDsn: {
    pattern: /^https:\/\/[^@\s]+@[^/\s]+\/.+$/,
    accepted: "a Sentry DSN, https://KEY@HOST/PROJECT",
  },
  emailPassword: { pattern: /^\S+$/, accepted: "the password of the SMTP user, without spaces" },
  enketoApiToken: { pattern: /^[A-Za-z0-9]{32,}$/, accepted: "32 letters and digits or more" },
  enketoSigningSecret: { pattern: /^\S{32,}$/, accepted: "32 characters or more, without spaces" },
  enketoEncryptionKey: { pattern: /^\S{32,}$/, accepted: "32 characters or more, without spaces" },
  enketoRedisAuthToken: { pattern: /^[A-Za-z0-9]{16,128}$/, accepted: "16 to 128 letters and digits" },
} as const;

export type SecretName = keyof typeof secretSettings;

/** Secrets that only Enketo gets, which runs on the Docker platform whatever the platform of Iaso is. */
const ENKETO_ONLY: readonly SecretName[] = ["enketoEncryptionKey", "enketoRedisAuthToken"];

/**
 * Returns the values that a secret can have on a platform of Iaso, as text for messages.
 *
 * @param value Undefined if it is not set.
 * @returns Undefined if the value is accepted.
 */
export function refusedSecret(
  name: SecretName,
  platform: string | undefined,
  value: string | undefined,
): string | undefined {
  const { pattern, accepted } = secretSettings[name];
  const inContainer = platform === "docker" || ENKETO_ONLY.includes(name);
  if (value === undefined || !pattern.test(value)) return accepted;
  return inContainer && !passesCompose(value) ? `${accepted}, and ${PASSES_COMPOSE}` : undefined;
}

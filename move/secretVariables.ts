import type { InstanceRole } from "../components/common/naming";
import type { SecretName } from "../settings/secrets";

/** A secret of the existing Iaso that the new platform needs. */
export interface CarriedSecret {
  /** The secret's name in Parameter Store. */
  name: SecretName;
  role: Extract<InstanceRole, "enketo" | "web">;
  /** The variable with its value. */
  variable: string;
  /** The loss without the existing value, in words; undefined if a new value does as well. */
  loss?: string;
}

/** The secrets by which the existing data and sessions are readable, and those that somebody else has chosen. */
export const CARRIED_SECRETS: readonly CarriedSecret[] = [
  {
    name: "SECRET_KEY",
    role: "web",
    variable: "SECRET_KEY",
    loss: "everyone is logged out, and links in mails and tokens of mobile devices stop working",
  },
  { name: "SECRET_KEY_FALLBACKS", role: "web", variable: "SECRET_KEY_FALLBACKS" },
  {
    name: "ENCRYPTED_TEXT_FIELD_KEY",
    role: "web",
    variable: "ENCRYPTED_TEXT_FIELD_KEY",
    loss: "the encrypted columns of the database cannot be read any more",
  },
  {
    name: "ENKETO_ENCRYPTION_KEY",
    role: "enketo",
    variable: "ENKETO_ENCRYPTION_KEY",
    loss: "Enketo's data about forms cannot be read any more",
  },
  { name: "ENKETO_API_TOKEN", role: "web", variable: "ENKETO_API_TOKEN" },
  { name: "ENKETO_SIGNING_SECRET", role: "web", variable: "ENKETO_SIGNING_SECRET" },
  { name: "RDS_PASSWORD", role: "web", variable: "RDS_PASSWORD" },
  { name: "EMAIL_HOST_PASSWORD", role: "web", variable: "EMAIL_HOST_PASSWORD" },
  { name: "SENTRY_URL", role: "web", variable: "SENTRY_URL" },
];

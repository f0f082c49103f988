import { type EnvironmentVariables } from "../pair/variables";

/**
 * The variables that decide which apps Iaso has, and so which tables, and those without which its settings do not load
 * then. Source: hat/settings.py of BLSQ/iaso 2d5404b038.
 */
const NAMES = [
  "DB_READONLY_USERNAME",
  "DJANGO_SETTINGS_MODULE",
  "PLUGINS",
  "USE_CELERY",
  "WFP_AUTH_ACCOUNT",
  "WFP_AUTH_CLIENT_ID",
];

/**
 * Returns the variables for a check of migrations: those that decide which tables there are, as the environment has
 * them. A secret one gets another value: only its presence counts.
 */
export function variablesForCheck({ plain, secret }: EnvironmentVariables): Record<string, string> {
  const values = NAMES.flatMap((name): [string, string][] => {
    const value = plain[name] ?? (secret.includes(name) ? "not-the-secret" : undefined);
    return value === undefined ? [] : [[name, value]];
  });
  // Django does not start without one.
  return { ...Object.fromEntries(values), SECRET_KEY: "not-the-secret" };
}

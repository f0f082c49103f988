import { SECRETS_PATH } from "../../policies/facts/secretsPath";

/** Returns the name of the SSM parameter that holds a secret of an environment. */
export const secretParameterName = (env: string, name: string): string => `${SECRETS_PATH}${env}/${name}`;

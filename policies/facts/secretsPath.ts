/**
 * Start of the names of the SSM parameters with secrets; the name of the environment follows. It is not below `/iaso/`,
 * where the program's own parameters are: a role that may write those has no right to a secret.
 */
export const SECRETS_PATH = "/iaso-secrets/";

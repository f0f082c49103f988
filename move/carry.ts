import { refusedSecret, type SecretName, secretOf } from "../settings/secrets";
import { passesCompose } from "../policies/facts/composeEnvFile";
import type { SecretStore } from "../settings/secretStore";
import type { ExistingIaso } from "./existing/iaso";
import { CARRIED_SECRETS, type CarriedSecret } from "./secretVariables";
import { type SecretSource, secretValue } from "./secretValues";

/** The plan for one secret. Only `value` holds it; `from` is its place. */
export type Carriage = { secret: CarriedSecret } & (
  | { kind: "carry" | "overwrite"; value: string; from: string }
  | { kind: "present" }
  | { kind: "leave"; why: string }
  | { kind: "refuse"; why: string; fix: string }
);

interface Target {
  store: SecretStore;
  platform: string | undefined;
  /** Names of secrets whose other values in Parameter Store may be replaced. */
  overwrite: readonly string[];
}

/** Compares the secrets of an existing Iaso with those of the stack. Writes nothing. */
export async function planCarriage(
  source: SecretSource,
  iaso: Pick<ExistingIaso, "enketo" | "web">,
  target: Target,
): Promise<Carriage[]> {
  const existing = await target.store.names();
  const plan: Carriage[] = [];
  for (const secret of CARRIED_SECRETS) {
    const environment = iaso[secret.role];
    const found = environment && (await secretValue(source, environment, secret.variable));
    plan.push(await carriageOf(secret, found, existing.has(secret.name), target));
  }
  return plan;
}

async function carriageOf(
  secret: CarriedSecret,
  found: Awaited<ReturnType<typeof secretValue>>,
  isThere: boolean,
  { overwrite, platform, store }: Target,
): Promise<Carriage> {
  const { loss, name, variable } = secret;
  if (found === undefined || "unreadable" in found) {
    const why =
      found === undefined ? `there is no variable ${variable}` : `it is not readable: ${found.unreadable}`;
    return loss === undefined || secret.role === "enketo"
      ? { secret, kind: "leave", why }
      : { secret, kind: "refuse", why, fix: `Name the environment that has it: --environment NAME` };
  }
  const { from, value } = found;
  const accepted = refusedBy(secret, platform, value);
  if (accepted !== undefined) {
    return loss === undefined
      ? { secret, kind: "leave", why: "its form is too weak, or breaks the new platform" }
      : { secret, kind: "refuse", why: `the new platform needs ${accepted}`, fix: otherForm(name, platform) };
  }
  if (!isThere) return { secret, kind: "carry", value, from };
  if ((await store.read(name)) === value) return { secret, kind: "present" };
  if (overwrite.includes(name)) return { secret, kind: "overwrite", value, from };
  return {
    secret,
    kind: "refuse",
    why: "Parameter Store has another value",
    fix: `If the existing Iaso's is right: --overwrite ${name}`,
  };
}

/**
 * The accepted form if a value cannot be used; undefined if it can. A value that data depend on may be weaker than one that
 * init-stack would generate.
 */
function refusedBy(
  { loss, name }: CarriedSecret,
  platform: string | undefined,
  value: string,
): string | undefined {
  const refused = refusedSecret(name, platform, value);
  if (refused === undefined || loss === undefined || name === "ENCRYPTED_TEXT_FIELD_KEY") return refused;
  const inContainer = platform === "docker" || name === "ENKETO_ENCRYPTION_KEY";
  return /^\S+$/.test(value) && (!inContainer || passesCompose(value)) ? undefined : secretOf(name).accepted;
}

function otherForm(name: SecretName, platform: string | undefined): string {
  return name === "SECRET_KEY" && platform === "docker"
    ? "Choose the python platform, which passes every sign on; or rotate the key of the existing Iaso first (docs/moving-in.md)"
    : "Look at the value in the existing environment: Iaso cannot have worked with it";
}

/** Writes the secrets of a plan without refusals. */
export async function carry(store: SecretStore, plan: readonly Carriage[]): Promise<void> {
  for (const one of plan) {
    if (one.kind === "carry" && !(await store.create(one.secret.name, one.value))) {
      throw new Error(`${one.secret.name} appeared in Parameter Store at the same time`);
    }
    if (one.kind === "overwrite") await store.replace(one.secret.name, one.value);
  }
}

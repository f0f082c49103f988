import { createHash } from "node:crypto";
import { Properties } from "../graph/document";

/** The account and the region in which a resource is created. */
export interface AccountRegion {
  accountId: string;
  region: string;
}

/** A resource to create. */
export interface Creation extends AccountRegion {
  /** The resource's name in the program. */
  name: string;
  /** The inputs, with secrets in plain text. */
  inputs: Properties;
}

/** A created resource: its id, and its outputs that are not inputs. */
export interface Created {
  id: string;
  outputs: Properties;
}

/** The resource types of one service, by type token: each creates a resource. */
export type ResourceTypes = Record<string, (creation: Creation) => Created>;

/** The functions of one service, by token. */
export type Functions = Record<string, (args: Properties, account: AccountRegion) => Properties>;

/** Returns a resource id such as `vpc-0a1b...`, which is the same at every run. */
export function awsId(prefix: string, { name, accountId, region }: Creation): string {
  return `${prefix}-0${digest(`${accountId} ${region} ${prefix} ${name}`, 16)}`;
}

/** Returns the first hexadecimal digits of the hash of a text. */
export function digest(text: string, length: number): string {
  return createHash("sha256").update(text).digest("hex").slice(0, length);
}

/**
 * Returns an input as text.
 *
 * @throws Error if it is missing.
 */
export function requiredText(inputs: Properties, key: string): string {
  const value = inputs[key];
  if (typeof value === "string") return value;
  if (typeof value === "number") return String(value);
  throw new Error(`input ${key} is missing`);
}

/** Returns the name in the inputs, or one in the form that the provider generates. */
export function nameOrGenerated({ inputs, name }: Creation, key: string): string {
  const value = inputs[key];
  return typeof value === "string" ? value : `${name}-${digest(name, 7)}`;
}

/** Returns a UUID that is always the same for a seed. */
export function uuid(seed: string): string {
  return digest(seed, 32).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

/** Returns an ARN, without a region for a `global` service. */
export function arn(
  { accountId, region }: AccountRegion,
  service: string,
  resource: string,
  { global = false } = {},
): string {
  return `arn:aws:${service}:${global ? "" : region}:${accountId}:${resource}`;
}

/** Simulates a resource type whose resources have a generated id and an ARN with that id. */
export function withGeneratedId(prefix: string, service: string, kind: string) {
  return (creation: Creation): Created => {
    const id = awsId(prefix, creation);
    return { id, outputs: { arn: arn(creation, service, `${kind}/${id}`) } };
  };
}

/** Simulates a resource type whose resources have their name as id and an ARN with that name. */
export function withNameAsId(service: string, kind: string) {
  return (creation: Creation): Created => {
    const id = nameOrGenerated(creation, "name");
    return { id, outputs: { name: id, arn: arn(creation, service, `${kind}:${id}`) } };
  };
}

/** Simulates a resource type whose id joins some inputs, such as an attachment of two resources. */
export function idFromInputs(...keys: string[]) {
  return ({ inputs }: Creation): Created => ({
    id: keys.map((key) => requiredText(inputs, key)).join("/"),
    outputs: {},
  });
}

import { createHash } from "node:crypto";
import { Properties } from "../graph/document";

/** Where a resource is created. */
export interface Account {
  accountId: string;
  region: string;
}

/** What a resource type's behaviour is told about the resource that is created. */
export interface Creation extends Account {
  /** Pulumi's name of the resource. */
  name: string;
  /** The inputs, secrets revealed. */
  inputs: Properties;
}

/** What AWS would answer: the id, and the outputs that are not inputs. */
export interface Created {
  id: string;
  outputs: Properties;
}

/** The behaviour of each resource type of one service, by type token. */
export type ResourceTypes = Record<string, (creation: Creation) => Created>;

/** The answer to each function of one service, by token. */
export type Functions = Record<string, (args: Properties, account: Account) => Properties>;

/** A resource id as AWS forms them, such as `vpc-0a1b...`: the same on every run for the same resource. */
export function awsId(prefix: string, { name, accountId, region }: Creation): string {
  return `${prefix}-0${digest(`${accountId} ${region} ${prefix} ${name}`, 16)}`;
}

/** Hexadecimal digits that follow from a text. */
export function digest(text: string, length: number): string {
  return createHash("sha256").update(text).digest("hex").slice(0, length);
}

/** An input as text; types that need it say which input is missing. */
export function text(inputs: Properties, key: string): string {
  const value = inputs[key];
  if (typeof value === "string") return value;
  if (typeof value === "number") return String(value);
  throw new Error(`input ${key} is missing`);
}

/** An input as text where it was given, otherwise something like what the provider would make up. */
export function nameOr({ inputs, name }: Creation, key: string): string {
  const value = inputs[key];
  return typeof value === "string" ? value : `${name}-${digest(name, 7)}`;
}

export function arn(
  { accountId, region }: Account,
  service: string,
  resource: string,
  { global = false } = {},
): string {
  return `arn:aws:${service}:${global ? "" : region}:${accountId}:${resource}`;
}

/** The behaviour of a resource that has an id and an ARN made from it, and nothing else of interest. */
export function simple(prefix: string, service: string, kind: string) {
  return (creation: Creation): Created => {
    const id = awsId(prefix, creation);
    return { id, outputs: { arn: arn(creation, service, `${kind}/${id}`) } };
  };
}

/** The behaviour of a resource that is known by its name, and has an ARN made from it and nothing else of interest. */
export function named(service: string, kind: string) {
  return (creation: Creation): Created => {
    const id = nameOr(creation, "name");
    return { id, outputs: { name: id, arn: arn(creation, service, `${kind}:${id}`) } };
  };
}

/** The behaviour of a resource that only ties others together: it is known by one of its inputs. */
export function knownBy(...keys: string[]) {
  return ({ inputs }: Creation): Created => ({
    id: keys.map((key) => text(inputs, key)).join("/"),
    outputs: {},
  });
}

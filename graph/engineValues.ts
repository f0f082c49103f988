import {
  specialArchiveSig,
  specialAssetSig,
  specialOutputValueSig,
  specialResourceSig,
  specialSecretSig,
  specialSigKey,
  unknownValue,
} from "@pulumi/pulumi/runtime/rpc";
import { Properties, PropertyValue, SECRET, UNKNOWN } from "./document";

/*
 * The SDK and the engine write values as JSON, in which objects with a signature are secrets, assets, archives, resource
 * references and output values, and one string means unknown.
 *
 * https://pulumi-developer-docs.readthedocs.io/latest/docs/references/rpc-format.html
 */

/** The value without the wrapping of secrets. Unknown values stay as the engine writes them. */
export function reveal(value: PropertyValue): PropertyValue {
  return walk(value, { secret: reveal, text: (text) => text });
}

/** The value as a document holds it: `[secret]` for secrets, `[unknown]` for unknown values. */
export function show(value: PropertyValue): PropertyValue {
  return walk(value, { secret: () => SECRET, text: (text) => text.replaceAll(unknownValue, UNKNOWN) });
}

/** Paths of the secrets in a value, such as `settings[3].value`. */
export function secretPaths(value: PropertyValue, path = ""): string[] {
  // `pulumi preview --json` writes secrets as documents do.
  if (value === SECRET || isSigned(value, specialSecretSig)) return [path];
  if (Array.isArray(value)) return value.flatMap((item, index) => secretPaths(item, `${path}[${index}]`));
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, item]) =>
    secretPaths(item, path === "" ? key : `${path}.${key}`),
  );
}

/** Marks a value as secret, as the SDK does. */
export function wrapSecret(value: PropertyValue): PropertyValue {
  return { [specialSigKey]: specialSecretSig, value };
}

/** Applies one of the functions above to all properties. */
export function mapProperties(
  properties: Properties,
  map: (value: PropertyValue) => PropertyValue,
): Properties {
  return Object.fromEntries(Object.entries(properties).map(([key, value]) => [key, map(value)]));
}

/** True if a value has the provider's `__defaults` at any depth. */
export const hasDefaults = (value: PropertyValue): boolean =>
  typeof value === "object" &&
  value !== null &&
  ((!Array.isArray(value) && Object.hasOwn(value, "__defaults")) || Object.values(value).some(hasDefaults));

/** The value without the inputs that the provider filled in itself, and without `__defaults`, which lists them. */
export function withoutDefaults(value: PropertyValue): PropertyValue {
  if (Array.isArray(value)) return value.map(withoutDefaults);
  if (typeof value !== "object" || value === null) return value;
  const { __defaults: listed } = value as Record<string, PropertyValue>;
  const filled: readonly unknown[] = Array.isArray(listed) ? listed : [];
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, item]) =>
      key === "__defaults" || filled.includes(key) ? [] : [[key, withoutDefaults(item)]],
    ),
  );
}

interface Visitor {
  secret: (value: PropertyValue) => PropertyValue;
  text: (text: string) => PropertyValue;
}

function walk(value: PropertyValue, visitor: Visitor): PropertyValue {
  if (typeof value === "string") return visitor.text(value);
  if (Array.isArray(value)) return value.map((item) => walk(item, visitor));
  if (typeof value !== "object" || value === null) return value;
  if (isSigned(value, specialSecretSig)) return visitor.secret(property(value, "value"));
  if (isSigned(value, specialResourceSig)) return property(value, "urn");
  if (isSigned(value, specialOutputValueSig)) return outputValue(value, visitor);
  const signed = isSigned(value, specialAssetSig) || isSigned(value, specialArchiveSig);
  // The engine adds a hash to what the program sends.
  const entries = Object.entries(value).filter(
    ([key]) => !(signed && (key === specialSigKey || key === "hash")),
  );
  return Object.fromEntries(entries.map(([key, item]) => [key, walk(item, visitor)]));
}

function outputValue(value: PropertyValue, visitor: Visitor): PropertyValue {
  if (property(value, "secret") === true) return visitor.secret(property(value, "value"));
  return walk(property(value, "value") ?? unknownValue, visitor);
}

function isSigned(value: PropertyValue, signature: string): boolean {
  return property(value, specialSigKey) === signature;
}

function property(value: PropertyValue, key: string): PropertyValue {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value[key] ?? null) : null;
}

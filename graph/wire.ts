import { Properties, PropertyValue, SECRET, UNKNOWN } from "./document";

/**
 * The form in which the SDK sends values to the engine: plain JSON, in which objects with a signature stand for
 * secrets, assets and resources, and one string for what is unknown.
 *
 * @see https://pulumi-developer-docs.readthedocs.io/latest/docs/references/rpc-format.html
 */
const SIGNATURE = "4dabf18193072939515e22adb298388d";
const SECRET_SIGNATURE = "1b47061264138c4ac30d75fd1eb44270";
const ASSET_SIGNATURE = "c44067f5952c0a294b673a41bacd8c17";
const ARCHIVE_SIGNATURE = "0def7320c3a5731c473e5ecbe6d01bc7";
const RESOURCE_SIGNATURE = "5cf8f73096256a8f31e491e813e4eb8e";
export const WIRE_UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

/** A value as it is meant: without the wrapping of secrets. Unknown values stay {@link WIRE_UNKNOWN}. */
export function reveal(value: PropertyValue): PropertyValue {
  return walk(value, { secret: reveal, unknown: () => WIRE_UNKNOWN });
}

/** A value as a document shows it: secrets and unknown values by their stand-ins. */
export function show(value: PropertyValue): PropertyValue {
  return walk(value, { secret: () => SECRET, unknown: () => UNKNOWN });
}

/** Paths at which a value holds secrets. */
export function secretPaths(value: PropertyValue, path = ""): string[] {
  if (isSigned(value, SECRET_SIGNATURE)) return [path];
  if (Array.isArray(value)) return value.flatMap((item, index) => secretPaths(item, `${path}[${index}]`));
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, item]) =>
    secretPaths(item, path === "" ? key : `${path}.${key}`),
  );
}

export function wrapSecret(value: PropertyValue): PropertyValue {
  return { [SIGNATURE]: SECRET_SIGNATURE, value };
}

/** All properties by one of the functions above. */
export function mapProperties(
  properties: Properties,
  map: (value: PropertyValue) => PropertyValue,
): Properties {
  return Object.fromEntries(Object.entries(properties).map(([key, value]) => [key, map(value)]));
}

interface Visitor {
  secret: (value: PropertyValue) => PropertyValue;
  unknown: () => PropertyValue;
}

function walk(value: PropertyValue, visitor: Visitor): PropertyValue {
  if (value === WIRE_UNKNOWN) return visitor.unknown();
  if (Array.isArray(value)) return value.map((item) => walk(item, visitor));
  if (typeof value !== "object" || value === null) return value;
  if (isSigned(value, SECRET_SIGNATURE)) return visitor.secret(property(value, "value"));
  if (isSigned(value, RESOURCE_SIGNATURE)) return property(value, "urn");
  const signed = isSigned(value, ASSET_SIGNATURE) || isSigned(value, ARCHIVE_SIGNATURE);
  // The engine adds a hash to what the program sends.
  const entries = Object.entries(value).filter(([key]) => !(signed && (key === SIGNATURE || key === "hash")));
  return Object.fromEntries(entries.map(([key, item]) => [key, walk(item, visitor)]));
}

function isSigned(value: PropertyValue, signature: string): boolean {
  return property(value, SIGNATURE) === signature;
}

function property(value: PropertyValue, key: string): PropertyValue {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value[key] ?? null) : null;
}

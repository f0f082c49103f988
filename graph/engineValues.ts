import { Properties, PropertyValue, SECRET, UNKNOWN } from "./document";

/**
 * The form in which the SDK and the engine write values: JSON, in which objects with a signature are secrets, assets,
 * archives, resource references and output values, and one string means unknown.
 *
 * @see https://pulumi-developer-docs.readthedocs.io/latest/docs/references/rpc-format.html
 * @see https://github.com/pulumi/pulumi/blob/master/sdk/go/common/resource/sig/sig.go
 */
const SIGNATURE = "4dabf18193072939515e22adb298388d";
const SECRET_SIGNATURE = "1b47061264138c4ac30d75fd1eb44270";
const ASSET_SIGNATURE = "c44067f5952c0a294b673a41bacd8c17";
const ARCHIVE_SIGNATURE = "0def7320c3a5731c473e5ecbe6d01bc7";
const RESOURCE_SIGNATURE = "5cf8f73096256a8f31e491e813e4eb8e";
const OUTPUT_SIGNATURE = "d0e6a833031e9bbcd3f4e8bde6ca49a4";
const ENGINE_UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

/** The value without the wrapping of secrets. Unknown values stay as the engine writes them. */
export function reveal(value: PropertyValue): PropertyValue {
  return walk(value, { secret: reveal, text: (text) => text });
}

/** The value as a document holds it: `[secret]` for secrets, `[unknown]` for unknown values. */
export function show(value: PropertyValue): PropertyValue {
  return walk(value, { secret: () => SECRET, text: (text) => text.replaceAll(ENGINE_UNKNOWN, UNKNOWN) });
}

/** Paths of the secrets in a value, such as `settings[3].value`. */
export function secretPaths(value: PropertyValue, path = ""): string[] {
  // `pulumi preview --json` writes secrets as documents do.
  if (value === SECRET || isSigned(value, SECRET_SIGNATURE)) return [path];
  if (Array.isArray(value)) return value.flatMap((item, index) => secretPaths(item, `${path}[${index}]`));
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, item]) =>
    secretPaths(item, path === "" ? key : `${path}.${key}`),
  );
}

/** Marks a value as secret, as the SDK does. */
export function wrapSecret(value: PropertyValue): PropertyValue {
  return { [SIGNATURE]: SECRET_SIGNATURE, value };
}

/** Applies one of the functions above to all properties. */
export function mapProperties(
  properties: Properties,
  map: (value: PropertyValue) => PropertyValue,
): Properties {
  return Object.fromEntries(Object.entries(properties).map(([key, value]) => [key, map(value)]));
}

/** The value without the provider's `__defaults`, which list the inputs that it filled in itself. */
export function withoutDefaults(value: PropertyValue): PropertyValue {
  if (Array.isArray(value)) return value.map(withoutDefaults);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, item]) =>
      key === "__defaults" ? [] : [[key, withoutDefaults(item)]],
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
  if (isSigned(value, SECRET_SIGNATURE)) return visitor.secret(property(value, "value"));
  if (isSigned(value, RESOURCE_SIGNATURE)) return property(value, "urn");
  if (isSigned(value, OUTPUT_SIGNATURE)) return outputValue(value, visitor);
  const signed = isSigned(value, ASSET_SIGNATURE) || isSigned(value, ARCHIVE_SIGNATURE);
  // The engine adds a hash to what the program sends.
  const entries = Object.entries(value).filter(([key]) => !(signed && (key === SIGNATURE || key === "hash")));
  return Object.fromEntries(entries.map(([key, item]) => [key, walk(item, visitor)]));
}

function outputValue(value: PropertyValue, visitor: Visitor): PropertyValue {
  if (property(value, "secret") === true) return visitor.secret(property(value, "value"));
  return walk(property(value, "value") ?? ENGINE_UNKNOWN, visitor);
}

function isSigned(value: PropertyValue, signature: string): boolean {
  return property(value, SIGNATURE) === signature;
}

function property(value: PropertyValue, key: string): PropertyValue {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value[key] ?? null) : null;
}

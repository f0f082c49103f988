import {
  specialArchiveSig,
  specialAssetSig,
  specialSecretSig,
  specialSigKey,
} from "@pulumi/pulumi/runtime/rpc";
import { PreviewDocument, PreviewResource, Properties, PropertyValue } from "../../graph/document";

/** A resource of a stack named `test`. */
export function resource(
  type: string,
  name: string,
  inputs: Properties = {},
  more: Partial<PreviewResource> = {},
): PreviewResource {
  return {
    urn: `urn:pulumi:test::iaso::${type}::${name}`,
    type,
    name,
    id: "",
    parent: "",
    custom: true,
    inputs,
    outputs: {},
    dependencies: [],
    propertyDependencies: {},
    protect: false,
    retainOnDelete: false,
    ignoreChanges: [],
    secretInputs: [],
    ...more,
  };
}

/** A copy of a document in which one resource, or several, are others. */
export function edited(
  document: PreviewDocument,
  is: (resource: PreviewResource) => boolean,
  edit: (resource: PreviewResource) => void,
): PreviewDocument {
  const copy = structuredClone(document);
  const found = copy.resources.filter(is);
  if (found.length === 0) throw new Error("There is no such resource");
  found.forEach(edit);
  return copy;
}

/** A copy of a document without some resources. */
export function without(
  document: PreviewDocument,
  is: (resource: PreviewResource) => boolean,
): PreviewDocument {
  const copy = structuredClone(document);
  copy.resources = copy.resources.filter((each) => !is(each));
  if (copy.resources.length === document.resources.length) throw new Error("There is no such resource");
  return copy;
}

/**
 * What `pulumi stack export` would print of a stack that was deployed from a document: with AWS's own ids, encrypted
 * secrets, and what provider and engine add.
 */
export function exportOf(document: PreviewDocument): Properties {
  const ids = new Map<string, string>();
  // Digits of ids are turned around: as long, and never the same.
  const real = (value: PropertyValue): PropertyValue => {
    if (typeof value === "string") {
      return value.replace(
        /\b(vpc|subnet|sg|sgr|igw|rtb|eipalloc|nat|vpce|fl|e|ami|rtbassoc)-0?([\da-f]{9,})\b/g,
        (id, kind: string, digits: string) => {
          const turned = `${kind}-1${Array.from(digits).reverse().join("")}`;
          ids.set(id, turned);
          return turned;
        },
      );
    }
    if (Array.isArray(value)) return value.map(real);
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, real(inner)]));
  };
  const stored = (value: PropertyValue): PropertyValue => {
    if (value === "[secret]") return { [specialSigKey]: specialSecretSig, ciphertext: "v1:abc:def" };
    if (Array.isArray(value)) return value.map(stored);
    if (typeof value !== "object" || value === null) return value;
    const asset = "__pulumiAsset" in value ? specialAssetSig : specialArchiveSig;
    const isAsset = "__pulumiAsset" in value || "__pulumiArchive" in value;
    const entries = Object.entries(value).filter(([key]) => !/^__pulumi(Asset|Archive)$/.test(key));
    return Object.fromEntries([
      ...entries.map(([key, inner]) => [key, stored(inner)] as const),
      ...(isAsset ? [[specialSigKey, asset] as const, ["hash", "0123456789abcdef"] as const] : []),
    ]);
  };
  /** Lists in a text are sorted, so that other ids have another order. */
  const sorted = (inputs: Properties): Properties => {
    if (!Array.isArray(inputs.settings)) return inputs;
    const settings = inputs.settings.map((setting) => {
      const { name, value, ...rest } = setting as Properties;
      const isList = /^(ELB)?Subnets$|^SecurityGroups$/.test(name as string);
      return { ...rest, name: name!, value: isList ? (value as string).split(",").sort().join(",") : value! };
    });
    return { ...inputs, settings };
  };
  const resources = document.resources.map((each) => {
    const inputs = stored(sorted(real(each.inputs) as Properties)) as Properties;
    const isAws = each.custom && each.type.startsWith("aws:");
    const added = isAws
      ? { __defaults: ["forceDestroy"], forceDestroy: false, region: "eu-central-1", tagsAll: { a: "b" } }
      : {};
    return {
      urn: each.urn,
      custom: each.custom,
      ...(each.custom && { id: real(each.id) }),
      type: each.type,
      inputs: each.type.startsWith("pulumi:providers:")
        ? { ...inputs, __internal: {}, version: "7.48.0" }
        : { ...added, ...inputs },
      outputs: { region: "eu-central-1", status: "available", ...(stored(real(each.outputs)) as Properties) },
      ...(each.parent !== "" && { parent: each.parent }),
      dependencies: each.dependencies,
      propertyDependencies: Object.fromEntries(
        Object.keys(each.inputs).map((key) => [key, each.propertyDependencies[key] ?? null]),
      ),
      ...(each.protect && { protect: true }),
      ...(each.retainOnDelete && { retainOnDelete: true }),
      ...(each.ignoreChanges.length > 0 && { ignoreChanges: each.ignoreChanges }),
    };
  });
  if (ids.size === 0) throw new Error("The document has no ids");
  const [first] = resources;
  const stack = `urn:pulumi:${document.stack}::${document.project}`;
  return {
    version: 3,
    deployment: {
      manifest: { time: "2026-01-01T00:00:00Z", magic: "", version: "v3.248.0" },
      secrets_providers: { type: "passphrase", state: { salt: "v1:salt" } },
      resources: [
        {
          urn: `${stack}::pulumi:providers:command::default_1_2_1`,
          custom: true,
          id: "0",
          type: "pulumi:providers:command",
        },
        ...resources,
        { ...first, delete: true },
      ],
    },
  } as unknown as Properties;
}

/**
 * The output of `pulumi preview --json --show-sames` for a document: `[secret]` for secrets, the engine's marks for
 * assets, one step for each resource.
 *
 * @see https://github.com/pulumi/pulumi/blob/master/pkg/backend/display/json.go
 */
export function digestOf(document: PreviewDocument, { op = "create" } = {}): Properties {
  const marked = JSON.parse(
    JSON.stringify(document.resources, (_, value: unknown): unknown => {
      if (typeof value !== "object" || value === null) return value;
      const { __pulumiAsset, __pulumiArchive, ...rest } = value as Properties;
      if (__pulumiAsset === undefined && __pulumiArchive === undefined) return value;
      const signature = __pulumiAsset === undefined ? specialArchiveSig : specialAssetSig;
      return { ...rest, [specialSigKey]: signature, hash: "0123456789abcdef".repeat(4) };
    }),
  ) as PreviewResource[];
  const steps = marked.map(
    ({ urn, type, custom, inputs, parent, dependencies, propertyDependencies, ...options }) => {
      const { protect, retainOnDelete, ignoreChanges } = options;
      const newState = {
        urn,
        custom,
        type,
        inputs,
        ...(parent !== "" && { parent }),
        ...(protect && { protect }),
        ...(dependencies.length > 0 && { dependencies }),
        propertyDependencies,
        ...(retainOnDelete && { retainOnDelete }),
        ...(ignoreChanges.length > 0 && { ignoreChanges }),
      };
      return { op, urn, newState };
    },
  );
  return { config: {}, steps, duration: 1, changeSummary: { [op]: steps.length } };
}

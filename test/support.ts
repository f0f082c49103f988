import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { parse, stringify } from "yaml";
import { Naming } from "../components/common/naming";
import { PreviewDocument, PreviewResource, PropertyValue } from "../graph/document";
import { PreviewOptions, previewStack } from "../preview/preview";
import { readProject } from "../preview/project";

/** The environment for which components are tested. */
export const naming = new Naming({
  organization: "example",
  env: "test",
  accountId: "123456789012",
  region: "eu-central-1",
});

export const PERMISSIONS_BOUNDARY = "arn:aws:iam::123456789012:policy/iaso-test-boundary";

const previews = new Map<string, PreviewDocument>();

/** A preview of one of the project's stacks, without policies; made once for all tests, which must not change it. */
export async function previewOf(stack: string, { unknownOutputs = false } = {}): Promise<PreviewDocument> {
  const key = `${stack} ${String(unknownOutputs)}`;
  const known = previews.get(key);
  if (known !== undefined) return known;
  const project = readProject(join(__dirname, ".."));
  const { document } = await previewStack(project, stack, { policies: false, unknownOutputs });
  previews.set(key, document);
  return document;
}

/** A preview of staging with other settings. */
export async function previewWith(
  settings: Record<string, unknown>,
  options: PreviewOptions = {},
): Promise<PreviewDocument> {
  const root = join(__dirname, "..");
  const read = (file: string) => parse(readFileSync(join(root, file), "utf8")) as { config: object };
  // A folder that holds nothing but the stack's files.
  const directory = mkdtempSync(join(tmpdir(), "preview-"));
  try {
    const program = { ...read("Pulumi.yaml"), main: relative(directory, join(root, "index.ts")) };
    const stack = { config: { ...read("Pulumi.staging.yaml").config, ...settings } };
    writeFileSync(join(directory, "Pulumi.yaml"), stringify(program));
    writeFileSync(join(directory, "Pulumi.staging.yaml"), stringify(stack));
    return (await previewStack(readProject(directory), "staging", { policies: false, ...options })).document;
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** The resources of one type, in order of registration. */
export function resourcesOf({ resources }: PreviewDocument, type: string): PreviewResource[] {
  return resources.filter((resource) => resource.type === type);
}

/** The resource of a type and a name; the name may be left out where there is but one. */
export function find(document: PreviewDocument, type: string, name?: string): PreviewResource {
  const found = resourcesOf(document, type).filter(
    (resource) => name === undefined || resource.name === name,
  );
  const [resource] = found;
  if (resource === undefined || found.length > 1) {
    const names = resourcesOf(document, type).map((other) => other.name);
    throw new Error(`${found.length} of ${type} ${name ?? ""}; of this type there are: ${names.join(", ")}`);
  }
  return resource;
}

/** The value at a path of properties and indices, or undefined. */
export function at(
  value: PropertyValue | undefined,
  ...path: (string | number)[]
): PropertyValue | undefined {
  return path.reduce<PropertyValue | undefined>(
    (inner, key) =>
      typeof inner === "object" && inner !== null
        ? (inner as Record<string | number, PropertyValue>)[key]
        : undefined,
    value,
  );
}

/** A property that must be a text or a number, as text. */
export function textOf(value: PropertyValue | undefined): string {
  if (typeof value === "string" || typeof value === "number") return String(value);
  throw new Error(`${JSON.stringify(value)} is neither text nor number`);
}

/** The option settings of a Beanstalk environment by `namespace name`. */
export function optionsOf(environment: PreviewResource): Record<string, PropertyValue> {
  const settings = environment.inputs.settings as {
    namespace: string;
    name: string;
    value: PropertyValue;
  }[];
  return Object.fromEntries(settings.map(({ namespace, name, value }) => [`${namespace} ${name}`, value]));
}

/** The options of one namespace by name. */
export function namespaceOf(environment: PreviewResource, namespace: string): Record<string, PropertyValue> {
  return Object.fromEntries(
    Object.entries(optionsOf(environment)).flatMap(([key, value]) =>
      key.startsWith(`${namespace} `) ? [[key.slice(namespace.length + 1), value]] : [],
    ),
  );
}

export interface PolicyStatement {
  Sid: string;
  Effect: string;
  Principal?: unknown;
  Action: string | string[];
  Resource: string | string[];
  Condition?: Record<string, Record<string, string | string[]>>;
}

/** The statements of a policy document by their Sid. */
export function statementsOf(document: PropertyValue | undefined): Record<string, PolicyStatement> {
  if (typeof document !== "string") throw new Error(`${JSON.stringify(document)} is no policy document`);
  const { Statement } = JSON.parse(document) as { Statement: PolicyStatement[] };
  return Object.fromEntries(Statement.map((statement) => [statement.Sid, statement]));
}

/** What a promise was rejected with. */
export async function rejection(promise: Promise<unknown>): Promise<Error> {
  try {
    await promise;
  } catch (error) {
    return error as Error;
  }
  throw new Error("The promise was fulfilled");
}

import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { parse, stringify } from "yaml";
import { Naming } from "../components/common/naming";
import { PreviewDocument, PreviewResource, PropertyValue } from "../graph/document";
import { PreviewOptions, previewStack } from "../preview/preview";
import { Project, readProject } from "../preview/project";

/** The environment for which components are tested. */
export const naming = new Naming({
  organization: "example",
  env: "test",
  accountId: "123456789012",
  region: "eu-central-1",
});

export const PERMISSIONS_BOUNDARY = "arn:aws:iam::123456789012:policy/iaso-test-boundary";

const ROOT = join(__dirname, "..");

/** Folder of the stack files that tests use. The user's own stack files are free to change. */
export const STACKS = join(ROOT, "test/stacks");

/** The real program and its declared settings, with the stack files of the tests. */
export const exampleProject = (): Project => ({ ...readProject(ROOT), stackConfigDir: STACKS });

/** The policy pack's config of one of the tests' stacks. */
export function policyConfigOf(stack: string): Record<string, unknown> {
  const file = join(STACKS, `policy-config.${stack}.json`);
  return JSON.parse(readFileSync(file, "utf8")) as Record<string, unknown>;
}

/**
 * Writes a project folder in which every `npm run` command works as in the user's, with the tests' stack files and
 * policy configs. The code is linked, not copied. The caller deletes the folder.
 *
 * @param settings Other values for a stack's settings, by full key; undefined leaves a setting out.
 */
export function writeExampleProject(
  directory: string,
  settings: Record<string, Record<string, unknown>> = {},
): void {
  const read = (file: string) => parse(readFileSync(file, "utf8")) as { config: Record<string, unknown> };
  const link = (folder: string, own: RegExp) => {
    mkdirSync(join(directory, folder), { recursive: true });
    for (const name of readdirSync(join(ROOT, folder))) {
      if (!own.test(name)) symlinkSync(join(ROOT, folder, name), join(directory, folder, name));
    }
  };
  link("", /^(Pulumi\..*yaml|policies|\.git)$/);
  link("policies", /^policy-config\./);
  // The program is named by its real path: Node.js knows modules by that, and the preview loads it once per stack.
  const program = { ...read(join(ROOT, "Pulumi.yaml")), main: relative(directory, join(ROOT, "index.ts")) };
  writeFileSync(join(directory, "Pulumi.yaml"), stringify(program));
  for (const stack of ["staging", "prod"]) {
    const file = `Pulumi.${stack}.yaml`;
    const config = { ...read(join(STACKS, file)).config, ...settings[stack] };
    writeFileSync(join(directory, file), stringify({ config }));
    const policyConfig = `policy-config.${stack}.json`;
    cpSync(join(STACKS, policyConfig), join(directory, "policies", policyConfig));
  }
}

const previews = new Map<string, PreviewDocument>();

/** A preview of one of the tests' stacks, without policies; made once for all tests, which must not change it. */
export async function previewOf(stack: string, { unknownOutputs = false } = {}): Promise<PreviewDocument> {
  const key = `${stack} ${String(unknownOutputs)}`;
  const known = previews.get(key);
  if (known !== undefined) return known;
  const { document } = await previewStack(exampleProject(), stack, { policies: false, unknownOutputs });
  previews.set(key, document);
  return document;
}

/** A preview of staging, or of another of the tests' stacks, with other settings. */
export async function previewWith(
  settings: Record<string, unknown>,
  { stack = "staging", ...options }: PreviewOptions & { stack?: string } = {},
): Promise<PreviewDocument> {
  const directory = mkdtempSync(join(tmpdir(), "preview-"));
  try {
    writeExampleProject(directory, { [stack]: settings });
    return (await previewStack(readProject(directory), stack, { policies: false, ...options })).document;
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

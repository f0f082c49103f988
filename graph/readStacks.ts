import { readFileSync } from "node:fs";
import { z } from "zod";
import { UserError } from "../cli/userError";
import { nameOf, PreviewResource, Properties } from "./document";
import { mapProperties, secretPaths, show } from "./engineValues";

/** The planned or deployed state of a stack. */
export interface StackState {
  /** Kind of file. A `preview` has simulated ids, the others AWS's. */
  source: "preview" | "pulumi preview" | "stack export";
  /** Empty for a stack without resources: neither an export nor a preview names the project then. */
  project: string;
  /** Empty if `project` is. */
  stack: string;
  /** One resource per URN. */
  resources: PreviewResource[];
  /** Reasons not to trust the state, such as an interrupted update. */
  warnings: string[];
}

const properties = z.custom<Properties>(isObject, "must be an object");
const flag = z
  .boolean()
  .nullish()
  .transform((value) => value ?? false);
const text = z
  .string()
  .nullish()
  .transform((value) => value ?? "");
const texts = z
  .array(z.string())
  .nullish()
  .transform((value) => value ?? []);
const listOf = <T extends z.ZodType>(item: T) =>
  z
    .array(item)
    .nullish()
    .transform((value) => value ?? []);

/** @see https://github.com/pulumi/pulumi/blob/master/sdk/go/common/apitype/core.go ResourceV3 */
const resource = z.object({
  urn: z.string().startsWith("urn:pulumi:"),
  type: z.string().min(1),
  id: text,
  custom: z
    .boolean()
    .nullish()
    .transform((value) => value ?? true),
  parent: text,
  inputs: properties.nullish().transform((value) => value ?? {}),
  outputs: properties.nullish().transform((value) => value ?? {}),
  dependencies: texts,
  propertyDependencies: z
    .record(z.string(), texts)
    .nullish()
    .transform((value) => value ?? {}),
  protect: flag,
  retainOnDelete: flag,
  ignoreChanges: texts,
});

const engineResource = resource.extend({ delete: flag, external: flag });
type EngineResource = z.output<typeof engineResource>;

/** `npm run preview -- --json`. */
const offlinePreview = z.object({
  project: text,
  stack: text,
  resources: z.array(resource.extend({ name: z.string(), secretInputs: texts })),
});

/** @see https://www.pulumi.com/docs/iac/cli/commands/pulumi_stack_export/ */
const stackExport = z.object({
  version: z.number().min(3),
  deployment: z.object({
    resources: listOf(engineResource),
    pending_operations: listOf(z.object({ type: z.string(), resource: z.object({ urn: z.string() }) })),
  }),
});

/**
 * `pulumi preview --json`. A digest of a stack that has unchanged resources lists them only with `--show-sames`.
 *
 * @see https://github.com/pulumi/pulumi/blob/master/pkg/display/json.go PreviewDigest
 */
const previewDigest = z.object({
  steps: z.array(
    z.object({
      op: text,
      urn: text,
      oldState: engineResource.pick({ id: true, outputs: true }).nullish(),
      newState: engineResource.nullish(),
    }),
  ),
  changeSummary: z.record(z.string(), z.number()).nullish(),
  diagnostics: listOf(z.object({ severity: text })),
});

/**
 * Reads the stacks of a file that `npm run preview -- --json`, `pulumi preview --json --show-sames` or
 * `pulumi stack export` wrote. Secrets become `[secret]`, encrypted or not; unknown values become `[unknown]`.
 *
 * @throws UserError if the file is missing, is none of these, or does not hold the whole stack
 */
export function readStacks(file: string): StackState[] {
  const content = parse(file);
  return (Array.isArray(content) ? (content as unknown[]) : [content]).map((document) =>
    readStack(file, document),
  );
}

/** The name in a fix, where the file that was given is of another kind and must not be overwritten. */
const NEW_FILE = "before.json";

/** The commands that write a file that {@link readStacks} reads. */
export function howToWrite(file: string, stack = "STACK"): string {
  return (
    `Write it with: npm run --silent preview -- ${stack} --json > ${file}; ` +
    `or from the deployed stack with: pulumi stack export --stack ${stack} --file ${file}`
  );
}

/** The text of a file in UTF-8, or in UTF-16 with a byte order mark as PowerShell's `>` writes it. */
function decode(bytes: Buffer): string {
  const [first, second] = bytes;
  if (first === 0xff && second === 0xfe) return bytes.toString("utf16le", 2);
  if (first === 0xfe && second === 0xff)
    return Buffer.from(bytes.subarray(0, bytes.length & ~1))
      .swap16()
      .toString("utf16le", 2);
  return bytes.toString("utf8").replace(/^\uFEFF/, "");
}

function parse(file: string): unknown {
  let content: string;
  try {
    content = decode(readFileSync(file));
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const why =
      code === "ENOENT"
        ? `There is no file ${file}.`
        : code === "EISDIR"
          ? `${file} is a folder.`
          : `${file} cannot be read: ${message}.`;
    throw new UserError(why, howToWrite(file));
  }
  try {
    // Without --silent, npm prints the name and the command of the script first.
    return JSON.parse(content.replace(/^(?:\s*> .*\r?\n)*/, ""));
  } catch (error) {
    // The parser's message quotes the file, which may hold secrets: give only the line.
    const position = /position (\d+)/.exec((error as Error).message)?.[1];
    const line =
      position === undefined ? "" : ` (line ${content.slice(0, Number(position)).split("\n").length})`;
    throw new UserError(`${file} is not JSON${line}.`, howToWrite(NEW_FILE));
  }
}

/** Previews and exports do not nest deeper; later steps are recursive. */
const MAX_DEPTH = 200;

function assertShallow(value: unknown, depth = 0): void {
  if (typeof value !== "object" || value === null) return;
  if (depth > MAX_DEPTH) throw new RangeError();
  for (const inner of Object.values(value)) assertShallow(inner, depth + 1);
}

function readStack(file: string, document: unknown): StackState {
  try {
    assertShallow(document);
    if (isObject(document) && "deployment" in document) return fromExport(stackExport.parse(document));
    if (isObject(document) && "steps" in document) return fromDigest(file, previewDigest.parse(document));
    const { project, stack, resources } = offlinePreview.parse(document);
    return { source: "preview", project, stack, resources, warnings: [] };
  } catch (error) {
    if (error instanceof RangeError) {
      throw new UserError(
        `${file} is nested too deeply for a preview or a stack export.`,
        howToWrite(NEW_FILE),
      );
    }
    if (!(error instanceof z.ZodError)) throw error;
    const [issue] = error.issues;
    const place = issue === undefined || issue.path.length === 0 ? "" : ` (at ${issue.path.join(".")})`;
    throw new UserError(
      `${file} is neither a preview nor a stack export${place}: ${issue?.message ?? ""}.`,
      howToWrite(NEW_FILE),
    );
  }
}

function fromExport({ deployment }: z.output<typeof stackExport>): StackState {
  const state = stateOf("stack export", deployment.resources);
  const warnings = deployment.pending_operations.map(
    ({ type, resource: { urn } }) =>
      `An update was interrupted while ${type} ${nameOf(urn)}: its state may be wrong. ` +
      `Run \`pulumi refresh --stack ${state.stack}\` and export again.`,
  );
  return { ...state, warnings };
}

function fromDigest(
  file: string,
  { steps, changeSummary, diagnostics }: z.output<typeof previewDigest>,
): StackState {
  if (diagnostics.some(({ severity }) => severity === "error")) {
    throw new UserError(
      `${file} is a preview that failed, so it does not hold the whole stack.`,
      `Fix what \`pulumi preview\` reports, then: ${DIGEST} > ${file}`,
    );
  }
  const same = changeSummary?.same ?? 0;
  const listed = steps.filter(({ op }) => op === "same").length;
  if (listed < same) {
    throw new UserError(
      `${file} leaves out ${same - listed} unchanged resources of the stack.`,
      `Add --show-sames: ${DIGEST} > ${file}`,
    );
  }
  return stateOf("pulumi preview", steps.flatMap(plannedState));
}

type Step = z.output<typeof previewDigest>["steps"][number];

/**
 * The planned state of a step's resource. The engine writes a step before the provider has planned it: ids and outputs are
 * only in the old state. A resource that stays keeps its id, and its outputs but for those that the engine knows better.
 */
function plannedState({ op, oldState, newState }: Step): EngineResource[] {
  if (newState === null || newState === undefined) return [];
  if (oldState === null || oldState === undefined || !["same", "update"].includes(op)) return [newState];
  return [
    {
      ...newState,
      id: newState.id === "" ? oldState.id : newState.id,
      outputs: { ...oldState.outputs, ...newState.outputs },
    },
  ];
}

const DIGEST = "pulumi preview --json --show-sames";

function stateOf(source: StackState["source"], all: EngineResource[]): StackState {
  // A resource that waits for deletion has a successor; Pulumi only reads an external one.
  const live = all.filter((each) => !each.delete && !each.external);
  // A replacement can be several steps (--show-replacement-steps): the last one has the final state.
  const byUrn = new Map(live.map((each) => [each.urn, each]));
  const [, , stack = ""] = live[0]?.urn.split(":") ?? [];
  const [, project = ""] = live[0]?.urn.split("::") ?? [];
  const resources = [...byUrn.values()].map((each): PreviewResource => ({
    urn: each.urn,
    type: each.type,
    name: nameOf(each.urn),
    id: each.id,
    parent: each.parent,
    custom: each.custom,
    inputs: mapProperties(each.inputs, show),
    outputs: mapProperties(each.outputs, show),
    dependencies: each.dependencies,
    propertyDependencies: each.propertyDependencies,
    protect: each.protect,
    retainOnDelete: each.retainOnDelete,
    ignoreChanges: each.ignoreChanges,
    secretInputs: Object.entries(each.inputs).flatMap(([key, value]) => secretPaths(value, key)),
  }));
  return { source, project, stack, resources, warnings: [] };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

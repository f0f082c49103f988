import { readFileSync } from "node:fs";
import { z } from "zod";
import { PreviewDocument, PreviewResource, Properties } from "./document";
import { UserError } from "../cli/userError";
import { mapProperties, show } from "./wire";

/** One stack as it was: what a preview is compared with. */
export interface Baseline {
  /** Ids of a stack export are AWS's own, those of a preview are the simulated AWS's. */
  source: "preview" | "stack export";
  project: string;
  stack: string;
  resources: PreviewResource[];
  /** What the reader should know before trusting the comparison. */
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

const resource = z.object({
  urn: z.string().startsWith("urn:pulumi:"),
  type: z.string().min(1),
  id: text,
  custom: flag,
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
});

/** What `npm run preview -- --json` prints; earlier versions of it told no ids. */
const preview = z.object({
  project: z.string(),
  stack: z.string(),
  resources: z.array(resource.extend({ name: z.string(), ignoreChanges: texts, secretInputs: texts })),
});

/** @see https://www.pulumi.com/docs/iac/cli/commands/pulumi_stack_export/ */
const stackExport = z.object({
  version: z.number().min(3),
  deployment: z.object({
    resources: z
      .array(resource.extend({ delete: flag, external: flag }))
      .nullish()
      .transform((value) => value ?? []),
    pending_operations: z
      .array(z.object({ type: z.string(), resource: z.object({ urn: z.string() }) }))
      .nullish()
      .transform((value) => value ?? []),
  }),
});

/** Providers that the engine makes by itself where the program makes none; no preview has them. */
const DEFAULT_PROVIDER = /^pulumi:providers:.*::default(_|$)/;

/**
 * Reads what `npm run preview -- --json` printed earlier, or a `pulumi stack export`, by the names of the stacks.
 * Secrets become `[secret]`, encrypted or not.
 *
 * @throws UserError where the file is missing or is neither.
 */
export function readBaselines(file: string): Map<string, Baseline> {
  const content = parse(file);
  const baselines = new Map<string, Baseline>();
  for (const document of Array.isArray(content) ? (content as unknown[]) : [content]) {
    const baseline = read(file, document);
    if (baselines.has(baseline.stack)) {
      throw new UserError(`${file} holds the stack ${baseline.stack} twice. ${mend(file)}`);
    }
    baselines.set(baseline.stack, baseline);
  }
  return baselines;
}

/**
 * The baseline of the stack that is being previewed.
 *
 * @throws UserError where there is none, or it is another project's.
 */
export function baselineOf(
  baselines: ReadonlyMap<string, Baseline>,
  { project, stack }: Pick<PreviewDocument, "project" | "stack">,
  file: string,
): Baseline {
  // The export of a stack without resources names neither stack nor project.
  const baseline = baselines.get(stack) ?? (baselines.size === 1 ? baselines.get("") : undefined);
  if (baseline === undefined) {
    const held = [...baselines.keys()].join(", ");
    const holds = held === "" ? "no stack" : `only ${held}`;
    throw new UserError(`${file} holds ${holds}, not the stack ${stack}. ${mend(file, stack)}`);
  }
  if (baseline.stack !== "" && baseline.project !== project) {
    throw new UserError(
      `${file} belongs to the project ${baseline.project}, not to ${project}. ${mend(file, stack)}`,
    );
  }
  return baseline;
}

function mend(file: string, stack = "STACK"): string {
  return (
    `Write it from the earlier commit with: npm run --silent preview -- ${stack === "STACK" ? "--json" : `${stack} --json`} > ${file}; ` +
    `or from what is deployed with: pulumi stack export --stack ${stack} --file ${file}`
  );
}

function parse(file: string): unknown {
  let content: string;
  try {
    content = readFileSync(file, "utf8");
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const why =
      code === "ENOENT"
        ? `There is no file ${file}.`
        : code === "EISDIR"
          ? `${file} is a folder.`
          : `${file} cannot be read: ${message}.`;
    throw new UserError(`${why} ${mend(file)}`);
  }
  try {
    // Without --silent npm prints two lines of its own first; Windows may put a byte order mark before all.
    return JSON.parse(content.replace(/^\uFEFF?(?:\s*> .*\n)*/, ""));
  } catch (error) {
    // The parser's message quotes the file, which may hold secrets: only the place is told.
    const position = /position (\d+)/.exec((error as Error).message)?.[1];
    const line =
      position === undefined ? "" : ` (line ${content.slice(0, Number(position)).split("\n").length})`;
    throw new UserError(`${file} is not JSON${line}. ${mend(file)}`);
  }
}

/** No preview and no export nests further; what follows goes down by recursion. */
const DEEPEST = 200;

function assertShallow(value: unknown, depth = 0): void {
  if (typeof value !== "object" || value === null) return;
  if (depth > DEEPEST) throw new RangeError();
  for (const inner of Object.values(value)) assertShallow(inner, depth + 1);
}

function read(file: string, document: unknown): Baseline {
  try {
    assertShallow(document);
    return isObject(document) && "deployment" in document
      ? fromExport(stackExport.parse(document))
      : fromPreview(preview.parse(document));
  } catch (error) {
    if (error instanceof RangeError) {
      throw new UserError(`${file} is nested too deeply to be a preview or a stack export. ${mend(file)}`);
    }
    if (!(error instanceof z.ZodError)) throw error;
    const [issue] = error.issues;
    const place = issue === undefined || issue.path.length === 0 ? "" : ` at ${issue.path.join(".")}`;
    throw new UserError(
      `${file} is neither what the preview prints nor a stack export${place}: ${issue?.message ?? ""}. ${mend(file)}`,
    );
  }
}

function fromPreview({ project, stack, resources }: z.output<typeof preview>): Baseline {
  return { source: "preview", project, stack, resources, warnings: [] };
}

function fromExport({ deployment }: z.output<typeof stackExport>): Baseline {
  // What is marked for deletion has a successor already; what is external is only looked at.
  const live = deployment.resources.filter(
    (each) => !each.delete && !each.external && !DEFAULT_PROVIDER.test(`${each.type}::${nameOf(each.urn)}`),
  );
  const [, , stack = ""] = live[0]?.urn.split(":") ?? [];
  const [, project = ""] = live[0]?.urn.split("::") ?? [];
  const warnings = deployment.pending_operations.map(
    ({ type, resource: { urn } }) =>
      `An earlier update was interrupted while ${type} ${nameOf(urn)}: run \`pulumi refresh --stack ${stack}\` ` +
      "and export again, or what is told of it may be wrong.",
  );
  const resources = live.map((each) => ({
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
    ignoreChanges: [],
    secretInputs: [],
  }));
  return { source: "stack export", project, stack, resources, warnings };
}

/** A name may hold colons, but nothing follows it. */
function nameOf(urn: string): string {
  return urn.split("::").slice(3).join("::");
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

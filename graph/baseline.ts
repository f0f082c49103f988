import { UserError } from "../cli/userError";
import { PreviewDocument } from "./document";
import { howToWrite, readStacks, StackState } from "./readStacks";

/** The earlier state of a stack, with which a preview is compared. */
export type Baseline = StackState;

/**
 * Reads the baselines of a file, by stack.
 *
 * @throws UserError as {@link readStacks}, and if the file holds a stack twice
 */
export function readBaselines(file: string): Map<string, Baseline> {
  const baselines = new Map<string, Baseline>();
  for (const state of readStacks(file)) {
    if (baselines.has(state.stack)) {
      throw new UserError(`${file} holds the stack ${state.stack} twice.`, howToWrite(file));
    }
    baselines.set(state.stack, withoutDefaultProviders(state));
  }
  return baselines;
}

/** The engine creates default providers itself if the program creates none; an offline preview has none. */
function withoutDefaultProviders(state: StackState): Baseline {
  const isDefault = ({ type, name }: StackState["resources"][number]) =>
    type.startsWith("pulumi:providers:") && /^default(_|$)/.test(name);
  return { ...state, resources: state.resources.filter((resource) => !isDefault(resource)) };
}

/**
 * The baseline of the stack that is being previewed.
 *
 * @throws UserError if there is none, or if it belongs to another project
 */
export function baselineOf(
  baselines: ReadonlyMap<string, Baseline>,
  { project, stack }: Pick<PreviewDocument, "project" | "stack">,
  file: string,
): Baseline {
  // The export of an empty stack names neither stack nor project.
  const baseline = baselines.get(stack) ?? (baselines.size === 1 ? baselines.get("") : undefined);
  if (baseline === undefined) {
    const held = [...baselines.keys()].join(", ");
    const holds = held === "" ? "no stack" : `only ${held}`;
    throw new UserError(`${file} holds ${holds}, not the stack ${stack}.`, howToWrite(file, stack));
  }
  if (baseline.stack !== "" && baseline.project !== project) {
    throw new UserError(
      `${file} belongs to the project ${baseline.project}, not to ${project}.`,
      howToWrite(file, stack),
    );
  }
  return baseline;
}

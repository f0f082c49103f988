import { PreviewResource, Properties, PropertyValue } from "../../graph/document";
import { isRegional, isReplacing } from "../../policies/facts/replacement";
import { literalsOf, mapIds, outputTexts, MIN_ID_LENGTH } from "./idMapping";
import { Difference, diffInputs, InputDiff } from "./inputDiff";
import { ResourceChange } from "../risks";
import { isAbsent, own, textsOf } from "../values";

/** A change of one resource, with the secrets that reports must not show. */
export type ResourceDiff = ResourceChange & Pick<InputDiff, "hidden"> & { cause?: string };

const AWS_PROVIDER = "pulumi:providers:aws";

/** Properties that the engine adds to the inputs of a provider. */
const ADDED_BY_ENGINE = new Set(["version", "pluginDownloadURL"]);

/**
 * Compares the resources of two states one by one. Call {@link diff} in order of registration: a replacement changes
 * the values of the resources that use its outputs.
 */
export class ResourceDiffer {
  /** For each resource, the changed texts and the URN of the replaced resource. */
  private readonly changedValues = new Map<string, Map<string, string>>();
  /** Texts in the program's own inputs. A replacement does not change them. */
  private readonly literals: ReadonlySet<string>;
  private readonly regionChanges: boolean;

  /**
   * @param earlier resources by URN, with simulated ids
   * @param later resources by URN, with the earlier values of ignored properties
   * @param fromExport true if AWS sorted lists by its own ids
   */
  constructor(
    private readonly earlier: ReadonlyMap<string, PreviewResource>,
    private readonly later: ReadonlyMap<string, PreviewResource>,
    private readonly fromExport: boolean,
  ) {
    this.literals = new Set([...later.values()].flatMap((resource) => literalsOf(resource)));
    const [was, is] = [regionsOf(earlier), regionsOf(later)];
    this.regionChanges = was.length > 0 && is.length > 0 && was.join() !== is.join();
  }

  /** Returns the change of a resource; undefined if nothing changes. */
  diff(after: PreviewResource, before: PreviewResource | undefined): ResourceDiff | undefined {
    if (before === undefined) {
      const { differences } = diffInputs({}, after.inputs, NO_CONTEXT);
      return { kind: "added", after, differences, disclosed: [], hidden: [] };
    }
    const { differences, disclosed, hidden } = diffInputs(this.inputsOf(before, after), after.inputs, {
      sameSources: (property) => sources(before, property) === sources(after, property),
      changedValues: (property) => this.changedSources(after, property),
      afterReplacements: (property, value) => this.afterReplacements(after, property, value),
      reordered: (property) => this.fromExport && sources(before, property) !== "",
    });
    const cause = this.causeOf(before, after, differences);
    this.recordChangedValues(after, differences, cause !== undefined);
    const optionsChange = before.protect !== after.protect || before.retainOnDelete !== after.retainOnDelete;
    if (differences.length === 0 && cause === undefined && !optionsChange) return undefined;
    const kind = cause === undefined ? "changed" : "replaced";
    return { kind, before, after, differences, disclosed, hidden, cause };
  }

  /** The program's inputs before, without those that engine and provider add. */
  private inputsOf({ type, inputs }: PreviewResource, after: PreviewResource): Properties {
    const isAdded = (key: string): boolean => {
      if (!isAbsent(own(after.inputs, key))) return false;
      if (type.startsWith("pulumi:providers:")) return ADDED_BY_ENGINE.has(key);
      return key === "region" && regionsOf(this.earlier).includes(own(inputs, key) as string);
    };
    return Object.fromEntries(Object.entries(inputs).filter(([key]) => !isAdded(key)));
  }

  /** The reason for a replacement, in words; undefined if the resource is not replaced. */
  private causeOf(
    before: PreviewResource,
    { type, inputs }: PreviewResource,
    differences: Difference[],
  ): string | undefined {
    const replacing = differences.filter(({ property }) =>
      isReplacing(type, property, before.inputs, inputs),
    );
    const [first] = [...replacing.filter((difference) => difference.own), ...replacing];
    if (first !== undefined) {
      if (first.own || first.follows === undefined) return `${first.path} cannot be changed in place`;
      return `${first.path} refers to ${first.follows.split("::").at(-1) ?? first.follows}, which is replaced`;
    }
    if (this.regionChanges && isRegional(type) && isAbsent(own(inputs, "region"))) {
      return "the provider's region changes";
    }
    return undefined;
  }

  private changedSources(resource: PreviewResource, property: string): ReadonlyMap<string, string> {
    const urns = own(resource.propertyDependencies, property) ?? [];
    return new Map(urns.flatMap((urn) => [...(this.changedValues.get(urn) ?? [])]));
  }

  private afterReplacements(
    resource: PreviewResource,
    property: string,
    value: PropertyValue,
  ): PropertyValue {
    const replaced = [...new Set(this.changedSources(resource, property).values())];
    const among = (all: ReadonlyMap<string, PreviewResource>) =>
      replaced.flatMap((urn) => all.get(urn) ?? []);
    return mapIds(among(this.earlier), among(this.later)).toLater(value);
  }

  /** Records the values that change for other resources: outputs of a replaced resource, and inputs that use them. */
  private recordChangedValues(resource: PreviewResource, differences: Difference[], replaced: boolean): void {
    const texts = new Map<string, string>();
    for (const { property, follows } of differences) {
      if (follows === undefined) continue;
      const sources = this.changedSources(resource, property);
      const held = textsOf(own(resource.inputs, property));
      for (const [text, urn] of sources) {
        for (const whole of held) if (whole.includes(text)) texts.set(text, urn);
      }
    }
    if (replaced) {
      for (const text of outputTexts(resource).values()) {
        if (text.length >= MIN_ID_LENGTH && !this.literals.has(text)) texts.set(text, resource.urn);
      }
      // Without known outputs, this stands for all of them.
      if (resource.id === "") texts.set(UNKNOWN_OUTPUT, resource.urn);
    }
    if (texts.size > 0) this.changedValues.set(resource.urn, texts);
  }
}

/** A text that no value contains; stands for the unknown outputs of a replaced resource. */
const UNKNOWN_OUTPUT = "\u0000";

const NO_CONTEXT = {
  sameSources: () => false,
  changedValues: () => new Map<string, string>(),
  afterReplacements: (_: string, value: PropertyValue) => value,
  reordered: () => false,
};

/** The URNs of the resources whose outputs a property uses, as one text. */
export function sources({ propertyDependencies }: PreviewResource, property: string): string {
  return [...(own(propertyDependencies, property) ?? [])].sort().join("\n");
}

function regionsOf(resources: ReadonlyMap<string, PreviewResource>): string[] {
  return [...resources.values()]
    .flatMap(({ type, inputs }) => (type === AWS_PROVIDER ? [own(inputs, "region")] : []))
    .filter((region) => typeof region === "string")
    .sort();
}

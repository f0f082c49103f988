export { SECRET, UNKNOWN } from "../policies/facts/placeholders";

export type PropertyValue =
  string | number | boolean | null | PropertyValue[] | { [property: string]: PropertyValue };
export type Properties = Record<string, PropertyValue>;

/** A registered resource with simulated outputs, or a deployed resource. */
export interface PreviewResource {
  urn: string;
  type: string;
  name: string;
  /** The id in AWS, simulated or real. Empty for components, and if outputs are unknown. */
  id: string;
  /** URN of the parent; empty for the stack. */
  parent: string;
  /** False for components. */
  custom: boolean;
  inputs: Properties;
  outputs: Properties;
  /** URNs of all resources that must exist before this one, through its inputs or `dependsOn`. */
  dependencies: string[];
  /** For each property, URNs of the resources whose outputs it uses. */
  propertyDependencies: Record<string, string[]>;
  protect: boolean;
  retainOnDelete: boolean;
  ignoreChanges: string[];
  /** Paths of the inputs that hold secrets, such as `settings[3].value`. */
  secretInputs: string[];
}

export interface Violation {
  policy: string;
  level: "advisory" | "mandatory";
  /** URN of the resource, or of the stack if a rule judges several resources. */
  urn: string;
  message: string;
}

/** Results of the policy pack. */
export interface PolicyResults {
  pack: string;
  version: string;
  rules: number;
  violations: Violation[];
  /** The violations that the config excepts; absent in older documents. */
  excepted?: { policy: string; urn: string; message: string; reason: string; expires: string }[];
}

/** One preview of one stack. */
export interface PreviewDocument {
  project: string;
  stack: string;
  environment: string;
  resources: PreviewResource[];
  outputs: Properties;
  policies: PolicyResults;
}

/** True if the policy pack would make `pulumi up` fail. */
export function isRefused({ policies }: PreviewDocument): boolean {
  return policies.violations.some(({ level }) => level === "mandatory");
}

/** The name of a resource, the last part of its URN. A name can contain `::`. */
export function nameOf(urn: string): string {
  return urn.split("::").slice(3).join("::") || urn;
}

/** `aws:s3:Bucket` of `aws:s3/bucket:Bucket`, as Pulumi's own display shortens it. */
export function shortType(type: string): string {
  return type.replace(/\/[^:]*:/, ":");
}

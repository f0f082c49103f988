/** Stands for every secret value, everywhere in a document. */
export const SECRET = "[secret]";

/** Stands for every value that is not known before something has been created. */
export const UNKNOWN = "[unknown]";

export type PropertyValue =
  string | number | boolean | null | PropertyValue[] | { [property: string]: PropertyValue };
export type Properties = Record<string, PropertyValue>;

/** One resource as it was registered and as AWS would answer. */
export interface PreviewResource {
  urn: string;
  type: string;
  name: string;
  /** The id that AWS would give it; empty for components, and where nothing is known before something is created. */
  id: string;
  /** URN of the parent; empty for the stack. */
  parent: string;
  /** False for components. */
  custom: boolean;
  inputs: Properties;
  outputs: Properties;
  /** URNs of all resources that must exist before this one: those that are used and those that are waited for. */
  dependencies: string[];
  /** URNs of the resources whose outputs a property is made of. */
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
  /** URN of the resource, or of the stack where a rule judges several. */
  urn: string;
  message: string;
}

/** What the policy pack said. */
export interface PolicyResults {
  pack: string;
  version: string;
  rules: number;
  violations: Violation[];
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

/** True where `pulumi up` would be refused. */
export function isRefused({ policies }: PreviewDocument): boolean {
  return policies.violations.some(({ level }) => level === "mandatory");
}

/** The name of a resource, the last part of its URN. A name may hold `::` itself. */
export function nameOf(urn: string): string {
  return urn.split("::").slice(3).join("::") || urn;
}

/** `aws:s3:Bucket` of `aws:s3/bucket:Bucket`, as Pulumi's own display shortens it. */
export function shortType(type: string): string {
  return type.replace(/\/[^:]*:/, ":");
}

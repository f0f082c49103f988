import type { InputsOf, ResourceType } from "./args";

interface ResourceOptions {
  urn: string;
  name: string;
  /** The id in AWS; absent or empty until it is known. */
  id?: string;
  /** The outputs; absent or incomplete until they are known. */
  outputs?: Record<string, unknown>;
  /** False for components, which only group other resources. */
  custom?: boolean;
  protect?: boolean;
  retainOnDelete?: boolean;
  ignoreChanges?: string[];
  /** By property: the URNs of the resources whose outputs the property uses. Known even if the value is unknown. */
  propertyDependencies?: Record<string, string[]>;
}

/** A resource as a preview document, a stack export and the engine describe it. */
export interface Resource extends ResourceOptions {
  type: string;
  inputs: Record<string, unknown>;
}

/** A resource of one type, or of one of several: checking `type` narrows `inputs`. */
export type ResourceOf<Type extends ResourceType> = Type extends ResourceType
  ? ResourceOptions & { type: Type; inputs: InputsOf<Type> }
  : never;

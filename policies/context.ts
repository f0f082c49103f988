import type { InputsOf, ResourceType } from "./args";
import type { Resource, ResourceOf } from "./resource";
import { array, groupBy, isUnknown, text } from "./values";

/** The other resources of the stack, and the parameters of the rule. */
export interface Context<Parameters = Record<string, unknown>> {
  /** The rule's parameters: from the config, else their defaults. */
  parameters: Parameters;
  /** The day of the check. */
  today: Date;
  /** All resources. */
  all: readonly Resource[];
  /** The resource with a URN. */
  withUrn: (urn: string) => Resource | undefined;
  /** The resources of one type. */
  ofType: <Type extends ResourceType>(type: Type) => ResourceOf<Type>[];
  /**
   * Builds a value once for all rules and resources, so that the cost of the pack grows only linearly with the
   * number of resources. The key must be unique in the pack.
   */
  once: <T>(key: string, build: () => T) => T;
}

/** The part of the context that all rules share: the other resources. */
export type Stack = Omit<Context, "parameters" | "today">;

/** Indexes the resources of a stack for the rules. */
export function stackOf(resources: Resource[]): Stack {
  const built = new Map<string, unknown>();
  const once = <T>(key: string, build: () => T): T => {
    if (!built.has(key)) built.set(key, build());
    return built.get(key) as T;
  };
  const types = groupBy(resources, ({ type }) => type);
  return {
    once,
    all: resources,
    withUrn: (urn) =>
      once("resources by URN", () => new Map(resources.map((one) => [one.urn, one]))).get(urn),
    ofType: <Type extends ResourceType>(type: Type) => (types.get(type) ?? []) as ResourceOf<Type>[],
  };
}

/** The resources of a type that no rule judges, or that is not known beforehand. `ofType` types their inputs. */
export const every = ({ ofType }: Stack, type: string): Resource[] => ofType(type as ResourceType);

/** The resources of one type whose input has this value. */
export function resourcesWith<Type extends ResourceType>(
  { once, ofType }: Stack,
  type: Type,
  input: keyof InputsOf<Type> & string,
  value: unknown,
): ResourceOf<Type>[] {
  const byValue = once(`${type} by ${input}`, () =>
    groupBy(ofType(type), ({ inputs }: Pick<Resource, "inputs">) => text(inputs[input])),
  );
  return byValue.get(text(value)) ?? [];
}

/** The URNs of the resources whose outputs a property uses. They are known at the first preview, ids are not. */
export function dependenciesOf(
  { propertyDependencies }: Pick<Resource, "propertyDependencies">,
  property: string,
): string[] {
  return propertyDependencies?.[property] ?? [];
}

/** The resources of one type whose property uses an output of the resource with this URN. */
export function resourcesUsing<Type extends ResourceType>(
  { once, ofType }: Stack,
  type: Type,
  property: keyof InputsOf<Type> & string,
  urn: string,
): ResourceOf<Type>[] {
  const byUrn = once(`${type} by URN of ${property}`, () =>
    groupBy(
      ofType(type).flatMap((resource) =>
        dependenciesOf(resource, property).map((used) => ({ used, resource })),
      ),
      ({ used }) => used,
    ),
  );
  return (byUrn.get(urn) ?? []).map(({ resource }) => resource);
}

/** The value of a tag. */
export function tagOf({ inputs }: Pick<Resource, "inputs">, tag: string): string {
  const { tags } = inputs;
  return typeof tags === "object" && tags !== null ? text((tags as Record<string, unknown>)[tag]) : "";
}

/** The regions of the AWS provider. */
export const regionsOf = ({ once, ofType }: Stack): string[] =>
  once("regions", () => [
    ...new Set(ofType("pulumi:providers:aws").map(({ inputs }) => text(inputs.region))),
  ]);

/**
 * The regions in which a resource is: its own, else those of the provider. The engine shows a region that the program
 * leaves out as unknown until the resource exists.
 */
export const regionsOfResource = (
  { inputs: { region } }: Pick<Resource, "inputs">,
  stack: Stack,
): string[] => (region === undefined || isUnknown(region) ? regionsOf(stack) : [text(region)]);

/** True for a resource in a region of the provider. */
export const isInOwnRegion = (resource: Pick<Resource, "inputs">, stack: Stack): boolean =>
  regionsOfResource(resource, stack).every((region) => regionsOf(stack).includes(region));

/** The account numbers in an `allowedAccountIds`. The engine passes lists of a provider as JSON text. */
export const accountsIn = (allowedAccountIds: unknown): string[] =>
  text(allowedAccountIds).match(/\d{12}/g) ?? array(allowedAccountIds).map(text);

/** The accounts that the AWS provider may change. */
export const ownAccounts = ({ once, ofType }: Stack): string[] =>
  once("own accounts", () => [
    ...new Set(ofType("pulumi:providers:aws").flatMap(({ inputs }) => accountsIn(inputs.allowedAccountIds))),
  ]);

/** True if the URL is a queue of this program. */
export function isOwnQueue(url: unknown, stack: Stack): boolean {
  const [, account = "", name = ""] =
    /^https:\/\/sqs\.[a-z0-9-]+\.amazonaws\.com\/(\d{12})\/([\w.-]+)$/.exec(text(url)) ?? [];
  return (
    resourcesWith(stack, "aws:sqs/queue:Queue", "name", name).length > 0 &&
    ownAccounts(stack).includes(account)
  );
}

import { PolicyPack, PolicyResource, ResourceValidationArgs, Policies } from "@pulumi/policy";
import { configOf, indexOf, judgeResource, PACK } from "./evaluate";
import { Resource, UNKNOWN } from "./rule";
import { rules } from "./rules";

/** Copies inputs; reading a value that is not known yet throws, so it becomes the marker. */
function plain(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  const copy = (key: string): unknown => {
    try {
      return plain((value as Record<string, unknown>)[key]);
    } catch {
      return UNKNOWN;
    }
  };
  if (Array.isArray(value)) return value.map((_, index) => copy(String(index)));
  return Object.fromEntries(Object.keys(value).map((key) => [key, copy(key)]));
}

const read = (resource: PolicyResource | ResourceValidationArgs): Resource => ({
  urn: resource.urn,
  type: resource.type,
  name: resource.name,
  // Each resource that a provider makes has one; components, which only group others, have none.
  custom: resource.provider !== undefined,
  inputs: plain(resource.props) as Record<string, unknown>,
  protect: resource.opts.protect,
  // The engine tells them of the resources of a stack only.
  propertyDependencies:
    "propertyDependencies" in resource
      ? Object.fromEntries(
          Object.entries(resource.propertyDependencies).map(([property, used]) => [
            property,
            used.map(({ urn }) => urn),
          ]),
        )
      : undefined,
});

const policies: Policies = rules.map((rule) => {
  const shared = {
    name: rule.name,
    description: `${rule.description}: ${rule.why}.`,
    enforcementLevel: rule.level,
    configSchema: {
      properties: {
        exceptions: { type: "array" as const, default: [] },
        ...Object.fromEntries(
          Object.entries(rule.parameters ?? {}).map(([name, { type, default: value }]) => [
            name,
            { type, default: value },
          ]),
        ),
      },
    },
  };
  const applies = (type: string) => rule.types?.includes(type) ?? true;
  if (rule.neighbours !== true)
    return {
      ...shared,
      validateResource: (args, report) => {
        if (!applies(args.type)) return;
        const resource = read(args);
        const context = { stack: "", ...indexOf([resource]) };
        judgeResource(rule, resource, configOf(rule, { [rule.name]: args.getConfig() }), context).forEach(
          (message) => {
            report(message);
          },
        );
      },
    };
  return {
    ...shared,
    validateStack: (args, report) => {
      const resources = args.resources.map(read);
      const context = { stack: "", ...indexOf(resources) };
      const config = configOf(rule, { [rule.name]: args.getConfig() });
      for (const resource of resources)
        if (applies(resource.type))
          judgeResource(rule, resource, config, context).forEach((message) => {
            report(message, resource.urn);
          });
    },
  };
});

new PolicyPack(PACK.name, { enforcementLevel: "mandatory", policies });

import {
  Policies,
  PolicyConfigSchema,
  PolicyPack,
  PolicyResource,
  ReportViolation,
  ResourceValidation,
  ResourceValidationArgs,
  validateResourceOfType,
} from "@pulumi/policy";
import { configOf, configProblems, indexOf, judgeResource, PACK } from "./evaluate";
import { Resource, Rule, UNKNOWN } from "./rule";
import { rules } from "./rules";

type ResourceClass = Parameters<typeof validateResourceOfType>[0];

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

/** Copies nothing before it is asked for: most rules look at few of a stack's resources. */
function read(resource: PolicyResource | ResourceValidationArgs): Resource {
  let inputs: Record<string, unknown> | undefined;
  return {
    urn: resource.urn,
    type: resource.type,
    name: resource.name,
    // Each resource that a provider makes has one; components, which only group others, have none.
    custom: resource.provider !== undefined,
    get inputs() {
      inputs ??= plain(resource.props) as Record<string, unknown>;
      return inputs;
    },
    protect: resource.opts.protect,
    // The engine tells them of the resources of a stack only.
    get propertyDependencies() {
      if (!("propertyDependencies" in resource)) return undefined;
      return Object.fromEntries(
        Object.entries(resource.propertyDependencies).map(([property, used]) => [
          property,
          used.map(({ urn }) => urn),
        ]),
      );
    },
  };
}

const SPECIFICATIONS: Record<string, string> = {
  "AWS FSBP": "AWS Foundational Security Best Practices",
  "CIS AWS": "CIS Amazon Web Services Foundations Benchmark",
};

/** "AWS FSBP S3.8" or "CIS AWS 3.0 5.2", as the engine wants it: standard, version and control apart. */
function framework(reference: string) {
  const [, name = "", version = "", control = ""] =
    /^(AWS FSBP|CIS AWS) (?:([\d.]+) )?(.*)$/.exec(reference) ?? [];
  return { name, version, reference: control, specification: SPECIFICATIONS[name] ?? "" };
}

const properties = (rule: Rule): PolicyConfigSchema["properties"] => ({
  reason: { type: "string", default: "" },
  exceptions: {
    type: "array",
    default: [],
    items: {
      type: "object",
      required: ["resource", "reason", "expires"],
      properties: {
        resource: { type: "string" },
        reason: { type: "string", minLength: 1 },
        expires: { type: "string", pattern: "^\\d{4}-\\d{2}-\\d{2}$" },
      },
    },
  },
  ...Object.fromEntries(
    Object.entries(rule.parameters ?? {}).map(([name, { type, default: value }]) => [
      name,
      { type, default: value, ...(type === "array" ? { items: { type: "string" } } : { minimum: 0 }) },
    ]),
  ),
});

/**
 * Tells the SDK the type that a rule judges, where it is one: it then passes over the resources of other types without
 * reading each of them anew for each rule. A rule knows its type by name, not by the class that the SDK asks for.
 */
function ofOneType(types: string[], validate: ResourceValidation): ResourceValidation {
  const [type] = types;
  if (type === undefined || types.length > 1) return validate;
  const named = { __pulumiType: type } as unknown as ResourceClass;
  return validateResourceOfType(named, (_, args, report) => validate(args, report));
}

const policies: Policies = rules.map((rule) => {
  const shared = {
    name: rule.name,
    description: `${rule.description}.`,
    enforcementLevel: rule.level,
    severity: rule.severity,
    tags: [rule.area],
    framework: rule.reference === undefined ? undefined : framework(rule.reference),
    configSchema: { properties: properties(rule) },
  };
  const applies = (type: string) => rule.types?.includes(type) ?? true;
  if (rule.neighbours !== true) {
    const validate = (args: ResourceValidationArgs, report: ReportViolation): void => {
      if (!applies(args.type)) return;
      const given = { [rule.name]: args.getConfig() };
      const resource = read(args);
      const messages = judgeResource(rule, resource, configOf(rule, given), indexOf([resource]));
      for (const message of [...configProblems(given), ...messages]) report(message);
    };
    return { ...shared, validateResource: ofOneType(rule.types ?? [], validate) };
  }
  return {
    ...shared,
    validateStack: (args, report) => {
      const given = { [rule.name]: args.getConfig() };
      const config = configOf(rule, given);
      const resources = args.resources.map(read);
      const context = indexOf(resources);
      for (const message of configProblems(given)) report(message);
      for (const resource of resources)
        if (applies(resource.type))
          for (const message of judgeResource(rule, resource, config, context)) report(message, resource.urn);
    },
  };
});

new PolicyPack(PACK.name, { enforcementLevel: "mandatory", policies });

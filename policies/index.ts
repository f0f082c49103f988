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
import { configOf, configProblems } from "./config";
import { stackOf } from "./context";
import { judgeResource, judgesType, PACK } from "./evaluate";
import { Resource } from "./resource";
import { Rule } from "./rule";
import { rules } from "./rules";
import { text, UNKNOWN } from "./values";

type ResourceClass = Parameters<typeof validateResourceOfType>[0];

/** Copies a value of the SDK. Reading an unknown value throws; the copy has the marker for it. */
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

/** Reads a resource of the SDK. Copies its inputs when a rule asks for them: most rules read few resources. */
function resourceOf(resource: PolicyResource | ResourceValidationArgs): Resource {
  let inputs: Record<string, unknown> | undefined;
  return {
    urn: resource.urn,
    type: resource.type,
    name: resource.name,
    // Components have no provider.
    custom: resource.provider !== undefined,
    get inputs() {
      inputs ??= plain(resource.props) as Record<string, unknown>;
      return inputs;
    },
    // To rules with neighbours the engine passes the outputs as properties. They include the id.
    get id() {
      return text(this.inputs.id);
    },
    get outputs() {
      return this.inputs;
    },
    // The engine does not pass retainOnDelete to packs.
    protect: resource.opts.protect,
    ignoreChanges: resource.opts.ignoreChanges,
    // The engine passes these to rules with neighbours only.
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

/** Splits a reference such as "AWS FSBP S3.8" or "CIS AWS 3.0 5.2" into standard, version and control. */
function framework(reference: string) {
  const [, name = "", version = "", control = ""] =
    /^(AWS FSBP|CIS AWS) (?:([\d.]+) )?(.*)$/.exec(reference) ?? [];
  return { name, version, reference: control, specification: SPECIFICATIONS[name] ?? "" };
}

/** The JSON schema of a rule's config. */
const propertiesOf = (rule: Rule): PolicyConfigSchema["properties"] => ({
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
    Object.entries(rule.parameters).map(([name, { type, default: value }]) => [
      name,
      { type, default: value, ...(type === "array" ? { items: { type: "string" } } : { minimum: 0 }) },
    ]),
  ),
});

/**
 * Limits a rule to its type, if it has only one, so the SDK skips other types. The SDK takes a class, but reads only
 * the name of the type from it; an object with this name stands in for the class.
 */
function ofOneType(types: Rule["types"], validate: ResourceValidation): ResourceValidation {
  if (types === "all" || types.length !== 1) return validate;
  const named = { __pulumiType: types[0] } as unknown as ResourceClass;
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
    configSchema: { properties: propertiesOf(rule) },
  };
  if (!rule.neighbours) {
    const validate = (args: ResourceValidationArgs, report: ReportViolation): void => {
      if (!judgesType(rule, args.type)) return;
      const given = { [rule.name]: args.getConfig() };
      const resource = resourceOf(args);
      const { exceptions, parameters } = configOf(rule, given);
      const context = { ...stackOf([resource]), parameters, today: new Date() };
      const { messages, exception } = judgeResource(rule, resource, exceptions, context);
      const reported = exception === undefined ? messages : [];
      for (const message of [...configProblems(given), ...reported]) report(message);
    };
    return { ...shared, validateResource: ofOneType(rule.types, validate) };
  }
  return {
    ...shared,
    validateStack: (args, report) => {
      const given = { [rule.name]: args.getConfig() };
      const { exceptions, parameters } = configOf(rule, given);
      const resources = args.resources.map(resourceOf);
      const context = { ...stackOf(resources), parameters, today: new Date() };
      for (const message of configProblems(given)) report(message);
      for (const resource of resources) {
        if (!judgesType(rule, resource.type)) continue;
        const { messages, exception } = judgeResource(rule, resource, exceptions, context);
        if (exception === undefined) for (const message of messages) report(message, resource.urn);
      }
    },
  };
});

new PolicyPack(PACK.name, { enforcementLevel: "mandatory", policies });

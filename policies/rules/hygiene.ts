import type { ResourceType } from "../args";
import { RESOURCE_PROPERTIES } from "../facts/resourceProperties";
import { RESOURCE_TYPES } from "../facts/resourceTypes";
import { Resource } from "../resource";
import { defineRule } from "../rule";
import { demand, first, isEmpty, isUnknown, object, text, UNKNOWN } from "../values";

const ENVIRONMENT = "aws:elasticbeanstalk/environment:Environment";

/** Types that no rule judges by a row of the facts: the stack itself and its providers. */
const ALLOWED = new Set(["pulumi:pulumi:Stack", "pulumi:providers:aws", "pulumi:providers:command"]);

export const knownTypes = defineRule({
  name: "known-types",
  types: "all",
  description: "Only resource types of this platform",
  why: "no rule would judge the resource",
  kind: "closed world",
  severity: "high",
  parameters: {
    alsoAllowed: { type: "array", default: [], description: "Other types that are allowed" },
  },
  check: ({ type, custom }, { parameters }) =>
    custom === false ||
    ALLOWED.has(type) ||
    RESOURCE_TYPES[type] !== undefined ||
    parameters.alsoAllowed.includes(type)
      ? []
      : [`Type ${type} is not one of this platform's. Remove it, or write it to alsoAllowed.`],
});

/**
 * Values that the provider fills in. The engine shows them to packs like those of the program.
 *
 * @see https://registry.terraform.io/providers/hashicorp/aws/latest/docs
 */
const PROVIDER_DEFAULTS: Record<string, unknown> = {
  acl: "private",
  confirmationTimeoutInMinutes: 1,
  path: "/",
};

const isDefault = (name: string, value: unknown): boolean =>
  isEmpty(value) || value === false || value === 0 || value === PROVIDER_DEFAULTS[name];

export const knownProperties = defineRule({
  name: "known-properties",
  types: Object.keys(RESOURCE_PROPERTIES) as ResourceType[],
  description: "Only properties that rules judge, or that weaken nothing whatever their value is",
  why: "no rule would judge the property",
  kind: "closed world",
  severity: "high",
  parameters: {
    alsoAllowed: { type: "array", default: [], description: "Other properties that are allowed" },
  },
  check: ({ type, inputs }, { parameters: { alsoAllowed } }) => {
    const all: Resource["inputs"] = inputs;
    const others = Object.keys(all).filter(
      (name) =>
        RESOURCE_PROPERTIES[type]?.has(name) !== true &&
        !alsoAllowed.includes(name) &&
        !name.startsWith("__") &&
        !isDefault(name, all[name]),
    );
    return others.length === 0
      ? []
      : [`The resource sets ${first(others)}. Remove it, or write it to alsoAllowed.`];
  },
});

/** The longest tags that AWS accepts, and how many a resource takes. */
const TAGS = { number: 50, key: 128, value: 256 };

export const tagLimits = defineRule({
  name: "tag-limits",
  types: "all",
  kind: "values together",
  description: "AWS accepts each tag: none with a name of AWS's own, none too long, 50 at most",
  why: "AWS refuses the resource half-way through an update",
  severity: "medium",
  check: ({ inputs: { tags } }) => {
    const all = Object.entries(object(tags));
    const wrong = all
      .filter(
        ([key, value]) =>
          /^aws:/i.test(key) ||
          key === "" ||
          key.length > TAGS.key ||
          (!isUnknown(value) && text(value).length > TAGS.value),
      )
      .map(([key]) => key);
    return [
      ...(wrong.length === 0
        ? []
        : [
            `AWS refuses tag ${first(wrong)}. Write a name of ${String(TAGS.key)} characters at most that does not begin with aws:, and a value of ${String(TAGS.value)} at most.`,
          ]),
      ...(all.length <= TAGS.number
        ? []
        : [`The resource has ${String(all.length)} tags. Write 50 at most.`]),
    ];
  },
});

export const requiredTags = defineRule({
  name: "required-tags",
  types: "all",
  description:
    "Resources have the tags project, env and managed-by; a Beanstalk environment has a known role too",
  why: "costs, alarms, the deploy tool and rules find resources by their tags",
  severity: "medium",
  parameters: {
    roles: { type: "array", default: ["web", "worker", "enketo"], description: "Roles of environments" },
  },
  check: (resource, { parameters: { roles } }) => {
    const facts = RESOURCE_TYPES[resource.type];
    if (facts === undefined || facts.untaggable === true) return [];
    const { tags } = resource.inputs;
    const valueOf = (tag: string) => (isUnknown(tags) ? UNKNOWN : object(tags)[tag]);
    return [
      ...["project", "env", "managed-by"].flatMap((tag) =>
        demand(valueOf(tag), text(valueOf(tag)) !== "", `tag ${tag}`, "it into tags"),
      ),
      ...(resource.type === ENVIRONMENT
        ? demand(
            valueOf("role"),
            roles.includes(text(valueOf("role"))),
            "tag role",
            `one of ${roles.join(", ")}`,
          )
        : []),
    ];
  },
});

/** The types whose names the facts limit. */
const NAMED_TYPES = Object.entries(RESOURCE_TYPES)
  .filter(([, { name }]) => name?.pattern !== undefined)
  .map(([type]) => type as ResourceType);

export const nameLimits = defineRule({
  name: "name-limits",
  types: NAMED_TYPES,
  description: "Every resource has an explicit name that AWS accepts",
  why: "rules judge by names, and AWS would refuse others half-way",
  severity: "medium",
  check: ({ type, inputs }) => {
    const { property, pattern, limits } = RESOURCE_TYPES[type]?.name ?? {};
    if (property === undefined || pattern === undefined) return [];
    const value = (inputs as Resource["inputs"])[property];
    return demand(value, pattern.test(text(value)), property, `a name of ${String(limits)}`);
  },
});

export const certificateByDns = defineRule({
  name: "certificate-by-dns",
  types: ["aws:acm/certificate:Certificate"],
  description: "Certificates are validated by DNS",
  why: "validation by mail fails at each renewal",
  severity: "medium",
  check: ({ inputs: { validationMethod } }) =>
    demand(validationMethod, validationMethod === "DNS", "validationMethod", "DNS"),
});

import type { ResourceType } from "../args";
import { RESOURCE_TYPES } from "../facts/resourceTypes";
import { Resource } from "../resource";
import { defineRule } from "../rule";
import { demand, isUnknown, object, text, UNKNOWN } from "../values";

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

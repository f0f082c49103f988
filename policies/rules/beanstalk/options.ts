import { readFileSync } from "node:fs";
import { join } from "node:path";
import {
  isRetiring,
  outdatedTable,
  PLATFORM_BRANCHES,
  platformVersionOf,
} from "../../facts/platformBranches";
import { defineRule } from "../../rule";
import { demand, groupBy, isUnknown, notEvaluated, text } from "../../values";
import {
  Environment,
  ENVIRONMENT,
  isWeb,
  optionOf,
  platformOf,
  Setting,
  settingsOf,
} from "../../optionSettings";

interface Option {
  type: string;
  values?: string[];
  pattern?: string;
  /** ISO 8601 for a duration. */
  min?: number | string;
  max?: number | string;
}

interface Namespace {
  options?: Record<string, Option>;
  freeForm?: boolean;
  tier?: string;
}

const { namespaces: NAMESPACES } = JSON.parse(
  readFileSync(join(__dirname, "..", "..", "facts", "eb-options.json"), "utf8"),
) as { namespaces: Record<string, Namespace> };

const namespaceOf = (namespace: string): Namespace | undefined =>
  NAMESPACES[namespace] ??
  NAMESPACES[namespace.replace(/:(listener|listenerrule|process|policies):[^:]+$/, ":$1:*")];

/** The seconds of an ISO 8601 duration of hours, minutes and seconds; NaN for other text. */
function seconds(duration: string): number {
  const [, hours = 0, minutes = 0, rest = 0] = /^PT(?=\d)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?$/.exec(
    duration,
  ) ?? [NaN, NaN];
  return Number(hours) * 3600 + Number(minutes) * 60 + Number(rest);
}

interface Values {
  description: string;
  includes: (value: string) => boolean;
}

/** The values of the options that were asked for already. */
const readOptions = new Map<Option, Values | undefined>();

/** The values that an option accepts; undefined if it accepts any text. */
function valuesOf(option: Option): Values | undefined {
  if (!readOptions.has(option)) readOptions.set(option, readValues(option));
  return readOptions.get(option);
}

function readValues({ type, values = [], pattern, min = "any", max = "any" }: Option): Values | undefined {
  const range = `from ${String(min)} to ${String(max)}`;
  const inRange = (value: number, toNumber: (limit: number | string) => number) =>
    !(value < toNumber(min)) && !(value > toNumber(max)) && !Number.isNaN(value);
  switch (type) {
    case "boolean":
      return { description: "true or false", includes: (value) => /^(true|false)$/i.test(value) };
    case "integer":
      return {
        description: `a whole number ${range}`,
        includes: (value) => /^-?\d+$/.test(value) && inRange(Number(value), Number),
      };
    case "number":
      return {
        description: `a number ${range}`,
        includes: (value) => /^-?\d+(\.\d+)?$/.test(value) && inRange(Number(value), Number),
      };
    case "duration":
      return {
        description: `a duration ${range}`,
        includes: (value) => inRange(seconds(value), (limit) => seconds(String(limit))),
      };
  }
  if (pattern !== undefined) {
    const shape = new RegExp(pattern);
    return { description: `text that matches ${pattern}`, includes: (value) => shape.test(value) };
  }
  if (values.length === 0) return undefined;
  return {
    description: `one of ${values.join(", ")}`,
    includes: (value) =>
      (type === "list" ? value.split(",") : [value]).every((one) => values.includes(one.trim())),
  };
}

function checkOption(environment: Environment, { namespace, name, value }: Setting): string[] {
  const id = `${namespace}/${name}`;
  const known = namespaceOf(namespace);
  if (known === undefined)
    return [`Namespace ${namespace} does not exist. Write one of Beanstalk's namespaces.`];
  if (known.tier !== undefined && (known.tier === "Worker") === isWeb(environment))
    return [`Option ${id} does not apply to this tier. Remove it.`];
  if (namespace.startsWith("aws:elb:"))
    return [`Option ${id} is for Classic Load Balancers. Write the one of aws:elbv2.`];
  if (known.freeForm === true || known.options === undefined) return [];
  const option = known.options[name];
  if (option === undefined)
    return [`Option ${id} does not exist. Write one of ${Object.keys(known.options).join(", ")}.`];
  const values = valuesOf(option);
  if (values === undefined || text(value) === "") return [];
  return demand(value, values.includes(text(value)), `Option ${id}`, values.description);
}

export const beanstalkOptions = defineRule({
  name: "beanstalk-options",
  types: [ENVIRONMENT],
  description: "Every option exists, applies to the tier, has a valid value, and is set once",
  why: "Beanstalk would fail half-way, or ignore the option",
  severity: "high",
  check: (environment) => {
    if (isUnknown(environment.inputs.settings)) return notEvaluated("settings");
    const settings = settingsOf(environment);
    const byId = groupBy(settings, ({ namespace, name, resource }) =>
      `${namespace}/${name} ${resource}`.trim(),
    );
    const minSize = optionOf(environment, "aws:autoscaling:asg", "MinSize") ?? 1;
    const maxSize = optionOf(environment, "aws:autoscaling:asg", "MaxSize") ?? 4;
    return [
      ...settings.flatMap((setting) => checkOption(environment, setting)),
      ...[...byId]
        .filter(([, all]) => all.length > 1)
        .map(([id, all]) => `Option ${id} is set ${String(all.length)} times. Write it once.`),
      ...(Number(minSize) > Number(maxSize)
        ? [`MinSize ${text(minSize)} is greater than MaxSize ${text(maxSize)}. Write MinSize <= MaxSize.`]
        : []),
    ];
  },
});

export const noSavedTemplate = defineRule({
  name: "no-saved-template",
  types: [ENVIRONMENT],
  description: "No environment starts from a saved configuration",
  why: "its options are stored in AWS, where no rule can see them",
  severity: "high",
  check: ({ inputs }) =>
    inputs.templateName === undefined
      ? []
      : ["templateName is set. Remove it and write the options as settings."],
});

export const noCoupledDatabase = defineRule({
  name: "no-coupled-database",
  types: [ENVIRONMENT],
  description: "No environment contains a database",
  why: "it is deleted with the environment, and its password is a plain option",
  severity: "high",
  check: (environment) =>
    settingsOf(environment)
      .filter(({ namespace }) => namespace === "aws:rds:dbinstance")
      .map(
        ({ name }) =>
          `Option ${name} adds a database to the environment. Remove it and use the database of this program.`,
      ),
});

export const supportedPlatform = defineRule({
  name: "supported-platform",
  types: [ENVIRONMENT],
  description: "The platform branch is supported and does not retire within 90 days",
  why: "retired platform branches get no security updates, and new accounts cannot use them",
  severity: "high",
  check: (environment, { today }) => {
    const platform = platformOf(environment);
    if (isUnknown(platform)) return notEvaluated("platform");
    const supported = Object.entries(PLATFORM_BRANCHES).flatMap(([name, each]) =>
      isRetiring(each, today) ? [] : [name],
    );
    const name = platformVersionOf(text(platform))?.branch ?? "";
    if (supported.includes(name)) return [];
    const retires = PLATFORM_BRANCHES[name]?.retires;
    const wrong =
      retires === undefined
        ? demand(platform, false, "platform", `a version of ${supported.join(", ")}`)
        : [`platform branch ${name} retires on ${retires}. Write a version of ${supported.join(", ")}.`];
    return wrong.map((message) => `${message} ${outdatedTable(today)}`.trim());
  },
});

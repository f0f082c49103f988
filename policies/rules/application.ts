import { readFileSync } from "node:fs";
import { join } from "node:path";
import { dependenciesOf, isOwnQueue, regionsOf, Stack, tagOf } from "../context";
import { defineRule } from "../rule";
import { demand, isUnknown, text } from "../values";
import {
  demandOption,
  Environment,
  ENVIRONMENT,
  optionOf,
  settingsOf,
  VARIABLES,
  variablesOf,
} from "../optionSettings";

/** The environment variables that Iaso reads. */
export const CONTRACT = JSON.parse(
  readFileSync(join(__dirname, "..", "facts", "env-contract.json"), "utf8"),
) as {
  variables: { name: string; secret: boolean }[];
  mustSetOnElasticBeanstalk: { both: string[]; webRecommended: string[] };
  necessaryOnAws: string[];
  mustNotBeSet: string[];
};

/** True for an environment that runs Iaso, and not Enketo. */
export const isIaso = (environment: Environment): boolean =>
  ["web", "worker"].includes(tagOf(environment, "role"));

/** The length of the longest host name in DNS. Values that are unknown at the first preview are host names. */
const LONGEST_UNKNOWN = 253;

export const variablesSize = defineRule({
  name: "variables-size",
  types: [ENVIRONMENT],
  description: "All variables together take at most 4,096 bytes",
  why: "Beanstalk refuses more",
  severity: "high",
  check: (environment) => {
    const size = variablesOf(environment).reduce(
      (sum, { name, value }) =>
        sum +
        Buffer.byteLength(`${name}=,`) +
        (isUnknown(value) ? LONGEST_UNKNOWN : Buffer.byteLength(text(value))),
      0,
    );
    return size <= 4096 ? [] : [`Variables take ${String(size)} bytes. Write fewer or shorter ones.`];
  },
});

export const variablesPresent = defineRule({
  name: "variables-present",
  types: [ENVIRONMENT],
  description: "All variables that Iaso needs on AWS are set",
  why: "Iaso has a default for each and starts without it, so nobody notices that it is missing",
  severity: "high",
  check: (environment) => {
    if (!isIaso(environment)) return [];
    const set = new Set(
      variablesOf(environment)
        .filter(({ value }) => value !== "")
        .map(({ name }) => name),
    );
    return CONTRACT.necessaryOnAws
      .filter((name) => !set.has(name))
      .map((name) => `Variable ${name} is not set. Write it.`);
  },
});

export const variablesKnown = defineRule({
  name: "variables-known",
  types: [ENVIRONMENT],
  description: "Only variables that Iaso reads are set",
  why: "a misspelt name has no effect, and nobody notices",
  severity: "high",
  parameters: {
    alsoAllowed: {
      type: "array",
      default: [
        "ARTIFACTS_BUCKET",
        "DJANGO_SETTINGS_MODULE",
        "IMAGE_REPOSITORY",
        "LANG",
        "LC_ALL",
        "PYTHONPATH",
      ],
      description: "Variables that Iaso's settings do not read, but other code does",
    },
  },
  check: (environment, { parameters }) =>
    !isIaso(environment)
      ? []
      : variablesOf(environment)
          .filter(
            ({ name }) =>
              !CONTRACT.variables.some((variable) => variable.name === name) &&
              !parameters.alsoAllowed.includes(name),
          )
          .map(({ name }) => `Iaso reads no variable ${name}. Write its correct name or remove it.`),
});

export const noDevelopmentSwitches = defineRule({
  name: "no-development-switches",
  types: [ENVIRONMENT],
  description: "DEBUG, long-lived keys, development switches and variables that the bundle sets are not set",
  why: "debug pages show settings and data to everyone",
  severity: "critical",
  check: (environment) =>
    variablesOf(environment)
      .filter(({ name }) => CONTRACT.mustNotBeSet.includes(name))
      .map(({ name }) => `Variable ${name} is set. Remove it.`),
});

export const workerSwitch = defineRule({
  name: "worker-switch",
  types: [ENVIRONMENT],
  description: "WORKER is true on the worker and false on the web",
  why: "Iaso's task paths have no authentication",
  severity: "critical",
  check: (environment) =>
    isIaso(environment)
      ? demandOption(environment, VARIABLES, "WORKER", String(tagOf(environment, "role") === "worker"))
      : [],
});

const isHttps = (value: string): boolean => /^https:\/\/[^\s/@]+(\/|$)/.test(value);

interface SafeValue {
  isSafe: (value: string) => boolean;
  instead: string;
}

/** Variables that have safe and unsafe values. `variables-present` reports those that are not set. */
const SAFE_VALUES: Record<string, SafeValue> = {
  ...Object.fromEntries(
    [
      ...CONTRACT.mustSetOnElasticBeanstalk.both,
      ...CONTRACT.mustSetOnElasticBeanstalk.webRecommended,
      "EMAIL_TLS=true",
    ]
      .map((assignment) => assignment.split("="))
      .flatMap(([name = "", instead]): [string, SafeValue][] =>
        instead === undefined
          ? []
          : [[name, { isSafe: (value) => value.toLowerCase() === instead.toLowerCase(), instead }]],
      ),
  ),
  AWS_S3_ENDPOINT_URL: { isSafe: () => false, instead: "nothing: Iaso uses S3's own address" },
  ENKETO_URL: { isSafe: isHttps, instead: "an https:// address" },
  SERVER_URL: { isSafe: isHttps, instead: "an https:// address" },
  STATIC_URL: { isSafe: isHttps, instead: "an https:// address" },
  USE_AZURE_STORAGE: { isSafe: (value) => value.toLowerCase() === "false", instead: "false" },
};

export const variablesSafe = defineRule({
  name: "variables-safe",
  types: [ENVIRONMENT],
  description: "Variables that protect data have their safe value",
  why: "others could read cookies, mail and media",
  severity: "critical",
  check: (environment) =>
    !isIaso(environment)
      ? []
      : settingsOf(environment)
          .filter(({ namespace, value }) => namespace === VARIABLES && value !== "")
          .flatMap(({ name, value }) => {
            const safe = SAFE_VALUES[name];
            return safe === undefined
              ? []
              : demand(value, safe.isSafe(text(value)), `variable ${name}`, safe.instead);
          }),
});

/** The identifiers and URNs of the databases. */
const ownDatabases = ({ once, ofType }: Stack): Set<string> =>
  once("identifiers and URNs of databases", () => {
    const databases = ofType("aws:rds/instance:Instance");
    return new Set(databases.flatMap(({ urn, inputs }) => [urn, text(inputs.identifier)]));
  });

/** The host names with a DNS record of this program, and those of its static buckets. */
const ownHosts = (stack: Stack): Set<string> =>
  stack.once("own hosts", () => {
    const { ofType } = stack;
    const names = ofType("aws:route53/record:Record").map(({ inputs }) => text(inputs.name));
    const buckets = ofType("aws:s3/bucket:Bucket")
      .filter((bucket) => tagOf(bucket, "class") === "static")
      .flatMap(({ inputs }) =>
        regionsOf(stack).map((region) => `${text(inputs.bucket)}.s3.${region}.amazonaws.com`),
      );
    return new Set([...names, ...buckets]);
  });

function isOwnDatabase(host: unknown, environment: Environment, stack: Stack): boolean {
  const own = ownDatabases(stack);
  return isUnknown(host)
    ? // At the first preview the host name is unknown, but not that it comes from the database.
      dependenciesOf(environment, "settings").some((urn) => own.has(urn))
    : own.has(/^([a-z0-9-]+)\.[a-z0-9]+\.[a-z0-9-]+\.rds\.amazonaws\.com$/.exec(text(host))?.[1] ?? "");
}

export const variablesOwnResources = defineRule({
  name: "variables-own-resources",
  types: [ENVIRONMENT],
  description: "Iaso's database, queue, addresses and S3 endpoint are those of this program and its region",
  why: "patients' data would go to another service, or pages would run untrusted scripts",
  severity: "critical",
  neighbours: true,
  check: (environment, stack) => {
    if (!isIaso(environment)) return [];
    const variable = (name: string) => optionOf(environment, VARIABLES, name);
    const [host, url, endpoint] = [
      variable("RDS_HOSTNAME"),
      variable("BEANSTALK_SQS_URL"),
      variable("AWS_ENDPOINT_URL_S3"),
    ];
    const regional = regionsOf(stack).map((region) => `https://s3.${region}.amazonaws.com`);
    return [
      ...(isOwnDatabase(host, environment, stack)
        ? []
        : demand(host, false, "variable RDS_HOSTNAME", "the address of the database of this program")),
      ...demand(url, isOwnQueue(url, stack), "variable BEANSTALK_SQS_URL", "the URL of the task queue"),
      // Signed links to a young bucket work at the regional endpoint only.
      ...demand(
        endpoint,
        text(endpoint) === "" || regional.includes(text(endpoint)),
        "variable AWS_ENDPOINT_URL_S3",
        regional.join(" or "),
      ),
      ...["ENKETO_URL", "SERVER_URL", "STATIC_URL"].flatMap((name) => {
        const address = variable(name);
        const addressHost = /^\w+:\/\/([^/:]*)/.exec(text(address))?.[1] ?? "";
        return demand(
          address,
          text(address) === "" || ownHosts(stack).has(addressHost),
          `variable ${name}`,
          "an address with a DNS record, or a bucket, of this program",
        );
      }),
    ];
  },
});

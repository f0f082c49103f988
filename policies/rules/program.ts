import { regionsOf, tagOf } from "../context";
import { REGIONS } from "../facts/regions";
import { Resource } from "../resource";
import { defineRule } from "../rule";
import { array, first, isUnknown, notEvaluated, object, text } from "../values";

const PROVIDER = "pulumi:providers:aws";

/** The settings of the provider that change neither where it sends requests nor whom it acts as. */
const PLAIN = [
  "allowedAccountIds",
  "defaultTags",
  "region",
  "skipCredentialsValidation",
  "skipMetadataApiCheck",
  "skipRegionValidation",
  "version",
];

/** True for the notes that the engine writes beside the inputs of a resource. */
const isEngines = (name: string): boolean => name.startsWith("__");

export const providerPlain = defineRule({
  name: "provider-plain",
  kind: "closed world",
  types: [PROVIDER],
  description:
    "The AWS provider sends requests to AWS itself, over verified TLS, with the credentials of whoever runs Pulumi",
  why: "another endpoint, proxy or role could read every secret of the stack and answer as it likes",
  severity: "critical",
  check: ({ inputs }) => {
    const { region, skipCredentialsValidation } = inputs;
    const others = Object.entries(inputs as Record<string, unknown>)
      .filter(([name, value]) => !PLAIN.includes(name) && !isEngines(name) && value !== undefined)
      .map(([name]) => name);
    return [
      ...(others.length === 0 ? [] : [`The provider sets ${first(others)}. Remove it.`]),
      ...(/^(|false)$/.test(text(skipCredentialsValidation))
        ? []
        : ["skipCredentialsValidation is not false. Remove it."]),
      ...(REGIONS[text(region)] === undefined
        ? [`region is ${JSON.stringify(region)}. Write a region in which Elastic Beanstalk runs.`]
        : []),
    ];
  },
});

export const oneProvider = defineRule({
  name: "one-provider",
  kind: "closed world",
  types: "all",
  description: "The program has one AWS provider, and no provider but those of AWS and of commands",
  why: "rules recognise this account and region by the provider",
  severity: "high",
  neighbours: true,
  check: ({ type, urn }, { ofType }) => {
    if (!type.startsWith("pulumi:providers:")) return [];
    if (type === "pulumi:providers:command") return [];
    if (type !== PROVIDER) return [`${type} is not a provider of this platform. Remove it.`];
    const [provider] = ofType(PROVIDER);
    return provider?.urn === urn ? [] : ["The program has a second AWS provider. Remove it."];
  },
});

/** A script of package.json, with options whose values are words or variables of the command's own environment. */
const SCRIPT = /^npm run --silent ([\w:-]+) --((?: (?:--)?[a-z][\w-]*| "\$[A-Z][A-Z0-9_]*")*)$/;

/** The inputs of a command that say what it runs. */
const LINES = ["create", "update", "delete"];

/** The inputs of a command that change nothing in what it runs. */
const HARMLESS = ["environment", "triggers"];

export const commandsOwn = defineRule({
  name: "commands-own",
  kind: "closed world",
  types: "all",
  description: "A command runs a script of this program, with values from its own environment only",
  why: "a command runs with the credentials of whoever runs Pulumi",
  severity: "critical",
  neighbours: true,
  parameters: {
    scripts: {
      type: "array",
      default: ["ami"],
      description: "Scripts of package.json that commands may run",
    },
  },
  check: ({ type, inputs }: Resource, stack) => {
    if (!type.startsWith("command:")) return [];
    const environment = object(inputs.environment);
    const used = LINES.flatMap((line) => text(inputs[line]).match(/\$[A-Z][A-Z0-9_]*/g) ?? []).map((name) =>
      name.slice(1),
    );
    const region = environment.AWS_REGION;
    const [web] = stack
      .ofType("aws:elasticbeanstalk/environment:Environment")
      .filter((one) => tagOf(one, "role") === "web");
    const expected: [name: string, value: unknown][] =
      web === undefined
        ? []
        : [
            ["IASO_ENV", tagOf(web, "env")],
            ["PLATFORM", web.inputs.solutionStackName],
          ];
    return [
      ...LINES.flatMap((line) => {
        if (inputs[line] === undefined)
          return [`The command has no ${line}. Write a script of this program.`];
        if (isUnknown(inputs[line])) return notEvaluated(line);
        const script = SCRIPT.exec(text(inputs[line]))?.[1];
        return script !== undefined && stack.parameters.scripts.includes(script)
          ? []
          : [
              `${line} runs ${JSON.stringify(inputs[line])}. Write npm run --silent ${stack.parameters.scripts.join(" or ")} -- with plain options and "$VARIABLE".`,
            ];
      }),
      ...Object.keys(inputs)
        .filter(
          (name) =>
            !LINES.includes(name) &&
            !HARMLESS.includes(name) &&
            !isEngines(name) &&
            inputs[name] !== undefined,
        )
        // What the engine shows together with the inputs.
        .filter((name) => !["stdout", "stderr", "id"].includes(name))
        .map((name) => `The command sets ${name}. Remove it.`),
      ...Object.keys(environment)
        .filter((name) => name !== "AWS_REGION" && !used.includes(name))
        .map((name) => `The command sets variable ${name}, which its script does not name. Remove it.`),
      ...used
        .filter((name) => environment[name] === undefined)
        .map((name) => `The command names $${name}, which is not set. Write it into environment.`),
      ...expected
        .filter(([name, value]) => environment[name] !== undefined && text(environment[name]) !== text(value))
        .map(
          ([name, value]) =>
            `${name} is ${JSON.stringify(environment[name])}. Write ${text(value)}, as the environment.`,
        ),
      ...(isUnknown(inputs.triggers) ? notEvaluated("triggers") : []),
      ...(array(inputs.triggers).length > 0
        ? []
        : ["The command has no triggers, and would never run again. Write them."]),
      ...(regionsOf(stack).includes(text(region))
        ? []
        : [`AWS_REGION is ${JSON.stringify(region)}. Write ${regionsOf(stack).join(" or ")}.`]),
    ];
  },
});

/** Properties that someone else than Pulumi changes, or that AWS changes only in a new resource, by type. */
const CHANGED_ELSEWHERE: Record<string, string[]> = {
  // The deploy tool deploys versions.
  "aws:elasticbeanstalk/environment:Environment": ["version"],
  // `npm run init-stack` sets the password of the database. A snapshot is read at the creation only.
  "aws:rds/instance:Instance": [
    "kmsKeyId",
    "manageMasterUserPassword",
    "performanceInsightsKmsKeyId",
    "snapshotIdentifier",
  ],
  // A store with another KMS key would be a new, empty one.
  "aws:elasticache/replicationGroup:ReplicationGroup": ["kmsKeyId", "snapshotName"],
  // Another text or key of the first version would be a new object, and a new version, of a platform that runs.
  "aws:s3/bucketObjectv2:BucketObjectv2": ["key", "source"],
};

export const noIgnoredChanges = defineRule({
  name: "no-ignored-changes",
  kind: "closed world",
  types: "all",
  description:
    "Pulumi ignores changes only of properties that this project's tools change, and of the KMS keys and snapshots of stores",
  why: "rules judge what the program writes, and AWS would keep what it has",
  severity: "high",
  check: ({ type, ignoreChanges = [] }) => {
    const ignored = ignoreChanges.filter((property) => !(CHANGED_ELSEWHERE[type] ?? []).includes(property));
    return ignored.length === 0 ? [] : [`The resource ignores changes of ${first(ignored)}. Remove it.`];
  },
});

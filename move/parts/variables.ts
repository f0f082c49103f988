import contract from "../../policies/facts/env-contract.json";
import { FORMER_VARIABLES } from "../../policies/facts/formerVariables";
import type { Existing } from "../existing";
import type { ExistingEnvironment } from "../existing/environments";
import type { Note, Part } from "../note";
import { CARRIED_SECRETS } from "../secretVariables";

/** Variables that become settings. Their parts of the survey report them. */
const SETTINGS = [
  "DNS_DOMAIN",
  "ENKETO_URL",
  "PLUGINS",
  "EMAIL_HOST",
  "EMAIL_PORT",
  "EMAIL_HOST_USER",
  "DEFAULT_FROM_EMAIL",
];

/** Variables that the program sets for its own resources (components/beanstalk/applicationEnvironment.ts, enketo.ts). */
const SET_BY_PROGRAM = [
  "AWS_DEFAULT_REGION",
  "AWS_PUBLIC_STORAGE_BUCKET_NAME",
  "AWS_S3_REGION_NAME",
  "AWS_STORAGE_BUCKET_NAME",
  "BACKGROUND_TASK_SERVICE",
  "BEANSTALK_SQS_REGION",
  "BEANSTALK_SQS_URL",
  "CSRF_COOKIE_HTTPONLY",
  "CSRF_COOKIE_SECURE",
  "DJANGO_SETTINGS_MODULE",
  "EMAIL_TLS",
  "LANG",
  "LC_ALL",
  "PYTHONPATH",
  "RDS_DB_NAME",
  "RDS_HOSTNAME",
  "RDS_PORT",
  "RDS_USERNAME",
  "SENTRY_ENVIRONMENT",
  "SERVER_URL",
  "SESSION_COOKIE_SECURE",
  "STATIC_URL",
  "USE_S3",
  "WORKER",
];

/** Variables that each version brings with it. */
const SET_BY_VERSION = [
  "DEPLOYED_BY",
  "DEPLOYED_ON",
  "PROD_IMAGE_CREATION",
  "PROD_IMAGE_DIGEST",
  "PROD_IMAGE_TAG",
];

const CARRIED = CARRIED_SECRETS.map(({ variable }) => variable);
/** The same value as ENKETO_API_TOKEN, on Enketo's side. */
const ENKETO_TOKEN = ["ENKETO_API_KEY", "ENKETO_LINKED_FORM_AND_DATA_SERVER_API_KEY"];
const KNOWN = new Map(contract.variables.map((variable) => [variable.name, variable]));
/** Plain variables that only Enketo reads. */
const OF_ENKETO = contract.variables.flatMap(({ name, roles, secret }) =>
  roles.includes("enketo") && !secret ? [name] : [],
);
/** Variables that need no note of their own. */
const HANDLED = new Set([
  ...SETTINGS,
  ...SET_BY_PROGRAM,
  ...SET_BY_VERSION,
  ...CARRIED,
  ...ENKETO_TOKEN,
  ...OF_ENKETO,
]);

export const variables: Part = {
  judge: ({ enketo, otherEnketo, web, worker }: Existing) => {
    const environments = [web, worker, enketo, ...otherEnketo].filter((one) => one !== undefined);
    const names = [...new Set(environments.flatMap((one) => Object.keys(one.variables)))].sort();
    const notes = names.flatMap((name) => {
      const places = environments.filter((one) => name in one.variables);
      return noteOf(name, places) ?? [];
    });
    return {
      notes: [
        ...summary("The program sets for its own resources", [...SET_BY_PROGRAM, ...OF_ENKETO], names),
        ...summary("Each deployed version sets", SET_BY_VERSION, names),
        ...notes,
        ...plainSecrets(environments),
        ...referenced(environments),
      ],
    };
  },
};

/** One note about many variables that need no attention. */
function summary(whoSets: string, wanted: readonly string[], names: readonly string[]): Note[] {
  const found = names.filter((name) => wanted.includes(name));
  return found.length === 0 ? [] : [{ kind: "taken over", what: `${whoSets}: ${found.join(", ")}.` }];
}

function noteOf(name: string, places: readonly ExistingEnvironment[]): Note | undefined {
  if (HANDLED.has(name)) return undefined;
  const where = places.map((place) => place.name).join(", ");
  const former = FORMER_VARIABLES[name];
  if (former !== undefined) {
    return {
      kind: "changes",
      what: `The variable ${name} (${where}) stays behind.`,
      why: [
        former.unreadSince === undefined
          ? "Iaso does not read it."
          : `Iaso has not read it since ${former.unreadSince}.`,
        ...(former.instead === undefined ? [] : [`It reads ${former.instead} instead.`]),
      ].join(" "),
    };
  }
  const known = KNOWN.get(name);
  if (known === undefined) {
    return {
      kind: "unknown",
      what: `The variable ${name} (${where}) stays behind.`,
      why: "Iaso's settings do not read it. A plugin outside of Iaso's repository may.",
    };
  }
  if (contract.mustNotBeSet.includes(name)) {
    return {
      kind: "changes",
      what: `The variable ${name} (${where}) stays behind.`,
      why: known.secret
        ? "Instances get short-lived credentials of their role."
        : "It is a switch for development.",
    };
  }
  const isDefault = places.every(({ variables: own }) => isDefaultValue(own[name] ?? "", known.defaultValue));
  if (isDefault) return undefined;
  return {
    kind: "decide",
    what: `The variable ${name} (${where}) stays behind: the program has no setting for it.`,
    why: meaningOf(known),
  };
}

/** True if a variable changes nothing: Iaso takes an empty one for one that is not set. */
function isDefaultValue(value: string, byDefault: string | null): boolean {
  const plain = (text: string) => text.replaceAll(/^['"]|['"]$/g, "").toLowerCase();
  return value === "" || (byDefault !== null && plain(value) === plain(byDefault));
}

function meaningOf({ meaning, secret }: { meaning: string; secret: boolean }): string {
  const text = meaning === "presentation or optional feature" ? "Iaso reads it." : meaning;
  return secret ? `${text} It is a secret.` : text;
}

/** Secrets that stand in the environments as plain text. */
function plainSecrets(environments: readonly ExistingEnvironment[]): Note[] {
  return environments.flatMap(({ name, variables: own }) => {
    const found = Object.keys(own).filter(
      (variable) => KNOWN.get(variable)?.secret === true && own[variable] !== "",
    );
    if (found.length === 0) return [];
    return [
      {
        kind: "changes",
        what: `${name} has secrets as plain variables: ${found.sort().join(", ")}.`,
        why: "Everyone who may describe the environment reads them. On the new platform they are in Parameter Store, encrypted.",
      },
    ];
  });
}

/** Secrets that are references already. */
function referenced(environments: readonly ExistingEnvironment[]): Note[] {
  return environments.flatMap(({ name, secretVariables }) => {
    const found = Object.keys(secretVariables).sort();
    if (found.length === 0) return [];
    return [{ kind: "taken over", what: `${name} has secrets by reference: ${found.join(", ")}.` }];
  });
}

export const secrets: Part = {
  judge: ({ enketo, web, worker }) => {
    const has = (environment: ExistingEnvironment | undefined, variable: string) =>
      (environment?.variables[variable] ?? environment?.secretVariables[variable] ?? "") !== "";
    const carried = CARRIED_SECRETS.filter(({ role, variable }) => has({ web, enketo }[role], variable));
    const missing = CARRIED_SECRETS.filter(
      (secret) => secret.loss !== undefined && secret.role === "web" && !carried.includes(secret),
    );
    const notes: Note[] = [
      {
        kind: "taken over",
        what: `The secrets ${carried.map(({ name }) => name).join(", ")}, by npm run move -- secrets.`,
      },
      ...missing.map(({ loss = "", variable }): Note => ({
        kind: "decide",
        what: `${web.name} has no variable ${variable}.`,
        why: `Find where Iaso gets it: without it, ${loss}.`,
      })),
    ];
    for (const { role, variable } of CARRIED_SECRETS) {
      if (role !== "web" || worker === undefined) continue;
      const [one, other] = [web, worker].map(({ variables: own }) => own[variable] ?? "");
      if (one === other || one === "" || other === "") continue;
      notes.push({
        kind: "decide",
        what: `${variable} differs between ${web.name} and ${worker.name}.`,
        why: "The new platform has one value for both: that of the web environment.",
      });
    }
    return { notes };
  },
};

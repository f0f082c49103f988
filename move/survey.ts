import { listSettings, plainSettings } from "../settings/rules";
import type { Existing } from "./existing";
import type { Judgement, Note, Settings } from "./note";
import { PARTS } from "./parts";

/** The result of a survey: the settings of the new stack, and everything that people should know. */
export interface Survey {
  settings: Settings;
  /** The exceptions of the policy pack that the settings need. */
  policyConfig: Record<string, unknown>;
  notes: Note[];
}

const YEAR = 365 * 24 * 3600 * 1000;

/**
 * Derives the settings of a stack from an existing Iaso.
 *
 * @param setting The full key of a setting, for commands.
 */
export function surveyOf(
  existing: Existing,
  { now, setting, stack }: { now: Date; setting: (name: string) => string; stack: string },
): Survey {
  const set = (name: string) => {
    const isList = (listSettings as readonly string[]).includes(name);
    const key = isList ? `--path '${setting(name)}[0]'` : setting(name);
    return `pulumi config set --stack ${stack} ${key} VALUE`;
  };
  const judgements = PARTS.map(({ judge }) => judge(existing, set));
  const { dropped, settings } = accepted(judgements, set);
  const unread = existing.unread.map(({ what, why }): Note => ({
    kind: "unknown",
    what: `${what.charAt(0).toUpperCase()}${what.slice(1)} could not be read.`,
    why,
  }));
  return {
    settings,
    policyConfig: policyConfigOf(
      judgements.flatMap(({ mailDomains = [] }) => mailDomains),
      judgements.flatMap(({ existingHosts = [] }) => existingHosts),
      now,
    ),
    notes: [...judgements.flatMap(({ notes }) => notes), ...dropped, ...unread],
  };
}

/** Leaves out a value that the rule of its setting refuses, and says so. */
function accepted(
  judgements: readonly Judgement[],
  set: (name: string) => string,
): { settings: Settings; dropped: Note[] } {
  const all = Object.assign({}, ...judgements.map(({ settings = {} }) => settings)) as Settings;
  const settings: Settings = {};
  const dropped: Note[] = [];
  for (const name of Object.keys(all) as (keyof Settings)[]) {
    const value = all[name];
    if (plainSettings.shape[name].safeParse(textOf(value)).success) settings[name] = value;
    else
      dropped.push({
        kind: "decide",
        what: `The setting ${name}: the existing value does not fit.`,
        fix: set(name),
      });
  }
  return { settings, dropped };
}

/** A value as the program gets it: lists as JSON. */
function textOf(value: Settings[keyof Settings]): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

/**
 * @param mailDomains Domains of mail servers that the existing Iaso uses.
 * @param existingHosts Its host names.
 */
function policyConfigOf(
  mailDomains: readonly string[],
  existingHosts: readonly string[],
  now: Date,
): Record<string, unknown> {
  const expires = new Date(now.getTime() + YEAR).toISOString().slice(0, 10);
  const reason = "Enketo supports neither TLS nor AUTH for Redis; its security group lets only Enketo in";
  return {
    "redis-encrypted-in-transit": {
      exceptions: ["enketo-main", "enketo-cache"].map((resource) => ({ resource, reason, expires })),
    },
    ...(mailDomains.length > 0 && {
      "mail-server-known": {
        domains: ["amazonaws.com", "mailgun.org", ...mailDomains],
        reason: "The existing Iaso sends its mail through this server",
      },
    }),
    ...(existingHosts.length > 0 && {
      "certificates-fit": {
        alsoAllowed: existingHosts,
        reason: "The existing Iaso has these hosts until the cutover",
      },
    }),
  };
}

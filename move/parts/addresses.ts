import type { Existing } from "../existing";
import { type ExistingHost, zoneOf } from "../existing/dns";
import type { Judgement, Note, Part } from "../note";

/**
 * A name beside the existing one: `iaso.example.org` becomes `iaso-new.example.org`. The existing record stays in use
 * until the cutover, and `pulumi up` fails on a record that exists.
 */
function beside(host: string, zone: string | undefined): string {
  const [label = "", ...labels] = host.split(".");
  return host === zone ? `new.${host}` : [`${label}-new`, ...labels].join(".");
}

function judgeHost(
  setting: "webHost" | "enketoHost",
  variable: string,
  host: ExistingHost | undefined,
  set: string,
): { value: string | undefined; existing?: string; notes: Note[] } {
  if (host === undefined) {
    const why = `The web environment has no usable variable ${variable}.`;
    return {
      value: undefined,
      notes: [{ kind: "decide", what: `The host name of the setting ${setting}.`, why, fix: set }],
    };
  }
  const { name, target, zone } = host;
  if (target === undefined) {
    return { value: name, notes: [{ kind: "taken over", what: `The host name ${name} (${setting}).` }] };
  }
  const value = beside(name, zone?.name);
  return {
    value,
    existing: name,
    notes: [
      {
        kind: "changes",
        what: `${setting} is ${value} until the cutover.`,
        why: `The record of ${name} points to the existing platform, ${target}. With that name, pulumi up would fail.`,
      },
    ],
  };
}

export const addresses: Part = {
  judge: (existing, set) => {
    const web = judgeHost("webHost", "DNS_DOMAIN", existing.webHost, set("webHost"));
    const enketo = judgeHost("enketoHost", "ENKETO_URL", existing.enketoHost, set("enketoHost"));
    const zone = zoneName(existing, web.value ?? enketo.value ?? "");
    const inZone = (name: string | undefined) =>
      name === zone || name?.endsWith(`.${zone}`) === true ? name : undefined;
    const existingWebHost = inZone(web.existing);
    const existingEnketoHost = inZone(enketo.existing);
    const notes: Note[] = [...web.notes, ...enketo.notes, ...zoneNotes(existing, zone, set("hostedZone"))];
    if (enketo.value !== undefined && inZone(enketo.value) === undefined) {
      notes.push({
        kind: "decide",
        what: `Enketo's host name ${enketo.value} is not in the zone ${zone} of Iaso's.`,
        why: "A stack creates its records in one hosted zone.",
        fix: set("enketoHost"),
      });
    }
    const settings: Judgement["settings"] = {
      hostedZone: zone,
      webHost: inZone(web.value) ?? `iaso-new.${zone}`,
      enketoHost: inZone(enketo.value) ?? `enketo-new.${zone}`,
      ...(existingWebHost !== undefined && { existingWebHost }),
      ...(existingEnketoHost !== undefined && { existingEnketoHost }),
    };
    const existingHosts = [existingWebHost, existingEnketoHost].filter((host) => host !== undefined);
    return { settings, notes, existingHosts };
  },
};

function zoneName({ zones }: Existing, host: string): string {
  return zoneOf(zones, host)?.name ?? (host.split(".").slice(1).join(".") || "to-decide.invalid");
}

function zoneNotes({ zones }: Existing, zone: string, fix: string): Note[] {
  const found = zones.filter(({ name }) => name === zone);
  if (found.length === 1) return [{ kind: "taken over", what: `The hosted zone ${zone}.` }];
  return [
    {
      kind: "decide",
      what:
        found.length === 0
          ? `The account has no public hosted zone of ${zone}.`
          : `The account has ${found.length} public hosted zones ${zone}.`,
      why: "pulumi up looks the zone up by its name and creates all records in it.",
      fix,
    },
  ];
}

export const certificate: Part = {
  judge: ({ certificate: existing }) => ({
    notes:
      existing?.isImported === true
        ? [
            {
              kind: "changes",
              what: `The certificate of ${existing.host} is imported, and the new one is of ACM.`,
              why: "ACM renews its own certificates.",
            },
          ]
        : [],
  }),
};

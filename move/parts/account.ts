import { REGIONS } from "../../policies/facts/regions";
import { plainSettings, SUPPORTED_REGIONS } from "../../settings/rules";
import { zoneOf } from "../existing/dns";
import type { Note, Part } from "../note";

/** The region that the settings fall back to. */
const FALLBACK_REGION = "eu-central-1";

/** A supported region of the same part of the world; the first by name. */
function regionInstead(region: string): string {
  const [part = ""] = region.split("-");
  if (FALLBACK_REGION.startsWith(`${part}-`)) return FALLBACK_REGION;
  return SUPPORTED_REGIONS.find((other) => other.startsWith(`${part}-`)) ?? FALLBACK_REGION;
}

export const account: Part = {
  judge: ({ accountId, hasIdentityProvider, region, web, zones }, set) => {
    const host = web.variables["DNS_DOMAIN"] ?? "";
    const label = (zoneOf(zones, host)?.name ?? host.split(".").slice(-2).join(".")).split(".")[0] ?? "";
    const organization = plainSettings.shape.organization.safeParse(label).success ? label : "iaso";
    return {
      settings: { accountId, organization, createOidcProvider: !hasIdentityProvider },
      notes: [
        {
          kind: "decide",
          what: `The new platform is in the account of the existing one, ${accountId}.`,
          why: "An account of its own separates them completely. Then the snapshots, the hosted zone and the secrets need a way into that account.",
          fix: set("accountId"),
        },
        {
          kind: "decide",
          what: `The names of buckets begin with ${organization}.`,
          why: "They are unique among all AWS customers, and cannot be changed later.",
          fix: set("organization"),
        },
        ...(hasIdentityProvider
          ? [
              {
                kind: "taken over",
                what: "The account's identity provider for GitHub stays as it is.",
              } satisfies Note,
            ]
          : []),
        {
          kind: "taken over",
          what: `The existing Iaso is in ${region}.`,
        },
      ],
    };
  },
};

export const region: Part = {
  judge: ({ region: existing }, set) => {
    if (REGIONS[existing]?.acceptsSignatureVersion2 !== true)
      return { settings: { region: existing }, notes: [] };
    const instead = regionInstead(existing);
    return {
      settings: { region: instead },
      notes: [
        {
          kind: "decide",
          what: `The existing Iaso is in ${existing}, where S3 accepts Signature Version 2. The file has ${instead}.`,
          why: "Iaso signs some media links with Version 2 there, and the new media bucket refuses them. Whether patients' data may move to another region is a legal question.",
          fix: set("region"),
        },
      ],
    };
  },
};

export const repositories: Part = {
  judge: (_, set) => ({
    settings: {
      // Nobody can own these names: GitHub allows no two hyphens in a row, and gives no id 0.
      infrastructureRepository: "to--decide@0/iaso-on-aws@0",
      applicationRepository: "to--decide@0/iaso@0",
      alarmEmail: "alarms@to-decide.invalid",
    },
    notes: [
      {
        kind: "decide",
        what: "The GitHub repositories whose workflows update and deploy the platform.",
        why: "Until then, no workflow gets access.",
        fix: `${set("infrastructureRepository")}; ${set("applicationRepository")}`,
      },
      {
        kind: "decide",
        what: "The mailbox for alarms.",
        fix: set("alarmEmail"),
      },
    ],
  }),
};

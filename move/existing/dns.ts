import {
  ListResourceRecordSetsCommand,
  paginateListHostedZones,
  type ResourceRecordSet,
} from "@aws-sdk/client-route-53";
import type { Clients } from "../../doctor/clients";

/** A public hosted zone of the account. */
export interface ExistingZone {
  id: string;
  /** Without the dot at the end. */
  name: string;
}

/** A host name of the existing platform. */
export interface ExistingHost {
  name: string;
  /** The zone of the account that contains the name; undefined if there is none. */
  zone?: ExistingZone;
  /** The name that its record points to, without `dualstack.`; undefined if the zone has no record of the name. */
  target?: string;
}

export async function readZones({ route53 }: Clients): Promise<ExistingZone[]> {
  const zones: ExistingZone[] = [];
  for await (const { HostedZones = [] } of paginateListHostedZones({ client: route53 }, {})) {
    for (const { Id = "", Name = "", Config } of HostedZones) {
      if (Config?.PrivateZone === true) continue;
      zones.push({ id: Id.replace("/hostedzone/", ""), name: withoutDot(Name) });
    }
  }
  return zones;
}

/** The zone with the longest name that contains a host. */
export function zoneOf(zones: readonly ExistingZone[], host: string): ExistingZone | undefined {
  return zones
    .filter(({ name }) => host === name || host.endsWith(`.${name}`))
    .sort((one, other) => other.name.length - one.name.length)[0];
}

export async function readHost(
  { route53 }: Clients,
  zones: readonly ExistingZone[],
  name: string,
): Promise<ExistingHost> {
  const zone = zoneOf(zones, name);
  if (zone === undefined) return { name };
  // Records come in the order of their names, so those with this name come first.
  const { ResourceRecordSets = [] } = await route53.send(
    new ListResourceRecordSetsCommand({ HostedZoneId: zone.id, StartRecordName: name, MaxItems: 20 }),
  );
  const own = ResourceRecordSets.filter(({ Name = "" }) => withoutDot(Name) === name);
  return { name, zone, target: own.map(targetOf).find((target) => target !== undefined) };
}

function targetOf({ AliasTarget, ResourceRecords, Type }: ResourceRecordSet): string | undefined {
  if (!["A", "AAAA", "CNAME"].includes(Type ?? "")) return undefined;
  const target = AliasTarget?.DNSName ?? ResourceRecords?.[0]?.Value;
  return target === undefined ? undefined : withoutDot(target).replace(/^dualstack\./, "");
}

/** A name as Route 53 shows it, in lower case and without the dot at its end. */
export function withoutDot(name: string): string {
  return name.replace(/\.$/, "").toLowerCase();
}

import {
  ChangeResourceRecordSetsCommand,
  GetChangeCommand,
  ListResourceRecordSetsCommand,
  type ResourceRecordSet,
  type Route53Client,
  type RRType,
} from "@aws-sdk/client-route-53";
import { type Clock } from "../../coordination/clock";
import { withoutDot } from "../existing/dns";

/** A host name of the existing platform, and where it leads after the cutover. */
export interface MovedHost {
  host: string;
  /** The domain of the new Beanstalk environment, in `elasticbeanstalk.com`. */
  cname: string;
}

export interface Zones {
  /** Id of the hosted zone that contains the hosts. */
  zoneId: string;
  /** Id of the hosted zone of Beanstalk's domains in the region of the stack. */
  beanstalkZoneId: string;
}

/** The records of a host name as they are. */
export interface HostRecords extends MovedHost {
  current: ResourceRecordSet[];
  /** Seconds for which resolvers keep the current address. */
  ttl: number;
  /** True if the records lead to the new platform already. */
  isMoved: boolean;
}

/** The types of records that lead browsers to a server. */
const ADDRESSES: readonly string[] = ["A", "AAAA", "CNAME", "HTTPS"] satisfies RRType[];

/**
 * Seconds for which resolvers keep an alias to a load balancer or a Beanstalk environment.
 *
 * @see https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/resource-record-sets-values-alias-common.html
 */
const ALIAS_TTL = 60;

/** Milliseconds between two looks at a change. */
const POLL = 5_000;

/** Reads the records of each host. */
export async function readRecords(
  route53: Route53Client,
  zones: Zones,
  hosts: readonly MovedHost[],
): Promise<HostRecords[]> {
  const all: HostRecords[] = [];
  for (const moved of hosts) {
    // Records come in the order of their names, so those of the host are in the first page.
    const { ResourceRecordSets = [] } = await route53.send(
      new ListResourceRecordSetsCommand({ HostedZoneId: zones.zoneId, StartRecordName: moved.host }),
    );
    const current = ResourceRecordSets.filter(
      ({ Name, Type = "" }) => withoutDot(Name ?? "") === moved.host && ADDRESSES.includes(Type),
    );
    const ttl = Math.max(0, ...current.map(({ TTL, AliasTarget }) => (AliasTarget ? ALIAS_TTL : (TTL ?? 0))));
    const isMoved = current.length === 1 && current.every((record) => isSame(record, aliasOf(moved, zones)));
    all.push({ ...moved, current, ttl, isMoved });
  }
  return all;
}

/** The record that the program makes for a host: components/dns.ts. */
function aliasOf({ host, cname }: MovedHost, { beanstalkZoneId }: Zones): ResourceRecordSet {
  return {
    Name: host,
    Type: "A",
    AliasTarget: { DNSName: cname, HostedZoneId: beanstalkZoneId, EvaluateTargetHealth: false },
  };
}

function isSame(one: ResourceRecordSet, other: ResourceRecordSet): boolean {
  return (
    one.Type === other.Type &&
    one.SetIdentifier === undefined &&
    one.AliasTarget?.HostedZoneId === other.AliasTarget?.HostedZoneId &&
    withoutDot(one.AliasTarget?.DNSName ?? "") === withoutDot(other.AliasTarget?.DNSName ?? "") &&
    one.AliasTarget?.EvaluateTargetHealth === other.AliasTarget?.EvaluateTargetHealth
  );
}

/**
 * Points all hosts to the new platform in one change, which Route 53 makes as a whole or not at all, and waits until all
 * its servers have it. Does nothing for hosts that lead there already.
 *
 * @throws an error of Route 53 if a record has changed since it was read
 */
export async function pointRecords(
  route53: Route53Client,
  zones: Zones,
  hosts: readonly MovedHost[],
  clock: Pick<Clock, "sleep">,
): Promise<void> {
  const moving = (await readRecords(route53, zones, hosts)).filter(({ isMoved }) => !isMoved);
  if (moving.length === 0) return;
  const { ChangeInfo } = await route53.send(
    new ChangeResourceRecordSetsCommand({
      HostedZoneId: zones.zoneId,
      ChangeBatch: {
        Comment: "Cutover to the new platform",
        // A CNAME record allows no other record of its name, so the old records are deleted first.
        Changes: moving.flatMap((one) => [
          ...one.current.map((ResourceRecordSet) => ({ Action: "DELETE" as const, ResourceRecordSet })),
          { Action: "CREATE" as const, ResourceRecordSet: aliasOf(one, zones) },
        ]),
      },
    }),
  );
  const Id = ChangeInfo?.Id;
  let status = ChangeInfo?.Status;
  while (status === "PENDING") {
    await clock.sleep(POLL);
    status = (await route53.send(new GetChangeCommand({ Id }))).ChangeInfo?.Status;
  }
}

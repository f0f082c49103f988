import { AwsFault, type DoubleRequest, type DoubleResponse } from "../../deploy/double/protocol";
import type { RecordDouble, ZoneDouble } from "./account";
import type { DoubleCall } from "./aws";

const xml = (body: string): DoubleResponse => ({
  status: 200,
  headers: { "content-type": "text/xml" },
  body,
});

/** The labels of a name from the top down, by which Route 53 sorts. */
const sortKey = (name: string) => plain(name).split(".").reverse().join(".");

const plain = (name: string) => name.toLowerCase().replace(/\.$/, "");

/** The hosted zone of Beanstalk's domains in eu-central-1. */
const BEANSTALK_ZONE = "Z1FRNW7UH4DEZJ";

const TTL = 300;

/** A change has reached all servers after this many looks. */
const LOOKS = 2;

/** Looks at changes that have not reached all servers, by their id. */
const pending = new Map<string, number>();

/** The operation of a request to Route 53; undefined for one that the double does not know. */
export function route53Call({ body, method, path, query }: DoubleRequest): DoubleCall | undefined {
  const [, kind, id = "", rest] =
    /^\/2013-04-01\/(hostedzone|change)(?:\/([A-Z0-9]+))?(\/rrset\/?)?$/.exec(path) ?? [];
  if (kind === "change" && method === "GET")
    return { action: "route53:GetChange", answer: () => changeStatus(id) };
  if (kind !== "hostedzone") return undefined;
  if (id === "" && method === "GET")
    return { action: "route53:ListHostedZones", answer: ({ zones }) => listZones(zones, query) };
  if (rest === undefined) return undefined;
  const inZone =
    (run: (zone: ZoneDouble) => DoubleResponse) =>
    ({ zones }: { zones: ZoneDouble[] }) => {
      const zone = zones.find((one) => one.id === id);
      if (zone === undefined)
        throw new AwsFault("NoSuchHostedZone", `No hosted zone found with ID: ${id}`, 404);
      return run(zone);
    };
  return method === "POST"
    ? { action: "route53:ChangeResourceRecordSets", answer: inZone((zone) => change(zone, body.toString())) }
    : { action: "route53:ListResourceRecordSets", answer: inZone((zone) => listRecords(zone, query)) };
}

/** One zone to a page. */
function listZones(zones: readonly ZoneDouble[], query: URLSearchParams): DoubleResponse {
  const start = Number(query.get("marker") ?? 0);
  const next = start + 1;
  const listed = zones
    .slice(start, next)
    .map(
      ({ id, isPrivate, name }) =>
        `<HostedZone><Id>/hostedzone/${id}</Id><Name>${name}.</Name><CallerReference>x</CallerReference>` +
        `<Config><PrivateZone>${isPrivate}</PrivateZone></Config></HostedZone>`,
    );
  const isTruncated = next < zones.length;
  return xml(
    `<ListHostedZonesResponse><HostedZones>${listed.join("")}</HostedZones><IsTruncated>${isTruncated}</IsTruncated>` +
      `${isTruncated ? `<NextMarker>${next}</NextMarker>` : ""}<MaxItems>1</MaxItems></ListHostedZonesResponse>`,
  );
}

function listRecords({ records }: ZoneDouble, query: URLSearchParams): DoubleResponse {
  const from = sortKey(query.get("name") ?? "");
  const listed = records
    .filter(({ name }) => sortKey(name) >= from)
    .sort((one, other) => (sortKey(one.name) < sortKey(other.name) ? -1 : 1))
    .map(
      ({ alias, name, target, type }) =>
        `<ResourceRecordSet><Name>${name}.</Name><Type>${type}</Type>` +
        (alias !== undefined
          ? `<AliasTarget><HostedZoneId>${alias}</HostedZoneId><DNSName>${target}.</DNSName><EvaluateTargetHealth>false</EvaluateTargetHealth></AliasTarget>`
          : `<TTL>${TTL}</TTL><ResourceRecords><ResourceRecord><Value>${target}</Value></ResourceRecord></ResourceRecords>`) +
        "</ResourceRecordSet>",
    );
  return xml(
    `<ListResourceRecordSetsResponse><ResourceRecordSets>${listed.join("")}</ResourceRecordSets>` +
      "<IsTruncated>false</IsTruncated><MaxItems>300</MaxItems></ListResourceRecordSetsResponse>",
  );
}

/**
 * Makes all changes of a batch or none, and refuses what Route 53 refuses.
 *
 * @see https://docs.aws.amazon.com/Route53/latest/APIReference/API_ChangeResourceRecordSets.html
 */
function change(zone: ZoneDouble, body: string): DoubleResponse {
  let records = [...zone.records];
  const faults: string[] = [];
  for (const [, text = ""] of body.matchAll(/<Change>(.*?)<\/Change>/gs)) {
    const field = (name: string) => new RegExp(`<${name}>([^<]*)</${name}>`).exec(text)?.[1];
    const record: RecordDouble = {
      name: plain(field("Name") ?? ""),
      type: field("Type") ?? "",
      target: plain(field("DNSName") ?? field("Value") ?? ""),
      ...(field("HostedZoneId") !== undefined && { alias: field("HostedZoneId") }),
    };
    const named = `name='${record.name}.', type='${record.type}'`;
    const same = records.find(({ name, type }) => name === record.name && type === record.type);
    if (field("Action") === "DELETE") {
      if (same === undefined)
        faults.push(`Tried to delete resource record set [${named}] but it was not found`);
      else if (
        same.alias !== record.alias ||
        plain(same.target) !== record.target ||
        (record.alias === undefined && field("TTL") !== String(TTL))
      )
        faults.push(
          `Tried to delete resource record set [${named}] but the values provided do not match the current values`,
        );
      records = records.filter((one) => one !== same);
      continue;
    }
    if (same !== undefined && field("Action") === "CREATE")
      faults.push(`Tried to create resource record set [${named}] but it already exists`);
    if (record.name !== zone.name && !record.name.endsWith(`.${zone.name}`))
      faults.push(`RRSet with DNS name ${record.name}. is not permitted in zone ${zone.name}.`);
    const isBeanstalk = record.target.endsWith(".elasticbeanstalk.com");
    if (isBeanstalk && record.alias !== undefined && record.alias !== BEANSTALK_ZONE)
      faults.push(
        `Tried to create an alias that targets ${record.target}., type ${record.type} in zone ${record.alias}, but the alias target name does not lie within the target zone`,
      );
    const others = records.filter(({ name, type }) => name === record.name && type !== record.type);
    if (others.some(({ type }) => type === "CNAME" || record.type === "CNAME"))
      faults.push(
        `RRSet of type ${record.type} with DNS name ${record.name}. is not permitted because a conflicting RRSet of type ${others[0]?.type ?? ""} with the same DNS name already exists in zone ${zone.name}.`,
      );
    records = [...records.filter((one) => one !== same), record];
  }
  if (faults.length > 0) throw new AwsFault("InvalidChangeBatch", `[${faults.join(", ")}]`);
  zone.records = records;
  const id = `C${pending.size + 1}`;
  pending.set(id, LOOKS);
  return xml(
    `<ChangeResourceRecordSetsResponse>${changeInfo(id, "PENDING")}</ChangeResourceRecordSetsResponse>`,
  );
}

function changeStatus(id: string): DoubleResponse {
  const looks = pending.get(id);
  if (looks === undefined) throw new AwsFault("NoSuchChange", `Could not find resource with ID: ${id}`, 404);
  pending.set(id, looks - 1);
  return xml(`<GetChangeResponse>${changeInfo(id, looks > 1 ? "PENDING" : "INSYNC")}</GetChangeResponse>`);
}

const changeInfo = (id: string, status: string) =>
  `<ChangeInfo><Id>/change/${id}</Id><Status>${status}</Status><SubmittedAt>2026-11-26T10:00:00Z</SubmittedAt></ChangeInfo>`;

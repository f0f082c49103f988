import { ListResourceRecordSetsCommand, type ResourceRecordSet } from "@aws-sdk/client-route-53";
import { type Check, type Finding, ok } from "../check";
import type { Context } from "../context";

export const hostedZone: Check = {
  name: "hosted zone",
  phase: "preflight",
  async check(context) {
    const { hostedZone: name } = context.stack;
    const zones = await context.zones();
    if (zones.length === 1) return ok(zones[0]?.id);
    const why = "pulumi up looks the zone up by its name and creates all records in it.";
    if (zones.length === 0) {
      return {
        findings: [
          {
            wrong: `The account has no public hosted zone ${name}.`,
            why,
            fix: `aws route53 create-hosted-zone --name ${name} --caller-reference iaso-${context.now.getTime()}`,
          },
        ],
      };
    }
    const ids = zones.map(({ id }) => id);
    return {
      findings: [
        {
          wrong: `The account has ${zones.length} public hosted zones ${name}: ${ids.join(", ")}.`,
          why,
          fix: `Delete those that the domain is not delegated to: aws route53 delete-hosted-zone --id ${ids.at(-1) ?? ""}`,
        },
      ],
    };
  },
};

/** @see https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/dns-routing-traffic-for-subdomains.html */
export const delegation: Check = {
  name: "DNS delegation",
  phase: "preflight",
  async check(context) {
    const { hostedZone: name } = context.stack;
    const zone = await context.zone();
    const expected = normal(zone.nameServers);
    const actual = normal(await context.dns.nameServers(name));
    if (actual.length > 0 && actual.every((server) => expected.includes(server))) return ok();
    const found = actual.length === 0 ? "DNS has no NS records for it" : `DNS answers ${actual.join(", ")}`;
    return {
      findings: [
        {
          wrong: `${name} is not delegated to the hosted zone ${zone.id}: ${found}.`,
          why: "Nobody sees the records of the zone, so certificates stay unvalidated and pulumi up waits for them until it fails.",
          fix: `At the registrar, or in the parent zone, set the NS records of ${name} to ${expected.join(", ")}`,
        },
      ],
    };
  },
};

/** Records with the names of ours, before the stack has created its own. */
export const recordNames: Check = {
  name: "DNS names free",
  phase: "preflight",
  async check(context) {
    if (await context.exists()) return ok("the stack has its records");
    const zone = await context.zone();
    const findings = await Promise.all(
      wantedRecords(context.stack).map(async ({ name, types }): Promise<Finding[]> => {
        const { ResourceRecordSets = [] } = await context.clients.route53.send(
          new ListResourceRecordSetsCommand({ HostedZoneId: zone.id, StartRecordName: name, MaxItems: 20 }),
        );
        return ResourceRecordSets.filter((set) => isInTheWay(set, name, types)).map((set) => ({
          wrong: `The hosted zone ${context.stack.hostedZone} already has a record ${set.Type ?? ""} ${name}.`,
          why: "pulumi up fails when it creates its own record of this name.",
          fix:
            `If nothing uses the record, delete it: aws route53 change-resource-record-sets --hosted-zone-id ${zone.id} ` +
            `--change-batch '${JSON.stringify({ Changes: [{ Action: "DELETE", ResourceRecordSet: set }] })}'`,
        }));
      }),
    );
    return { findings: findings.flat() };
  },
};

interface WantedRecord {
  name: string;
  types: string[];
}

/** The records of components/dns.ts. */
function wantedRecords({ hosts, mail: { mailgun } }: Context["stack"]): WantedRecord[] {
  const wanted = Object.entries(hosts).map(([role, name]) => ({
    name,
    types: role === "static" ? ["A", "AAAA"] : ["A"],
  }));
  if (mailgun === undefined) return wanted;
  return [
    ...wanted,
    { name: mailgun.domain, types: ["MX", "TXT"] },
    { name: `${mailgun.dkimSelector}._domainkey.${mailgun.domain}`, types: ["TXT"] },
    { name: `email.${mailgun.domain}`, types: ["CNAME"] },
  ];
}

/** A CNAME allows no other record of its name. */
function isInTheWay({ Name, Type }: ResourceRecordSet, name: string, types: string[]): boolean {
  if (Name !== `${name}.` || Type === undefined) return false;
  return types.includes(Type) || Type === "CNAME" || types.includes("CNAME");
}

function normal(servers: string[]): string[] {
  return servers.map((server) => server.toLowerCase().replace(/\.$/, "")).sort();
}

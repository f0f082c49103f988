import { dependenciesOf, every, regionsOf, Stack, tagOf } from "../../context";
import { REGIONS } from "../../facts/regions";
import { Resource, ResourceOf } from "../../resource";
import { defineRule } from "../../rule";
import { array, demand, groupBy, hasUnknown, isUnknown, text } from "../../values";
import { ENVIRONMENT, optionOf, VARIABLES } from "../../optionSettings";

export const RECORD = "aws:route53/record:Record";
export const DISTRIBUTION = "aws:cloudfront/distribution:Distribution";
export const CERTIFICATE = "aws:acm/certificate:Certificate";

type DnsRecord = ResourceOf<typeof RECORD>;

/** @see https://docs.aws.amazon.com/Route53/latest/APIReference/API_AliasTarget.html */
const CLOUDFRONT_ZONE = "Z2FDTNDATAQYW2";

/** The types of records that name a host, a mail server or a text; the others hand a name to somebody else. */
const TYPES = ["A", "AAAA", "CAA", "CNAME", "MX", "TXT"];

/** A CAA record that lets only ACM issue certificates: https://docs.aws.amazon.com/acm/latest/userguide/setup-caa.html */
const CAA =
  /^(0|128) (issue|issuewild) "(;|amazon\.com|amazontrust\.com|awstrust\.com|amazonaws\.com)"$|^(0|128) iodef "mailto:[^"@\s]+@[^"@\s]+"$/;

/** The properties of a record that decide among several answers. This program has one answer for each name. */
const ROUTING =
  /^(cidr|failover|geolocation|geoproximity|latency|multivalue|weighted)\w*Polic(y|ies)$|^multivalueAnswerRoutingPolicy$|^setIdentifier$|^healthCheckId$/;

const HOST = /^(?=.{1,253}\.?$)([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?\.)+[a-z]{2,}\.?$/i;

/** The zone of most records: the one that the settings name. */
const zoneOf = ({ once, ofType }: Stack): string =>
  once("hosted zone", () => {
    const zones = groupBy(ofType(RECORD), ({ inputs }) => text(inputs.zoneId));
    return [...zones].sort(([, a], [, b]) => b.length - a.length)[0]?.[0] ?? "";
  });

/** True if a record proves the ownership of a name to ACM, for a certificate of this program. */
const isValidation = (record: DnsRecord): boolean =>
  dependenciesOf(record, "records").some((urn) => urn.includes(CERTIFICATE)) ||
  (text(record.inputs.name).startsWith("_") &&
    array(record.inputs.records).every((one) => text(one).endsWith(".acm-validations.aws.")));

/** The host of a variable with an address, in one environment. */
const hostIn = (environment: ResourceOf<typeof ENVIRONMENT>, name: string): string =>
  /^https:\/\/([^/:]+)/.exec(text(optionOf(environment, VARIABLES, name)))?.[1] ?? "";

/** The environments and distributions by the host that leads to them. */
export const servers = (stack: Stack): Map<string, Resource[]> =>
  stack.once("servers by host", () => {
    const environments = stack.ofType(ENVIRONMENT);
    const hosts = (variable: string) => new Set(environments.map((one) => hostIn(one, variable)));
    const ofRole = (role: string, variable: string) =>
      [...hosts(variable)].flatMap((host) =>
        environments
          .filter((one) => tagOf(one, "role") === role && host !== "")
          .map((server) => ({ host, server: server })),
      );
    const ofDistributions = stack
      .ofType(DISTRIBUTION)
      .flatMap((server) =>
        array(server.inputs.aliases).map((host) => ({ host: text(host), server: server })),
      );
    const all = groupBy(
      [...ofRole("web", "SERVER_URL"), ...ofRole("enketo", "ENKETO_URL"), ...ofDistributions],
      ({ host }) => host,
    );
    return new Map([...all].map(([host, pairs]) => [host, pairs.map(({ server }) => server)]));
  });

/** The records by type and name. */
const recordsBy = (stack: Stack): Map<string, Resource[]> =>
  stack.once("records by type and name", () =>
    groupBy(every(stack, RECORD), ({ inputs }) => `${text(inputs.type)} ${hostOf(inputs.name)}`),
  );

/** The domains that have a DKIM record. */
const signedDomains = (stack: Stack): Set<string> =>
  stack.once(
    "domains with DKIM",
    () =>
      new Set(
        every(stack, RECORD).flatMap(
          ({ inputs }) => /\._domainkey\.(.+)$/.exec(text(inputs.name))?.[1] ?? [],
        ),
      ),
  );

/** A host name without the dot at its end. */
export const hostOf = (name: unknown): string => text(name).replace(/\.$/, "");

/** Returns what is wrong with the alias of a record. */
function aliasProblems(record: DnsRecord, stack: Stack): string[] {
  return array(record.inputs.aliases).flatMap((alias) => {
    const { name, zoneId } = alias as Record<string, unknown>;
    const sources = dependenciesOf(record, "aliases").flatMap((urn) => stack.withUrn(urn) ?? []);
    const wanted = servers(stack).get(hostOf(record.inputs.name)) ?? [];
    const isNamed = wanted.some(({ urn, type, outputs, inputs }) => {
      const own = type === DISTRIBUTION ? outputs?.domainName : outputs?.cname;
      if (isUnknown(name) || isUnknown(own) || own === undefined)
        return sources.some((source) => source.urn === urn);
      return text(name).toLowerCase() === text(own).toLowerCase() && text(inputs.name ?? "x") !== "";
    });
    const zones =
      wanted[0]?.type === DISTRIBUTION
        ? [CLOUDFRONT_ZONE]
        : regionsOf(stack).map((region) => REGIONS[region]?.beanstalkHostedZone ?? "");
    return [
      ...(isNamed
        ? []
        : [
            `The record leads to ${JSON.stringify(name)}, which does not serve ${text(record.inputs.name)}. Write the address of the environment or distribution for this host.`,
          ]),
      ...(isUnknown(zoneId) && sources.length > 0
        ? []
        : demand(zoneId, zones.includes(text(zoneId)), "zoneId of the alias", zones.join(" or "))),
      ...demand(
        (alias as Record<string, unknown>).evaluateTargetHealth,
        text((alias as Record<string, unknown>).evaluateTargetHealth ?? "false") === "false" ||
          !zones.includes(CLOUDFRONT_ZONE),
        "evaluateTargetHealth",
        "false: Route 53 refuses it for a distribution",
      ),
    ];
  });
}

/** True for the addresses of a few servers: a network of up to 4096 addresses of IPv4, or a customer's of IPv6. */
function isMailServer(term: string): boolean {
  const [, family, , length] = /^(ip4|ip6):([0-9a-f.:]+)(?:\/(\d+))?$/i.exec(term) ?? [];
  return family === "ip4" ? Number(length ?? 32) >= 20 : family === "ip6" && Number(length ?? 128) >= 48;
}

/** Returns what is wrong with one text of a TXT record. Other texts prove the ownership of a name to somebody else. */
function textProblems(value: unknown, hosts: string[]): string[] {
  if (isUnknown(value)) return ["A text is unknown. Write it."];
  const words = text(value).replaceAll(/"\s*"|^"|"$/g, "");
  if (/^v=DMARC1;/.test(words) || /^(v=DKIM1; ?)?k=rsa; ?p=[A-Za-z0-9+/=]{32,}$/.test(words)) return [];
  if (!words.startsWith("v=spf1 "))
    return [`Text ${JSON.stringify(words.slice(0, 40))} is neither SPF, DKIM nor DMARC. Remove it.`];
  const [, ...terms] = words.split(/\s+/);
  const last = terms.pop() ?? "";
  const foreign = terms.filter(
    (term) =>
      !hosts.some((host) => term === `include:${host}` || term.endsWith(`.${host}`)) && !isMailServer(term),
  );
  return [
    ...(/^[-~]all$/.test(last)
      ? []
      : [`SPF ends with ${last}, so that others may send mail in this name. Write ~all.`]),
    ...foreign.map((term) => `SPF names ${term}. Write hosts of the mail service only.`),
  ];
}

export const dnsOwnNames = defineRule({
  name: "dns-own-names",
  kind: "closed world",
  types: [RECORD],
  description:
    "A DNS record leads to the environment or distribution for its host, to the mail service, or proves a certificate; none hands a name to others",
  why: "whoever gets a name gets the passwords that people type there",
  severity: "critical",
  neighbours: true,
  parameters: {
    mailHosts: { type: "array", default: ["mailgun.org"], description: "Domains of the mail service" },
  },
  check: (record, stack) => {
    const { name, type, zoneId, records, aliases, ttl, allowOverwrite } = record.inputs;
    const { mailHosts } = stack.parameters;
    const validates = isValidation(record);
    const isMailHost = (value: unknown) =>
      mailHosts.some(
        (host) => text(value).replace(/\.$/, "").toLowerCase().endsWith(`.${host}`) || text(value) === host,
      );
    const values = array(records);
    const routing = Object.keys(record.inputs).filter(
      (one) =>
        ROUTING.test(one) && JSON.stringify(record.inputs[one as keyof typeof record.inputs] ?? "") !== '""',
    );
    const isAlias = array(aliases).length > 0;
    return [
      ...demand(type, TYPES.includes(text(type)), "type", TYPES.join(", ")),
      ...(isUnknown(name)
        ? []
        : demand(name, HOST.test(text(name)), "name", "a host name without a wildcard")),
      ...demand(
        zoneId,
        text(zoneId) !== "" && text(zoneId) === zoneOf(stack),
        "zoneId",
        "the zone of the other records",
      ),
      ...routing.map((one) => `${one} is set. Remove it.`),
      ...(isAlias !== values.length > 0
        ? []
        : ["The record has no answer, or two kinds. Write records or aliases."]),
      ...(isAlias
        ? aliasProblems(record, stack)
        : demand(ttl, Number(ttl) >= 60 && Number(ttl) <= 86_400, "ttl", "60 to 86400")),
      ...(isAlias || !["A", "AAAA"].includes(text(type))
        ? []
        : ["The record names an address. Write an alias."]),
      ...(isAlias && ttl !== undefined ? ["ttl is set beside aliases. Remove it."] : []),
      ...(values.filter((value) => /^"?v=spf1 /.test(text(value))).length > 1
        ? ["The record has several SPF texts, which receivers treat as an error. Write one."]
        : []),
      ...(isAlias && !["A", "AAAA"].includes(text(type))
        ? ["The alias is neither A nor AAAA. Write A."]
        : []),
      ...(text(allowOverwrite) === "true" && !validates
        ? ["allowOverwrite takes a name from its owner. Remove it."]
        : []),
      ...(type === "CNAME"
        ? values
            .filter((value) => !validates && !isMailHost(value))
            .map(
              (value) =>
                `The record leads to ${JSON.stringify(value)}. Write a host of the mail service, or remove it.`,
            )
        : []),
      ...(type === "CNAME" &&
      validates &&
      !hasUnknown(records) &&
      !values.every((value) => text(value).endsWith(".acm-validations.aws."))
        ? ["The record does not prove the certificate. Write what ACM asks for."]
        : []),
      ...(type === "MX"
        ? values
            .filter((value) => !/^\d+ /.test(text(value)) || !isMailHost(text(value).split(" ")[1]))
            .map((value) => `Mail goes to ${JSON.stringify(value)}. Write a host of the mail service.`)
        : []),
      ...(type === "CAA"
        ? values
            .filter((value) => !CAA.test(text(value)))
            .map((value) => `The record permits ${JSON.stringify(value)}. Write 0 issue "amazon.com".`)
        : []),
      ...(type === "TXT" ? values.flatMap((value) => textProblems(value, mailHosts)) : []),
    ];
  },
});

export const dnsWhole = defineRule({
  name: "dns-whole",
  kind: "values together",
  types: [ENVIRONMENT, DISTRIBUTION, RECORD],
  description:
    "Each host of the platform has a record; a domain that sends mail has SPF, DKIM and MX records",
  why: "nobody would reach the platform, and its mail would be spam",
  severity: "high",
  neighbours: true,
  check: (resource, stack) => {
    const missing = (type: string, name: string) =>
      recordsBy(stack).has(`${type} ${name}`) ? [] : [`${name} has no record of type ${type}. Write one.`];
    if (resource.type === ENVIRONMENT)
      return ["SERVER_URL", "ENKETO_URL"]
        .map((name) => hostIn(resource, name))
        .filter((host) => host !== "")
        .flatMap((host) => missing("A", host));
    if (resource.type === DISTRIBUTION)
      return array(resource.inputs.aliases)
        .map(text)
        .flatMap((host) => [
          ...missing("A", host),
          ...(resource.inputs.isIpv6Enabled === true ? missing("AAAA", host) : []),
        ]);
    const name = text(resource.inputs.name);
    const isSpf =
      resource.inputs.type === "TXT" &&
      array(resource.inputs.records).some((one) => /v=spf1/.test(text(one)));
    if (isSpf || resource.inputs.type === "MX") {
      return [
        ...missing("MX", name),
        ...missing("TXT", name),
        ...(signedDomains(stack).has(name) ? [] : [`${name} has no DKIM record. Write one.`]),
      ];
    }
    const [, domain] = /\._domainkey\.(.+)$/.exec(name) ?? [];
    return domain === undefined ? [] : missing("MX", domain);
  },
});

import { PreviewResource, Properties, PropertyValue, UNKNOWN } from "../../graph/document";
import { isWithin, rangeOf } from "../../policies/facts/ipRanges";
import { own } from "../values";

/** One rule of a security group: who can open connections to or from its members. */
export interface NetworkRule {
  /** URN of the group if it belongs to this stack, otherwise its id. */
  group: string;
  direction: "in" | "out";
  /** `-1` for all. */
  protocol: string;
  fromPort: number;
  toPort: number;
  /** A CIDR block, a prefix list, or a group as above. */
  peer: string;
}

const INGRESS_RULE = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule";
const EGRESS_RULE = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule";
const GROUP = "aws:ec2/securityGroup:SecurityGroup";

const LAST_PORT = 65_535;

/**
 * The rules of the security groups of a stack, by URN of the resource that is the rule. Rules inside a group do not
 * occur: the policy no-inline-security-rules forbids them.
 */
export function networkRulesOf(resources: Iterable<PreviewResource>): Map<string, NetworkRule[]> {
  const all = [...resources];
  const groups = all.filter(({ type }) => type === GROUP);
  const urns = new Set(groups.map(({ urn }) => urn));
  const byId = new Map(groups.map(({ id, urn }) => [id, urn]));
  /** The group that a property names: by URN, so that a replaced group is the same group. */
  const groupOf = ({ inputs, propertyDependencies }: PreviewResource, property: string): string => {
    const [source, ...others] = (own(propertyDependencies, property) ?? []).filter((urn) => urns.has(urn));
    if (source !== undefined && others.length === 0) return source;
    const id = known(own(inputs, property));
    if (id === undefined) return (own(propertyDependencies, property) ?? []).join(" ");
    return byId.get(id) ?? id;
  };
  return new Map(all.map((resource) => [resource.urn, rulesOf(resource, groupOf)]));
}

function rulesOf(
  resource: PreviewResource,
  groupOf: (resource: PreviewResource, property: string) => string,
): NetworkRule[] {
  const { type, inputs } = resource;
  if (type !== INGRESS_RULE && type !== EGRESS_RULE) return [];
  const peers = ["cidrIpv4", "cidrIpv6", "prefixListId"].flatMap((key) => known(own(inputs, key)) ?? []);
  if (own(inputs, "referencedSecurityGroupId") !== undefined) {
    peers.push(groupOf(resource, "referencedSecurityGroupId"));
  }
  return peers.map((peer) => ({
    group: groupOf(resource, "securityGroupId"),
    direction: type === INGRESS_RULE ? "in" : "out",
    ...ports(inputs, own(inputs, "ipProtocol")),
    peer,
  }));
}

/** True if another rule allows the same traffic. */
export function isCovered(rule: NetworkRule, by: NetworkRule): boolean {
  return (
    rule.group === by.group &&
    rule.direction === by.direction &&
    (by.protocol === "-1" || by.protocol === rule.protocol) &&
    by.fromPort <= rule.fromPort &&
    rule.toPort <= by.toPort &&
    (rule.peer === by.peer ||
      isWithin(rule.peer, by.peer) ||
      // Members of a group have IPv4 addresses.
      (by.peer === "0.0.0.0/0" && rangeOf(rule.peer)?.family !== "ipv6"))
  );
}

/** True if a CIDR block has more addresses than any private network: it stands for the internet. */
export function isInternet(peer: string): boolean {
  const range = rangeOf(peer);
  return range !== undefined && range.length < (range.family === "ipv4" ? 8 : 16);
}

function ports(rule: Properties, protocol: PropertyValue | undefined) {
  const name =
    typeof protocol === "string" || typeof protocol === "number" ? String(protocol).toLowerCase() : "-1";
  const all = name === "-1" || name === "all";
  const port = (key: string, otherwise: number) => {
    const value = Number(own(rule, key) ?? otherwise);
    return all || Number.isNaN(value) || value === -1 ? otherwise : value;
  };
  return { protocol: all ? "-1" : name, fromPort: port("fromPort", 0), toPort: port("toPort", LAST_PORT) };
}

function known(value: PropertyValue | undefined): string | undefined {
  return typeof value === "string" && value !== "" && value !== UNKNOWN ? value : undefined;
}

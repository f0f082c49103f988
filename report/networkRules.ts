import { BlockList, isIP } from "node:net";
import { PreviewResource, Properties, PropertyValue, UNKNOWN } from "../graph/document";
import { asList, isObject, own } from "./values";

/** One rule of a security group: who may open connections to or from it. */
export interface NetworkRule {
  /** URN of the group where it is of this stack, its id otherwise. */
  group: string;
  direction: "in" | "out";
  /** `-1` for all. */
  protocol: string;
  fromPort: number;
  toPort: number;
  /** A block of addresses, a prefix list, or a group as above. */
  peer: string;
}

const INGRESS_RULE = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule";
const EGRESS_RULE = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule";
const OLD_RULE = "aws:ec2/securityGroupRule:SecurityGroupRule";
const GROUPS = new Set([
  "aws:ec2/securityGroup:SecurityGroup",
  "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup",
]);

const LAST_PORT = 65_535;

/** The rules of all resources of a stack, by URN: some are rules, some are groups with rules inside. */
export function networkRulesOf(resources: Iterable<PreviewResource>): Map<string, NetworkRule[]> {
  const all = [...resources];
  const groups = new Map(
    all.filter(({ type, id }) => GROUPS.has(type) && id !== "").map(({ id, urn }) => [id, urn]),
  );
  return new Map(
    all.map((resource) => [
      resource.urn,
      rulesOf(resource).map((rule) => ({
        ...rule,
        group: groups.get(rule.group) ?? rule.group,
        peer: groups.get(rule.peer) ?? rule.peer,
      })),
    ]),
  );
}

function rulesOf(resource: PreviewResource): NetworkRule[] {
  const { type, inputs, urn } = resource;
  if (GROUPS.has(type)) {
    const group = urn;
    return (["ingress", "egress"] as const).flatMap((key) =>
      asList(own(inputs, key))
        .filter(isObject)
        .flatMap((rule) => rules(rule, group, key === "ingress" ? "in" : "out")),
    );
  }
  const group = reference(resource, "securityGroupId");
  if (type === OLD_RULE) return rules(inputs, group, own(inputs, "type") === "egress" ? "out" : "in");
  if (type !== INGRESS_RULE && type !== EGRESS_RULE) return [];
  const peers = ["cidrIpv4", "cidrIpv6", "prefixListId"].flatMap((key) => known(own(inputs, key)) ?? []);
  if (own(inputs, "referencedSecurityGroupId") !== undefined) {
    peers.push(reference(resource, "referencedSecurityGroupId"));
  }
  return peers.map((peer) => ({
    group,
    direction: type === INGRESS_RULE ? "in" : "out",
    ...ports(inputs, own(inputs, "ipProtocol")),
    peer,
  }));
}

/** Whether the traffic that a rule lets through was let through by another one. */
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
      (by.peer === "0.0.0.0/0" && block(rule.peer)?.family !== "ipv6"))
  );
}

/** Whether a block of addresses lies within another; an address is a block of one. */
export function isWithin(inner: string, outer: string): boolean {
  const [innerBlock, outerBlock] = [block(inner), block(outer)];
  if (innerBlock === undefined || outerBlock === undefined) return false;
  if (innerBlock.family !== outerBlock.family || innerBlock.length < outerBlock.length) return false;
  const list = new BlockList();
  list.addSubnet(outerBlock.address, outerBlock.length, outerBlock.family);
  return list.check(innerBlock.address, innerBlock.family);
}

/** Whether a block holds so many addresses that it stands for the internet: more than any private network has. */
export function isInternet(peer: string): boolean {
  const found = block(peer);
  return found !== undefined && found.length < (found.family === "ipv4" ? 8 : 16);
}

function block(text: string): { address: string; length: number; family: "ipv4" | "ipv6" } | undefined {
  const [, address = "", suffix] = /^([\da-f.:]+)(?:\/(\d{1,3}))?$/i.exec(text) ?? [];
  const version = isIP(address);
  if (version === 0) return undefined;
  const most = version === 4 ? 32 : 128;
  const length = suffix === undefined ? most : Number(suffix);
  return length > most ? undefined : { address, length, family: version === 4 ? "ipv4" : "ipv6" };
}

/** Rules in the old form, in which one has many peers. */
function rules(rule: Properties, group: string, direction: "in" | "out"): NetworkRule[] {
  const lists = ["cidrBlocks", "ipv6CidrBlocks", "prefixListIds", "securityGroups", "sourceSecurityGroupId"];
  const peers = lists.flatMap((key) => asList(own(rule, key)).flatMap((item) => known(item) ?? []));
  if (own(rule, "self") === true) peers.push(group);
  return peers.map((peer) => ({ group, direction, ...ports(rule, own(rule, "protocol")), peer }));
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

/** What a property refers to: the id, or what it will be made from. */
function reference({ inputs, propertyDependencies }: PreviewResource, property: string): string {
  return known(own(inputs, property)) ?? (propertyDependencies[property] ?? []).join(" ");
}

function known(value: PropertyValue | undefined): string | undefined {
  return typeof value === "string" && value !== "" && value !== UNKNOWN ? value : undefined;
}

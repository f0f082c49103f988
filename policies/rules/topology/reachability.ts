import { every, Stack, tagOf } from "../../context";
import { isEveryAddress, rangeOf } from "../../facts/ipRanges";
import { targetsOf } from "../../references";
import { Resource } from "../../resource";
import { ENVIRONMENT, optionOf } from "../../optionSettings";
import { defineRule } from "../../rule";
import {
  BALANCER_GROUPS,
  DATABASE,
  GROUP,
  groupsByOption,
  INSTANCE_GROUPS,
  Member,
  Membership,
  membersOf,
  REDIS,
} from "../../topology";
import { array, demand, isUnknown, text } from "../../values";

const INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule";
const EGRESS = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule";

/** The connections that are allowed, from each kind of member. The internet is a range of addresses, not a group: see `ends-are-groups`. */
const PATHS: Partial<Record<Member, Member[]>> = {
  "load balancer": ["web", "enketo"],
  web: ["database"],
  worker: ["database"],
  enketo: ["redis"],
};

/** The port on which a member of a group listens. */
function portOf({ member, of }: Membership): number {
  if (member === "database") return Number(of.inputs.port ?? 5432);
  if (member === "redis") return Number(of.inputs.port ?? 6379);
  return Number(optionOf(of, "aws:elasticbeanstalk:environment:process:default", "Port") ?? 80);
}

/** True if a load balancer's own environment is behind it, or if the path has no load balancer. */
const isOwnEnvironment = (from: Membership, to: Membership): boolean =>
  from.member !== "load balancer" || from.of.urn === to.of.urn;

/** One end of a rule: a group and its members. */
const end = (rule: Resource, property: string, stack: Stack): Membership[] =>
  targetsOf(rule, property, GROUP, stack).flatMap((group) => membersOf(group, stack));

/** The two ends of a rule: who connects, and to whom. */
function endsOf(rule: Resource, stack: Stack): { from: Membership[]; to: Membership[] } {
  const [own, other] = [end(rule, "securityGroupId", stack), end(rule, "referencedSecurityGroupId", stack)];
  return rule.type === INGRESS ? { from: other, to: own } : { from: own, to: other };
}

const names = (members: Membership[]): string =>
  [...new Set(members.map(({ member, of }) => `${member} of ${of.name}`))].join(", ") || "nobody";

export const pathsAllowed = defineRule({
  name: "paths-allowed",
  kind: "topology",
  types: [INGRESS, EGRESS],
  description:
    "Groups let through only load balancer to its instances, web and worker to the database, and Enketo to its Redis, on the port of the service",
  why: "one compromised service could reach the data of the others",
  severity: "critical",
  neighbours: true,
  check: (rule, stack) => {
    const { fromPort, toPort, ipProtocol, referencedSecurityGroupId } = rule.inputs;
    const protocol = demand(ipProtocol, ipProtocol === "tcp", "ipProtocol", "tcp");
    if (referencedSecurityGroupId === undefined) return protocol;
    const { from, to } = endsOf(rule, stack);
    const isPath = (one: Membership, other: Membership) =>
      (PATHS[one.member] ?? []).includes(other.member) && isOwnEnvironment(one, other);
    const allowed =
      from.length > 0 && to.length > 0 && from.every((one) => to.every((other) => isPath(one, other)));
    const ports = [...new Set(to.map(portOf))];
    return [
      ...protocol,
      ...(allowed
        ? []
        : [
            `The rule lets ${names(from)} connect to ${names(to)}. Remove it: only a load balancer reaches its own instances, web and worker the database, Enketo its Redis.`,
          ]),
      ...[fromPort, toPort].flatMap((port) =>
        demand(port, !allowed || ports.every((one) => one === Number(port)), "port", ports.join(" or ")),
      ),
    ];
  },
});

/** The ports of web, worker and Enketo towards the internet: HTTPS, DuckDB's extensions by HTTP, and mail. */
function internetPorts(stack: Stack): Set<number> {
  return stack.once("ports towards the internet", () => {
    const mail = every(stack, ENVIRONMENT).map((one) =>
      Number(optionOf(one, "aws:elasticbeanstalk:application:environment", "EMAIL_PORT") ?? NaN),
    );
    return new Set([80, 443, ...mail]);
  });
}

export const endsAreGroups = defineRule({
  name: "ends-are-groups",
  kind: "topology",
  types: [INGRESS, EGRESS],
  description:
    "A rule names a security group; only load balancers let addresses in, and only instances connect to addresses, for HTTPS, HTTP and mail",
  why: "a range of addresses lets in whatever gets an address of it",
  severity: "high",
  neighbours: true,
  check: (rule, stack) => {
    const { cidrIpv4, cidrIpv6, referencedSecurityGroupId, prefixListId, fromPort } = rule.inputs;
    const ends = [cidrIpv4, cidrIpv6, referencedSecurityGroupId, prefixListId].filter(
      (one) => text(one) !== "",
    );
    if (ends.length !== 1)
      return ["The rule does not name exactly one other end. Write referencedSecurityGroupId."];
    if (referencedSecurityGroupId !== undefined) return [];
    const members = end(rule, "securityGroupId", stack);
    const only = (allowed: Member[]) =>
      members.length > 0 && members.every(({ member }) => allowed.includes(member));
    if (rule.type === INGRESS)
      return only(["load balancer"])
        ? demand(
            cidrIpv4 ?? cidrIpv6,
            rangeOf(text(cidrIpv4 ?? cidrIpv6)) !== undefined,
            "cidrIpv4",
            "a range of addresses",
          )
        : [`The rule lets addresses in to ${names(members)}. Write referencedSecurityGroupId.`];
    const isOpen =
      only(["web", "worker", "enketo"]) &&
      isEveryAddress(text(cidrIpv4 ?? cidrIpv6)) &&
      internetPorts(stack).has(Number(fromPort));
    return isOpen
      ? []
      : [
          `The rule lets ${names(members)} connect to ${text(cidrIpv4 ?? cidrIpv6)} on port ${text(fromPort)}. Write referencedSecurityGroupId, or 0.0.0.0/0 with port 443, 80 or that of the mail server.`,
        ];
  },
});

/** The groups of an environment's or a store's two sides, by what they are for. */
function groupsOf(resource: Resource, stack: Stack): { own: Resource[]; balancer: Resource[] } {
  if (resource.type === ENVIRONMENT) {
    return {
      own: groupsByOption(resource, INSTANCE_GROUPS, stack),
      balancer: BALANCER_GROUPS.flatMap((option) => groupsByOption(resource, option, stack)),
    };
  }
  const property = resource.type === DATABASE ? "vpcSecurityGroupIds" : "securityGroupIds";
  return { own: targetsOf(resource, property, GROUP, stack), balancer: [] };
}

const isWorker = ({ inputs }: Resource): boolean => inputs.tier === "Worker";

export const groupsApart = defineRule({
  name: "groups-apart",
  kind: "topology",
  types: [ENVIRONMENT, DATABASE, REDIS],
  description:
    "Load balancers, instances of each environment, the database and Redis have security groups of their own",
  why: "members of one group may do what any of them may do",
  severity: "critical",
  neighbours: true,
  check: (resource, stack) => {
    const { own, balancer } = groupsOf(resource, stack);
    const kind = (one: Membership) => (one.member === "redis" ? "redis" : `${one.member} ${one.of.urn}`);
    const shared = [...own, ...balancer].filter(
      (group) => new Set(membersOf(group, stack).map(kind)).size > 1,
    );
    const inEnvironment = resource.type === ENVIRONMENT;
    return [
      ...(own.length > 0 ? [] : ["The resource has no security group of this program. Write one."]),
      ...(!inEnvironment ||
      isWorker(resource) ||
      BALANCER_GROUPS.every((option) => groupsByOption(resource, option, stack).length > 0)
        ? []
        : [
            "The load balancer has no security group of this program. Write options SecurityGroups and ManagedSecurityGroup.",
          ]),
      ...[...new Set(shared)].map(
        (group) =>
          `Security group ${group.name} is that of ${names(membersOf(group, stack))}. Write a group for each.`,
      ),
    ];
  },
});

/** A rule that a path needs on one side. */
const hasRule = (type: string, group: Resource, other: Resource, stack: Stack): boolean =>
  stack
    .once(`${type} by ends`, () => {
      const ends = every(stack, type).flatMap((rule) =>
        targetsOf(rule, "securityGroupId", GROUP, stack).flatMap((one) =>
          targetsOf(rule, "referencedSecurityGroupId", GROUP, stack).map((two) => `${one.urn} ${two.urn}`),
        ),
      );
      return new Set(ends);
    })
    .has(`${group.urn} ${other.urn}`);

/** True if a rule of a group lets the whole internet in, or the group out to it, on a port. */
const isOpenTo = (type: string, group: Resource, port: number, stack: Stack): boolean =>
  stack
    .once(`${type} to the internet`, () => {
      const open = every(stack, type).filter(({ inputs }) =>
        isEveryAddress(text(inputs.cidrIpv4 ?? inputs.cidrIpv6)),
      );
      return new Set(
        open.flatMap((rule) =>
          targetsOf(rule, "securityGroupId", GROUP, stack).map(
            ({ urn }) => `${urn} ${text(rule.inputs.fromPort)}`,
          ),
        ),
      );
    })
    .has(`${group.urn} ${String(port)}`);

/** The resources that must be able to connect to a resource. */
function clientsOf(resource: Resource, stack: Stack): Resource[] {
  if (resource.type === ENVIRONMENT) return [];
  const member: Member = resource.type === DATABASE ? "database" : "redis";
  const environments = every(stack, ENVIRONMENT);
  return environments.filter((one) => (PATHS[tagOf(one, "role") as Member] ?? []).includes(member));
}

export const pathsWhole = defineRule({
  name: "paths-whole",
  kind: "topology",
  types: [ENVIRONMENT, DATABASE, REDIS],
  description:
    "Each path that the platform needs has a rule on both sides, and a load balancer accepts HTTPS from the internet",
  why: "instances would not start, or nobody would reach them",
  severity: "high",
  neighbours: true,
  check: (resource, stack) => {
    const { own, balancer } = groupsOf(resource, stack);
    const clients = clientsOf(resource, stack).flatMap((one) => groupsOf(one, stack).own);
    const needed = [
      ...clients.flatMap((from) => own.map((to) => ({ from, to }))),
      ...balancer.flatMap((from) => own.map((to) => ({ from, to }))),
    ];
    const missing = (side: string, from: string, to: string) =>
      `No ${side} rule lets ${from} connect to ${to}. Write one.`;
    return [
      ...needed.flatMap(({ from, to }) => [
        ...(hasRule(INGRESS, to, from, stack) ? [] : [missing("ingress", from.name, to.name)]),
        ...(hasRule(EGRESS, from, to, stack) ? [] : [missing("egress", from.name, to.name)]),
      ]),
      ...balancer
        .filter((group) => !isOpenTo(INGRESS, group, 443, stack))
        .map(({ name }) => missing("ingress", "the internet", `${name} on port 443`)),
      ...(resource.type === ENVIRONMENT ? own : [])
        .filter((group) => !isOpenTo(EGRESS, group, 443, stack))
        .map(({ name }) => missing("egress", name, "the internet on port 443")),
    ];
  },
});

export const oneNetwork = defineRule({
  name: "one-network",
  kind: "topology",
  types: [ENVIRONMENT],
  description:
    "An environment names its VPC and subnets; a load balancer faces the internet from subnets of its own",
  why: "Beanstalk would start instances in the default network of the account",
  severity: "critical",
  check: (environment) => {
    const option = (name: string) => optionOf(environment, "aws:ec2:vpc", name);
    const isSet = (name: string) => isUnknown(option(name)) || text(option(name)) !== "";
    const needed = ["VPCId", "Subnets", ...(isWorker(environment) ? [] : ["ELBSubnets"])];
    const two = (name: string) =>
      isUnknown(option(name)) ||
      new Set(text(option(name)).split(",")).size === array(text(option(name)).split(",")).length;
    return [
      ...needed.filter((name) => !isSet(name)).map((name) => `Option ${name} is not set. Write it.`),
      ...needed
        .filter((name) => !two(name))
        .map((name) => `Option ${name} names a subnet twice. Write it once.`),
      ...(isWorker(environment)
        ? []
        : demand(
            option("ELBScheme") ?? "public",
            (option("ELBScheme") ?? "public") === "public",
            "ELBScheme",
            "public",
          )),
    ];
  },
});

import { every, Stack, tagOf } from "./context";
import { hasKnownIds } from "./identity";
import { ENVIRONMENT, optionOf } from "./optionSettings";
import { targetsOf, named } from "./references";
import { Resource } from "./resource";
import { groupBy, isUnknown, text } from "./values";

export const VPC = "aws:ec2/vpc:Vpc";
export const SUBNET = "aws:ec2/subnet:Subnet";
export const TABLE = "aws:ec2/routeTable:RouteTable";
export const ROUTE = "aws:ec2/route:Route";
export const ASSOCIATION = "aws:ec2/routeTableAssociation:RouteTableAssociation";
export const INTERNET_GATEWAY = "aws:ec2/internetGateway:InternetGateway";
export const NAT_GATEWAY = "aws:ec2/natGateway:NatGateway";
export const GROUP = "aws:ec2/securityGroup:SecurityGroup";
export const DATABASE = "aws:rds/instance:Instance";
export const REDIS = "aws:elasticache/replicationGroup:ReplicationGroup";

/** The resources of a type by the resource that one of their properties names. */
const usersBy = (type: string, property: string, to: string, stack: Stack): Map<string, Resource[]> =>
  stack.once(`${type} by the resource of ${property}`, () => {
    const pairs = every(stack, type).flatMap((user) =>
      targetsOf(user, property, to, stack).map(({ urn }) => ({ urn, user })),
    );
    return new Map(
      [...groupBy(pairs, ({ urn }) => urn)].map(([urn, all]) => [urn, all.map(({ user }) => user)]),
    );
  });

/** The resources of a type that name another one by one of their properties. */
export const usersOfResource = (
  resource: Resource,
  type: string,
  property: string,
  stack: Stack,
): Resource[] => usersBy(type, property, resource.type, stack).get(resource.urn) ?? [];

export const associationsOf = (subnet: Resource, stack: Stack): Resource[] =>
  usersBy(ASSOCIATION, "subnetId", SUBNET, stack).get(subnet.urn) ?? [];

export const routesOf = (table: Resource, stack: Stack): Resource[] =>
  usersBy(ROUTE, "routeTableId", TABLE, stack).get(table.urn) ?? [];

/** The way of a subnet's packets to the internet. */
export type Way = "internet gateway" | "NAT gateway" | "none";

/** The ways out of a subnet, by the routes of its route tables. A subnet without a table has the main one's, none. */
export const waysOf = (subnet: Resource, stack: Stack): Set<Way> => {
  const ways = stack.once("ways of subnets", () => new Map<string, Set<Way>>());
  const known = ways.get(subnet.urn);
  if (known !== undefined) return known;
  const routes = associationsOf(subnet, stack)
    .flatMap((association) => targetsOf(association, "routeTableId", TABLE, stack))
    .flatMap((table) => routesOf(table, stack));
  const found = new Set(
    routes.map(({ inputs }): Way => {
      if (inputs.gatewayId !== undefined) return "internet gateway";
      return inputs.natGatewayId === undefined ? "none" : "NAT gateway";
    }),
  );
  ways.set(subnet.urn, found);
  return found;
};

/** The resources of one type that an option with a list of names names. */
export function namedByOption(
  environment: Resource,
  [namespace, name]: readonly [string, string],
  type: string,
  stack: Stack,
): Resource[] {
  const value = optionOf(environment, namespace, name);
  const names = isUnknown(value)
    ? value
    : text(value)
        .split(",")
        .filter((one) => one !== "");
  return value === undefined ? [] : named(environment, "settings", names, type, stack);
}

/** The kind of member of a security group. */
export type Member = "load balancer" | "web" | "worker" | "enketo" | "database" | "redis";

/** A security group's member, and the environment of an instance or a load balancer. */
export interface Membership {
  member: Member;
  of: Resource;
}

export const INSTANCE_GROUPS = ["aws:autoscaling:launchconfiguration", "SecurityGroups"] as const;
export const BALANCER_GROUPS = [
  ["aws:elbv2:loadbalancer", "SecurityGroups"],
  ["aws:elbv2:loadbalancer", "ManagedSecurityGroup"],
] as const;

/** While ids are unknown, an environment's settings say which groups it uses, but not for what: the name says it. */
const isBalancerGroup = ({ inputs }: Resource): boolean => text(inputs.name).endsWith("load-balancer");

/** The groups that one option of an environment names. */
export function groupsByOption(
  environment: Resource,
  option: readonly [string, string],
  stack: Stack,
): Resource[] {
  const groups = namedByOption(environment, option, GROUP, stack);
  const isOpen = isUnknown(optionOf(environment, ...option)) || !hasKnownIds(GROUP, stack);
  const forBalancer = option[0] === "aws:elbv2:loadbalancer";
  return isOpen ? groups.filter((group) => isBalancerGroup(group) === forBalancer) : groups;
}

/** The members of each security group, by its URN. */
export const membersOf = (group: Resource, stack: Stack): Membership[] =>
  stack
    .once("members of security groups", () => {
      const ofEnvironments = every(stack, ENVIRONMENT).flatMap((environment) => [
        ...groupsByOption(environment, INSTANCE_GROUPS, stack).map(({ urn }) => ({
          urn,
          member: tagOf(environment, "role") as Member,
          of: environment,
        })),
        ...BALANCER_GROUPS.flatMap((option) => groupsByOption(environment, option, stack)).map(({ urn }) => ({
          urn,
          member: "load balancer" as const,
          of: environment,
        })),
      ]);
      const ofStores = [
        ...every(stack, DATABASE).map((of) => ({
          of,
          member: "database" as const,
          property: "vpcSecurityGroupIds",
        })),
        ...every(stack, REDIS).map((of) => ({ of, member: "redis" as const, property: "securityGroupIds" })),
      ].flatMap(({ of, member, property }) =>
        targetsOf(of, property, GROUP, stack).map(({ urn }) => ({ urn, member, of })),
      );
      return groupBy([...ofEnvironments, ...ofStores], ({ urn }) => urn);
    })
    .get(group.urn) ?? [];

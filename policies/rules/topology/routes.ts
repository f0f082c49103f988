import { rangeOf, isWithin } from "../../facts/ipRanges";
import { every, regionsOf, Stack } from "../../context";
import { hasKnownIds } from "../../identity";
import { targetsOf } from "../../references";
import { Resource } from "../../resource";
import { ENVIRONMENT, optionOf } from "../../optionSettings";
import { defineRule } from "../../rule";
import {
  ASSOCIATION,
  associationsOf,
  INTERNET_GATEWAY,
  namedByOption,
  NAT_GATEWAY,
  ROUTE,
  routesOf,
  SUBNET,
  TABLE,
  usersOfResource,
  VPC,
  Way,
  waysOf,
} from "../../topology";
import { array, demand, isUnknown, text } from "../../values";

/** The resources that name subnets, with the one way out that these must have. */
interface SubnetUse {
  where: string;
  subnets: Resource[];
  way: Way;
}

const STORES = ["aws:rds/subnetGroup:SubnetGroup", "aws:elasticache/subnetGroup:SubnetGroup"] as const;

/** While ids are unknown, an environment's settings say which subnets it uses, but not for what. */
const byOption = (environment: Resource, name: string, stack: Stack): Resource[] =>
  isUnknown(optionOf(environment, "aws:ec2:vpc", name)) || !hasKnownIds(SUBNET, stack)
    ? []
    : namedByOption(environment, ["aws:ec2:vpc", name], SUBNET, stack);

function usesOf(resource: Resource, stack: Stack): SubnetUse[] {
  if (resource.type !== ENVIRONMENT)
    return [
      { where: "subnetIds", subnets: targetsOf(resource, "subnetIds", SUBNET, stack), way: "NAT gateway" },
    ];
  return [
    { where: "option Subnets", subnets: byOption(resource, "Subnets", stack), way: "NAT gateway" },
    { where: "option ELBSubnets", subnets: byOption(resource, "ELBSubnets", stack), way: "internet gateway" },
  ];
}

export const subnetsFit = defineRule({
  name: "subnets-fit",
  kind: "topology",
  types: [...STORES, ENVIRONMENT],
  description:
    "Database, Redis and instances are in subnets whose only way out is a NAT gateway, load balancers in subnets with an internet gateway; each in two zones or more",
  why: "the internet could reach the data, or nobody the platform, and one zone alone can fail",
  severity: "critical",
  neighbours: true,
  check: (resource, stack) => {
    if (every(stack, SUBNET).length === 0) return [];
    return usesOf(resource, stack)
      .filter(({ subnets }) => subnets.length > 0)
      .flatMap(({ where, subnets, way }) => {
        const zones = new Set(subnets.map(({ inputs }) => text(inputs.availabilityZone)));
        return [
          ...subnets
            .filter((subnet) => {
              const ways = waysOf(subnet, stack);
              return !ways.has(way) || ways.size > 1;
            })
            .map(
              (subnet) =>
                `${where} names ${subnet.name}, whose way out is ${[...waysOf(subnet, stack)].join(" and ") || "none"}. Write subnets whose only way out is ${way === "none" ? way : `the ${way}`}.`,
            ),
          ...(zones.size > 1 ? [] : [`${where} is in one zone only. Write subnets of two zones or more.`]),
        ];
      });
  },
});

/** The properties of a route for other destinations and targets than the platform has. */
const OTHER_WAYS = [
  "carrierGatewayId",
  "coreNetworkArn",
  "destinationIpv6CidrBlock",
  "destinationPrefixListId",
  "egressOnlyGatewayId",
  "instanceId",
  "localGatewayId",
  "networkInterfaceId",
  "odbNetworkArn",
  "transitGatewayId",
  "vpcEndpointId",
  "vpcPeeringConnectionId",
];

export const routesPlain = defineRule({
  name: "routes-plain",
  kind: "topology",
  types: [ROUTE],
  description: "A route leads to the internet gateway, or to a NAT gateway in a subnet that has one",
  why: "packets would go to another network, or get lost",
  severity: "critical",
  neighbours: true,
  check: (route, stack) => {
    const { destinationCidrBlock } = route.inputs;
    const inputs: Resource["inputs"] = route.inputs;
    const others = OTHER_WAYS.filter((name) => text(inputs[name]) !== "");
    const nats = targetsOf(route, "natGatewayId", NAT_GATEWAY, stack);
    const gateways = targetsOf(route, "gatewayId", INTERNET_GATEWAY, stack);
    const unreachable = nats.filter(({ inputs }) => !["", "public"].includes(text(inputs.connectivityType)));
    const inPrivate = nats
      .flatMap((nat) => targetsOf(nat, "subnetId", SUBNET, stack))
      .filter((subnet) => !waysOf(subnet, stack).has("internet gateway"));
    return [
      ...demand(
        destinationCidrBlock,
        destinationCidrBlock === "0.0.0.0/0",
        "destinationCidrBlock",
        "0.0.0.0/0",
      ),
      ...others.map((name) => `The route sets ${name}. Remove it and write gatewayId or natGatewayId.`),
      ...(nats.length + gateways.length === 1
        ? []
        : ["The route leads to no single gateway of this program. Write one gatewayId or one natGatewayId."]),
      ...unreachable.map(({ name }) => `NAT gateway ${name} is not public. Remove connectivityType.`),
      ...inPrivate.map(
        ({ name }) => `Its NAT gateway is in ${name}, which has no internet gateway. Write a public subnet.`,
      ),
    ];
  },
});

/** The VPC of a resource. */
const vpcOf = (resource: Resource, stack: Stack): Resource[] => targetsOf(resource, "vpcId", VPC, stack);

/** The first address of an IPv4 range, as a number, and the one after the last. */
function addressesOf(range: string): [number, number] {
  const { network = "", length = 32 } = rangeOf(range) ?? {};
  const start = network.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
  return [start, start + 2 ** (32 - length)];
}

/** The subnets that have addresses in common with a subnet of the same VPC, by its URN. */
const overlapping = (stack: Stack): Map<string, Resource[]> =>
  stack.once("overlapping subnets", () => {
    const found = new Map<string, Resource[]>();
    const subnets = every(stack, SUBNET)
      .map((subnet) => ({
        subnet,
        vpc: text(subnet.inputs.vpcId),
        range: addressesOf(text(subnet.inputs.cidrBlock)),
      }))
      .sort((a, b) => (a.vpc === b.vpc ? a.range[0] - b.range[0] : a.vpc < b.vpc ? -1 : 1));
    for (const [index, { subnet, vpc, range }] of subnets.entries()) {
      const next = subnets[index + 1];
      if (next === undefined || next.vpc !== vpc || next.range[0] >= range[1]) continue;
      found.set(subnet.urn, [...(found.get(subnet.urn) ?? []), next.subnet]);
      found.set(next.subnet.urn, [...(found.get(next.subnet.urn) ?? []), subnet]);
    }
    return found;
  });

export const subnetsWhole = defineRule({
  name: "subnets-whole",
  kind: "topology",
  types: [SUBNET],
  description:
    "A subnet has one route table with a route, a range within its VPC that no other subnet has, and a zone of the region",
  why: "without a route, instances reach nothing; AWS refuses other ranges and zones",
  severity: "high",
  neighbours: true,
  check: (subnet, stack) => {
    const { cidrBlock, availabilityZone } = subnet.inputs;
    const tables = associationsOf(subnet, stack).flatMap((association) =>
      targetsOf(association, "routeTableId", TABLE, stack),
    );
    const range = text(cidrBlock);
    const overlaps = overlapping(stack).get(subnet.urn) ?? [];
    const inVpc = vpcOf(subnet, stack).every(({ inputs }) => isWithin(range, text(inputs.cidrBlock)));
    return [
      ...(tables.length === 1 ? [] : [`The subnet has ${String(tables.length)} route tables. Write one.`]),
      ...tables
        .filter((table) => routesOf(table, stack).length !== 1)
        .map(({ name }) => `Its route table ${name} does not have exactly one route. Write one.`),
      ...demand(cidrBlock, rangeOf(range) !== undefined && inVpc, "cidrBlock", "a range within its VPC"),
      ...overlaps.map(({ name }) => `cidrBlock overlaps with ${name}. Write another range.`),
      ...demand(
        availabilityZone,
        regionsOf(stack).some((region) => new RegExp(`^${region}[a-f]$`).test(text(availabilityZone))),
        "availabilityZone",
        "a zone of the region",
      ),
    ];
  },
});

export const vpcWhole = defineRule({
  name: "vpc-whole",
  kind: "topology",
  types: [VPC],
  description:
    "A VPC has DNS, an internet gateway, a default security group without rules, and a gateway endpoint for S3 in every route table",
  why: "members of the default group may connect to each other, and media would leave the network on its way to S3",
  severity: "high",
  neighbours: true,
  check: (vpc, stack) => {
    const inVpc = (type: string) => usersOfResource(vpc, type, "vpcId", stack);
    const endpoints = inVpc("aws:ec2/vpcEndpoint:VpcEndpoint").filter(
      ({ inputs: { serviceName, vpcEndpointType } }) =>
        vpcEndpointType === "Gateway" &&
        regionsOf(stack).some((region) => serviceName === `com.amazonaws.${region}.s3`),
    );
    const tables = new Set(endpoints.flatMap((one) => targetsOf(one, "routeTableIds", TABLE, stack)));
    const without = inVpc(TABLE).filter((table) => !tables.has(table));
    const count = (type: string, what: string) =>
      inVpc(type).length === 1 ? [] : [`The VPC has ${String(inVpc(type).length)} of ${what}. Write one.`];
    const { enableDnsHostnames, enableDnsSupport, cidrBlock } = vpc.inputs;
    return [
      ...demand(enableDnsHostnames, enableDnsHostnames === true, "enableDnsHostnames", "true"),
      ...demand(enableDnsSupport, text(enableDnsSupport ?? true) === "true", "enableDnsSupport", "true"),
      ...demand(
        vpc.inputs.instanceTenancy,
        ["", "default"].includes(text(vpc.inputs.instanceTenancy)),
        "instanceTenancy",
        "default: each dedicated instance costs more, and the database refuses some classes",
      ),
      ...demand(
        cidrBlock,
        /\/(1[6-9]|2[0-8])$/.test(text(cidrBlock)),
        "cidrBlock",
        "a range from /16 to /28",
      ),
      ...count("aws:ec2/defaultSecurityGroup:DefaultSecurityGroup", "the adopted default security group"),
      ...count(INTERNET_GATEWAY, "internet gateway"),
      ...(without.length === 0
        ? []
        : [
            `${without.map(({ name }) => name).join(", ")} has no gateway endpoint for S3. Write a VpcEndpoint of type Gateway with all route tables.`,
          ]),
    ];
  },
});

export const endpointPlain = defineRule({
  name: "endpoint-plain",
  kind: "topology",
  types: ["aws:ec2/vpcEndpoint:VpcEndpoint"],
  description: "A VPC endpoint is the gateway of S3 in the stack's region",
  why: "an endpoint of another service can lead out of the account",
  severity: "high",
  neighbours: true,
  check: ({ inputs: { serviceName, vpcEndpointType } }, stack) => [
    ...demand(
      serviceName,
      regionsOf(stack).some((region) => serviceName === `com.amazonaws.${region}.s3`),
      "serviceName",
      regionsOf(stack)
        .map((region) => `com.amazonaws.${region}.s3`)
        .join(" or "),
    ),
    ...demand(vpcEndpointType, vpcEndpointType === "Gateway", "vpcEndpointType", "Gateway"),
  ],
});

export const associationsOfSubnets = defineRule({
  name: "associations-of-subnets",
  kind: "topology",
  types: [ASSOCIATION],
  description: "A route table is associated with a subnet of its own VPC, not with a gateway",
  why: "a table of a gateway decides where packets from the internet go",
  severity: "high",
  neighbours: true,
  check: (association, stack) => {
    const vpcs = new Set(
      [
        ...targetsOf(association, "subnetId", SUBNET, stack),
        ...targetsOf(association, "routeTableId", TABLE, stack),
      ].flatMap((one) => vpcOf(one, stack).map(({ urn }) => urn)),
    );
    return [
      ...(text(association.inputs.gatewayId) === "" ? [] : ["gatewayId is set. Remove it."]),
      ...(array(association.inputs.subnetId).length === 1 ? [] : ["subnetId is not set. Write it."]),
      ...(vpcs.size <= 1
        ? []
        : ["The subnet and the table are in different VPCs. Write a table of the same."]),
    ];
  },
});

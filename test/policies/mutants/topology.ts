import { Kind, Mutant, MutableStack, option, set, without } from "../mutant";

/** Lets a property name another resource of this program, as a program that links the wrong output does. */
const link =
  (user: [Kind, string], property: string, ...targets: [Kind, string][]) =>
  (stack: MutableStack): MutableStack => {
    const resource = stack.get(...user);
    const named = targets.map((target) => stack.get(...target));
    const ids = named.map(({ id }) => id);
    resource.inputs[property] = Array.isArray(resource.inputs[property]) ? ids : ids[0];
    resource.propertyDependencies = {
      ...resource.propertyDependencies,
      [property]: named.map(({ urn }) => urn),
    };
    return stack;
  };

/** Lets an option name other resources of this program. */
const linkOption =
  (environment: string, name: string, ...targets: [Kind, string][]) =>
  (stack: MutableStack): MutableStack => {
    const named = targets.map((target) => stack.get(...target));
    const resource = stack.get("environment", environment);
    (resource.propertyDependencies?.settings ?? []).push(...named.map(({ urn }) => urn));
    return stack.option(environment, name, named.map(({ id }) => id).join());
  };

/** Adds a security group rule like another one, with other ends. */
const rule =
  (kind: "ingress" | "egress", inputs: Record<string, unknown>, ends: Record<string, string>) =>
  (stack: MutableStack): MutableStack => {
    const groups = Object.entries(ends).map(([end, group]) => [end, stack.get("group", group)] as const);
    const type =
      kind === "ingress"
        ? "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
        : "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule";
    return stack.add(
      type,
      "added",
      { ipProtocol: "tcp", ...inputs, ...Object.fromEntries(groups.map(([end, { id }]) => [end, id])) },
      { propertyDependencies: Object.fromEntries(groups.map(([end, { urn }]) => [end, [urn]])) },
    );
  };

const port = (number: number) => ({ fromPort: number, toPort: number });

/** Paths between the groups of this program that none may have. */
const FORBIDDEN: [from: string, to: string, number: number][] = [
  ["load-balancer", "database", 5432],
  ["enketo", "database", 5432],
  ["web", "enketo-redis", 6379],
  ["worker", "enketo-redis", 6379],
  ["enketo", "web", 80],
  ["web", "worker", 80],
  ["enketo-load-balancer", "web", 80],
  ["load-balancer", "enketo", 80],
  ["database", "web", 80],
  ["web", "database", 22],
];

export const topology: Mutant[] = [
  ...FORBIDDEN.flatMap(([from, to, number]): Mutant[] => [
    [
      "paths-allowed",
      rule("ingress", port(number), { securityGroupId: to, referencedSecurityGroupId: from }),
    ],
    ["paths-allowed", rule("egress", port(number), { securityGroupId: from, referencedSecurityGroupId: to })],
  ]),
  [
    "paths-allowed",
    link(["ingress", "database-from-web-5432"], "referencedSecurityGroupId", ["group", "enketo"]),
  ],
  ["paths-allowed", link(["ingress", "database-from-web-5432"], "securityGroupId", ["group", "web"])],
  set("paths-allowed", "ingress", "database-from-web-5432", "ipProtocol", "udp"),
  set("paths-allowed", "ingress", "web-from-load-balancer-80", "toPort", 8000),
  [
    "ends-are-groups",
    rule("ingress", { ...port(5432), cidrIpv4: "10.30.0.0/16" }, { securityGroupId: "database" }),
  ],
  ["ends-are-groups", rule("ingress", { ...port(80), cidrIpv4: "10.0.0.0/8" }, { securityGroupId: "web" })],
  [
    "ends-are-groups",
    rule("ingress", { ...port(6379), cidrIpv4: "10.30.1.7/32" }, { securityGroupId: "enketo-redis" }),
  ],
  ["ends-are-groups", rule("egress", { ...port(22), cidrIpv4: "0.0.0.0/0" }, { securityGroupId: "web" })],
  [
    "ends-are-groups",
    rule("egress", { ...port(443), cidrIpv4: "203.0.113.7/32" }, { securityGroupId: "web" }),
  ],
  [
    "ends-are-groups",
    rule("egress", { ...port(443), cidrIpv4: "0.0.0.0/0" }, { securityGroupId: "database" }),
  ],
  [
    "ends-are-groups",
    rule("egress", { ...port(443), cidrIpv4: "0.0.0.0/0" }, { securityGroupId: "load-balancer" }),
  ],
  set("ends-are-groups", "ingress", "load-balancer-from-internet-80", "cidrIpv4", "*"),
  set("ends-are-groups", "egress", "web-to-database-5432", "cidrIpv4", "10.30.0.0/16"),
  set("ends-are-groups", "ingress", "database-from-web-5432", "referencedSecurityGroupId", undefined),
  [
    "ends-are-groups",
    (stack) =>
      stack
        .set("ingress", "database-from-worker-5432", "referencedSecurityGroupId", undefined)
        .set("ingress", "database-from-worker-5432", "prefixListId", "pl-0123456789abcdef0"),
  ],
  ["groups-apart", link(["database", "database"], "vpcSecurityGroupIds", ["group", "web"])],
  ["groups-apart", link(["database", "database"], "vpcSecurityGroupIds", ["group", "enketo-redis"])],
  ["groups-apart", link(["redis", "enketo-main"], "securityGroupIds", ["group", "database"])],
  ["groups-apart", linkOption("web", "autoscaling:launchconfiguration/SecurityGroups", ["group", "worker"])],
  ["groups-apart", linkOption("worker", "autoscaling:launchconfiguration/SecurityGroups", ["group", "web"])],
  [
    "groups-apart",
    linkOption("enketo", "autoscaling:launchconfiguration/SecurityGroups", ["group", "database"]),
  ],
  ["groups-apart", linkOption("web", "elbv2:loadbalancer/SecurityGroups", ["group", "enketo-load-balancer"])],
  ["groups-apart", linkOption("web", "elbv2:loadbalancer/ManagedSecurityGroup", ["group", "web"])],
  option("groups-apart", "web", "elbv2:loadbalancer/ManagedSecurityGroup", undefined),
  option("groups-apart", "enketo", "elbv2:loadbalancer/SecurityGroups", undefined),
  option("groups-apart", "web", "autoscaling:launchconfiguration/SecurityGroups", undefined),
  set("groups-apart", "redis", "enketo-main", "securityGroupIds", undefined),
  ...(
    [
      ["ingress", "database-from-web-5432"],
      ["ingress", "database-from-worker-5432"],
      ["egress", "web-to-database-5432"],
      ["egress", "worker-to-database-5432"],
      ["ingress", "enketo-redis-from-enketo-6379"],
      ["egress", "enketo-to-enketo-redis-6379"],
      ["ingress", "web-from-load-balancer-80"],
      ["egress", "load-balancer-to-web-80"],
      ["ingress", "load-balancer-from-internet-443"],
      ["ingress", "enketo-load-balancer-from-internet-443"],
      ["egress", "web-to-internet-443"],
      ["egress", "worker-to-internet-443"],
    ] as const
  ).map(([kind, name]) => without("paths-whole", kind, name)),
  option("one-network", "web", "ec2:vpc/VPCId", undefined),
  option("one-network", "worker", "ec2:vpc/Subnets", undefined),
  option("one-network", "enketo", "ec2:vpc/ELBSubnets", ""),
  option("one-network", "web", "ec2:vpc/ELBScheme", "internal"),
];

/** The edits of a network that the program makes. */
export const network: Mutant[] = [
  [
    "subnets-fit",
    link(
      ["databaseSubnets", "database"],
      "subnetIds",
      ["subnet", "network-public-0"],
      ["subnet", "network-public-1"],
    ),
  ],
  ["subnets-fit", link(["databaseSubnets", "database"], "subnetIds", ["subnet", "network-private-0"])],
  [
    "subnets-fit",
    link(
      ["redisSubnets", "enketo"],
      "subnetIds",
      ["subnet", "network-private-0"],
      ["subnet", "network-public-1"],
    ),
  ],
  [
    "subnets-fit",
    linkOption("web", "ec2:vpc/Subnets", ["subnet", "network-public-0"], ["subnet", "network-public-1"]),
  ],
  ["subnets-fit", linkOption("worker", "ec2:vpc/Subnets", ["subnet", "network-private-0"])],
  [
    "subnets-fit",
    linkOption("web", "ec2:vpc/ELBSubnets", ["subnet", "network-private-0"], ["subnet", "network-private-1"]),
  ],
  [
    "subnets-fit",
    link(["association", "network-private-0"], "routeTableId", ["routeTable", "network-public"]),
  ],
  [
    "subnets-fit",
    link(["association", "network-public-0"], "routeTableId", ["routeTable", "network-private-0"]),
  ],
  without("subnets-fit", "route", "network-private-0-nat"),
  without("subnets-fit", "route", "network-public-internet"),
  without("subnets-fit", "association", "network-private-0"),
  [
    "subnets-fit",
    (stack) => {
      const route = stack.get("route", "network-private-0-nat");
      delete route.inputs.natGatewayId;
      return link(["route", "network-private-0-nat"], "gatewayId", ["internetGateway", "network"])(stack);
    },
  ],
  set("routes-plain", "route", "network-private-0-nat", "destinationCidrBlock", "10.0.0.0/8"),
  set("routes-plain", "route", "network-private-0-nat", "natGatewayId", undefined),
  set("routes-plain", "route", "network-private-0-nat", "vpcPeeringConnectionId", "pcx-0123456789abcdef0"),
  set("routes-plain", "route", "network-private-0-nat", "egressOnlyGatewayId", "eigw-0123456789abcdef0"),
  set("routes-plain", "route", "network-public-internet", "destinationIpv6CidrBlock", "::/0"),
  ["routes-plain", link(["route", "network-private-0-nat"], "gatewayId", ["internetGateway", "network"])],
  ["routes-plain", link(["natGateway", "network-0"], "subnetId", ["subnet", "network-private-0"])],
  set("routes-plain", "natGateway", "network-0", "connectivityType", "private"),
  without("subnets-whole", "association", "network-private-1"),
  without("subnets-whole", "route", "network-private-0-nat"),
  set("subnets-whole", "subnet", "network-private-0", "cidrBlock", "10.99.0.0/19"),
  set("subnets-whole", "subnet", "network-private-0", "cidrBlock", "x"),
  [
    "subnets-whole",
    (stack) =>
      stack.set(
        "subnet",
        "network-private-0",
        "cidrBlock",
        stack.get("subnet", "network-public-0").inputs.cidrBlock,
      ),
  ],
  set("subnets-whole", "subnet", "network-private-0", "availabilityZone", "us-east-1a"),
  set("subnets-whole", "subnet", "network-private-0", "availabilityZone", undefined),
  set("vpc-whole", "vpc", "network", "enableDnsHostnames", false),
  set("vpc-whole", "vpc", "network", "enableDnsSupport", false),
  set("vpc-whole", "vpc", "network", "cidrBlock", "10.0.0.0/8"),
  without("vpc-whole", "defaultGroup", "network"),
  without("vpc-whole", "endpoint", "network-s3"),
  without("vpc-whole", "internetGateway", "network"),
  ["vpc-whole", link(["endpoint", "network-s3"], "routeTableIds", ["routeTable", "network-public"])],
  set(
    "endpoint-plain",
    "endpoint",
    "network-s3",
    "serviceName",
    "com.amazonaws.vpce.eu-central-1.vpce-svc-x",
  ),
  set("endpoint-plain", "endpoint", "network-s3", "serviceName", "com.amazonaws.us-east-1.s3"),
  set("endpoint-plain", "endpoint", "network-s3", "vpcEndpointType", "Interface"),
  set("associations-of-subnets", "association", "network-private-0", "gatewayId", "igw-1"),
  set("associations-of-subnets", "association", "network-private-0", "subnetId", undefined),
  [
    "associations-of-subnets",
    (stack) => {
      const vpc = stack.get("vpc", "network");
      const other = { urn: `${vpc.urn}-other`, id: "vpc-0fedcba9876543210" };
      stack.add("aws:ec2/vpc:Vpc", "other", { ...vpc.inputs }, other);
      return Object.assign(stack.get("routeTable", "network-public"), {
        inputs: { vpcId: other.id },
        propertyDependencies: { vpcId: [other.urn] },
      });
    },
  ],
];

import { dependenciesOf, resourcesUsing, Stack } from "../context";
import { statementsOf } from "../iam/document";
import { isPrivateRange } from "../facts/ipRanges";
import { ResourceOf } from "../resource";
import { defineRule } from "../rule";
import { array, demand, isUnknown, notEvaluated, text } from "../values";

const INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule";
const LEGACY_RULE = "aws:ec2/securityGroupRule:SecurityGroupRule";
const GROUP = "aws:ec2/securityGroup:SecurityGroup";
const DATABASE = "aws:rds/instance:Instance";
const REDIS = "aws:elasticache/replicationGroup:ReplicationGroup";

type SecurityRule = ResourceOf<typeof INGRESS | typeof LEGACY_RULE>;

/** The URNs of a store's security groups. */
const groupsOf = (store: ResourceOf<typeof DATABASE | typeof REDIS>): string[] =>
  dependenciesOf(store, store.type === DATABASE ? "vpcSecurityGroupIds" : "securityGroupIds");

/**
 * The URNs of the security groups that are for load balancers: by their name, and by their use. Groups of stores and
 * workers, and the second group of an environment, do not count.
 */
const loadBalancerGroups = ({ once, ofType }: Stack): Set<string> =>
  once("groups of load balancers", () => {
    const groups = new Set(
      ofType(GROUP)
        .filter(({ inputs }) => text(inputs.name).endsWith("load-balancer"))
        .map(({ urn }) => urn),
    );
    const misused = ofType("aws:elasticbeanstalk/environment:Environment").flatMap((environment) => {
      const used = dependenciesOf(environment, "settings").filter((urn) => groups.has(urn));
      return environment.inputs.tier === "Worker" || used.length > 1 ? used : [];
    });
    const ofStores = [...ofType(DATABASE), ...ofType(REDIS)].flatMap(groupsOf);
    for (const urn of [...misused, ...ofStores]) groups.delete(urn);
    return groups;
  });

const sourcesOf = (rule: SecurityRule): unknown[] =>
  rule.type === INGRESS
    ? [rule.inputs.cidrIpv4, rule.inputs.cidrIpv6]
    : [...array(rule.inputs.cidrBlocks), ...array(rule.inputs.ipv6CidrBlocks)];

const isOpen = (rule: SecurityRule): boolean =>
  sourcesOf(rule)
    .map(text)
    .some((source) => source !== "" && !isPrivateRange(source));

const protocolOf = (rule: SecurityRule): unknown =>
  rule.type === INGRESS ? rule.inputs.ipProtocol : rule.inputs.protocol;

const isEveryProtocol = (protocol: unknown): boolean => /^(-1|all)$/i.test(text(protocol));

/** The properties with which a VPC, a subnet or a route table gets addresses of IPv6, or routes beside the resources. */
const APART: Record<string, string[]> = {
  "aws:ec2/vpc:Vpc": [
    "assignGeneratedIpv6CidrBlock",
    "ipv6CidrBlock",
    "ipv6CidrBlockNetworkBorderGroup",
    "ipv6IpamPoolId",
    "ipv4IpamPoolId",
  ],
  "aws:ec2/routeTable:RouteTable": ["routes", "propagatingVgws"],
};

export const networkPartsApart = defineRule({
  name: "network-parts-apart",
  kind: "topology",
  types: ["aws:ec2/vpc:Vpc", "aws:ec2/routeTable:RouteTable", "aws:ec2/vpcEndpoint:VpcEndpoint"],
  description:
    "Routes are resources of their own, the network has no IPv6, and an endpoint's policy lets in no other account",
  why: "the provider lets inline routes and separate ones overwrite each other, and no rule judges paths of IPv6",
  severity: "high",
  check: ({ type, inputs }) => {
    const set = (APART[type] ?? []).filter((name) => {
      const value = (inputs as Record<string, unknown>)[name];
      return array(value).some((one) => !["", "false"].includes(text(one)) || typeof one === "object");
    });
    const policy = type === "aws:ec2/vpcEndpoint:VpcEndpoint" ? inputs.policy : undefined;
    if (isUnknown(policy)) return notEvaluated("policy");
    const foreign =
      policy === undefined
        ? []
        : statementsOf(policy).filter(
            (one) =>
              one.Effect === "Allow" &&
              one.Principal !== "*" &&
              JSON.stringify(one.Principal) !== '{"AWS":"*"}',
          );
    return [
      ...set.map((name) => `${name} is set. Remove it.`),
      ...foreign.map(
        ({ Sid }) =>
          `Statement ${text(Sid)} lets some principals in. Write "*": roles have policies of their own.`,
      ),
    ];
  },
});

export const noOpenIngress = defineRule({
  name: "no-open-ingress",
  types: [INGRESS, LEGACY_RULE],
  description: "Only ports 443 and 80 of a load balancer are open to the internet",
  why: "anyone could attack the service behind the port",
  severity: "critical",
  reference: "CIS AWS 3.0 5.2",
  neighbours: true,
  parameters: {
    widest: {
      type: "number",
      default: 0,
      description: "Maximum difference between the first and the last port",
    },
  },
  check: (rule, stack) => {
    if (rule.type === LEGACY_RULE && rule.inputs.type === "egress") return [];
    const { fromPort, toPort } = rule.inputs;
    const protocol = protocolOf(rule);
    if ([...sourcesOf(rule), fromPort, toPort, protocol].some(isUnknown))
      return notEvaluated("the rule's source, protocol or port");
    const [from, to] = [Number(fromPort ?? -1), Number(toPort ?? -1)];
    const isWeb = from === to && (from === 443 || from === 80) && !isEveryProtocol(protocol);
    const isLoadBalancer = dependenciesOf(rule, "securityGroupId").some((urn) =>
      loadBalancerGroups(stack).has(urn),
    );
    const isWide = isEveryProtocol(protocol) || to - from > stack.parameters.widest;
    const prefixLists = rule.type === INGRESS ? rule.inputs.prefixListId : rule.inputs.prefixListIds;
    return [
      ...(isOpen(rule) && !(isWeb && isLoadBalancer)
        ? [
            `Ports ${String(from)} to ${String(to)} are open to the internet. Write a security group as source; only a group named *-load-balancer, the one of its environment, may open ports 443 and 80.`,
          ]
        : []),
      ...(!isOpen(rule) && isWide
        ? [`The rule opens ports ${String(from)} to ${String(to)}. Write the one port that is needed.`]
        : []),
      ...(prefixLists === undefined
        ? []
        : [
            "The source is a prefix list, whose addresses no rule can see. Write a security group as source.",
          ]),
    ];
  },
});

export const noInlineSecurityRules = defineRule({
  name: "no-inline-security-rules",
  types: [GROUP, "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup"],
  description: "A security group has no inline rules; the default group of the VPC has no rules at all",
  why: "the provider lets inline rules and separate rules overwrite each other, and no rule judges inline ones",
  severity: "critical",
  reference: "AWS FSBP EC2.2",
  check: ({ inputs }) =>
    (["ingress", "egress"] as const)
      .filter((name) => array(inputs[name]).length > 0)
      .map(
        (name) =>
          `The group sets ${name} itself. Write a SecurityGroup${name === "ingress" ? "Ingress" : "Egress"}Rule for a group of this program.`,
      ),
});

export const noWideEgress = defineRule({
  name: "no-wide-egress",
  types: ["aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"],
  description: "An egress rule opens one port",
  why: "a compromised instance could send data out on any port",
  severity: "medium",
  check: ({ inputs }) => {
    const { fromPort, toPort, ipProtocol } = inputs;
    if ([fromPort, toPort, ipProtocol].some(isUnknown)) return notEvaluated("the rule's protocol or port");
    return !isEveryProtocol(ipProtocol) && Number(fromPort) === Number(toPort)
      ? []
      : [
          `The rule opens ports ${text(fromPort) || "all"} to ${text(toPort) || "all"}. Write the one port that is needed.`,
        ];
  },
});

export const storesBehindInstances = defineRule({
  name: "stores-behind-instances",
  types: [DATABASE, REDIS],
  description: "Only groups without an open port reach the groups of the database and Redis",
  why: "an attacker on a load balancer or another open service could reach the data",
  severity: "critical",
  neighbours: true,
  check: (store, stack) => {
    const rulesFor = (group: string) => resourcesUsing(stack, INGRESS, "securityGroupId", group);
    const isReachable = (group: string) => rulesFor(group).some(isOpen);
    const groups = groupsOf(store);
    if (groups.length === 0)
      return [
        `The store names no security group of this program. Write ${store.type === DATABASE ? "vpcSecurityGroupIds" : "securityGroupIds"}.`,
      ];
    return groups
      .filter(
        (group) =>
          isReachable(group) ||
          rulesFor(group).some((rule) => dependenciesOf(rule, "referencedSecurityGroupId").some(isReachable)),
      )
      .map(
        (group) =>
          `Its group ${group.split("::").pop() ?? ""} is open to the internet, or to a group that is. Write the instances' group as the only source.`,
      );
  },
});

export const addressForNatOnly = defineRule({
  name: "address-for-nat-only",
  types: ["aws:ec2/eip:Eip"],
  description: "A public address belongs to a NAT gateway",
  why: "the internet could reach an instance that has one",
  severity: "high",
  reference: "AWS FSBP EC2.9",
  check: ({ inputs }) =>
    (["instance", "networkInterface"] as const)
      .filter((name) => inputs[name] !== undefined)
      .map(
        (name) =>
          `The address is attached with ${name}. Remove it; a NAT gateway names its own by allocationId.`,
      ),
});

export const subnetWithoutPublicIp = defineRule({
  name: "subnet-without-public-ip",
  types: ["aws:ec2/subnet:Subnet"],
  description: "Subnets assign no public address, neither IPv4 nor IPv6",
  why: "the internet could reach the instances",
  severity: "high",
  reference: "AWS FSBP EC2.15",
  check: ({ inputs }) =>
    (["mapPublicIpOnLaunch", "assignIpv6AddressOnCreation"] as const).flatMap((name) =>
      demand(inputs[name], (inputs[name] ?? false) === false, name, "false"),
    ),
});

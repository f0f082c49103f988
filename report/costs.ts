import {
  PreviewDocument,
  PreviewResource,
  Properties,
  PropertyValue,
  SECRET,
  UNKNOWN,
} from "../graph/document";
import table from "./prices.json";

/** As AWS counts a month in its calculator. */
export const HOURS_IN_A_MONTH = 730;

/** Prices in US dollars: by the hour, but storage by the GB and month and alarms by the month. */
interface RegionPrices {
  instances: Record<string, number>;
  volumes: Record<string, number>;
  applicationLoadBalancer: number;
  natGateway: number;
  publicIpv4: number;
  databases: Record<string, ByZones>;
  databaseStorage: Record<string, ByZones>;
  cacheNodes: Record<string, number>;
  alarm: number;
}

interface ByZones {
  single: number;
  multi: number;
}

/** What a line is charged by. */
type Unit = "hour" | "GB and month" | "month";

/** One thing of a part that costs all the time. */
export interface CostLine {
  /** Such as `2 × t3.large for web, minimum of autoscaling`. */
  what: string;
  quantity: number;
  unit: Unit;
  /** US dollars for one of the quantity and one of the unit. */
  unitPrice: number;
  /** US dollars a month, not rounded. */
  monthly: number;
  urns: string[];
}

/** What one part of the platform costs: a component right below the stack with all that is in it. */
export interface PartCosts {
  urn: string;
  type: string;
  name: string;
  /** US dollars, not rounded. */
  monthly: number;
  /** The dearest first. */
  lines: CostLine[];
}

/** What a stack costs at least, at list prices, before anybody uses it. */
export interface Costs {
  currency: "USD";
  /** Empty where the document names none. */
  region: string;
  /** Of the price list. */
  date: string;
  /** Where the prices are from, in words. */
  source: string;
  /** The dearest first; none where the region has no prices. */
  parts: PartCosts[];
  /** US dollars, not rounded. */
  monthly: number;
  /** What of this stack is not in the sum and why: what has no price first, then what is billed by use. */
  notCounted: string[];
  /** What no sum of this kind has in it. */
  leavesOut: string[];
}

export interface PartDifference {
  urn: string;
  type: string;
  name: string;
  before: number;
  after: number;
  /** US dollars; below zero where the part gets cheaper. */
  monthly: number;
}

export interface CostDifference {
  /** The parts whose costs change, the largest change first. */
  parts: PartDifference[];
  /** US dollars; below zero where the stack gets cheaper. */
  monthly: number;
  /** What is not counted on one side only: with these the difference is not the whole of it. */
  notCounted: string[];
}

const LEAVES_OUT = [
  "traffic: out to the internet, between zones, through NAT gateways and load balancers (LCU)",
  "instances above the minimum of autoscaling, also those of a deployment",
  "storage that grows by itself, backups beyond what is free, snapshots of machine images",
  "CPU credits of burstable instances above their baseline",
  "metrics and alarms that AWS services make by themselves",
  "the hosted zone and all else that exists without this stack",
  "free tiers, reservations, savings plans, support and taxes",
];

/** A charge for one resource. */
interface Charge {
  /** What is charged, without how many. */
  label: string;
  unit: Unit;
  quantity: number;
  unitPrice: number;
}

/** A charge, or in words what could not be charged and why. */
type Finding = Charge | string;

/** The types that cost all the time. */
const PRICED: Record<string, (resource: PreviewResource, prices: RegionPrices) => Finding[]> = {
  "aws:cloudwatch/metricAlarm:MetricAlarm": alarm,
  "aws:ec2/eip:Eip": (_eip, { publicIpv4 }) => [hourly("public IPv4 address", 1, publicIpv4)],
  "aws:ec2/natGateway:NatGateway": (_gateway, { natGateway }) => [hourly("NAT gateway", 1, natGateway)],
  "aws:ec2/vpcEndpoint:VpcEndpoint": vpcEndpoint,
  "aws:elasticache/replicationGroup:ReplicationGroup": replicationGroup,
  "aws:elasticbeanstalk/environment:Environment": environment,
  "aws:rds/instance:Instance": database,
  "aws:ssm/parameter:Parameter": parameter,
};

/** The types that are billed by use: in words what they are and what use. */
const BY_USE: Record<string, string> = {
  "aws:cloudfront/distribution:Distribution": "CloudFront distribution: requests and traffic",
  "aws:cloudwatch/logGroup:LogGroup": "log group: what is written and kept",
  "aws:ec2/flowLog:FlowLog": "flow log: what is written",
  "aws:elasticbeanstalk/applicationVersion:ApplicationVersion": "application version: storage of its bundle",
  "aws:route53/record:Record": "DNS record: queries",
  "aws:s3/bucket:Bucket": "S3 bucket: storage, requests and traffic",
  "aws:s3/bucketObjectv2:BucketObjectv2": "S3 object: storage",
  "aws:sns/topic:Topic": "SNS topic: messages",
  "aws:sqs/queue:Queue": "SQS queue: requests",
};

/** The types that cost nothing by themselves; `aws:iam/` is free as a whole. */
const FREE = new Set([
  "aws:acm/certificate:Certificate",
  "aws:acm/certificateValidation:CertificateValidation",
  "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup",
  "aws:ec2/internetGateway:InternetGateway",
  "aws:ec2/route:Route",
  "aws:ec2/routeTable:RouteTable",
  "aws:ec2/routeTableAssociation:RouteTableAssociation",
  "aws:ec2/securityGroup:SecurityGroup",
  "aws:ec2/subnet:Subnet",
  "aws:ec2/vpc:Vpc",
  "aws:elasticache/parameterGroup:ParameterGroup",
  "aws:elasticache/subnetGroup:SubnetGroup",
  "aws:elasticbeanstalk/application:Application",
  "aws:lb/listener:Listener",
  "aws:rds/parameterGroup:ParameterGroup",
  "aws:rds/subnetGroup:SubnetGroup",
  "aws:s3/bucketCorsConfiguration:BucketCorsConfiguration",
  "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
  "aws:s3/bucketOwnershipControls:BucketOwnershipControls",
  "aws:s3/bucketPolicy:BucketPolicy",
  "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
  "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
  "aws:s3/bucketVersioning:BucketVersioning",
  "aws:sns/topicPolicy:TopicPolicy",
  "aws:sns/topicSubscription:TopicSubscription",
  "aws:sqs/queuePolicy:QueuePolicy",
  "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
  "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
]);

/**
 * What a stack costs a month at list prices for all that runs all the time, by part. A type, an instance type or an
 * engine without a price, and a value that is not known, lower the sum and are named in `notCounted`; nothing throws.
 */
export function costsOf(document: PreviewDocument): Costs {
  const { currency, date, source } = table as { currency: "USD"; date: string; source: string };
  const region = regionOf(document);
  const empty = { currency, region, date, source, parts: [], monthly: 0, leavesOut: LEAVES_OUT };
  if (region === "") return { ...empty, notCounted: ["no region known, so no prices"] };
  if (pricesOf(region) === undefined) return { ...empty, notCounted: [withoutPrices(region)] };

  const byUrn = new Map(document.resources.map((resource) => [resource.urn, resource]));
  const parts = new Map<string, { part: PreviewResource; lines: Map<string, CostLine> }>();
  const unpriced = new Set<string>();
  const byUse = new Map<string, number>();
  for (const resource of document.resources) {
    const use = own(BY_USE, resource.type);
    if (use !== undefined) byUse.set(use, (byUse.get(use) ?? 0) + 1);
    for (const finding of findingsOf(resource, region)) {
      if (typeof finding === "string") {
        unpriced.add(finding);
        continue;
      }
      const part = partOf(resource, byUrn);
      const entry = parts.get(part.urn) ?? { part, lines: new Map<string, CostLine>() };
      parts.set(part.urn, entry);
      addTo(entry.lines, finding, resource.urn);
    }
  }
  const costs = [...parts.values()].map(({ part: { urn, type, name }, lines }) => {
    const sorted = [...lines.values()].sort((a, b) => b.monthly - a.monthly);
    return { urn, type, name, monthly: sum(sorted), lines: sorted };
  });
  costs.sort((a, b) => b.monthly - a.monthly);
  const used = [...byUse].map(([use, count]) => `${count} × ${use} (billed by use)`);
  return { ...empty, parts: costs, monthly: sum(costs), notCounted: [...unpriced, ...used] };
}

/** How much more or less a stack costs after a change; parts are the same where type and name are. */
export function difference(before: Costs, after: Costs): CostDifference {
  const key = ({ type, name }: PartCosts): string => `${type} ${name}`;
  const earlier = new Map(before.parts.map((part) => [key(part), part]));
  const later = new Map(after.parts.map((part) => [key(part), part]));
  const parts = [...new Map([...earlier, ...later])].map(([same, { urn, type, name }]) => {
    const [from, to] = [earlier.get(same)?.monthly ?? 0, later.get(same)?.monthly ?? 0];
    return { urn, type, name, before: from, after: to, monthly: to - from };
  });
  const only = (one: Costs, other: Costs, when: string): string[] =>
    one.notCounted.flatMap((words) => (other.notCounted.includes(words) ? [] : [`${when}: ${words}`]));
  return {
    parts: parts
      .filter(({ monthly }) => monthly !== 0)
      .sort((a, b) => Math.abs(b.monthly) - Math.abs(a.monthly)),
    monthly: after.monthly - before.monthly,
    notCounted: [...only(before, after, "before"), ...only(after, before, "after")],
  };
}

/** Whether it is known what a type costs: all the time, by use, or nothing. */
export function isKnownType(type: string): boolean {
  return [PRICED, BY_USE].some((types) => Object.hasOwn(types, type)) || isFree(type);
}

function isFree(type: string): boolean {
  return FREE.has(type) || type.startsWith("aws:iam/");
}

function findingsOf(resource: PreviewResource, stackRegion: string): Finding[] {
  const { type, name } = resource;
  const entries = Object.entries(resource.inputs).filter(([, value]) => value !== null);
  const inputs: Properties = Object.fromEntries(entries);
  if (!type.startsWith("aws:") || isFree(type) || Object.hasOwn(BY_USE, type)) return [];
  const price = own(PRICED, type);
  if (price === undefined) return [`${type} ${name}: no price known for this type`];
  // A resource may be in a region of its own.
  const region = inputs.region === undefined ? stackRegion : textOf(inputs.region);
  if (region === undefined) return [`${type} ${name}: its region is ${shown(inputs.region)}`];
  const prices = pricesOf(region);
  return prices === undefined
    ? [`${type} ${name}: ${withoutPrices(region)}`]
    : price({ ...resource, inputs }, prices);
}

function withoutPrices(region: string): string {
  return `no prices for ${region}: add them to report/prices.json`;
}

function pricesOf(region: string): RegionPrices | undefined {
  return own<RegionPrices>(table.regions, region);
}

/** The region of the provider; where providers differ or there is none, that of most ARNs. */
function regionOf({ resources }: PreviewDocument): string {
  const providers = new Set(
    resources.flatMap(({ type, inputs }) =>
      type === "pulumi:providers:aws" ? [textOf(inputs.region) ?? ""] : [],
    ),
  );
  const [only = ""] = providers;
  if (providers.size === 1 && only !== "") return only;
  const counts = new Map<string, number>();
  for (const { outputs } of resources) {
    const region = /^arn:[\w-]+:[^:]*:([a-z]{2}(?:-[a-z]+)+-\d):/.exec(textOf(outputs.arn) ?? "")?.[1];
    if (region !== undefined) counts.set(region, (counts.get(region) ?? 0) + 1);
  }
  return [...counts].sort(([, a], [, b]) => b - a)[0]?.[0] ?? "";
}

/** The topmost resource below the stack that a resource is in. */
function partOf(resource: PreviewResource, byUrn: Map<string, PreviewResource>): PreviewResource {
  const seen = new Set<string>();
  let part = resource;
  for (;;) {
    seen.add(part.urn);
    const parent = byUrn.get(part.parent);
    if (parent === undefined || parent.type === "pulumi:pulumi:Stack" || seen.has(parent.urn)) return part;
    part = parent;
  }
}

/** Adds a charge to the line of its like. */
function addTo(
  lines: Map<string, CostLine>,
  { label, unit, quantity, unitPrice }: Charge,
  urn: string,
): void {
  const key = `${label} ${unitPrice}`;
  const line = lines.get(key) ?? { what: "", quantity: 0, unit, unitPrice, monthly: 0, urns: [] };
  line.quantity += quantity;
  line.what = unit === "GB and month" ? `${line.quantity} GB of ${label}` : `${line.quantity} × ${label}`;
  line.monthly = line.quantity * unitPrice * (unit === "hour" ? HOURS_IN_A_MONTH : 1);
  line.urns.push(urn);
  lines.set(key, line);
}

function environment({ name, inputs }: PreviewResource, prices: RegionPrices): Finding[] {
  const settings = Array.isArray(inputs.settings) ? inputs.settings : [];
  const option = (namespace: string, key: string): PropertyValue | undefined =>
    settings
      .map((setting) => (typeof setting === "object" && !Array.isArray(setting) ? setting : null))
      .find((setting) => setting?.namespace === namespace && setting.name === key)?.value;
  const single = option("aws:elasticbeanstalk:environment", "EnvironmentType") === "SingleInstance";
  // Workers take their tasks from a queue, so they have no load balancer.
  const balanced = !single && inputs.tier !== "Worker";
  return [...fleet(name, single, option, prices), ...(balanced ? loadBalancer(name, option, prices) : [])];
}

type Option = (namespace: string, key: string) => PropertyValue | undefined;

function fleet(name: string, single: boolean, option: Option, prices: RegionPrices): Finding[] {
  const minimum = option("aws:autoscaling:asg", "MinSize");
  const instances = single ? 1 : wholeNumber(minimum);
  if (instances === undefined) return [`instances and disks of ${name}: MinSize is ${shown(minimum)}`];

  const types = option("aws:ec2:instances", "InstanceTypes");
  const type = textOf(types)?.split(",")[0]?.trim();
  const which = `${String(type)} for ${name}${single ? "" : ", minimum of autoscaling"}`;
  const volumeType = option("aws:autoscaling:launchconfiguration", "RootVolumeType");
  const volumeSize = option("aws:autoscaling:launchconfiguration", "RootVolumeSize");
  const size = wholeNumber(volumeSize);
  // A single instance has an Elastic IP.
  const isPublic = single || isTrue(option("aws:ec2:vpc", "AssociatePublicIpAddress"));
  return [
    type === undefined
      ? `instances of ${name}: InstanceTypes is ${shown(types)}`
      : priced(which, own(prices.instances, type), (price) => hourly(which, instances, price)),
    size === undefined
      ? `disks of ${name}: RootVolumeSize is ${shown(volumeSize)}`
      : priced(`disks of ${name}, ${shown(volumeType)}`, ownBy(prices.volumes, volumeType), (price) =>
          storage(`${shown(volumeType)} for the disks of ${name}`, instances * size, price),
        ),
    ...(isPublic ? [hourly(`public IPv4 address of ${name}'s instances`, instances, prices.publicIpv4)] : []),
  ];
}

function loadBalancer(name: string, option: Option, prices: RegionPrices): Finding[] {
  const type = option("aws:elasticbeanstalk:environment", "LoadBalancerType");
  if (type !== "application")
    return [`load balancer of ${name}: no price, its LoadBalancerType is ${shown(type)}`];
  const balancer = hourly(`Application Load Balancer of ${name}`, 1, prices.applicationLoadBalancer);
  if (option("aws:ec2:vpc", "ELBScheme") === "internal") return [balancer];
  const subnets = option("aws:ec2:vpc", "ELBSubnets");
  const zones = textOf(subnets)?.split(",").length;
  return [
    balancer,
    zones === undefined
      ? `public IPv4 addresses of ${name}'s load balancer: ELBSubnets is ${shown(subnets)}`
      : hourly(`public IPv4 address of ${name}'s load balancer, one per subnet`, zones, prices.publicIpv4),
  ];
}

function database({ name, inputs }: PreviewResource, prices: RegionPrices): Finding[] {
  const { engine, instanceClass, multiAz, storageType, allocatedStorage } = inputs;
  if (engine !== "postgres") return [`database ${name}: no price, its engine is ${shown(engine)}`];
  const zones = multiAz === undefined || isFalse(multiAz) ? "single" : isTrue(multiAz) ? "multi" : undefined;
  if (zones === undefined) return [`database ${name}: multiAz is ${shown(multiAz)}`];

  const where = zones === "multi" ? " in two zones" : "";
  const size = wholeNumber(allocatedStorage);
  const retention = inputs.performanceInsightsRetentionPeriod;
  return [
    priced(`database ${name}, ${shown(instanceClass)}`, ownBy(prices.databases, instanceClass), (price) =>
      hourly(`${shown(instanceClass)} for ${name}${where}`, 1, price[zones]),
    ),
    size === undefined
      ? `storage of database ${name}: allocatedStorage is ${shown(allocatedStorage)}`
      : priced(
          `storage of database ${name}, ${shown(storageType)}`,
          ownBy(prices.databaseStorage, storageType),
          (price) => storage(`${shown(storageType)} for ${name}${where}`, size, price[zones]),
        ),
    ...(inputs.iops === undefined && inputs.storageThroughput === undefined
      ? []
      : [`provisioned IOPS and throughput of database ${name}`]),
    // AWS keeps seven days for free.
    ...(retention === undefined || (wholeNumber(retention) ?? 8) <= 7
      ? []
      : [`Performance Insights of database ${name} beyond seven days`]),
  ];
}

function replicationGroup({ name, inputs }: PreviewResource, prices: RegionPrices): Finding[] {
  const {
    engine = "redis",
    nodeType,
    numCacheClusters,
    numNodeGroups = 1,
    replicasPerNodeGroup = 0,
  } = inputs;
  if (engine !== "redis") return [`replication group ${name}: no price, its engine is ${shown(engine)}`];
  const groups = wholeNumber(numNodeGroups);
  const replicas = wholeNumber(replicasPerNodeGroup);
  const byGroup = groups === undefined || replicas === undefined ? undefined : groups * (replicas + 1);
  const nodes = numCacheClusters === undefined ? byGroup : wholeNumber(numCacheClusters);
  if (nodes === undefined || nodes === 0) {
    const counts = [numCacheClusters, numNodeGroups, replicasPerNodeGroup].map(shown).join(", ");
    return [`replication group ${name}: its numbers of nodes, groups and replicas are ${counts}`];
  }
  return [
    priced(`replication group ${name}, ${shown(nodeType)}`, ownBy(prices.cacheNodes, nodeType), (price) =>
      hourly(`${shown(nodeType)} for ${name}`, nodes, price),
    ),
  ];
}

/** AWS charges each metric that an alarm looks at; expressions are free. */
function alarm({ name, inputs }: PreviewResource, prices: RegionPrices): Finding[] {
  const { metricQueries, period } = inputs;
  const queries = Array.isArray(metricQueries) ? metricQueries : [];
  const metrics = queries.flatMap((query) =>
    typeof query === "object" && !Array.isArray(query) && query !== null && query.metric !== undefined
      ? [query.metric]
      : [],
  );
  const periods =
    metricQueries === undefined
      ? [period]
      : metrics.map((metric) =>
          typeof metric === "object" && !Array.isArray(metric) ? metric?.period : undefined,
        );
  const isStandard = periods.length > 0 && periods.every((seconds) => (wholeNumber(seconds) ?? 0) >= 60);
  if (!isStandard) return [`alarm ${name}: no price, its periods are ${periods.map(shown).join(", ")}`];
  return [
    { label: "metric with an alarm", unit: "month", quantity: periods.length, unitPrice: prices.alarm },
  ];
}

function vpcEndpoint({ name, inputs: { vpcEndpointType: type = "Gateway" } }: PreviewResource): Finding[] {
  return type === "Gateway" ? [] : [`VPC endpoint ${name}: no price, its type is ${shown(type)}`];
}

function parameter({ name, inputs: { tier = "Standard" } }: PreviewResource): Finding[] {
  return tier === "Standard" ? [] : [`SSM parameter ${name}: no price, its tier is ${shown(tier)}`];
}

function hourly(label: string, quantity: number, unitPrice: number): Charge {
  return { label, unit: "hour", quantity, unitPrice };
}

function storage(label: string, quantity: number, unitPrice: number): Charge {
  return { label, unit: "GB and month", quantity, unitPrice };
}

/** The charge at a price, or that there is no such price. */
function priced<Price>(what: string, price: Price | undefined, charge: (price: Price) => Charge): Finding {
  return price === undefined ? `${what}: no price` : charge(price);
}

/** An own property: names of things may be those of an object's methods. */
function own<Value>(values: Record<string, Value>, key: string): Value | undefined {
  return Object.hasOwn(values, key) ? values[key] : undefined;
}

function ownBy<Value>(values: Record<string, Value>, key: PropertyValue | undefined): Value | undefined {
  return typeof key === "string" ? own(values, key) : undefined;
}

function sum(costs: { monthly: number }[]): number {
  return costs.reduce((total, { monthly }) => total + monthly, 0);
}

/** A text that is known. */
function textOf(value: PropertyValue | undefined): string | undefined {
  const known = typeof value === "string" && value !== "" && ![SECRET, UNKNOWN].includes(value);
  return known ? value : undefined;
}

/** A whole number, also as text, as Beanstalk's options are. */
function wholeNumber(value: PropertyValue | undefined): number | undefined {
  const isText = typeof value === "string" || typeof value === "number";
  return isText && /^\d{1,9}$/.test(String(value)) ? Number(String(value)) : undefined;
}

function isTrue(value: PropertyValue | undefined): boolean {
  return value === true || value === "true";
}

function isFalse(value: PropertyValue | undefined): boolean {
  return value === false || value === "false";
}

/** A value for a sentence. */
function shown(value: PropertyValue | undefined): string {
  if (value === undefined || value === null) return "not set";
  if (value === UNKNOWN) return "not known yet";
  if (value === SECRET) return "a secret";
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

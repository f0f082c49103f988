import { PreviewResource, Properties, PropertyValue, SECRET, UNKNOWN } from "../../graph/document";
import table from "./prices.json";
import { isFalse, isTrue, own } from "../values";

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
  /** A customer managed key by the month. */
  kmsKey: number;
  /** A web ACL, and each of its rules and rule groups, by the month. */
  webAcl: number;
  webAclRule: number;
}

interface ByZones {
  single: number;
  multi: number;
}

/** The unit of a charge. */
export type Unit = "hour" | "GB and month" | "month";

/** A charge for one resource. */
export interface Charge {
  /** Description of the charge, without the quantity. */
  label: string;
  unit: Unit;
  quantity: number;
  unitPrice: number;
}

/** A charge, or a message about a missing price. */
export type ChargeOrGap = Charge | string;

/** The types that are billed by time. */
const PRICED: Record<string, (resource: PreviewResource, prices: RegionPrices) => ChargeOrGap[]> = {
  "aws:cloudwatch/metricAlarm:MetricAlarm": alarm,
  "aws:ec2/eip:Eip": (_eip, { publicIpv4 }) => [hourly("public IPv4 address", 1, publicIpv4)],
  "aws:ec2/natGateway:NatGateway": (_gateway, { natGateway }) => [hourly("NAT gateway", 1, natGateway)],
  "aws:ec2/vpcEndpoint:VpcEndpoint": vpcEndpoint,
  "aws:elasticache/replicationGroup:ReplicationGroup": replicationGroup,
  "aws:elasticbeanstalk/environment:Environment": environment,
  "aws:kms/key:Key": ({ name }, { kmsKey }) => [
    { label: `KMS key ${name}`, unit: "month", quantity: 1, unitPrice: kmsKey },
  ],
  "aws:rds/instance:Instance": database,
  "aws:ssm/parameter:Parameter": parameter,
  "aws:wafv2/webAcl:WebAcl": webAcl,
};

/** The types that are billed by use, not by time, with a description of type and use. */
export const BY_USE: Record<string, string> = {
  "aws:backup/vault:Vault": "backup vault: what is kept, and what comes from another region",
  "aws:cloudfront/distribution:Distribution": "CloudFront distribution: requests and traffic",
  "aws:cloudwatch/logGroup:LogGroup": "log group: what is written and kept",
  "aws:ec2/flowLog:FlowLog": "flow log: what is written",
  "aws:ecr/repository:Repository": "image repository: storage",
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
  "aws:backup/plan:Plan",
  "aws:backup/selection:Selection",
  "aws:backup/vaultLockConfiguration:VaultLockConfiguration",
  "aws:cloudfront/originAccessControl:OriginAccessControl",
  "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup",
  "aws:ec2/internetGateway:InternetGateway",
  "aws:ec2/route:Route",
  "aws:ec2/routeTable:RouteTable",
  "aws:ec2/routeTableAssociation:RouteTableAssociation",
  "aws:ec2/securityGroup:SecurityGroup",
  "aws:ec2/subnet:Subnet",
  "aws:ec2/vpc:Vpc",
  "aws:ecr/lifecyclePolicy:LifecyclePolicy",
  "aws:elasticache/parameterGroup:ParameterGroup",
  "aws:elasticache/subnetGroup:SubnetGroup",
  "aws:elasticbeanstalk/application:Application",
  "aws:kms/alias:Alias",
  "aws:lb/listener:Listener",
  "aws:rds/parameterGroup:ParameterGroup",
  "aws:rds/subnetGroup:SubnetGroup",
  "aws:s3/bucketCorsConfiguration:BucketCorsConfiguration",
  "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
  "aws:s3/bucketLogging:BucketLogging",
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
  "aws:wafv2/webAclAssociation:WebAclAssociation",
]);

function isFree(type: string): boolean {
  return FREE.has(type) || type.startsWith("aws:iam/");
}

export function chargesOf(resource: PreviewResource, stackRegion: string): ChargeOrGap[] {
  const { type, name } = resource;
  const entries = Object.entries(resource.inputs).filter(([, value]) => value !== null);
  const inputs: Properties = Object.fromEntries(entries);
  if (!type.startsWith("aws:") || isFree(type) || Object.hasOwn(BY_USE, type)) return [];
  const price = own(PRICED, type);
  if (price === undefined) return [`${type} ${name}: no price known for this type`];
  // A resource can set its own region.
  const region = inputs.region === undefined ? stackRegion : textOf(inputs.region);
  if (region === undefined) return [`${type} ${name}: its region is ${shown(inputs.region)}`];
  const prices = pricesOf(region);
  return prices === undefined
    ? [`${type} ${name}: ${withoutPrices(region)}`]
    : price({ ...resource, inputs }, prices);
}

export function withoutPrices(region: string): string {
  return `no prices for ${region}: add them to report/costs/prices.json`;
}

export function pricesOf(region: string): RegionPrices | undefined {
  return own<RegionPrices>(table.regions, region);
}

function environment({ name, inputs }: PreviewResource, prices: RegionPrices): ChargeOrGap[] {
  const settings = Array.isArray(inputs.settings) ? inputs.settings : [];
  const option = (namespace: string, key: string): PropertyValue | undefined =>
    settings
      .map((setting) => (typeof setting === "object" && !Array.isArray(setting) ? setting : null))
      .find((setting) => setting?.namespace === namespace && setting.name === key)?.value;
  const single = option("aws:elasticbeanstalk:environment", "EnvironmentType") === "SingleInstance";
  // A worker environment has a queue and no load balancer.
  const balanced = !single && inputs.tier !== "Worker";
  return [...fleet(name, single, option, prices), ...(balanced ? loadBalancer(name, option, prices) : [])];
}

type Option = (namespace: string, key: string) => PropertyValue | undefined;

function fleet(name: string, single: boolean, option: Option, prices: RegionPrices): ChargeOrGap[] {
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

function loadBalancer(name: string, option: Option, prices: RegionPrices): ChargeOrGap[] {
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

function database({ name, inputs }: PreviewResource, prices: RegionPrices): ChargeOrGap[] {
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

function replicationGroup({ name, inputs }: PreviewResource, prices: RegionPrices): ChargeOrGap[] {
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

/** AWS charges for each metric of an alarm; expressions are free. */
function alarm({ name, inputs }: PreviewResource, prices: RegionPrices): ChargeOrGap[] {
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
  return [monthly("metric with an alarm", periods.length, prices.alarm)];
}

/** Requests come on top. AWS's managed rule groups of the kinds that this program uses cost as much as a rule. */
function webAcl({ name, inputs: { rules } }: PreviewResource, prices: RegionPrices): ChargeOrGap[] {
  return [
    monthly(`web ACL ${name}`, 1, prices.webAcl),
    monthly(`rule of web ACL ${name}`, Array.isArray(rules) ? rules.length : 0, prices.webAclRule),
  ];
}

function vpcEndpoint({
  name,
  inputs: { vpcEndpointType: type = "Gateway" },
}: PreviewResource): ChargeOrGap[] {
  return type === "Gateway" ? [] : [`VPC endpoint ${name}: no price, its type is ${shown(type)}`];
}

function parameter({ name, inputs: { tier = "Standard" } }: PreviewResource): ChargeOrGap[] {
  return tier === "Standard" ? [] : [`SSM parameter ${name}: no price, its tier is ${shown(tier)}`];
}

function hourly(label: string, quantity: number, unitPrice: number): Charge {
  return { label, unit: "hour", quantity, unitPrice };
}

function monthly(label: string, quantity: number, unitPrice: number): Charge {
  return { label, unit: "month", quantity, unitPrice };
}

function storage(label: string, quantity: number, unitPrice: number): Charge {
  return { label, unit: "GB and month", quantity, unitPrice };
}

/** The charge at a price, or a message that there is no price. */
function priced<Price>(
  what: string,
  price: Price | undefined,
  charge: (price: Price) => Charge,
): ChargeOrGap {
  return price === undefined ? `${what}: no price` : charge(price);
}

function ownBy<Value>(values: Record<string, Value>, key: PropertyValue | undefined): Value | undefined {
  return typeof key === "string" ? own(values, key) : undefined;
}

/** The value if it is a text that is known and not secret; undefined otherwise. */
export function textOf(value: PropertyValue | undefined): string | undefined {
  const known = typeof value === "string" && value !== "" && ![SECRET, UNKNOWN].includes(value);
  return known ? value : undefined;
}

/** A whole number, also as text, as Beanstalk's options are. */
function wholeNumber(value: PropertyValue | undefined): number | undefined {
  const isText = typeof value === "string" || typeof value === "number";
  return isText && /^\d{1,9}$/.test(String(value)) ? Number(String(value)) : undefined;
}

/** The value as a message shows it. */
function shown(value: PropertyValue | undefined): string {
  if (value === undefined || value === null) return "not set";
  if (value === UNKNOWN) return "not known yet";
  if (value === SECRET) return "a secret";
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

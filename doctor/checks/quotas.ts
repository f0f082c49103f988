import {
  DescribeAddressesCommand,
  type Instance,
  paginateDescribeInstances,
  paginateDescribeInstanceTypes,
  paginateDescribeVpcs,
  type Tag,
} from "@aws-sdk/client-ec2";
import { paginateDescribeLoadBalancers } from "@aws-sdk/client-elastic-load-balancing-v2";
import { GetAWSDefaultServiceQuotaCommand, GetServiceQuotaCommand } from "@aws-sdk/client-service-quotas";
import { errorName } from "../../cli/awsErrors";
import { NotChecked } from "../errors";
import { type Check, ok, type Result } from "../check";
import type { Context } from "../context";

/** A quota of Service Quotas. */
interface Quota {
  service: string;
  code: string;
  /** The counted resources, such as "Elastic IPs". */
  noun: string;
}

/** Instance families that share the quota of standard on-demand instances. */
const STANDARD_FAMILY = /^(a|c|d|h|i|m|r|t|z)\d/;

/** Configuration changes replace all instances at once, whatever the deployment policy: both generations run. */
const GENERATIONS = 2;

/** @see https://docs.aws.amazon.com/ec2/latest/instancetypes/ec2-instance-quotas.html */
export const vcpuQuota: Check = {
  name: "quota of vCPUs",
  phase: "preflight",
  async check(context) {
    const { environments } = context.stack;
    const types = [...new Set(environments.map(({ instanceType }) => instanceType))];
    const other = types.find((type) => !STANDARD_FAMILY.test(type));
    if (other !== undefined) throw new NotChecked(`${other} is not of a standard instance family`);
    const vcpus = await vcpusOf(context, types);
    const absent = types.filter((type) => !vcpus.has(type));
    // Another check reports it.
    if (absent.length > 0) throw new NotChecked(`EC2 has no type ${absent.join(", ")}`);
    const needed = environments.reduce(
      (sum, { instanceType, maxSize }) => sum + GENERATIONS * maxSize * (vcpus.get(instanceType) ?? 0),
      0,
    );
    return compare(context, {
      quota: { service: "ec2", code: "L-1216C47A", noun: "vCPUs of standard on-demand instances" },
      needed,
      others: await vcpusOfOthers(context),
      how: "all instances at their maximum, twice during a change",
    });
  },
};

async function vcpusOf({ clients }: Context, types: string[]): Promise<Map<string, number>> {
  const vcpus = new Map<string, number>();
  // A filter, because EC2 refuses a list of types with an unknown one among them.
  const filter = { Name: "instance-type", Values: types };
  for await (const page of paginateDescribeInstanceTypes({ client: clients.ec2 }, { Filters: [filter] })) {
    for (const { InstanceType, VCpuInfo } of page.InstanceTypes ?? []) {
      vcpus.set(String(InstanceType), VCpuInfo?.DefaultVCpus ?? 0);
    }
  }
  return vcpus;
}

/** The quota's vCPUs that instances outside the stack use. */
async function vcpusOfOthers({ clients, stack }: Context): Promise<number> {
  const filter = { Name: "instance-state-name", Values: ["pending", "running"] };
  const own = new Set(stack.environments.map(({ name }) => name));
  let sum = 0;
  for await (const page of paginateDescribeInstances({ client: clients.ec2 }, { Filters: [filter] })) {
    for (const instance of (page.Reservations ?? []).flatMap(({ Instances = [] }) => Instances)) {
      const environment = tag(instance.Tags, "elasticbeanstalk:environment-name");
      if (environment === undefined || !own.has(environment)) sum += countedVcpus(instance);
    }
  }
  return sum;
}

function countedVcpus({ InstanceType, InstanceLifecycle, CpuOptions }: Instance): number {
  if (!STANDARD_FAMILY.test(String(InstanceType)) || InstanceLifecycle === "spot") return 0;
  return (CpuOptions?.CoreCount ?? 0) * (CpuOptions?.ThreadsPerCore ?? 0);
}

/** @see https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html */
export const elasticIpQuota: Check = {
  name: "quota of Elastic IPs",
  phase: "preflight",
  async check(context) {
    const { elasticIps } = context.stack;
    if (elasticIps === 0) return ok("the stack uses an existing VPC");
    const { Addresses = [] } = await context.clients.ec2.send(new DescribeAddressesCommand({}));
    return compare(context, {
      quota: { service: "ec2", code: "L-0263D0A3", noun: "Elastic IPs" },
      needed: elasticIps,
      others: Addresses.filter(({ Tags }) => !isOwn(context, Tags)).length,
      how: "one for each NAT gateway",
    });
  },
};

export const vpcQuota: Check = {
  name: "quota of VPCs",
  phase: "preflight",
  async check(context) {
    if (!context.stack.createsVpc) return ok("the stack uses an existing VPC");
    let others = 0;
    for await (const page of paginateDescribeVpcs({ client: context.clients.ec2 }, {})) {
      others += (page.Vpcs ?? []).filter(({ Tags }) => !isOwn(context, Tags)).length;
    }
    return compare(context, {
      quota: { service: "vpc", code: "L-F678F1CE", noun: "VPCs" },
      needed: 1,
      others,
      how: "the stack's own",
    });
  },
};

/** @see https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-limits.html */
export const loadBalancerQuota: Check = {
  name: "quota of load balancers",
  phase: "preflight",
  async check(context) {
    const behindBalancers = context.stack.environments.filter(({ cnamePrefix }) => cnamePrefix !== undefined);
    const existing = await context.environments();
    const own = behindBalancers.filter(({ name }) => existing.has(name)).length;
    let all = 0;
    for await (const page of paginateDescribeLoadBalancers({ client: context.clients.loadBalancing }, {})) {
      all += (page.LoadBalancers ?? []).filter(({ Type }) => Type === "application").length;
    }
    return compare(context, {
      quota: { service: "elasticloadbalancing", code: "L-53DA6B97", noun: "Application Load Balancers" },
      needed: behindBalancers.length,
      others: Math.max(0, all - own),
      how: "one each for Iaso and Enketo",
    });
  },
};

interface Comparison {
  quota: Quota;
  /** Need of the whole stack. */
  needed: number;
  /** Use by the rest of the account. */
  others: number;
  /** Explanation of `needed`. */
  how: string;
}

async function compare(context: Context, { quota, needed, others, how }: Comparison): Promise<Result> {
  const { region } = context.stack;
  const limit = await limitOf(context, quota);
  if (others + needed <= limit) return ok(`${needed} needed, ${others} used by others, quota ${limit}`);
  return {
    findings: [
      {
        wrong: `The quota in ${region} is ${limit} ${quota.noun}; the stack needs ${needed} (${how}), and the rest of the account uses ${others}.`,
        why: "AWS refuses what exceeds a quota: pulumi up, a deployment or scaling out fails.",
        fix:
          `aws service-quotas request-service-quota-increase --region ${region} --service-code ${quota.service} ` +
          `--quota-code ${quota.code} --desired-value ${others + needed}`,
      },
    ],
  };
}

/** The account's own value, or AWS's default if the account never had one. */
async function limitOf({ clients }: Context, { service, code }: Quota): Promise<number> {
  const input = { ServiceCode: service, QuotaCode: code };
  const { Quota } = await clients.quotas.send(new GetServiceQuotaCommand(input)).catch((error: unknown) => {
    if (errorName(error) !== "NoSuchResourceException") throw error;
    return clients.quotas.send(new GetAWSDefaultServiceQuotaCommand(input));
  });
  if (Quota?.Value === undefined)
    throw new NotChecked(`Service Quotas gives no value for ${service} ${code}`);
  return Quota.Value;
}

function isOwn({ stack }: Context, tags: Tag[] | undefined): boolean {
  return Object.entries(stack.tags).every(([key, value]) => tag(tags, key) === value);
}

function tag(tags: Tag[] | undefined, key: string): string | undefined {
  return tags?.find(({ Key }) => Key === key)?.Value;
}

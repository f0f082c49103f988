import type { Plant } from "./plant";

/** Quotas that are too low. */
export const quotaPlants: Plant[] = [
  {
    // Web 4 + worker 2 + Enketo 2, with 2 vCPUs each, twice.
    what: "one vCPU too few",
    check: "quota of vCPUs",
    plant: ({ account }) => account.quotas.set("ec2 L-1216C47A", 31),
    wrong: /quota in eu-central-1 is 31 .*needs 32 .*uses 0/,
    fix: /^aws service-quotas request-service-quota-increase .*--quota-code L-1216C47A --desired-value 32$/,
  },
  {
    what: "vCPUs that others use, on a deployed stack",
    check: "quota of vCPUs",
    exists: true,
    plant: ({ account }) => {
      account.quotas.set("ec2 L-1216C47A", 40);
      account.instances.push(
        { type: "m7i.2xlarge", state: "running", vcpus: 8, environment: "shop" },
        { type: "c7i.large", state: "pending", vcpus: 2 },
        // None of these counts.
        { type: "c7i.large", state: "stopped", vcpus: 2 },
        { type: "c7i.large", state: "running", vcpus: 2, isSpot: true },
        { type: "g5.xlarge", state: "running", vcpus: 4 },
        { type: "inf2.xlarge", state: "running", vcpus: 4 },
      );
    },
    wrong: /is 40 .*needs 32 .*uses 10\b/,
    fix: /--desired-value 42$/,
  },
  {
    what: "no Elastic IP left",
    check: "quota of Elastic IPs",
    plant: ({ account }) => account.addresses.push({}, {}, {}, {}, { project: "iaso", env: "other" }),
    wrong: /is 5 Elastic IPs; the stack needs 1 .*uses 5/,
    fix: /--service-code ec2 --quota-code L-0263D0A3 --desired-value 6$/,
  },
  {
    what: "too few Elastic IPs for a NAT gateway in each zone",
    check: "quota of Elastic IPs",
    stack: "prod",
    plant: ({ account }) => account.addresses.push({}, {}, {}),
    wrong: /needs 3 .*uses 3/,
    fix: /--desired-value 6$/,
  },
  {
    what: "no VPC left",
    check: "quota of VPCs",
    plant: ({ account }) => account.vpcs.push({}, {}, {}, {}),
    wrong: /is 5 VPCs; the stack needs 1 .*uses 5/,
    fix: /--service-code vpc --quota-code L-F678F1CE --desired-value 6$/,
  },
  {
    what: "no load balancer left, by AWS's default quota",
    check: "quota of load balancers",
    plant: ({ account }) => {
      account.defaultQuotas.set("elasticloadbalancing L-53DA6B97", 3);
      account.loadBalancers = ["application", "application", "network", "gateway"];
    },
    wrong: /is 3 Application Load Balancers; the stack needs 2 .*uses 2/,
    fix: /--quota-code L-53DA6B97 --desired-value 4$/,
  },
];

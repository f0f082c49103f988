import { randomUUID } from "node:crypto";
import { gzipSync } from "node:zlib";
import {
  type _InstanceType,
  CreateSecurityGroupCommand,
  DeleteSecurityGroupCommand,
  DescribeSubnetsCommand,
  type EC2Client,
  type Instance,
  paginateDescribeInstances,
  paginateDescribeSecurityGroups,
  RunInstancesCommand,
  type SecurityGroup,
  type Subnet,
  type Tag,
  TerminateInstancesCommand,
} from "@aws-sdk/client-ec2";
import { errorName } from "../cli/awsErrors";
import { UserError } from "../cli/userError";
import type { BaseImage } from "./baseImage";
import { partFilters } from "./images";
import { isAbandoned } from "./lease";
import { USER_DATA_LIMIT, userData } from "./userData";

/** The part tag of builders, their volumes and their security groups. */
export const BUILDER = "builder";

export interface BuilderOptions {
  /** The run that starts the builder. */
  runId: string;
  base: BaseImage;
  script: string;
  instanceType: string;
  /** Its subnet; a default subnet of the account if undefined. */
  subnetId: string | undefined;
  /** Minutes after each boot at which it shuts itself down in any case. */
  lifeMinutes: number;
  /** Tags of the instance, its volume and its security group. */
  tags: Tag[];
}

/**
 * Starts a builder: IMDSv2 only, encrypted gp3, no key pair, no instance profile, no inbound rule, terminated when it
 * shuts down.
 *
 * @throws UserError if there is no subnet for it
 */
export async function startBuilder(ec2: EC2Client, options: BuilderOptions): Promise<Instance> {
  const subnets = await subnetsFor(ec2, options.subnetId);
  const groupId = await createGroup(ec2, subnets[0]?.VpcId, options);
  let refusal: unknown;
  for (const subnet of subnets) {
    try {
      return await runInstance(ec2, options, subnet, groupId);
    } catch (error) {
      // Not every zone has every instance type, or capacity for it.
      if (!["InsufficientInstanceCapacity", "Unsupported"].includes(errorName(error))) throw error;
      refusal = error;
    }
  }
  throw refusal;
}

async function runInstance(ec2: EC2Client, options: BuilderOptions, subnet: Subnet, groupId: string) {
  const { base, tags } = options;
  const { Instances = [] } = await ec2.send(
    new RunInstancesCommand({
      // The same in each attempt of the SDK, so that a lost answer does not start a second builder.
      ClientToken: randomUUID(),
      ImageId: base.id,
      InstanceType: options.instanceType as _InstanceType,
      MinCount: 1,
      MaxCount: 1,
      UserData: packedUserData(options).toString("base64"),
      InstanceInitiatedShutdownBehavior: "terminate",
      MetadataOptions: { HttpTokens: "required", HttpPutResponseHopLimit: 1 },
      NetworkInterfaces: [
        {
          DeviceIndex: 0,
          SubnetId: subnet.SubnetId,
          Groups: [groupId],
          // A default subnet reaches the Internet only with a public address. Any other subnet is assumed to have NAT.
          AssociatePublicIpAddress: options.subnetId === undefined,
        },
      ],
      BlockDeviceMappings: [
        {
          DeviceName: base.rootDevice,
          Ebs: { VolumeType: "gp3", VolumeSize: 20, Encrypted: true, DeleteOnTermination: true },
        },
      ],
      TagSpecifications: [
        { ResourceType: "instance", Tags: tags },
        { ResourceType: "volume", Tags: tags },
      ],
    }),
  );
  const builder = Instances[0];
  if (!builder) throw new UserError("EC2 started no builder and gives no reason.", "Run again.");
  return builder;
}

/** Compresses the user data. EC2's limit applies to the compressed bytes, and cloud-init unpacks gzip. */
function packedUserData({ script, base, lifeMinutes }: BuilderOptions): Buffer {
  const data = gzipSync(userData(script, base.releaseVersion, lifeMinutes));
  if (data.length <= USER_DATA_LIMIT) return data;
  throw new UserError(
    `The install script has ${data.length} bytes compressed; EC2 accepts ${USER_DATA_LIMIT}.`,
    "Shorten ami/recipe.ts.",
  );
}

async function subnetsFor(ec2: EC2Client, subnetId: string | undefined): Promise<Subnet[]> {
  const { Subnets = [] } = await ec2.send(
    new DescribeSubnetsCommand(
      subnetId === undefined
        ? { Filters: [{ Name: "default-for-az", Values: ["true"] }] }
        : { SubnetIds: [subnetId] },
    ),
  );
  if (Subnets.length === 0) {
    throw new UserError(
      "The region has no default subnet for the builder.",
      "Build with a subnet that reaches the Internet: npm run ami -- build ... --subnet ID. " +
        "Then pulumi up finds the image.",
    );
  }
  return Subnets;
}

/** Creates a group without inbound rules. The default group would allow traffic between its members. */
async function createGroup(ec2: EC2Client, VpcId: string | undefined, { runId, tags }: BuilderOptions) {
  const { GroupId = "" } = await ec2.send(
    new CreateSecurityGroupCommand({
      GroupName: `iaso-gdal-builder-${runId}`,
      Description: "Builder of the GDAL image: nothing comes in",
      VpcId,
      TagSpecifications: [{ ResourceType: "security-group", Tags: tags }],
    }),
  );
  return GroupId;
}

/** Lists the builders for one environment, or for all, oldest first, including those that ended in the last hour. */
export async function findBuilders(ec2: EC2Client, env?: string): Promise<Instance[]> {
  const builders: Instance[] = [];
  const request = { Filters: partFilters(BUILDER, env) };
  for await (const page of paginateDescribeInstances({ client: ec2 }, request)) {
    builders.push(...(page.Reservations ?? []).flatMap(({ Instances = [] }) => Instances));
  }
  const order = ({ LaunchTime, InstanceId = "" }: Instance) =>
    `${LaunchTime?.toISOString() ?? ""} ${InstanceId}`;
  return builders.sort((a, b) => order(a).localeCompare(order(b)));
}

/** True unless the instance is terminated or shutting down. A stopped instance counts: it can be started again. */
export function isAlive({ State }: Instance): boolean {
  return State?.Name !== "terminated" && State?.Name !== "shutting-down";
}

function isEnding({ State }: Instance): boolean {
  return State?.Name === "shutting-down";
}

export async function terminate(ec2: EC2Client, instanceId: string): Promise<void> {
  await ec2.send(new TerminateInstancesCommand({ InstanceIds: [instanceId] }));
}

/** Terminates the abandoned builders for one environment, or for all, except reusable ones. */
export async function terminateAbandoned(
  ec2: EC2Client,
  env: string | undefined,
  report: (line: string) => void,
  isReusable: (builder: Instance) => Promise<boolean> = () => Promise.resolve(false),
): Promise<void> {
  for (const builder of await findBuilders(ec2, env)) {
    const { InstanceId = "" } = builder;
    if (!isAlive(builder) || !isAbandoned(builder) || (await isReusable(builder))) continue;
    report(`terminating ${InstanceId}, which a killed run left`);
    await terminate(ec2, InstanceId);
  }
}

/**
 * Deletes the removable security groups of builders for one environment, or for all. Waits until builders that shut down are terminated, because EC2
 * does not delete a group that an instance uses. A group that is still in use stays.
 */
export async function removeGroups(
  ec2: EC2Client,
  env: string | undefined,
  isRemovable: (group: SecurityGroup) => boolean,
  sleep: () => Promise<void>,
): Promise<void> {
  const groups: SecurityGroup[] = [];
  const request = { Filters: partFilters(BUILDER, env) };
  for await (const page of paginateDescribeSecurityGroups({ client: ec2 }, request)) {
    groups.push(...(page.SecurityGroups ?? []).filter(isRemovable));
  }
  if (groups.length === 0) return;
  for (let polls = 0; polls < 60 && (await findBuilders(ec2, env)).some(isEnding); polls++) await sleep();
  for (const { GroupId } of groups) {
    try {
      await ec2.send(new DeleteSecurityGroupCommand({ GroupId }));
    } catch (error) {
      if (!["DependencyViolation", "InvalidGroup.NotFound"].includes(errorName(error))) throw error;
    }
  }
}

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
import { errorName } from "./failure";
import { UserError } from "../cli/userError";
import type { BaseImage } from "./baseImage";
import { PART_TAG } from "./images";
import { isLeftBehind } from "./lease";
import { USER_DATA_LIMIT, userData } from "./userData";

/** The kind of part that builders, their volumes and their security groups are tagged as. */
export const BUILDER = "builder";
const OURS = { Name: `tag:${PART_TAG}`, Values: [BUILDER] };

export interface BuilderOptions {
  /** The run that starts it. */
  runId: string;
  base: BaseImage;
  script: string;
  instanceType: string;
  /** Where it runs; a default subnet of the account without it. */
  subnetId: string | undefined;
  /** Minutes after each boot at which it shuts itself down, whatever has happened. */
  lifeMinutes: number;
  /** On the instance, its volume and its security group. */
  tags: Tag[];
}

/**
 * Starts a builder: IMDSv2 only, encrypted gp3, no key pair, no instance profile, nothing that comes in, and gone
 * when it shuts down.
 *
 * @throws UserError when there is no subnet for it
 */
export async function startBuilder(ec2: EC2Client, options: BuilderOptions): Promise<Instance> {
  const subnets = await subnetsFor(ec2, options.subnetId);
  const groupId = await createGroup(ec2, subnets[0]?.VpcId, options);
  let refusal: unknown;
  for (const subnet of subnets) {
    try {
      return await runInstance(ec2, options, subnet, groupId);
    } catch (error) {
      // Not every zone has every type, nor always room for it.
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
      // The same for each attempt of this call, so that a lost answer does not start a second builder.
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
          // A default subnet reaches the Internet through a public address only; any other one is taken to have NAT.
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
  if (!builder) throw new UserError("EC2 started no builder and gave no reason.", "Run again.");
  return builder;
}

/** cloud-init unpacks gzip; EC2's limit is on what is sent. */
function packedUserData({ script, base, lifeMinutes }: BuilderOptions): Buffer {
  const data = gzipSync(userData(script, base.releaseVersion, lifeMinutes));
  if (data.length <= USER_DATA_LIMIT) return data;
  throw new UserError(
    `The install script is ${data.length} bytes packed; EC2 takes ${USER_DATA_LIMIT}.`,
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
        "pulumi up then finds the image.",
    );
  }
  return Subnets;
}

/** A group without inbound rules. The default group would let its own members in. */
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

/** All builders, those that ended in the last hour too; the one that was started first comes first. */
export async function findBuilders(ec2: EC2Client): Promise<Instance[]> {
  const builders: Instance[] = [];
  for await (const page of paginateDescribeInstances({ client: ec2 }, { Filters: [OURS] })) {
    builders.push(...(page.Reservations ?? []).flatMap(({ Instances = [] }) => Instances));
  }
  const order = ({ LaunchTime, InstanceId = "" }: Instance) =>
    `${LaunchTime?.toISOString() ?? ""} ${InstanceId}`;
  return builders.sort((a, b) => order(a).localeCompare(order(b)));
}

/** Whether it runs or is about to. One that is stopped can be started again, so it lives. */
export function isAlive({ State }: Instance): boolean {
  return State?.Name !== "terminated" && State?.Name !== "shutting-down";
}

function isEnding({ State }: Instance): boolean {
  return State?.Name === "shutting-down";
}

export async function terminate(ec2: EC2Client, instanceId: string): Promise<void> {
  await ec2.send(new TerminateInstancesCommand({ InstanceIds: [instanceId] }));
}

/** Terminates the builders that killed runs left, but for those that are worth keeping. */
export async function endLeftBehind(
  ec2: EC2Client,
  report: (line: string) => void,
  isWorthKeeping: (builder: Instance) => Promise<boolean> = () => Promise.resolve(false),
): Promise<void> {
  for (const builder of await findBuilders(ec2)) {
    const { InstanceId = "" } = builder;
    if (!isAlive(builder) || !isLeftBehind(builder) || (await isWorthKeeping(builder))) continue;
    report(`terminating ${InstanceId}, left by a run that was killed`);
    await terminate(ec2, InstanceId);
  }
}

/**
 * Removes the security groups of a run and those that killed runs left. Waits for builders that are ending, as a
 * group cannot go while an instance is in it; one that is still needed stays.
 */
export async function removeGroups(
  ec2: EC2Client,
  isRemovable: (group: SecurityGroup) => boolean,
  sleep: () => Promise<void>,
): Promise<void> {
  const groups: SecurityGroup[] = [];
  for await (const page of paginateDescribeSecurityGroups({ client: ec2 }, { Filters: [OURS] })) {
    groups.push(...(page.SecurityGroups ?? []).filter(isRemovable));
  }
  if (groups.length === 0) return;
  for (let looks = 0; looks < 60 && (await findBuilders(ec2)).some(isEnding); looks++) await sleep();
  for (const { GroupId } of groups) {
    try {
      await ec2.send(new DeleteSecurityGroupCommand({ GroupId }));
    } catch (error) {
      if (!["DependencyViolation", "InvalidGroup.NotFound"].includes(errorName(error))) throw error;
    }
  }
}

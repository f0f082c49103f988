import { ACCOUNT, REGION, type Role } from "../authorization";
import { authorize } from "../deploy/double/authorization";
import { type Time } from "../deploy/double/clocks";
import { AwsFault } from "../deploy/double/protocol";

interface SimulatedSnapshot {
  name: string;
  automatic: boolean;
  availableAt: number;
  at: number;
}

const arn = (resource: string): string => `arn:aws:elasticache:${REGION}:${ACCOUNT}:${resource}`;

/**
 * ElastiCache with Enketo's main Redis.
 *
 * @see https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/backups-deleting.html
 */
export class ElastiCacheDouble {
  readonly group = "iaso-staging-enketo-main";
  readonly snapshots: SimulatedSnapshot[] = [];
  status = "available";
  private deletedAt = Infinity;

  constructor(
    private readonly time: Time,
    private readonly role: () => Role | undefined,
  ) {}

  get exists(): boolean {
    return this.deletedAt > this.time.now;
  }

  addSnapshot(name: string, automatic: boolean, delay = 0): void {
    const at = this.time.now;
    this.snapshots.push({ name, automatic, at, availableAt: at + delay });
  }

  /** @throws AwsFault as ElastiCache does */
  handle(_: string, operation: string, input: Record<string, unknown>): unknown {
    this.advance();
    const text = (name: string): string => String(input[name]);
    switch (operation) {
      case "DescribeSnapshots":
        this.allow("DescribeSnapshots", ["*"]);
        return { Snapshots: this.describe(input) };
      case "DescribeReplicationGroups": {
        this.allow("DescribeReplicationGroups", ["*"]);
        if (text("ReplicationGroupId") !== this.group || !this.exists) throw this.notFound();
        const Status = this.deletedAt === Infinity ? this.status : "deleting";
        return { ReplicationGroups: [{ ReplicationGroupId: this.group, Status }] };
      }
      case "CopySnapshot": {
        const [source, target] = [text("SourceSnapshotName"), text("TargetSnapshotName")];
        this.allow("CopySnapshot", [arn(`snapshot:${source}`), arn(`snapshot:${target}`)]);
        const found = this.snapshots.find(({ name }) => name === source);
        if (found === undefined) throw new AwsFault("SnapshotNotFoundFault", `Snapshot ${source} not found`);
        if (found.availableAt > this.time.now) throw new AwsFault("InvalidSnapshotState", "");
        if (!/^(?!.*--)[a-z][a-z0-9-]*[a-z0-9]$/.test(target))
          throw new AwsFault("InvalidParameterValue", target);
        this.requireFree(target);
        this.addSnapshot(target, false, 120_000);
        return {};
      }
      case "DeleteReplicationGroup":
        return this.delete(
          text("ReplicationGroupId"),
          input["FinalSnapshotIdentifier"] as string | undefined,
        );
      default:
        throw new AwsFault("InvalidAction", `The double of ElastiCache has no ${operation}.`);
    }
  }

  private describe(input: Record<string, unknown>): unknown[] {
    const { ReplicationGroupId, SnapshotName } = input;
    return this.snapshots
      .filter(({ name }) => SnapshotName === undefined || name === SnapshotName)
      .filter(() => ReplicationGroupId === undefined || ReplicationGroupId === this.group)
      .map(({ at, availableAt, automatic, name }) => ({
        SnapshotName: name,
        SnapshotStatus: availableAt <= this.time.now ? "available" : "copying",
        SnapshotSource: automatic ? "automated" : "manual",
        ReplicationGroupId: this.group,
        NodeSnapshots: [{ SnapshotCreateTime: at / 1000 }],
      }));
  }

  private delete(group: string, last: string | undefined): unknown {
    this.allow("DeleteReplicationGroup", [
      arn(`replicationgroup:${group}`),
      ...(last === undefined ? [] : [arn(`snapshot:${last}`)]),
    ]);
    if (group !== this.group || !this.exists) throw this.notFound();
    if (this.status !== "available" || this.deletedAt !== Infinity) {
      throw new AwsFault("InvalidReplicationGroupState", `Replication group ${group} is not available.`);
    }
    if (last !== undefined) {
      this.requireFree(last);
      this.addSnapshot(last, false, 300_000);
    }
    this.deletedAt = this.time.now + 400_000;
    return {};
  }

  private requireFree(name: string): void {
    if (this.snapshots.some((one) => one.name === name))
      throw new AwsFault("SnapshotAlreadyExistsFault", name);
  }

  private notFound(): AwsFault {
    return new AwsFault("ReplicationGroupNotFoundFault", `ReplicationGroup ${this.group} not found.`);
  }

  private allow(action: string, resources: string[]): void {
    const role = this.role();
    if (role === undefined) return;
    const needed = resources.map((resource) => ({ action: `elasticache:${action}`, resource }));
    authorize(role, "elasticache", needed);
  }

  /** Deletes the automatic snapshots with their Redis. */
  private advance(): void {
    if (this.exists) return;
    const kept = this.snapshots.filter(({ automatic }) => !automatic);
    this.snapshots.splice(0, Infinity, ...kept);
  }
}

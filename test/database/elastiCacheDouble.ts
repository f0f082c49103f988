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

/** A copy of a rehearsal. */
interface SimulatedCopy {
  id: string;
  createdAt: number;
  deletedAt: number;
}

/** The properties of a new Redis that the double takes. */
const CREATES = [
  "AtRestEncryptionEnabled",
  "AutomaticFailoverEnabled",
  "CacheNodeType",
  "CacheParameterGroupName",
  "CacheSubnetGroupName",
  "Engine",
  "EngineVersion",
  "KmsKeyId",
  "NumCacheClusters",
  "ReplicationGroupDescription",
  "ReplicationGroupId",
  "SecurityGroupIds",
  "SnapshotName",
  "Tags",
  "TransitEncryptionEnabled",
];

const KEY = `arn:aws:kms:${REGION}:${ACCOUNT}:key/11111111-2222-3333-4444-555555555555`;

const arn = (resource: string): string => `arn:aws:elasticache:${REGION}:${ACCOUNT}:${resource}`;

/**
 * ElastiCache with Enketo's two Redis, and copies of rehearsals.
 *
 * @see https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/backups-deleting.html
 */
export class ElastiCacheDouble {
  readonly group = "iaso-staging-enketo-main";
  readonly snapshots: SimulatedSnapshot[] = [];
  status = "available";
  private deletedAt = Infinity;
  readonly copies: SimulatedCopy[] = [];
  /** The status of a copy after its creation. */
  created: "available" | "create-failed" = "available";

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
        const wanted = input["ReplicationGroupId"];
        const found = this.groups().filter((one) =>
          [undefined, one.ReplicationGroupId].includes(wanted as string),
        );
        if (wanted !== undefined && found.length === 0) throw this.notFound(text("ReplicationGroupId"));
        return { ReplicationGroups: found };
      }
      case "CreateReplicationGroup":
        return this.create(input);
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
        CacheNodeType: "cache.t4g.small",
        CacheParameterGroupName: "default.redis7",
        CacheSubnetGroupName: "iaso-staging-enketo",
        DataTiering: "disabled",
        Engine: "redis",
        EngineVersion: "7.1.0",
        NodeSnapshots: [{ SnapshotCreateTime: at / 1000 }],
      }));
  }

  /** The Redis that exist: the main one, the cache, and copies. */
  private groups(): { ReplicationGroupId: string; Status: string; KmsKeyId?: string }[] {
    const main = this.deletedAt === Infinity ? this.status : "deleting";
    return [
      ...(this.exists ? [{ ReplicationGroupId: this.group, Status: main, KmsKeyId: KEY }] : []),
      { ReplicationGroupId: "iaso-staging-enketo-cache", Status: "available" },
      ...this.copies
        .filter(({ deletedAt }) => deletedAt > this.time.now)
        .map((copy) => ({ ReplicationGroupId: copy.id, Status: this.statusOf(copy) })),
    ];
  }

  private statusOf({ createdAt, deletedAt }: SimulatedCopy): string {
    if (deletedAt < Infinity) return "deleting";
    return this.time.now < createdAt + 600_000 ? "creating" : this.created;
  }

  /** @see https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_CreateReplicationGroup.html */
  private create(input: Record<string, unknown>): unknown {
    const unknown = Object.keys(input).filter((key) => !CREATES.includes(key));
    if (unknown.length > 0) throw new AwsFault("InvalidParameterValue", `Unknown: ${unknown.join()}`);
    const text = (name: string): string => String(input[name]);
    const id = text("ReplicationGroupId");
    this.allow("CreateReplicationGroup", [
      arn(`replicationgroup:${id}`),
      arn(`snapshot:${text("SnapshotName")}`),
      arn(`subnetgroup:${text("CacheSubnetGroupName")}`),
      arn(`parametergroup:${text("CacheParameterGroupName")}`),
    ]);
    this.allow("AddTagsToResource", [arn(`replicationgroup:${id}`)]);
    if (!/^(?!.*--)[a-z][a-z0-9-]{0,38}[a-z0-9]$/.test(id)) throw new AwsFault("InvalidParameterValue", id);
    if (!/^[67]\.\d$/.test(text("EngineVersion")))
      throw new AwsFault("InvalidParameterValue", "EngineVersion");
    const snapshot = this.snapshots.find(({ name }) => name === input["SnapshotName"]);
    if (snapshot === undefined) throw new AwsFault("SnapshotNotFoundFault", text("SnapshotName"));
    if (snapshot.availableAt > this.time.now) throw new AwsFault("InvalidSnapshotState", "");
    if (this.groups().some(({ ReplicationGroupId }) => ReplicationGroupId === id)) {
      throw new AwsFault("ReplicationGroupAlreadyExistsFault", id);
    }
    if (input["KmsKeyId"] !== undefined && input["AtRestEncryptionEnabled"] !== true) {
      throw new AwsFault("InvalidParameterCombination", "KmsKeyId needs encryption at rest.");
    }
    this.copies.push({ id, createdAt: this.time.now, deletedAt: Infinity });
    return {};
  }

  private deleteCopy(copy: SimulatedCopy): unknown {
    if (!["available", "create-failed"].includes(this.statusOf(copy))) {
      throw new AwsFault("InvalidReplicationGroupState", `Replication group ${copy.id} is not available.`);
    }
    copy.deletedAt = this.time.now + 400_000;
    return {};
  }

  /** @see https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_DeleteReplicationGroup.html */
  private delete(group: string, last: string | undefined): unknown {
    const resources = [
      arn(`replicationgroup:${group}`),
      ...(last === undefined ? [] : [arn(`snapshot:${last}`)]),
    ];
    this.allow("DeleteReplicationGroup", resources);
    // A last snapshot needs the right to create snapshots too.
    if (last !== undefined) this.allow("CreateSnapshot", resources);
    const copy = this.copies.find(({ deletedAt, id }) => id === group && deletedAt > this.time.now);
    if (copy !== undefined) return this.deleteCopy(copy);
    if (group !== this.group || !this.exists) throw this.notFound(group);
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

  private notFound(group: string): AwsFault {
    return new AwsFault("ReplicationGroupNotFoundFault", `ReplicationGroup ${group} not found.`);
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

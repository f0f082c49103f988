import { awsCli } from "../../cli/awsCli";
import { UserError } from "../../cli/userError";
import type { ExistingEnvironment } from "./environments";

/** A Redis of Enketo. */
export interface ExistingRedis {
  kind: "main" | "cache";
  /** Id of the replication group, or of the cluster without one. */
  id: string;
  /** True for a replication group. */
  isGroup: boolean;
  nodeType: string;
  /** Nodes, the primary one included. */
  nodes: number;
  isEncrypted: boolean;
  /** Days for which ElastiCache keeps snapshots; 0 if it takes none. */
  snapshotDays: number;
}

interface Address {
  Address?: string;
}

interface Cluster {
  CacheClusterId: string;
  CacheNodeType: string;
  ReplicationGroupId?: string;
  AtRestEncryptionEnabled?: boolean;
  SnapshotRetentionLimit?: number;
  CacheNodes?: { Endpoint?: Address }[];
}

interface Group {
  ReplicationGroupId: string;
  MemberClusters?: string[];
  NodeGroups?: { PrimaryEndpoint?: Address; NodeGroupMembers?: { ReadEndpoint?: Address }[] }[];
}

/** The variables with the addresses of Enketo's Redis. */
const VARIABLES = { main: "ENKETO_REDIS_MAIN_URL", cache: "ENKETO_REDIS_CACHE_URL" } as const;

/**
 * Returns Enketo's Redis. A Redis that is no ElastiCache, such as one on the instance itself, is not among them.
 *
 * @throws UserError if ElastiCache cannot be read
 */
export function readRedis(region: string, enketo: ExistingEnvironment | undefined): ExistingRedis[] {
  const hosts = (Object.keys(VARIABLES) as (keyof typeof VARIABLES)[]).flatMap((kind) => {
    const host = /^(?:rediss?:\/\/)?(?:[^@/]*@)?([^:/]+)/.exec(enketo?.variables[VARIABLES[kind]] ?? "")?.[1];
    return host === undefined ? [] : [{ kind, host }];
  });
  if (hosts.length === 0) return [];
  const { ReplicationGroups = [] } = describe(region, "describe-replication-groups") as {
    ReplicationGroups?: Group[];
  };
  const { CacheClusters = [] } = describe(region, "describe-cache-clusters", "--show-cache-node-info") as {
    CacheClusters?: Cluster[];
  };
  return hosts.flatMap(({ kind, host }) => {
    const group = ReplicationGroups.find(({ NodeGroups = [] }) =>
      NodeGroups.some(({ NodeGroupMembers = [], PrimaryEndpoint }) =>
        [PrimaryEndpoint, ...NodeGroupMembers.map(({ ReadEndpoint }) => ReadEndpoint)].some(
          (endpoint) => endpoint?.Address === host,
        ),
      ),
    );
    const cluster = CacheClusters.find(({ CacheClusterId, CacheNodes = [] }) =>
      group === undefined
        ? CacheNodes.some(({ Endpoint }) => Endpoint?.Address === host)
        : group.MemberClusters?.includes(CacheClusterId),
    );
    if (cluster === undefined) return [];
    return [
      {
        kind,
        id: group?.ReplicationGroupId ?? cluster.CacheClusterId,
        isGroup: group !== undefined,
        nodeType: cluster.CacheNodeType,
        nodes: group?.MemberClusters?.length ?? 1,
        isEncrypted: cluster.AtRestEncryptionEnabled === true,
        snapshotDays: cluster.SnapshotRetentionLimit ?? 0,
      },
    ];
  });
}

function describe(region: string, command: string, ...options: readonly string[]): object {
  const answer = awsCli(region, ["elasticache", command, ...options, "--output", "json"]);
  try {
    return JSON.parse(answer) as object;
  } catch (error) {
    throw new UserError(`aws elasticache ${command} printed no JSON.`, "", { cause: error });
  }
}

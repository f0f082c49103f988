import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClients } from "../../../doctor/clients";
import { type Existing, readExisting } from "../../../move/existing";
import type { Choice } from "../../../move/existing/environments";
import { APPLICATION, type ExistingAccount } from "./account";
import { type AwsServer, serveExisting } from "./aws";

/**
 * Stands for the AWS CLI: its commands for ElastiCache, and the one for Secrets Manager. The Redis are in one region only.
 */
const AWS_CLI = `#!/bin/sh
if [ "$1 $2 $3" = "secretsmanager get-secret-value --secret-id" ]; then
  [ "$5 $6 $7 $8" = "--query SecretString --output text" ] || exit 252
  [ "$AWS_PROFILE" = "$DOUBLE_PROFILE" ] || { echo AccessDeniedException >&2; exit 254; }
  cat "$DOUBLE_REDIS/\${4##*:}.secret" || exit 254
  exit
fi
[ "$1" = elasticache ] || exit 252
if [ "$2" = describe-snapshots ] && [ "$3 $5 $6" = "--snapshot-name --output json" ]; then
  [ -f "$DOUBLE_REDIS/$4.snapshot" ] && echo '{"Snapshots":[{"SnapshotStatus":"available"}]}' || echo '{"Snapshots":[]}'
  exit
fi
if [ "$2" = create-snapshot ] && [ "$5" = --snapshot-name ]; then
  case "$3" in --replication-group-id|--cache-cluster-id) ;; *) exit 252 ;; esac
  grep -qF "$4" "$DOUBLE_REDIS"/describe-*.json || { echo ReplicationGroupNotFoundFault >&2; exit 254; }
  [ -f "$DOUBLE_REDIS/$6.snapshot" ] && { echo SnapshotAlreadyExistsFault >&2; exit 254; }
  echo "$3 $4" > "$DOUBLE_REDIS/$6.snapshot"
  exit
fi
case "$2 $3 $4 $5" in
  "describe-replication-groups --output json "|"describe-cache-clusters --show-cache-node-info --output json") ;;
  *) exit 252 ;;
esac
[ "$AWS_REGION" = "$DOUBLE_REGION" ] && cat "$DOUBLE_REDIS/$2.json" || echo "{}"
`;

/** An AWS account with an existing Iaso on loopback. */
export class MoveLab {
  account!: ExistingAccount;
  aws!: AwsServer;
  readonly directory = mkdtempSync(join(tmpdir(), "move-"));
  private readonly before = { ...process.env };

  /** Starts the double, and points the SDK and the AWS CLI of this process at it. */
  async start(): Promise<void> {
    this.aws = await serveExisting(() => this.account);
    mkdirSync(join(this.directory, "bin"));
    writeFileSync(join(this.directory, "bin/aws"), AWS_CLI);
    chmodSync(join(this.directory, "bin/aws"), 0o755);
    Object.assign(process.env, this.variables());
  }

  stop(): void {
    this.aws.stop();
    for (const name of Object.keys(this.variables())) {
      const value = this.before[name];
      if (value === undefined) Reflect.deleteProperty(process.env, name);
      else process.env[name] = value;
    }
    rmSync(this.directory, { recursive: true });
  }

  variables(): Record<string, string> {
    return {
      AWS_ENDPOINT_URL: this.aws.url,
      AWS_ACCESS_KEY_ID: "AKIAEXAMPLE",
      AWS_SECRET_ACCESS_KEY: "example",
      AWS_EC2_METADATA_DISABLED: "true",
      AWS_REGION: "eu-central-1",
      DOUBLE_REDIS: this.directory,
      DOUBLE_REGION: "eu-central-1",
      PATH: `${join(this.directory, "bin")}:${this.before["PATH"] ?? ""}`,
    };
  }

  /** Shows the Redis of the account to the AWS CLI. */
  showRedis(): void {
    const { redis, region } = this.account;
    process.env["DOUBLE_REGION"] = region;
    const groups = redis.flatMap(({ cluster, group, host, nodes }) =>
      group === undefined
        ? []
        : [
            {
              ReplicationGroupId: group,
              MemberClusters: Array.from({ length: nodes }, (_, index) =>
                cluster.replace(/\d$/, String(index + 1)),
              ),
              NodeGroups: [{ PrimaryEndpoint: { Address: host }, NodeGroupMembers: [] }],
            },
          ],
    );
    const clusters = redis.map(({ cluster, group, host, isEncrypted, nodeType, snapshotDays }) => ({
      CacheClusterId: cluster,
      CacheNodeType: nodeType,
      EngineVersion: "7.1.0",
      ...(group !== undefined && { ReplicationGroupId: group }),
      AtRestEncryptionEnabled: isEncrypted,
      SnapshotRetentionLimit: snapshotDays,
      CacheNodes: [{ Endpoint: { Address: group === undefined ? host : `${cluster}.node` } }],
    }));
    const write = (command: string, value: object) => {
      writeFileSync(join(this.directory, `${command}.json`), JSON.stringify(value));
    };
    write("describe-replication-groups", { ReplicationGroups: groups });
    write("describe-cache-clusters", { CacheClusters: clusters });
  }

  /** Reads the account in this process. */
  read(choice: Partial<Choice> = {}): Promise<Existing> {
    this.showRedis();
    const { region } = this.account;
    return readExisting(createClients(region, { delay: () => 0 }), region, {
      application: APPLICATION,
      environments: [],
      ...choice,
    });
  }
}

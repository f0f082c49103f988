import { ELASTICACHE_NODE_TYPES } from "../../facts/instanceTypes";
import { byIdentity } from "../../identity";
import { defineRule } from "../../rule";
import { array, at, demand, text } from "../../values";
import { overlap, window } from "./database";

const REDIS = "aws:elasticache/replicationGroup:ReplicationGroup";
const REDIS_PARAMETERS = "aws:elasticache/parameterGroup:ParameterGroup";

export const redisValues = defineRule({
  name: "redis-values",
  kind: "values together",
  types: [REDIS],
  description:
    "The node type, version, parameter family, replicas and windows of Redis are values that ElastiCache accepts together",
  why: "ElastiCache refuses others half-way through a deployment",
  severity: "high",
  neighbours: true,
  check: ({ inputs }, stack) => {
    const { engine, engineVersion, numCacheClusters, automaticFailoverEnabled, multiAzEnabled } = inputs;
    const nodes = Number(numCacheClusters);
    const version = text(engineVersion);
    const family =
      text(engine) === "valkey"
        ? `valkey${version.split(".")[0] ?? ""}`
        : version.startsWith("6.")
          ? "redis6.x"
          : `redis${version.split(".")[0] ?? ""}`;
    const named = text(inputs.parameterGroupName);
    const group = byIdentity(REDIS_PARAMETERS, stack).get(named);
    const groupFamily = group === undefined ? named.replace(/^default\./, "") : group.inputs.family;
    const maintenance = window(inputs.maintenanceWindow, false);
    const snapshots = window(inputs.snapshotWindow, true);
    const port = inputs.port ?? 6379;
    return [
      ...demand(engine, engine === "redis" || engine === "valkey", "engine", "redis"),
      ...demand(engineVersion, /^(6\.2|7\.[01]|7\.2|8\.\d)$/.test(version), "engineVersion", "7.1"),
      ...demand(
        inputs.nodeType,
        ELASTICACHE_NODE_TYPES.includes(text(inputs.nodeType)),
        "nodeType",
        "a node type",
      ),
      ...demand(groupFamily, groupFamily === family, "family of the parameter group", family),
      ...demand(numCacheClusters, nodes >= 1 && nodes <= 6, "numCacheClusters", "a number from 1 to 6"),
      ...demand(
        automaticFailoverEnabled,
        (automaticFailoverEnabled ?? false) === nodes > 1,
        "automaticFailoverEnabled",
        nodes > 1 ? "true" : "false: there is one node",
      ),
      ...demand(
        multiAzEnabled,
        (multiAzEnabled ?? false) === nodes > 1,
        "multiAzEnabled",
        nodes > 1 ? "true" : "false",
      ),
      ...demand(
        inputs.maintenanceWindow,
        maintenance !== undefined && maintenance[1] - maintenance[0] >= 60,
        "maintenanceWindow",
        "ddd:HH:MM-ddd:HH:MM of an hour or more",
      ),
      ...demand(
        inputs.snapshotWindow,
        inputs.snapshotWindow === undefined || (snapshots !== undefined && snapshots[1] - snapshots[0] >= 60),
        "snapshotWindow",
        "HH:MM-HH:MM of an hour or more",
      ),
      ...(snapshots !== undefined && maintenance !== undefined && overlap(snapshots, maintenance)
        ? ["snapshotWindow and maintenanceWindow overlap. Write times apart."]
        : []),
      ...demand(
        inputs.autoMinorVersionUpgrade,
        text(inputs.autoMinorVersionUpgrade) === "true",
        "autoMinorVersionUpgrade",
        "true",
      ),
      ...demand(port, Number(port) === 6379, "port", "6379"),
      ...demand(
        inputs.dataTieringEnabled,
        text(inputs.dataTieringEnabled ?? "false") === String(/^cache\.r6gd\./.test(text(inputs.nodeType))),
        "dataTieringEnabled",
        "true for r6gd, and false for other node types",
      ),
      ...(array(inputs.userGroupIds).length === 0
        ? []
        : ["userGroupIds is set, and the platform has no user groups. Remove it."]),
      ...array(inputs.logDeliveryConfigurations).flatMap((log) => {
        const destination = at(log, "destination");
        return demand(
          destination,
          byIdentity("aws:cloudwatch/logGroup:LogGroup", stack).has(text(destination)),
          "destination of a log",
          "the name of a log group of this program",
        );
      }),
      ...(inputs.securityGroupNames === undefined ? [] : ["securityGroupNames is set. Remove it."]),
    ];
  },
});

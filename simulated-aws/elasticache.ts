import { arn, digest, withNameAsId, ResourceTypes, requiredText } from "./model";

export const resourceTypes: ResourceTypes = {
  "aws:elasticache/subnetGroup:SubnetGroup": withNameAsId("elasticache", "subnetgroup"),
  "aws:elasticache/parameterGroup:ParameterGroup": withNameAsId("elasticache", "parametergroup"),
  "aws:elasticache/replicationGroup:ReplicationGroup": (creation) => {
    const id = requiredText(creation.inputs, "replicationGroupId");
    // ElastiCache shortens the region: `euc1` for eu-central-1.
    const region = creation.region
      .replace(/north|south|east|west|central/g, (direction) => direction.charAt(0))
      .replaceAll("-", "");
    const host = (kind: string) =>
      `${id}.${digest(creation.accountId, 6)}${kind}.${region}.cache.amazonaws.com`;
    return {
      id,
      outputs: {
        arn: arn(creation, "elasticache", `replicationgroup:${id}`),
        port: 6379,
        primaryEndpointAddress: host(".ng.0001"),
        readerEndpointAddress: host("-ro.ng.0001"),
      },
    };
  },
};

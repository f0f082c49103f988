import { arn, Creation, digest, nameOr, ResourceTypes, text } from "./model";

const named = (kind: string) => (creation: Creation) => {
  const id = nameOr(creation, "name");
  return { id, outputs: { name: id, arn: arn(creation, "rds", `${kind}:${id}`) } };
};

export const resourceTypes: ResourceTypes = {
  "aws:rds/subnetGroup:SubnetGroup": named("subgrp"),
  "aws:rds/parameterGroup:ParameterGroup": named("pg"),
  "aws:rds/instance:Instance": (creation) => {
    const identifier = nameOr(creation, "identifier");
    const address = `${identifier}.c${digest(creation.accountId, 11)}.${creation.region}.rds.amazonaws.com`;
    return {
      id: `db-${digest(identifier, 26).toUpperCase()}`,
      outputs: {
        identifier,
        address,
        endpoint: `${address}:${text({ port: 5432, ...creation.inputs }, "port")}`,
        arn: arn(creation, "rds", `db:${identifier}`),
        status: "available",
      },
    };
  },
};

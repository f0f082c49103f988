import { arn, nameOr, ResourceTypes } from "./model";

export const resourceTypes: ResourceTypes = {
  "aws:cloudwatch/logGroup:LogGroup": (creation) => {
    const id = nameOr(creation, "name");
    return { id, outputs: { name: id, arn: arn(creation, "logs", `log-group:${id}`) } };
  },
  "aws:cloudwatch/metricAlarm:MetricAlarm": (creation) => {
    const id = nameOr(creation, "name");
    return { id, outputs: { name: id, arn: arn(creation, "cloudwatch", `alarm:${id}`) } };
  },
};

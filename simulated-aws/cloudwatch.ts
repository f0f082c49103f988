import { named, ResourceTypes } from "./model";

export const resourceTypes: ResourceTypes = {
  "aws:cloudwatch/logGroup:LogGroup": named("logs", "log-group"),
  "aws:cloudwatch/metricAlarm:MetricAlarm": named("cloudwatch", "alarm"),
};

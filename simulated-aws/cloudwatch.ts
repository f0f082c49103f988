import { withNameAsId, ResourceTypes } from "./model";

export const resourceTypes: ResourceTypes = {
  "aws:cloudwatch/logGroup:LogGroup": withNameAsId("logs", "log-group"),
  "aws:cloudwatch/metricAlarm:MetricAlarm": withNameAsId("cloudwatch", "alarm"),
};

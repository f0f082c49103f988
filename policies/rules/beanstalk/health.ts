import { tagOf } from "../../context";
import { defineRule } from "../../rule";
import { demandOption, ENVIRONMENT, isWeb } from "../../optionSettings";

const isFalseOrUnset = (value: string): boolean => value === "" || value === "false";

export const enhancedHealth = defineRule({
  name: "enhanced-health",
  types: [ENVIRONMENT],
  description: "Enhanced health is on, and deployments check it",
  why: "a deployment that breaks instances would continue with the next ones",
  severity: "medium",
  reference: "AWS FSBP ElasticBeanstalk.1",
  check: (environment) => [
    ...demandOption(environment, "aws:elasticbeanstalk:healthreporting:system", "SystemType", "enhanced"),
    ...demandOption(
      environment,
      "aws:elasticbeanstalk:command",
      "IgnoreHealthCheck",
      "false",
      isFalseOrUnset,
    ),
  ],
});

export const healthPath = defineRule({
  name: "health-path",
  types: [ENVIRONMENT],
  description: "Iaso's health check path is /_health/, with the trailing slash",
  why: "without the slash the response is a redirect, and every instance is unhealthy",
  severity: "high",
  check: (environment) => {
    if (tagOf(environment, "role") === "enketo") return [];
    return isWeb(environment)
      ? demandOption(
          environment,
          "aws:elasticbeanstalk:environment:process:default",
          "HealthCheckPath",
          "/_health/",
        )
      : demandOption(
          environment,
          "aws:elasticbeanstalk:application",
          "Application Healthcheck URL",
          "/_health/",
        );
  },
});

export const logStreaming = defineRule({
  name: "log-streaming",
  types: [ENVIRONMENT],
  description: "Logs are streamed to CloudWatch and kept for a set time",
  why: "the logs of a terminated instance would be lost",
  severity: "medium",
  reference: "AWS FSBP ElasticBeanstalk.3",
  check: (environment) => {
    const namespace = "aws:elasticbeanstalk:cloudwatch:logs";
    return [
      ...demandOption(environment, namespace, "StreamLogs", "true"),
      ...demandOption(
        environment,
        namespace,
        "RetentionInDays",
        "a number of days",
        (value) => Number(value) > 0,
      ),
      ...demandOption(environment, namespace, "DeleteOnTerminate", "false", isFalseOrUnset),
    ];
  },
});

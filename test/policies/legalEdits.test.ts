import { expect } from "chai";
import { evaluate } from "../../policies/evaluate";
import { policyConfigOf, previewWith } from "../support";
import { Kind, MutableStack } from "./mutant";

type Edit = (stack: MutableStack) => unknown;

const set =
  (kind: Kind, name: string, property: string, value: unknown): Edit =>
  (stack) =>
    stack.set(kind, name, property, value);

/** Sets one option of web and worker alike. */
const both =
  (name: string, value: string): Edit =>
  (stack) =>
    stack.option("web", name, value).option("worker", name, value);

const option =
  (environment: string, name: string, value: string): Edit =>
  (stack) =>
    stack.option(environment, name, value);

/** Adds an alarm like another one. */
const anotherAlarm =
  (like: string, inputs: Record<string, unknown>): Edit =>
  (stack) => {
    const { type, inputs: own, propertyDependencies } = stack.get("alarm", like);
    return stack.add(type, "another", { ...own, name: "another", ...inputs }, { propertyDependencies });
  };

const tag =
  (kind: Kind, name: string, key: string, value: string): Edit =>
  (stack) =>
    Object.assign(stack.get(kind, name).inputs.tags as object, { [key]: value });

/** Edits the first rule of a kind of the web ACL. */
function webAclRule(kind: string, edit: (rule: Record<string, unknown>) => void): Edit {
  return (stack) => {
    const { rules } = stack.get("webAcl", "web-acl").inputs as { rules: Record<string, unknown>[] };
    const rule = rules.find(({ statement }) => Object.hasOwn(statement as object, kind));
    if (rule === undefined) throw new Error(`the web ACL has no ${kind}`);
    edit(rule);
  };
}

/** Edits the rule of the backup plan. */
function backupRule(edit: (rule: Record<string, unknown>) => void): Edit {
  return (stack) => {
    const { rules } = stack.get("backupPlan", "backup").inputs as { rules: Record<string, unknown>[] };
    rules.forEach(edit);
  };
}

const DATABASE = { namespace: "AWS/RDS", statistic: "Average" };

/** Harmless changes of a stack that people make. */
const EDITS: Record<string, Edit> = {
  "a bigger instance for web": option("web", "ec2:instances/InstanceTypes", "m7i.2xlarge"),
  "a bigger instance for the worker": option("worker", "ec2:instances/InstanceTypes", "c7i.4xlarge"),
  "a bigger instance for Enketo": option("enketo", "ec2:instances/InstanceTypes", "t3.large"),
  "two instance types": option("web", "ec2:instances/InstanceTypes", "t3.xlarge, t3a.xlarge"),
  "more web instances": option("web", "autoscaling:asg/MaxSize", "12"),
  "more web instances at least": option("web", "autoscaling:asg/MinSize", "3"),
  "more workers": option("worker", "autoscaling:asg/MaxSize", "20"),
  "a bigger disk": both("autoscaling:launchconfiguration/RootVolumeSize", "100"),
  "an earlier scaling": option("web", "autoscaling:trigger/UpperThreshold", "60"),
  "a later scaling down": option("web", "autoscaling:trigger/LowerThreshold", "20"),
  "two instances at a time": option("web", "autoscaling:trigger/UpperBreachScaleIncrement", "2"),
  "a longer deregistration": option(
    "web",
    "elasticbeanstalk:environment:process:default/DeregistrationDelay",
    "120",
  ),
  "more frequent health checks": option(
    "web",
    "elasticbeanstalk:environment:process:default/HealthCheckInterval",
    "12",
  ),
  "a shorter health check timeout": option(
    "web",
    "elasticbeanstalk:environment:process:default/HealthCheckTimeout",
    "5",
  ),
  "another deployment policy": both(
    "elasticbeanstalk:command/DeploymentPolicy",
    "RollingWithAdditionalBatch",
  ),
  "rolling deployments": both("elasticbeanstalk:command/DeploymentPolicy", "Rolling"),
  "rolling updates by health": option(
    "web",
    "autoscaling:updatepolicy:rollingupdate/RollingUpdateType",
    "Health",
  ),
  "more processes": both("elasticbeanstalk:container:python/NumProcesses", "8"),
  "more threads": both("elasticbeanstalk:container:python/NumThreads", "10"),
  "a stricter TLS policy": option(
    "web",
    "elbv2:listener:443/SSLPolicy",
    "ELBSecurityPolicy-TLS13-1-2-Res-2021-06",
  ),
  "TLS 1.3 only": option("web", "elbv2:listener:443/SSLPolicy", "ELBSecurityPolicy-TLS13-1-3-2021-06"),
  "another idle timeout": option("web", "elbv2:loadbalancer/IdleTimeout", "600"),
  "logs for longer": option("web", "elasticbeanstalk:cloudwatch:logs/RetentionInDays", "731"),
  "another sender": (stack) => stack.variable("DEFAULT_FROM_EMAIL", "Iaso <iaso@mg.example.org>"),
  "another theme": option("enketo", "elasticbeanstalk:application:environment/ENKETO_DEFAULT_THEME", "kobo"),
  "a worker with fewer connections": option("worker", "elasticbeanstalk:sqsd/HttpConnections", "4"),
  "a longer pause after an error": option("worker", "elasticbeanstalk:sqsd/ErrorVisibilityTimeout", "60"),
  "a bigger database": set("database", "database", "instanceClass", "db.r8g.2xlarge"),
  "more storage": set("database", "database", "allocatedStorage", 500),
  "more storage at most": set("database", "database", "maxAllocatedStorage", 4000),
  "io2 storage": (stack) =>
    stack.set("database", "database", "storageType", "io2").set("database", "database", "iops", 3000),
  "backups for 35 days": set("database", "database", "backupRetentionPeriod", 35),
  "another backup window": set("database", "database", "backupWindow", "23:00-23:45"),
  "another maintenance window": set("database", "database", "maintenanceWindow", "sat:22:00-sat:22:30"),
  "Performance Insights for two years": set(
    "database",
    "database",
    "performanceInsightsRetentionPeriod",
    731,
  ),
  "monitoring each 15 seconds": set("database", "database", "monitoringInterval", 15),
  "a newer certificate authority": set("database", "database", "caCertIdentifier", "rds-ca-ecc384-g1"),
  "a newer minor version": set("database", "database", "engineVersion", "16.10"),
  "IAM authentication too": set("database", "database", "iamDatabaseAuthenticationEnabled", true),
  "slower statements logged only": (stack) => {
    const { inputs } = stack.get("parameterGroup", "database");
    const others = (inputs.parameters as { name: string }[]).filter(
      ({ name }) => !name.startsWith("log_min"),
    );
    inputs.parameters = [...others, { name: "log_min_duration_statement", value: "10000" }];
  },
  "another parameter of PostgreSQL": (stack) => {
    const { inputs } = stack.get("parameterGroup", "database");
    inputs.parameters = [...(inputs.parameters as object[]), { name: "work_mem", value: "65536" }];
  },
  "a bigger Redis": set("redis", "enketo-main", "nodeType", "cache.m7g.large"),
  "two replicas": set("redis", "enketo-main", "numCacheClusters", 3),
  "Redis snapshots for a month": set("redis", "enketo-main", "snapshotRetentionLimit", 30),
  "another Redis maintenance window": set("redis", "enketo-main", "maintenanceWindow", "mon:03:00-mon:04:00"),
  "messages for a week": (stack) =>
    stack
      .set("queue", "tasks", "messageRetentionSeconds", 604_800)
      .option("worker", "elasticbeanstalk:sqsd/RetentionPeriod", "604800"),
  "five receives": (stack) => {
    const { inputs } = stack.get("queue", "tasks");
    const redrive = JSON.parse(inputs.redrivePolicy as string) as object;
    inputs.redrivePolicy = JSON.stringify({ ...redrive, maxReceiveCount: 5 });
    return stack.option("worker", "elasticbeanstalk:sqsd/MaxRetries", "5");
  },
  "flow logs for longer": set("logGroup", "network-flow-logs", "retentionInDays", 1827),
  "flow logs each minute": set("flowLog", "network", "maxAggregationInterval", 60),
  "a lower processor alarm": set("alarm", "database-cpu", "threshold", 70),
  "a higher storage alarm": set("alarm", "database-storage", "threshold", 20 * 2 ** 30),
  "an earlier alarm on old tasks": set("alarm", "oldest-task", "threshold", 1800),
  "an alarm on failed requests at 2 %": set("alarm", "web-5xx", "threshold", 2),
  "an alarm on free memory": anotherAlarm("database-storage", {
    ...DATABASE,
    metricName: "FreeableMemory",
    threshold: 500_000_000,
  }),
  "an alarm on write latency": anotherAlarm("database-cpu", {
    ...DATABASE,
    metricName: "WriteLatency",
    threshold: 0.1,
  }),
  "an alarm on many waiting tasks": anotherAlarm("oldest-task", {
    metricName: "ApproximateNumberOfMessagesVisible",
    threshold: 500,
  }),
  "an alarm on missing data": set("alarm", "web-health", "treatMissingData", "breaching"),
  "an extra tag": tag("database", "database", "cost-centre", "4711"),
  "an extra tag of a bucket": tag("bucket", "media", "data-class", "patients"),
  "an extra tag of an environment": tag("environment", "web", "owner", "platform"),
  "the commit as a tag": tag("queue", "tasks", "commit", "50a1fd4b0e1c2d3e4f5061728394a5b6c7d8e9f0"),
  "old media for longer": (stack) => {
    const { inputs } = stack.get("lifecycle", "media");
    inputs.rules = JSON.parse(
      JSON.stringify(inputs.rules).replaceAll('"noncurrentDays":', '"noncurrentDays":1'),
    ) as unknown;
  },
  "incomplete uploads for three days": (stack) => {
    const { inputs } = stack.get("lifecycle", "static");
    inputs.rules = JSON.parse(
      JSON.stringify(inputs.rules).replace('"daysAfterInitiation":7', '"daysAfterInitiation":3'),
    ) as unknown;
  },
  "a second person for alarms": (stack) => {
    const { type, inputs, propertyDependencies } = stack.get("subscription", "alarms");
    return stack.add(type, "another", { ...inputs, endpoint: "night@example.org" }, { propertyDependencies });
  },
  "a shorter time to live": set("record", "mail-spf", "ttl", 300),
  "a stricter SPF": set("record", "mail-spf", "records", ["v=spf1 include:mailgun.org -all"]),
  "a higher rate limit": webAclRule("rateBasedStatement", (rule) => {
    rule.statement = { rateBasedStatement: { limit: 10_000, aggregateKeyType: "IP" } };
  }),
  "a managed rule that only counts": webAclRule("managedRuleGroupStatement", (rule) => {
    const group = (rule.statement as { managedRuleGroupStatement: object }).managedRuleGroupStatement;
    const ruleActionOverrides = [{ name: "GenericLFI_BODY", actionToUse: { count: {} } }];
    rule.statement = { managedRuleGroupStatement: { ...group, ruleActionOverrides } };
  }),
  "the key renewed twice a year": set("key", "encryption-key", "rotationPeriodInDays", 180),
  "a tag of the key": tag("key", "encryption-key", "cost-center", "42"),
  "another role of the account that looks at the key": (stack) =>
    stack.allow("key", "encryption-key", {
      Sid: "Auditors",
      Principal: { AWS: "arn:aws:iam::123456789012:role/Auditor" },
      Action: ["kms:Describe*", "kms:Get*", "kms:List*"],
      Resource: "*",
    }),
  "backups by AWS Backup with the key": (stack) =>
    stack.statement("key", "encryption-key", "StoresEncrypt", (one) => ({
      ...one,
      Condition: {
        StringEquals: {
          "kms:CallerAccount": "123456789012",
          "kms:ViaService": ["backup", "elasticache", "rds"].map(
            (name) => `${name}.eu-central-1.amazonaws.com`,
          ),
        },
      },
    })),
  "a queue that names the key by its ARN": (stack) =>
    stack.set("queue", "tasks", "kmsMasterKeyId", stack.get("key", "encryption-key").outputs?.arn),
  "a longer reuse of data keys": set("queue", "tasks", "kmsDataKeyReusePeriodSeconds", 3600),
  "a database that has kept its key": (stack) => {
    delete stack.get("database", "database").inputs.kmsKeyId;
    delete stack.get("database", "database").inputs.performanceInsightsKmsKeyId;
  },
  "a Redis that has kept its key": (stack) => delete stack.get("redis", "enketo-main").inputs.kmsKeyId,
  "at most 200 versions": set("application", "iaso", "appversionLifecycle", {
    serviceRole: "arn:aws:iam::123456789012:role/iaso-prod-beanstalk-service",
    maxCount: 200,
  }),
  "access logs for two years": (stack) => {
    const [rule] = stack.get("lifecycle", "logs").inputs.rules as { expiration: object }[];
    Object.assign(rule?.expiration ?? {}, { days: 731 });
  },
  "MFA for deletions off, as by default": set("versioning", "media", "versioningConfiguration", {
    status: "Enabled",
    mfaDelete: "Disabled",
  }),
  "backups kept for a year": backupRule((rule) => {
    rule.lifecycle = { deleteAfter: 365 };
  }),
  "backups twice a day": backupRule((rule) => {
    rule.schedule = "cron(0 5,17 * * ? *)";
  }),
  "a monthly backup that is kept for longer": (stack) => {
    const { rules } = stack.get("backupPlan", "backup").inputs as { rules: object[] };
    const lifecycle = { deleteAfter: 730 };
    rules.push({
      ...rules[0],
      ruleName: "monthly",
      schedule: "cron(0 6 1 * ? *)",
      lifecycle,
      copyActions: [],
    });
  },
  "old logs in a cheaper class": (stack) => {
    const [rule] = stack.get("lifecycle", "logs").inputs.rules as object[];
    Object.assign(rule ?? {}, { transitions: [{ days: 60, storageClass: "STANDARD_IA" }] });
  },
  "access logs under a path": option("web", "elbv2:loadbalancer/AccessLogsS3Prefix", "balancers/web"),
  "only ACM issues certificates": (stack) =>
    stack.add("aws:route53/record:Record", "caa", {
      name: "iaso.example.org",
      type: "CAA",
      ttl: 3600,
      records: ['0 issue "amazon.com"'],
      zoneId: stack.get("record", "web").inputs.zoneId,
    }),
  "scaling by requests": (stack) => {
    const trigger = { MeasureName: "RequestCount", Statistic: "Sum", Unit: "Count", UpperThreshold: "5000" };
    for (const [name, value] of Object.entries({ ...trigger, LowerThreshold: "500" }))
      stack.option("web", `autoscaling:trigger/${name}`, value);
  },
  "backups at another time": backupRule((rule) => {
    rule.schedule = "cron(30 21 ? * * *)";
  }),
  "a lock that nobody can remove": set("backupLock", "backup", "changeableForDays", 7),
  "backups that no lock lets go before a month": set("backupLock", "backup-copy", "minRetentionDays", 30),
  "an alarm on stopped backups": anotherAlarm("backup-failed", { metricName: "NumberOfBackupJobsAborted" }),
  "alarms by text message too": (stack) => {
    const { type, inputs, propertyDependencies } = stack.get("subscription", "alarms");
    const sms = { ...inputs, protocol: "sms", endpoint: "+243810000000" };
    return stack.add(type, "another", sms, { propertyDependencies });
  },
  "another environment in Sentry": both("elasticbeanstalk:application:environment/SENTRY_ENVIRONMENT", "rdc"),
  "a deployment policy for web alone": option(
    "web",
    "elasticbeanstalk:command/DeploymentPolicy",
    "RollingWithAdditionalBatch",
  ),
  "a record that follows the health of its target": (stack) => {
    const { inputs } = stack.get("record", "web");
    inputs.aliases = (inputs.aliases as object[]).map((one) => ({ ...one, evaluateTargetHealth: true }));
  },
  "an alarm on the memory of a replication group": (stack) => {
    const { type, inputs } = stack.get("alarm", "database-cpu");
    const redis = stack.get("redis", "enketo-main");
    const watched = {
      namespace: "AWS/ElastiCache",
      metricName: "DatabaseMemoryUsagePercentage",
      dimensions: { ReplicationGroupId: redis.inputs.replicationGroupId },
    };
    stack.add(type, "another", { ...inputs, ...watched, name: "another", threshold: 80 });
  },
  "mail by SES, whose user is the id of an access key": (stack) => {
    for (const environment of ["web", "worker"])
      stack
        .option(
          environment,
          "elasticbeanstalk:application:environment/EMAIL_HOST",
          "email-smtp.eu-central-1.amazonaws.com",
        )
        .option(
          environment,
          "elasticbeanstalk:application:environment/EMAIL_HOST_USER",
          "AKIAIOSFODNN7EXAMPLE",
        );
  },
  "old logs in an archive": (stack) => {
    const [rule] = stack.get("lifecycle", "logs").inputs.rules as object[];
    Object.assign(rule ?? {}, { transitions: [{ days: 90, storageClass: "DEEP_ARCHIVE" }] });
  },
  "backups every twelve hours": backupRule((rule) => {
    rule.schedule = "cron(0 5/12 * * ? *)";
  }),
  "more instances in the morning": (stack) => {
    const settings = stack.get("environment", "web").inputs.settings as object[];
    const morning = { MinSize: "4", MaxSize: "8", Recurrence: "0 6 * * 1-5" };
    for (const [name, value] of Object.entries(morning))
      settings.push({ namespace: "aws:autoscaling:scheduledaction", name, value, resource: "Morning" });
  },
  "an audit of roles and tables": (stack) => {
    const { parameters } = stack.get("parameterGroup", "database").inputs as { parameters: object[] };
    parameters.push(
      { name: "shared_preload_libraries", value: "pg_stat_statements,pgaudit" },
      { name: "pgaudit.log", value: "ddl,role" },
      { name: "log_connections", value: "1" },
    );
  },
  "more connections": (stack) => {
    const { parameters } = stack.get("parameterGroup", "database").inputs as { parameters: object[] };
    parameters.push({ name: "max_connections", value: "1200" });
  },
  "a DMARC record": (stack) =>
    stack.add("aws:route53/record:Record", "dmarc", {
      name: "_dmarc.mg.example.org",
      type: "TXT",
      ttl: 3600,
      records: ["v=DMARC1; p=reject"],
      zoneId: stack.get("record", "web").inputs.zoneId,
    }),
};

describe("policy pack on legal edits", function () {
  // All rules judge the whole stack once for each edit.
  this.timeout(300_000);

  it("accepts 60 harmless changes of prod with all optional parts", async () => {
    const { resources } = await previewWith(
      { "iaso:webAcl": "block", "iaso:shellAccess": true, "iaso:plugins": ["polio"] },
      { stack: "prod" },
    );
    const config = policyConfigOf("prod");
    expect(Object.keys(EDITS)).to.have.length.of.at.least(60);
    const refused = Object.entries(EDITS).flatMap(([what, edit]) => {
      const stack = new MutableStack(resources);
      edit(stack);
      return evaluate(stack.resources, { config }).violations.map(
        ({ policy, message }) => `${what}: ${policy}: ${message}`,
      );
    });
    expect(refused).to.deep.equal([]);
  });
});

import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { withDependencies } from "./common/withDependencies";
import { Naming } from "./common/naming";
import { serviceTrustPolicy } from "./iam/policyDocument";

export interface DatabaseArgs {
  naming: Naming;
  privateSubnetIds: pulumi.Input<string[]>;
  securityGroupId: pulumi.Input<string>;
  /** Major version of PostgreSQL. Iaso needs 16 or later; RDS brings PostGIS and the other extensions along. */
  majorVersion: string;
  /** Such as `db.t4g.medium`. Changing it restarts the database in the maintenance window. */
  instanceClass: string;
  /** GiB at the start. */
  allocatedStorage: number;
  /** GiB up to which storage grows by itself. */
  maxAllocatedStorage: number;
  /** A standby in a second zone that takes over within a minute or two. */
  multiAz: boolean;
  /** Days for which the database can be restored to any second. */
  backupRetentionDays: number;
  /** RDS itself refuses to delete the database while this is on. */
  deletionProtection: boolean;
  /** Letters and digits only: Iaso pastes it unquoted into a DuckDB connection string. */
  password: pulumi.Input<string>;
  logRetentionDays: number;
  /** ARN of the permissions boundary of the monitoring role. */
  permissionsBoundary: pulumi.Input<string>;
}

const EXPORTED_LOGS = ["postgresql", "upgrade"];

/**
 * Iaso's PostgreSQL with PostGIS, on RDS.
 *
 * Iaso's migrations create the extensions (postgis, pg_trgm, citext, ltree, fuzzystrmatch): the owner is RDS's
 * master user and may. The instance is protected: see docs/operations.md for how to destroy a stack.
 *
 * @see https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Appendix.PostgreSQL.CommonDBATasks.PostGIS.html
 */
export class Database extends pulumi.ComponentResource {
  readonly identifier: string;
  readonly host: pulumi.Output<string>;
  readonly port = 5432;
  readonly databaseName = "iaso";
  /** The owner, who also migrates. */
  readonly username = "iaso";

  constructor(name: string, args: DatabaseArgs, opts?: pulumi.ComponentResourceOptions) {
    super("iaso:index:Database", name, {}, opts);
    const { naming } = args;
    this.identifier = naming.name();

    const subnetGroup = new aws.rds.SubnetGroup(
      name,
      { name: naming.name(), subnetIds: args.privateSubnetIds, tags: naming.tags() },
      { parent: this },
    );
    const parameterGroup = createParameterGroup(this, name, args);
    const monitoringRoleArn = createMonitoringRole(this, name, args);
    const instance = new aws.rds.Instance(
      name,
      {
        identifier: this.identifier,
        engine: "postgres",
        // Only the major version: RDS applies minor ones in the maintenance window.
        engineVersion: args.majorVersion,
        autoMinorVersionUpgrade: true,
        instanceClass: args.instanceClass,
        dbName: this.databaseName,
        username: this.username,
        password: args.password,
        port: this.port,
        storageType: "gp3",
        storageEncrypted: true,
        allocatedStorage: args.allocatedStorage,
        maxAllocatedStorage: args.maxAllocatedStorage,
        multiAz: args.multiAz,
        dbSubnetGroupName: subnetGroup.name,
        vpcSecurityGroupIds: [args.securityGroupId],
        publiclyAccessible: false,
        parameterGroupName: parameterGroup.name,
        caCertIdentifier: "rds-ca-rsa2048-g1",
        backupRetentionPeriod: args.backupRetentionDays,
        backupWindow: "01:00-02:00",
        maintenanceWindow: "sun:02:30-sun:04:00",
        copyTagsToSnapshot: true,
        deletionProtection: args.deletionProtection,
        skipFinalSnapshot: false,
        finalSnapshotIdentifier: naming.name("final"),
        deleteAutomatedBackups: false,
        performanceInsightsEnabled: true,
        performanceInsightsRetentionPeriod: 7,
        monitoringInterval: 60,
        monitoringRoleArn,
        enabledCloudwatchLogsExports: EXPORTED_LOGS,
        tags: naming.tags(),
      },
      // RDS makes missing log groups itself, without a retention, and then ours could not be made.
      { parent: this, protect: true, dependsOn: createLogGroups(this, name, args) },
    );
    this.host = instance.address;
    this.registerOutputs({ host: this.host, port: this.port, databaseName: this.databaseName });
  }
}

/** @see https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/PostgreSQL.Concepts.General.SSL.html */
function createParameterGroup(parent: Database, name: string, args: DatabaseArgs): aws.rds.ParameterGroup {
  return new aws.rds.ParameterGroup(
    name,
    {
      name: args.naming.name(`postgres${args.majorVersion}`),
      family: `postgres${args.majorVersion}`,
      description: `${args.naming.name()}: TLS only, slow statements logged`,
      parameters: [
        { name: "log_min_duration_statement", value: "5000" },
        { name: "rds.force_ssl", value: "1" },
        { name: "rds.log_retention_period", value: "4320" },
      ],
      tags: args.naming.tags(),
    },
    { parent },
  );
}

/**
 * ARN of the role, once its rights are attached: RDS refuses one that may not write metrics yet.
 *
 * @see https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_Monitoring.OS.Enabling.html
 */
function createMonitoringRole(parent: Database, name: string, args: DatabaseArgs): pulumi.Output<string> {
  const { naming, permissionsBoundary } = args;
  const role = new aws.iam.Role(
    `${name}-monitoring`,
    {
      name: naming.name("database-monitoring"),
      assumeRolePolicy: serviceTrustPolicy("monitoring.rds.amazonaws.com", naming.accountId),
      permissionsBoundary,
      tags: naming.tags(),
    },
    { parent },
  );
  const rights = new aws.iam.RolePolicyAttachment(
    `${name}-monitoring`,
    {
      role: role.name,
      policyArn: "arn:aws:iam::aws:policy/service-role/AmazonRDSEnhancedMonitoringRole",
    },
    { parent: role },
  );
  return withDependencies(role.arn, [rights]);
}

function createLogGroups(parent: Database, name: string, args: DatabaseArgs): aws.cloudwatch.LogGroup[] {
  const { naming, logRetentionDays } = args;
  return EXPORTED_LOGS.map(
    (log) =>
      new aws.cloudwatch.LogGroup(
        `${name}-${log}`,
        {
          name: `/aws/rds/instance/${naming.name()}/${log}`,
          retentionInDays: logRetentionDays,
          tags: naming.tags(),
        },
        { parent },
      ),
  );
}

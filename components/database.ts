import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { withDependencies } from "./common/withDependencies";
import { Naming } from "./common/naming";
import { EncryptionKey } from "./encryptionKey";
import { serviceTrustPolicy } from "./iam/policyDocument";

export interface DatabaseArgs {
  naming: Naming;
  /** Ids of subnets in at least two zones, without a route from the internet. */
  privateSubnetIds: pulumi.Input<string[]>;
  /** Id of the security group that allows connections from the instances. */
  securityGroupId: pulumi.Input<string>;
  /**
   * Name of the database in PostgreSQL.
   *
   * **Changing it replaces the database.**
   */
  databaseName: string;
  /**
   * The database's owner, RDS's master user, who also runs the migrations.
   *
   * **Changing it replaces the database.**
   */
  username: string;
  /**
   * Identifier or ARN of an encrypted snapshot from which RDS creates the database. RDS takes name, user and encryption
   * from it: an unencrypted snapshot makes an unencrypted database, whatever this component says. A change after the
   * creation has no effect.
   *
   * @default An empty database.
   * @see https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_RestoreFromSnapshot.html
   */
  snapshot?: string;
  /**
   * Major version of PostgreSQL. Iaso needs 16 or later. RDS's PostgreSQL includes PostGIS and the other extensions.
   * Upgrade as docs/operations.md says, before changing this.
   *
   * @example "16"
   */
  majorVersion: string;
  /**
   * Instance class. RDS applies a change in the maintenance window, with a restart.
   *
   * @see https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Concepts.DBInstanceClass.html
   * @example "db.t4g.medium"
   */
  instanceClass: string;
  /** Initial storage in GiB. RDS can increase storage, but not reduce it. */
  allocatedStorage: number;
  /** Size in GiB up to which RDS increases storage by itself. */
  maxAllocatedStorage: number;
  /** Keeps a standby in a second zone, which takes over within about two minutes. */
  multiAz: boolean;
  /** Days for which the database can be restored to any second, at most 35. */
  backupRetentionDays: number;
  /** Makes RDS refuse to delete the instance. */
  deletionProtection: boolean;
  /** Days for which CloudWatch keeps the database's logs. */
  logRetentionDays: number;
  /** ARN of the permissions boundary of the monitoring role. */
  permissionsBoundary: pulumi.Input<string>;
  /**
   * Encrypts the storage of a new database with its backups, and the logs. An existing database keeps its key: RDS
   * encrypts with another one only a copy of a snapshot.
   *
   * @default AWS's own key of the account.
   * @see https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Overview.Encryption.Keys.html
   */
  encryptionKey?: EncryptionKey;
}

const EXPORTED_LOGS = ["postgresql", "upgrade"];

/**
 * Iaso's PostgreSQL database with PostGIS, on RDS.
 *
 * Iaso's migrations create the extensions postgis, pg_trgm, citext, ltree and fuzzystrmatch. They can, because the
 * database's owner is RDS's master user. Pulumi protects the instance from deletion: docs/operations.md says how to
 * destroy a stack.
 *
 * @see https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Appendix.PostgreSQL.CommonDBATasks.PostGIS.html
 */
export class Database extends pulumi.ComponentResource {
  /** Identifier of the RDS instance. */
  readonly identifier: string;
  readonly instance: aws.rds.Instance;
  /** Host name of the database. */
  readonly host: pulumi.Output<string>;
  readonly port = 5432;
  readonly databaseName: string;
  /** The database's owner, who also runs the migrations. */
  readonly username: string;

  constructor(name: string, args: DatabaseArgs, opts?: pulumi.ComponentResourceOptions) {
    super("iaso:index:Database", name, {}, opts);
    const { naming } = args;
    this.identifier = naming.name();
    this.databaseName = args.databaseName;
    this.username = args.username;

    const subnetGroup = new aws.rds.SubnetGroup(
      name,
      { name: naming.name(), subnetIds: args.privateSubnetIds, tags: naming.tags() },
      { parent: this },
    );
    const parameterGroup = createParameterGroup(this, name, args);
    const monitoringRoleArn = createMonitoringRole(this, name, args);
    this.instance = new aws.rds.Instance(
      name,
      {
        identifier: this.identifier,
        engine: "postgres",
        // RDS installs minor versions in the maintenance window.
        engineVersion: args.majorVersion,
        autoMinorVersionUpgrade: true,
        instanceClass: args.instanceClass,
        dbName: this.databaseName,
        username: this.username,
        // RDS chooses the first password. `npm run init-stack` replaces it by Iaso's, which never is in Pulumi's state.
        manageMasterUserPassword: true,
        snapshotIdentifier: args.snapshot,
        port: this.port,
        storageType: "gp3",
        storageEncrypted: true,
        kmsKeyId: args.encryptionKey?.arn,
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
        performanceInsightsKmsKeyId: args.encryptionKey?.arn,
        monitoringInterval: 60,
        monitoringRoleArn,
        enabledCloudwatchLogsExports: EXPORTED_LOGS,
        tags: naming.tags(),
      },
      // RDS creates missing log groups itself, without a retention, and ours would fail because they exist.
      {
        parent: this,
        protect: true,
        dependsOn: createLogGroups(this, name, args),
        // A database whose password Pulumi set at its creation keeps it: RDS would choose another at once. Another key of
        // the storage would replace the database, and RDS refuses another one for Performance Insights. The snapshot is
        // where the database began; to the provider, another one is a reason to replace it.
        ignoreChanges: [
          "kmsKeyId",
          "manageMasterUserPassword",
          "performanceInsightsKmsKeyId",
          "snapshotIdentifier",
        ],
      },
    );
    this.host = this.instance.address;
    this.registerOutputs({ host: this.host, port: this.port, databaseName: this.databaseName });
  }
}

/**
 * Creates the parameters: TLS only, statements of more than 5 seconds in the log, logs kept for 3 days on the instance.
 *
 * @see https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/PostgreSQL.Concepts.General.SSL.html
 */
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
 * Creates the role of Enhanced Monitoring and returns its ARN, with its permissions as a dependency: RDS refuses a role
 * that cannot write metrics.
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
  const attachment = new aws.iam.RolePolicyAttachment(
    `${name}-monitoring`,
    {
      role: role.name,
      policyArn: "arn:aws:iam::aws:policy/service-role/AmazonRDSEnhancedMonitoringRole",
    },
    { parent: role },
  );
  return withDependencies(role.arn, [attachment]);
}

function createLogGroups(parent: Database, name: string, args: DatabaseArgs): aws.cloudwatch.LogGroup[] {
  const { naming, logRetentionDays, encryptionKey } = args;
  return EXPORTED_LOGS.map(
    (log) =>
      new aws.cloudwatch.LogGroup(
        `${name}-${log}`,
        {
          name: `/aws/rds/instance/${naming.name()}/${log}`,
          retentionInDays: logRetentionDays,
          kmsKeyId: encryptionKey?.arn,
          tags: naming.tags(),
        },
        { parent },
      ),
  );
}

import { type Time } from "./clocks";
import { AwsFault, itemsOf, structuresOf, type Xml } from "./protocol";
import { type Random } from "./random";

/** The rows of a database, by table. */
export type Tables = Readonly<Record<string, number>>;

export interface SimulatedDatabase {
  readonly id: string;
  name: string;
  status: string;
  /** Polls before this time do not find a new instance. */
  visibleAt: number;
  /** The identifier at its creation. */
  readonly firstName: string;
  /** Attributes as DescribeDBInstances shows them, in RDS's names. */
  attributes: Record<string, string | number | boolean>;
  groups: { id: string; status: string }[];
  logExports: string[];
  parameterGroup: { name: string; status: string };
  tags: Record<string, string>;
  pending: Record<string, string>;
  password: string;
  /** The rows and the password from a time on, oldest first. */
  history: { at: number; rows: Tables; password: string }[];
  createdAt: number;
  deleted: boolean;
  /** The installed extensions with their versions. RDS upgrades none of them. */
  extensions: Record<string, string>;
  /** Number of things in use with which RDS does not upgrade. */
  obstacles: Record<string, number>;
  /** The error of PostGIS; undefined if it works. */
  postgisError: string | undefined;
  freeGib: number;
  /** True if PostgreSQL has statistics. A major upgrade keeps none. */
  hasStatistics: boolean;
}

interface SimulatedSnapshot {
  id: string;
  instance: string;
  at: number;
  status: string;
  version: string;
  rows: Tables;
  password: string;
  /** False for one of an unencrypted database; true by default. */
  encrypted?: boolean;
  /** Of the instance, in GiB; 50 by default. */
  storage?: number;
}

const HOUR = 3_600_000;
const VPC = "vpc-0123456789";
/** The group of the program's database, and the default group of the VPC. */
export const DATABASE_GROUP = "sg-database";
export const DEFAULT_GROUP = "sg-default";
const LOGS = ["postgresql", "upgrade"];

/** RDS's names of the elements of its lists. */
export const ELEMENTS: Readonly<Record<string, string>> = {
  DBEngineVersions: "DBEngineVersion",
  DBInstanceAutomatedBackups: "DBInstanceAutomatedBackup",
  DBInstances: "DBInstance",
  DBParameterGroups: "DBParameterGroup",
  DBSnapshots: "DBSnapshot",
  TagList: "Tag",
  ValidUpgradeTarget: "UpgradeTarget",
  VpcSecurityGroups: "VpcSecurityGroupMembership",
};

const FULL = "storage-full";

/** The extensions that a server has, with their newest version. */
export function extensionsOf(version: string): Record<string, string> {
  return {
    plpgsql: "1.0",
    ltree: major(version) === "16" ? "1.2" : "1.3",
    postgis: version === "16.8" ? "3.4.2" : "3.4.3",
  };
}

/** The first migrations of Iaso. */
export function namesOfMigrations(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `iaso.${String(index + 1).padStart(4, "0")}_change`);
}

/** The versions to which RDS upgrades. */
const UPGRADES: Readonly<Record<string, readonly string[]>> = {
  "16.8": ["16.9", "17.4"],
  "16.9": ["16.10", "17.4", "17.5", "17.10"],
};

/** Statuses in which an instance accepts no connections. */
const NO_CONNECTIONS =
  /^(creating|deleting|failed|inaccessible|incompatible|insufficient|rebooting|renaming|restore-error|stopped|storage-full|upgrading)/;

const major = (version: string) => version.split(".")[0] ?? "";

/** The parameters of ModifyDBInstance that the double knows. */
const MODIFIABLE = [
  "AllowMajorVersionUpgrade",
  "ApplyImmediately",
  "CloudwatchLogsExportConfiguration",
  "DBInstanceIdentifier",
  "DBParameterGroupName",
  "DeletionProtection",
  "EnablePerformanceInsights",
  "EngineVersion",
  "MasterUserPassword",
  "MaxAllocatedStorage",
  "MonitoringInterval",
  "MonitoringRoleArn",
  "NewDBInstanceIdentifier",
  "PerformanceInsightsRetentionPeriod",
  "PreferredMaintenanceWindow",
  "VpcSecurityGroupIds",
];

/**
 * RDS: instances with their statuses and delays, snapshots and automated backups.
 *
 * @see https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/accessing-monitoring.html#Overview.DBInstance.Status
 */
export class Rds {
  readonly instances: SimulatedDatabase[] = [];
  readonly snapshots: SimulatedSnapshot[] = [];
  /** Resource ids of deleted instances whose automated backups RDS deleted too. */
  private readonly withoutBackups = new Set<string>();
  /** The most manual snapshots that RDS accepts. */
  snapshotQuota = 100;
  instanceQuota = 40;
  /** Names of log groups that RDS has created: it never deletes one. */
  readonly logGroups = new Set<string>();
  /** Milliseconds between RDS's answer to a change and its beginning. */
  startDelay = (): number => this.random.between(0, 40_000);
  /** Milliseconds that a change takes. */
  duration = (): number => this.random.between(20_000, 240_000);
  /** True if RDS's check before a major upgrade fails. */
  upgradeFails = (instance: SimulatedDatabase): boolean => instance.name === "";
  /** Milliseconds until a restored instance exists. */
  restoreDuration = (): number => this.random.between(5 * 60_000, 25 * 60_000);
  /** The status of an instance that was restored. */
  restoredStatus = (): string => "available";
  /**
   * True if automated backups show the identifier that an instance had first. The API reference says of it that it cannot be
   * changed, and of renaming nothing.
   */
  backupsKeepNames = false;
  /** False if RDS changes no instance whose storage is full; AWS does not say. */
  changesFull = false;
  /** The probability that a backup begins after a change. */
  backupChance = 0.3;
  private readonly schedule: { at: number; act: () => void }[] = [];
  private created = 0;
  private eventTime: number | undefined;

  constructor(
    private readonly time: Time,
    private readonly random: Random,
  ) {}

  /** An instance as the Pulumi program creates it, available since yesterday. */
  addInstance(name: string, rows: Tables = { iaso_orgunit: 10 }): SimulatedDatabase {
    const createdAt = this.time.now - 24 * HOUR;
    const password = "the-password";
    const instance: SimulatedDatabase = {
      id: this.newId(),
      name,
      firstName: name,
      status: "available",
      visibleAt: 0,
      attributes: {
        DBInstanceClass: "db.t4g.medium",
        Engine: "postgres",
        EngineVersion: "16.9",
        AllocatedStorage: 50,
        MaxAllocatedStorage: 200,
        StorageType: "gp3",
        StorageEncrypted: true,
        MasterUsername: "iaso",
        MultiAZ: true,
        AutoMinorVersionUpgrade: true,
        BackupRetentionPeriod: 7,
        PreferredBackupWindow: "01:00-02:00",
        PreferredMaintenanceWindow: "sun:02:30-sun:04:00",
        CACertificateIdentifier: "rds-ca-rsa2048-g1",
        CopyTagsToSnapshot: true,
        DeletionProtection: true,
        MonitoringInterval: 60,
        MonitoringRoleArn: "arn:aws:iam::123456789012:role/iaso-staging-database-monitoring",
        PerformanceInsightsEnabled: true,
        PerformanceInsightsRetentionPeriod: 7,
        PubliclyAccessible: false,
        DBSubnetGroupName: "iaso-staging",
        Port: 5432,
      },
      groups: [{ id: DATABASE_GROUP, status: "active" }],
      logExports: [...LOGS],
      parameterGroup: { name: "iaso-staging-postgres16", status: "in-sync" },
      tags: { project: "iaso", env: "staging", "managed-by": "pulumi" },
      pending: {},
      password,
      history: [{ at: createdAt, rows, password }],
      createdAt,
      deleted: false,
      extensions: extensionsOf("16.9"),
      obstacles: {},
      postgisError: undefined,
      freeGib: 30,
      hasStatistics: true,
    };
    this.instances.push(instance);
    for (const log of LOGS) this.logGroups.add(`/aws/rds/instance/${name}/${log}`);
    return instance;
  }

  /** Changes the rows of an instance, as Iaso does. */
  write(instance: SimulatedDatabase, rows: Tables): void {
    instance.history.push({ at: this.time.now, rows, password: instance.password });
  }

  /** The instances that exist at the double's time. */
  existing(): SimulatedDatabase[] {
    this.advance();
    return this.instances.filter(({ deleted }) => !deleted);
  }

  named(name: string): SimulatedDatabase | undefined {
    return this.existing().find((one) => one.name === name);
  }

  /** The migrations of a database: each row of its table is one. */
  migrationsOf(instance: SimulatedDatabase): string[] {
    return namesOfMigrations(this.rowsOf(instance)["django_migrations"] ?? 1);
  }

  rowsOf({ history }: SimulatedDatabase): Tables {
    return history.at(-1)?.rows ?? {};
  }

  address(name: string): string {
    return `${name}.c0123456789.eu-central-1.rds.amazonaws.com`;
  }

  /** The instance that a client of Iaso reaches at an address; undefined if none answers. */
  connect(address: string): SimulatedDatabase | undefined {
    return this.existing().find(
      ({ groups, name, status, visibleAt }) =>
        this.address(name) === address &&
        visibleAt <= this.time.now &&
        !NO_CONNECTIONS.test(status) &&
        groups.some(({ id, status: group }) => id === DATABASE_GROUP && group === "active"),
    );
  }

  /** Executes what was scheduled up to now. */
  private advance(): void {
    for (;;) {
      const due = this.schedule.filter(({ at }) => at <= this.time.now).sort((a, b) => a.at - b.at);
      const [first] = due;
      if (first === undefined) return;
      this.schedule.splice(this.schedule.indexOf(first), 1);
      // What follows is scheduled from the event's own time, however late the double is asked.
      this.eventTime = first.at;
      first.act();
      this.eventTime = undefined;
    }
  }

  private after(milliseconds: number, act: () => void): void {
    this.schedule.push({ at: (this.eventTime ?? this.time.now) + milliseconds, act });
  }

  private newId(): string {
    this.created += 1;
    return `db-${String(this.created).padStart(24, "0")}ID`;
  }

  /** @throws AwsFault as RDS does */
  handle(operation: string, form: URLSearchParams): Xml {
    this.advance();
    switch (operation) {
      case "DescribeDBInstances":
        return this.describe(form);
      case "DescribeDBEngineVersions":
        return this.describeVersions(form.get("EngineVersion") ?? "");
      case "DescribeDBInstanceAutomatedBackups":
        return this.describeAutomatedBackups();
      case "DescribeDBSnapshots":
        return this.describeSnapshots(form.get("DBSnapshotIdentifier"), form.get("SnapshotType"));
      case "CreateDBSnapshot":
        return this.createSnapshot(form);
      case "CopyDBSnapshot":
        return this.copySnapshot(form);
      case "RestoreDBInstanceToPointInTime":
        return this.restoreToTime(form);
      case "RestoreDBInstanceFromDBSnapshot":
        return this.restoreFromSnapshot(form);
      case "ModifyDBInstance":
        return this.modify(form);
      case "RebootDBInstance":
        return this.reboot(form);
      case "DeleteDBInstance":
        return this.delete(form);
      default:
        throw new AwsFault("InvalidAction", `The double of RDS has no ${operation}.`);
    }
  }

  private describe(form: URLSearchParams): Xml {
    const name = form.get("DBInstanceIdentifier");
    const filters = structuresOf(form, "Filters");
    const ids = filters.flatMap((filter) => {
      if (filter.get("Name") !== "dbi-resource-id") {
        throw new AwsFault("InvalidParameterValue", `Unrecognized filter name: ${filter.get("Name") ?? ""}`);
      }
      return itemsOf(filter, "Values");
    });
    const found = this.existing().filter(
      (instance) =>
        instance.visibleAt <= this.time.now &&
        (name === null || instance.name === name) &&
        (filters.length === 0 || ids.includes(instance.id)),
    );
    if (name !== null && found.length === 0) throw notFound(name);
    return { DBInstances: found.map((instance) => this.shown(instance)) };
  }

  private shown(instance: SimulatedDatabase): Xml {
    const { DBSubnetGroupName = "", Port = 5432, ...attributes } = instance.attributes;
    const { groups, id, logExports, name, parameterGroup, pending, status, tags } = instance;
    return {
      ...attributes,
      DBInstanceIdentifier: name,
      DbiResourceId: id,
      DBInstanceStatus: status,
      // An instance has no endpoint before it is created.
      ...(status !== "creating" && { Endpoint: { Address: this.address(name), Port } }),
      DBSubnetGroup: { DBSubnetGroupName, VpcId: VPC },
      VpcSecurityGroups: groups.map((group) => ({ VpcSecurityGroupId: group.id, Status: group.status })),
      DBParameterGroups: [
        { DBParameterGroupName: parameterGroup.name, ParameterApplyStatus: parameterGroup.status },
      ],
      ...(logExports.length > 0 && { EnabledCloudwatchLogsExports: logExports }),
      PendingModifiedValues: { ...pending },
      TagList: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })),
    };
  }

  private windowOf(instance: SimulatedDatabase): { from: number; to: number } | undefined {
    if (this.withoutBackups.has(instance.id) || instance.status === "creating") return undefined;
    if (instance.attributes.BackupRetentionPeriod === 0) return undefined;
    // The first backup begins when the instance is created, and logs are uploaded every five minutes.
    const [from, to] = [instance.createdAt + 15 * 60_000, this.time.now - 5 * 60_000];
    return from < to ? { from, to } : undefined;
  }

  private describeAutomatedBackups(): Xml {
    return {
      DBInstanceAutomatedBackups: this.instances.flatMap((instance) => {
        const window = this.windowOf(instance);
        if (window === undefined) return [];
        return [
          {
            DBInstanceIdentifier: this.backupsKeepNames ? instance.firstName : instance.name,
            DbiResourceId: instance.id,
            EngineVersion: instance.attributes.EngineVersion,
            Status: instance.deleted ? "retained" : "active",
            RestoreWindow: { EarliestTime: new Date(window.from), LatestTime: new Date(window.to) },
          },
        ];
      }),
    };
  }

  /** Describes snapshots; without a type, those of AWS Backup are left out, as in RDS. */
  private describeSnapshots(id: string | null, type: string | null): Xml {
    const typeOf = (one: SimulatedSnapshot) => (one.id.startsWith("awsbackup:") ? "awsbackup" : "manual");
    const found = this.snapshots.filter(
      (one) =>
        (id === null || one.id === id) &&
        (type === null ? typeOf(one) !== "awsbackup" : typeOf(one) === type),
    );
    if (id !== null && found.length === 0) {
      throw new AwsFault("DBSnapshotNotFound", `DBSnapshot ${id} not found.`, 404);
    }
    return {
      DBSnapshots: found.map((snapshot) => ({
        DBSnapshotIdentifier: snapshot.id,
        DBInstanceIdentifier: snapshot.instance,
        // RDS shows no time of a snapshot that it is still creating.
        ...(snapshot.status !== "creating" && {
          SnapshotCreateTime: new Date(snapshot.at),
          OriginalSnapshotCreateTime: new Date(snapshot.at),
        }),
        DBSnapshotArn: `arn:aws:rds:eu-central-1:123456789012:snapshot:${snapshot.id}`,
        Encrypted: snapshot.encrypted !== false,
        PercentProgress: snapshot.status === "available" ? 100 : 0,
        Status: snapshot.status,
        AllocatedStorage: snapshot.storage ?? 50,
        EngineVersion: snapshot.version,
      })),
    };
  }

  private createSnapshot(form: URLSearchParams): Xml {
    const instance = this.available(form.get("DBInstanceIdentifier") ?? "");
    const id = this.addSnapshot(instance, form.get("DBSnapshotIdentifier") ?? "");
    this.runBackup(instance);
    return { DBSnapshot: { DBSnapshotIdentifier: id, Status: "creating" } };
  }

  private copySnapshot(form: URLSearchParams): Xml {
    const source = this.snapshots.find(({ id }) => id === form.get("SourceDBSnapshotIdentifier"));
    const id = form.get("TargetDBSnapshotIdentifier") ?? "";
    if (source === undefined) throw new AwsFault("DBSnapshotNotFound", "The snapshot was not found.", 404);
    if (source.status !== "available") {
      throw new AwsFault("InvalidDBSnapshotState", `The snapshot ${source.id} is ${source.status}.`);
    }
    this.requireSnapshot(id);
    const copy = { ...source, id, status: "creating", encrypted: form.get("KmsKeyId") !== null };
    this.snapshots.push(copy);
    this.after(90_000, () => (copy.status = "available"));
    return { DBSnapshot: { DBSnapshotIdentifier: id, Status: "creating" } };
  }

  private requireSnapshot(id: string): void {
    if (this.snapshots.some((one) => one.id === id)) {
      throw new AwsFault("DBSnapshotAlreadyExists", `Cannot create the snapshot ${id}: it already exists.`);
    }
    if (this.snapshots.length >= this.snapshotQuota) {
      throw new AwsFault("SnapshotQuotaExceeded", "Cannot create more than 100 manual snapshots");
    }
  }

  private addSnapshot(instance: SimulatedDatabase, id: string): string {
    this.requireSnapshot(id);
    const snapshot: SimulatedSnapshot = {
      id,
      instance: instance.name,
      at: this.time.now,
      status: "creating",
      version: String(instance.attributes.EngineVersion),
      rows: this.rowsOf(instance),
      password: instance.password,
      encrypted: instance.attributes.StorageEncrypted === true,
      storage: Number(instance.attributes.AllocatedStorage),
    };
    this.snapshots.push(snapshot);
    this.after(60_000, () => (snapshot.status = "available"));
    return id;
  }

  private restoreToTime(form: URLSearchParams): Xml {
    const source = this.instances.find(({ id }) => id === form.get("SourceDbiResourceId"));
    const window = source && this.windowOf(source);
    if (source === undefined || window === undefined) {
      throw new AwsFault("DBInstanceAutomatedBackupNotFound", "The automated backup was not found.", 404);
    }
    const time = form.get("RestoreTime");
    if ((time === null) === (form.get("UseLatestRestorableTime") !== "true")) {
      throw new AwsFault("InvalidParameterCombination", "Specify RestoreTime or UseLatestRestorableTime.");
    }
    const at = time === null ? window.to : Date.parse(time);
    if (at < window.from || at > window.to) {
      throw new AwsFault(
        "InvalidParameterValue",
        "The specified restore time is outside the restore window.",
      );
    }
    const before = source.history.filter((one) => one.at <= at).at(-1) ?? source.history[0];
    if (before === undefined) throw new Error("the double has an instance without data");
    const version = String(source.attributes.EngineVersion);
    const { extensions, freeGib, obstacles, postgisError } = source;
    const inside = { extensions, freeGib, obstacles, postgisError };
    const storage = Number(source.attributes.AllocatedStorage);
    const content = { ...before, storage, version };
    return this.restore(form.get("TargetDBInstanceIdentifier") ?? "", form, content, inside);
  }

  private restoreFromSnapshot(form: URLSearchParams): Xml {
    const id = form.get("DBSnapshotIdentifier") ?? "";
    const snapshot = this.snapshots.find((one) => one.id === id);
    if (snapshot === undefined) throw new AwsFault("DBSnapshotNotFound", `DBSnapshot ${id} not found.`, 404);
    if (snapshot.status !== "available") {
      throw new AwsFault("InvalidDBSnapshotState", `The snapshot ${id} is ${snapshot.status}.`);
    }
    return this.restore(form.get("DBInstanceIdentifier") ?? "", form, snapshot);
  }

  private restore(
    name: string,
    form: URLSearchParams,
    {
      encrypted: isEncrypted = true,
      password,
      rows,
      storage = 50,
      version,
    }: { encrypted?: boolean; password: string; rows: Tables; storage?: number; version: string },
    inside: Partial<SimulatedDatabase> = {},
  ): Xml {
    this.requireFree(name);
    if (this.existing().length >= this.instanceQuota) {
      throw new AwsFault("InstanceQuotaExceeded", "DB Instance quota exceeded");
    }
    const group = form.get("DBParameterGroupName") ?? `default.postgres${version.split(".")[0] ?? ""}`;
    if (!group.endsWith(`postgres${version.split(".")[0] ?? ""}`)) {
      throw new AwsFault("InvalidParameterCombination", `The parameter group ${group} cannot be used.`);
    }
    const number = (key: string, otherwise: number): number => Number(form.get(key) ?? otherwise);
    const flag = (key: string): boolean => form.get(key) === "true";
    const logs = itemsOf(form, "EnableCloudwatchLogsExports");
    const groups = itemsOf(form, "VpcSecurityGroupIds");
    const instance: SimulatedDatabase = {
      id: this.newId(),
      name,
      firstName: name,
      status: "creating",
      visibleAt: this.time.now + this.random.between(0, 5_000),
      attributes: {
        DBInstanceClass: form.get("DBInstanceClass") ?? "db.t4g.medium",
        Engine: "postgres",
        EngineVersion: version,
        AllocatedStorage: storage,
        StorageType: form.get("StorageType") ?? "gp3",
        StorageEncrypted: isEncrypted,
        MasterUsername: "iaso",
        MultiAZ: flag("MultiAZ"),
        AutoMinorVersionUpgrade: form.get("AutoMinorVersionUpgrade") !== "false",
        BackupRetentionPeriod: number("BackupRetentionPeriod", 1),
        PreferredBackupWindow: form.get("PreferredBackupWindow") ?? "22:10-22:40",
        PreferredMaintenanceWindow: "wed:03:11-wed:03:41",
        CACertificateIdentifier: form.get("CACertificateIdentifier") ?? "rds-ca-rsa2048-g1",
        CopyTagsToSnapshot: flag("CopyTagsToSnapshot"),
        DeletionProtection: flag("DeletionProtection"),
        MonitoringInterval: 0,
        PerformanceInsightsEnabled: false,
        PubliclyAccessible: form.get("PubliclyAccessible") !== "false",
        DBSubnetGroupName: form.get("DBSubnetGroupName") ?? "default",
        Port: number("Port", 5432),
      },
      groups: (groups.length === 0 ? [DEFAULT_GROUP] : groups).map((id) => ({ id, status: "active" })),
      logExports: logs,
      parameterGroup: { name: group, status: "in-sync" },
      tags: Object.fromEntries(
        structuresOf(form, "Tags").map((tag) => [tag.get("Key") ?? "", tag.get("Value") ?? ""]),
      ),
      pending: {},
      password,
      history: [{ at: this.time.now, rows, password }],
      createdAt: this.time.now,
      deleted: false,
      extensions: extensionsOf(version),
      obstacles: {},
      postgisError: undefined,
      freeGib: 30,
      hasStatistics: true,
      ...inside,
    };
    this.instances.push(instance);
    for (const log of logs) this.logGroups.add(`/aws/rds/instance/${name}/${log}`);
    this.after(this.restoreDuration(), () => {
      const status = this.restoredStatus();
      instance.status = status === "available" ? "backing-up" : status;
      if (status === "available") this.after(this.duration(), () => (instance.status = status));
    });
    return { DBInstance: this.shown(instance) };
  }

  private modify(form: URLSearchParams): Xml {
    for (const key of form.keys()) {
      const name = key.split(".")[0] ?? "";
      if (!MODIFIABLE.includes(name) && !["Action", "Version"].includes(name)) {
        throw new Error(`The double of RDS does not know ModifyDBInstance's ${name}.`);
      }
    }
    const instance = this.available(form.get("DBInstanceIdentifier") ?? "");
    if (form.get("ApplyImmediately") !== "true") throw new Error("the double has no maintenance window");
    if (form.get("MonitoringInterval") !== null && form.get("MonitoringRoleArn") === null) {
      throw new AwsFault("InvalidParameterCombination", "A MonitoringRoleARN value is required.");
    }
    const name = form.get("NewDBInstanceIdentifier");
    if (name !== null && name !== instance.name) this.requireFree(name);
    const password = form.get("MasterUserPassword");
    if (password !== null && password.length < 8) {
      throw new AwsFault(
        "InvalidParameterValue",
        "The parameter MasterUserPassword is not a valid password.",
      );
    }
    const most = form.get("MaxAllocatedStorage");
    // https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_PIOPS.Autoscaling.html
    if (most !== null && Number(most) * 10 < Number(instance.attributes.AllocatedStorage) * 11) {
      throw new AwsFault(
        "InvalidParameterCombination",
        "Max storage size must be at least 10% more than the allocated storage size.",
      );
    }
    // At once, without a status of their own.
    for (const key of ["DeletionProtection", "PreferredMaintenanceWindow", "MaxAllocatedStorage"]) {
      const value = form.get(key);
      if (value !== null) instance.attributes[key] = typed(value);
    }
    const steps: [status: string, act: () => void][] = [];
    const { DBInstanceClass } = instance.pending;
    if (DBInstanceClass !== undefined) {
      // A change that is made at once takes along what waits for the maintenance window.
      const act = (): void => {
        Object.assign(instance.attributes, { DBInstanceClass });
        delete instance.pending.DBInstanceClass;
      };
      steps.push(["modifying", act]);
    }
    if (password !== null) {
      instance.pending.MasterUserPassword = "****";
      steps.push(["resetting-master-credentials", this.setPassword.bind(this, instance, password)]);
    }
    const settings = ["MonitoringInterval", "MonitoringRoleArn", "PerformanceInsightsRetentionPeriod"];
    if ([...settings, "EnablePerformanceInsights"].some((key) => form.get(key) !== null)) {
      const act = (): void => {
        for (const key of settings) {
          const value = form.get(key);
          if (value !== null) instance.attributes[key] = typed(value);
        }
        if (form.get("EnablePerformanceInsights") === "true")
          instance.attributes.PerformanceInsightsEnabled = true;
      };
      steps.push(["configuring-enhanced-monitoring", act]);
    }
    steps.push(...this.upgradeSteps(instance, form));
    steps.push(...this.groupSteps(instance, itemsOf(form, "VpcSecurityGroupIds")));
    steps.push(...this.logSteps(instance, form, name ?? instance.name));
    if (name !== null && name !== instance.name) {
      instance.pending.DBInstanceIdentifier = name;
      steps.push(["renaming", () => undefined], ["rebooting", this.rename.bind(this, instance, name)]);
    }
    this.run(instance, steps);
    return { DBInstance: this.shown(instance) };
  }

  private describeVersions(version: string): Xml {
    const targets = (UPGRADES[version] ?? []).map((EngineVersion) => ({
      Engine: "postgres",
      EngineVersion,
      IsMajorVersionUpgrade: major(EngineVersion) !== major(version),
    }));
    return {
      DBEngineVersions: [{ Engine: "postgres", EngineVersion: version, ValidUpgradeTarget: targets }],
    };
  }

  private upgradeSteps(
    instance: SimulatedDatabase,
    form: URLSearchParams,
  ): [status: string, act: () => void][] {
    const [version, group] = [form.get("EngineVersion"), form.get("DBParameterGroupName")];
    const now = String(instance.attributes.EngineVersion);
    if (version === null || version === now) return [];
    if (!(UPGRADES[now] ?? []).includes(version)) {
      throw new AwsFault("InvalidParameterCombination", `Cannot upgrade postgres from ${now} to ${version}`);
    }
    if (major(version) !== major(now) && form.get("AllowMajorVersionUpgrade") !== "true") {
      throw new AwsFault("InvalidParameterCombination", "The AllowMajorVersionUpgrade flag must be present.");
    }
    if (group === null || !group.endsWith(`postgres${major(version)}`)) {
      throw new AwsFault("InvalidParameterCombination", "The parameter group has another family.");
    }
    const act = (): void => {
      // RDS's check before the upgrade can fail: the instance is then as before.
      if (this.upgradeFails(instance) || this.hasObstacle(instance)) return;
      instance.attributes.EngineVersion = version;
      if (major(version) !== major(now)) instance.hasStatistics = false;
      instance.parameterGroup = { name: group, status: "in-sync" };
    };
    return [["upgrading", act]];
  }

  /**
   * True if RDS's check before an upgrade refuses the instance.
   *
   * @see https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_UpgradeDBInstance.PostgreSQL.MajorVersion.Process.html
   */
  private hasObstacle({ attributes, extensions, freeGib, obstacles }: SimulatedDatabase): boolean {
    const available = extensionsOf(String(attributes.EngineVersion));
    return (
      freeGib < 1 ||
      extensions["postgis"] !== available["postgis"] ||
      Object.keys(extensions).some((name) => available[name] === undefined) ||
      Object.values(obstacles).some((count) => count > 0)
    );
  }

  /** FreeStorageSpace in CloudWatch. An instance that does not exist has no datapoints. */
  metrics(form: URLSearchParams): Xml {
    const [dimension] = structuresOf(form, "Dimensions");
    if (form.get("Namespace") !== "AWS/RDS" || form.get("MetricName") !== "FreeStorageSpace") {
      throw new AwsFault("InvalidParameterValue", "The double has no such metric.");
    }
    const instance = this.named(dimension?.get("Value") ?? "");
    return {
      Datapoints: instance === undefined ? [] : [{ Minimum: instance.freeGib * 2 ** 30, Unit: "Bytes" }],
    };
  }

  private setPassword(instance: SimulatedDatabase, password: string): void {
    instance.password = password;
    delete instance.pending.MasterUserPassword;
    instance.history.push({ at: this.time.now, rows: this.rowsOf(instance), password });
  }

  private rename(instance: SimulatedDatabase, name: string): void {
    instance.name = name;
    // The new name is not visible at once.
    instance.visibleAt = this.time.now + this.random.between(0, 30_000);
    delete instance.pending.DBInstanceIdentifier;
    if (instance.parameterGroup.status === "pending-reboot") instance.parameterGroup.status = "in-sync";
  }

  private groupSteps(
    instance: SimulatedDatabase,
    groups: readonly string[],
  ): [status: string, act: () => void][] {
    if (groups.length === 0) return [];
    return [
      ["modifying", () => (instance.groups = groups.map((id) => ({ id, status: "adding" })))],
      ["modifying", () => (instance.groups = groups.map((id) => ({ id, status: "active" })))],
    ];
  }

  private logSteps(
    instance: SimulatedDatabase,
    form: URLSearchParams,
    name: string,
  ): [status: string, act: () => void][] {
    const named = (list: string): string[] => itemsOf(form, `CloudwatchLogsExportConfiguration.${list}`);
    const [enable, disable] = [named("EnableLogTypes"), named("DisableLogTypes")];
    const unknown = [...enable, ...disable].find((log) => !LOGS.includes(log));
    if (unknown !== undefined) {
      throw new AwsFault("InvalidParameterCombination", `You cannot use the log type ${unknown}.`);
    }
    if (enable.length + disable.length === 0) return [];
    const act = (): void => {
      instance.logExports = [
        ...instance.logExports.filter((log) => !disable.includes(log) && !enable.includes(log)),
        ...enable,
      ];
      for (const log of enable) this.logGroups.add(`/aws/rds/instance/${name}/${log}`);
    };
    return [["configuring-log-exports", act]];
  }

  private reboot(form: URLSearchParams): Xml {
    const instance = this.available(form.get("DBInstanceIdentifier") ?? "");
    this.run(instance, [["rebooting", () => (instance.parameterGroup.status = "in-sync")]]);
    return { DBInstance: this.shown(instance) };
  }

  private delete(form: URLSearchParams): Xml {
    const name = form.get("DBInstanceIdentifier") ?? "";
    const instance = this.visible(name);
    if (["creating", "deleting"].includes(instance.status)) throw invalidState(instance);
    const finalSnapshot = form.get("FinalDBSnapshotIdentifier");
    if ((finalSnapshot === null) !== (form.get("SkipFinalSnapshot") === "true")) {
      throw new AwsFault(
        "InvalidParameterCombination",
        "FinalDBSnapshotIdentifier is required unless SkipFinalSnapshot is specified.",
      );
    }
    if (instance.attributes.DeletionProtection === true) {
      throw new AwsFault(
        "InvalidParameterCombination",
        "Cannot delete protected DB Instance, please disable deletion protection and try again.",
      );
    }
    if (finalSnapshot !== null) {
      // https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DeleteDBInstance.html
      if (!["available", FULL].includes(instance.status)) throw invalidState(instance);
      this.addSnapshot(instance, finalSnapshot);
    }
    instance.status = "deleting";
    if (form.get("DeleteAutomatedBackups") !== "false") this.withoutBackups.add(instance.id);
    this.after(this.duration(), () => (instance.deleted = true));
    return { DBInstance: this.shown(instance) };
  }

  /** Runs the steps of a change one after the other. The instance stays available until the first begins. */
  private run(instance: SimulatedDatabase, steps: [status: string, act: () => void][]): void {
    const calm = instance.status === FULL ? FULL : "available";
    const next = ([step, ...rest]: typeof steps): void => {
      if (step === undefined) {
        instance.status = calm;
        if (this.random.chance(this.backupChance))
          this.after(this.startDelay(), this.runBackup.bind(this, instance));
        return;
      }
      instance.status = step[0];
      this.after(this.duration(), () => {
        step[1]();
        next(rest);
      });
    };
    if (steps.length === 0) return;
    this.after(this.startDelay(), () => {
      // A change that came before is still being made.
      if (instance.status !== calm) this.run(instance, steps);
      else next(steps);
    });
  }

  private runBackup(instance: SimulatedDatabase): void {
    if (instance.status !== "available" || instance.deleted) return;
    instance.status = "backing-up";
    this.after(this.duration(), () => {
      if (instance.status === "backing-up") instance.status = "available";
    });
  }

  private visible(name: string): SimulatedDatabase {
    const instance = this.existing().find((one) => one.name === name && one.visibleAt <= this.time.now);
    if (instance === undefined) throw notFound(name);
    return instance;
  }

  private available(name: string): SimulatedDatabase {
    const instance = this.visible(name);
    if (instance.status !== "available" && !(instance.status === FULL && this.changesFull)) {
      throw invalidState(instance);
    }
    return instance;
  }

  private requireFree(name: string): void {
    const isTaken = this.existing().some(
      (one) => one.name === name || one.pending.DBInstanceIdentifier === name,
    );
    if (isTaken) throw new AwsFault("DBInstanceAlreadyExists", `DB instance already exists: ${name}`);
  }
}

const typed = (value: string): string | number | boolean =>
  value === "true" || value === "false" ? value === "true" : /^\d+$/.test(value) ? Number(value) : value;

const notFound = (name: string) => new AwsFault("DBInstanceNotFound", `DBInstance ${name} not found.`, 404);

const invalidState = ({ name, status }: SimulatedDatabase) =>
  new AwsFault("InvalidDBInstanceState", `Database instance ${name} is not in available state: ${status}.`);

import { expect } from "chai";
import { Database, DatabaseArgs } from "../../components/database";
import { PreviewDocument } from "../../graph/document";
import { simulate } from "../../preview/simulate";
import { find, naming, PERMISSIONS_BOUNDARY, resourcesOf, textOf } from "../support";

function preview(own: Partial<DatabaseArgs> = {}): Promise<PreviewDocument> {
  return simulate(() => {
    new Database("database", {
      naming,
      privateSubnetIds: ["subnet-1", "subnet-2"],
      securityGroupId: "sg-1",
      databaseName: "iaso",
      username: "iaso",
      majorVersion: "16",
      instanceClass: "db.t4g.medium",
      allocatedStorage: 50,
      maxAllocatedStorage: 500,
      multiAz: false,
      backupRetentionDays: 7,
      deletionProtection: true,
      logRetentionDays: 90,
      permissionsBoundary: PERMISSIONS_BOUNDARY,
      ...own,
    });
  });
}

describe("components/database", () => {
  it("is a private, encrypted PostgreSQL on gp3 that grows and is watched", async () => {
    const document = await preview();
    expect(find(document, "aws:rds/instance:Instance").inputs).to.deep.include({
      identifier: "iaso-test",
      engine: "postgres",
      engineVersion: "16",
      dbName: "iaso",
      username: "iaso",
      port: 5432,
      publiclyAccessible: false,
      storageEncrypted: true,
      storageType: "gp3",
      allocatedStorage: 50,
      maxAllocatedStorage: 500,
      performanceInsightsEnabled: true,
      monitoringInterval: 60,
      enabledCloudwatchLogsExports: ["postgresql", "upgrade"],
      vpcSecurityGroupIds: ["sg-1"],
      autoMinorVersionUpgrade: true,
      // The authority that RDS signs with until 2061; the one that it takes by itself depends on the account.
      caCertIdentifier: "rds-ca-rsa2048-g1",
      tags: naming.tags(),
    });
    expect(find(document, "aws:rds/subnetGroup:SubnetGroup").inputs.subnetIds).to.deep.equal([
      "subnet-1",
      "subnet-2",
    ]);
  });

  it("can be brought back: backups, final snapshot, deletion refused by AWS and by Pulumi", async () => {
    const document = await preview({ backupRetentionDays: 30 });
    const database = find(document, "aws:rds/instance:Instance");
    expect(database.protect).to.equal(true);
    expect(database.inputs).to.include({
      backupRetentionPeriod: 30,
      deletionProtection: true,
      skipFinalSnapshot: false,
      finalSnapshotIdentifier: "iaso-test-final",
      deleteAutomatedBackups: false,
      copyTagsToSnapshot: true,
    });
  });

  it("is backed up and maintained at night, never at the same time, which RDS refuses", async () => {
    const document = await preview();
    const { backupWindow, maintenanceWindow } = find(document, "aws:rds/instance:Instance").inputs;
    const hours = (window: unknown) =>
      [...String(window).matchAll(/(\d\d):(\d\d)/g)].map(
        ([, hour, minute]) => Number(hour) + Number(minute) / 60,
      );
    const [backupStart, backupEnd] = hours(backupWindow);
    const [maintenanceStart, maintenanceEnd] = hours(maintenanceWindow);
    expect(backupEnd).to.be.greaterThan(backupStart!).and.to.be.at.most(maintenanceStart!);
    expect(maintenanceEnd).to.be.greaterThan(maintenanceStart!).and.to.be.at.most(5);
  });

  it("has a standby if the setting asks for one", async () => {
    for (const multiAz of [true, false]) {
      const document = await preview({ multiAz });
      expect(find(document, "aws:rds/instance:Instance").inputs.multiAz).to.equal(multiAz);
    }
  });

  it("accepts only TLS connections, by the parameter group of its version", async () => {
    const document = await preview({ majorVersion: "17" });
    const group = find(document, "aws:rds/parameterGroup:ParameterGroup");
    expect(group.inputs).to.include({ family: "postgres17", name: "iaso-test-postgres17" });
    expect(group.inputs.parameters).to.deep.include({ name: "rds.force_ssl", value: "1" });
    const database = find(document, "aws:rds/instance:Instance");
    expect(database.inputs.engineVersion).to.equal("17");
    expect(database.propertyDependencies.parameterGroupName).to.deep.equal([group.urn]);
  });

  it("gets no password from the program, and RDS takes over none that a database has", async () => {
    const database = find(await preview(), "aws:rds/instance:Instance");
    expect(database.inputs).to.include({ manageMasterUserPassword: true });
    expect(Object.keys(database.inputs)).not.to.include.members(["password", "passwordWo"]);
    expect(database.secretInputs).to.deep.equal([]);
    expect(database.ignoreChanges).to.include("manageMasterUserPassword");
  });

  it("starts from a snapshot with its name and user, and another snapshot is no reason to replace it", async () => {
    const snapshot = "old-iaso-encrypted";
    const database = find(
      await preview({ snapshot, databaseName: "ebdb", username: "postgres" }),
      "aws:rds/instance:Instance",
    );
    expect(database.inputs).to.include({
      snapshotIdentifier: snapshot,
      dbName: "ebdb",
      username: "postgres",
      storageEncrypted: true,
    });
    expect(database.ignoreChanges).to.include("snapshotIdentifier");
    expect(find(await preview(), "aws:rds/instance:Instance").inputs).not.to.have.property(
      "snapshotIdentifier",
    );
  });

  it("finds its log groups made, with the days that are set", async () => {
    const document = await preview({ logRetentionDays: 365 });
    const groups = resourcesOf(document, "aws:cloudwatch/logGroup:LogGroup");
    expect(groups.map(({ inputs }) => [inputs.name, inputs.retentionInDays])).to.deep.equal([
      ["/aws/rds/instance/iaso-test/postgresql", 365],
      ["/aws/rds/instance/iaso-test/upgrade", 365],
    ]);
    expect(find(document, "aws:rds/instance:Instance").dependencies).to.include.members(
      groups.map(({ urn }) => urn),
    );
  });

  it("is monitored by a role that RDS can assume for this account only", async () => {
    const document = await preview();
    const role = find(document, "aws:iam/role:Role");
    expect(role.inputs.permissionsBoundary).to.equal(PERMISSIONS_BOUNDARY);
    expect(JSON.parse(textOf(role.inputs.assumeRolePolicy))).to.have.deep.nested.property("Statement[0]", {
      Sid: "AssumeRole",
      Effect: "Allow",
      Principal: { Service: "monitoring.rds.amazonaws.com" },
      Action: "sts:AssumeRole",
      Condition: { StringEquals: { "aws:SourceAccount": "123456789012" } },
    });
    const permissions = find(document, "aws:iam/rolePolicyAttachment:RolePolicyAttachment");
    expect(permissions.inputs.policyArn).to.equal(
      "arn:aws:iam::aws:policy/service-role/AmazonRDSEnhancedMonitoringRole",
    );
    // RDS refuses a role without its permissions.
    expect(
      find(document, "aws:rds/instance:Instance").propertyDependencies.monitoringRoleArn,
    ).to.have.members([role.urn, permissions.urn]);
  });
});

import { expect } from "chai";
import { Lab } from "./lab";

const DATABASE = "aws:rds/instance:Instance";
const REDIS = "aws:elasticache/replicationGroup:ReplicationGroup";

describe("a platform that starts from snapshots, on the real engine", () => {
  let lab: Lab;
  before(async () => {
    lab = await Lab.open("staging");
    await lab.byHand((account) => {
      account.snapshots.push(
        {
          service: "rds",
          identifier: "old-iaso",
          source: "old-iaso",
          properties: { dbName: "ebdb", username: "postgres", storageEncrypted: true, engineVersion: "16.8" },
        },
        {
          service: "elasticache",
          identifier: "old-main",
          source: "old-main",
          properties: { engineVersion: "6.2.6" },
        },
      );
      account.save();
    });
    await lab.set("databaseSnapshot", "old-iaso");
    await lab.set("databaseName", "ebdb");
    await lab.set("databaseUser", "postgres");
    await lab.set("enketoRedisSnapshot", "old-main");
  });
  after(() => {
    lab.close();
  });

  const operations = async () => {
    const { same, ...others } = (await lab.preview()).changeSummary;
    expect(same).to.be.above(100);
    return others;
  };

  it("has their data, and changes nothing at the second preview", async () => {
    await lab.up();
    const [database] = lab.account.ofType(DATABASE);
    expect(database?.inputs).to.include({
      snapshotIdentifier: "old-iaso",
      dbName: "ebdb",
      username: "postgres",
    });
    const redis = lab.account.ofType(REDIS).map(({ inputs }) => inputs.snapshotName);
    expect(redis).to.have.members(["old-main", undefined]);
    expect(await operations()).to.deep.equal({});
  });

  it("is not replaced when the settings name other snapshots, or none", async () => {
    await lab.set("databaseSnapshot", "another");
    await lab.set("enketoRedisSnapshot", "another");
    expect(await operations()).to.deep.equal({});
    await lab.set("databaseSnapshot", "");
    await lab.set("enketoRedisSnapshot", "");
    expect(await operations()).to.deep.equal({});
  });
});

import { join } from "node:path";
import { expect } from "chai";
import { Lab } from "./lab";

const DATABASE = "aws:rds/instance:Instance";
const RECORD = "aws:route53/record:Record";
const REDIS = "aws:elasticache/replicationGroup:ReplicationGroup";
const ROOT = join(__dirname, "../..");

/** The former and the new hosts of the stack staging. */
const MOVED = {
  "iaso-staging.example.org": "old.example.org",
  "enketo-staging.example.org": "old-enketo.example.org",
};

describe("an existing platform that moves in", () => {
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
    await set({
      databaseSnapshot: "old-iaso",
      databaseName: "ebdb",
      databaseUser: "postgres",
      enketoRedisSnapshot: "old-main",
      existingWebHost: "old.example.org",
      existingEnketoHost: "old-enketo.example.org",
    });
    await lab.up();
  });
  after(() => {
    lab.close();
  });

  async function set(values: Record<string, string>): Promise<void> {
    for (const [key, value] of Object.entries(values)) await lab.set(key, value);
  }

  async function run(script: string, ...args: string[]): Promise<void> {
    const file = join(ROOT, "test/engine", script);
    const ran = await lab.run(`node --require "${ROOT}/cli/loader.cjs" "${file}" staging ${args.join(" ")}`);
    expect(ran.code, ran.output).to.equal(0);
  }

  async function expectNoChange(): Promise<void> {
    const { same, ...others } = (await lab.preview()).changeSummary;
    expect(same).to.be.above(100);
    expect(others).to.deep.equal({});
  }

  it("starts from its data, and the next update changes nothing", async () => {
    const [database] = lab.account.ofType(DATABASE);
    expect(database?.inputs).to.include({
      snapshotIdentifier: "old-iaso",
      dbName: "ebdb",
      username: "postgres",
    });
    const redis = lab.account.ofType(REDIS).map(({ inputs }) => inputs.snapshotName);
    expect(redis).to.have.members(["old-main", undefined]);
    await expectNoChange();
  });

  it("is not replaced when the settings name other snapshots, or none", async () => {
    await set({ databaseSnapshot: "another", enketoRedisSnapshot: "another" });
    await expectNoChange();
    await set({ databaseSnapshot: "", enketoRedisSnapshot: "" });
    await expectNoChange();
  });

  it("has the database and the records of the cutover, and deletes only its former records", async () => {
    const [old] = lab.account.ofType(DATABASE);
    if (old === undefined) throw new Error("no database");
    await lab.byHand((account) => {
      account.remove(DATABASE, old.id);
      account.put({ ...old, id: "db-RESTORED" });
      for (const [from, to] of Object.entries(MOVED)) {
        const record = account.ofType(RECORD).find(({ inputs }) => inputs.name === from);
        if (record === undefined) throw new Error(`no record of ${from}`);
        account.put(JSON.parse(JSON.stringify(record).replaceAll(from, to)) as typeof record);
      }
    });
    await run("replaceInState.ts", old.id, "db-RESTORED");
    await run("moveRecordsInState.ts", ...Object.entries(MOVED).map(([from, to]) => `${from}=${to}`));
    await set({
      webHost: "old.example.org",
      enketoHost: "old-enketo.example.org",
      existingWebHost: "",
      existingEnketoHost: "",
    });
    const from = lab.events.length;
    await lab.up();
    const operations = lab.events.slice(from).flatMap(({ resourcePreEvent }) => {
      const { op = "", type = "", urn = "" } = resourcePreEvent?.metadata ?? {};
      const isMoved = type === DATABASE || (type === RECORD && /::(web|enketo)$/.test(urn));
      return isMoved && op !== "same" ? [`${op} ${urn.split("::").at(-1) ?? ""}`] : [];
    });
    expect(operations).to.have.members(["delete-replaced web", "delete-replaced enketo"]);
    expect(lab.account.ofType(DATABASE).map(({ id }) => id)).to.deep.equal(["db-RESTORED"]);
    const records = lab.account.ofType(RECORD).map(({ inputs }) => inputs);
    const aliases = records.filter(({ type }) => type === "A").map(({ name }) => name);
    expect(aliases).to.have.members(Object.values(MOVED));
    // The records that prove the hosts to ACM are still there.
    for (const host of Object.values(MOVED))
      expect(
        records.some(({ name }) => (name as string).includes(`.${host}`)),
        host,
      ).to.equal(true);
    await expectNoChange();
  });
});

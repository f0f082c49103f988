import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { RESOURCE_TYPES } from "../../../policies/facts/resourceTypes";
import { Account } from "./account";
import { Faults } from "./faults";
import { SimulatedAws } from "./simulatedAws";
import { FILLED } from "./defaults";

const DATABASE = "aws:rds/instance:Instance";
const LOG_GROUP = "aws:cloudwatch/logGroup:LogGroup";
const CERTIFICATE = "aws:acm/certificate:Certificate";

describe("the simulated AWS", () => {
  const folder = mkdtempSync(join(tmpdir(), "iaso-simulated-"));
  let accounts = 0;
  let account: Account;
  let aws: SimulatedAws;

  beforeEach(() => {
    accounts += 1;
    account = new Account(join(folder, `${accounts}.json`));
    const place = { accountId: "123456789012", region: "eu-central-1" };
    aws = new SimulatedAws(account, new Faults(undefined, account, () => undefined), place);
  });
  after(() => {
    rmSync(folder, { recursive: true });
  });

  for (const [type, { name: named }] of Object.entries(RESOURCE_TYPES)) {
    if (named === undefined) continue;
    const { property } = named;
    it(`generates a name for ${type} if the program sets none, and keeps it`, () => {
      const { [property]: name, ...rest } = aws.check(type, "web", {}, { tags: {} });
      expect(name).to.match(/^web-[0-9a-f]{7}$/);
      const defaults = FILLED[type];
      const filled = defaults && { ...defaults, __defaults: Object.keys(defaults) };
      expect(rest).to.deep.equal({ tags: {}, ...filled });
      expect(aws.check(type, "web", {}, {})[property]).not.to.equal(name);
      expect(aws.check(type, "web", { [property]: name }, {})[property]).to.equal(name);
      expect(aws.check(type, "web", { [property]: name }, { [property]: "own" })).to.deep.equal({
        [property]: "own",
        ...filled,
      });
    });
  }

  it("creates the missing log groups of a database", async () => {
    const name = (log: string) => `/aws/rds/instance/iaso/${log}`;
    const own = { name: name("postgresql"), retentionInDays: 90 };
    await aws.create(LOG_GROUP, "own", own);
    const enabledCloudwatchLogsExports = ["postgresql", "upgrade"];
    await aws.create(DATABASE, "database", { identifier: "iaso", enabledCloudwatchLogsExports });
    expect(account.ofType(LOG_GROUP).map(({ id, inputs }) => [id, inputs])).to.deep.equal([
      [name("postgresql"), own],
      [name("upgrade"), { name: name("upgrade") }],
    ]);
    const refused = await aws.create(LOG_GROUP, "late", { name: name("upgrade") }).catch(String);
    expect(refused).to.include("ResourceAlreadyExistsException");
  });

  it("validates two certificates of a host with the same record", async () => {
    const inputs = { domainName: "web.example.org", validationMethod: "DNS" };
    const made = [await aws.create(CERTIFICATE, "web", inputs), await aws.create(CERTIFICATE, "web", inputs)];
    expect(made[0]?.id).not.to.equal(made[1]?.id);
    expect(made[0]?.state.domainValidationOptions).to.deep.equal(made[1]?.state.domainValidationOptions);
  });

  it("compares an update with the account, and changes nothing if it refuses it", async () => {
    const olds = { identifier: "iaso", engineVersion: "16" };
    const { id, state } = await aws.create(DATABASE, "database", olds);
    const known = { inputs: olds, state };
    const upgraded = { ...olds, engineVersion: "17" };
    const refused = await aws.update(DATABASE, "database", id, known, upgraded, []).catch(String);
    expect(refused).to.include("AllowMajorVersionUpgrade");
    expect(account.find(DATABASE, id)?.inputs).to.deep.equal(olds);
    // A person has upgraded it meanwhile.
    account.put({ type: DATABASE, id, inputs: upgraded, state: upgraded });
    expect(await aws.update(DATABASE, "database", id, known, upgraded, [])).to.include({
      engineVersion: "17",
    });
  });

  it("ignores storage that has grown by itself", () => {
    const changed = (was: number, is: number, maxAllocatedStorage?: number) => {
      const [olds, news] = [was, is].map((allocatedStorage) => ({ allocatedStorage, maxAllocatedStorage }));
      return aws.diff(DATABASE, "database", { inputs: olds!, state: olds! }, news!, []).changed;
    };
    expect(changed(60, 50, 500)).to.deep.equal([]);
    expect(changed(50, 60, 500)).to.deep.equal(["allocatedStorage"]);
    expect(changed(60, 50)).to.deep.equal(["allocatedStorage"]);
    expect(changed(60, 50, 50)).to.deep.equal(["allocatedStorage"]);
  });
});
